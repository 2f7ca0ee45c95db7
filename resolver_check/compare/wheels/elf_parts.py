"""Two builds of an ELF file, part by part: what the loader maps, and what only debuggers read.

What counts is not left to the section headers, which the loader does not read: all bytes of the
segments are compared but for the build-id and the place of the section headers. Sections give the
differences their names, and hold what is not loaded.

Source: gABI (System V ABI), "Object Files" and "Program Loading and Dynamic Linking".
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from backend_shim.binary.build_id import build_id
from backend_shim.binary.elf_image import PT_LOAD, ElfImage
from backend_shim.binary.file_bytes import Buffer
from backend_shim.errors import InvalidBinary
from resolver_check.compare.wheels.difference import Kind

_ET_EXEC, _ET_DYN = 2, 3
_SHT_NULL, _SHT_NOTE, _SHT_NOBITS = 0, 7, 8
_SHF_ALLOC, _SHF_EXECINSTR = 2, 4
_BUILD_ID: Final = ".note.gnu.build-id"
_BUILD_ID_AT: Final = 16  # behind three words and the name "GNU\0"

# e_shoff; e_shentsize, e_shnum and e_shstrndx: `strip` moves the section headers.
_ABOUT_SECTIONS: Final = {64: ((40, 48), (58, 64)), 32: ((32, 36), (46, 52))}

_FOR_DEBUGGERS: Final = re.compile(
    r"\.z?debug_.*|\.symtab|\.symtab_shndx|\.strtab|\.gdb_index"
    r"|\.gnu_debug(?:link|altlink|data)|\.stab(?:str)?"
)
_OF_THE_COMPILER: Final = re.compile(
    r"\.comment|\.GCC\.command\.line|\.note\.gnu\.gold-version|\.gnu\.build\.attributes.*"
)
_SECTION_NAMES: Final = ".shstrtab"
_CHUNK: Final = 1 << 20


def elf_differences(first: Buffer, second: Buffer) -> tuple[tuple[Kind, str], ...]:
    """Kind and name of each part that differs; empty only for the same bytes.

    Raises InvalidBinary where one is no linked ELF file or contradicts itself: the parts of such a
    file say nothing.
    """
    old, new = _Parts(first), _Parts(second)
    found = [
        (_stronger(old.kinds.get(name), new.kinds.get(name)), name)
        for name in sorted({*old.digests, *new.digests})
        if old.digests.get(name) != new.digests.get(name)
    ]
    if old.segments != new.segments and all(kind is not Kind.BINARY_PART for kind, _ in found):
        found.append((Kind.BINARY_PART, "what is loaded outside of sections"))
    if not found and _whole(first) != _whole(second):
        found.append((Kind.LAYOUT, "the section headers"))
    return tuple(found)


def _stronger(first: Kind | None, second: Kind | None) -> Kind:
    """What may be read while it runs in one of the two is no noise."""
    if first is None or second is Kind.BINARY_PART:
        first = second
    assert first is not None
    return first


def _whole(data: Buffer) -> bytes:
    digest = hashlib.sha256()
    for start in range(0, len(data), _CHUNK):
        digest.update(data[start : start + _CHUNK])
    return digest.digest()


class _Parts:
    """Digests of one file by the name of the part."""

    def __init__(self, data: Buffer) -> None:
        self.digests: dict[str, bytes] = {}
        self.kinds: dict[str, Kind] = {}
        self._image = ElfImage(data)
        image = self._image
        if image.type not in (_ET_EXEC, _ET_DYN):
            raise InvalidBinary("not linked")
        # Parts may overlap, so a small file can ask for an enormous number of bytes to be read.
        self._left = 8 * image.size + 0x10000
        identity = build_id(data)
        self._masks = [*_ABOUT_SECTIONS[image.layout.bits], *self._place_of(identity)]
        self._add("the build-id", Kind.BUILD_ID, (identity or "").encode())
        tables = self._read_tables()
        self._read_sections()
        loads = [(row[1], row[1] + row[3]) for row in image.programs if row[0] == PT_LOAD]
        self.segments = [self._digest(*each) for each in loads]
        rest = self._outside_of([*tables, *loads, *self._section_ranges()])
        self._add("what is in no section", Kind.BINARY_PART, rest)

    def _add(self, name: str, kind: Kind, data: bytes) -> None:
        if name in self.digests:  # a section may be called anything
            raise InvalidBinary(f"two parts are called {name!r}")
        self.digests[name], self.kinds[name] = data, kind

    def _place_of(self, identity: str | None) -> Iterator[tuple[int, int]]:
        """Where the build-id stands, if it is in a note and nowhere among code."""
        for name, row in self._image.sections or ():
            if identity and name == _BUILD_ID and row[1] == _SHT_NOTE:
                start = row[4] + _BUILD_ID_AT
                if not row[2] & _SHF_EXECINSTR:
                    yield start, start + len(identity) // 2
                return

    def _read_tables(self) -> list[tuple[int, int]]:
        """Add the ELF header and the program headers; where they and the section headers stand."""
        image, layout = self._image, self._image.layout
        size = layout.header.size
        program_offset, section_offset = layout.header.unpack(image.read(0, size, "header"))[2:4]
        ranges = [(0, size)]
        ranges.append((program_offset, program_offset + len(image.programs) * layout.program.size))
        self._add("the ELF header", Kind.BINARY_PART, self._digest(*ranges[0]))
        self._add("the program headers", Kind.BINARY_PART, self._digest(*ranges[1]))
        if image.sections is not None:
            end = section_offset + len(image.sections) * layout.section.size
            ranges.append((section_offset, end))
        return ranges

    def _section_ranges(self) -> Iterator[tuple[int, int]]:
        for _, (_, kind, _, _, offset, size) in self._image.sections or ():
            if kind not in (_SHT_NULL, _SHT_NOBITS):
                yield offset, offset + size

    def _read_sections(self) -> None:
        """Add the sections; those of one name are one part."""
        found: dict[str, list[bytes]] = defaultdict(list)
        loaded: set[str] = set()
        for name, (_, kind, flags, address, offset, size) in self._image.sections or ():
            if kind == _SHT_NULL:
                continue
            if flags & _SHF_ALLOC:
                loaded.add(name)
            end = offset if kind == _SHT_NOBITS else offset + size
            found[name].append(f"{kind} {flags} {address} {size} ".encode())
            found[name].append(self._digest(offset, end))
        for name, rows in found.items():
            kind_of_part = Kind.BINARY_PART if name in loaded else _kind_of(name)
            self._add(name, kind_of_part, b"".join(rows))

    def _pieces(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes from `start` to `end` with zeros where they do not count."""
        self._left -= end - start
        if self._left < 0:
            raise InvalidBinary("the parts overlap until they are far larger than the file")
        for at in range(start, end, _CHUNK):
            piece = bytearray(self._image.read(at, min(_CHUNK, end - at), "a part"))
            for low, high in self._masks:
                begin, stop = max(low - at, 0), min(high - at, len(piece))
                if begin < stop:
                    piece[begin:stop] = bytes(stop - begin)
            yield bytes(piece)

    def _digest(self, start: int, end: int) -> bytes:
        digest = hashlib.sha256()
        for piece in self._pieces(start, end):
            digest.update(piece)
        return digest.digest()

    def _outside_of(self, ranges: list[tuple[int, int]]) -> bytes:
        """Digest of all that stands in none of `ranges`; zeros only fill up."""
        digest, done = hashlib.sha256(), 0
        for start, end in sorted([*ranges, (self._image.size, self._image.size)]):
            if start > done:
                for piece in self._pieces(done, start):
                    digest.update(piece.replace(b"\0", b""))
            done = max(done, end)
        return digest.digest()


def _kind_of(name: str) -> Kind:
    """What a section is that is not loaded; of unknown ones nobody knows who reads them."""
    if _FOR_DEBUGGERS.fullmatch(name):
        return Kind.DEBUG_INFORMATION
    if _OF_THE_COMPILER.fullmatch(name):
        return Kind.COMPILER_COMMENT
    return Kind.LAYOUT if name == _SECTION_NAMES else Kind.BINARY_PART
