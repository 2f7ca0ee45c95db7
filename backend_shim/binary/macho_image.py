"""A Mach-O object: its slice of a universal file, header, load commands, segments and sections.

Source: <mach-o/loader.h>, <mach-o/fat.h>, <mach/machine.h>. What contradicts itself is refused as
dyld does (MachOAnalyzer::validMachOForArchAndPlatform).
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from backend_shim.binary.file_bytes import Buffer, FileBytes
from backend_shim.errors import InvalidBinary

_FAT_MAGIC, _FAT_MAGIC_64 = 0xCAFEBABE, 0xCAFEBABF
_MAXIMUM_SLICES = 32
_LC_SEGMENT, _LC_SEGMENT_64 = 0x1, 0x19
_SECTION_TYPE = 0xFF
_WITHOUT_BYTES = frozenset({0x1, 0xC, 0x12})  # S_ZEROFILL, S_GB_ZEROFILL, S_THREAD_LOCAL_ZEROFILL


class Layout:
    """The records of one word size and byte order, each reduced to the fields that are read."""

    def __init__(self, order: str, bits: int) -> None:
        wide = bits == 64
        self.order = order
        self.bits = bits
        # magic, cputype, cpusubtype, filetype, ncmds, sizeofcmds, flags
        self.header = Struct(order + ("7I4x" if wide else "7I"))
        # cmd, cmdsize
        self.command = Struct(order + "II")
        # segname, vmaddr, fileoff, filesize, nsects
        self.segment = Struct(order + ("8x16sQ8xQQ8xI4x" if wide else "8x16sI4xII8xI4x"))
        # sectname, segname, addr, size, offset, flags
        self.section = Struct(order + ("16s16sQQI12xI12x" if wide else "16s16sIII12xI8x"))
        # n_strx, n_type, n_sect, n_desc
        self.symbol = Struct(order + ("IBBH8x" if wide else "IBBH4x"))


_LAYOUTS = {
    magic.to_bytes(4, "big" if order == ">" else "little"): Layout(order, bits)
    for magic, bits in ((0xFEEDFACE, 32), (0xFEEDFACF, 64))
    for order in "<>"
}


class Command(NamedTuple):
    """A load command."""

    kind: int
    data: bytes
    """With `cmd` and `cmdsize` before it."""


class MachoSection(NamedTuple):
    """A section as its header has it."""

    name: str
    """`segment,section`."""
    address: int
    size: int
    offset: int
    flags: int

    @property
    def type(self) -> int:
        """S_REGULAR (0) and so on."""
        return self.flags & _SECTION_TYPE

    @property
    def has_bytes(self) -> bool:
        """Whether it lies in the file; else it is filled with zeros when it is loaded."""
        return self.size > 0 and self.type not in _WITHOUT_BYTES


class Slice(NamedTuple):
    """Where an object lies in its file."""

    cpu_type: int
    cpu_subtype: int
    start: int
    size: int


def read_slices(data: Buffer) -> tuple[Slice, ...] | None:
    """Return the slices of a universal file, None for any other; raises InvalidBinary."""
    file = FileBytes(data)
    magic, count = Struct(">II").unpack(file.read(0, 8, "the header"))
    if magic not in (_FAT_MAGIC, _FAT_MAGIC_64):
        return None
    if not 0 < count < _MAXIMUM_SLICES:
        raise InvalidBinary(f"a universal file with {count} slices")
    # cputype, cpusubtype, offset, size; their byte order is always big ("fat_header", fat.h)
    record = Struct(">IIII4x" if magic == _FAT_MAGIC else ">IIQQ8x")
    table = file.read(8, count * record.size, "the slices")
    slices = tuple(Slice(*row) for row in record.iter_unpack(table))
    if sum(each.size for each in slices) > file.size:
        raise InvalidBinary("the slices overlap")
    for each in slices:
        if each.start + each.size > file.size:
            raise InvalidBinary(f"a slice ends at {each.start + each.size}, behind the file")
    return slices


class MachoImage(FileBytes):
    """The header, load commands and sections of one Mach-O object; raises InvalidBinary."""

    def __init__(self, data: Buffer, start: int, size: int) -> None:
        super().__init__(data, start, size)
        layout = _LAYOUTS.get(self.read(0, 4, "the magic number"))
        if layout is None:
            raise InvalidBinary("not a Mach-O file")
        self.layout = layout
        header = layout.header.unpack(self.read(0, layout.header.size, "the Mach-O header"))
        _, self.cpu_type, self.cpu_subtype, self.type, count, commands_size, self.flags = header
        table = self.read(layout.header.size, commands_size, "the load commands")
        self.commands = tuple(self._split(table, count))
        self.sections: list[MachoSection] = []
        """In the order in which symbols number them, from 1 on."""
        self.base = 0
        """The address at which the header is mapped."""
        for command in self.commands:
            if command.kind in (_LC_SEGMENT, _LC_SEGMENT_64):
                self._read_segment(command.data)

    def first(self, *kinds: int) -> Command | None:
        """The first load command of one of these kinds."""
        return next((each for each in self.commands if each.kind in kinds), None)

    def fields(self, command: Command, form: str) -> tuple[int, ...]:
        """The numbers behind `cmdsize`, by the format `form` of struct."""
        record = Struct(self.layout.order + "8x" + form)
        if record.size > len(command.data):
            raise InvalidBinary(f"a load command has only {len(command.data)} bytes")
        return record.unpack_from(command.data)

    def string(self, command: Command) -> str:
        """The string in a command, whose offset (`lc_str`) is the first number."""
        (start,) = self.fields(command, "I")
        end = command.data.find(b"\0", start)
        if end < 0:
            raise InvalidBinary("the string of a load command has no end")
        return command.data[start:end].decode("utf-8", "backslashreplace")

    def read_place(self, command: Command, index: int, what: str) -> bytes:
        """The bytes at the offset and of the size that are a command's pair `index` of numbers."""
        offset, size = self.fields(command, f"{8 * index}xII")
        return self.read(offset, size, what)

    def _split(self, table: bytes, count: int) -> list[Command]:
        commands = []
        at = 0
        record = self.layout.command
        for _ in range(count):
            if at + record.size > len(table):
                raise InvalidBinary(f"{count} load commands, which are not all there")
            kind, size = record.unpack_from(table, at)
            if size < record.size or at + size > len(table):
                raise InvalidBinary(f"a load command has {size} bytes")
            commands.append(Command(kind, table[at : at + size]))
            at += size
        return commands

    def _read_segment(self, data: bytes) -> None:
        segment, section = self.layout.segment, self.layout.section
        if len(data) < segment.size:
            raise InvalidBinary("a segment is cut off")
        name, address, offset, size, count = segment.unpack_from(data)
        if offset + size > self.size:
            raise InvalidBinary(f"the file is cut off: a segment ends at {offset + size}")
        if segment.size + count * section.size > len(data):
            raise InvalidBinary(f"a segment has not all of its {count} sections")
        if not offset and size:
            self.base = address
        for at in range(segment.size, segment.size + count * section.size, section.size):
            row = section.unpack_from(data, at)
            name = b",".join(part.rstrip(b"\0") for part in (row[1], row[0]))
            self.sections.append(MachoSection(name.decode("ascii", "backslashreplace"), *row[2:]))
