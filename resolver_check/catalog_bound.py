"""Who binds to what is rebuilt, as far as a catalog says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence, Set
from functools import cache, partial
from itertools import chain, islice
from typing import Final, NamedTuple

import numpy as np

from backend_shim.interfaces.table import INTERFACES
from resolver_check.catalog_facts import BY_FACTS, CatalogFacts
from resolver_check.catalog_graph import RequiredBy
from resolver_check.columns import Mask, Numbers, distinct
from resolver_check.graph.large_graph import Components, Graph
from resolver_check.sources.catalog_traces import TracedSelection

_KNOWN: Final = frozenset(each.name for each in INTERFACES)
_NOTHING: Final = frozenset[int]()
# So many wheels that differ in how they are bound to are kept of all that lie before a wheel.
_SAMPLE: Final = 8
_AT_ONCE: Final = 10_000


class BoundByCatalog:
    """Who becomes conditional by what is rebuilt.

    A wheel does if it binds to any of the changed wheels that it requires, directly or not. Most
    that do show it by one of the first few of these, so only some are carried along the graph; all
    are looked at where none of those binds and there are more.
    """

    def __init__(
        self, selection: TracedSelection, behind: RequiredBy, order: Components, rebuilt: Mask
    ) -> None:
        self._graph = behind.graph
        self._order = order
        kept = behind.found & selection.binary & ~rebuilt
        self._ways = _Ways(selection, kept, kept | rebuilt)
        # One item of these takes a fifth of the time of one of numpy's.
        self._kept = kept.tobytes()
        self._changed = bytearray(self._graph.count)
        self._changed[: rebuilt.size] = rebuilt.tobytes()
        self._before: dict[int, tuple[int, ...]] = {}
        """By node, some of the changed wheels that it requires; all if fewer than _SAMPLE."""

    def waits_for(self) -> dict[int, int]:
        """Those who are conditional, each with a wheel that it binds to.

        That one is rebuilt or conditional itself. Where the catalog cannot tell, it binds.
        """
        found: dict[int, int] = {}
        count, kept, before = len(self._kept), self._kept, self._before
        for unit, after in self._units():
            if len(unit) > 1:
                found.update(self._settle_cycle(unit, after))
                continue
            (node,) = unit
            if node >= count:
                before[node] = self._some(map(self._with_itself, after))
                continue
            if kept[node]:
                samples = [before[each] for each in after]
                bound = self._bound(node, samples, partial(self._all_before, node))
                if bound is not None:
                    found[node] = bound
                    self._changed[node] = True
            before[node] = self._some(map(before.__getitem__, after))
        return found

    def _units(self) -> Iterator[tuple[list[int], list[int]]]:
        """The strong components of what was walked, what they require first, and what that is."""
        nodes = self._order.members.heads
        # Who requires nothing waits for nobody, and nobody asks what lies before a pure wheel that
        # nobody requires.
        matters = self._graph.backwards.degrees > 0
        matters[: len(self._kept)] |= np.frombuffer(self._kept, dtype=np.bool_)
        matters &= self._graph.degrees > 0
        nodes = nodes[matters[nodes]]
        ends = np.flatnonzero(np.diff(self._order.of[nodes], append=-1)) + 1
        # Some thousand at a time, for to ask numpy for each takes long, and for all much memory.
        for first in range(0, ends.size, _AT_ONCE):
            start = int(ends[first - 1]) if first else 0
            some = nodes[start : ends[min(first + _AT_ONCE, ends.size) - 1]]
            after, degrees = self._graph.after(some).tolist(), self._graph.degrees[some].cumsum()
            members, at, at_after = some.tolist(), 0, 0
            for end in (ends[first : first + _AT_ONCE] - start).tolist():
                end_after = int(degrees[end - 1])
                yield members[at:end], after[at_after:end_after]
                at, at_after = end, end_after

    def _with_itself(self, wheel: int) -> tuple[int, ...]:
        before = self._before.get(wheel, ())
        return (wheel, *before) if self._changed[wheel] else before

    def _some(self, samples: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
        """The first few of `samples` that differ in how they are bound to."""
        found: dict[int, int] = {}
        for sample in samples:
            if len(sample) >= _SAMPLE:
                return sample[:_SAMPLE]
            for each in sample:
                found.setdefault(self._ways.way[each], each)
            if len(found) >= _SAMPLE:
                break
        return tuple(islice(found.values(), _SAMPLE))

    def _settle_cycle(self, unit: list[int], after: list[int]) -> dict[int, int]:
        """As `waits_for`, of wheels that require each other: each has all of them before it."""
        found: dict[int, int] = {}
        wheels = [node for node in unit if node < len(self._kept)]
        outside = [self._with_itself(each) for each in set(after).difference(unit)]
        waiting = [each for each in wheels if self._kept[each]]
        while True:
            changed = [(each,) for each in wheels if self._changed[each]]
            some = self._some([*changed, *outside])
            self._before.update(dict.fromkeys(unit, some))
            everything = cache(partial(self._all_before, unit[0]))
            tried = ((each, self._bound(each, [some], everything)) for each in waiting)
            fresh = {each: one for each, one in tried if one is not None}
            if not fresh:
                return found
            found.update(fresh)
            for each in fresh:
                self._changed[each] = True
            waiting = [each for each in waiting if each not in fresh]

    def _bound(
        self,
        wheel: int,
        samples: Sequence[tuple[int, ...]],
        all_before: Callable[[], tuple[int, ...]],
    ) -> int | None:
        """One of the changed wheels before `wheel` that it binds to; `samples` are of these."""
        use = self._ways.use(wheel)
        is_all = all(len(sample) < _SAMPLE for sample in samples)
        # To read the facts of both is dear, and seldom needed where names do not tell.
        for binds in (use.names, use.meets) if use.can_meet else (use.names,):
            for each in chain.from_iterable(samples):
                if binds(each):
                    return each
            for each in () if is_all else all_before():
                if binds(each):
                    return each
        return None

    def _all_before(self, node: int) -> tuple[int, ...]:
        """Of all changed wheels before `node`, one for each way in which they are bound to."""
        everything = np.ones(self._graph.count, dtype=np.bool_)
        changed = np.frombuffer(self._changed, dtype=np.bool_)
        found = np.flatnonzero(self._graph.reached_from(node, everything) & changed)
        return tuple({self._ways.way[each]: each for each in found.tolist()}.values())


class _Way(NamedTuple):
    """How a changed wheel is bound to; one that others may meet by its facts has its own."""

    names: frozenset[int]
    is_unread: bool
    project: int


class _Ways:
    """How the changed wheels are bound to, and what the others show of them."""

    def __init__(self, selection: TracedSelection, kept: Mask, concerned: Mask) -> None:
        """`kept` may bind to any of `concerned`."""
        self._selection = selection
        self.facts = CatalogFacts(selection)
        self.unread = selection.unread()
        self.by_plug_in = selection.using_other(_KNOWN)
        self.provided = selection.providing(BY_FACTS, concerned)
        shared = frozenset().union(*self.provided.values())
        self.using = {each: selection.using((each,)) for each in shared}
        self.way: dict[int, int] = {}
        """By wheel, its place among `ways`."""
        self.ways: list[_Way] = []
        names = self._find_ways(concerned)
        wheels, searched = selection.searched_for(names, kept)
        self._searched = Graph.of(kept.size, wheels, searched)
        self._naming = selection.naming(names, kept)
        projects = distinct(selection.projects[concerned])
        self._observing = selection.observing(projects, kept)

    def _find_ways(self, concerned: Mask) -> Numbers:
        """All names of `concerned`."""
        selection = self._selection
        wheels, name = selection.names_of(concerned)
        names = Graph.of(concerned.size, wheels, name)
        # Most have one name and nothing else to tell: these differ by that and their project.
        numbers = np.flatnonzero(concerned)
        is_plain = (names.degrees[numbers] == 1) & ~self.unread[numbers]
        is_plain[np.isin(numbers, list(self.provided))] = False
        plain = numbers[is_plain]
        _, first, place = np.unique(
            names.heads[names.starts[plain]] << 32 | selection.projects[plain],
            return_index=True, return_inverse=True,
        )  # fmt: skip
        self.way.update(zip(plain.tolist(), place.tolist(), strict=True))
        self.ways = [self._way_to(each, names) for each in plain[first].tolist()]
        for wheel in numbers[~is_plain].tolist():
            self.way[wheel] = len(self.ways)
            self.ways.append(self._way_to(wheel, names))
        return distinct(name)

    def _way_to(self, wheel: int, names: Graph) -> _Way:
        return _Way(
            frozenset(names.successors(wheel)),
            bool(self.unread[wheel]),
            int(self._selection.projects[wheel]),
        )

    def use(self, wheel: int) -> _Use:
        """What the wheel shows of those that it may bind to."""
        return _Use(
            self,
            wheel,
            frozenset(self._searched.successors(wheel)),
            self._naming.get(wheel, _NOTHING),
            self._observing.get(wheel, _NOTHING),
        )


class _Use:
    """What one wheel shows of those that it may bind to."""

    def __init__(
        self,
        ways: _Ways,
        wheel: int,
        searched: Collection[int],
        named: Set[int],
        observed: Collection[int],
    ) -> None:
        self._ways = ways
        self._wheel = wheel
        self._searched = searched
        self._named = named
        self._observed = observed
        self._binds_to_all = bool(ways.unread[wheel] or ways.by_plug_in[wheel])

    def names(self, provider: int) -> bool:
        """Whether it binds to `provider` by what it names, or was not searched for all of that."""
        way = self._ways.ways[self._ways.way[provider]]
        return (
            self._binds_to_all
            or way.is_unread
            or not way.names.issubset(self._searched)
            or not way.names.isdisjoint(self._named)
            or way.project in self._observed
        )

    @property
    def can_meet(self) -> bool:
        """Whether it uses an interface of which others give facts."""
        return any(using[self._wheel] for using in self._ways.using.values())

    def meets(self, provider: int) -> bool:
        """By any other interface, of which both have to say something."""
        ways = self._ways
        shared = ways.provided.get(provider, ())
        if not any(ways.using[interface][self._wheel] for interface in shared):
            return False
        return ways.facts.meet(self._wheel, provider)
