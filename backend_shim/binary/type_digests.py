"""Debug information -> a digest of its type for each exported symbol.

A digest covers the symbol's own type and everything that can be reached from it: the type of each
parameter, the layout of each struct behind a pointer, the slots of each vtable. It depends on no
path, no offset and no order of the units: a named type stands in it by its name, with every
definition that the object has of this name.

A symbol has a digest only if an external definition of its name, in C or C++, is at its address, so
aliases, hand-written assembly and code of other languages have none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from backend_shim.binary.debug_info import (
    AGGREGATES,
    DebugInfo,
    NotDescribed,
    addresses,
    faults_reported,
    is_c_or_cxx,
    linkage_name_of,
    name_of,
)
from backend_shim.binary.file_bytes import Buffer
from backend_shim.binary.type_shapes import (
    Found,
    Name,
    Shape,
    Shapes,
    kind_of,
)

if TYPE_CHECKING:
    from elftools.dwarf.die import DIE

METHOD: Final = "dwarf-1"
"""How digests are made; those of two methods say nothing of each other."""

_DW_OP_ADDR: Final = 0x03
_NAMED: Final = AGGREGATES | {"DW_TAG_enumeration_type"}
_DEFINING: Final = frozenset({"DW_TAG_subprogram", "DW_TAG_variable"})
_NO_DEFINITION: Final = frozenset({"DW_AT_declaration", "DW_AT_inline"})
# Digests are compared one with one, never looked up: 64 bits leave nothing to chance.
_DIGEST_LENGTH: Final = 16


class TypeDigest(NamedTuple):
    """What is known of the type of one symbol."""

    digest: str
    is_closed: bool
    """False where data of types that it does not tell may pass: `void *`, `...`, a function without
    prototype, a struct that the object never defines."""


def type_digests(library: Buffer, debug: Buffer, symbols: Collection[str]) -> dict[str, TypeDigest]:
    """The digests of those of `symbols`, exported by `library`, that `debug` describes.

    `debug` is `library` itself or a copy of it that was not stripped. Raises InvalidBinary.
    """
    wanted = frozenset(symbols)
    with faults_reported():
        places = {name: at for name, at in addresses(library).items() if name in wanted}
        return _Library(debug, places).digests()


class _Described(NamedTuple):
    """A shape, or None where it has something unknown, and what it refers to."""

    shape: Shape
    names: frozenset[Name]
    is_closed: bool


class _Library:
    """One object's types: read once, then each symbol's digest is worked out."""

    def __init__(self, debug: Buffer, wanted: dict[str, int]) -> None:
        self._info = DebugInfo(debug)
        self._wanted = wanted
        self._scopes: dict[int, Name] = {}
        """By offset, the names that lead to each type that has one."""
        self._definitions: dict[Name, list[DIE]] = {}
        self._symbols: dict[str, list[DIE]] = {}
        self._shapes = Shapes(self._info, lambda entry: self._scopes.get(entry.offset))
        self._nodes: dict[Name, _Described] = {}
        self._closures: dict[Name, tuple[str, bool] | None] = {}
        for unit in self._info.units():
            if is_c_or_cxx(unit):
                for entry, scope in self._info.walk(unit):
                    with suppress(NotDescribed):
                        self._note(entry, scope)

    def digests(self) -> dict[str, TypeDigest]:
        """By symbol; without those of which something is unknown."""
        found = {}
        for name, entries in sorted(self._symbols.items()):
            digests = {self._digest(entry) for entry in entries}
            only = digests.pop()
            if only is not None and not digests:
                found[name] = only
        return found

    def _note(self, entry: DIE, scope: Name) -> None:
        if entry.tag in _NAMED:
            name = name_of(entry)
            path = (*scope, name) if name is not None else self._declared_path(entry)
            if path is not None:
                self._scopes[entry.offset] = path
                if "DW_AT_declaration" not in entry.attributes:
                    self._definitions.setdefault((kind_of(entry), *path), []).append(entry)
        elif entry.tag in _DEFINING:
            symbol = self._external_name(entry)
            if symbol is not None and self._lies_at(entry, self._wanted[symbol]):
                self._symbols.setdefault(symbol, []).append(entry)

    def _declared_path(self, entry: DIE) -> Name | None:
        """Of `struct A::B { … };`, whose name stands where B is declared in A."""
        declared = self._info.referred(entry, "DW_AT_specification")
        return None if declared is None else self._scopes.get(declared.offset)

    def _chain(self, entry: DIE) -> Iterator[DIE]:
        """`entry`, the abstract function it is an instance of, and what that one specifies."""
        yield entry
        for attribute in ("DW_AT_abstract_origin", "DW_AT_specification"):
            referred = self._info.referred(entry, attribute)
            if referred is not None:
                entry = referred
                yield entry

    def _external_name(self, entry: DIE) -> str | None:
        """The wanted symbol that `entry` defines, if it is one."""
        if entry.attributes.keys() & _NO_DEFINITION:
            return None
        chain = list(self._chain(entry))
        if not any("DW_AT_external" in each.attributes for each in chain):
            return None
        names = [name for each in chain if (name := linkage_name_of(each)) is not None]
        names += [name for each in chain if (name := name_of(each)) is not None]
        return names[0] if names and names[0] in self._wanted else None

    def _lies_at(self, entry: DIE, address: int) -> bool:
        if entry.tag == "DW_TAG_subprogram":
            # GCC leaves one without an address that it found to be identical with another.
            is_folded = not entry.attributes.keys() & {"DW_AT_low_pc", "DW_AT_ranges"}
            return is_folded or address in self._info.starts(entry)
        location = entry.attributes.get("DW_AT_location")
        value = location.value if location is not None else None
        if isinstance(value, list) and value[:1] == [_DW_OP_ADDR]:
            is_little = entry.cu.dwarfinfo.config.little_endian
            return int.from_bytes(bytes(value[1:]), "little" if is_little else "big") == address
        return False

    def _digest(self, entry: DIE) -> TypeDigest | None:
        found = Found()
        try:
            chain = list(self._chain(entry))
            typed = next((each for each in chain if "DW_AT_type" in each.attributes), entry)
            inner = self._info.referred(typed, "DW_AT_type")
            shape: Shape
            if entry.tag == "DW_TAG_variable":
                shape = ("variable", self._shapes.type_of(inner, found))
            else:
                described = chain[1] if "DW_AT_abstract_origin" in entry.attributes else entry
                shape = self._shapes.function(chain[-1], described, inner, found)
        except NotDescribed:
            return None
        reached: list[Shape] = []
        is_closed = found.is_closed
        for name in sorted(found.names):
            closure = self._closure(name)
            if closure is None:
                return None
            reached.append((*name, closure[0]))
            is_closed = is_closed and closure[1]
        digest = _sha256((shape, tuple(reached)))
        return TypeDigest(digest=digest[:_DIGEST_LENGTH], is_closed=is_closed)

    def _closure(self, start: Name) -> tuple[str, bool] | None:
        """The digest of all types that `start` leads to, and whether none of them is open."""
        if start not in self._closures:
            reached: set[Name] = set()
            waiting = [start]
            while waiting:
                name = waiting.pop()
                if name not in reached:
                    reached.add(name)
                    waiting += self._node(name).names
            nodes = [(name, self._node(name)) for name in sorted(reached)]
            self._closures[start] = None
            if all(node.shape is not None for _, node in nodes):
                digest = _sha256(tuple((*name, node.shape) for name, node in nodes))
                self._closures[start] = digest, all(node.is_closed for _, node in nodes)
        return self._closures[start]

    def _node(self, name: Name) -> _Described:
        """Every definition of `name` in the object, each of them once."""
        if name not in self._nodes:
            found = Found()
            shapes: set[str] = set()
            shape: Shape = None
            try:
                for entry in self._definitions.get(name, ()):
                    shapes.add(_sha256(self._shapes.definition(entry, found)))
                shape = tuple(sorted(shapes)) if shapes else "never defined"
            except NotDescribed:
                found.names.clear()
            self._nodes[name] = _Described(
                shape, frozenset(found.names), found.is_closed and bool(shapes)
            )
        return self._nodes[name]


def _sha256(shape: Shape) -> str:
    # `repr` of tuples, strings and numbers is unambiguous and the same in every process.
    return hashlib.sha256(repr(shape).encode("utf-8", "backslashreplace")).hexdigest()
