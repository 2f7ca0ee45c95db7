"""A PE file as Windows maps it: headers, sections, bytes by relative virtual address (RVA).

Source: Microsoft, "PE Format" (learn.microsoft.com/windows/win32/debug/pe-format).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from struct import Struct
from typing import Final, NamedTuple

from backend_shim.binary.file_bytes import Buffer, FileBytes
from backend_shim.errors import InvalidBinary

EXPORT_TABLE, IMPORT_TABLE, DELAY_IMPORT_TABLE, CLR_HEADER = 0, 1, 13, 14
"""Indices of data directories ("Optional Header Data Directories")."""

# e_lfanew, the offset of the signature.
_DOS_HEADER: Final = Struct("<2s58xI")
# Signature, Machine, NumberOfSections, SizeOfOptionalHeader, Characteristics.
_FILE_HEADER: Final = Struct("<4sHH12xHH")
# By Magic of the optional header: bits, and ImageBase, SizeOfHeaders, NumberOfRvaAndSizes; behind
# these come the data directories.
_OPTIONAL_HEADERS: Final = {
    0x10B: (32, Struct("<28xI28xI28xI")),
    0x20B: (64, Struct("<24xQ28xI44xI")),
}
_DIRECTORY: Final = Struct("<II")
# Name, VirtualSize, VirtualAddress, SizeOfRawData, PointerToRawData, Characteristics.
_SECTION_HEADER: Final = Struct("<8sIIII12xI")
_BLOCK: Final = 2048
_MEM_DISCARDABLE, _MEM_EXECUTE, _MEM_WRITE = 0x02000000, 0x20000000, 0x80000000


class PeSection(NamedTuple):
    """A section as its header has it."""

    name: str
    virtual_size: int
    address: int
    size: int
    """In the file."""
    offset: int
    flags: int

    @property
    def is_code(self) -> bool:
        """IMAGE_SCN_MEM_EXECUTE."""
        return bool(self.flags & _MEM_EXECUTE)

    @property
    def is_constant(self) -> bool:
        """Neither to be executed nor written."""
        return not self.flags & (_MEM_EXECUTE | _MEM_WRITE)

    @property
    def is_discardable(self) -> bool:
        """Base relocations and debug information, which the program does not use."""
        return bool(self.flags & _MEM_DISCARDABLE)


class PeImage(FileBytes):
    """The headers of a PE file and its bytes by offset or RVA; raises InvalidBinary."""

    def __init__(self, data: Buffer) -> None:
        super().__init__(data)
        magic, at = _DOS_HEADER.unpack(self.read(0, _DOS_HEADER.size, "the DOS header"))
        header = _FILE_HEADER.unpack(self.read(at, _FILE_HEADER.size, "the PE header"))
        signature, self.machine, section_count, optional_size, self.flags = header
        if magic != b"MZ" or signature != b"PE\0\0":
            raise InvalidBinary("not a PE file")
        at += _FILE_HEADER.size
        optional = self.read(at, optional_size, "the optional header")
        bits, form = _OPTIONAL_HEADERS.get(int.from_bytes(optional[:2], "little"), (0, None))
        if form is None or len(optional) < form.size:
            raise InvalidBinary("a PE file without an optional header of a known kind")
        self.bits = bits
        self.base, headers_size, count = form.unpack_from(optional)
        directories = optional[form.size : form.size + count * _DIRECTORY.size]
        directories = directories[: len(directories) // _DIRECTORY.size * _DIRECTORY.size]
        self._directories = tuple(_DIRECTORY.iter_unpack(directories))
        self.sections = self._read_sections(at + optional_size, section_count)
        self._maps = sorted(
            [
                (0, min(headers_size, self.size), 0),
                *((each.address, each.size, each.offset) for each in self.sections if each.size),
            ]
        )
        self._addresses = [address for address, _, _ in self._maps]
        self._section_starts = sorted((each.address, each.is_code) for each in self.sections)
        self._names_left = self.name_limit
        self._words_left = self.size

    def directory(self, index: int) -> tuple[int, int]:
        """The RVA and size of a table; zeros where there is none."""
        return self._directories[index] if index < len(self._directories) else (0, 0)

    def locate(self, address: int, what: str) -> tuple[int, int]:
        """Return the file offset of an RVA and how many bytes its section has from there."""
        place = bisect_right(self._addresses, address) - 1
        if place >= 0:
            start, size, offset = self._maps[place]
            if address < start + size:
                return offset + address - start, start + size - address
        raise InvalidBinary(f"{what}: address {address:#x} is in no section of the file")

    def read_address(self, address: int, size: int, what: str) -> bytes:
        """Return `size` bytes that lie at an RVA."""
        if not size:
            return b""
        offset, available = self.locate(address, what)
        if size > available:
            raise InvalidBinary(f"{what}: {size} bytes at {address:#x} leave their section")
        return self.read(offset, size, what)

    def strings(self, addresses: Iterable[int], what: str) -> list[str]:
        """Return the strings that begin at each of these RVAs."""
        found = []
        start = end = shift = 0
        # This loop runs 50,000 times for one wheel of SciPy; most names are in one section.
        find, data = self._data.find, self._data
        for address in addresses:
            if not start <= address < end:
                offset, available = self.locate(address, what)
                start, end, shift = address, address + available, offset - address
            at = address + shift
            stop = find(b"\0", at, end + shift)
            self._names_left -= stop - at
            if stop < 0 or self._names_left < 0:
                raise InvalidBinary(f"{what}: names have no end or overlap")
            found.append(data[at:stop].decode("utf-8", "backslashreplace"))
        return found

    def is_code(self, address: int) -> bool:
        """Whether an RVA lies in an executable section."""
        place = bisect_right(self._section_starts, (address, True)) - 1
        return place >= 0 and self._section_starts[place][1]

    def until_zero(self, address: int, what: str) -> list[int]:
        """Return the words (of 32 or 64 bits) at an RVA up to the first that is zero."""
        word = Struct("<Q" if self.bits == 64 else "<I")
        offset, available = self.locate(address, what)
        found: list[int] = []
        for start in range(0, available - word.size + 1, _BLOCK):
            size = min(_BLOCK, (available - start) // word.size * word.size)
            block = self.read(offset + start, size, what)
            for (number,) in word.iter_unpack(block):
                if not number:
                    self._words_left -= len(found)
                    if self._words_left < 0:
                        raise InvalidBinary(f"{what}: tables overlap")
                    return found
                found.append(number)
        raise InvalidBinary(f"{what}: a table has no end")

    def _read_sections(self, at: int, count: int) -> tuple[PeSection, ...]:
        table = self.read(at, count * _SECTION_HEADER.size, "the section headers")
        sections = []
        for name, *numbers in _SECTION_HEADER.iter_unpack(table):
            section = PeSection(name.rstrip(b"\0").decode("utf-8", "backslashreplace"), *numbers)
            sections.append(section)
            if section.size and section.offset + section.size > self.size:
                end = section.offset + section.size
                raise InvalidBinary(f"the file is cut off: a section ends at {end}")
        if sum(each.size for each in sections) > self.size:
            raise InvalidBinary("the sections overlap")
        return tuple(sections)
