"""What is to be done with judged wheels, and in which waves; it asks, and reads nothing itself.

Design: verdicts, "From verdicts to a plan".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias

from packaging.utils import NormalizedName

from resolver_check.graph.waves import reachable, waves
from resolver_check.model import Judgement, Verdict
from resolver_check.plan_model import DONE, Action, PlannedWheel

Waves: TypeAlias = tuple[tuple[tuple[str, ...], ...], ...]
Requires: TypeAlias = Mapping[str, Collection[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A wheel that was built in the place of one of the plan."""

    path: str
    judgements: tuple[tuple[NormalizedName, Judgement], ...]
    """On itself, by the provider's name."""

    @property
    def is_no_better(self) -> bool:
        """It was built with an old provider after all."""
        return any(each.verdict is Verdict.INVALID for _, each in self.judgements)


class Builds(Protocol):
    """What is known of builds so far. A wheel is named by its file name in the plan."""

    def outcome(self, wheel: str) -> Built | str | None:
        """What was built for it, why nothing was, or None: nobody has tried yet."""

    def bound_to(self, provider: str, consumers: Collection[str]) -> Collection[str]:
        """Those of `consumers` that bind to `provider`, or for which that cannot be told."""

    def judged_with(self, provider: str, consumers: Collection[str]) -> Mapping[str, Judgement]:
        """Each of `consumers` judged with what was built for `provider`."""


def arranged(
    judged: Mapping[str, PlannedWheel],
    requires: Requires,
    builds: Builds,
    *,
    forced: Collection[str] = (),
) -> tuple[tuple[PlannedWheel, ...], Waves]:
    """The wheels `judged`, each with what is to be done with it, and the waves of what is left.

    `requires` names for each wheel those that it requires directly; the projects `forced` are
    rebuilt whatever is judged.
    """
    planned = {name: replace(each, action=_wanted(each, forced)) for name, each in judged.items()}
    kept = [name for name, each in planned.items() if each.action is Action.KEEP]
    behind = {name: reachable(name, requires) for name in kept}
    settling = _Settling(planned=planned, behind=behind, builds=builds)
    settling.meet_built()
    settling.wait_for_others()
    return _in_waves({name: settling.as_built(name) for name in planned}, requires)


def _wanted(wheel: PlannedWheel, forced: Collection[str]) -> Action:
    """What is to be done with it, for what the bumps alone mean for it."""
    if wheel.verdict is Verdict.VALID and wheel.reference.name not in forced:
        return Action.KEEP
    return Action.REBUILD


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settling:
    """Carries on what is rebuilt to those that require it, and were to be kept so far."""

    planned: dict[str, PlannedWheel]
    behind: Mapping[str, frozenset[str]]
    """By wheel that the bumps alone do not touch, all that it requires."""
    builds: Builds
    outcomes: dict[str, Built | str | None] = field(default_factory=dict)

    def meet_built(self) -> None:
        """Judge whoever requires a wheel that was built with that wheel.

        Where it came out with its interface nobody behind it has to be built (early cutoff).
        """
        waiting = self._in_state(Action.REBUILD)
        while waiting:
            provider = waiting.pop()
            if not self._is_replaced(provider):
                continue
            name = self.planned[provider].reference.name
            # Also who another one broke meanwhile: of several verdicts the worst counts.
            consumers = [
                each
                for each, behind in self.behind.items()
                if provider in behind and not self._is_rebuilt(each)
            ]
            for consumer, judgement in self.builds.judged_with(provider, consumers).items():
                each = self.planned[consumer]
                each = replace(each, judgements=(*each.judgements, (name, judgement)))
                if each.action is Action.KEEP and judgement.verdict is not Verdict.VALID:
                    each = replace(each, action=Action.REBUILD)
                    waiting.append(consumer)
                self.planned[consumer] = each

    def wait_for_others(self) -> None:
        """Make conditional whoever binds to a wheel that is still to be built, or conditional."""
        kept = self._in_state(Action.KEEP)
        waits_for: dict[str, set[str]] = {}
        waiting = [name for name in self._in_state(Action.REBUILD) if not self._is_replaced(name)]
        while waiting:
            provider = waiting.pop()
            consumers = [name for name in kept if provider in self.behind[name]]
            for name in self.builds.bound_to(provider, consumers):
                if name not in waits_for:
                    # It may come out with another interface itself.
                    waiting.append(name)
                waits_for.setdefault(name, set()).add(provider)
        for name, providers in waits_for.items():
            self.planned[name] = replace(
                self.planned[name], action=Action.CONDITIONAL, waits_for=tuple(sorted(providers))
            )

    def _in_state(self, action: Action) -> list[str]:
        return sorted(name for name, each in self.planned.items() if each.action is action)

    def _is_replaced(self, name: str) -> bool:
        """Whether a wheel was built in its place that is better."""
        outcome = self._outcome(name)
        return isinstance(outcome, Built) and not outcome.is_no_better

    def _is_rebuilt(self, name: str) -> bool:
        """Whether a wheel was built in its place, so that judgements on itself no longer count."""
        is_wanted = self.planned[name].action is Action.REBUILD
        return is_wanted and isinstance(self._outcome(name), Built)

    def as_built(self, name: str) -> PlannedWheel:
        """The wheel with what is known of its build."""
        each = self.planned[name]
        outcome = self._outcome(name) if each.action is Action.REBUILD else None
        if outcome is None:
            return each
        if isinstance(outcome, str):
            return replace(each, action=Action.FAILED, log=outcome)
        rebuilt = replace(each, action=Action.BUILT, judgements=outcome.judgements, inputs=None)
        if outcome.is_no_better:
            return replace(rebuilt, action=Action.FAILED, log=f"{outcome.path} is no better")
        return rebuilt

    def _outcome(self, name: str) -> Built | str | None:
        if name not in self.outcomes:
            self.outcomes[name] = self.builds.outcome(name)
        return self.outcomes[name]


def _in_waves(
    planned: Mapping[str, PlannedWheel], requires: Requires
) -> tuple[tuple[PlannedWheel, ...], Waves]:
    """The planned wheels with their wave, and the waves themselves."""
    open_ones = {name for name, each in planned.items() if each.action not in DONE}
    failed = {name for name, each in planned.items() if each.action is Action.FAILED}
    behind = {name: reachable(name, requires) for name in open_ones if failed}
    edges = {name: {*requires.get(name, ()), *each.waits_for} for name, each in planned.items()}
    ordered = waves(open_ones, edges)
    wave_of = {
        name: number
        for number, wave in enumerate(ordered, start=1)
        for unit in wave
        for name in unit
    }
    return tuple(
        replace(
            each,
            wave=wave_of.get(name),
            requires=tuple(sorted(requires.get(name, ()))),
            blocked_by=tuple(sorted(failed & behind.get(name, frozenset()))),
        )
        for name, each in planned.items()
    ), ordered
