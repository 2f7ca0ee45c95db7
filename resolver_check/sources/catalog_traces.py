"""Who of the selected wheels of a catalog shows a trace of a provider, or may bind without one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from packaging.utils import NormalizedName

from backend_shim.interfaces.compiled_strings import CUT
from resolver_check.sources.catalog_queries import interfaces_required, meets_without_a_name
from resolver_check.sources.catalog_schema import KINDS
from resolver_check.sources.catalog_selection import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """What binding to a provider leaves in a consumer, as far as a catalog is asked for it."""

    project: NormalizedName
    names: frozenset[str]
    """Import names and libraries; what begins with one and a dot counts as well."""
    whole_names: frozenset[str] = frozenset()
    libraries: frozenset[str] = frozenset()
    """In the spelling of loaders as well."""
    symbols: frozenset[str] = frozenset()
    provides: frozenset[str] = frozenset()
    """Interfaces."""


class TracedSelection(Selection):
    """A selection that can be asked what its wheels show of others."""

    def tracing(self, traces: Traces, explained: Callable[[str], bool]) -> set[int]:
        """Selected wheels with binaries that show any of `traces`, but for `explained` names.

        Those are left to who asks for what is `observed`.
        """
        found = {wheel for (wheel,) in self._traced(traces, explained)}
        return found & self.binary

    def _traced(self, traces: Traces, explained: Callable[[str], bool]) -> Iterator[tuple[int]]:
        for name in traces.whole_names:
            if not explained(name):
                yield from self._by_text("named", "name", name)
        for name in traces.names:
            for number, text in self._within(name):
                if not explained(text):
                    yield from self._rows("SELECT wheel FROM named WHERE name = ?", number)
        for library in traces.libraries:
            yield from self._by_text("needed", "soname", library)
        for symbol in traces.symbols:
            yield from self._by_text("imports", "symbol", symbol)
        for interface, number in interfaces_required(self._catalog).items():
            if meets_without_a_name(interface, traces.provides):
                yield from self._requiring_interface(number)

    @cache  # noqa: B019 - the selection lives as long as its plan
    def naming(self, names: frozenset[str], whole_names: frozenset[str]) -> frozenset[int]:
        """Wheels whose binaries hold any of `names` or what is within one, or a whole name."""
        found: set[int] = set()
        for name in whole_names:
            found.update(wheel for (wheel,) in self._by_text("named", "name", name))
        for name in names:
            for number, _ in self._within(name):
                rows = self._rows("SELECT wheel FROM named WHERE name = ?", number)
                found.update(wheel for (wheel,) in rows)
        return frozenset(found)

    def provides(self, wheel: int) -> frozenset[str]:
        """The interfaces by which a wheel provides anything."""
        query = (
            "SELECT text FROM provides_interface JOIN strings ON strings.id = interface "
            "WHERE wheel = ?"
        )
        return frozenset(text for (text,) in self._rows(query, wheel))

    @cache  # noqa: B019 - the selection lives as long as its plan
    def observing(self, project: str) -> frozenset[int]:
        """Wheels that use an interface of the project's own."""
        return frozenset(wheel for wheel, _ in self._of_kind(project, "observed"))

    def _within(self, name: str) -> list[tuple[int, str]]:
        """Texts that are the name, cut or whole, or that begin with it and a dot."""
        # The sign after "." is "/". In one query SQLite would read all texts.
        within = "SELECT id, text FROM strings WHERE text > ? AND text < ?"
        itself = "SELECT id, text FROM strings WHERE text IN (?, ?)"
        return self._rows(itself, name, name + CUT) + self._rows(within, f"{name}.", f"{name}/")

    def observed(self, project: str) -> dict[int, list[str]]:
        """Selected wheels that use an interface of the project's own, with their facts."""
        found: dict[int, list[str]] = {}
        texts: dict[int, str] = {}
        # One without facts is there all the same.
        for kind in ("observed", "facts"):
            for wheel, text in self._of_kind(project, kind):
                facts = found.setdefault(wheel, [])
                if kind == "facts":
                    facts.append(texts.get(text) or texts.setdefault(text, self.text(text)))
        return {wheel: facts for wheel, facts in found.items() if wheel in self.binary}

    def built_with(self, project: str) -> dict[int, list[str]]:
        """The versions of the project that wheels were built with, where that is recorded."""
        found: dict[int, list[str]] = {}
        for wheel, text in self._of_kind(project, "build"):
            found.setdefault(wheel, []).append(self.text(text))
        return found

    def using(self, interfaces: Collection[str]) -> set[int]:
        """Wheels that require anything by one of `interfaces`."""
        numbers = interfaces_required(self._catalog)
        return {
            wheel
            for interface in interfaces
            if interface in numbers
            for (wheel,) in self._requiring_interface(numbers[interface])
        }

    def using_other(self, interfaces: Collection[str]) -> set[int]:
        """Wheels that require anything by an interface that is none of these."""
        return self.using(interfaces_required(self._catalog).keys() - set(interfaces))

    def _requiring_interface(self, number: int) -> list[tuple[int]]:
        return self._rows("SELECT wheel FROM requires_interface WHERE interface = ?", number)

    def _of_kind(self, project: str, kind: str) -> list[tuple[int, int]]:
        query = (
            "SELECT wheel, text FROM requires "
            "WHERE project = (SELECT id FROM strings WHERE text = ?) AND kind = ?"
        )
        return self._rows(query, project, KINDS.index(kind))

    def unsearched(self, names: Collection[str]) -> set[int]:
        """Selected wheels with binaries that were not searched for each of `names`."""
        found: set[int] = set()
        for name in names:
            searched = {wheel for (wheel,) in self._by_text("looked_for", "name", name)}
            found |= self.binary - searched
        return found

    def unread(self) -> set[int]:
        """Selected wheels that could not be read, or of which a binary could not."""
        query = "SELECT id FROM wheels WHERE unreadable IS NOT NULL OR has_unread"
        return {wheel for (wheel,) in self._rows(query)} & self.binary

    def was_searched(self, wheel: int, names: Collection[str]) -> bool:
        """Whether the binaries of a wheel were searched for each of `names`."""
        query = (
            "SELECT 1 FROM looked_for "
            "WHERE name = (SELECT id FROM strings WHERE text = ?) AND wheel = ?"
        )
        return all(self._rows(query, name, wheel) for name in names)

    @cache  # noqa: B019 - the selection lives as long as its plan
    def names(self, wheel: int) -> frozenset[str]:
        """The names that a binary must hold to reach it."""
        query = "SELECT text FROM names JOIN strings ON strings.id = name WHERE wheel = ?"
        return frozenset(text for (text,) in self._rows(query, wheel))

    def requiring_to_install(self, project: NormalizedName) -> dict[int, list[str]]:
        """Selected wheels that require the project in METADATA, with the lines that do."""
        found: dict[int, list[str]] = {}
        number = self._rows("SELECT id FROM strings WHERE text = ?", project)
        for wheel, is_build, text in self.requiring(number[0][0]) if number else ():
            if not is_build:
                found.setdefault(wheel, []).append(self.text(text))
        return found

    def _by_text(self, table: str, column: str, text: str) -> list[tuple[Any, ...]]:
        # The names of tables and columns are those above.
        query = (
            f"SELECT wheel FROM {table} "  # noqa: S608
            f"WHERE {column} = (SELECT id FROM strings WHERE text = ?)"
        )
        return self._rows(query, text)
