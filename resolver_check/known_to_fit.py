"""Versions of providers that are known to fit what is installed: constraints for installers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from resolver_check.compare.pin import Pin
from resolver_check.compare.stated_bounds import Finding
from resolver_check.compare.version_ranges import narrowed
from resolver_check.fitting_model import Fit
from resolver_check.model import Verdict
from resolver_check.provider_pins import PinRequest, pins_of
from resolver_check.scan.subject import Subject


def constraint_lines(
    subjects: Sequence[Subject], fits: Sequence[Fit], request: PinRequest
) -> Iterator[str]:
    """A line for each provider that one of `subjects` binds to, by `fits`; by name.

    It admits versions only that all of these consumers are known to work with; where there are
    none, and of whom none are known, it is a comment. Raises InvalidWheel.
    """
    bound: dict[NormalizedName, list[NormalizedName]] = defaultdict(list)
    for each in fits:
        if each.judgement.bindings and each.is_declared:
            bound[each.consumer.name].append(each.provider.name)
    by_provider: dict[NormalizedName, list[tuple[NormalizedName, Pin]]] = defaultdict(list)
    for subject in subjects:
        if providers := tuple(bound.get(subject.name, ())):
            for pin in pins_of(subject, replace(request, only=providers)).pins:
                if pin.stated.finding is not Finding.NOT_BOUND:
                    by_provider[pin.provider].append((subject.name, pin))
    for provider, pins in sorted(by_provider.items()):
        yield from _lines(provider, pins)


def _lines(provider: NormalizedName, pins: Sequence[tuple[NormalizedName, Pin]]) -> Iterator[str]:
    for consumer, pin in pins:
        if pin.specifier is None:
            yield f"# {provider}: none is known to fit {consumer}"
    known = [(consumer, pin) for consumer, pin in pins if pin.specifier is not None]
    consumers = ", ".join(consumer for consumer, _ in known)
    if known and not frozenset[Version].intersection(*(_fitting(pin) for _, pin in known)):
        yield f"# {provider}: none is known to fit all of {consumers}"
    elif known:
        first, *others = (pin.specifier or SpecifierSet() for _, pin in known)
        together = narrowed(first, [str(each) for one in others for each in one])
        yield f"{provider}{together}  # {consumers}"


def _fitting(pin: Pin) -> frozenset[Version]:
    """The versions on the index that are known to fit, and that the wheel alone does not refuse."""
    if pin.found is None or pin.specifier is None:
        return frozenset()
    versions = pin.found.versions(Verdict.VALID)
    return frozenset(pin.specifier.filter(versions, prereleases=True))
