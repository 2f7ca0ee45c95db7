"""The rule for wheels that may share types: one registry, and a type that both know."""

from __future__ import annotations

from typing import Any

import pytest

from backend_shim.errors import InvalidRecord
from backend_shim.interfaces.provider import Provider, nothing_of
from backend_shim.interfaces.reasons import Effect, Evidence
from backend_shim.interfaces.shared_types import (
    ANY_ID,
    MAX_TYPES,
    TypesMayBeShared,
    TypesNoLongerShared,
    bindings,
    registered,
)
from backend_shim.record.facts import Facts
from tests.support.binding_factory import provider


def facts(ids: str, types: list[str] | None) -> Facts:
    return Facts({"ids": ids.split(), "types": types})


def side(ids: str | None, types: list[str] | None = None) -> Provider:
    return provider(provided={"r": facts(ids, types)} if ids is not None else {})


APART: list[str] = []
NOTHING, MAY, NO_LONGER = ["no-type-in-common"], ["types-may-be-shared"], ["types-no-longer-shared"]


@pytest.mark.parametrize(
    ("ours", "old", "new", "kinds"),
    [
        (("v4", ["1A"]), ("v4", ["1B"]), ("v4", ["1C"]), NOTHING),
        (("v4", ["1A"]), ("v4", ["1A"]), ("v4", ["1A"]), MAY),
        (("v4", ["1A"]), ("v4", ["1B"]), ("v4", ["1A"]), MAY),
        (("v4", ["1A"]), ("v4", ["1A"]), ("v4", ["1B"]), MAY),
        (("v4", ["1A"]), ("v5", ["1A"]), ("v5", ["1A"]), APART),
        (("v4", ["1A"]), ("v4", ["1A"]), ("v5", ["1A"]), NO_LONGER),
        (("v4", ["1A"]), ("v4", ["1A"]), (None, None), NO_LONGER),
        (("v4", ["1A"]), ("v5", ["1A"]), ("v4", ["1A"]), MAY),
        (("v4", ["1A"]), ("v4", ["1B"]), ("v5", ["1B"]), NOTHING),
        (("v4", ["1A"]), (None, None), (None, None), APART),
        (("v4", ["1A"]), (None, None), ("v4", ["1B"]), NOTHING),
        (("v4 conduit", ["1A"]), ("v5 conduit", ["1A"]), ("v6 conduit", ["1A"]), MAY),
        (("v4 conduit", ["1A"]), ("v5", ["1A"]), ("v6", ["1A"]), APART),
        (("*", ["1A"]), ("v5", ["1A"]), ("v6", ["1A"]), MAY),
        (("v4", ["1A"]), ("*", ["1A"]), ("v6", ["1A"]), NO_LONGER),
        (("v4", None), ("v4", ["1B"]), ("v4", ["1B"]), MAY),
        (("v4", ["1A"]), ("v4", None), ("v4", ["1B"]), MAY),
        (("v4", ["1A"]), ("v4", ["1B"]), ("v4", None), MAY),
        (("v4", []), ("v4", ["1B"]), ("v4", ["1B"]), NOTHING),
    ],
)  # fmt: skip
def test_a_type_is_shared_through_one_registry_only(
    ours: tuple[str, list[str] | None],
    old: tuple[str | None, list[str] | None],
    new: tuple[str | None, list[str] | None],
    kinds: list[str],
) -> None:
    found = bindings("r", facts(*ours), side(*old), side(*new))
    assert [reason.kind for each in found for reason in each.reasons] == kinds
    assert all(each.interface == "r" and not each.declarations for each in found)


def test_only_that_nothing_is_shared_is_evidence() -> None:
    old = side("v4", ["1A", "1B"])
    ((shared,),) = [each.reasons for each in bindings("r", facts("v4", ["1B", "1A"]), old, old)]
    assert isinstance(shared, TypesMayBeShared)
    assert shared.types == ("1A", "1B")
    assert shared.effect is Effect.OPEN
    ((lost,),) = [each.reasons for each in bindings("r", facts("v4", ["1A"]), old, side("v5", []))]
    assert isinstance(lost, TypesNoLongerShared)
    assert lost.ids == ("v5",)
    assert lost.effect is Effect.OPEN
    ((none,),) = [each.reasons for each in bindings("r", facts("v4", ["1C"]), old, old)]
    assert none.evidence is Evidence.NO_BINDING


def test_a_new_provider_without_an_older_one_is_enough() -> None:
    new = side("v4", ["1A"])
    ((shared,),) = [
        each.reasons for each in bindings("r", facts("v4", ["1A"]), nothing_of(new), new)
    ]
    assert shared.kind == "types-may-be-shared"


def test_more_types_than_can_be_compared_are_not_listed() -> None:
    most = [f"{number:04}" for number in range(MAX_TYPES)]
    assert registered({"v4"}, most) == {"ids": ["v4"], "types": most}
    assert registered({"v4"}, [*most, "x"]) == {"ids": ["v4"], "types": None}
    assert registered({"v4"}, [*most, *most]) == {"ids": ["v4"], "types": most}
    assert registered(set(), None) == {"ids": [ANY_ID], "types": None}
    assert registered(set(), ()) == {"ids": [ANY_ID], "types": []}


def test_long_names_are_cut_and_stay_different() -> None:
    names = ["N" + "x" * 100 + end for end in "EF"]
    found: Any = registered({"v4"}, names)
    assert len(set(found["types"])) == 2
    assert all(len(each) <= 64 for each in found["types"])
    assert found == registered({"v4"}, reversed(names))


@pytest.mark.parametrize(
    "wrong",
    [{}, {"ids": [1], "types": []}, {"ids": ["v4"], "types": [1]}, {"ids": ["v4"], "types": 1},
     {"ids": None, "types": []}],
)  # fmt: skip
def test_wrong_facts_are_refused(wrong: dict[str, Any]) -> None:
    right = side("v4", ["1A"])
    with pytest.raises(InvalidRecord):
        bindings("r", Facts(wrong), right, right)
    with pytest.raises(InvalidRecord):
        bindings("r", facts("v4", []), provider(provided={"r": Facts(wrong)}), right)
