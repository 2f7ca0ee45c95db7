"""A provider's libraries as a loader sees them: by name, in the order of loading, by symbol."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from backend_shim.interfaces.interface_file import installed_path
from backend_shim.interfaces.linking.facts import NAME, Library, Need, libraries_in
from backend_shim.interfaces.linking.platform_libraries import library_key
from backend_shim.interfaces.provider import Provider
from backend_shim.record.fingerprint import ExportedSymbol


class Definition(NamedTuple):
    """A symbol that a library of the provider exports; there are many, as of `Symbol`."""

    library: Library
    symbol: ExportedSymbol
    forwards_to: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What loading an object loads of a provider, breadth first, and what else this needs."""

    libraries: tuple[Library, ...]
    grafted: frozenset[str]
    """Names of those among `libraries` whose symbols are not recorded."""
    outside: frozenset[str]
    """Libraries of other distributions that the object does not need itself."""


class ProvidedLibraries:
    """The libraries of one version of a provider."""

    def __init__(self, provider: Provider) -> None:
        """Raises InvalidRecord."""
        self._provider = provider
        self.rows = libraries_in(provider.provided.get(NAME))
        self._by_name: dict[tuple[str, str, str], list[Library]] = {}
        for each in self.rows:
            # The loader takes a library by its soname or by the name of its file.
            for name in (each.name, posixpath.basename(each.path)):
                key = (each.format, each.machine, library_key(name, each.format))
                named = self._by_name.setdefault(key, [])
                if each not in named:
                    named.append(each)

    def rows_for(self, need: Need) -> tuple[Library, ...]:
        """All libraries for the machine of `need`."""
        machine = (need.format, need.machine)
        return tuple(each for each in self.rows if (each.format, each.machine) == machine)

    def named(self, name: str, need: Need) -> tuple[Library, ...]:
        """The libraries for the machine of `need` that go by `name`."""
        key = (need.format, need.machine, library_key(name, need.format))
        return tuple(self._by_name.get(key, ()))

    def directories(self, name: str, need: Need) -> frozenset[str]:
        """Where the libraries that go by `name` are installed."""
        return frozenset(
            posixpath.dirname(installed_path(each.path)) for each in self.named(name, need)
        )

    def reach(self, need: Need) -> Reach:
        """What loading the object loads, breadth first (glibc elf/dl-deps.c)."""
        found: dict[tuple[str, str], Library] = {}
        outside: set[str] = set()
        waiting = list(need.needed)
        for name in waiting:
            libraries = self.named(name, need)
            if not libraries and name not in need.needed:
                outside.add(name)
            for each in libraries:
                if (each.path, each.machine) not in found:
                    found[each.path, each.machine] = each
                    waiting += each.needed
        return Reach(
            libraries=tuple(found.values()),
            grafted=frozenset(each.name for each in found.values() if each.is_grafted),
            outside=frozenset(outside),
        )

    def definitions(self, name: str) -> tuple[Definition, ...]:
        """Every definition of `name`, in whatever library."""
        return tuple(self._definitions.get(name, ()))

    @cached_property
    def _definitions(self) -> dict[str, list[Definition]]:
        rows = {(each.path, each.machine): each for each in self.rows}
        table: dict[str, list[Definition]] = {}
        for exporting in self._provider.symbols.objects:
            library = rows.get((exporting.path, exporting.machine))
            if library is None:
                continue
            forwards = dict(exporting.forwards)
            for symbol in exporting.symbols:
                table.setdefault(symbol.name, []).append(
                    Definition(library, symbol, forwards.get(symbol.name))
                )
        return table
