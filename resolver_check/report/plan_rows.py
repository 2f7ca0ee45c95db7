"""What the page of a plan says of each wheel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from backend_shim.interfaces.reasons import Effect, Reason
from resolver_check.model import Judgement
from resolver_check.plan_model import PlannedWheel, RebuildPlan
from resolver_check.report.judgement_report import ShownReason, sentence, shown_reasons
from resolver_check.report.plan_report import blocked_text, groups, waiting_text
from resolver_check.report.sentences.listing import some

_LINKS: Final = 50
"""Of one wheel to others; where a source has all versions of all, there are thousands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Other wheels: their places in the plan, and how many more there are."""

    shown: tuple[int, ...]
    more: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One wheel."""

    wheel: PlannedWheel
    state: str
    version_rank: int
    """Place of the version among all: as text, 1.10 comes before 1.9."""
    first_reason: str
    judgements: tuple[tuple[str, str, tuple[ShownReason, ...]], ...]
    """By whom it was judged, the verdict, and why."""
    requires: Links
    waits_for: Links
    blocked_by: Links


class PlanRows:
    """The rows, and what they have in common."""

    def __init__(self, plan: RebuildPlan) -> None:
        self._level = plan.level
        self.place = {each.reference.filename: at for at, each in enumerate(plan.wheels)}
        """By file name."""
        self._called = {
            each.reference.filename: f"{each.reference.name} {each.reference.version}"
            for each in plan.wheels
        }
        self._state = {name: key for key, names in groups(plan).items() for name in names}
        versions = sorted({each.reference.version for each in plan.wheels})
        self._ranks = {version: rank for rank, version in enumerate(versions)}
        bumped = (wheel for bump in plan.bumps for wheel in (bump.old, bump.new) if wheel)
        self._bumped = {wheel.filename for wheel in bumped}
        self.rows = tuple(self._row(each) for each in plan.wheels)
        self.notes = tuple(
            dict.fromkeys(
                sentence(reason, plan.level)
                for each in plan.wheels
                for _, judgement in _judgements(each)
                for reason in judgement.general
                if self._is_common(reason)
            )
        )
        """On the bumped wheels: the same for all that were judged by them."""

    def _row(self, each: PlannedWheel) -> Row:
        filename = each.reference.filename
        return Row(
            wheel=each,
            state=self._state[filename],
            version_rank=self._ranks[each.reference.version],
            first_reason=self._first_reason(each),
            judgements=tuple(
                (about, judgement.verdict.value, self._reasons(judgement))
                for about, judgement in _judgements(each)
            ),
            requires=self._links(each.requires),
            waits_for=self._links(each.waits_for),
            blocked_by=self._links(each.blocked_by),
        )

    def _is_common(self, reason: Reason) -> bool:
        about = getattr(reason, "wheel", None)
        return reason.effect is Effect.NOTE and about in self._bumped

    def _reasons(self, judgement: Judgement) -> tuple[ShownReason, ...]:
        own = tuple(each for each in judgement.general if not self._is_common(each))
        return tuple(shown_reasons(replace(judgement, general=own), self._level))

    def _first_reason(self, each: PlannedWheel) -> str:
        """What the wheel's state comes from, in one line."""
        if each.log:
            return each.log
        if each.blocked_by:
            return blocked_text(self._some(each.blocked_by))
        if each.waits_for:
            return waiting_text(self._some(each.waits_for))
        for _, judgement in _judgements(each):
            if judgement.verdict is each.verdict and judgement.decisive:
                return sentence(judgement.decisive[0], self._level)
        return "no reason is given"

    def _some(self, filenames: Iterable[str]) -> str:
        return some(self._called[each] for each in filenames)

    def _links(self, filenames: Iterable[str]) -> Links:
        places = tuple(self.place[each] for each in filenames)
        return Links(shown=places[:_LINKS], more=len(places[_LINKS:]))


def _judgements(each: PlannedWheel) -> list[tuple[str, Judgement]]:
    inputs = [("build inputs", each.inputs)] if each.inputs is not None else []
    return [*each.judgements, *inputs]
