"""The plan of a farm from a catalog: as `plan` makes it, without opening what is judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial

from packaging.utils import NormalizedName

from backend_shim.errors import InvalidRecord
from backend_shim.fingerprinting import collector_paused
from resolver_check.catalog_graph import BoundByCatalog, RequiredBy
from resolver_check.catalog_reach import CatalogBump
from resolver_check.conditional import Rules
from resolver_check.errors import UsageError
from resolver_check.graph.waves import waves
from resolver_check.model import Verdict
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
        wheels=planned.in_order,
        waves=planned.waves,
        skipped=(),
        not_reached=NotReached(
            pure=len(selection.pure - planned.wheels.keys()),
            unbound=len(selection.binary - planned.wheels.keys()),
        ),
    )


class _Planned:
    """The plan as far as it has come, by the numbers of wheels."""

    def __init__(
        self, selection: TracedSelection, bumps: Sequence[CatalogBump], forced: frozenset[int]
    ) -> None:
        self._selection = selection
        self._bumps = bumps
        self._forced = forced
        self.wheels: dict[int, PlannedWheel] = {}
        self.waves: tuple[tuple[tuple[str, ...], ...], ...] = ()

    @property
    def in_order(self) -> tuple[PlannedWheel, ...]:
        """In that of a source."""
        return tuple(sorted(self.wheels.values(), key=lambda each: release_order(each.reference)))

    def judge_reached(self, *, lists_all: bool) -> None:
        reached = self._forced.union(*(each.reached for each in self._bumps))
        if lists_all:
            reached |= self._selection.pure | self._selection.binary
        self._judge(reached)

    def settle(self, behind: RequiredBy) -> None:
        """Say who is conditional, and in which waves all is to be done."""
        rebuilt = {at for at, each in self.wheels.items() if each.action is Action.REBUILD}
        behind.walk(rebuilt)
        kept = (behind.found & self._selection.binary) - rebuilt
        waits_for = BoundByCatalog(self._selection, behind).waits_for(kept, rebuilt)
        self._judge(waits_for.keys() - self.wheels.keys())
        names = {number: each.reference.filename for number, each in self.wheels.items()}
        for number, providers in waits_for.items():
            self.wheels[number] = replace(
                self.wheels[number],
                action=Action.CONDITIONAL,
                waits_for=tuple(sorted(names[each] for each in providers)),
            )
        ordered = waves(rebuilt | waits_for.keys(), behind.edges)
        self.waves = tuple(
            tuple(sorted(tuple(sorted(names[each] for each in unit)) for unit in wave))
            for wave in ordered
        )
        wave_of = {each: at for at, wave in enumerate(ordered, 1) for unit in wave for each in unit}
        for number in self.wheels.keys() & (behind.edges.keys() | wave_of.keys()):
            required = {names[one] for one in behind.required(number) if one in names}
            self.wheels[number] = replace(
                self.wheels[number],
                wave=wave_of.get(number),
                requires=tuple(sorted(required - {names[number]})),
            )

    def _judge(self, numbers: Iterable[int]) -> None:
        for wheel in self._selection.wheels(sorted(numbers)):
            read = partial(self._consumer, wheel)
            judgements = tuple(
                (each.bump.request.name, each.judge(wheel, read)) for each in self._bumps
            )
            is_kept = all(judgement.verdict is Verdict.VALID for _, judgement in judgements)
            self.wheels[wheel.number] = PlannedWheel(
                reference=wheel.reference,
                action=(
                    Action.KEEP if is_kept and wheel.number not in self._forced else Action.REBUILD
                ),
                judgements=judgements,
            )

    def _consumer(self, wheel: CatalogWheel) -> CataloguedWheel | None:
        try:
            body = self._selection.body(wheel.number)
        except InvalidRecord:
            return None
        if body is None:
            return None
        return CataloguedWheel(wheel.reference, body, is_recorded=wheel.is_recorded)


def _listed(
    selection: TracedSelection, requests: Sequence[RequestedBump]
) -> Mapping[NormalizedName, Sequence[WheelReference]]:
    return {
        each.name: tuple(wheel.reference for wheel in selection.of_project(each.name))
        for each in requests
        if selection.has_project(each.name)
    }


def _forced(selection: TracedSelection, names: frozenset[str]) -> frozenset[int]:
    """The wheels of the projects `names`, or all. Raises UsageError for a project without any."""
    if ALL in names:
        return frozenset(selection.pure | selection.binary)
    found = {name: selection.selected_of(name) for name in names}
    if strangers := sorted(name for name, wheels in found.items() if not wheels):
        raise UsageError(f"no wheel of {', '.join(strangers)} is planned, which --force names")
    return frozenset().union(*found.values())
