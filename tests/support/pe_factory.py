"""Builds small PE files in memory, of 32 or 64 bits, right or deliberately wrong.

Written from Microsoft's "PE Format" alone; it shares no code with the reader that it tests.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

TEXT, DATA, RELOC, RDATA = 0x1000, 0x2000, 0x3000, 0x4000
"""The addresses (RVA) of the sections; the last one may be of any size."""
BASE = 0x10000000

DLL = 0x2000
X86_64, I386, ARM64 = 0x8664, 0x14C, 0xAA64
EXPORT, IMPORT, DELAY_IMPORT, CLR = 0, 1, 13, 14
CODE, READ_ONLY, WRITABLE, DISCARDABLE = 0x60000020, 0x40000040, 0xC0000040, 0x42000040


class Export(NamedTuple):
    """An entry of the export address table; without names it has only its ordinal."""

    names: tuple[str, ...] = ()
    address: int = TEXT
    forwarder: str | None = None


class Image:
    """A PE file under construction; `bytes(image)` builds it.

    `imports` are DLL -> names or ordinals; `directories` replaces (RVA, size) of data directories.
    """

    def __init__(
        self,
        *,
        bits: int = 64,
        machine: int = X86_64,
        flags: int = DLL | 0x22,
        name: str | None = None,
        exports: Sequence[Export] = (),
        ordinal_base: int = 1,
        imports: Mapping[str, Sequence[str | int]] | None = None,
        delayed: Mapping[str, Sequence[str | int]] | None = None,
        delayed_by_address: bool = False,
        has_lookup_tables: bool = True,
        constants: bytes = b"constant\0",
        code: bytes = b"\xc3" * 32,
        sections: Mapping[str, int] | None = None,
        directories: Mapping[int, tuple[int, int]] | None = None,
    ) -> None:
        self.bits, self.machine, self.flags = bits, machine, flags
        self.name, self.exports, self.ordinal_base = name, exports, ordinal_base
        self.imports, self.delayed = imports or {}, delayed or {}
        self.delayed_by_address, self.has_lookup_tables = delayed_by_address, has_lookup_tables
        self.constants, self.code = constants, code
        self.section_flags = {".text": CODE, ".data": WRITABLE, ".reloc": DISCARDABLE,
                              ".rdata": READ_ONLY, **(sections or {})}  # fmt: skip
        self.directories = directories or {}
        self._rdata = bytearray()

    def __bytes__(self) -> bytes:
        self._rdata = bytearray(self.constants)
        places = [(0, 0)] * 16
        if self.name is not None or self.exports:
            places[EXPORT] = self._export_table()
        if self.imports:
            places[IMPORT] = self._import_table()
        if self.delayed:
            places[DELAY_IMPORT] = self._delay_table()
        for index, place in self.directories.items():
            places[index] = place
        contents = {
            ".text": (TEXT, self.code),
            ".data": (DATA, b"written\0" * 2),
            ".reloc": (RELOC, b"reloc\0\0\0"),
            ".rdata": (RDATA, bytes(self._rdata)),
        }
        return self._lay_out(places, contents)

    def _lay_out(
        self, places: list[tuple[int, int]], contents: dict[str, tuple[int, bytes]]
    ) -> bytes:
        directories = b"".join(struct.pack("<II", *place) for place in places)
        optional_size = (112 if self.bits == 64 else 96) + len(directories)
        offset = headers_size = 64 + 24 + optional_size + 40 * len(contents)
        headers = body = b""
        for name, (address, content) in contents.items():
            headers += struct.pack(
                "<8sIIIIIIHHI", name.encode(), len(content), address, len(content), offset,
                0, 0, 0, 0, self.section_flags[name],
            )  # fmt: skip
            body += content
            offset += len(content)
        if self.bits == 64:
            optional = struct.pack("<H22xQ28xI44xI", 0x20B, BASE, headers_size, len(places))
        else:
            optional = struct.pack("<H26xI28xI28xI", 0x10B, BASE, headers_size, len(places))
        dos = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 64)
        file = struct.pack("<4sHHIIIHH", b"PE\0\0", self.machine, len(contents), 0, 0, 0,
                           optional_size, self.flags)  # fmt: skip
        return dos + file + optional + directories + headers + body

    def _export_table(self) -> tuple[int, int]:
        """A directory that is 40 bytes, with all that belongs to it behind."""
        start = self._add(b"\0" * 40, align=4)
        name = self._string(self.name) if self.name is not None else 0
        addresses = [
            self._string(each.forwarder) if each.forwarder is not None else each.address
            for each in self.exports
        ]
        names = sorted(
            (name, index) for index, each in enumerate(self.exports) for name in each.names
        )
        functions = self._add(struct.pack(f"<{len(addresses)}I", *addresses), align=4)
        pointers = [self._string(name) for name, _ in names]
        names_at = self._add(struct.pack(f"<{len(pointers)}I", *pointers), align=4)
        ordinals = self._add(struct.pack(f"<{len(names)}H", *(index for _, index in names)))
        counts = (self.ordinal_base, len(addresses), len(names))
        directory = struct.pack("<12x7I", name, *counts, functions, names_at, ordinals)
        at = start - RDATA
        self._rdata[at : at + 40] = directory
        return start, RDATA + len(self._rdata) - start

    def _import_table(self) -> tuple[int, int]:
        rows = b""
        for library, symbols in self.imports.items():
            addresses = self._lookups(symbols)
            lookups = self._lookups(symbols) if self.has_lookup_tables else 0
            rows += struct.pack("<IIIII", lookups, 0, 0, self._string(library), addresses)
        rows += b"\0" * 20
        return self._add(rows, align=4), len(rows)

    def _delay_table(self) -> tuple[int, int]:
        base = BASE if self.delayed_by_address else 0
        rows = b""
        for library, symbols in self.delayed.items():
            name, lookups = self._string(library) + base, self._lookups(symbols) + base
            attributes = 0 if self.delayed_by_address else 1
            rows += struct.pack("<8I", attributes, name, 0, 0, lookups, 0, 0, 0)
        rows += b"\0" * 32
        return self._add(rows, align=4), len(rows)

    def _lookups(self, symbols: Sequence[str | int]) -> int:
        words = [
            symbol | 1 << self.bits - 1
            if isinstance(symbol, int)
            else self._add(b"\7\0" + symbol.encode() + b"\0", align=2)
            for symbol in symbols
        ]
        form = "Q" if self.bits == 64 else "I"
        return self._add(struct.pack(f"<{len(words) + 1}{form}", *words, 0), align=8)

    def _string(self, text: str) -> int:
        return self._add(text.encode("utf-8", "surrogateescape") + b"\0")

    def _add(self, content: bytes, align: int = 1) -> int:
        """The address at which `content` now lies in `.rdata`."""
        self._rdata += b"\0" * (-len(self._rdata) % align)
        at = RDATA + len(self._rdata)
        self._rdata += content
        return at
