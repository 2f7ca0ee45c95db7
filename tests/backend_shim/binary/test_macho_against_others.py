"""Every Mach-O file of real wheels, read by `read_macho`, by LIEF and by macholib.

LIEF goes by what dyld goes by, as `read_macho` does; macholib goes by the symbol table.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import lief
import pytest
from macholib.mach_o import LC_ID_DYLIB, LC_REEXPORT_DYLIB, LC_RPATH
from macholib.MachO import MachO
from macholib.SymbolTable import SymbolTable

from backend_shim.binary import SharedObject, read_macho
from tests.support.platform_wheel import (
    MACOS_ARM,
    MACOS_INTEL,
    MACOS_UNIVERSAL,
    members_beginning,
    platform_wheel,
)

pytestmark = pytest.mark.network

# Both others stop at members that are no Mach-O files, such as the entry of a directory.
_MAGICS = (b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
_WEAK_LOOKUP = -3


class Floor(NamedTuple):
    """A requirement and how much its wheel must at least give to compare."""

    requirement: str
    platforms: tuple[str, ...]
    objects: int
    symbols: int


def _source_name(name: str) -> str:
    return name[1:] if name.startswith("_") else name


def _exports_by_lief(binary: lief.MachO.Binary) -> list[tuple[str, bool, bool]]:
    """Name, whether weak, whether thread-local. `ParserConfig.quick` would find none."""
    table: Any = binary.dyld_info if binary.has_dyld_info else binary.dyld_exports_trie
    return sorted(
        (_source_name(str(each.symbol.name)), bool(each.flags & 4), each.flags & 3 == 1)
        for each in table.exports
    )


def _imports_by_lief(binary: lief.MachO.Binary, own: set[str]) -> set[tuple[str, str | None, bool]]:
    """Name, library, whether weak.

    LIEF lists as bound what is only coalesced with definitions of other objects, too: that is an
    import where the object has no definition itself and no other binding.
    """
    bound, coalesced = set(), set()
    for each in binary.bindings:
        assert each.symbol is not None
        name = _source_name(str(each.symbol.name))
        is_weak_table = (
            isinstance(each, lief.MachO.DyldBindingInfo)
            and each.binding_class == lief.MachO.DyldBindingInfo.CLASS.WEAK
        )
        if is_weak_table:  # where LIEF calls each one a weak import, whatever its flag
            coalesced.add((name, None, False))
        elif each.library_ordinal == _WEAK_LOOKUP:
            coalesced.add((name, None, each.weak_import))
        elif each.library_ordinal != 0:  # its own
            library = str(each.library.name) if each.library else None
            bound.add((name, library, each.weak_import))
    known = own | {name for name, _, _ in bound}
    return bound | {each for each in coalesced if each[0] not in known}


def _agrees_with_lief(found: SharedObject, binary: lief.MachO.Binary) -> None:
    libraries = list(binary.libraries)
    identity = [each for each in libraries if each.command == lief.MachO.LoadCommand.TYPE.ID_DYLIB]
    needed = [each for each in libraries if each not in identity]  # LIEF lists the own name too
    assert [found.soname] == ([str(each.name) for each in identity] or [None])
    assert list(found.needed) == [str(each.name) for each in needed]
    versions = [".".join(map(str, each.compatibility_version)) for each in libraries]
    ours = [*found.version_definitions, *(version for _, (version,) in found.version_needs)]
    assert sorted(ours) == sorted(versions)
    assert list(found.run_path) == [str(each.path) for each in binary.rpaths]
    exported = sorted(
        (each.name, each.binding == "weak", each.kind == "tls") for each in found.exported
    )
    assert exported == _exports_by_lief(binary)
    imported = {(each.name, each.library, each.binding == "weak") for each in found.imported}
    assert imported == _imports_by_lief(binary, {name for name, _, _ in exported})
    sections = {
        (f"{each.segment_name},{each.name}", each.offset + binary.fat_offset, each.size,
         each.virtual_address)
        for each in binary.sections
    }  # fmt: skip
    assert sections.issuperset((*found.constants, *found.code))


def _agrees_with_macholib(found: SharedObject, file: MachO, header: Any) -> None:
    names = {LC_ID_DYLIB: [], LC_REEXPORT_DYLIB: [], LC_RPATH: []}
    for load, _, data in header.commands:
        if load.cmd in names:
            names[load.cmd].append(data.rstrip(b"\0").decode())
    assert [found.soname] == (names[LC_ID_DYLIB] or [None])
    assert list(found.run_path) == names[LC_RPATH]
    assert list(found.reexported) == names[LC_REEXPORT_DYLIB]
    assert list(found.needed) == [name for _, _, name in header.walkRelocatables()]
    table = SymbolTable(file, header)
    exported = {_source_name(name.decode()) for _, name in table.extdefsyms}
    assert {each.name for each in found.exported} == exported
    undefined = {_source_name(name.decode()) for _, name in table.undefsyms}
    imported = {each.name for each in found.imported}
    assert imported <= undefined
    # What linkers left in the table although the code that used it was removed.
    assert undefined - imported <= {"objc_msgSend", "dyld_stub_binder"}


def _compare(data: bytes, scratch: Path) -> Iterator[int]:
    """Assert that all readers agree on `data`; yield how many symbols each slice has."""
    scratch.write_bytes(data)  # macholib reads nothing but files
    file = MachO(str(scratch))
    fat = lief.MachO.parse(io.BytesIO(data), config=lief.MachO.ParserConfig.deep)
    assert fat is not None
    objects = read_macho(data)
    for found, binary, header in zip(objects, fat, file.headers, strict=True):
        _agrees_with_lief(found, binary)
        _agrees_with_macholib(found, file, header)
        yield len(found.exported) + len(found.imported)


@pytest.mark.parametrize(
    "floor",
    [
        Floor("numpy==2.4.6", ("macosx_14_0_arm64",), 19, 2_900),
        Floor("numpy==1.26.4", MACOS_ARM, 23, 10_000),
        Floor("numpy==1.26.4", MACOS_INTEL, 23, 10_000),
        Floor("contourpy==1.3.3", MACOS_ARM, 1, 250),
        Floor("contourpy==1.3.3", MACOS_INTEL, 1, 250),
        Floor("kiwisolver==1.4.5", MACOS_UNIVERSAL, 2, 250),
        Floor("aiohttp==3.9.5", MACOS_UNIVERSAL, 8, 1_200),
        # Chained fixups: most of its objects, and no others above.
        Floor("scipy==1.12.0", MACOS_ARM, 124, 31_000),
        pytest.param(Floor("scipy==1.17.1", MACOS_INTEL, 112, 18_000), marks=pytest.mark.slow),
        pytest.param(Floor("pyarrow==17.0.0", MACOS_ARM, 30, 60_000), marks=pytest.mark.slow),
    ],
    ids=lambda floor: f"{floor.requirement}-{floor.platforms[0]}",
)
def test_three_readers_agree_on_every_object_of_a_wheel(floor: Floor, tmp_path: Path) -> None:
    wheel = platform_wheel(floor.requirement, floor.platforms)
    counts = [
        count
        for _, data in members_beginning(wheel, *_MAGICS)
        for count in _compare(data, tmp_path / "object")
    ]
    assert len(counts) >= floor.objects
    assert sum(counts) >= floor.symbols
