"""What is done with judged wheels, whatever they are; single facts: `spec/vectors/plans.json`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name
from packaging.version import Version

from resolver_check.graph.settling import Built, arranged
from resolver_check.graph.waves import reachable
from resolver_check.model import Judgement, Verdict
from resolver_check.plan_model import DONE, Action, PlannedWheel
from resolver_check.wheel_reference import WheelReference

NUMPY = canonicalize_name("numpy")
NAMES = "abcdef"
_SETS = st.frozensets(st.sampled_from(NAMES), max_size=3)
_GRAPHS = st.fixed_dictionaries(dict.fromkeys(NAMES, _SETS))
_VERDICTS = st.fixed_dictionaries(
    dict.fromkeys(NAMES, st.sampled_from([Verdict.VALID, Verdict.VALID, *Verdict]))
)
_OUTCOMES = st.dictionaries(
    st.sampled_from(NAMES), st.one_of(st.just("no"), st.sampled_from(Verdict))
)


def wheel(name: str, verdict: Verdict) -> PlannedWheel:
    """A wheel with one judgement."""
    return PlannedWheel(
        reference=WheelReference(
            name=canonicalize_name(name),
            version=Version("1"),
            build=(),
            tags=frozenset(),
            filename=name,
            location=f"/{name}",
        ),
        action=Action.KEEP,
        judgements=((NUMPY, Judgement(verdict=verdict)),),
    )


@dataclass
class Told:
    """The builds of an example: whoever binds to a built wheel gets the verdict on that."""

    binds: Mapping[str, Collection[str]]
    outcomes: Mapping[str, str | Verdict]

    def outcome(self, wheel: str) -> Built | str | None:
        found = self.outcomes.get(wheel)
        if isinstance(found, Verdict):
            return Built(path=wheel, judgements=((NUMPY, Judgement(verdict=found)),))
        return found

    def bound_to(self, provider: str, consumers: Collection[str]) -> list[str]:
        return [name for name in consumers if provider in self.binds[name]]

    def judged_with(self, provider: str, consumers: Collection[str]) -> dict[str, Judgement]:
        found = self.outcomes[provider]
        assert isinstance(found, Verdict)
        return {
            name: Judgement(verdict=found if provider in self.binds[name] else Verdict.VALID)
            for name in consumers
        }


@given(requires=_GRAPHS, binds=_GRAPHS, verdicts=_VERDICTS, outcomes=_OUTCOMES)
def test_nothing_is_kept_that_binds_to_what_is_still_to_be_done(
    requires: dict[str, frozenset[str]],
    binds: dict[str, frozenset[str]],
    verdicts: dict[str, Verdict],
    outcomes: dict[str, str | Verdict],
) -> None:
    wheels = {name: wheel(name, verdict) for name, verdict in verdicts.items()}
    planned, _ = arranged(wheels, requires, Told(binds, outcomes))
    action = {each.reference.filename: each.action for each in planned}
    for each in planned:
        name = each.reference.filename
        bound = reachable(name, requires) & binds[name]
        left = {other for other in bound if action[other] not in DONE}
        if each.action is Action.KEEP:
            assert verdicts[name] is Verdict.VALID
            assert not left
        if each.action is Action.CONDITIONAL:
            assert set(each.waits_for) == left
        assert (each.action in (Action.BUILT, Action.FAILED)) <= (name in outcomes)


@given(requires=_GRAPHS, binds=_GRAPHS, verdicts=_VERDICTS, outcomes=_OUTCOMES)
def test_the_waves_hold_what_is_left_in_an_order_in_which_it_can_be_done(
    requires: dict[str, frozenset[str]],
    binds: dict[str, frozenset[str]],
    verdicts: dict[str, Verdict],
    outcomes: dict[str, str | Verdict],
) -> None:
    wheels = {name: wheel(name, verdict) for name, verdict in verdicts.items()}
    planned, waves = arranged(wheels, requires, Told(binds, outcomes))
    wave_of = {each.reference.filename: each.wave for each in planned}
    ordered = [name for wave in waves for unit in wave for name in unit]
    assert sorted(ordered) == sorted(name for name, wave in wave_of.items() if wave)
    failed = {each.reference.filename for each in planned if each.action is Action.FAILED}
    for each in planned:
        assert (each.wave is None) == (each.action in DONE)
        behind = reachable(each.reference.filename, requires)
        for other in behind & set(ordered):
            assert each.wave is None or (wave_of[other] or 0) <= each.wave
        assert set(each.blocked_by) == (behind & failed if each.wave else set())


@given(requires=_GRAPHS, binds=_GRAPHS, verdicts=_VERDICTS, outcomes=_OUTCOMES)
def test_the_order_of_the_source_means_nothing(
    requires: dict[str, frozenset[str]],
    binds: dict[str, frozenset[str]],
    verdicts: dict[str, Verdict],
    outcomes: dict[str, str | Verdict],
) -> None:
    told = Told(binds, outcomes)
    wheels = {name: wheel(name, verdict) for name, verdict in verdicts.items()}
    one, waves = arranged(wheels, requires, told)
    other, other_waves = arranged(dict(reversed(wheels.items())), requires, told)
    assert waves == other_waves
    assert {(each.reference.filename, each.action, each.verdict) for each in one} == {
        (each.reference.filename, each.action, each.verdict) for each in other
    }


def test_a_wheel_that_was_built_is_no_longer_judged_itself() -> None:
    asked: list[tuple[str, str]] = []

    class Asked(Told):
        def judged_with(self, provider: str, consumers: Collection[str]) -> dict[str, Judgement]:
            asked.extend((provider, name) for name in consumers)
            return super().judged_with(provider, consumers)

    told = Asked({"c": "ab"}, dict.fromkeys("abc", Verdict.UNKNOWN))
    verdicts = {"a": Verdict.UNKNOWN, "b": Verdict.UNKNOWN, "c": Verdict.VALID}
    wheels = {name: wheel(name, verdict) for name, verdict in verdicts.items()}
    planned, _ = arranged(wheels, {"c": "ab"}, told)
    assert {each.reference.filename: each.action for each in planned}["c"] is Action.BUILT
    assert asked == [("b", "c")]
