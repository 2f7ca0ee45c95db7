"""A wheel in, the digests of the types behind its libraries' symbols out.

They are taken from debug information: of the library itself, of an unstripped copy elsewhere, or
they are those that were taken before the library was stripped or repaired. What ties a copy or an
earlier record to a library is its build-id.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from backend_shim.binary import debug_info
from backend_shim.binary.build_id import build_id, has_debug_info
from backend_shim.binary.file_bytes import Buffer
from backend_shim.binary.type_digests import METHOD, TypeDigest, type_digests
from backend_shim.errors import InvalidBinary
from backend_shim.fingerprinting import Fingerprinted
from backend_shim.record.fingerprint import ObjectRecord
from backend_shim.record.type_tables import TypedObject, TypedSymbol, TypeTables
from backend_shim.wheel.open_wheel import OpenWheel

NO_READER: Final = "pyelftools is not installed: install wheel-abi with the extra `types`"
_MAGIC: Final = b"\x7fELF"


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenTypes:
    """The tables of a wheel, and what is missing in them."""

    tables: TypeTables
    missing: tuple[tuple[str, str], ...]
    """Path of each library that others can link to and of which no type is known, and why."""


class DebugFiles:
    """The objects with debug information below some directories, by build-id."""

    def __init__(self, directories: Collection[Path] = ()) -> None:
        self._directories = directories

    def path(self, identity: str | None) -> Path | None:
        """The file whose build-id is `identity`, if there is one."""
        return self._found.get(identity) if identity else None

    @cached_property
    def _found(self) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for path in self._files():
            if (data := _mapped(path)) is not None:
                with data:
                    if has_debug_info(data):
                        found.setdefault(build_id(data) or "", path)
        return found

    @contextmanager
    def contents(self, identity: str | None) -> Iterator[Buffer | None]:
        """The bytes of that file."""
        path = self.path(identity)
        data = _mapped(path) if path is not None else None
        with data or nullcontext():
            yield data

    def _files(self) -> Iterator[Path]:
        for directory in self._directories:
            for folder, _, names in sorted(os.walk(directory)):
                yield from (Path(folder, name) for name in sorted(names))


class TypeReader:
    """Reads types for libraries of one wheel."""

    def __init__(
        self, archive: OpenWheel, debug_files: DebugFiles, before: TypeTables | None = None
    ) -> None:
        """`before` is what was known earlier, whether or not it describes the bytes of now."""
        self._archive = archive
        self._debug_files = debug_files
        self._before = before or TypeTables()

    def object(self, record: ObjectRecord, symbols: Collection[str]) -> TypedObject:
        """The types of `symbols`, which the library exports; raises InvalidBinary without any."""
        with self._archive.contents(record.path) as data:
            identity = build_id(data)
            found = self._digests(data, identity, frozenset(symbols))
        if not found:
            raise InvalidBinary("its debug information describes none of its symbols")
        return TypedObject(
            path=record.path,
            digest=record.digest,
            size=record.size,
            crc32=record.crc32,
            build_id=identity,
            method=METHOD,
            symbols=tuple(TypedSymbol(name, *each) for name, each in sorted(found.items())),
        )

    def _digests(
        self, data: Buffer, identity: str | None, symbols: frozenset[str]
    ) -> dict[str, TypeDigest]:
        with self._debug_files.contents(identity) as copy:
            source = data if has_debug_info(data) else copy
            if source is not None and debug_info.is_readable():
                return type_digests(data, source, symbols)
        for each in self._before.objects:
            if identity is not None and (each.build_id, each.method) == (identity, METHOD):
                return {
                    symbol.name: TypeDigest(symbol.digest, symbol.is_closed)
                    for symbol in each.symbols
                    if symbol.name in symbols
                }
        raise InvalidBinary(_why_none(identity, is_there=source is not None))


def _why_none(identity: str | None, *, is_there: bool) -> str:
    if is_there:
        return NO_READER
    if identity is None:
        return "it has no debug information, and no build-id by which to know a copy that has"
    return f"it has no debug information, and no copy with the build-id {identity} does"


def take_types(
    reader: TypeReader, read: Fingerprinted, paths: Collection[str] | None = None
) -> TakenTypes:
    """The types of the libraries that others can link to; of those at `paths`, if given."""
    records = {each.path: each for each in read.fingerprint.objects if each.format == "elf"}
    taken: list[TypedObject] = []
    missing: list[tuple[str, str]] = []
    for each in read.symbols.objects:
        record = records.get(each.path)
        names = {symbol.name for symbol in each.symbols}
        if record is None or record.kind != "library" or not names:
            continue
        if paths is None or each.path in paths:
            try:
                taken.append(reader.object(record, names))
            except InvalidBinary as error:
                missing.append((each.path, str(error)))
    return TakenTypes(tables=TypeTables(objects=tuple(taken)), missing=tuple(missing))


def _mapped(path: Path) -> mmap.mmap | None:
    """The bytes of an ELF file; None for any other file, and one that cannot be read."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                return None
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return None
