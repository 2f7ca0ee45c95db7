"""Digests of the types behind exported symbols, taken while there was debug information."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from backend_shim.errors import InvalidRecord
from backend_shim.record.canonical import JSONValue, canonical_json
from backend_shim.record.decoding import (
    JSONObject,
    as_object,
    check_schema_version,
    decode_json,
    get_count,
    get_list,
    get_objects,
    get_str,
    get_str_or_null,
    path_to,
)
from backend_shim.record.names import SCHEMA_VERSION


class TypedSymbol(NamedTuple):
    """An exported symbol with the digest of its type and of all that can be reached from it."""

    name: str
    digest: str
    is_closed: bool
    """False where data may pass for which there is no type, such as behind a `void *`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedObject:
    """One library, bound to its bytes as the fingerprint binds it."""

    path: str
    digest: str | None
    """As RECORD has it."""
    size: int
    crc32: int
    build_id: str | None
    """By which the digests survive a repair or `strip`, which change the bytes."""
    method: str
    """How the digests were made; only those of one method can be compared."""
    symbols: tuple[TypedSymbol, ...]
    """Those whose type is known, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeTables:
    """The member of types: read where a consumer links to the wheel and nothing else decides."""

    objects: tuple[TypedObject, ...] = ()

    def to_json(self) -> bytes:
        """Canonical JSON; a symbol is `[name, digest, is_closed]`."""
        return canonical_json(
            {
                "schema_version": SCHEMA_VERSION,
                "objects": [_object_json(each) for each in self.objects],
            }
        )

    @classmethod
    def from_json(cls, data: bytes) -> TypeTables:
        """The tables in `data`; raises InvalidRecord."""
        table = as_object(decode_json(data), "$")
        check_schema_version(table)
        return cls(objects=tuple(_object(*each) for each in get_objects(table, "objects", "$")))


def _object_json(each: TypedObject) -> JSONValue:
    return {
        "path": each.path,
        "digest": each.digest,
        "size": each.size,
        "crc32": each.crc32,
        "build_id": each.build_id,
        "method": each.method,
        "symbols": [[symbol.name, symbol.digest, symbol.is_closed] for symbol in each.symbols],
    }


def _object(table: JSONObject, path: str) -> TypedObject:
    return TypedObject(
        path=get_str(table, "path", path),
        digest=get_str_or_null(table, "digest", path),
        size=get_count(table, "size", path),
        crc32=get_count(table, "crc32", path, most=0xFFFFFFFF),
        build_id=get_str_or_null(table, "build_id", path),
        method=get_str(table, "method", path),
        symbols=tuple(
            _symbol(row, path_to(path_to(path, "symbols"), index))
            for index, row in enumerate(get_list(table, "symbols", path))
        ),
    )


def _symbol(row: JSONValue, path: str) -> TypedSymbol:
    match row:
        case [str(name), str(digest), bool(is_closed)]:
            return TypedSymbol(name, digest, is_closed)
    raise InvalidRecord(path, "must be [name, digest, is_closed]")
