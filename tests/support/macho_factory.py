"""Builds small Mach-O files in memory, in both word sizes and byte orders, and universal ones.

Written from <mach-o/loader.h>, <mach-o/fat.h> and <mach-o/fixup-chains.h> alone; it shares no code
with the reader that it tests.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

OBJECT, EXECUTE, DYLIB, BUNDLE, DSYM = 1, 2, 6, 8, 10
X86_64, ARM64, I386, PPC = 0x01000007, 0x0100000C, 7, 18
REQ_DYLD = 0x80000000
LOAD, LAZY, WEAK, REEXPORT, UPWARD = 0xC, 0x20, REQ_DYLD | 0x18, REQ_DYLD | 0x1F, REQ_DYLD | 0x23
DYSYMTAB, DYLD_INFO = 0xB, REQ_DYLD | 0x22
EXPORTS_TRIE, CHAINED_FIXUPS = REQ_DYLD | 0x33, REQ_DYLD | 0x34
SELF, MAIN_EXECUTABLE, FLAT, WEAK_LOOKUP = 0, -1, -2, -3

BASE = 0x4000
"""The address of the header: no address is an offset."""
TEXT, CONST, DATA = 0x1000, 0x2000, 0x3000
"""Addresses of the sections, from the header on."""


class Library(NamedTuple):
    """A library that the object needs."""

    name: str
    kind: int = LOAD
    compatibility: int = 0x00010000


class Export(NamedTuple):
    """A symbol in the trie; a re-export has `(number of the library, name there)`."""

    name: str
    address: int = TEXT
    flags: int = 0
    reexport: tuple[int, str] | None = None


class Import(NamedTuple):
    """A symbol that is bound."""

    name: str
    library: int = 1
    is_weak: bool = False


def uleb(number: int) -> bytes:
    """`number` as ULEB128."""
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def export_trie(exports: Sequence[Export]) -> bytes:
    """One edge for each character: longer than linkers make it, and as valid."""
    children: dict[bytes, list[bytes]] = {b"": []}
    terminals: dict[bytes, bytes] = {}
    for each in exports:
        name = each.name.encode("utf-8", "surrogateescape")
        for end in range(1, len(name) + 1):
            if name[:end] not in children:
                children[name[:end]] = []
                children[name[: end - 1]].append(name[:end])
        if each.reexport:
            number, there = each.reexport
            terminal = uleb(each.flags | 8) + uleb(number) + there.encode() + b"\0"
        else:
            terminal = uleb(each.flags) + uleb(each.address)
        terminals[name] = terminal
    places = dict.fromkeys(children, 0)
    while True:  # offsets lengthen the nodes, which moves the offsets
        nodes, at, moved = b"", 0, {}
        for prefix, longer in children.items():
            moved[prefix] = at
            terminal = terminals.get(prefix, b"")
            node = uleb(len(terminal)) + terminal + bytes([len(longer)])
            node += b"".join(each[-1:] + b"\0" + uleb(places[each]) for each in longer)
            nodes += node
            at += len(node)
        if moved == places:
            return nodes
        places = moved


def bind_opcodes(imports: Sequence[Import], *, is_lazy: bool = False) -> bytes:
    """As ld64 writes them: the library, the symbol, where to, and bind."""
    opcodes = b""
    for each in imports:
        if each.library > 15:
            opcodes += b"\x20" + uleb(each.library)
        elif each.library > 0:
            opcodes += bytes([0x10 | each.library])
        else:
            opcodes += bytes([0x30 | each.library & 0xF])
        opcodes += bytes([0x40 | each.is_weak]) + each.name.encode() + b"\0"
        opcodes += b"\x51" + b"\x72" + uleb(0x1234) + b"\x90" + (b"\0" if is_lazy else b"")
    return opcodes + b"\0"


def chained_fixups(imports: Sequence[Import], form: int = 1) -> bytes:
    """`dyld_chained_fixups_header`, the imports in one of the three formats, and their names."""
    names, table = b"\0", b""
    for each in imports:
        at, weak = len(names), each.is_weak
        names += each.name.encode() + b"\0"
        if form == 3:
            table += struct.pack("<Qq", each.library & 0xFFFF | weak << 16 | at << 32, 8)
        else:
            table += struct.pack("<I", each.library & 0xFF | weak << 8 | at << 9)
            table += struct.pack("<i", 8) if form == 2 else b""
    header = struct.pack("<7I", 0, 28, 28, 28 + len(table), len(imports), form, 0)
    return header + table + names


class Image:
    """A Mach-O file under construction; `bytes(image)` builds it.

    `binding` is `opcodes`, `chained` or None; `sections` replaces (type and attributes) by name;
    `dysymtab` gives the numbers of defined and undefined symbols. `linkedit` replaces tables:
    `trie`, `bind`, `weak`, `lazy`, `chained`.
    """

    def __init__(
        self,
        *,
        bits: int = 64,
        order: str = "<",
        cpu: int = X86_64,
        subtype: int = 3,
        file_type: int = DYLIB,
        name: str | None = None,
        version: int = 0x00010203,
        needed: Sequence[Library] = (),
        run_path: Sequence[str] = (),
        exports: Sequence[Export] = (),
        imports: Sequence[Import] = (),
        lazy: Sequence[Import] = (),
        weakly_bound: Sequence[str] = (),
        binding: str | None = "opcodes",
        chained_format: int = 1,
        dysymtab: tuple[int, int] | None = None,
        constants: bytes = b"constant\0",
        code: bytes = b"\xc3" * 16,
        sections: Mapping[str, int] | None = None,
        has_sections: bool = True,
        linkedit: Mapping[str, bytes] | None = None,
    ) -> None:
        self.bits, self.order, self.cpu, self.subtype = bits, order, cpu, subtype
        self.file_type, self.name, self.version = file_type, name, version
        self.needed, self.run_path, self.binding = needed, run_path, binding
        weak = b"".join(b"\x40" + each.encode() + b"\0\x51\x72\x08\x90" for each in weakly_bound)
        self.tables = {
            "trie": export_trie(exports) if exports else b"",
            "bind": bind_opcodes(imports),
            "weak": weak + b"\0" if weak else b"",
            "lazy": bind_opcodes(lazy, is_lazy=True) if lazy else b"",
            "chained": chained_fixups([*imports, *lazy], chained_format),
            **(linkedit or {}),
        }
        self.dysymtab, self.constants, self.code = dysymtab, constants, code
        self.has_sections = has_sections
        self.section_flags = {
            "__text": 0x80000400, "__cstring": 0x2, "__unwind_info": 0, "__data": 0, "__got": 0x6,
            "__bss": 0x1, **(sections or {}),
        }  # fmt: skip

    def __bytes__(self) -> bytes:
        start = self._header_size + len(self._commands({}, {}))
        contents = {
            "__text": (TEXT, self.code),
            "__cstring": (CONST, self.constants),
            "__unwind_info": (CONST + 0x800, b"unwind\0\0"),
            "__data": (DATA, b"written\0"),
            "__got": (DATA + 0x800, b"\0" * 8),
            "__bss": (DATA + 0x900, b""),
        }
        body, places = b"", {}
        for name, (_, content) in contents.items():
            places[name] = (start + len(body), len(content))
            body += content
        places["__bss"] = (0, 0x100)
        tables = {}
        for name, content in self.tables.items():
            tables[name] = (start + len(body), len(content))
            body += content
        commands = self._commands(places, tables)
        header = self._pack("7I", 0xFEEDFACE | self.bits // 64, self.cpu, self.subtype,
                            self.file_type, self._count, len(commands), 0x85)  # fmt: skip
        return header.ljust(self._header_size, b"\0") + commands + body

    def _commands(
        self, places: dict[str, tuple[int, int]], tables: dict[str, tuple[int, int]]
    ) -> bytes:
        """The load commands; with empty tables only their size is right."""
        commands = self._segments(places)
        if self.name is not None:
            commands.append(self._dylib(0xD, self.name, self.version))
        commands += [self._dylib(each.kind, each.name, each.compatibility) for each in self.needed]
        commands += [self._string(REQ_DYLD | 0x1C, 12, b"", path) for path in self.run_path]
        if self.dysymtab is not None:
            defined, undefined = self.dysymtab
            counts = (0, 0, 0, defined, defined, undefined, *[0] * 12)
            commands.append(self._pack("20I", DYSYMTAB, 80, *counts))
        if self.binding == "opcodes":
            pairs = [tables.get(name, (0, 0)) for name in ("bind", "weak", "lazy", "trie")]
            numbers = [number for pair in pairs for number in pair]
            commands.append(self._pack("12I", DYLD_INFO, 48, 0, 0, *numbers))
        elif self.binding == "chained":
            for kind, name in ((CHAINED_FIXUPS, "chained"), (EXPORTS_TRIE, "trie")):
                commands.append(self._pack("4I", kind, 16, *tables.get(name, (0, 0))))
        self._count = len(commands)
        return b"".join(commands)

    def _segments(self, places: dict[str, tuple[int, int]]) -> list[bytes]:
        wide = self.bits == 64
        kind, form, size = (0x19, "16sQQQQIIII", 72) if wide else (0x1, "16sIIIIIIII", 56)
        section_size = 80 if wide else 68
        commands = []
        addresses = {"__text": TEXT, "__cstring": CONST, "__unwind_info": CONST + 0x800,
                     "__data": DATA, "__got": DATA + 0x800, "__bss": DATA + 0x900}  # fmt: skip
        split = {"__TEXT": ("__text", "__cstring", "__unwind_info"),
                 "__DATA": ("__data", "__got", "__bss")}  # fmt: skip
        for segment, names in split.items():
            listed = names if self.has_sections else ()
            command = self._pack("II", kind, size + section_size * len(listed))
            first, last = places.get(names[0], (0, 0))[0], sum(places.get(names[1], (0, 0)))
            start = 0 if segment == "__TEXT" else first
            address = BASE if segment == "__TEXT" else BASE + DATA
            command += self._pack(form, segment.encode(), address, 0x1000, start, last - start,
                                  7, 5, len(listed), 0)  # fmt: skip
            for name in listed:
                offset, length = places.get(name, (0, 0))
                row = (name.encode(), segment.encode(), BASE + addresses[name], length, offset)
                command += self._pack("16s16sQQI" if wide else "16s16sIII", *row)
                flags = self.section_flags[name]
                command += self._pack("3II3I" if wide else "3II2I", 0, 0, 0, flags,
                                      *[0] * (3 if wide else 2))  # fmt: skip
            commands.append(command)
        return commands

    def _dylib(self, kind: int, name: str, compatibility: int) -> bytes:
        return self._string(kind, 24, self._pack("III", 2, 0x00090909, compatibility), name)

    def _string(self, kind: int, start: int, numbers: bytes, text: str) -> bytes:
        """A command whose string, at `start`, comes last."""
        content = text.encode("utf-8", "surrogateescape") + b"\0"
        content += b"\0" * (-(start + len(content)) % 8)
        size = start + len(content)
        return self._pack("III", kind, size, start) + numbers + content

    @property
    def _header_size(self) -> int:
        return 32 if self.bits == 64 else 28

    def _pack(self, form: str, *values: int | bytes) -> bytes:
        return struct.pack(self.order + form, *values)


def universal(
    *slices: tuple[int, int, bytes], bits: int = 32, starts: Sequence[int] | None = None
) -> bytes:
    """A universal file of (cpu, subtype, content); `starts` replaces their offsets."""
    form = ">IIQQII" if bits == 64 else ">IIIII"
    at = 8 + struct.calcsize(form) * len(slices)
    header = struct.pack(">II", 0xCAFEBABE | bits // 64, len(slices))
    body = b""
    for index, (cpu, subtype, content) in enumerate(slices):
        start = starts[index] if starts else at + len(body)
        rest = (0, 0) if bits == 64 else (0,)
        header += struct.pack(form, cpu, subtype, start, len(content), *rest)
        body += content
    return header + body
