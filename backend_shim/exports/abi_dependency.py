"""What of a fingerprint can be said as `abi_dependency` properties of wheel variants (PEP 817).

PEP 817, "ABI Dependency Variant Namespace": `abi_dependency :: NAME :: X.Y` says that the wheel
works with every release that `==X.Y.*` takes. It selects wheels and is no evidence: what is gained
from it back is less than what went in.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from backend_shim.interfaces import cpython, platform_floor, torch
from backend_shim.interfaces.proposed_bounds import Bound, proposed_bounds
from backend_shim.record.build_inputs import BuildInputs
from backend_shim.record.canonical import JSONValue
from backend_shim.record.fingerprint import AbiFingerprint

NAMESPACE: Final = "abi_dependency"

_NUMBER: Final = r"(?:0|[1-9][0-9]*)"
_SERIES: Final = re.compile(rf"==({_NUMBER}(?:\.{_NUMBER}){{0,2}})(\.\*)?", re.ASCII)
_NOT_A_DISTRIBUTION: Final = frozenset({cpython.NAME, platform_floor.NAME})
_ANY_RELEASE: Final = {torch.PROVIDER: "0"}


class Why(str, enum.Enum):
    """Why there is no property for what a wheel requires."""

    NO_SERIES = "no-series"
    """The facts are names, signatures, layouts or symbols, and of no series of releases."""
    RANGE = "range"
    """They bound the releases and do not name a series."""
    NOT_EXPRESSIBLE = "not-expressible"
    """The release has more than three numbers, an epoch, or is a pre-, post- or local one."""
    NOT_ENOUGH = "not-enough"
    """The series is necessary, and not known to be enough."""
    NO_BUILD_INPUTS = "no-build-inputs"
    """It depends on what the wheel was built with, which is not recorded."""
    NOT_A_DISTRIBUTION = "not-a-distribution"
    """An interpreter or a platform, which compatibility tags name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """What a wheel requires by `interface` and no property says."""

    interface: str
    why: Why
    requirement: str | None = None
    """The bound that is not expressed (PEP 508)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """The properties of a wheel, sorted, and what they leave out."""

    properties: tuple[str, ...]
    left_out: tuple[LeftOut, ...]

    def as_json(self) -> JSONValue:
        """The document that is exported."""
        return {
            "properties": [*self.properties],
            "left_out": [
                {
                    "interface": each.interface,
                    "why": each.why.value,
                    **({"requirement": each.requirement} if each.requirement else {}),
                }
                for each in self.left_out
            ],
        }


def project(fingerprint: AbiFingerprint, inputs: BuildInputs | None) -> Projection:
    """The projection of a wheel; None for `inputs`: its build inputs are not known.

    Raises InvalidRecord for facts that have not the shape of their interface.
    """
    named = inputs.requirements if inputs else ()
    # What was edited in place is not the release of that version, whatever it calls itself.
    built = {each.name: each.version for each in named if not each.is_editable}
    properties: list[str] = []
    left_out: list[LeftOut] = []
    bounds = proposed_bounds(fingerprint, built)
    for bound in bounds:
        found = property_of(bound.provider, bound.specifiers)
        if not isinstance(found, Why) and not bound.is_enough:
            found = Why.NOT_ENOUGH
        if isinstance(found, Why):
            left_out.append(
                LeftOut(interface=bound.interface, why=found, requirement=bound.requirement)
            )
        else:
            properties.append(found)
    unbound = {each.interface for each in fingerprint.requires}
    unbound -= {bound.interface for bound in bounds}
    needing = {bound.interface: bound for bound in proposed_bounds(fingerprint, _ANY_RELEASE)}
    left_out += [
        LeftOut(interface=each, why=_why_unbound(each, needing.get(each), built))
        for each in unbound
    ]
    return Projection(
        properties=tuple(sorted(properties)),
        left_out=tuple(sorted(left_out, key=lambda each: each.interface)),
    )


def property_of(provider: str, specifiers: Sequence[str]) -> str | Why:
    """The property for the releases of `provider` (a normalized name) that all `specifiers` take.

    One release is written with three numbers, the narrowest there is: PEP 817 takes `2.0` for
    2.0 and for 2.0.1. Features are `[a-z0-9_]+`, while normalized names have hyphens, which the PEP
    does not resolve: `_` stands for `-`, and no normalized name has it.
    """
    only = specifiers[0] if len(specifiers) == 1 else ""
    if not only.startswith("=="):
        return Why.RANGE
    match = _SERIES.fullmatch(only)
    if match is None:
        return Why.NOT_EXPRESSIBLE
    numbers = match[1].split(".")
    if match[2] is None:
        numbers += ["0"] * (3 - len(numbers))
    return f"{NAMESPACE} :: {provider.replace('-', '_')} :: {'.'.join(numbers)}"


def _why_unbound(interface: str, with_release: Bound | None, built: Mapping[str, str]) -> Why:
    """Why there is no bound; `with_release` is the one that there is if a release is known."""
    if interface in _NOT_A_DISTRIBUTION:
        return Why.NOT_A_DISTRIBUTION
    if with_release is None:
        return Why.NO_SERIES
    return Why.NOT_EXPRESSIBLE if with_release.provider in built else Why.NO_BUILD_INPUTS
