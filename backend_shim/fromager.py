"""Hooks of fromager, the farm of python-wheel-build: a wheel is stamped before it is published.

fromager calls them for every package once this distribution is installed beside it (entry points of
the group `fromager.hooks`), and a failure here must not be one of the build. What of the inputs
only a build can see is recorded by the shim in a project's tree alone; the stamp keeps that, and
else makes no half of such a record.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from backend_shim.capture.build_requirements import installed_distributions, reachable_names
from backend_shim.embed import embed
from backend_shim.errors import InvalidRecord
from backend_shim.fingerprinting import recorded_fingerprint, recorded_problems
from backend_shim.wheel.archive import WheelArchive

VARIABLE: Final = "WHEEL_ABI_STAMP"
"""`built` (the default): wheels that are built here; `all`: downloaded ones as well; `none`."""

_log = logging.getLogger(__name__)


class Farm(Protocol):
    """What is needed of fromager's `WorkContext`."""

    @property
    def work_dir(self) -> Path: ...


def post_build(
    *, ctx: Farm, dist_name: str, dist_version: str, wheel_filename: Path, **_others: object
) -> None:
    """Stamp the wheel that was built, in its place, unless it carries a good record already."""
    if _is_wanted("built", "all"):
        # fromager's `unpack_source` and `BuildEnvironment`; it still stands when this is called.
        unpacked = Path(ctx.work_dir) / f"{dist_name.replace('-', '_')}-{dist_version}"
        _stamp(Path(wheel_filename), unpacked)


def prebuilt_wheel(*, wheel_filename: Path, **_others: object) -> None:
    """Stamp a wheel that somebody else built, if that is asked for: its digest is published."""
    if _is_wanted("all"):
        _stamp(Path(wheel_filename), None)


def _is_wanted(*choices: str) -> bool:
    choice = os.environ.get(VARIABLE) or "built"
    if choice not in ("built", "all", "none"):
        _log.warning("%s is %r, not built, all or none: no wheel is stamped", VARIABLE, choice)
    return choice in choices


def _stamp(wheel: Path, unpacked: Path | None) -> None:
    """Write the fingerprint into `wheel`; on any failure it is as it was, and that is said."""
    try:
        if _is_stamped(wheel):
            return
        embed(wheel, build_inputs=None, looked_for=_reachable(unpacked) if unpacked else ())
    except Exception as error:
        _log.warning("no ABI fingerprint in %s: %s: %s", wheel.name, type(error).__name__, error)
    else:
        _log.info("wrote the ABI fingerprint of %s", wheel.name)


def _is_stamped(wheel: Path) -> bool:
    with WheelArchive.open(wheel) as archive:
        try:
            return recorded_fingerprint(archive) is not None and not recorded_problems(archive)
        except InvalidRecord:
            return False


def _reachable(unpacked: Path) -> frozenset[str]:
    """The names by which binaries reach what is installed where the wheel was built.

    They need not be complete: a name that was not looked for is read for again when it is asked.
    """
    return reachable_names(installed_distributions(list(_paths(unpacked)), not_in=unpacked))


def _paths(unpacked: Path) -> Iterator[str]:
    for environment in unpacked.glob("build-*"):
        for library in environment.glob("lib*/python*/site-packages"):
            yield str(library)
