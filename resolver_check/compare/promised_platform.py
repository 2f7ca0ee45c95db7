"""What the platform tags of a wheel promise, held against what its binaries need.

As for the other tags, what is found is a note: it decides nothing about a bump.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from packaging.tags import Tag

from backend_shim.errors import InvalidRecord
from backend_shim.interfaces.platform_floor import GLIBC, MUSL, NAME, PlatformFloor, numbers
from backend_shim.interfaces.reasons import Effect, Reason

_MANYLINUX: Final = re.compile(r"manylinux_(\d{1,4})_(\d{1,4})_.*", re.ASCII)
# PEP 600, "Legacy manylinux tags".
_LEGACY: Final = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
# What the tags of PEP 513, 571 and 599 allow besides ("are limited to the following maximum");
# PEP 600 leaves it to the distributions of that time.
_OTHER_LIMITS: Final = {
    (2, 5): {"CXXABI": "1.3.1", "GLIBCXX": "3.4.9", "GCC": "4.2.0"},
    (2, 12): {"CXXABI": "1.3.3", "GLIBCXX": "3.4.13", "GCC": "4.5.0"},
    (2, 17): {"CXXABI": "1.3.7", "GLIBCXX": "3.4.19", "GCC": "4.8.0"},
}
_VERSION: Final = re.compile(r"\d{1,4}(?:\.\d{1,4}){0,3}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformTagTooOld(Reason):
    """The tag promises systems that do not have what the binaries need."""

    kind: ClassVar[str] = "platform-tag-too-old"
    effect: ClassVar[Effect] = Effect.NOTE
    tag: str
    promised: str
    needed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherLibcPromised(Reason):
    """The tag promises systems with another libc than the binaries are linked to."""

    kind: ClassVar[str] = "other-libc-promised"
    effect: ClassVar[Effect] = Effect.NOTE
    tag: str
    libc: str


def broken_platform_promises(tags: Iterable[Tag], floor: PlatformFloor) -> Iterator[Reason]:
    """Where a platform tag promises more than the binaries keep; raises InvalidRecord."""
    for platform in sorted({tag.platform for tag in tags}):
        expected = MUSL if platform.startswith("musllinux") else GLIBC
        if floor.libc not in (None, expected) and platform.startswith(("musllinux", "manylinux")):
            yield OtherLibcPromised(tag=platform, libc=floor.libc or "")
        promised = _promised(platform)
        if promised is None:
            continue
        limits = {"GLIBC": "{}.{}".format(*promised), **_OTHER_LIMITS.get(promised, {})}
        for kind, needed in floor.versions:
            if kind in limits and _checked(needed) > numbers(limits[kind]):
                yield PlatformTagTooOld(
                    tag=platform, promised=f"{kind}_{limits[kind]}", needed=f"{kind}_{needed}"
                )


def _promised(platform: str) -> tuple[int, int] | None:
    """The oldest glibc of the systems that a tag names."""
    if match := _MANYLINUX.fullmatch(platform):
        return int(match[1]), int(match[2])
    return _LEGACY.get(platform.partition("_")[0])


def _checked(version: str) -> tuple[int, ...]:
    if not _VERSION.fullmatch(version):
        raise InvalidRecord(f"$.{NAME}.versions", f"{version[:40]!r} is no version")
    return numbers(version)
