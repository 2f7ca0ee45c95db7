"""Builds small ELF images in memory, in both classes and byte orders, right or deliberately wrong.

Written from the gABI and LSB tables alone; it shares no code with the reader that it tests.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

BASE = 0x10000
"""The address of file offset 0: no address is an offset."""

LOCAL, GLOBAL, WEAK, UNIQUE = 0, 1, 2, 10
NOTYPE, OBJECT, FUNC, COMMON, TLS, IFUNC = 0, 1, 2, 5, 6, 10
DEFAULT, INTERNAL, HIDDEN, PROTECTED = 0, 1, 2, 3
ET_REL, ET_EXEC, ET_DYN = 1, 2, 3
X86_64 = 62


class ImageSymbol(NamedTuple):
    """A row of `.dynsym` and its entry in `.gnu.version`."""

    name: str | bytes
    kind: int = FUNC
    binding: int = GLOBAL
    visibility: int = DEFAULT
    is_defined: bool = True
    size: int = 0
    mark: int = 1


class Image:
    """An ELF image under construction; `bytes(image)` builds it.

    Attributes may be changed before. `overrides` replaces values of the dynamic array by tag, None
    removes the tag.
    """

    def __init__(
        self,
        *,
        bits: int = 64,
        order: str = "<",
        machine: int = X86_64,
        elf_type: int = ET_DYN,
        symbols: Sequence[ImageSymbol] = (),
        needed: Sequence[str] = (),
        soname: str | None = None,
        rpath: str | None = None,
        runpath: str | None = None,
        needs: Sequence[tuple[str, Sequence[tuple[int, str]]]] = (),
        definitions: Sequence[tuple[int, int, str]] = (),
        hash_tables: Sequence[str] = ("gnu",),
        relocated: bool = False,
        interpreter: bool = False,
        flags_1: int = 0,
        section_headers: bool = True,
        overrides: dict[int, int | None] | None = None,
    ) -> None:
        self.bits, self.order, self.machine, self.elf_type = bits, order, machine, elf_type
        hashed = [s for s in symbols if s.is_defined and s.binding != LOCAL]
        unhashed = [s for s in symbols if not (s.is_defined and s.binding != LOCAL)]
        null = ImageSymbol("", NOTYPE, LOCAL, is_defined=False, mark=0)
        self.symbols = [null, *unhashed, *hashed]
        self.first_hashed = 1 + len(unhashed)
        self.needed, self.soname, self.rpath, self.runpath = needed, soname, rpath, runpath
        self.needs, self.definitions = needs, definitions
        self.hash_tables, self.relocated = hash_tables, relocated
        self.interpreter, self.flags_1 = interpreter, flags_1
        self.section_headers = section_headers
        self.overrides = overrides or {}
        self._strings = bytearray(b"\0")

    def __bytes__(self) -> bytes:
        self._strings = bytearray(b"\0")
        symbols, relocations = self._symbol_table(), self._relocations()
        needs, definitions = self._version_needs(), self._version_definitions()
        entries: list[tuple[int, int | str]] = [(1, self._intern(file)) for file in self.needed]
        entries += [
            (tag, self._intern(value))
            for tag, value in ((14, self.soname), (15, self.rpath), (29, self.runpath))
            if value is not None
        ]
        marks = b"".join(self._pack("H", symbol.mark) for symbol in self.symbols)
        tables = {".interp": b"/lib/ld.so\0"} if self.interpreter else {}
        tables |= {".dynsym": symbols, ".dynstr": bytes(self._strings), ".rel": relocations}
        entries += [(6, ".dynsym"), (5, ".dynstr"), (10, len(self._strings)), (11, self._symbol)]
        if self.needs or self.definitions:
            tables[".gnu.version"] = marks
            entries.append((0x6FFFFFF0, ".gnu.version"))
        if self.definitions:
            tables[".gnu.version_d"] = definitions
            entries += [(0x6FFFFFFC, ".gnu.version_d"), (0x6FFFFFFD, len(self.definitions))]
        if self.needs:
            tables[".gnu.version_r"] = needs
            entries += [(0x6FFFFFFE, ".gnu.version_r"), (0x6FFFFFFF, len(self.needs))]
        if "gnu" in self.hash_tables:
            tables[".gnu.hash"] = self._gnu_hash()
            entries.append((0x6FFFFEF5, ".gnu.hash"))
        if "sysv" in self.hash_tables:
            tables[".hash"] = self._sysv_hash()
            entries.append((4, ".hash"))
        if relocations:
            entries += [(17, ".rel"), (18, len(relocations))]
        if self.flags_1:
            entries.append((0x6FFFFFFB, self.flags_1))
        tables[".rodata"] = b"constant\0"
        return self._lay_out(tables, entries)

    def _lay_out(self, tables: dict[str, bytes], entries: list[tuple[int, int | str]]) -> bytes:
        wide = self.bits == 64
        header_size, program_size = (64, 56) if wide else (52, 32)
        program_count = 3 if self.interpreter else 2
        offset = header_size + program_count * program_size
        places, body = {}, b""
        for name, table in tables.items():
            padding = -(offset + len(body)) % 8
            body += b"\0" * padding
            places[name] = (offset + len(body), len(table))
            body += table
        values = {tag for tag, _ in entries}
        entries += [(tag, value) for tag, value in self.overrides.items()
                    if tag not in values and value is not None]  # fmt: skip
        dynamic = b""
        for tag, given in [*entries, (0, 0)]:
            value = BASE + places[given][0] if isinstance(given, str) else given
            override = self.overrides.get(tag, value)
            if override is not None:
                dynamic += self._pack("QQ" if wide else "II", tag, override)
        body += b"\0" * (-(offset + len(body)) % 8)
        places[".dynamic"] = (offset + len(body), len(dynamic))
        body += dynamic
        end = offset + len(body)
        programs = self._program(1, 0, end) + self._program(2, *places[".dynamic"])
        if self.interpreter:
            programs += self._program(3, *places[".interp"])
        sections, names_offset, count = b"", 0, 0
        if self.section_headers:
            sections, names_offset, count = self._sections(places, end)
        names_index = max(count - 1, 0)
        fields = (
            *(self.elf_type, self.machine, 1, 0, header_size, names_offset, 0, header_size),
            *(program_size, program_count, 64 if wide else 40, count, names_index),
        )
        ident = b"\x7fELF" + bytes((self.bits // 32, 1 if self.order == "<" else 2, 1)) + b"\0" * 9
        header = ident + self._pack("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH", *fields)
        return header + programs + body + sections

    def _program(self, kind: int, offset: int, size: int) -> bytes:
        if self.bits == 64:
            return self._pack("IIQQQQQQ", kind, 4, offset, BASE + offset, BASE, size, size, 8)
        return self._pack("IIIIIIII", kind, offset, BASE + offset, BASE, size, size, 4, 8)

    def _sections(self, places: dict[str, tuple[int, int]], end: int) -> tuple[bytes, int, int]:
        """Return names and headers, the offset of the headers, and their number."""
        names = b"\0" + b"".join(name.encode() + b"\0" for name in places) + b".shstrtab\0"
        form = "IIQQQQIIQQ" if self.bits == 64 else "IIIIIIIIII"
        headers = self._pack(form, *[0] * 10)
        for name, (offset, size) in {**places, ".shstrtab": (end, len(names))}.items():
            at = names.index(b"\0" + name.encode() + b"\0") + 1
            kind = {".dynsym": 11, ".dynstr": 3, ".dynamic": 6}.get(name, 1)
            address = 0 if name == ".shstrtab" else BASE + offset
            flags = 2 if address else 0  # SHF_ALLOC
            headers += self._pack(form, at, kind, flags, address, offset, size, 0, 0, 1, 0)
        return names + headers, end + len(names), len(places) + 2

    def _symbol_table(self) -> bytes:
        table = b""
        for s in self.symbols:
            name, info, section = self._intern(s.name), s.binding << 4 | s.kind, int(s.is_defined)
            if self.bits == 64:
                table += self._pack("IBBHQQ", name, info, s.visibility, section, 0, s.size)
            else:
                table += self._pack("IIIBBH", name, 0, s.size, info, s.visibility, section)
        return table

    def _relocations(self) -> bytes:
        if not self.relocated:
            return b""
        shift, form = (32, "QQ") if self.bits == 64 else (8, "II")
        return b"".join(
            self._pack(form, 0, index << shift | 6) for index in range(len(self.symbols))
        )

    def _version_needs(self) -> bytes:
        table = b""
        for place, (file, versions) in enumerate(self.needs):
            next_ = 0 if place + 1 == len(self.needs) else 16 + 16 * len(versions)
            table += self._pack("HHIII", 1, len(versions), self._intern(file), 16, next_)
            for position, (index, version) in enumerate(versions):
                next_ = 0 if position + 1 == len(versions) else 16
                table += self._pack("IHHII", 0, 0, index, self._intern(version), next_)
        return table

    def _version_definitions(self) -> bytes:
        table = b""
        for place, (index, flags, version) in enumerate(self.definitions):
            next_ = 0 if place + 1 == len(self.definitions) else 28
            table += self._pack("HHHHIII", 1, flags, index, 1, 0, 20, next_)
            table += self._pack("II", self._intern(version), 0)
        return table

    def _gnu_hash(self) -> bytes:
        """One bucket, one bloom word that lets everything pass."""
        hashed = self.symbols[self.first_hashed :]
        bloom = self._pack("Q" if self.bits == 64 else "I", 2**self.bits - 1)
        if not hashed:  # as binutils writes it
            return self._pack("IIII", 1, 1, 1, 0) + bloom + self._pack("I", 0)
        table = self._pack("IIII", 1, self.first_hashed, 1, 0) + bloom
        table += self._pack("I", self.first_hashed)
        for position, symbol in enumerate(hashed, 1):
            is_last = position == len(hashed)
            table += self._pack("I", _gnu_hash_of(_encode(symbol.name)) & ~1 | is_last)
        return table

    def _sysv_hash(self) -> bytes:
        count = len(self.symbols)
        word = "Q" if self.bits == 64 and self.machine in (22, 0x9026) else "I"
        chain = [0, *range(2, count), 0][:count]
        return self._pack(word * (3 + count), 1, count, min(1, count - 1), *chain)

    def _intern(self, string: str | bytes) -> int:
        encoded = _encode(string) + b"\0"
        found = self._strings.find(encoded)
        if found < 0:
            found = len(self._strings)
            self._strings += encoded
        return found

    @property
    def _symbol(self) -> int:
        return 24 if self.bits == 64 else 16

    def _pack(self, form: str, *values: int) -> bytes:
        return struct.pack(self.order + form, *values)


def _encode(string: str | bytes) -> bytes:
    return string.encode() if isinstance(string, str) else string


def _gnu_hash_of(name: bytes) -> int:
    value = 5381
    for byte in name:
        value = (value * 33 + byte) & 0xFFFFFFFF
    return value
