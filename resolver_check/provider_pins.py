"""Each provider that a wheel binds to: what is known of its versions, and what METADATA says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from backend_shim.errors import InvalidRecord
from backend_shim.interfaces import cpython, numpy_c_api
from backend_shim.interfaces.proposed_bounds import Bound, proposed_bounds
from backend_shim.interfaces.table import interface_named
from backend_shim.record.fingerprint import AbiFingerprint
from resolver_check.check import tags_meet
from resolver_check.compare.pin import Pin, Pins
from resolver_check.compare.stated_bounds import (
    Finding,
    StatedBounds,
    compare_bounds,
    compare_with_bound,
)
from resolver_check.conditional import Rules
from resolver_check.errors import SourceUnavailable
from resolver_check.model import Verdict
from resolver_check.pins import MOST_READ, known_range
from resolver_check.scan.subject import Subject, open_subject
from resolver_check.sources.wheel_source import WheelSource
from resolver_check.target import Target
from resolver_check.wheel_reference import WheelReference, release_order


@dataclass(frozen=True, slots=True, kw_only=True)
class PinRequest:
    """What is asked of a wheel."""

    source: WheelSource | None
    target: Target
    rules: Rules
    only: tuple[NormalizedName, ...] = ()
    """Empty: every provider that it may bind to."""
    built: Mapping[NormalizedName, str] = field(default_factory=dict)
    """Versions that it was built with, where its record does not say."""
    most_read: int = MOST_READ
    """Wheels of one provider that are opened."""


def pins_of(wheel: Subject, request: PinRequest) -> Pins:
    """One for each provider that `wheel` binds to, or may.

    A provider that was asked for is there in any case. Raises InvalidWheel, SourceUnavailable.
    """
    fingerprint = wheel.fingerprint({numpy_c_api.PROVIDER})
    if fingerprint.is_purelib:
        return Pins()
    built = {str(name): its for name, its in {**request.built, **wheel.build_requirements}.items()}
    try:
        bounds = {each.provider: each for each in proposed_bounds(fingerprint, built)}
        names = request.only or _providers(wheel, fingerprint, request.target)
    except InvalidRecord as error:
        wheel.leave_record(str(error))
        return pins_of(wheel, request)
    found = [_pin(wheel, name, bounds.get(name), request) for name in sorted(names)]
    pins = tuple(each for each in found if request.only or _may_be_bound(each))
    asked = request.source is not None or request.only
    left = () if asked else tuple(each.provider for each in found if each not in pins)
    return Pins(pins=pins, not_asked=left)


def _may_be_bound(pin: Pin) -> bool:
    if pin.found is not None:
        return pin.found.is_bound
    return pin.bound is not None or pin.trouble is not None


def _providers(
    wheel: Subject, fingerprint: AbiFingerprint, target: Target
) -> frozenset[NormalizedName]:
    """Those that it requires, was compiled from, or uses an interface of; not itself."""
    names = {canonicalize_name(each.name) for each in wheel.requirements if target.applies(each)}
    for each in fingerprint.requires:
        interface = interface_named(each.interface)
        if interface is not None and interface.provider not in (None, cpython.PROVIDER):
            names.add(canonicalize_name(str(interface.provider)))
    if wheel.build_inputs is not None:
        read = (each for each in wheel.build_inputs.requirements if each.read.digests)
        names.update(canonicalize_name(each.name) for each in read)
    return frozenset(names - {wheel.name})


def _pin(wheel: Subject, name: NormalizedName, bound: Bound | None, request: PinRequest) -> Pin:
    stated = _stated(wheel.requirements, name, request.target)
    listed, trouble = _listed(name, request)
    references = _for_target(wheel, listed, request.target)
    if request.source is not None and trouble is None and not references:
        trouble = "the index has no wheel of it for this target"
    if not references or request.source is None:
        compared = compare_with_bound(stated, bound)
        return Pin(provider=name, found=None, bound=bound, stated=compared, trouble=trouble)
    admitted = [each for each in references if stated is not None and _admits(stated, each)]
    found = known_range(
        wheel,
        name,
        {version: _opener(request.source, each) for version, each in references.items()},
        request.rules,
        built=request.built.get(name),
        most_read=request.most_read,
        first=[min(admitted), max(admitted)] if admitted else (),
        # An installer may build these from their sdists.
        beside=[
            each.version
            for each in listed
            if not each.yanked and not each.version.is_prerelease and each.version not in references
        ],
    )
    if not found.is_bound:
        text = None if stated is None else str(stated)
        compared = StatedBounds(finding=Finding.NOT_BOUND, stated=text)
        return Pin(provider=name, found=found, bound=None, stated=compared, trouble=None)
    compared = compare_bounds(
        stated,
        fits=found.versions(Verdict.VALID),
        refused=found.versions(Verdict.INVALID),
        unknown=(*found.versions(Verdict.UNKNOWN), *found.not_read),
    )
    return Pin(provider=name, found=found, bound=bound, stated=compared, trouble=None)


def _listed(
    name: NormalizedName, request: PinRequest
) -> tuple[tuple[WheelReference, ...], str | None]:
    """Its wheels, and why they are not known, if so."""
    try:
        return () if request.source is None else request.source.wheels(name), None
    except SourceUnavailable as error:
        return (), str(error)


def _stated(
    requirements: Collection[Requirement], name: NormalizedName, target: Target
) -> SpecifierSet | None:
    """All that METADATA demands of `name` for the target; None if nothing, or by extras only."""
    found = [
        each.specifier
        for each in requirements
        if canonicalize_name(each.name) == name and target.applies(each)
    ]
    return None if not found else SpecifierSet(",".join(filter(None, map(str, found))))


def _for_target(
    wheel: Subject, references: Collection[WheelReference], target: Target
) -> dict[Version, WheelReference]:
    """One wheel of each version that can be beside `wheel`; of pre-releases only without others."""
    fitting = [
        each
        for each in sorted(references, key=release_order)
        if each.tags & target.tags
        and tags_meet(wheel.tags, each.tags)
        and not each.yanked
        and _is_for_python(each, target)
    ]
    final = [each for each in fitting if not each.version.is_prerelease]
    return {each.version: each for each in final or fitting}


def _is_for_python(reference: WheelReference, target: Target) -> bool:
    """Whether its Requires-Python admits the newest release of the target's series."""
    try:
        wanted = SpecifierSet(reference.requires_python or "")
    except InvalidSpecifier:
        return True
    return wanted.contains("{}.{}.99".format(*target.python))


def _opener(
    source: WheelSource, reference: WheelReference
) -> Callable[[], AbstractContextManager[Subject]]:
    return partial(open_subject, source, reference)


def _admits(stated: SpecifierSet, version: Version) -> bool:
    return stated.contains(version, prereleases=True)
