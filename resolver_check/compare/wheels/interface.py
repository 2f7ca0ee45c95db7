"""The interface of two wheels as far as their fingerprints tell it, part by part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from backend_shim.record.fingerprint import (
    AbiFingerprint,
    ExportingObject,
    InterfaceFacts,
    ObjectRecord,
    SymbolTables,
)
from backend_shim.record.type_tables import TypeTables

_Value = TypeVar("_Value")
_FUNCTIONS = frozenset(("function", "ifunc"))


@dataclass(frozen=True, slots=True, kw_only=True)
class VisibleInterface:
    """One wheel as far as binaries of others can bind to it."""

    fingerprint: AbiFingerprint
    symbols: SymbolTables
    types: TypeTables
    tags: frozenset[str]
    modules: frozenset[str]
    """Dotted names of what can be imported."""


def interface_differences(first: VisibleInterface, second: VisibleInterface) -> tuple[str, ...]:
    """Names of the parts that differ, or that could not be read in one; empty: all are equal.

    Both fingerprints must have been asked about the same interfaces and names. Where a record came
    from does not count, nor what binds it to its binaries (digest, size, CRC), nor how many bytes
    of code a function has.
    """
    old, new = first.fingerprint, second.fingerprint
    return (
        *_differing("tag", dict.fromkeys(first.tags), dict.fromkeys(second.tags)),
        *_differing("module", dict.fromkeys(first.modules), dict.fromkeys(second.modules)),
        *(f"not read {path}" for path in sorted({e.path for e in (*old.unread, *new.unread)})),
        *_differing("binary", _objects(old.objects), _objects(new.objects)),
        *_differing("provides", _facts(old.provides), _facts(new.provides)),
        *_differing("requires", _facts(old.requires), _facts(new.requires)),
        *_differing("series", _facts(old.series), _facts(new.series)),
        *_differing("symbols of", _symbols(first.symbols), _symbols(second.symbols)),
        *_differing("types of", _types(first.types), _types(second.types)),
    )


def _differing(title: str, first: dict[str, _Value], second: dict[str, _Value]) -> Iterator[str]:
    for name in sorted({*first, *second}):
        if name not in first or name not in second or first[name] != second[name]:
            yield f"{title} {name}"


def _objects(objects: Iterable[ObjectRecord]) -> dict[str, frozenset[ObjectRecord]]:
    found: dict[str, frozenset[ObjectRecord]] = {}
    for each in objects:  # a universal Mach-O file has one for each machine
        loose = replace(each, digest=None, size=0, crc32=0, exported=0, imported=0)
        found[each.path] = found.get(each.path, frozenset()) | {loose}
    return found


def _facts(listed: Iterable[InterfaceFacts]) -> dict[str, object]:
    return {each.interface: (each.provider, each.facts) for each in listed}


def _symbols(tables: SymbolTables) -> dict[str, object]:
    return {f"{each.path} ({each.machine})": _offered(each) for each in tables.objects}


def _offered(library: ExportingObject) -> object:
    symbols = frozenset(
        symbol._replace(size=0) if symbol.kind in _FUNCTIONS else symbol
        for symbol in library.symbols
    )
    return library.soname, symbols, frozenset(library.forwards)


def _types(tables: TypeTables) -> dict[str, object]:
    return {each.path: (each.method, frozenset(each.symbols)) for each in tables.objects}
