"""One provider of a wheel: what is known of its versions, and what METADATA says."""

from __future__ import annotations

from dataclasses import dataclass

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from backend_shim.interfaces.proposed_bounds import Bound
from resolver_check.compare.stated_bounds import Finding, StatedBounds
from resolver_check.compare.version_ranges import ProviderRange, narrowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """What is known of one provider: by an index, by the wheel alone, by METADATA."""

    provider: NormalizedName
    found: ProviderRange | None
    """None: no index was asked, or it has no wheel of it for the target."""
    bound: Bound | None
    """What follows from the wheel alone."""
    stated: StatedBounds
    trouble: str | None
    """Why nothing is known by an index."""

    @property
    def specifier(self) -> SpecifierSet | None:
        """What admits the versions that are known to fit; None: none is, or any may do."""
        if self.stated.finding is Finding.NOT_BOUND:
            return None
        known = None if self.found is None else self.found.specifier
        is_exact = known is not None and any(each.operator == "==" for each in known)
        if known is not None and self.bound is not None and not is_exact:
            return narrowed(known, self.bound.specifiers)
        if self.found is None and self.bound is not None and self.bound.is_enough:
            return SpecifierSet(",".join(self.bound.specifiers))
        return known


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """Those of one wheel, by name of the provider."""

    pins: tuple[Pin, ...] = ()
    not_asked: tuple[NormalizedName, ...] = ()
    """What else it may bind to, as only an index could tell."""
