"""A rebuild plan as fromager reads it: its build order in two parts, and build tags for both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from backend_shim.errors import InvalidRecord
from backend_shim.record.canonical import JSONValue
from backend_shim.record.decoding import as_object, decode_json, get_str, path_to
from resolver_check.model import Verdict
from resolver_check.plan_model import DONE, Action, PlannedWheel, RebuildPlan
from resolver_check.report.build_tags import Segment, cause_of, pin_text, segment_of
from resolver_check.wheel_reference import WheelReference

Pin: TypeAlias = "tuple[NormalizedName, Version]"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOrderEntry:
    """One build of fromager's build order."""

    pin: Pin
    fields: Mapping[str, JSONValue]
    """As fromager wrote them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrunedOrder:
    """A build order after a plan, each part in the order of the whole."""

    rebuild: tuple[BuildOrderEntry, ...]
    keep: tuple[BuildOrderEntry, ...]
    segments: Mapping[str, str]
    """Our segment of the build tag by `NAME==VERSION`, of those that have one."""


def read_build_order(data: bytes) -> tuple[BuildOrderEntry, ...]:
    """The entries of a `build-order.json`. Raises InvalidRecord."""
    entries = decode_json(data)
    if not isinstance(entries, list):
        raise InvalidRecord("$", "must be a list, as fromager's build-order.json is")
    return tuple(_entry(each, path_to("$", at)) for at, each in enumerate(entries))


def pruned_order(plan: RebuildPlan, entries: Iterable[BuildOrderEntry]) -> PrunedOrder:
    """What of `entries` is built again and what is reused.

    Reused is what the plan keeps or has built; all that it does not know is built. Of several
    wheels of one version that with the highest build tag counts, which installers take.
    """
    best = _Best(plan)
    rebuild: list[BuildOrderEntry] = []
    keep: list[BuildOrderEntry] = []
    segments: dict[str, str] = {}
    for entry in entries:
        (keep if best.is_done(entry.pin) else rebuild).append(entry)
        if segment := best.segment(entry.pin):
            segments[pin_text(*entry.pin)] = str(segment)
    return PrunedOrder(rebuild=tuple(rebuild), keep=tuple(keep), segments=segments)


def _entry(value: JSONValue, path: str) -> BuildOrderEntry:
    fields = as_object(value, path)
    name, version = get_str(fields, "dist", path), get_str(fields, "version", path)
    try:
        return BuildOrderEntry(pin=(canonicalize_name(name), Version(version)), fields=fields)
    except InvalidVersion:
        raise InvalidRecord(f"{path}.version", "is no version") from None


class _Best:
    """The wheels of a plan that installers would take, and what is left to do with them."""

    def __init__(self, plan: RebuildPlan) -> None:
        self._cause = cause_of(plan.bumps)
        self._planned = {each.reference.filename: each for each in plan.wheels}
        providers = [each for bump in plan.bumps for each in (bump.old, bump.new) if each]
        self._wheels = _highest([*providers, *(each.reference for each in plan.wheels)])

    def is_done(self, pin: Pin) -> bool:
        """Whether nothing is left to do with a wheel of `pin` that there is.

        One whose tag says that it was rebuilt for these very bumps is not rebuilt for the same
        doubt again, if nothing that it may have been built with is rebuilt, or was after it.
        """
        if pin not in self._wheels or pin in self._to_build:
            return False
        if all(each.action in DONE for each in self._judged(pin)):
            return True
        number = self._number(pin)
        return all(
            each not in self._to_build and self._number(each) <= number
            for each in self._required(pin)
        )

    def segment(self, pin: Pin) -> Segment | None:
        """That of the wheel that is kept, or what its rebuild is to have."""
        found = self._segment(pin)
        is_built = any(each.action is Action.BUILT for each in self._judged(pin))
        # What was built is not what the plan names: its tag is that which it was to get.
        if self.is_done(pin) and not is_built:
            return found
        numbers = map(self._number_to_be, self._required(pin))
        number = max([found.number + 1 if found else 1, *numbers])
        return Segment(number=number, cause=self._cause)

    @cached_property
    def _to_build(self) -> frozenset[Pin]:
        return frozenset(
            pin
            for pin in self._wheels
            if any(self._is_refused(pin, each) for each in self._judged(pin))
        )

    def _is_refused(self, pin: Pin, wheel: PlannedWheel) -> bool:
        """Whether there is more to `wheel` than a doubt that its rebuild may have answered.

        It was refuted, its build has failed, it is forced, its inputs have changed.
        """
        if wheel.action in DONE:
            return False
        if self._number(pin) == 0 or wheel.action is Action.FAILED:
            return True
        if wheel.inputs is not None and wheel.inputs.verdict is not Verdict.VALID:
            return True
        return wheel.action is Action.REBUILD and wheel.verdict is not Verdict.UNKNOWN

    def _number(self, pin: Pin) -> int:
        """That of its rebuild for these bumps; 0 where there was none."""
        segment = self._segment(pin)
        return segment.number if segment and segment.cause == self._cause else 0

    def _number_to_be(self, pin: Pin) -> int:
        """As `_number`, after this plan; of one that is built with others the least it can be."""
        if self.is_done(pin):
            return self._number(pin)
        found = self._segment(pin)
        return found.number + 1 if found else 1

    def _segment(self, pin: Pin) -> Segment | None:
        wheels = self._wheels.get(pin, ())
        return segment_of(wheels[0]) if wheels else None

    def _judged(self, pin: Pin) -> list[PlannedWheel]:
        """Without bumped providers, which nobody judges."""
        names = (each.filename for each in self._wheels.get(pin, ()))
        return [self._planned[name] for name in names if name in self._planned]

    def _required(self, pin: Pin) -> set[Pin]:
        """All that a wheel of `pin` requires or binds to, directly or not, itself left out."""
        found: set[Pin] = set()
        waiting = [pin]
        while waiting:
            for wheel in self._judged(waiting.pop()):
                names = self._planned.keys() & {*wheel.requires, *wheel.waits_for}
                fresh = {_pin(self._planned[name].reference) for name in names} - found
                found |= fresh
                waiting += fresh
        return found - {pin}


def _highest(references: Iterable[WheelReference]) -> dict[Pin, Sequence[WheelReference]]:
    """The wheels with the highest build tag by name and version; having none is lowest."""
    best: dict[Pin, list[WheelReference]] = {}
    for each in references:
        found = best.setdefault(_pin(each), [])
        if found and each.build > found[0].build:
            found.clear()
        if not found or each.build == found[0].build:
            found.append(each)
    return dict(best)


def _pin(reference: WheelReference) -> Pin:
    return reference.name, reference.version
