"""Topological waves over a graph that may have cycles."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

Node = TypeVar("Node", int, str)


def waves(
    nodes: Collection[Node], dependencies: Mapping[Node, Collection[Node]]
) -> tuple[tuple[tuple[Node, ...], ...], ...]:
    """`nodes` in waves: each wave depends on earlier ones only; a wave is a list of units.

    A unit is one node, or several that depend on each other and must be built as one.
    `dependencies` may name other nodes too: they are not ordered, but a dependency that leads
    through them counts.
    """
    units = strong_components(set(nodes).union(dependencies), dependencies)
    wave_of: dict[Node, int] = {}
    for unit in units:
        # Components come in reverse topological order: what a unit depends on has its wave already.
        before = [
            wave_of[other]
            for node in unit
            for other in dependencies.get(node, ())
            if other in wave_of
        ]
        own = any(node in nodes for node in unit)
        for node in unit:
            wave_of[node] = max(before, default=0) + own
    ordered: dict[int, list[tuple[Node, ...]]] = {}
    for unit in units:
        wanted = tuple(sorted(node for node in unit if node in nodes))
        if wanted:
            ordered.setdefault(wave_of[wanted[0]], []).append(wanted)
    return tuple(tuple(sorted(ordered[wave])) for wave in sorted(ordered))


def reachable(node: Node, dependencies: Mapping[Node, Collection[Node]]) -> frozenset[Node]:
    """All that `node` depends on, directly or not, without itself."""
    found: set[Node] = set()
    waiting = [node]
    while waiting:
        fresh = set(dependencies.get(waiting.pop(), ())) - found
        found |= fresh
        waiting += fresh
    return frozenset(found - {node})


def strong_components(
    nodes: Collection[Node], dependencies: Mapping[Node, Collection[Node]]
) -> list[tuple[Node, ...]]:
    """Strongly connected components, dependencies first (Tarjan 1972, without recursion)."""
    index: dict[Node, int] = {}
    low: dict[Node, int] = {}
    on_path: set[Node] = set()
    path: list[Node] = []
    found: list[tuple[Node, ...]] = []
    for root in sorted(nodes):
        if root in index:
            continue
        work = [(root, iter(sorted(dependencies.get(root, ()))))]
        index[root] = low[root] = len(index)
        path.append(root)
        on_path.add(root)
        while work:
            node, rest = work[-1]
            for other in rest:
                if other not in index:
                    index[other] = low[other] = len(index)
                    path.append(other)
                    on_path.add(other)
                    work.append((other, iter(sorted(dependencies.get(other, ())))))
                    break
                if other in on_path:
                    low[node] = min(low[node], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    component: list[Node] = []
                    while not component or component[-1] != node:
                        component.append(path.pop())
                    on_path.difference_update(component)
                    found.append(tuple(component))
    return found
