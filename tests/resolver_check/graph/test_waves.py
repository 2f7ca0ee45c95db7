"""Waves: whoever is in one depends on earlier ones only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver_check.graph.waves import waves


@pytest.mark.parametrize(
    ("nodes", "dependencies", "expected"),
    [
        ("", {}, ()),
        ("a", {}, ((("a",),),)),
        ("ba", {}, ((("a",), ("b",)),)),
        ("ab", {"a": "b"}, ((("b",),), (("a",),))),
        ("abcd", {"a": "bc", "b": "d", "c": "d"}, ((("d",),), (("b",), ("c",)), (("a",),))),
        ("a", {"a": "a"}, ((("a",),),)),
        ("ab", {"a": "b", "b": "a"}, ((("a", "b"),),)),
        ("abc", {"a": "b", "b": "c", "c": "b"}, ((("b", "c"),), (("a",),))),
    ],
    ids=["nothing", "one", "apart", "chain", "diamond", "itself", "cycle", "on a cycle"],
)
def test_waves_of(nodes: str, dependencies: dict[str, str], expected: object) -> None:
    assert waves(list(nodes), dependencies) == expected


def test_a_dependency_through_what_is_not_ordered_counts() -> None:
    assert waves("ac", {"a": ["x"], "x": ["y"], "y": ["c"]}) == ((("c",),), (("a",),))


def test_a_cycle_through_what_is_not_ordered_is_one_unit() -> None:
    assert waves("ac", {"a": ["x"], "x": ["c"], "c": ["a"]}) == ((("a", "c"),),)


def test_unknown_dependencies_are_no_waves_of_their_own() -> None:
    assert waves("a", {"a": ["elsewhere"], "elsewhere": ["farther"]}) == ((("a",),),)


def test_a_chain_of_many_needs_no_recursion() -> None:
    chain = {str(number): [str(number + 1)] for number in range(5000)}
    assert len(waves(list(chain), chain)) == 5000


_NAMES = "abcdefgh"
_GRAPHS = st.dictionaries(
    st.sampled_from(_NAMES), st.frozensets(st.sampled_from(_NAMES), max_size=4), max_size=8
)


@given(nodes=st.frozensets(st.sampled_from(_NAMES)), dependencies=_GRAPHS)
def test_every_dependency_is_earlier_or_in_the_same_unit(
    nodes: frozenset[str], dependencies: dict[str, frozenset[str]]
) -> None:
    ordered = waves(nodes, dependencies)
    place = {
        node: (number, unit)
        for number, wave in enumerate(ordered)
        for unit in wave
        for node in unit
    }
    assert sorted(node for wave in ordered for unit in wave for node in unit) == sorted(nodes)
    for node in nodes:
        for other in _reachable(node, dependencies) & nodes - {node}:
            same_unit = place[node][1] == place[other][1]
            assert same_unit or place[other][0] < place[node][0]
            # A unit of several is a cycle, and nothing else is.
            assert same_unit == (node in _reachable(other, dependencies))
    assert all(ordered)


@given(nodes=st.frozensets(st.sampled_from(_NAMES)), dependencies=_GRAPHS)
def test_the_order_of_the_input_means_nothing(
    nodes: frozenset[str], dependencies: dict[str, frozenset[str]]
) -> None:
    backwards = {key: sorted(dependencies[key], reverse=True) for key in reversed(dependencies)}
    assert waves(sorted(nodes), dependencies) == waves(sorted(nodes, reverse=True), backwards)


def _reachable(node: str, dependencies: dict[str, frozenset[str]]) -> frozenset[str]:
    found: set[str] = set()
    waiting = [node]
    while waiting:
        for other in dependencies.get(waiting.pop(), ()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return frozenset(found)
