"""Lock files of either kind: which wheel of each package is taken, and where it is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.utils import NormalizedName

from resolver_check.errors import UsageError
from resolver_check.sources import open_source
from resolver_check.sources.locked_wheels import Locked, LockedWheels, NotTaken, choose
from resolver_check.sources.pylock_file import read_pylock
from resolver_check.sources.requirements_file import HashedRequirement, read_requirements
from resolver_check.sources.wheel_source import WheelSource
from resolver_check.target import Target

_PYPI: Final = "https://pypi.org/simple/"
_LARGEST: Final = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """What of one lock file is taken."""

    source: WheelSource
    """Where its wheels are read."""
    taken: tuple[Locked | NotTaken, ...]


def open_lock(path: Path, target: Target, index: str | None, *, offline: bool = False) -> Lock:
    """The lock in a pylock.toml, which ends in `.toml`, or in a requirements file with hashes.

    Of the index at `index` those files are taken that have a hash of the lock; None: what is at the
    URLs of a pylock.toml, and of a requirements file what PyPI has. Raises UsageError,
    SourceUnavailable.
    """
    data = _content(path)
    if path.suffix == ".toml":
        taken = read_pylock(data, path, target)
        if index is None:
            wheels = [each for each in taken if isinstance(each, Locked)]
            return Lock(source=LockedWheels(str(path), wheels, offline=offline), taken=taken)
        source = open_source(index, offline=offline)
        return Lock(source=source, taken=tuple(_elsewhere(each, source, target) for each in taken))
    pinned = _pinned(read_requirements(data, str(path)), str(path), target)
    source = open_source(index or _PYPI, offline=offline)
    return Lock(
        source=source,
        taken=tuple(
            choose(each.name, each.version, each.hashes, source, target) for each in pinned
        ),
    )


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{path}: {(error.strerror or type(error).__name__).lower()}") from error
    if len(data) > _LARGEST:
        raise UsageError(f"{path}: is too large for a lock file")
    return data


def _elsewhere(each: Locked | NotTaken, source: WheelSource, target: Target) -> Locked | NotTaken:
    if isinstance(each, NotTaken):
        return each
    of = each.reference
    return choose(of.name, of.version, each.hashes, source, target)


def _pinned(
    requirements: tuple[HashedRequirement, ...], file: str, target: Target
) -> Iterator[HashedRequirement]:
    """Those whose marker holds. Raises UsageError for what is there twice, as pip does."""
    found: dict[NormalizedName, HashedRequirement] = {}
    for each in requirements:
        if not target.applies(each.requirement):
            continue
        other = found.setdefault(each.name, each)
        if other is not each:
            raise UsageError(f"{file}:{each.line}: {each.name} is in line {other.line}, too")
    yield from found.values()
