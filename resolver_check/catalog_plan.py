"""The plan of a farm from a catalog: as `plan` makes it, without opening what is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from packaging.utils import NormalizedName

from backend_shim.errors import InvalidRecord
from backend_shim.fingerprinting import collector_paused
from resolver_check.catalog_bound import BoundByCatalog
from resolver_check.catalog_graph import Required, RequiredBy
from resolver_check.catalog_reach import CatalogBump
from resolver_check.columns import Mask, Numbers
from resolver_check.conditional import Rules
from resolver_check.errors import UsageError
from resolver_check.graph.large_graph import Components, components, wave_numbers
from resolver_check.model import Judgement, Verdict
from resolver_check.plan import resolve
from resolver_check.plan_model import (
    ALL,
    Action,
    NotReached,
    PlannedWheel,
    RebuildPlan,
    RequestedBump,
)
from resolver_check.scan.consumer import CataloguedWheel
from resolver_check.sources import open_source, place_of
from resolver_check.sources.catalog import Catalog
from resolver_check.sources.catalog_selection import CatalogWheel
from resolver_check.sources.catalog_traces import TracedSelection
from resolver_check.target import Target
from resolver_check.wheel_reference import WheelReference, release_order


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogQuestion:
    """What a plan from a catalog is asked, beside the rules."""

    requests: Sequence[RequestedBump]
    target: Target
    source: str | None = None
    """None: the only one of the catalog."""
    newest_only: bool = False
    forced: frozenset[str] = frozenset()
    lists_all: bool = False
    """Also wheels that the bumps do not reach."""
    reads_wheels: bool = False
    """Where the catalog does not say enough the wheel is opened, where it lies."""
    is_offline: bool = False


@collector_paused()
def plan_from_catalog(catalog: Catalog, question: CatalogQuestion, rules: Rules) -> RebuildPlan:
    """The plan for the wheels of one source of `catalog`, none of which is opened unasked.

    Opened are the wheels of the bumps, where they lie; without them nothing but wheels without
    binaries is kept. Raises SourceUnavailable, UsageError.
    """
    with catalog.snapshot():
        return _plan(catalog, question, rules)


def _plan(catalog: Catalog, question: CatalogQuestion, rules: Rules) -> RebuildPlan:
    place = None if question.source is None else place_of(question.source)
    selection = TracedSelection(catalog, place, question.target.tags)
    listed = _listed(selection, question.requests)
    bumps = [
        CatalogBump(selection, resolve(request, listed), rules, question.target)
        for request in question.requests
    ]
    if question.newest_only:
        selection.leave_out_older()
    for request in question.requests:
        selection.leave_out(request.name)
    # Credentials stand in the location that was typed, and in no catalog.
    opened = open_source(question.source or selection.location, offline=question.is_offline)
    with closing(opened) as source, ExitStack() as stack:
        for each in bumps:
            each.open(source, stack, reads_wheels=question.reads_wheels)
        planned = _Planned(selection, bumps, _forced(selection, question.forced))
        planned.judge_reached(lists_all=question.lists_all)
        planned.settle(RequiredBy(selection, question.target))
    return RebuildPlan(
        target=question.target,
        level=rules.level,
        bumps=tuple(each.bump for each in bumps),
        wheels=planned.wheels,
        waves=planned.waves,
        skipped=(),
        not_reached=planned.not_reached,
    )


class _Planned:
    """The plan as far as it has come, by the numbers of wheels."""

    def __init__(
        self, selection: TracedSelection, bumps: Sequence[CatalogBump], forced: Mask
    ) -> None:
        self._selection = selection
        self._bumps = bumps
        self._forced = forced
        self._reached = forced.copy()
        for each in bumps:
            self._reached |= each.reached
        self._judged: dict[int, _JudgedWheel] = {}
        self._rebuilt = selection.none()
        self.wheels: tuple[PlannedWheel, ...] = ()
        """In the order of a source."""
        self.waves: tuple[tuple[tuple[str, ...], ...], ...] = ()

    @property
    def not_reached(self) -> NotReached:
        """Of those that are not listed."""
        left = ~self._listed()
        return NotReached(
            pure=int((self._selection.pure & left).sum()),
            unbound=int((self._selection.binary & left).sum()),
        )

    def _listed(self) -> Mask:
        """Those that were judged."""
        listed = self._selection.none()
        listed[list(self._judged)] = True
        return listed

    def judge_reached(self, *, lists_all: bool) -> None:
        self._judge(self._selection.chosen if lists_all else self._reached)

    def settle(self, behind: RequiredBy) -> None:
        """Say who is conditional, and in which waves all is to be done."""
        behind.walk(np.flatnonzero(self._rebuilt))
        graph = behind.graph
        order = components(graph)
        waits_for = BoundByCatalog(self._selection, behind, order, self._rebuilt).waits_for()
        conditional = self._selection.none()
        conditional[list(waits_for)] = True
        self._judge(conditional & ~self._listed())
        ordered = sorted(self._judged.values(), key=lambda each: release_order(each.reference))
        names = {each.number: each.reference.filename for each in ordered}
        wanted = np.zeros(graph.count, dtype=np.bool_)
        wanted[np.flatnonzero(self._rebuilt | conditional)] = True
        wave_of = wave_numbers(order, wanted)
        self.waves = _spelled(wave_of, order, names)
        required = Required(graph, names)
        self.wheels = tuple(
            PlannedWheel(
                reference=each.reference,
                action=Action.CONDITIONAL if each.number in waits_for else each.action,
                judgements=each.judgements,
                requires=required.by(each.number),
                waits_for=(names[waits_for[each.number]],) if each.number in waits_for else (),
                wave=int(wave_of[each.number]) or None,
            )
            for each in ordered
        )

    def _judge(self, wheels: Mask) -> None:
        names = [each.bump.request.name for each in self._bumps]
        is_reached, is_binary = self._reached.tobytes(), self._selection.binary.tobytes()
        kept = [
            tuple((each.bump.request.name, each.not_reached(is_pure=pure)) for each in self._bumps)
            for pure in (True, False)
        ]
        for wheel in self._selection.wheels(np.flatnonzero(wheels)):
            number, action = wheel.number, Action.KEEP
            if is_reached[number]:
                read = partial(self._consumer, wheel)
                found = [each.judge(wheel, read) for each in self._bumps]
                judgements = tuple(zip(names, found, strict=True))
                if self._forced[number] or any(each.verdict is not Verdict.VALID for each in found):
                    action = Action.REBUILD
                    self._rebuilt[number] = True
            else:
                judgements = kept[is_binary[number]]
            self._judged[number] = _JudgedWheel(number, wheel.reference, action, judgements)

    def _consumer(self, wheel: CatalogWheel) -> CataloguedWheel | None:
        try:
            body = self._selection.body(wheel.number)
        except InvalidRecord:
            return None
        if body is None:
            return None
        return CataloguedWheel(wheel.reference, body, is_recorded=wheel.is_recorded)


class _JudgedWheel(NamedTuple):
    number: int
    reference: WheelReference
    action: Action
    judgements: tuple[tuple[NormalizedName, Judgement], ...]


def _spelled(
    wave_of: Numbers, order: Components, names: Mapping[int, str]
) -> tuple[tuple[tuple[str, ...], ...], ...]:
    """The waves by file names; what depends on each other is one unit."""
    units: dict[tuple[int, int], list[str]] = {}
    for node in np.flatnonzero(wave_of).tolist():
        units.setdefault((int(wave_of[node]), int(order.of[node])), []).append(names[node])
    waves: list[list[tuple[str, ...]]] = [[] for _ in range(int(wave_of.max(initial=0)))]
    for (wave, _), unit in units.items():
        waves[wave - 1].append(tuple(sorted(unit)))
    return tuple(tuple(sorted(wave)) for wave in waves)


def _listed(
    selection: TracedSelection, requests: Sequence[RequestedBump]
) -> Mapping[NormalizedName, Sequence[WheelReference]]:
    return {
        each.name: tuple(wheel.reference for wheel in selection.of_project(each.name))
        for each in requests
        if selection.has_project(each.name)
    }


def _forced(selection: TracedSelection, names: frozenset[str]) -> Mask:
    """The wheels of the projects `names`, or all. Raises UsageError for a project without any."""
    if ALL in names:
        return selection.chosen
    found = {name: selection.selected_of(name) for name in names}
    if strangers := sorted(name for name, wheels in found.items() if not wheels.any()):
        raise UsageError(f"no wheel of {', '.join(strangers)} is planned, which --force names")
    forced = selection.none()
    for wheels in found.values():
        forced |= wheels
    return forced
