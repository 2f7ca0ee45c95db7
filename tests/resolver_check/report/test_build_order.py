"""A plan prunes fromager's build order, and names what it builds anew."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from backend_shim.errors import InvalidRecord
from resolver_check.model import Judgement, Verdict
from resolver_check.plan_model import Action, PlannedWheel
from resolver_check.report.build_order import (
    BuildOrderEntry,
    PrunedOrder,
    pruned_order,
    read_build_order,
)
from tests.support.synthetic_plan import NUMPY, TAG, plan_of, reference

TAKER = canonicalize_name("taker")


def judged(verdict: Verdict) -> Judgement:
    return Judgement(verdict=verdict)


def wheel(
    action: Action, verdict: Verdict = Verdict.VALID, *, build: str = "1", name: str = "taker"
) -> PlannedWheel:
    return PlannedWheel(
        reference=reference(name, "1.0", f"{build}-{TAG}"),
        action=action,
        judgements=((NUMPY, judged(verdict)),),
    )


def order(*pins: tuple[str, str]) -> tuple[BuildOrderEntry, ...]:
    entries = [
        {"req": name, "constraint": "", "dist": name, "version": version, "prebuilt": False}
        for name, version in pins
    ]
    return read_build_order(json.dumps(entries).encode())


def pruned(*wheels: PlannedWheel) -> PrunedOrder:
    return pruned_order(plan_of(*wheels), order(("taker", "1.0")))


def segment_of(*wheels: PlannedWheel) -> str:
    return pruned(*wheels).segments["taker==1.0"]


REBUILT = f"1_{segment_of(wheel(Action.REBUILD, Verdict.UNKNOWN))}"
"""The build tag of a wheel that was rebuilt for the bump of these tests."""


@pytest.mark.parametrize(
    ("action", "is_kept"),
    [
        (Action.KEEP, True),
        (Action.BUILT, True),
        (Action.REBUILD, False),
        (Action.CONDITIONAL, False),
        (Action.FAILED, False),
    ],
)
def test_an_entry_is_kept_only_where_nothing_is_left_to_do(action: Action, is_kept: bool) -> None:
    made = pruned(wheel(action, Verdict.UNKNOWN))
    assert (len(made.keep), len(made.rebuild)) == (is_kept, not is_kept)


def test_what_the_plan_does_not_know_is_built() -> None:
    strangers = (("stranger", "1.0"), ("taker", "2.0"), ("numpy", "2.1.0"))
    made = pruned_order(plan_of(wheel(Action.KEEP)), order(*strangers))
    assert made.keep == ()
    assert [each.pin for each in made.rebuild] == [
        (canonicalize_name(name), Version(version)) for name, version in strangers
    ]


def test_a_bumped_provider_is_kept_where_there_is_a_wheel_of_it() -> None:
    entries = order(("numpy", "2.0.2"), ("numpy", "1.26.4"))
    assert pruned_order(plan_of(), entries).keep == entries
    (bump,) = plan_of().bumps
    without = replace(plan_of(), bumps=(replace(bump, new=None),))
    assert pruned_order(without, entries).rebuild == entries[:1]


def test_names_and_versions_are_compared_as_such() -> None:
    plan = plan_of(wheel(Action.KEEP, name="under_score"))
    assert len(pruned_order(plan, order(("Under.Score", "1.0.0"))).keep) == 1


def test_both_parts_have_the_order_and_all_fields_of_the_whole() -> None:
    plan = plan_of(
        *(wheel(Action.KEEP, name=name) for name in ("a", "c")),
        *(wheel(Action.REBUILD, name=name) for name in ("d", "b")),
    )
    whole = [
        {"dist": name, "version": "1.0", "source_url": f"https://x/{name}", "later": [1, None]}
        for name in "dcba"
    ]
    made = pruned_order(plan, read_build_order(json.dumps(whole).encode()))
    assert [each.fields for each in made.rebuild] == [whole[0], whole[2]]
    assert [each.fields for each in made.keep] == [whole[1], whole[3]]


def test_of_several_builds_that_counts_which_installers_take() -> None:
    good, bad = wheel(Action.KEEP, build="10"), wheel(Action.REBUILD, build="9")
    assert len(pruned(bad, good).keep) == 1
    good, bad = wheel(Action.KEEP, build="9"), wheel(Action.REBUILD, build="10")
    assert len(pruned(bad, good).keep) == 0
    untagged = replace(bad, reference=reference("taker", "1.0"))
    assert len(pruned(untagged, good).keep) == 1


def test_two_wheels_of_one_build_are_both_to_be_good() -> None:
    other = reference("taker", "1.0", "1-cp310-abi3-manylinux_2_28_x86_64")
    bad = replace(wheel(Action.REBUILD), reference=other)
    assert len(pruned(wheel(Action.KEEP), bad).keep) == 0


def test_a_rebuild_has_a_tag_of_its_own() -> None:
    segment = segment_of(wheel(Action.REBUILD))
    assert segment.startswith("abi001.")
    again = segment_of(wheel(Action.REBUILD, Verdict.INVALID, build=f"1_{segment}"))
    assert again == segment.replace("abi001", "abi002")


def test_a_kept_wheel_keeps_the_tag_it_has() -> None:
    assert segment_of(wheel(Action.KEEP, build="3_abi007.0123abcd")) == "abi007.0123abcd"
    assert segment_of(wheel(Action.KEEP, build="3_cpu_abi007.0123abcd")) == "abi007.0123abcd"
    assert pruned(wheel(Action.KEEP)).segments == {}
    assert pruned(wheel(Action.KEEP, build="3_cpu")).segments == {}


def test_a_wheel_that_was_built_has_the_tag_that_it_was_to_get() -> None:
    for build in ("1", "1_abi001.00000000", REBUILT):
        built, planned = wheel(Action.BUILT, build=build), wheel(Action.REBUILD, build=build)
        assert segment_of(built) == segment_of(planned)


def test_a_doubt_that_a_rebuild_has_answered_is_no_reason_for_another() -> None:
    assert len(pruned(wheel(Action.REBUILD, Verdict.UNKNOWN, build=REBUILT)).keep) == 1
    assert len(pruned(wheel(Action.CONDITIONAL, build=REBUILT)).keep) == 1
    for_another = "1_abi001.00000000"
    assert len(pruned(wheel(Action.REBUILD, Verdict.UNKNOWN, build=for_another)).keep) == 0


def test_any_other_reason_rebuilds_what_was_rebuilt() -> None:
    refuted = wheel(Action.REBUILD, Verdict.INVALID, build=REBUILT)
    forced = wheel(Action.REBUILD, Verdict.VALID, build=REBUILT)
    failed = wheel(Action.FAILED, Verdict.UNKNOWN, build=REBUILT)
    other_inputs = replace(
        wheel(Action.REBUILD, Verdict.UNKNOWN, build=REBUILT), inputs=judged(Verdict.UNKNOWN)
    )
    for each in (refuted, forced, failed, other_inputs):
        assert len(pruned(each).keep) == 0, each


GIFT = f"gift-1.0-{REBUILT}-{TAG}.whl"
PLAIN = f"plain-1.0-1-{TAG}.whl"


def chain(gift: PlannedWheel, *, build: str = REBUILT) -> dict[str, bool]:
    """Whether taker is kept, rebuilt as `build`, that requires plain, that requires `gift`."""
    plain = replace(wheel(Action.KEEP, name="plain"), requires=(gift.reference.filename,))
    taker = replace(wheel(Action.REBUILD, Verdict.UNKNOWN, build=build), requires=(PLAIN,))
    names = (("gift", "1.0"), ("plain", "1.0"), ("taker", "1.0"))
    made = pruned_order(plan_of(gift, plain, taker), order(*names))
    kept = {each.pin[0] for each in made.keep}
    numbers = {pin: int(text[3:6]) for pin, text in made.segments.items()}
    assert numbers["taker==1.0"] >= numbers["gift==1.0"]
    return {name: name in kept for name, _ in names}


def test_what_a_rebuild_was_built_with_is_as_it_was_then() -> None:
    gift = wheel(Action.REBUILD, Verdict.UNKNOWN, name="gift", build=REBUILT)
    assert chain(gift) == {"gift": True, "plain": True, "taker": True}


def test_what_is_rebuilt_anew_is_a_doubt_anew() -> None:
    forced = wheel(Action.REBUILD, Verdict.VALID, name="gift", build=REBUILT)
    assert chain(forced) == {"gift": False, "plain": True, "taker": False}


def test_what_was_rebuilt_later_is_a_doubt_anew() -> None:
    """An interrupted run: gift came out, taker did not."""
    later = REBUILT.replace("abi001", "abi002")
    gift = wheel(Action.KEEP, name="gift", build=later)
    assert chain(gift) == {"gift": True, "plain": True, "taker": False}
    assert chain(gift, build=later) == {"gift": True, "plain": True, "taker": True}


def test_a_rebuild_has_no_lower_number_than_what_it_is_built_with() -> None:
    """Else the next plan would take that for rebuilt later."""
    gift = wheel(Action.REBUILD, name="gift", build="1_abi005.00000000")
    taker = replace(wheel(Action.REBUILD), requires=(gift.reference.filename,))
    made = pruned_order(plan_of(gift, taker), order(("taker", "1.0")))
    assert made.segments["taker==1.0"].startswith("abi006.")


def test_wheels_that_require_each_other_are_answered_together() -> None:
    a = wheel(Action.REBUILD, Verdict.UNKNOWN, name="a", build=REBUILT)
    b = wheel(Action.REBUILD, Verdict.UNKNOWN, name="b", build=REBUILT)
    a = replace(a, requires=(b.reference.filename,))
    b = replace(b, requires=(a.reference.filename,))
    assert len(pruned_order(plan_of(a, b), order(("a", "1.0"), ("b", "1.0"))).keep) == 2


def test_a_wheel_that_waits_for_one_that_is_rebuilt_is_rebuilt() -> None:
    gift = wheel(Action.REBUILD, Verdict.INVALID, name="gift", build=REBUILT)
    taker = replace(wheel(Action.CONDITIONAL, build=REBUILT), waits_for=(GIFT,))
    made = pruned_order(plan_of(gift, taker), order(("gift", "1.0"), ("taker", "1.0")))
    assert [each.pin[0] for each in made.rebuild] == ["gift", "taker"]
    assert len(set(made.segments.values())) == 1


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"{}", "$"),
        (b"[1]", "$[0]"),
        (b'[{"dist": "a"}]', "$[0].version"),
        (b'[{"version": "1"}]', "$[0].dist"),
        (b'[{"dist": "a", "version": "1"}, {"dist": "a", "version": "one"}]', "$[1].version"),
        (b'[{"dist": "a", "version": 1}]', "$[0].version"),
    ],
)
def test_what_is_no_build_order_is_refused(data: bytes, where: str) -> None:
    with pytest.raises(InvalidRecord) as refused:
        read_build_order(data)
    assert refused.value.path == where
