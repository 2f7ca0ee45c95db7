"""Whether the loader still gets to the libraries that an object needs of a provider."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from backend_shim.interfaces.linking.facts import Need
from backend_shim.interfaces.linking.platform_libraries import may_be_platform_library
from backend_shim.interfaces.linking.provided import ProvidedLibraries
from backend_shim.interfaces.linking.reasons import (
    CompatibilityLower,
    GraftedLibraryNeeded,
    LibraryMoved,
    NewlyProvided,
    ProviderNeedsLess,
    ProviderNeedsMore,
    SonameMayBeMissing,
    SonameMissing,
    VersionsLost,
)
from backend_shim.interfaces.reasons import Reason


def library_reasons(
    need: Need, before: ProvidedLibraries, after: ProvidedLibraries
) -> Iterator[Reason]:
    """What may keep the loader from libraries that either version has."""
    for name in need.needed:
        old, new = before.named(name, need), after.named(name, need)
        if old and not new:
            yield _soname_reason(need, name)
        elif new and not old:
            yield NewlyProvided(object=need.path, soname=name)
        elif old and new:
            if all(each.is_grafted for each in (*old, *new)):
                yield GraftedLibraryNeeded(object=need.path, soname=name)
            then, now = before.directories(name, need), after.directories(name, need)
            if not then & now:
                yield LibraryMoved(soname=name, old=tuple(sorted(then)), new=tuple(sorted(now)))


def _soname_reason(need: Need, name: str) -> Reason:
    if may_be_platform_library(name, need.format):
        return SonameMayBeMissing(object=need.path, soname=name)
    return SonameMissing(object=need.path, soname=name)


def reach_reasons(
    need: Need,
    before: ProvidedLibraries,
    after: ProvidedLibraries,
    *,
    takes_from_elsewhere: bool,
) -> Iterator[Reason]:
    """What loading the provider's libraries loads besides, and no longer loads.

    `takes_from_elsewhere`: the object imports what the old provider's libraries do not define.
    """
    old, new = before.reach(need), after.reach(need)
    if more := new.outside - old.outside:
        yield ProviderNeedsMore(sonames=tuple(sorted(more)))
    # What the object does not find in the provider it may find in what that brings in.
    less = (old.outside - new.outside) | (old.grafted - new.grafted)
    if less and takes_from_elsewhere:
        yield ProviderNeedsLess(object=need.path, sonames=tuple(sorted(less)))


def version_reasons(need: Need, after: ProvidedLibraries) -> Iterator[Reason]:
    """Versions of libraries that some loaders refuse.

    glibc before 2.41 asserts that a library has `.gnu.version` if a version of it is referenced
    (elf/dl-lookup.c, check_match). dyld up to macOS 11 (dyld-852, ImageLoader.cpp: "Incompatible
    library version") refuses a compatibility version below the one recorded, dyld 4 does not look
    at it (JustInTimeLoader.cpp).
    """
    versioned = {each.library for each in need.imports if each.version is not None}
    for name in need.needed:
        lost = any(each.versions is None for each in after.named(name, need))
        if need.format == "elf" and name in versioned and lost:
            yield VersionsLost(object=need.path, soname=name)
    for name, required in need.compatibility:
        for each in after.named(name, need):
            offered = _newest(each.versions)
            if _numbers(offered) < _numbers(required):
                yield CompatibilityLower(
                    object=need.path, library=name, required=required, offered=offered
                )


def _newest(versions: Iterable[str] | None) -> str:
    return next(iter(versions or ()), "0.0.0")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) if _is_number(part) else 0 for part in version.split("."))


def _is_number(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) < 10
