"""The build-id of an ELF object: what ties a stripped library to its debug information.

The linker computes it over all that it links, debug information included, and `strip`, `patchelf`
and `objcopy --only-keep-debug` leave it as it is (ld(1), `--build-id`).
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from backend_shim.binary.elf_image import ElfImage
from backend_shim.binary.file_bytes import Buffer
from backend_shim.errors import InvalidBinary

_SECTION: Final = ".note.gnu.build-id"
_SHT_NOTE: Final = 7
_SHT_NOBITS: Final = 8
_NT_GNU_BUILD_ID: Final = 3
# Chosen freely (`--build-id=0x…`) or by `--build-id=fast` it may be short, and then not unique.
_LEAST: Final = 16
_MOST: Final = 64


def build_id(data: Buffer) -> str | None:
    """The build-id in hexadecimal; None where `data` is no ELF object or has no unique one."""
    try:
        image = ElfImage(data)
        for name, row in image.sections or ():
            if name == _SECTION and row[1] == _SHT_NOTE:
                return _of_note(image.read(row[4], min(row[5], 256), name), image.layout.order)
    except InvalidBinary:
        pass
    return None


def _of_note(note: bytes, order: str) -> str | None:
    """gABI, "Note Section": the sizes of name and descriptor, the type, then both, padded to 4."""
    header = Struct(order + "III")
    if len(note) < header.size:
        return None
    name_size, size, kind = header.unpack_from(note)
    start = header.size + (name_size + 3) // 4 * 4
    found = note[start : start + size]
    is_one = kind == _NT_GNU_BUILD_ID and note[header.size : start] == b"GNU\0"
    return found.hex() if is_one and _LEAST <= len(found) == size <= _MOST else None


def has_debug_info(data: Buffer) -> bool:
    """Whether `data` is an ELF object that has its debug information with it."""
    try:
        sections = ElfImage(data).sections or ()
    except InvalidBinary:
        return False
    return any(name == ".debug_info" and row[1] != _SHT_NOBITS for name, row in sections)
