"""Who requires, and who binds to, what is rebuilt, as far as a catalog says.

It is walked backwards from what is rebuilt, so that the rest of the catalog is not looked at.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import islice
from typing import Final

from packaging.requirements import Requirement
from packaging.version import Version

from backend_shim.errors import InvalidRecord
from backend_shim.interfaces import capsule, nanobind, pybind11, shared_types, swig
from backend_shim.interfaces.linking.facts import NAME as LINKING
from backend_shim.interfaces.linking.facts import libraries_in, needs_in
from backend_shim.interfaces.linking.platform_libraries import library_key
from backend_shim.interfaces.table import INTERFACES
from backend_shim.record.facts import Facts
from backend_shim.record.fingerprint import AbiFingerprint
from resolver_check.graph.waves import strong_components
from resolver_check.scan.wheel_facts import named_in, needed_by
from resolver_check.sources.catalog_selection import Selection
from resolver_check.sources.catalog_traces import TracedSelection
from resolver_check.target import Target

_REGISTRIES: Final = (nanobind.NAME, pybind11.NAME, swig.NAME)
_BY_FACTS: Final = frozenset({LINKING, capsule.NAME, *_REGISTRIES})
_NAMED: Final = 8
_KNOWN: Final = frozenset(each.name for each in INTERFACES)


class RequiredBy:
    """The selected wheels that require some wheels, directly or not.

    A requirement that several wheels state in the same words is one node between these wheels and
    those that fit it, by a negative number.
    """

    def __init__(self, selection: Selection, target: Target) -> None:
        self._selection = selection
        self._target = target
        self._by_project: dict[int, list[int]] = {}
        """The requirements that name a project."""
        self._stated_by: dict[int, list[int]] = {}
        self._fitting: dict[int, frozenset[int]] = {}
        self._requirements: dict[int, Requirement] = {}
        self.edges: dict[int, list[int]] = {}
        """From a wheel to requirements, from a requirement to wheels; those that were walked."""
        self.found: set[int] = set()

    def walk(self, wheels: Iterable[int]) -> None:
        """Find all that require any of `wheels`."""
        waiting = list(wheels)
        while waiting:
            wheel = waiting.pop()
            for requirement in self._naming(self._selection.project_of(wheel)):
                if requirement in self.edges or wheel not in self._fitting[requirement]:
                    continue
                self.edges[requirement] = sorted(self._fitting[requirement])
                for each in self._stated_by[requirement]:
                    self.edges.setdefault(each, []).append(requirement)
                    if each not in self.found:
                        self.found.add(each)
                        waiting.append(each)

    def required(self, wheel: int) -> Iterator[int]:
        """The wheels that `wheel` requires directly, of those that were walked."""
        for requirement in self.edges.get(wheel, ()):
            yield from self.edges[requirement]

    def by_distance(self, wheel: int) -> Iterator[set[int]]:
        """The wheels that `wheel` requires, the nearest first, of those that were walked."""
        nodes = {wheel}
        level = [wheel]
        while level:
            fresh = {each for node in level for each in self.edges.get(node, ())} - nodes
            nodes |= fresh
            yield {node for node in fresh if node > 0}
            level = list(fresh)

    def _naming(self, project: int) -> list[int]:
        if project not in self._by_project:
            self._by_project[project] = self._read(project)
        return self._by_project[project]

    def _read(self, project: int) -> list[int]:
        versions = self._selection.chosen_of(project)
        numbers: dict[int, int] = {}
        for wheel, is_build, text in self._selection.requiring(project):
            # Whatever version a build had, that of now may be any.
            key = 0 if is_build else text
            if key not in numbers:
                fitting = self._fits(key, versions)
                if not fitting:
                    numbers[key] = 0
                    continue
                numbers[key] = -1 - len(self._fitting)
                self._fitting[numbers[key]] = fitting
            if numbers[key]:
                self._stated_by.setdefault(numbers[key], []).append(wheel)
        return [number for number in numbers.values() if number]

    def _fits(self, text: int, versions: Mapping[int, Version]) -> frozenset[int]:
        """Those of a project's wheels that a requirement accepts, all if it accepts none."""
        if not text:
            return frozenset(versions)
        if text not in self._requirements:
            self._requirements[text] = Requirement(self._selection.text(text))
        requirement = self._requirements[text]
        if not self._target.applies(requirement):
            return frozenset()
        return frozenset(
            wheel
            for wheel, version in versions.items()
            if requirement.specifier.contains(version, prereleases=True)
        ) or frozenset(versions)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Offer:
    """By what a wheel may be bound to, beside its names."""

    tables: frozenset[str]
    libraries: frozenset[str]
    provided: dict[str, Facts]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Use:
    """What a wheel shows of those that it binds to."""

    named: frozenset[str]
    needed: frozenset[str]
    takes_symbols: bool
    required: dict[str, Facts]


class BoundByCatalog:
    """Who becomes conditional by what is rebuilt."""

    def __init__(self, selection: TracedSelection, behind: RequiredBy) -> None:
        self._selection = selection
        self._behind = behind
        self._unread = selection.unread()

    def waits_for(self, kept: Collection[int], rebuilt: Collection[int]) -> dict[int, set[int]]:
        """Those of `kept` that are conditional, each with the nearest few that it binds to.

        These are `rebuilt` or conditional themselves. Where the catalog cannot tell, it binds.
        """
        found: dict[int, set[int]] = {}
        changed = set(rebuilt)
        for unit in strong_components(self._behind.found, self._behind.edges):
            is_settled = False
            while not is_settled:
                is_settled = True
                for wheel in unit:
                    if wheel in kept and (bound := self._bound(wheel, changed)):
                        is_settled &= wheel in changed or len(unit) == 1
                        changed.add(wheel)
                        found[wheel] = bound
        return found

    def _bound(self, wheel: int, changed: Collection[int]) -> set[int]:
        """The nearest few of `changed` that the wheel binds to, by names if there are any.

        That it waits for these is enough: it comes after all that it requires in any case.
        """
        # To read the facts of both is dear, and seldom needed where names do not tell.
        for binds in (self._binds, self._meets):
            for required in self._behind.by_distance(wheel):
                providers = required.intersection(changed)
                binding = (each for each in sorted(providers) if binds(wheel, each))
                if bound := set(islice(binding, _NAMED)):
                    return bound
        return set()

    def _binds(self, wheel: int, provider: int) -> bool:
        selection = self._selection
        names = selection.names(provider)
        if not self._unread.isdisjoint((wheel, provider)):
            return True
        if not selection.was_searched(wheel, names):
            return True
        if wheel in selection.naming(names, prefixes_of(names)):
            return True
        if wheel in selection.observing(selection.text(selection.project_of(provider))):
            return True
        return wheel in self._by_plug_in

    def _meets(self, wheel: int, provider: int) -> bool:
        """By any other interface, of which both have to say something."""
        shared = self._selection.provides(provider) & _BY_FACTS
        if not any(wheel in self._using(interface) for interface in shared):
            return False
        return self._meet_by_facts(wheel, provider)

    @cache  # noqa: B019 - lives as long as its plan
    def _using(self, interface: str) -> set[int]:
        return self._selection.using((interface,))

    @cached_property
    def _by_plug_in(self) -> set[int]:
        return self._selection.using_other(_KNOWN)

    def _meet_by_facts(self, wheel: int, provider: int) -> bool:
        try:
            use, offer = self._use(wheel), self._offer(provider)
            if not use.named.isdisjoint(offer.tables):
                return True
            if not use.needed.isdisjoint(offer.libraries):
                return True
            # Its symbols do not stand in the catalog.
            if offer.libraries and use.takes_symbols:
                return True
            if capsule.NAME in use.required and capsule.NAME in offer.provided:
                return True
            return any(
                shared_types.have_one_registry(
                    interface, use.required[interface], offer.provided[interface]
                )
                for interface in _REGISTRIES
                if interface in use.required and interface in offer.provided
            )
        except InvalidRecord:
            return True

    @cache  # noqa: B019 - lives as long as its plan
    def _offer(self, wheel: int) -> _Offer:
        provided = {each.interface: each.facts for each in self._fingerprint(wheel).provides}
        return _Offer(
            tables=capsule.tables_in(provided.get(capsule.NAME)),
            libraries=library_names(provided.get(LINKING)),
            provided=provided,
        )

    @cache  # noqa: B019 - lives as long as its plan
    def _use(self, wheel: int) -> _Use:
        fingerprint = self._fingerprint(wheel)
        required = {each.interface: each.facts for each in fingerprint.requires}
        return _Use(
            named=frozenset(named_in(fingerprint)),
            needed=needed_by(fingerprint),
            takes_symbols=any(
                each.imports or each.optional for each in needs_in(required.get(LINKING))
            ),
            required=required,
        )

    def _fingerprint(self, wheel: int) -> AbiFingerprint:
        """Raises InvalidRecord."""
        body = self._selection.body(wheel)
        if body is None:
            raise InvalidRecord("$", "is missing")
        return body.fingerprint


def prefixes_of(names: Iterable[str]) -> frozenset[str]:
    """`a`, `a.b` and `a.b.c` for `a.b.c`."""
    return frozenset(
        ".".join(parts[:depth])
        for name in names
        for parts in [name.split(".")]
        for depth in range(1, len(parts) + 1)
    )


def library_names(provided: Facts | None) -> frozenset[str]:
    """All names by which loaders find the libraries of a provider; raises InvalidRecord."""
    return frozenset(
        spelled
        for each in libraries_in(provided)
        for name in (each.name, posixpath.basename(each.path))
        for spelled in (name, library_key(name, each.format))
    )
