"""A large directed graph in columns (compressed sparse rows), its strong components and its levels.

A node is a number from 0. What `waves` does for some thousand nodes is done here for millions:
everything goes by levels, so that the work within one is numpy's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from resolver_check.columns import Mask, Numbers, distinct
from resolver_check.graph.waves import strong_components

_HALF: Final = 32
_LOWER: Final = (1 << _HALF) - 1
# A cycle of less than this part of what may be cyclic is not worth two walks through all of it,
# and after so many nodes that lie in none there is likely none.
_LARGE: Final = 0.02
_TRIES: Final = 4


@dataclass(frozen=True, eq=False, kw_only=True)
class Graph:
    """The successors of the node `n` are `heads[starts[n]:starts[n + 1]]`."""

    starts: Numbers
    heads: Numbers

    @classmethod
    def of(cls, count: int, tails: Numbers, heads: Numbers) -> Graph:
        """The graph of `count` nodes with an edge from each of `tails` to that of `heads`."""
        # One number for each edge is sorted ten times faster than an order of edges is found.
        edges = tails.astype(np.int64) << _HALF | heads
        edges.sort()
        starts = np.zeros(count + 1, dtype=np.int64)
        np.cumsum(np.bincount(tails, minlength=count), out=starts[1:])
        return cls(starts=starts, heads=edges & _LOWER)

    @property
    def count(self) -> int:
        """How many nodes there are."""
        return self.starts.size - 1

    @cached_property
    def degrees(self) -> Numbers:
        """How many edges leave each node."""
        return np.diff(self.starts)

    @cached_property
    def tails(self) -> Numbers:
        """For each of `heads` where its edge begins."""
        return np.repeat(np.arange(self.count), self.degrees)

    @cached_property
    def backwards(self) -> Graph:
        """The same graph with every edge turned round."""
        return Graph.of(self.count, self.heads, self.tails)

    def successors(self, node: int) -> list[int]:
        """Those of one node."""
        found: list[int] = self.heads[self.starts[node] : self.starts[node + 1]].tolist()
        return found

    def after(self, nodes: Numbers) -> Numbers:
        """The successors of `nodes`, each as often as an edge leads to it."""
        degrees = self.degrees[nodes]
        ends = np.cumsum(degrees)
        total = int(ends[-1]) if ends.size else 0
        offsets = np.repeat(self.starts[nodes] - ends + degrees, degrees)
        return self.heads[offsets + np.arange(total)]

    def reached_from(self, node: int, within: Mask) -> Mask:
        """The nodes of `within` to which a way leads from `node` through such nodes; itself too."""
        found = np.zeros(self.count, dtype=np.bool_)
        found[node] = True
        level = np.array([node])
        while level.size:
            level = self.after(level)
            level = distinct(level[within[level] & ~found[level]])
            found[level] = True
        return found


@dataclass(frozen=True, eq=False, kw_only=True)
class Components:
    """The strong components of a graph, in levels: each has edges to lower levels only."""

    of: Numbers
    """By node, the number of its component; a higher level has higher numbers."""
    level: Numbers
    """By component, from 0."""
    graph: Graph
    """Of the components."""

    @cached_property
    def members(self) -> Graph:
        """From a component to the nodes in it."""
        return Graph.of(self.level.size, self.of, np.arange(self.of.size))


def components(graph: Graph) -> Components:
    """The strong components of `graph`."""
    label = np.arange(graph.count)
    rest = _cyclic(graph, np.ones(graph.count, dtype=np.bool_))
    tries = _TRIES
    while tries and rest.any():
        nodes = np.flatnonzero(rest)
        pivot = int(nodes[nodes.size * tries // (_TRIES + 1)])
        cycle = graph.reached_from(pivot, rest) & graph.backwards.reached_from(pivot, rest)
        label[cycle] = pivot
        rest = _cyclic(graph, rest & ~cycle)
        if cycle.sum() < _LARGE * nodes.size:
            tries -= 1
    _label_one_by_one(graph, rest, label)
    return _in_levels(graph, label)


def _cyclic(graph: Graph, within: Mask) -> Mask:
    """`within` but for nodes that no cycle within it can go through."""
    for directed in (graph, graph.backwards):
        within = within & (_levels(directed, within) < 0)
    return within


def _levels(graph: Graph, within: Mask) -> Numbers:
    """By node, the longest way to a node without successors; -1 if a cycle lies behind it.

    Only edges and nodes within `within` count; other nodes get -1.
    """
    level = np.full(graph.count, -1)
    inner = within[graph.tails] & within[graph.heads]
    left = np.bincount(graph.tails[inner], minlength=graph.count)
    frontier = np.flatnonzero(within & (left == 0))
    depth = 0
    while frontier.size:
        level[frontier] = depth
        before = graph.backwards.after(frontier)
        np.subtract.at(left, before, 1)
        frontier = distinct(before[(left[before] == 0) & within[before] & (level[before] < 0)])
        depth += 1
    return level


def _label_one_by_one(graph: Graph, within: Mask, label: Numbers) -> None:
    nodes = np.flatnonzero(within)
    edges = {
        node: [each for each in graph.after(np.array([node])).tolist() if within[each]]
        for node in nodes.tolist()
    }
    for unit in strong_components(nodes.tolist(), edges):
        label[list(unit)] = unit[0]


def _in_levels(graph: Graph, label: Numbers) -> Components:
    is_root = label == np.arange(label.size)
    of = (np.cumsum(is_root) - 1)[label]
    tails, heads = of[graph.tails], of[graph.heads]
    between = tails != heads
    tails, heads = tails[between], heads[between]
    count = int(is_root.sum())
    level = _levels(Graph.of(count, tails, heads), np.ones(count, dtype=np.bool_))
    order = np.argsort(level, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    ranked = Graph.of(count, rank[tails], rank[heads])
    return Components(of=rank[of], level=level[order], graph=ranked)


def wave_numbers(found: Components, wanted: Mask) -> Numbers:
    """By node, in which wave it is built: from 1, after all that it depends on; 0 if none is.

    A component in which any node is wanted is built as one.
    """
    wave = np.zeros(found.level.size, dtype=np.int64)
    wave[found.of[wanted]] = 1
    graph, first = found.graph, 0
    for last in (np.flatnonzero(np.diff(found.level, append=-1)) + 1).tolist():
        # Of whom nothing is required `reduceat` would give the next one's.
        requiring = first + np.flatnonzero(graph.degrees[first:last])
        if requiring.size:
            start, end = graph.starts[first], graph.starts[last]
            before = np.maximum.reduceat(
                wave[graph.heads[start:end]], graph.starts[requiring] - start
            )
            wave[requiring] += before
        first = last
    return np.where(wanted, wave[found.of], 0)
