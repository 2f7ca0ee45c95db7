"""Bytes of a shared object -> `SharedObject`; opens no file."""

from __future__ import annotations

from backend_shim.binary.elf import read_elf
from backend_shim.binary.elf_image import Buffer
from backend_shim.binary.magic import binary_format
from backend_shim.binary.shared_object import Section, SharedObject, Symbol
from backend_shim.errors import InvalidBinary

__all__ = [
    "Buffer",
    "Section",
    "SharedObject",
    "Symbol",
    "binary_format",
    "read_elf",
    "read_shared_object",
]

_NOT_READ_YET = {"macho": "Mach-O", "pe": "PE"}


def read_shared_object(data: Buffer) -> SharedObject:
    """Return what `data` offers and needs, whichever format it has.

    Raises InvalidBinary if the bytes contradict themselves or are in no format that is read.
    """
    found = binary_format(bytes(data[:1024]))
    if found is None:
        raise InvalidBinary("neither ELF, Mach-O nor PE")
    if found in _NOT_READ_YET:
        raise InvalidBinary(f"{_NOT_READ_YET[found]} objects are not read yet")
    return read_elf(data)
