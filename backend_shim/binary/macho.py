"""Reads the dynamic interface of a Mach-O object as dyld finds it, slice by slice.

Exports come from the trie, imports from the chained fixups or bind opcodes: what the loader goes
by. The symbol table, which strip may empty, is not read. Sources: <mach-o/loader.h>,
<mach/machine.h>, dyld.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from backend_shim.binary.file_bytes import Buffer
from backend_shim.binary.macho_bindings import (
    SELF,
    WEAK_LOOKUP,
    Import,
    read_bind_opcodes,
    read_chained_imports,
)
from backend_shim.binary.macho_image import MachoImage, Slice, read_slices
from backend_shim.binary.macho_trie import (
    KIND_MASK,
    KIND_REGULAR,
    KIND_THREAD_LOCAL,
    REEXPORT,
    STUB_AND_RESOLVER,
    WEAK_DEFINITION,
    Export,
    address,
    read_trie,
    reexport,
)
from backend_shim.binary.shared_object import Section, SharedObject, SymbolTable, Traits
from backend_shim.errors import InvalidBinary

_MH_OBJECT, _MH_EXECUTE, _MH_DYLIB, _MH_BUNDLE, _MH_DSYM = 1, 2, 6, 8, 10
_LOADED: Final = frozenset({_MH_EXECUTE, _MH_DYLIB, _MH_BUNDLE})
_NEVER_LOADED: Final = frozenset({_MH_OBJECT, _MH_DSYM})

_LC_DYSYMTAB, _LC_LOAD_DYLIB, _LC_ID_DYLIB, _LC_LAZY_LOAD_DYLIB = 0xB, 0xC, 0xD, 0x20
_LC_REQ_DYLD = 0x80000000
_LC_LOAD_WEAK_DYLIB, _LC_REEXPORT_DYLIB = 0x18 | _LC_REQ_DYLD, 0x1F | _LC_REQ_DYLD
_LC_RPATH, _LC_LOAD_UPWARD_DYLIB = 0x1C | _LC_REQ_DYLD, 0x23 | _LC_REQ_DYLD
_LC_DYLD_INFO, _LC_DYLD_INFO_ONLY = 0x22, 0x22 | _LC_REQ_DYLD
_LC_DYLD_EXPORTS_TRIE, _LC_DYLD_CHAINED_FIXUPS = 0x33 | _LC_REQ_DYLD, 0x34 | _LC_REQ_DYLD
_NEEDED: Final = frozenset(
    {_LC_LOAD_DYLIB, _LC_LOAD_WEAK_DYLIB, _LC_REEXPORT_DYLIB, _LC_LAZY_LOAD_DYLIB,
     _LC_LOAD_UPWARD_DYLIB}
)  # fmt: skip

_ARM64: Final = 0x0100000C
_MACHINES: Final = {
    7: "i386", 0x01000007: "x86_64", 12: "arm", _ARM64: "aarch64", 0x0200000C: "arm64_32",
    18: "ppc", 0x01000012: "ppc64",
}  # fmt: skip
_SUBTYPE, _ARM64E = 0x00FFFFFF, 2  # CPU_SUBTYPE_MASK takes the upper byte

_ARCHIVE: Final = b"!<arch>\n"
# S_ATTR_PURE_INSTRUCTIONS, S_ATTR_SOME_INSTRUCTIONS
_CODE: Final = 0x80000400
# S_NON_LAZY_SYMBOL_POINTERS, S_LAZY_SYMBOL_POINTERS; and tables of the unwinder: no string literal
# of the program lies there.
_TABLE_TYPES: Final = frozenset({6, 7})
_TABLE_SECTIONS: Final = frozenset(
    {"__TEXT,__unwind_info", "__TEXT,__eh_frame", "__TEXT,__gcc_except_tab"}
)


class _Library(NamedTuple):
    """A dylib_command."""

    kind: int
    install_name: str
    compatibility: str


def read_macho(data: Buffer) -> tuple[SharedObject, ...]:
    """Return what the Mach-O object `data` offers and needs; of a universal file, each slice.

    A relocatable object, separate debug information and a static archive have empty tables. Raises
    InvalidBinary.
    """
    slices = read_slices(data)
    if slices is None:
        return (_read_object(MachoImage(data, 0, len(data))),)
    return tuple(_read_slice(data, each) for each in slices)


def _read_slice(data: Buffer, place: Slice) -> SharedObject:
    if bytes(data[place.start : place.start + len(_ARCHIVE)]) == _ARCHIVE:
        bits = 64 if place.cpu_type & 0x01000000 else 32  # CPU_ARCH_ABI64
        machine = _name_machine(place.cpu_type, place.cpu_subtype)
        return _without_tables(machine, bits, (Section("", place.start, place.size, 0),))
    image = MachoImage(data, place.start, place.size)
    if image.cpu_type != place.cpu_type:
        raise InvalidBinary("a slice is for another machine than the universal file says")
    return _read_object(image)


def _read_object(image: MachoImage) -> SharedObject:
    machine = _name_machine(image.cpu_type, image.cpu_subtype)
    constants, code = _sections(image)
    if image.type in _NEVER_LOADED:
        return _without_tables(machine, image.layout.bits, constants)
    if image.type not in _LOADED:
        raise InvalidBinary(f"a Mach-O file of the type {image.type}, which no program loads")
    libraries = list(_libraries(image))
    needed = [each for each in libraries if each.kind in _NEEDED]
    names = tuple(each.install_name for each in needed)
    identity = next((each for each in libraries if each.kind == _LC_ID_DYLIB), None)
    exports = _exports(image)
    return SharedObject(
        format="macho",
        machine=machine,
        bits=image.layout.bits,
        soname=identity.install_name if identity else None,
        needed=names,
        run_path=tuple(image.string(each) for each in image.commands if each.kind == _LC_RPATH),
        version_needs=tuple((each.install_name, (each.compatibility,)) for each in needed),
        version_definitions=(identity.compatibility,) if identity else (),
        exported=_table(_exported(image, exports, names)),
        imported=_table(_imported(image, exports, names)),
        constants=constants,
        code=code,
        is_executable=image.type == _MH_EXECUTE,
        reexported=tuple(each.install_name for each in needed if each.kind == _LC_REEXPORT_DYLIB),
    )


def _without_tables(machine: str, bits: int, constants: tuple[Section, ...]) -> SharedObject:
    return SharedObject(
        format="macho", machine=machine, bits=bits, soname=None, needed=(), run_path=(),
        version_needs=(), version_definitions=(), exported=SymbolTable.of(()),
        imported=SymbolTable.of(()), constants=constants, code=(), is_executable=False,
    )  # fmt: skip


def _name_machine(cpu_type: int, cpu_subtype: int) -> str:
    if cpu_type == _ARM64 and cpu_subtype & _SUBTYPE == _ARM64E:
        return "arm64e"  # signs its pointers: another ABI
    return _MACHINES.get(cpu_type, f"cpu_{cpu_type}")


def _sections(image: MachoImage) -> tuple[tuple[Section, ...], tuple[Section, ...]]:
    """Return the sections with constants and those with code.

    Without sections, which the loader does not look at, the whole object counts as constants.
    """
    if image.type == _MH_DSYM:  # has the section headers of its object, and not the bytes
        return (), ()
    if not image.sections:
        return (Section("", image.start, image.size, 0),), ()
    constants: list[Section] = []
    code: list[Section] = []
    left = image.size
    for each in image.sections:
        if not each.has_bytes:
            continue
        left -= each.size
        if left < 0 or each.offset + each.size > image.size:
            raise InvalidBinary(f"the section {each.name} is not in the file or overlaps another")
        section = Section(each.name, image.start + each.offset, each.size, each.address)
        if each.flags & _CODE:
            code.append(section)
        elif each.type not in _TABLE_TYPES and each.name not in _TABLE_SECTIONS:
            constants.append(section)
    return tuple(constants), tuple(code)


def _libraries(image: MachoImage) -> Iterator[_Library]:
    for each in image.commands:
        if each.kind in _NEEDED or each.kind == _LC_ID_DYLIB:
            # name, timestamp, current_version, compatibility_version
            _, _, _, version = image.fields(each, "4I")
            compatibility = f"{version >> 16}.{version >> 8 & 0xFF}.{version & 0xFF}"
            yield _Library(each.kind, image.string(each), compatibility)


def _exports(image: MachoImage) -> list[Export]:
    if command := image.first(_LC_DYLD_EXPORTS_TRIE):
        trie = image.read_place(command, 0, "the export trie")
    elif command := image.first(_LC_DYLD_INFO, _LC_DYLD_INFO_ONLY):
        trie = image.read_place(command, 4, "the export trie")  # export_off, export_size
    else:
        _refuse_symbol_table(image, defined=True)
        return []
    return read_trie(trie, image.name_limit)


def _refuse_symbol_table(image: MachoImage, *, defined: bool) -> None:
    """Raise InvalidBinary if dyld would go by the symbol table, as before Mac OS X 10.6."""
    if command := image.first(_LC_DYSYMTAB):
        # ilocalsym, nlocalsym, iextdefsym, nextdefsym, iundefsym, nundefsym
        counts = image.fields(command, "6I")
        if counts[3] if defined else counts[5]:
            raise InvalidBinary("a Mach-O file that is linked as before Mac OS X 10.6")


def _table(rows: Iterable[tuple[str, Traits]]) -> SymbolTable:
    names, traits = tuple(zip(*rows, strict=True)) or ((), ())
    return SymbolTable(names, traits)


def _exported(
    image: MachoImage, exports: list[Export], needed: tuple[str, ...]
) -> Iterator[tuple[str, Traits]]:
    sections = sorted((each.address, bool(each.flags & _CODE)) for each in image.sections)
    starts = [start for start, _ in sections]
    is_code = [False, *(is_code for _, is_code in sections)]
    new = tuple.__new__  # Traits(...) would take three times as long
    for export in exports:
        flags = export.flags
        target = None
        if flags & REEXPORT:
            number, name = reexport(export)
            kind, target = "notype", f"{_library(number, needed)}:{_source_name(name)}"
        elif flags & KIND_MASK == KIND_REGULAR:
            place = bisect_right(starts, image.base + address(export))
            kind = "function" if is_code[place] else "object"
            if flags & STUB_AND_RESOLVER:
                kind = "ifunc"
        else:
            kind = "tls" if flags & KIND_MASK == KIND_THREAD_LOCAL else "notype"
        binding = "weak" if flags & WEAK_DEFINITION else "global"
        traits = new(Traits, (None, kind, binding, False, 1, None, target))
        yield _source_name(export.name), traits


def _imported(
    image: MachoImage, exports: list[Export], needed: tuple[str, ...]
) -> Iterator[tuple[str, Traits]]:
    own: set[str] | None = None
    new = tuple.__new__
    for name, number, is_weak in _imports(image):
        library = None
        if number > 0:
            library = _library(number, needed)
        elif number == SELF:
            continue
        elif number == WEAK_LOOKUP:
            # All definitions of an inline function are made one; the own one will do.
            own = {each.name for each in exports} if own is None else own
            if name in own:
                continue
        binding = "weak" if is_weak else "global"
        yield _source_name(name), new(Traits, (None, "notype", binding, False, 1, library, None))


def _imports(image: MachoImage) -> Iterator[Import]:
    """Yield each symbol that dyld looks up, once."""
    if command := image.first(_LC_DYLD_CHAINED_FIXUPS):
        data = image.read_place(command, 0, "the chained fixups")
        yield from dict.fromkeys(read_chained_imports(data, image.name_limit))
        return
    command = image.first(_LC_DYLD_INFO, _LC_DYLD_INFO_ONLY)
    if command is None:
        _refuse_symbol_table(image, defined=False)
        return
    # Pairs of offset and size: rebase, bind, weak_bind, lazy_bind, export.
    bound, weakly_bound, lazily_bound = (
        read_bind_opcodes(image.read_place(command, index, "the bind opcodes"))
        for index in (1, 2, 3)
    )
    imports = dict.fromkeys([*bound, *lazily_bound])
    yield from imports
    names = {each.name for each in imports}
    for name, _, is_weak in weakly_bound:
        if name not in names:
            yield Import(name, WEAK_LOOKUP, is_weak)


def _library(number: int, needed: tuple[str, ...]) -> str:
    if not 0 < number <= len(needed):
        raise InvalidBinary(f"a symbol is of library {number}, of {len(needed)}")
    return needed[number - 1]


def _source_name(name: str) -> str:
    """Return `name` without the underscore that compilers put before every name of C."""
    return name[1:] if name[:1] == "_" and len(name) > 1 else name
