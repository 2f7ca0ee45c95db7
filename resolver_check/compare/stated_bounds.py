"""What METADATA demands of a provider, held against what is known of its versions."""

from __future__ import annotations

import enum
from collections.abc import Collection
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from backend_shim.interfaces.proposed_bounds import Bound

_CAPS = ("<", "<=", "==", "===", "~=")


class Finding(str, enum.Enum):
    """How METADATA compares to the binaries."""

    FITS = "fits"
    TOO_LOOSE = "too-loose"
    """It admits a version that is refused: an environment with it crashes."""
    TOO_TIGHT = "too-tight"
    """It excludes a version that is known to fit."""
    NOT_KNOWN = "not-known"
    """It admits a version of which nothing is known."""
    NOT_REQUIRED = "not-required"
    """It does not require the provider, so nothing is demanded of its version."""
    NOT_BOUND = "not-bound"
    """The binaries do not touch the provider, so nothing follows for its version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedBounds:
    """The comparison; versions ascend."""

    finding: Finding
    stated: str | None
    """The specifier set of METADATA; None where it has no requirement of the provider."""
    refused: tuple[Version, ...] = ()
    """Admitted, and known to be invalid."""
    unknown: tuple[Version, ...] = ()
    """Admitted, and not known."""
    needless: tuple[Version, ...] = ()
    """Excluded, and known to be valid; newer than all that is admitted they are `capped`."""
    capped: tuple[Version, ...] = ()
    """A policy of the project may ask for an upper cap, so it is only noted."""


def compare_bounds(
    stated: SpecifierSet | None,
    *,
    fits: Collection[Version],
    refused: Collection[Version],
    unknown: Collection[Version],
) -> StatedBounds:
    """METADATA's `stated` against versions by what is known of them."""
    if stated is None:
        return StatedBounds(finding=Finding.NOT_REQUIRED, stated=None)
    crash, open_ = _admitted(stated, refused), _admitted(stated, unknown)
    fine = _admitted(stated, fits)
    excluded = sorted(set(fits) - set(fine))
    newest = max((*crash, *open_, *fine), default=None)
    has_cap = any(each.operator in _CAPS for each in stated)
    capped = [each for each in excluded if has_cap and newest is not None and each > newest]
    needless = [each for each in excluded if each not in capped]
    if crash:
        finding = Finding.TOO_LOOSE
    elif open_ or not fine:
        finding = Finding.NOT_KNOWN
    else:
        finding = Finding.TOO_TIGHT if needless else Finding.FITS
    return StatedBounds(
        finding=finding,
        stated=str(stated),
        refused=crash,
        unknown=open_,
        needless=tuple(needless),
        capped=tuple(capped),
    )


def _admitted(stated: SpecifierSet, versions: Collection[Version]) -> tuple[Version, ...]:
    return tuple(sorted(each for each in versions if stated.contains(each, prereleases=True)))


def compare_with_bound(stated: SpecifierSet | None, bound: Bound | None) -> StatedBounds:
    """METADATA's `stated` against what follows from the wheel alone.

    Whether there is a version that `stated` admits and `bound` does not, only an index can tell.
    """
    if stated is None:
        return StatedBounds(finding=Finding.NOT_REQUIRED, stated=None)
    if bound is None:
        return StatedBounds(finding=Finding.NOT_KNOWN, stated=str(stated))
    demanded = SpecifierSet(",".join(bound.specifiers))
    beyond = [each for each in _admitted(stated, _probes(stated, demanded)) if each not in demanded]
    is_known = bound.is_enough and not beyond
    return StatedBounds(
        finding=Finding.FITS if is_known else Finding.NOT_KNOWN,
        stated=str(stated),
        unknown=tuple(beyond),
    )


def _probes(*sets: SpecifierSet) -> set[Version]:
    """Versions that tell the sets apart: those that they name, one above each, and far out."""
    found = {Version("0"), Version("9999")}
    for each in sets:
        for specifier in each:
            if specifier.operator == "===":  # of text that need be no version
                continue
            named = Version(specifier.version.removesuffix(".*"))
            numbers = [*named.release[:-1], named.release[-1] + 1]
            found |= {named, Version(f"{named.epoch}!{'.'.join(map(str, numbers))}")}
    return found
