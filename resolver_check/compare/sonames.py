"""The rule where only sonames and version nodes are known, as rpm and `elfdeps` list them.

A library that is gone, or that no longer defines a version it is asked for, refuses the consumer.
Nothing else can be concluded: a symbol without version may be missing, a struct may have grown, and
what a consumer takes otherwise than by linking (NumPy's C API, Cython's functions) is not listed at
all. So the verdict is never `valid`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

from backend_shim.interfaces.linking.platform_libraries import (
    is_platform_library,
    may_be_platform_library,
)
from backend_shim.interfaces.linking.reasons import (
    SonameMayBeMissing,
    SonameMissing,
    VersionsLost,
)
from backend_shim.interfaces.reasons import Binding, Effect, Reason
from resolver_check.compare.judgement import verdict_of
from resolver_check.model import EvidenceLevel, Judgement

INTERFACE: Final = "linking"


class NamedVersion(NamedTuple):
    """A soname, and a version node of that library; an empty one is the library itself."""

    soname: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a wheel or a directory provides and requires by soname."""

    name: str
    """What to call it."""
    provides: frozenset[NamedVersion] = frozenset()
    requires: frozenset[NamedVersion] = frozenset()

    @property
    def sonames(self) -> frozenset[str]:
        """The libraries that it provides."""
        return frozenset(each.soname for each in self.provides)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlySonamesListed(Reason):
    """Of some side nothing is known but sonames and version nodes."""

    kind: ClassVar[str] = "only-sonames-listed"
    effect: ClassVar[Effect] = Effect.OPEN
    listings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionNodeMissing(Reason):
    """The library no longer defines a version that the consumer needs; the loader refuses it."""

    kind: ClassVar[str] = "version-node-missing"
    effect: ClassVar[Effect] = Effect.REFUSES
    object: str
    soname: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SonamesPresent(Reason):
    """Every library and version node that the old provider gave is in the new one."""

    kind: ClassVar[str] = "sonames-present"
    effect: ClassVar[Effect] = Effect.NOTE
    sonames: tuple[str, ...]


def judge_listings(
    consumer: Listing,
    old: Listing,
    new: Listing,
    *,
    level: EvidenceLevel,
    listings: Iterable[str],
) -> Judgement:
    """The judgement by sonames alone; `listings` names those of the three that are no wheels."""
    taken = [
        each
        for each in sorted(consumer.requires & old.provides | _of_sonames(consumer, old))
        if not is_platform_library(each.soname, "elf")
    ]
    reasons: list[Reason] = list(dict.fromkeys(_refusals(consumer.name, taken, new)))
    if taken and not reasons:
        sonames = tuple(sorted({each.soname for each in taken}))
        reasons.append(SonamesPresent(sonames=sonames))
    bindings = (Binding(interface=INTERFACE, reasons=tuple(reasons)),) if reasons else ()
    general = (OnlySonamesListed(listings=tuple(listings)),)
    return Judgement(
        verdict=verdict_of(bindings, general, level), bindings=bindings, general=general
    )


def _of_sonames(consumer: Listing, old: Listing) -> frozenset[NamedVersion]:
    """The libraries themselves, where a listing has only their versions."""
    wanted = {each.soname for each in consumer.requires} & old.sonames
    return frozenset(NamedVersion(soname, "") for soname in wanted)


def _refusals(consumer: str, taken: Iterable[NamedVersion], new: Listing) -> Iterator[Reason]:
    for each in taken:
        if each.soname not in new.sonames:
            is_perhaps = may_be_platform_library(each.soname, "elf")
            kind = SonameMayBeMissing if is_perhaps else SonameMissing
            yield kind(object=consumer, soname=each.soname)
        elif each.version and each not in new.provides:
            if any(other.version for other in new.provides if other.soname == each.soname):
                yield VersionNodeMissing(object=consumer, soname=each.soname, version=each.version)
            else:
                # A library without any version definitions is accepted by most loaders.
                yield VersionsLost(object=consumer, soname=each.soname)
