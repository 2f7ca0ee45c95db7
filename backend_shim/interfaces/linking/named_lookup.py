"""Which definition Windows and macOS bind a reference to: the library is named beside the symbol.

PE format, "The .idata Section", "Export Address Table" (forwarders); dyld 4 (Loader.cpp,
resolveSymbol): a symbol is sought in the named library, then in those that it re-exports.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from backend_shim.interfaces.linking.facts import Import, Library, Need
from backend_shim.interfaces.linking.forwarding import forwarded_to
from backend_shim.interfaces.linking.provided import Definition, ProvidedLibraries

# A chain of forwarders is one or two long.
_MAX_FORWARDS: Final = 8


def find_named(entry: Import, need: Need, provided: ProvidedLibraries) -> Definition | None:
    """The definition that the reference leads to, followed through forwarders.

    A forwarder to a library that is not the provider's is returned itself; one that leads nowhere
    is None.
    """
    assert entry.library is not None
    library, name = entry.library, entry.name
    found = None
    for _ in range(_MAX_FORWARDS):
        named = provided.named(library, need)
        if not named:
            return found
        found = _defined_in(_with_reexported(named, need, provided), name, provided)
        if found is None or found.forwards_to is None:
            return found
        library, name = forwarded_to(found.forwards_to, need.format)
    return None


def _defined_in(
    libraries: Iterable[Library], name: str, provided: ProvidedLibraries
) -> Definition | None:
    definitions = provided.definitions(name)
    return next(
        (each for library in libraries for each in definitions if each.library == library), None
    )


def _with_reexported(
    libraries: Iterable[Library], need: Need, provided: ProvidedLibraries
) -> list[Library]:
    found = list(libraries)
    for each in found:
        for name in each.reexported:
            found += [library for library in provided.named(name, need) if library not in found]
    return found
