"""What a wheel needs of others by linking."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property

from backend_shim.binary.shared_object import Symbol
from backend_shim.interfaces.inspected_wheel import InspectedObject, InspectedWheel
from backend_shim.interfaces.linking.facts import Import, Need
from backend_shim.interfaces.linking.forwarding import forwarded_to
from backend_shim.interfaces.linking.platform_libraries import (
    is_given_symbol,
    is_interpreter_symbol,
    is_platform_library,
    is_toolchain_symbol,
    library_key,
    may_be_platform_library,
)
from backend_shim.interfaces.platform_floor import is_for_musl


def needs_of(wheel: InspectedWheel) -> tuple[Need, ...]:
    """Per object, what it takes from outside; what an object before it takes alike is left out."""
    by_machine: dict[tuple[str, str], list[InspectedObject]] = {}
    for each in wheel.objects:
        by_machine.setdefault((each.shared.format, each.shared.machine), []).append(each)
    found: list[Need] = []
    for (binary_format, _), objects in by_machine.items():
        own = _OwnLibraries(objects, binary_format)
        seen: set[tuple[tuple[str, ...], Import]] = set()
        for each in objects:
            need = _elf_need(each, own) if binary_format == "elf" else _named_need(each, own)
            imports = [entry for entry in need.imports if (need.needed, entry) not in seen]
            optional = [entry for entry in need.optional if (need.needed, entry) not in seen]
            seen.update((need.needed, entry) for entry in (*imports, *optional))
            if need.needed or imports or optional:
                found.append(replace(need, imports=tuple(imports), optional=tuple(optional)))
    return tuple(found)


class _OwnLibraries:
    """The objects of one wheel for one machine, by the names under which the loader finds them."""

    def __init__(self, objects: Sequence[InspectedObject], binary_format: str) -> None:
        self.format = binary_format
        self.by_name: dict[str, InspectedObject] = {}
        self.exports: dict[str, frozenset[str]] = {}
        """By path, the names of the symbols defined."""
        for each in objects:
            self.by_name[library_key(posixpath.basename(each.path), binary_format)] = each
            if each.shared.soname is not None:
                self.by_name[library_key(each.shared.soname, binary_format)] = each
            self.exports[each.path] = each.shared.exported.different_names
        self.known: dict[bool, set[str]] = {True: set(), False: set()}
        """Names that are nobody's, as far as asked: of the interpreter and toolchain, or of the
        latter only."""
        self.has_versions = not is_for_musl(each.shared for each in objects)

    @cached_property
    def all_exports(self) -> frozenset[str]:
        """The names of all symbols that the objects define."""
        return frozenset().union(*self.exports.values())

    def find(self, name: str) -> InspectedObject | None:
        """The object that the loader takes for `name`."""
        return self.by_name.get(library_key(name, self.format))

    def outside(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of `names` that neither this wheel nor the platform has, each once."""
        return tuple(
            dict.fromkeys(
                name
                for name in names
                if self.find(name) is None and not is_platform_library(name, self.format)
            )
        )

    def reachable_from(self, start: InspectedObject) -> list[InspectedObject]:
        """`start`, then breadth-first what it needs of its own wheel."""
        found = {start.path: start}
        waiting = [start]
        for each in waiting:
            for name in each.shared.needed:
                owner = self.find(name)
                if owner is not None and owner.path not in found:
                    found[owner.path] = owner
                    waiting.append(owner)
        return waiting


def _elf_need(each: InspectedObject, own: _OwnLibraries) -> Need:
    reached = own.reachable_from(each)
    outside = own.outside(name for library in reached for name in library.shared.needed)
    # An object that needs no library of another distribution finds what its own wheel defines,
    # also what was loaded before it by other means. Else only what it needs itself is certain.
    defined = [own.exports[library.path] for library in reached] if outside else [own.all_exports]
    platform = {name for name, _ in each.shared.version_needs if is_platform_library(name, "elf")}
    imported = each.shared.imported
    # Libraries such as libz are nobody's, so a name like the interpreter's is not theirs.
    is_alone = all(may_be_platform_library(name, "elf") for name in outside)
    is_known = is_given_symbol if is_alone else is_toolchain_symbol
    known = own.known[is_alone]
    # 40,000 symbols in one wheel of SciPy, of which nearly none is left.
    names = imported.different_names - known
    for exports in defined:
        names = names - exports
    given = set(filter(is_known, names))
    known |= given
    names -= given
    imports: list[Import] = []
    optional: list[Import] = []
    for name, traits in zip(imported.names, imported.traits, strict=True) if names else ():
        if name not in names or traits.library in platform:
            continue
        is_versioned = traits.version is not None and own.has_versions
        entry = Import(name, *((traits.version, traits.library) if is_versioned else (None, None)))
        # gABI, "Symbol Table": "unresolved weak symbols have a zero value"
        (optional if traits.binding == "weak" else imports).append(entry)
    return _need(each, outside, imports, optional)


def _named_need(each: InspectedObject, own: _OwnLibraries) -> Need:
    """PE and Mach-O: nearly every symbol names its library, so no other object has a say."""
    imports: list[Import] = []
    optional: list[Import] = []
    forwarded: list[str] = []
    for symbol in each.shared.imported:
        entry = _named_import(symbol, own)
        if entry is not None:
            (optional if symbol.binding == "weak" else imports).append(entry)
    for symbol in each.shared.exported:
        if symbol.forwards_to is not None:
            library, name = forwarded_to(symbol.forwards_to, own.format)
            if own.outside([library]):
                forwarded.append(library)
                imports.append(Import(name, None, library))
    # dyld goes on without a library that is linked weakly, and then all its symbols are weak.
    named = {entry.library for entry in imports}
    weak = {entry.library for entry in optional} - named
    outside = own.outside([*each.shared.needed, *forwarded])
    outside = tuple(name for name in outside if name not in weak)
    return _need(each, outside, imports, optional)


def _named_import(symbol: Symbol, own: _OwnLibraries) -> Import | None:
    """What the import takes from outside, if anything."""
    name, library = symbol.name, symbol.library
    if library is None:
        # Dynamic lookup in whatever is loaded (ld -undefined dynamic_lookup), as the interpreter's
        # functions are found.
        is_known = is_interpreter_symbol(name) or name in own.all_exports
        return None if is_known else Import(name, None, None)
    owner = own.find(library)
    if owner is None:
        outside = not is_platform_library(library, own.format)
        return Import(name, None, library) if outside else None
    if name in own.exports[owner.path]:
        return None
    # Own libraries may pass on the symbols of others.
    passed_on = own.outside(
        name for each in own.reachable_from(owner) for name in each.shared.reexported
    )
    if not passed_on:
        return None
    return Import(name, None, passed_on[0] if len(passed_on) == 1 else None)


def _need(
    each: InspectedObject,
    outside: tuple[str, ...],
    imports: Iterable[Import],
    optional: Iterable[Import],
) -> Need:
    compatibility = (
        (name, versions[0]) for name, versions in each.shared.version_needs if name in outside
    )
    return Need(
        path=each.path,
        format=each.shared.format,
        machine=each.shared.machine,
        needed=outside,
        compatibility=tuple(compatibility) if each.shared.format == "macho" else (),
        imports=tuple(imports),
        optional=tuple(optional),
    )
