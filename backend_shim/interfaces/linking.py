"""Dynamic linking: what the loader resolves, by the loader's own rules (ELF).

A consumer requires the sonames that are not in its own wheel, and the symbols that nothing in its
own wheel, no library of the platform and no interpreter defines. A provider offers the exported
symbols of its libraries. The rules for symbol versions are those of glibc's `do_lookup_x` /
`check_match` (elf/dl-lookup.c), tried with real programs.
"""

from __future__ import annotations

import functools
import hashlib
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

from backend_shim.binary.shared_object import Symbol
from backend_shim.errors import InvalidRecord
from backend_shim.interfaces.inspected_wheel import InspectedObject, InspectedWheel, OpenObject
from backend_shim.interfaces.provider import Declaration, Provider
from backend_shim.interfaces.reasons import Binding, Effect, Evidence, Reason
from backend_shim.record.canonical import JSONValue
from backend_shim.record.decoding import get_list, get_objects, get_str, get_str_list, path_to
from backend_shim.record.facts import Facts
from backend_shim.record.fingerprint import (
    ExportedSymbol,
    ExportingObject,
    SymbolSet,
    SymbolTables,
)

NAME: Final = "linking"

# What every manylinux and musllinux platform has (PEP 513, 571, 599, 600: "the following
# libraries" of the C, C++ and thread run time). Other allow-listed libraries (X11, GL, glib) are
# recorded as needed.
_PLATFORM: Final = re.compile(
    r"(?:lib(?:c|m|pthread|dl|rt|util|nsl|resolv|anl|crypt|gcc_s|stdc\+\+|atomic|mvec)\.so(?:\.\d+)*"
    r"|ld-linux.*|ld64?\.so.*|ld-musl.*|libc\.musl.*|linux-vdso.*|libpython3.*)"
)
# Named like the interpreter's own. Where an object links to another distribution, such a name may
# as well be that one's (`PySide…`), so there it is recorded.
_INTERPRETER: Final = re.compile(r"_?Py[A-Z_]")
# PEP 489, "Export Hook Name": PyInitU_ for names that are not ASCII; PEP 793: PyModExport_.
ENTRY_POINTS: Final = ("PyInit_", "PyInitU_", "PyModExport_", "PyModExportU_")
# The first index of `.gnu.version` that stands for a version node other than the base.
_FIRST_VERSION: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SonameMissing(Reason):
    """A library of the old provider is not in the new one; the loader refuses the consumer."""

    kind: ClassVar[str] = "soname-missing"
    effect: ClassVar[Effect] = Effect.REFUSES
    object: str
    soname: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolMissing(Reason):
    """A symbol that the consumer imports is no longer exported, or not with that version."""

    kind: ClassVar[str] = "symbol-missing"
    effect: ClassVar[Effect] = Effect.REFUSES
    object: str
    symbol: str
    version: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolChanged(Reason):
    """An imported symbol is of another kind, or a data object or vtable of another size."""

    kind: ClassVar[str] = "symbol-changed"
    effect: ClassVar[Effect] = Effect.REFUSES
    object: str
    symbol: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolsPresent(Reason):
    """Every symbol taken from the provider is still exported: same version, kind and size."""

    kind: ClassVar[str] = "symbols-present"
    effect: ClassVar[Effect] = Effect.SUPPORTS
    evidence: ClassVar[Evidence | None] = Evidence.SYMBOLS
    libraries: tuple[str, ...]
    symbols: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewlyProvided(Reason):
    """The consumer needs a library that the old provider did not have and the new one has."""

    kind: ClassVar[str] = "newly-provided"
    effect: ClassVar[Effect] = Effect.OPEN
    object: str
    soname: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryMoved(Reason):
    """The library lies elsewhere in the new provider, so a run path may no longer lead to it."""

    kind: ClassVar[str] = "library-moved"
    effect: ClassVar[Effect] = Effect.OPEN
    soname: str
    old: tuple[str, ...]
    new: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderNeedsMore(Reason):
    """The new provider's libraries need others that the old one's did not, wherever those are."""

    kind: ClassVar[str] = "provider-needs-more"
    effect: ClassVar[Effect] = Effect.OPEN
    sonames: tuple[str, ...]


@functools.cache
def _is_platform(library: str) -> bool:
    return _PLATFORM.fullmatch(library) is not None


@functools.lru_cache(maxsize=8192)  # the same few hundred names in every extension module
def _is_interpreter(symbol: str) -> bool:
    return _INTERPRETER.match(symbol) is not None


class _Import(NamedTuple):
    name: str
    version: str | None


def symbol_set(symbols: Iterable[Symbol]) -> SymbolSet:
    """Count and digest over sorted `name@version` lines."""
    lines = [f"{each.name}@{each.version or ''}" for each in symbols]
    lines.sort()
    text = "\n".join([*lines, ""])  # a line feed behind each line
    return SymbolSet(count=len(lines), digest=hashlib.sha256(text.encode()).hexdigest())


def exported_tables(wheel: InspectedWheel) -> SymbolTables:
    """What other wheels can bind to.

    That leaves out grafted copies, executables and the entry points for the interpreter.
    """
    found = []
    for each in wheel.objects:
        if each.is_grafted or each.kind == "executable":
            continue
        symbols = tuple(
            ExportedSymbol(
                name=symbol.name,
                version=symbol.version,
                kind=symbol.kind,
                size=symbol.size,
                is_hidden=symbol.is_hidden,
                version_index=symbol.version_index,
            )
            for symbol in _offered(each)
        )
        if symbols or each.kind == "library":
            found.append(
                ExportingObject(path=each.path, soname=each.shared.soname, symbols=symbols)
            )
    return SymbolTables(objects=tuple(found))


def _offered(each: InspectedObject) -> list[Symbol]:
    return [symbol for symbol in each.shared.exported if not symbol.name.startswith(ENTRY_POINTS)]


def read_object(_opened: OpenObject) -> JSONValue:
    """Nothing beyond the tables that were read already."""
    return None


def provides(wheel: InspectedWheel) -> Facts | None:
    """The libraries by which others can name this wheel; their symbols stand in another member."""
    libraries = [
        {
            "path": each.path,
            "name": each.shared.soname or posixpath.basename(each.path),
            "is_grafted": each.is_grafted,
        }
        for each in wheel.objects
        if each.kind == "library" or (each.kind == "extension-module" and _offered(each))
    ]
    return Facts({"libraries": libraries}) if libraries else None


def requires(wheel: InspectedWheel) -> Facts | None:
    """Per object, the needed libraries and imported symbols that come from elsewhere."""
    own = _OwnLibraries(wheel.objects)
    seen: set[_Import] = set()
    objects: list[JSONValue] = []
    for each in wheel.objects:
        needed = [
            name
            for name in each.shared.needed
            if name not in own.by_name and not _is_platform(name)
        ]
        imports = [
            entry
            for entry in _foreign_imports(each, own, links_elsewhere=bool(needed))
            if entry not in seen
        ]
        seen.update(imports)
        if needed or imports:
            objects.append(
                {"path": each.path, "needed": list(needed), "imports": [list(i) for i in imports]}
            )
    return Facts({"objects": objects}) if objects else None


class _OwnLibraries:
    """The objects of one wheel, by the names under which the loader finds them."""

    def __init__(self, objects: Iterable[InspectedObject]) -> None:
        self.by_name: dict[str, InspectedObject] = {}
        self._exports: dict[str, frozenset[str]] = {}
        for each in objects:
            self.by_name[posixpath.basename(each.path)] = each
            if each.shared.soname is not None:
                self.by_name[each.shared.soname] = each
            self._exports[each.path] = frozenset(symbol.name for symbol in each.shared.exported)
        self.exports = (frozenset().union(*self._exports.values()),)
        """The names of all symbols that the wheel defines."""

    def reachable_from(self, start: InspectedObject) -> tuple[frozenset[str], ...]:
        """Names defined by `start` and, set by set, by what it needs of its own wheel."""
        found: dict[str, frozenset[str]] = {}
        waiting = [start]
        while waiting:
            each = waiting.pop()
            if each.path not in found:
                found[each.path] = self._exports[each.path]
                waiting += [
                    self.by_name[name] for name in each.shared.needed if name in self.by_name
                ]
        return tuple(found.values())


def _foreign_imports(
    each: InspectedObject, own: _OwnLibraries, *, links_elsewhere: bool
) -> Iterator[_Import]:
    # An object that needs no library of another distribution finds what its own wheel defines,
    # also what was loaded before it by other means. Else only what it needs itself is certain.
    reachable = own.reachable_from(each) if links_elsewhere else own.exports
    names = {symbol.name for symbol in each.shared.imported}
    for exports in reachable:
        names = names - exports  # `-=` would go through all exports in place of the names
    for symbol in each.shared.imported:
        if (
            symbol.name not in names
            # A weak reference may stay undefined (gABI, "Symbol Table": STB_WEAK).
            or symbol.binding == "weak"
            or (symbol.library is not None and _is_platform(symbol.library))
            or (not links_elsewhere and _is_interpreter(symbol.name))
        ):
            continue
        yield _Import(symbol.name, symbol.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Need:
    path: str
    needed: tuple[str, ...]
    imports: tuple[_Import, ...]


def _decode(required: Facts) -> Iterator[_Need]:
    for each, path in get_objects(required.thaw(), "objects", f"$.{NAME}"):
        yield _Need(
            path=get_str(each, "path", path),
            needed=get_str_list(each, "needed", path),
            imports=tuple(_decode_import(row, path) for row in get_list(each, "imports", path)),
        )


def _decode_import(row: JSONValue, path: str) -> _Import:
    match row:
        case [str(name), str() | None as version]:
            return _Import(name, version)
    raise InvalidRecord(path_to(path, "imports"), "must hold [name, version] pairs")


def is_satisfied(required: Facts, old: Provider, new: Provider) -> tuple[Binding, ...]:
    """At most one binding: all that the loader takes from the provider's libraries."""
    needs = tuple(_decode(required))
    before, after = _Exports(old), _Exports(new)
    libraries = sorted(
        {name for need in needs for name in need.needed if name in before.names | after.names}
    )
    taken = [
        (need, each) for need in needs for each in need.imports if before.definitions(each.name)
    ]
    if not libraries and not taken:
        return ()
    reasons: list[Reason] = [
        SonameMissing(object=need.path, soname=name)
        if name in before.names
        else NewlyProvided(object=need.path, soname=name)
        for need in needs
        for name in need.needed
        if (name in before.names) != (name in after.names)
    ]
    for need, entry in taken:
        reasons += _judge_symbol(need.path, entry, before, after)
    reasons += _judge_libraries(libraries, before, after)
    if reasons:
        # Whatever the headers say, the loader may not get that far.
        return (Binding(interface=NAME, reasons=tuple(reasons)),)
    reasons.append(SymbolsPresent(libraries=tuple(libraries), symbols=len(taken)))
    declared = {_source_name(entry.name) for _, entry in taken}
    return (
        Binding(
            interface=NAME,
            reasons=tuple(reasons),
            declarations=tuple(Declaration(None, name) for name in sorted(declared)),
        ),
    )


def _judge_libraries(
    libraries: Iterable[str], before: _Exports, after: _Exports
) -> Iterator[Reason]:
    """What may keep the loader from libraries that both versions have."""
    for name in libraries:
        old, new = before.directories(name), after.directories(name)
        if old and new and not old & new:
            yield LibraryMoved(soname=name, old=tuple(sorted(old)), new=tuple(sorted(new)))
    more = after.needed - before.needed - after.names
    if more:
        yield ProviderNeedsMore(sonames=tuple(sorted(more)))


class _Exports:
    """The definitions of a provider's libraries, by name, and what these need themselves."""

    def __init__(self, provider: Provider) -> None:
        facts = provider.provided.get(NAME)
        libraries = get_objects(facts.thaw(), "libraries", f"$.{NAME}") if facts else ()
        self._libraries = [
            (name, posixpath.dirname(get_str(each, "path", path)))
            for each, path in libraries
            # The loader takes a library by its soname or by the name of its file.
            for name in sorted(
                {get_str(each, "name", path), posixpath.basename(get_str(each, "path", path))}
            )
        ]
        self.names = {name for name, _ in self._libraries}
        required = provider.required.get(NAME)
        self.needed = {
            name for need in (_decode(required) if required else ()) for name in need.needed
        }
        self._provider = provider
        self._table: dict[str, list[ExportedSymbol]] | None = None

    def directories(self, library: str) -> set[str]:
        return {directory for name, directory in self._libraries if name == library}

    def definitions(self, name: str) -> list[ExportedSymbol]:
        if self._table is None:
            self._table = {}
            for each in self._provider.symbols.objects:
                for symbol in each.symbols:
                    self._table.setdefault(symbol.name, []).append(symbol)
        return self._table.get(name, [])


def _judge_symbol(path: str, entry: _Import, before: _Exports, after: _Exports) -> list[Reason]:
    old = next(iter(matching(entry.version, before.definitions(entry.name))), None)
    if old is None:
        # The old provider has the name, but not for this reference: it comes from elsewhere.
        return []
    new = matching(entry.version, after.definitions(entry.name))
    if not new:
        return [SymbolMissing(object=path, symbol=entry.name, version=entry.version)]
    if any(_is_same_object(old, each) for each in new):
        return []
    return [
        SymbolChanged(object=path, symbol=entry.name, old=_describe(old), new=_describe(new[0]))
    ]


def matching(version: str | None, definitions: Iterable[ExportedSymbol]) -> list[ExportedSymbol]:
    """Those of `definitions`, all of one name, to which a reference to `version` binds.

    None is an unversioned reference.
    """
    return [each for each in definitions if _binds(version, each)]


def _binds(version: str | None, definition: ExportedSymbol) -> bool:
    if version is not None:
        # check_match: "No version. But a version is required": a definition without version
        # satisfies any reference, a hidden one does not; else the names must be equal, hidden or
        # not.
        if definition.version is None:
            return not definition.is_hidden
        return definition.version == version
    # "Don't accept hidden symbols": an unversioned reference binds to the base and to the first
    # version of an object even if hidden (index below 3), to later ones only if they are the
    # default.
    return definition.version_index <= _FIRST_VERSION or not definition.is_hidden


def _is_same_object(old: ExportedSymbol, new: ExportedSymbol) -> bool:
    if _is_data(old) != _is_data(new) or (old.kind == "tls") != (new.kind == "tls"):
        return False
    return not _is_data(old) or old.size == new.size


def _is_data(symbol: ExportedSymbol) -> bool:
    return symbol.kind in ("object", "tls")


def _describe(symbol: ExportedSymbol) -> str:
    return f"{symbol.kind} of {symbol.size} bytes" if _is_data(symbol) else symbol.kind


def _source_name(symbol: str) -> str:
    """The identifier that a header would have for `symbol`.

    Of a mangled C++ name it is the last source name. Itanium C++ ABI, 5.1.2:
    `<source-name> ::= <positive length number> <identifier>`.
    """
    if not symbol.startswith("_Z"):
        return symbol
    nested = re.search(r"\d", symbol)
    name, at = symbol, nested.start() if nested else len(symbol)
    while match := re.compile(r"(?:[A-Z][A-Za-z0-9]?_?|[KVrL])*?(\d+)").match(symbol, at):
        length = int(match[1])
        if not 0 < length <= len(symbol) - match.end():
            break
        name = symbol[match.end() : match.end() + length]
        at = match.end() + length
        if at < len(symbol) and not symbol[at].isdigit():
            break
    return name
