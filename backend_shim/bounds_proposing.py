"""A built wheel with its records -> the bounds on providers that follow, said or written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Final

from backend_shim.errors import ConfigurationError
from backend_shim.fingerprinting import recorded_fingerprint
from backend_shim.interfaces.proposed_bounds import Bound, proposed_bounds
from backend_shim.record.build_inputs import BuildInputs
from backend_shim.wheel.archive import WheelArchive
from backend_shim.wheel.requires_dist import narrowed
from backend_shim.wheel.rewrite import add_dist_info_files

_METADATA: Final = "METADATA"
_MAX_METADATA: Final = 16 << 20


def bounds_of(wheel: Path, build_inputs: BuildInputs) -> tuple[Bound, ...]:
    """What follows for the providers of `wheel`, which has its records. Raises InvalidWheel."""
    with WheelArchive.open(wheel) as archive:
        fingerprint = recorded_fingerprint(archive)
    if fingerprint is None:
        return ()
    return proposed_bounds(
        fingerprint, {each.name: each.version for each in build_inputs.requirements}
    )


def write_bounds(wheel: Path, bounds: Sequence[Bound], source: Path) -> bool:
    """Narrow METADATA of `wheel`, built from the tree `source`, by `bounds`; False: it has them.

    Raises ConfigurationError where `source` is an sdist that promises what wheels require, and as
    `add_dist_info_files` does; the wheel is then as it was.
    """
    with WheelArchive.open(wheel) as archive:
        before = archive.read(f"{archive.dist_info}/{_METADATA}")
    after = narrowed(before, {each.provider: each.specifiers for each in bounds})
    if after == before:
        return False
    _refuse_static(source / "PKG-INFO")
    add_dist_info_files(wheel, {_METADATA: after})
    return True


def _refuse_static(package_info: Path) -> None:
    """Raises ConfigurationError where an sdist fixes Requires-Dist.

    PEP 643: "If a field is not marked as Dynamic, then the value of the field in any wheel built
    from the sdist MUST match the value in the sdist", from Metadata-Version 2.2 on.
    """
    if not package_info.is_file():
        return
    with package_info.open("rb") as file:
        fields = BytesHeaderParser().parsebytes(file.read(_MAX_METADATA))
    version = re.fullmatch(r"(\d+)\.(\d+)", str(fields.get("Metadata-Version", "")).strip())
    dynamic = {str(each).strip().lower() for each in fields.get_all("Dynamic", [])}
    if version and (int(version[1]), int(version[2])) >= (2, 2) and "requires-dist" not in dynamic:
        raise ConfigurationError(
            "[tool.wheel-abi] propose-bounds",
            "the sdist does not mark Requires-Dist as Dynamic, so no wheel of it may change that",
        )
