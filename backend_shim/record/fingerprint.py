"""The ABI fingerprint: what a wheel's binaries offer to others and need from others."""

from __future__ import annotations

import enum
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, NamedTuple

from backend_shim import __version__
from backend_shim.errors import InvalidRecord
from backend_shim.record.canonical import JSONValue, canonical_json
from backend_shim.record.decoding import (
    MAX_INTEGER,
    JSONObject,
    as_object,
    check_schema_version,
    decode_json,
    get_bool,
    get_count,
    get_list,
    get_object,
    get_objects,
    get_str,
    get_str_list,
    get_str_or_null,
    get_word,
    path_to,
)
from backend_shim.record.facts import Facts
from backend_shim.record.names import GENERATOR_NAME, SCHEMA_VERSION


class Basis(str, enum.Enum):
    """Where facts come from."""

    DECLARED = "declared"
    """The project says so in its configuration."""
    OBSERVED = "observed"
    """Read from the binaries by the tool that wrote the record."""
    DERIVED = "derived"
    """Read from a wheel without a usable record, by whoever asks."""


_BASES: Final = tuple(each.value for each in Basis)


@dataclass(frozen=True, slots=True, kw_only=True)
class Generator:
    """The program that wrote a record."""

    name: str = GENERATOR_NAME
    version: str = __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRecord:
    """One shared object of the wheel, bound to the bytes that were read."""

    path: str
    digest: str | None
    """As RECORD has it, `sha256=…`; None where RECORD has none."""
    size: int
    crc32: int
    """CRC-32 in the archive's central directory. Every unpacker checks it against the content, so
    a binary changed without a new RECORD is noticed without inflating it."""
    format: str
    machine: str
    kind: str
    """`extension-module`, `library` or `executable`."""
    is_grafted: bool
    """Copied in by a repair tool under a mangled name: nobody else's provider."""
    soname: str | None
    needed: tuple[str, ...]
    run_path: tuple[str, ...]
    version_needs: tuple[tuple[str, tuple[str, ...]], ...]
    exported: int
    """Number of symbols defined; they are in the symbol tables, as far as others can bind to them.
    """
    imported: int
    """Number of symbols needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadObject:
    """A binary that could not be read: nothing can be concluded from its absence in the tables."""

    path: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceFacts:
    """What a wheel provides or requires by one interface."""

    interface: str
    basis: Basis
    facts: Facts
    provider: str | None = None
    """Normalized name of the distribution that provides it, if the interface is one project's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AbiFingerprint:
    """The binary interface of one wheel.

    Holds no name, tag or digest of the wheel itself, no time and no path outside of it.
    """

    generator: Generator
    is_purelib: bool
    """No shared object of any format is in the archive, whatever Root-Is-Purelib says."""
    interfaces: tuple[str, ...] = ()
    """Names of the ways of binding that the wheel was looked at for, sorted. One that is missing
    says nothing by having no entry below."""
    objects: tuple[ObjectRecord, ...] = ()
    unread: tuple[UnreadObject, ...] = ()
    provides: tuple[InterfaceFacts, ...] = ()
    requires: tuple[InterfaceFacts, ...] = ()
    series: tuple[InterfaceFacts, ...] = ()

    def required(self, interface: str) -> InterfaceFacts | None:
        """What the wheel requires by `interface`."""
        return next((each for each in self.requires if each.interface == interface), None)

    def provided(self, interface: str) -> InterfaceFacts | None:
        """What the wheel provides by `interface`."""
        return next((each for each in self.provides if each.interface == interface), None)

    def to_json(self) -> bytes:
        """Canonical JSON of the document (spec/schemas/abi_fingerprint-0.1.schema.json)."""
        return canonical_json(
            {
                "schema_version": SCHEMA_VERSION,
                "generator": {"name": self.generator.name, "version": self.generator.version},
                "is_purelib": self.is_purelib,
                "interfaces": list(self.interfaces),
                "objects": [_object_json(each) for each in self.objects],
                "unread": [{"path": each.path, "why": each.why} for each in self.unread],
                "provides": [_facts_json(each) for each in self.provides],
                "requires": [_facts_json(each) for each in self.requires],
                "series": [_facts_json(each) for each in self.series],
            }
        )

    @classmethod
    def from_json(cls, data: bytes) -> AbiFingerprint:
        """The fingerprint in `data`.

        Raises InvalidRecord with the JSON path of the fault; UnknownSchema for a version that is
        not understood, which is to be treated as an absent record.
        """
        table = as_object(decode_json(data), "$")
        check_schema_version(table)
        found = cls(
            generator=read_generator(table),
            is_purelib=get_bool(table, "is_purelib", "$"),
            interfaces=get_str_list(table, "interfaces", "$"),
            objects=tuple(_object(*each) for each in get_objects(table, "objects", "$")),
            unread=tuple(
                UnreadObject(path=get_str(each, "path", at), why=get_str(each, "why", at))
                for each, at in get_objects(table, "unread", "$")
            ),
            provides=_interfaces(table, "provides"),
            requires=_interfaces(table, "requires"),
            series=_interfaces(table, "series", bases=(Basis.DECLARED.value,)),
        )
        holds_binaries = bool(found.objects or found.unread)
        if found.is_purelib is holds_binaries or (found.is_purelib and found.requires):
            raise InvalidRecord("$.is_purelib", "contradicts objects, unread or requires")
        return found


def read_generator(document: JSONObject) -> Generator:
    """The program that `document` says to be written by. Raises InvalidRecord."""
    table, path = get_object(document, "generator", "$"), "$.generator"
    return Generator(name=get_str(table, "name", path), version=get_str(table, "version", path))


def _object_json(each: ObjectRecord) -> JSONValue:
    return {
        "path": each.path,
        "digest": each.digest,
        "size": each.size,
        "crc32": each.crc32,
        "format": each.format,
        "machine": each.machine,
        "kind": each.kind,
        "is_grafted": each.is_grafted,
        "soname": each.soname,
        "needed": list(each.needed),
        "run_path": list(each.run_path),
        "version_needs": [
            {"file": file, "versions": list(versions)} for file, versions in each.version_needs
        ],
        "exported": {"count": each.exported},
        "imported": {"count": each.imported},
    }


def _object(table: JSONObject, path: str) -> ObjectRecord:
    return ObjectRecord(
        path=get_str(table, "path", path),
        digest=get_str_or_null(table, "digest", path),
        size=get_count(table, "size", path, least=1),
        crc32=get_count(table, "crc32", path, most=0xFFFFFFFF),
        format=get_word(table, "format", path, ("elf", "macho", "pe")),
        machine=get_str(table, "machine", path),
        kind=get_word(table, "kind", path, ("extension-module", "library", "executable")),
        is_grafted=get_bool(table, "is_grafted", path),
        soname=get_str_or_null(table, "soname", path),
        needed=get_str_list(table, "needed", path),
        run_path=get_str_list(table, "run_path", path),
        version_needs=tuple(
            (get_str(each, "file", at), get_str_list(each, "versions", at))
            for each, at in get_objects(table, "version_needs", path)
        ),
        exported=_count(table, "exported", path),
        imported=_count(table, "imported", path),
    )


def _count(table: JSONObject, key: str, path: str) -> int:
    return get_count(get_object(table, key, path), "count", path_to(path, key))


def _facts_json(each: InterfaceFacts) -> JSONValue:
    table: dict[str, JSONValue] = {
        "interface": each.interface,
        "basis": each.basis.value,
        "facts": each.facts.thaw(),
    }
    if each.provider is not None:
        table["provider"] = each.provider
    return table


def _interfaces(
    table: JSONObject, key: str, *, bases: Collection[str] = _BASES
) -> tuple[InterfaceFacts, ...]:
    found = [
        InterfaceFacts(
            interface=get_str(each, "interface", at),
            basis=Basis(get_word(each, "basis", at, bases)),
            facts=Facts(get_object(each, "facts", at)),
            provider=get_str(each, "provider", at, optional=True),
        )
        for each, at in get_objects(table, key, "$")
    ]
    names = [each.interface for each in found]
    if len(set(names)) != len(names):
        raise InvalidRecord(path_to("$", key), "names an interface twice")
    return tuple(found)


_SYMBOL_KINDS: Final = frozenset(("function", "object", "tls", "ifunc", "notype", "other"))


class ExportedSymbol(NamedTuple):
    """A symbol that a library of the wheel offers to others.

    No dataclass for the reason that `binary.shared_object.Symbol` is none: there are many.
    """

    name: str
    version: str | None
    kind: str
    size: int
    is_hidden: bool = False
    version_index: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportingObject:
    """A shared object with the symbols that others can bind to."""

    path: str
    soname: str | None
    machine: str
    """Of a universal Mach-O file there is one entry for each."""
    symbols: tuple[ExportedSymbol, ...]
    digest: str | None = None
    """With `size` and `crc32` as in `ObjectRecord`: the bytes whose symbols these are."""
    size: int = 1
    crc32: int = 0
    forwards: tuple[tuple[str, str], ...] = ()
    """PE and Mach-O: (symbol, where its definition really is) as `Symbol.forwards_to` has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolTables:
    """The second member: exported symbols in full, read only when a consumer links to the wheel."""

    objects: tuple[ExportingObject, ...] = ()

    def to_json(self) -> bytes:
        """Canonical JSON; a symbol is `[name, version, kind, size, is_hidden, version_index]`."""
        return canonical_json(
            {
                "schema_version": SCHEMA_VERSION,
                "objects": [
                    {
                        "path": each.path,
                        "digest": each.digest,
                        "size": each.size,
                        "crc32": each.crc32,
                        "soname": each.soname,
                        "machine": each.machine,
                        "forwards": [[*row] for row in each.forwards],
                        "symbols": [
                            [s.name, s.version, s.kind, s.size, s.is_hidden, s.version_index]
                            for s in each.symbols
                        ],
                    }
                    for each in self.objects
                ],
            }
        )

    @classmethod
    def from_json(cls, data: bytes) -> SymbolTables:
        """The tables in `data`; raises InvalidRecord."""
        table = as_object(decode_json(data), "$")
        check_schema_version(table)
        return cls(
            objects=tuple(
                ExportingObject(
                    path=get_str(each, "path", at),
                    digest=get_str_or_null(each, "digest", at),
                    size=get_count(each, "size", at, least=1),
                    crc32=get_count(each, "crc32", at, most=0xFFFFFFFF),
                    soname=get_str_or_null(each, "soname", at),
                    machine=get_str(each, "machine", at),
                    forwards=tuple(
                        _forward(row, path_to(path_to(at, "forwards"), index))
                        for index, row in enumerate(get_list(each, "forwards", at))
                    ),
                    symbols=tuple(
                        _exported_symbol(row, path_to(path_to(at, "symbols"), index))
                        for index, row in enumerate(get_list(each, "symbols", at))
                    ),
                )
                for each, at in get_objects(table, "objects", "$")
            )
        )


def _forward(row: JSONValue, path: str) -> tuple[str, str]:
    match row:
        case [str(name), str(target)]:
            return name, target
    raise InvalidRecord(path, "must be [name, target]")


def _is_within(number: int, most: int = MAX_INTEGER) -> bool:
    """Whether it is a number, which true and false are not, and not above `most`."""
    return not isinstance(number, bool) and 0 <= number <= most


def _exported_symbol(row: JSONValue, path: str) -> ExportedSymbol:
    match row:
        case [
            str(name), str() | None as version, str(kind), int(size), bool(hidden), int(index)
        ] if kind in _SYMBOL_KINDS and _is_within(size) and _is_within(index, 0x7FFF):  # fmt: skip
            return ExportedSymbol(
                name=name,
                version=version,
                kind=kind,
                size=size,
                is_hidden=hidden,
                version_index=index,
            )
    raise InvalidRecord(path, "must be [name, version, kind, size, is_hidden, version_index]")
