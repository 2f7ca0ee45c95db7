"""Facts are a JSON object that cannot change."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend_shim.record.facts import Facts

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
OBJECT = st.dictionaries(st.text(), JSON, max_size=4)


@given(OBJECT)
def test_they_give_back_what_they_were_made_of(value: dict[str, Any]) -> None:
    facts = Facts(value)
    assert facts.thaw() == value
    assert Facts(facts.thaw()) == facts
    assert list(facts) == sorted(value)
    assert len(facts) == len(value)


@given(OBJECT)
def test_they_are_hashable_and_travel(value: dict[str, Any]) -> None:
    facts = Facts(value)
    again = pickle.loads(pickle.dumps(facts))
    assert again == facts
    assert hash(again) == hash(facts)
    assert hash(Facts(dict(reversed(value.items())))) == hash(facts)


def test_nothing_in_them_changes() -> None:
    inner = [1]
    facts = Facts({"a": inner, "b": {"c": inner}})
    inner.append(2)
    facts.thaw()["a"] = 3
    assert facts["a"] == (1,)
    assert facts["b"] == Facts({"c": [1]})
    with pytest.raises(TypeError):
        facts["a"] = 1  # type: ignore[index]


@pytest.mark.parametrize("value", [1.5, b"x", {1}, object(), [1.5], {"a": b"x"}])
def test_what_is_no_json_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        Facts({"a": value})


def test_they_show_what_they_hold() -> None:
    assert repr(Facts({"b": [None], "a": 1})) == "Facts({'a': 1, 'b': (None,)})"
