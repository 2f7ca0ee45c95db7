"""Who of the selected wheels of a catalog shows a trace of a provider, or may bind without one."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from packaging.utils import NormalizedName

from backend_shim.interfaces.compiled_strings import CUT
from resolver_check.columns import Mask, Numbers
from resolver_check.sources.catalog_queries import interfaces_required, meets_without_a_name
from resolver_check.sources.catalog_schema import KINDS
from resolver_check.sources.catalog_selection import Selection, as_json

_GIVEN: Final = "(SELECT value FROM json_each(?))"


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

    def tracing(self, traces: Traces, explained: Callable[[str], bool]) -> Mask:
        """Selected wheels with binaries that show any of `traces`, but for `explained` names.

        Those are left to who asks for what is `observed`.
        """
        found = self.none()
        for wheels in self._traced(traces, explained):
            found[wheels] = True
        return found & self.binary

    def _traced(self, traces: Traces, explained: Callable[[str], bool]) -> Iterator[Numbers]:
        whole_names = [name for name in traces.whole_names if not explained(name)]
        yield self._by_texts("named", "name", whole_names)
        for name in traces.names:
            for number, text in self._within(name):
                if not explained(text):
                    yield self.columns("wheel", "FROM named WHERE name = ?", number)[0]
        yield self._by_texts("needed", "soname", traces.libraries)
        yield self._by_texts("imports", "symbol", traces.symbols)
        for interface, number in interfaces_required(self._catalog).items():
            if meets_without_a_name(interface, traces.provides):
                yield self._requiring_interface(number)

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
        return {wheel: facts for wheel, facts in found.items() if self.binary[wheel]}

    def built_with(self, project: str) -> dict[int, list[str]]:
        """The versions of the project that wheels were built with, where that is recorded."""
        found: dict[int, list[str]] = {}
        for wheel, text in self._of_kind(project, "build"):
            found.setdefault(wheel, []).append(self.text(text))
        return found

    def using(self, interfaces: Collection[str]) -> Mask:
        """Wheels that require anything by one of `interfaces`."""
        numbers = interfaces_required(self._catalog)
        found = self.none()
        for interface in numbers.keys() & set(interfaces):
            found[self._requiring_interface(numbers[interface])] = True
        return found

    def using_other(self, interfaces: Collection[str]) -> Mask:
        """Wheels that require anything by an interface that is none of these."""
        return self.using(interfaces_required(self._catalog).keys() - set(interfaces))

    def _requiring_interface(self, number: int) -> Numbers:
        return self.columns("wheel", "FROM requires_interface WHERE interface = ?", number)[0]

    def _of_kind(self, project: str, kind: str) -> list[tuple[int, int]]:
        query = (
            "SELECT wheel, text FROM requires "
            "WHERE project = (SELECT id FROM strings WHERE text = ?) AND kind = ?"
        )
        return self._rows(query, project, KINDS.index(kind))

    def unsearched(self, names: Collection[str]) -> Mask:
        """Selected wheels with binaries that were not searched for each of `names`."""
        found = self.none()
        for name in names:
            searched = self.none()
            searched[self._by_texts("looked_for", "name", [name])] = True
            found |= ~searched
        return found & self.binary

    def unread(self) -> Mask:
        """Selected wheels that could not be read, or of which a binary could not."""
        rest = "FROM wheels WHERE unreadable IS NOT NULL OR has_unread"
        return self.mask("id", rest) & self.binary

    def names_of(self, wheels: Mask) -> tuple[Numbers, Numbers]:
        """Those of `wheels` with the names (their numbers) that a binary must hold to reach one."""
        rest = f"FROM names WHERE wheel IN {_GIVEN}"
        wheel, name = self.columns("wheel, name", rest, as_json(np.flatnonzero(wheels)))
        return wheel, name

    def searched_for(self, names: Numbers, wheels: Mask) -> tuple[Numbers, Numbers]:
        """Those of `wheels` that were searched for any of `names`, and the name."""
        rest = f"FROM looked_for WHERE name IN {_GIVEN}"
        wheel, name = self.columns("wheel, name", rest, as_json(names))
        return wheel[wheels[wheel]], name[wheels[wheel]]

    def naming(self, names: Numbers, wheels: Mask) -> dict[int, set[int]]:
        """By wheel, those of `names` that its binaries hold: one, or a part of one, or more."""
        meant = self._texts_that_mean(names)
        held = np.fromiter(meant, np.int64, len(meant))
        rest = f"FROM named WHERE name IN {_GIVEN}"
        wheel, text = self.columns("wheel, name", rest, as_json(held))
        is_asked = wheels[wheel]
        found: dict[int, set[int]] = {}
        for each, number in zip(wheel[is_asked].tolist(), text[is_asked].tolist(), strict=True):
            found.setdefault(each, set()).update(meant[number])
        return found

    def _texts_that_mean(self, names: Numbers) -> dict[int, list[int]]:
        """By text, those of `names` that it is, is cut from, begins with, or that begin with it."""
        texts = self.texts(names)
        spelled: dict[str, list[int]] = {}
        for number, text in texts.items():
            parts = text.split(".")
            for depth in range(1, len(parts) + 1):
                spelled.setdefault(".".join(parts[:depth]), []).append(number)
            spelled.setdefault(text + CUT, []).append(number)
        query = "SELECT id, text FROM strings WHERE text IN (SELECT value FROM json_each(?))"
        rows = self._rows(query, json.dumps([*spelled]))
        found = {number: list(spelled[text]) for number, text in rows}
        # The sign after "." is "/".
        query = (
            "SELECT name.id, part.id FROM json_each(?) JOIN strings AS name ON name.id = value "
            "JOIN strings AS part ON part.text > name.text || '.' AND part.text < name.text || '/'"
        )
        for name, part in self._rows(query, as_json(names)):
            found.setdefault(part, []).append(name)
        return found

    def observing(self, projects: Numbers, wheels: Mask) -> dict[int, set[int]]:
        """By wheel, those of `projects` an interface of whose own it uses."""
        rest = f"FROM requires WHERE kind = {KINDS.index('observed')} AND project IN {_GIVEN}"
        wheel, project = self.columns("wheel, project", rest, as_json(projects))
        found: dict[int, set[int]] = {}
        for each, number in zip(wheel.tolist(), project.tolist(), strict=True):
            if wheels[each]:
                found.setdefault(each, set()).add(number)
        return found

    def providing(self, interfaces: Collection[str], wheels: Mask) -> dict[int, frozenset[str]]:
        """By wheel, those of `interfaces` by which it provides anything, if there are any."""
        query = "SELECT id, text FROM strings WHERE text IN (SELECT value FROM json_each(?))"
        texts = dict(self._rows(query, json.dumps(sorted(interfaces))))
        found: dict[int, frozenset[str]] = {}
        for number, interface in texts.items():
            rest = "FROM provides_interface WHERE interface = ?"
            (providing,) = self.columns("wheel", rest, number)
            for wheel in providing[wheels[providing]].tolist():
                found[wheel] = found.get(wheel, frozenset()) | {interface}
        return found

    def requiring_to_install(self, project: NormalizedName) -> dict[int, list[str]]:
        """Selected wheels that require the project in METADATA, with the lines that do."""
        found: dict[int, list[str]] = {}
        for wheel, text in self._of_kind(project, "install"):
            if self.pure[wheel] or self.binary[wheel]:
                found.setdefault(wheel, []).append(self.text(text))
        return found

    def _by_texts(self, table: str, column: str, texts: Collection[str]) -> Numbers:
        # The names of tables and columns are those above.
        rest = (
            f"FROM {table} WHERE {column} IN "  # noqa: S608
            f"(SELECT id FROM strings WHERE text IN {_GIVEN})"
        )
        return self.columns("wheel", rest, json.dumps(sorted(texts)))[0]
