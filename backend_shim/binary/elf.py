"""Reads the dynamic interface of an ELF object as the dynamic loader finds it.

All comes from the program headers, the only ones that the loader reads; section headers serve just
to find constant strings, and to count symbols where no hash table tells. Sources: gABI (System V
ABI, "Dynamic Linking"), glibc (elf/dl-lookup.c, dl-load.c), binutils (bfd/elflink.c).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat
from struct import Struct, unpack
from typing import NamedTuple

from backend_shim.binary.elf_image import PT_LOAD, ElfImage
from backend_shim.binary.elf_versions import VERSION_MASK, Versions, read_versions
from backend_shim.binary.file_bytes import Buffer, StringTable
from backend_shim.binary.shared_object import Section, SharedObject, SymbolTable, Traits
from backend_shim.errors import InvalidBinary

_ET_REL, _ET_EXEC, _ET_DYN = 1, 2, 3
_PT_DYNAMIC, _PT_INTERP = 2, 3
_SHT_NOBITS, _SHT_DYNSYM = 8, 11
_DT_NEEDED, _DT_PLTRELSZ, _DT_HASH, _DT_STRTAB, _DT_SYMTAB = 1, 2, 4, 5, 6
_DT_RELA, _DT_RELASZ, _DT_STRSZ, _DT_SYMENT, _DT_SONAME = 7, 8, 10, 11, 14
_DT_RPATH, _DT_REL, _DT_RELSZ, _DT_PLTREL, _DT_JMPREL, _DT_RUNPATH = 15, 17, 18, 20, 23, 29
_DT_GNU_HASH, _DT_VERSYM, _DT_FLAGS_1 = 0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFFB
_DF_1_PIE = 0x08000000
_MACHINES = {
    2: "sparc", 3: "i386", 8: "mips", 20: "ppc", 21: "ppc64", 40: "arm", 43: "sparcv9", 50: "ia64",
    62: "x86_64", 183: "aarch64", 243: "riscv", 258: "loongarch",
}  # fmt: skip
_EM_S390, _EM_ALPHA = 22, 0x9026
_CHAIN_BLOCK = 256
_SHN_UNDEF = b"\0\0"
# By st_info: (kind, binding); the type is its lower half, the binding its upper (gABI, "Symbol
# Table"). Definitions of another binding are never found (glibc do_lookup_x, "Local symbols are
# ignored"), while references of any but the local one are looked up.
_KINDS = {0: "notype", 1: "object", 2: "function", 5: "object", 6: "tls", 10: "ifunc"}
_BINDINGS = {1: "global", 2: "weak", 10: "unique"}
_DEFINED = [
    (_KINDS.get(info & 0xF, "other"), _BINDINGS[info >> 4]) if info >> 4 in _BINDINGS else None
    for info in range(256)
]
_UNDEFINED = [
    (_KINDS.get(info & 0xF, "other"), _BINDINGS.get(info >> 4, "global")) if info >> 4 else None
    for info in range(256)
]
# By st_other: STV_INTERNAL and STV_HIDDEN (gABI, "Symbol Visibility").
_IS_INVISIBLE = [other & 3 in (1, 2) for other in range(256)]
# gABI, "Sections": sh_type and sh_flags.
_TABLE_TYPES = frozenset(
    {
        *(2, 3, 4, 5, 6, 8, 9, 11),  # SYMTAB STRTAB RELA HASH DYNAMIC NOBITS REL DYNSYM
        *(14, 15, 16, 17, 18, 19),  # the arrays of functions, GROUP, SYMTAB_SHNDX, RELR
        *(0x6FFFFFF6, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF),  # GNU_HASH and the versions
    }
)
_SHF_WRITE = 0x1
_SHF_ALLOC = 0x2
_RELOCATIONS = frozenset({4, 9, 19})  # RELA REL RELR
_SHF_EXECINSTR = 0x4
# Loaded data that no string literal of the program lies in.
_TABLE_SECTIONS = frozenset(
    {
        *(".eh_frame", ".eh_frame_hdr", ".gcc_except_table", ".interp", ".got", ".got.plt"),
        *(".plt", ".plt.got", ".plt.sec", ".note.gnu.build-id", ".note.gnu.property"),
    }
)


def read_elf(data: Buffer) -> SharedObject:
    """Return what the ELF object `data` offers and needs; of an mmap only the tables are touched.

    An object without a dynamic section (static, relocatable, debug information) has empty tables.
    Raises InvalidBinary.
    """
    image = ElfImage(data)
    dynamic, needed_at = _read_dynamic(image)
    strings = _read_string_table(image, dynamic)
    versions = read_versions(image, dynamic, strings)
    exported, imported = _read_symbols(image, dynamic, strings, versions)
    soname = strings.at(dynamic[_DT_SONAME]) if _DT_SONAME in dynamic else None
    # "DT_RPATH [...] use has been superseded by DT_RUNPATH" (gABI); the loader ignores the former
    # beside the latter, and an empty one as well (glibc decompose_rpath).
    path_at = dynamic.get(_DT_RUNPATH, dynamic.get(_DT_RPATH))
    path = strings.at(path_at) if path_at is not None else ""
    sections = _sections(image)
    return SharedObject(
        format="elf",
        machine=_name_machine(image),
        bits=image.layout.bits,
        soname=soname,
        needed=tuple(strings.at(offset) for offset in needed_at),
        run_path=tuple(path.split(":")) if path else (),
        version_needs=versions.needs,
        version_definitions=versions.definitions,
        exported=exported,
        imported=imported,
        constants=sections.constants,
        code=sections.code,
        pointers=sections.pointers,
        is_executable=_is_executable(image, dynamic.get(_DT_FLAGS_1, 0), soname),
    )


def _name_machine(image: ElfImage) -> str:
    if image.machine == _EM_S390:
        return "s390x" if image.layout.bits == 64 else "s390"
    return _MACHINES.get(image.machine, f"em_{image.machine}")


def _is_executable(image: ElfImage, flags: int, soname: str | None) -> bool:
    # The loader refuses to load a second time what is marked DF_1_PIE (glibc dl-load.c, "cannot
    # dynamically load position-independent executable"); older linkers did not mark it. A library
    # that can also be run, as libc.so.6, has a soname.
    if image.type != _ET_DYN:
        return image.type == _ET_EXEC
    asks_for_interpreter = any(program[0] == _PT_INTERP for program in image.programs)
    return bool(flags & _DF_1_PIE) or (asks_for_interpreter and soname is None)


class _Sections(NamedTuple):
    """The sections of an object that are read further."""

    constants: tuple[Section, ...]
    code: tuple[Section, ...]
    pointers: tuple[Section, ...]


def _sections(image: ElfImage) -> _Sections:
    """Return the sections with constants, those with code, and those with pointers.

    Without usable section headers the whole file counts as constants. Chosen by type and flags,
    for a linker script may name them as it likes; `.comment`, which is not loaded, tells the
    compilers.
    """
    whole = (Section("", 0, image.size, 0),)
    if image.sections is None:
        return _Sections(whole, (), whole)
    constants: list[Section] = []
    code: list[Section] = []
    pointers: list[Section] = []
    for name, (_, kind, flags, address, offset, size) in image.sections:
        # Wherever an object is loaded that has no fixed place, each address in it is written there
        # by a relocation: into what can be written, or it stands in the relocation itself (RELA).
        may_point = kind in _RELOCATIONS or flags & _SHF_WRITE or image.type != _ET_DYN
        is_stored = flags & _SHF_ALLOC and kind != _SHT_NOBITS
        is_text = (is_stored and kind not in _TABLE_TYPES) or name == ".comment"
        if not (is_stored or is_text):
            continue
        if offset + size > image.size:
            return _Sections(whole, (), whole)
        section = Section(name, offset, size, address)
        if is_stored and may_point:
            pointers.append(section)
        if is_text and name not in _TABLE_SECTIONS:
            (code if flags & _SHF_EXECINSTR else constants).append(section)
    return _Sections(tuple(constants), tuple(code), tuple(pointers))


def _read_dynamic(image: ElfImage) -> tuple[dict[int, int], list[int]]:
    """Return the dynamic array as tag -> value, and the values of DT_NEEDED in their order."""
    dynamic: dict[int, int] = {}
    needed: list[int] = []
    if image.type == _ET_REL or not any(row[0] == _PT_DYNAMIC and row[3] for row in image.programs):
        return dynamic, needed
    # Separate debug information keeps the program headers of its object and not the bytes.
    if any(name == ".dynamic" and row[1] == _SHT_NOBITS for name, row in image.sections or ()):
        return dynamic, needed
    for kind, offset, _, size in image.programs:
        if kind == PT_LOAD and offset + size > image.size:
            raise InvalidBinary(f"the file is cut off: a segment ends at {offset + size}")
    for tag, value in image.dynamic_entries():
        if tag == _DT_NEEDED:
            needed.append(value)
        dynamic[tag] = value
    return dynamic, needed


def _read_string_table(image: ElfImage, dynamic: dict[int, int]) -> StringTable:
    if _DT_STRTAB not in dynamic:
        return image.string_table(b"")
    size = dynamic.get(_DT_STRSZ, 0)
    return image.string_table(image.read_address(dynamic[_DT_STRTAB], size, "DT_STRTAB"))


def _read_symbols(
    image: ElfImage, dynamic: dict[int, int], strings: StringTable, versions: Versions
) -> tuple[SymbolTable, SymbolTable]:
    """Return the symbols that others can bind to and those that this object binds to."""
    by_mark = versions.by_mark()
    known: dict[tuple[bytes, int], tuple[Traits, bool] | None] = {}
    # Offsets of names, traits, and the sizes of what is defined.
    offered_at: list[int] = []
    offered: list[Traits] = []
    sizes: list[int] = []
    needed_at: list[int] = []
    needed: list[Traits] = []
    last_fields, last_mark, found = b"", -1, None
    # This loop runs 50,000 times for one wheel of SciPy.
    for (name_at, fields, size), mark in _symbol_records(image, dynamic):
        if fields != last_fields or mark != last_mark:  # mostly those of the symbol before
            last_fields, last_mark = fields, mark
            if (fields, mark) not in known:
                known[fields, mark] = _traits(fields, mark, by_mark)
            found = known[fields, mark]
        if found is None:
            continue
        traits, is_defined = found
        if is_defined:
            offered_at.append(name_at)
            offered.append(traits)
            sizes.append(size)
        else:
            needed_at.append(name_at)
            needed.append(traits)
    exported = SymbolTable(strings.all_at(offered_at), offered, sizes)
    return exported, SymbolTable(strings.all_at(needed_at), needed)


def _traits(
    fields: bytes, mark: int, by_mark: dict[int, tuple[str | None, bool, int, str | None]]
) -> tuple[Traits, bool] | None:
    """Return what `st_info`, `st_other`, `st_shndx` and its version say of a symbol.

    That is its traits, and whether it is defined; None where the loader ignores it.
    """
    is_defined = fields[2:] != _SHN_UNDEF
    kind_and_binding = (_DEFINED if is_defined else _UNDEFINED)[fields[0]]
    # References to invisible symbols stay within the object, too (glibc
    # dl_symbol_visibility_binds_local_p).
    if kind_and_binding is None or _IS_INVISIBLE[fields[1]]:
        return None
    if mark not in by_mark:
        raise InvalidBinary(f"no version has the index {mark & VERSION_MASK} of a symbol")
    version, is_hidden, index, library = by_mark[mark]
    kind, binding = kind_and_binding
    if is_defined:
        library = None
    return Traits(version, kind, binding, is_hidden, index, library), is_defined


def _symbol_records(
    image: ElfImage, dynamic: dict[int, int]
) -> Iterable[tuple[tuple[int, bytes, int], int]]:
    """Return (name, info with other and shndx, size) and its entry of `.gnu.version` of each."""
    if _DT_SYMTAB not in dynamic:
        return ()
    record = image.layout.symbol
    if dynamic.get(_DT_SYMENT, record.size) != record.size:
        raise InvalidBinary(f"symbols have {dynamic[_DT_SYMENT]} bytes, not {record.size}")
    count = _count_symbols(image, dynamic)
    table = image.read_address(dynamic[_DT_SYMTAB], count * record.size, "DT_SYMTAB")
    rows: Iterable[tuple[int, bytes, int]] = record.iter_unpack(table)
    if image.layout.bits == 32:
        rows = ((name, fields, size) for name, size, fields in record.iter_unpack(table))
    if _DT_VERSYM not in dynamic:
        return zip(rows, repeat(1, count), strict=True)  # VER_NDX_GLOBAL
    marks = image.read_address(dynamic[_DT_VERSYM], count * 2, "DT_VERSYM")
    return zip(rows, unpack(f"{image.layout.order}{count}H", marks), strict=True)


def _count_symbols(image: ElfImage, dynamic: dict[int, int]) -> int:
    """Return how many symbols there are, which no entry of the dynamic array says."""
    order, bits = image.layout.order, image.layout.bits
    if _DT_HASH in dynamic:
        # "The number of symbol table entries should equal nchain" (gABI, "Hash Table"). Its words
        # have 64 bits in two ABIs (binutils elf_backend_data.s->sizeof_hash_entry).
        is_wide = bits == 64 and image.machine in (_EM_S390, _EM_ALPHA)
        words = Struct(order + ("QQ" if is_wide else "II"))
        table = image.read_address(dynamic[_DT_HASH], words.size, "DT_HASH")
        return int(words.unpack(table)[1])
    count = _count_hashed(image, dynamic[_DT_GNU_HASH]) if _DT_GNU_HASH in dynamic else 0
    if count:
        return count
    # Nothing is exported. For the symbols needed: their section or the last one relocated.
    size = image.layout.symbol.size
    for _, (_, kind, _, address, _, section_size) in image.sections or ():
        if kind == _SHT_DYNSYM and address == dynamic[_DT_SYMTAB]:
            return section_size // size
    return _count_relocated(image, dynamic)


def _count_hashed(image: ElfImage, address: int) -> int:
    """Return the number of symbols by DT_GNU_HASH, 0 if it holds none.

    Hashed symbols come last in the symbol table, in the order of their buckets; the last one of a
    bucket has the lowest bit of its hash set (binutils elf_gnu_hash_process_symidx).
    """
    order = image.layout.order
    header = image.read_address(address, 16, "DT_GNU_HASH")
    bucket_count, first, bloom_words, _ = unpack(order + "4I", header)
    address += 16 + bloom_words * image.layout.bits // 8
    buckets = image.read_address(address, bucket_count * 4, "DT_GNU_HASH")
    last: int = max(unpack(f"{order}{bucket_count}I", buckets), default=0)
    if last == 0:
        return 0
    if last < first:
        raise InvalidBinary(f"DT_GNU_HASH names symbol {last} and begins with symbol {first}")
    address += (bucket_count + last - first) * 4
    _, available = image.locate(address, "DT_GNU_HASH")
    for start in range(0, available - 3, _CHAIN_BLOCK):
        size = min(_CHAIN_BLOCK, (available - start) // 4 * 4)
        block = image.read_address(address + start, size, "DT_GNU_HASH")
        for position, hash_ in enumerate(unpack(f"{order}{size // 4}I", block), start // 4):
            if hash_ & 1:
                return last + position + 1
    raise InvalidBinary("the last chain of DT_GNU_HASH has no end")


def _count_relocated(image: ElfImage, dynamic: dict[int, int]) -> int:
    """Return the number of symbols up to the last one that a relocation names."""
    layout = image.layout
    shift = 32 if layout.bits == 64 else 8  # ELF64_R_SYM, ELF32_R_SYM
    procedure_linkage = layout.rela if dynamic.get(_DT_PLTREL) == _DT_RELA else layout.rel
    last = 0
    for start_tag, size_tag, record in (
        (_DT_RELA, _DT_RELASZ, layout.rela),
        (_DT_REL, _DT_RELSZ, layout.rel),
        (_DT_JMPREL, _DT_PLTRELSZ, procedure_linkage),
    ):
        if start_tag in dynamic:
            size = dynamic.get(size_tag, 0) // record.size * record.size
            table = image.read_address(dynamic[start_tag], size, "relocations")
            (info,) = max(record.iter_unpack(table), default=(0,))
            last = max(last, info >> shift)
    return last + 1
