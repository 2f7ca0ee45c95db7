"""A graph in columns has the components and the waves of the same graph in mappings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver_check.graph import large_graph
from resolver_check.graph.large_graph import Components, Graph, components, wave_numbers
from resolver_check.graph.waves import strong_components, waves

_NODES = 12
_EDGES = st.lists(st.tuples(st.integers(0, _NODES - 1), st.integers(0, _NODES - 1)), max_size=40)


def graph_of(count: int, edges: list[tuple[int, int]]) -> Graph:
    columns = np.array(edges, dtype=np.int64).reshape(-1, 2)
    return Graph.of(count, columns[:, 0], columns[:, 1])


def as_mapping(graph: Graph) -> dict[int, list[int]]:
    return {node: graph.after(np.array([node])).tolist() for node in range(graph.count)}


def units(found: Components) -> set[frozenset[int]]:
    numbers = range(found.level.size)
    return {frozenset(found.members.after(np.array([each])).tolist()) for each in numbers}


@given(edges=_EDGES, wanted=st.frozensets(st.integers(0, _NODES - 1)))
def test_components_and_waves_are_those_of_the_mapping(
    edges: list[tuple[int, int]], wanted: frozenset[int]
) -> None:
    graph = graph_of(_NODES, edges)
    mapping = as_mapping(graph)
    assert sorted((a, b) for a, heads in mapping.items() for b in heads) == sorted(edges)
    found = components(graph)
    assert units(found) == {frozenset(unit) for unit in strong_components(mapping, mapping)}
    is_wanted = np.isin(np.arange(_NODES), list(wanted))
    numbers = wave_numbers(found, is_wanted)
    expected = waves(wanted, mapping)
    assert {node: int(numbers[node]) for node in np.flatnonzero(numbers)} == {
        node: at for at, wave in enumerate(expected, 1) for unit in wave for node in unit
    }


@given(edges=_EDGES)
def test_an_edge_leads_to_a_lower_level_or_stays_in_its_component(
    edges: list[tuple[int, int]],
) -> None:
    found = components(graph_of(_NODES, edges))
    for tail, head in edges:
        ours, theirs = found.of[tail], found.of[head]
        assert ours == theirs or found.level[ours] > found.level[theirs]
        assert ours == theirs or ours > theirs


@pytest.mark.parametrize("tries", [0, 4], ids=["one by one", "by walks"])
def test_a_large_cycle_small_ones_and_a_long_chain(
    tries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_graph, "_TRIES", tries)
    large = [(node, (node + 1) % 2000) for node in range(2000)]
    small = [edge for node in range(2000, 3000, 2) for edge in ((node, node + 1), (node + 1, node))]
    chain = [(node, node - 1) for node in range(3000, 5000)]
    found = components(graph_of(5000, [*large, *small, *chain]))
    sizes = sorted(len(each) for each in units(found))
    assert sizes == [1] * 2000 + [2] * 500 + [2000]
    assert int(found.level.max()) == 2000


def test_a_graph_without_nodes_or_edges() -> None:
    assert components(graph_of(0, [])).level.size == 0
    lonely = components(graph_of(3, []))
    assert wave_numbers(lonely, np.array([True, False, True])).tolist() == [1, 0, 1]
