"""The pointers in the data of an ELF object: what stands behind each one to a given address.

In a shared object such a pointer is a relative relocation, whose addend is the address: in the
relocation itself (RELA), or in the place that it is for (REL, and RELR, which packs the places into
bitmaps; gABI, "Relocation"). Little-endian objects of 64 bits only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from struct import Struct, iter_unpack
from typing import Final, NamedTuple

from backend_shim.binary.elf_image import ElfImage
from backend_shim.binary.file_bytes import Buffer
from backend_shim.errors import InvalidBinary

_DT_RELA, _DT_RELASZ, _DT_REL, _DT_RELSZ, _DT_RELRSZ, _DT_RELR = 7, 8, 17, 18, 35, 36
# By e_machine: the type of a relative relocation (R_X86_64_RELATIVE and so on).
_RELATIVE: Final = {21: 22, 62: 8, 183: 1027, 243: 3, 258: 3}
_TYPE: Final = 0xFFFFFFFF
_WORD: Final = Struct("<Q")
_WORD_SIZE: Final = 8
_BITMAP_BITS: Final = 63


class Pointer(NamedTuple):
    """A pointer, and the words that follow it: None for a word that is a pointer itself."""

    target: int
    behind: tuple[int | None, ...]
    """Fewer where the file ends."""


def pointers_to(data: Buffer, targets: Collection[int], words: int) -> tuple[Pointer, ...]:
    """The pointers to one of the addresses `targets`, each with the `words` words behind it.

    Raises InvalidBinary, also for a machine whose relocations are not known.
    """
    image = ElfImage(data)
    if (image.layout.bits, image.layout.order) != (64, "<") or image.machine not in _RELATIVE:
        raise InvalidBinary("no pointers can be told of this machine")
    places = _places(image, _RELATIVE[image.machine])
    wanted = frozenset(targets)
    return tuple(
        Pointer(target, tuple(_words(image, places, place + _WORD_SIZE, words)))
        for place, target in places.items()
        if target in wanted
    )


def _words(image: ElfImage, places: dict[int, int], start: int, count: int) -> Iterator[int | None]:
    _, available = image.locate(start - _WORD_SIZE, "a pointer")
    count = min(count, available // _WORD_SIZE - 1)
    for address in range(start, start + count * _WORD_SIZE, _WORD_SIZE):
        yield None if address in places else _word_at(image, address)


def _word_at(image: ElfImage, address: int) -> int:
    (word,) = _WORD.unpack(image.read_address(address, _WORD_SIZE, "data"))
    return int(word)


def _places(image: ElfImage, relative: int) -> dict[int, int]:
    """The address of each pointer, and the address that it points to."""
    dynamic = dict(image.dynamic_entries())

    def table(start: int, size: int, record: int) -> bytes:
        length = dynamic.get(size, 0) // record * record
        return image.read_address(dynamic.get(start, 0), length, "relocations")

    rows = iter_unpack("<QQQ", table(_DT_RELA, _DT_RELASZ, 24))
    found = {place: addend for place, info, addend in rows if info & _TYPE == relative}
    for place, info in iter_unpack("<QQ", table(_DT_REL, _DT_RELSZ, 16)):
        if info & _TYPE == relative:
            found[place] = _word_at(image, place)
    for place in _unpacked(table(_DT_RELR, _DT_RELRSZ, 8), image.size // _WORD_SIZE):
        found[place] = _word_at(image, place)
    return found


def _unpacked(table: bytes, limit: int) -> Iterator[int]:
    """The places in a table of RELR: an even word is one, an odd word a bitmap of the next 63."""
    following = 0
    for (entry,) in _WORD.iter_unpack(table):
        if entry & 1:
            bits, here = entry >> 1, following
            following += _BITMAP_BITS * _WORD_SIZE
        else:
            bits, here = 1, entry
            following = entry + _WORD_SIZE
        while bits:
            if bits & 1:
                limit -= 1
                if limit < 0:
                    raise InvalidBinary("more packed relocations than the file has words")
                yield here
            bits >>= 1
            here += _WORD_SIZE
