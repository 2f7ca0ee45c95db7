"""Reads the dynamic interface of a PE file (DLL, `.pyd`, EXE) as the Windows loader finds it.

Source: Microsoft, "PE Format", ".edata Section", ".idata Section" and "Delay-Load Import Tables".
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final

from backend_shim.binary.file_bytes import Buffer
from backend_shim.binary.pe_image import (
    CLR_HEADER,
    DELAY_IMPORT_TABLE,
    EXPORT_TABLE,
    IMPORT_TABLE,
    PeImage,
    PeSection,
)
from backend_shim.binary.shared_object import Section, SharedObject, Symbol, SymbolTable, Traits
from backend_shim.errors import InvalidBinary

_MACHINES: Final = {
    0x14C: "i386", 0x1C0: "arm", 0x1C4: "arm", 0x200: "ia64", 0x5032: "riscv", 0x5064: "riscv",
    0x6264: "loongarch", 0x8664: "x86_64", 0xA641: "arm64ec", 0xAA64: "aarch64",
}  # fmt: skip
_IMAGE_FILE_DLL: Final = 0x2000
# Name, OrdinalBase, NumberOfFunctions, NumberOfNames, and the RVAs of the functions, of the
# pointers to names, and of the ordinals of these.
_EXPORT_DIRECTORY: Final = Struct("<12x7I")
# Import lookup table, name, import address table.
_IMPORT: Final = Struct("<I8xII")
# Attributes, name, import name table.
_DELAY_IMPORT: Final = Struct("<II8xI12x")
_HAS_RVAS: Final = 1  # dlattrRva of <delayimp.h>; without it they are addresses (Visual C++ 6)
_HINT_SIZE: Final = 2


def read_pe(data: Buffer) -> SharedObject:
    """Return what the PE file `data` offers and needs; of an mmap only the tables are touched.

    Raises InvalidBinary, also for what these tables do not describe: managed code and programs that
    are packed.
    """
    image = PeImage(data)
    if any(image.directory(CLR_HEADER)):
        raise InvalidBinary("managed code (CLR), whose references are not read")
    if any(each.is_code and each.virtual_size and not each.size for each in image.sections):
        raise InvalidBinary("packed: an executable section that is filled at run time")
    soname, exported = _read_exports(image)
    imports: dict[str, list[int]] = {}
    for library, lookups in (*_imports(image), *_delayed_imports(image)):
        imports.setdefault(library, []).extend(lookups)
    constants, code = _sections(image)
    return SharedObject(
        format="pe",
        machine=_MACHINES.get(image.machine, f"machine_{image.machine}"),
        bits=image.bits,
        soname=soname,
        needed=tuple(imports),
        run_path=(),
        version_needs=(),
        version_definitions=(),
        exported=SymbolTable.of(exported),
        imported=_imported(image, imports),
        constants=constants,
        code=code,
        is_executable=not image.flags & _IMAGE_FILE_DLL,
    )


def _sections(image: PeImage) -> tuple[tuple[Section, ...], tuple[Section, ...]]:
    """Return the sections with constants and those with code.

    Linkers can be told to merge the constants into the code (`/MERGE:.rdata=.text`); so without
    constants of its own all counts as constants.
    """

    def located(sections: Iterator[PeSection]) -> tuple[Section, ...]:
        return tuple(Section(each.name, each.offset, each.size, each.address) for each in sections)

    used = [each for each in image.sections if each.size and not each.is_discardable]
    is_merged = not any(each.is_constant for each in used)
    return (
        located(each for each in used if is_merged or not each.is_code),
        located(each for each in used if each.is_code),
    )


def _read_exports(image: PeImage) -> tuple[str | None, list[Symbol]]:
    """Return the name that the file gives itself, and its symbols: named ones, then the others."""
    start, size = image.directory(EXPORT_TABLE)
    if not start:
        return None, []
    table = image.read_address(start, _EXPORT_DIRECTORY.size, "the export directory")
    name_at, base, count, name_count, *places = _EXPORT_DIRECTORY.unpack(table)
    (soname,) = image.strings([name_at], "the name of the file") if name_at else (None,)
    functions = _numbers(image, places[0], count, "I")
    names = image.strings(_numbers(image, places[1], name_count, "I"), "the exported names")
    indices = _numbers(image, places[2], name_count, "H")
    if max(indices, default=0) >= max(count, 1):
        raise InvalidBinary(f"a name is exported for function {max(indices)} of {count}")
    unnamed = sorted({*range(count)}.difference(indices))
    rows = [*zip(names, indices, strict=True), *((f"#{base + index}", index) for index in unnamed)]
    exported = []
    for name, index in rows:
        address = functions[index]
        if not address:  # an ordinal that is not used
            continue
        target = None
        if start <= address < start + size:  # ".edata Section": a forwarder RVA
            (target,) = image.strings([address], "a forwarder")
            kind = "notype"
        else:
            kind = "function" if image.is_code(address) else "object"
        exported.append(Symbol(name, None, kind, "global", 0, forwards_to=target))
    return soname, exported


def _numbers(image: PeImage, address: int, count: int, kind: str) -> tuple[int, ...]:
    record = Struct("<" + kind)
    table = image.read_address(address, count * record.size, "the export table")
    return tuple(number for (number,) in record.iter_unpack(table))


def _imports(image: PeImage) -> Iterator[tuple[str, list[int]]]:
    """Yield each DLL of the import table with its import lookup table."""
    address, _ = image.directory(IMPORT_TABLE)
    while address:
        record = image.read_address(address, _IMPORT.size, "the import directory")
        lookups_at, name_at, addresses_at = _IMPORT.unpack(record)
        if not name_at or not addresses_at:  # "The last directory entry is empty"
            return
        # Borland's linker wrote one table for both.
        yield _imports_of(image, name_at, lookups_at or addresses_at)
        address += _IMPORT.size


def _delayed_imports(image: PeImage) -> Iterator[tuple[str, list[int]]]:
    """Yield each DLL that is loaded when it is first called, with its import lookup table."""
    address, _ = image.directory(DELAY_IMPORT_TABLE)
    while address:
        record = image.read_address(address, _DELAY_IMPORT.size, "the delay-load directory")
        attributes, name_at, lookups_at = _DELAY_IMPORT.unpack(record)
        if not name_at:
            return
        base = 0 if attributes & _HAS_RVAS else image.base
        yield _imports_of(image, name_at - base, lookups_at - base)
        address += _DELAY_IMPORT.size


def _imports_of(image: PeImage, name_at: int, lookups_at: int) -> tuple[str, list[int]]:
    (library,) = image.strings([name_at], "the name of a DLL")
    return library, image.until_zero(lookups_at, "an import lookup table")


def _imported(image: PeImage, imports: dict[str, list[int]]) -> SymbolTable:
    # "Import Lookup Table": an ordinal, if the upper bit is set; else the RVA of a hint and a name.
    by_ordinal = 1 << image.bits - 1
    found: list[str] = []
    traits: list[Traits] = []
    for library, lookups in imports.items():
        places = [at + _HINT_SIZE for at in lookups if at < by_ordinal]
        names = image.strings(places, "the imported names")
        names += [f"#{lookup & 0xFFFF}" for lookup in lookups if lookup >= by_ordinal]
        different = dict.fromkeys(names)
        found += different
        traits += [Traits(None, "notype", "global", library=library)] * len(different)
    return SymbolTable(found, traits)
