"""An ELF file as the loader maps it: headers, segments, string tables; every read is checked.

Source: gABI (System V ABI), "Object Files" and "Program Loading and Dynamic Linking".
"""

from __future__ import annotations

from bisect import bisect_right
from struct import Struct

from backend_shim.binary.file_bytes import Buffer, FileBytes
from backend_shim.errors import InvalidBinary

PT_LOAD = 1
_PT_DYNAMIC = 2
_DT_NULL = 0
_PN_XNUM = _SHN_XINDEX = 0xFFFF


class Layout:
    """The records of one class and byte order, each reduced to the fields that are read."""

    def __init__(self, order: str, bits: int) -> None:
        wide = bits == 64
        self.order = order
        self.bits = bits
        # type, machine, phoff, shoff, phentsize, phnum, shentsize, shnum, shstrndx
        self.header = Struct(order + ("16xHH12xQQ6xHHHHH" if wide else "16xHH8xII6xHHHHH"))
        # type, offset, vaddr, filesz
        self.program = Struct(order + ("I4xQQ8xQ16x" if wide else "III4xI12x"))
        # name, type, flags, addr, offset, size
        self.section = Struct(order + ("IIQQQQ24x" if wide else "IIIIII16x"))
        # link, info; they are read of the first section only
        self.section_links = Struct(order + ("40xII16x" if wide else "24xII8x"))
        # tag, value
        self.dynamic = Struct(order + ("QQ" if wide else "II"))
        # name, info with other and shndx, size; with 32 bits: name, size, info with other and shndx
        self.symbol = Struct(order + ("I4s8xQ" if wide else "I4xI4s"))
        # info, whose upper 32 (24) bits are the symbol index
        self.rel = Struct(order + ("8xQ" if wide else "4xI"))
        self.rela = Struct(order + ("8xQ8x" if wide else "4xI4x"))


_LAYOUTS = {
    bytes((bits // 32, data)): Layout(order, bits)
    for bits in (32, 64)
    for data, order in ((1, "<"), (2, ">"))
}


class ElfImage(FileBytes):
    """The headers of an ELF file and its bytes by offset or address; raises InvalidBinary."""

    def __init__(self, data: Buffer) -> None:
        super().__init__(data)
        layout = _LAYOUTS.get(bytes(data[4:6]))
        if bytes(data[:4]) != b"\x7fELF" or layout is None:
            raise InvalidBinary("not an ELF file of a known class and byte order")
        self.layout = layout
        header = layout.header.unpack(self.read(0, layout.header.size, "the ELF header"))
        self.type: int = header[0]
        self.machine: int = header[1]
        program_offset, section_offset, program_size, program_count = header[2:6]
        self.sections: tuple[tuple[str, tuple[int, ...]], ...] | None = None
        """Name and (offset of the name, type, flags, address, offset, size) of every section; None
        where there are none or they are broken: the loader does not look at them."""
        links: tuple[int, ...] = ()
        try:
            rows, links = self._read_section_headers(section_offset, *header[6:8])
            self.sections = self._name_sections(rows, links, header[8])
        except InvalidBinary:
            pass
        if program_count == _PN_XNUM and links:  # gABI: then sh_info of the first section tells
            program_count = links[1]
        self.programs = self._read_program_headers(program_offset, program_size, program_count)
        """(type, offset, address, size in the file) of every segment."""
        self._loads = sorted(
            (start, size, offset) for kind, offset, start, size in self.programs if kind == PT_LOAD
        )
        self._load_addresses = [start for start, _, _ in self._loads]

    def locate(self, address: int, what: str) -> tuple[int, int]:
        """Return the file offset of `address` and how many bytes its segment has from there."""
        # "PT_LOAD entries [...] appear in ascending order, sorted on the p_vaddr member" (gABI), so
        # that of two which overlap the loader maps the one with the higher address last.
        place = bisect_right(self._load_addresses, address) - 1
        if place >= 0:
            start, size, offset = self._loads[place]
            if address < start + size:
                return offset + address - start, start + size - address
        raise InvalidBinary(f"{what}: address {address:#x} is in no segment of the file")

    def read_address(self, address: int, size: int, what: str) -> bytes:
        """Return `size` bytes that the loader maps at `address`."""
        if not size:
            return b""
        offset, available = self.locate(address, what)
        if size > available:
            raise InvalidBinary(f"{what}: {size} bytes at {address:#x} leave their segment")
        return self.read(offset, size, what)

    def dynamic_entries(self) -> list[tuple[int, int]]:
        """Return tag and value of each entry of the dynamic array; empty where there is none."""
        program = next((row for row in self.programs if row[0] == _PT_DYNAMIC), None)
        if program is None or not program[3]:
            return []
        record = self.layout.dynamic
        size = program[3] // record.size * record.size
        found: list[tuple[int, int]] = []
        for tag, value in record.iter_unpack(self.read_address(program[2], size, "PT_DYNAMIC")):
            if tag == _DT_NULL:  # "marks the end of the _DYNAMIC array" (gABI)
                return found
            found.append((tag, value))
        raise InvalidBinary("the dynamic array has no end")

    def _read_program_headers(
        self, offset: int, entry_size: int, count: int
    ) -> tuple[tuple[int, int, int, int], ...]:
        record = self.layout.program
        if count and entry_size != record.size:
            raise InvalidBinary(f"program headers have {entry_size} bytes, not {record.size}")
        table = self.read(offset, count * record.size, "the program headers")
        return tuple(record.iter_unpack(table))

    def _read_section_headers(
        self, offset: int, entry_size: int, count: int
    ) -> tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]:
        """Return a row for each section, and the links of the first one."""
        record = self.layout.section
        if not offset or entry_size != record.size:
            raise InvalidBinary("no section headers")
        first = self.read(offset, record.size, "the first section header")
        # gABI: e_shnum is 0 if the count does not fit, and sh_size of the first one holds it.
        count = count or record.unpack(first)[5]
        table = self.read(offset, count * record.size, "the section headers")
        links = self.layout.section_links.unpack(first) if count else ()
        return tuple(record.iter_unpack(table)), links

    def _name_sections(
        self, rows: tuple[tuple[int, ...], ...], links: tuple[int, ...], names_index: int
    ) -> tuple[tuple[str, tuple[int, ...]], ...]:
        if names_index == _SHN_XINDEX and links:  # gABI: then sh_link of the first section tells
            names_index = links[0]
        if names_index >= len(rows):
            raise InvalidBinary("no section names")
        _, _, _, _, offset, size = rows[names_index]
        names = self.string_table(self.read(offset, size, "the section names"))
        return tuple(zip(names.all_at([row[0] for row in rows]), rows, strict=True))
