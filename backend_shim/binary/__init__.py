"""Bytes of a shared object -> `SharedObject`; opens no file."""

from __future__ import annotations

from backend_shim.binary.elf import read_elf
from backend_shim.binary.file_bytes import Buffer
from backend_shim.binary.macho import read_macho
from backend_shim.binary.magic import HEAD_SIZE, binary_format
from backend_shim.binary.pe import read_pe
from backend_shim.binary.shared_object import Section, SharedObject, Symbol
from backend_shim.errors import InvalidBinary

__all__ = [
    "HEAD_SIZE",
    "Buffer",
    "Section",
    "SharedObject",
    "Symbol",
    "binary_format",
    "read_elf",
    "read_macho",
    "read_pe",
    "read_shared_objects",
]


def read_shared_objects(data: Buffer) -> tuple[SharedObject, ...]:
    """Return what `data` offers and needs, whichever format it has: one object for each machine.

    More than one, for different machines, only of a universal Mach-O file. Raises InvalidBinary if
    the bytes contradict themselves or are in no format that is read.
    """
    match binary_format(bytes(data[:HEAD_SIZE])):
        case "elf":
            return (read_elf(data),)
        case "pe":
            return (read_pe(data),)
        case "macho":
            return read_macho(data)
    raise InvalidBinary("neither ELF, Mach-O nor PE")
