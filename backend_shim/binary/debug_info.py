"""The debug information of an ELF object (DWARF 2 to 5), entry by entry, read by pyelftools.

pyelftools comes with the extra `types` and is imported when the first object is opened. Its entries
are read here without its cache, which holds every entry that was ever looked at: 900 MB for the
library of CPython 3.12 in place of 150.
"""

from __future__ import annotations

import importlib.util
import io
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final, TypeAlias, cast

from backend_shim.binary.file_bytes import Buffer
from backend_shim.errors import InvalidBinary

if TYPE_CHECKING:
    from elftools.dwarf.compileunit import CompileUnit
    from elftools.dwarf.die import DIE
    from elftools.dwarf.dwarfinfo import DWARFInfo
    from elftools.dwarf.typeunit import TypeUnit
    from elftools.elf.elffile import ELFFile

    Unit: TypeAlias = CompileUnit | TypeUnit

NAMESPACES: Final = frozenset({"DW_TAG_namespace"})
AGGREGATES: Final = frozenset({"DW_TAG_structure_type", "DW_TAG_class_type", "DW_TAG_union_type"})
_BODIES: Final = frozenset({"DW_TAG_subprogram", "DW_TAG_lexical_block"})
_SCOPES: Final = NAMESPACES | AGGREGATES | _BODIES

MAX_BYTES: Final = 256 << 20
"""All debug sections together, as they are when inflated."""
_MAX_ENTRIES: Final = 8_000_000
_MAX_RECENT: Final = 20_000
# DWARF 5, 7.12 "Source Languages", and what the committee added since: C89, C, C99, C11, C17, C23;
# C++, C++03, C++11, C++14, C++17, C++20, C++23.
_C: Final = frozenset({0x01, 0x02, 0x0C, 0x1D, 0x2C, 0x3E})
_CXX: Final = frozenset({0x04, 0x19, 0x1A, 0x21, 0x2A, 0x2B, 0x3A})
_UNIT_REFERENCES: Final = frozenset(
    {"DW_FORM_ref1", "DW_FORM_ref2", "DW_FORM_ref4", "DW_FORM_ref8", "DW_FORM_ref_udata"}
)


class NotDescribed(Exception):
    """An entry has something that is not understood: nothing is said of what uses it."""


def is_readable() -> bool:
    """Whether pyelftools is installed."""
    return importlib.util.find_spec("elftools") is not None


@contextmanager
def faults_reported() -> Iterator[None]:
    """Whatever pyelftools raises over bytes that are wrong becomes InvalidBinary.

    It raises its own errors, those of its parser, KeyError, AssertionError and others.
    """
    try:
        yield
    except (InvalidBinary, ImportError, NotDescribed):
        raise
    except Exception as error:
        wrong = f"its debug information cannot be read: {type(error).__name__}: {error}"
        raise InvalidBinary(wrong[:300]) from error


class DebugInfo:
    """The entries of one object; raises InvalidBinary, also where there are none."""

    def __init__(self, data: Buffer) -> None:
        self._left = _MAX_ENTRIES
        self._recent: dict[int, DIE] = {}
        with faults_reported():
            self._info = self._open(_elf_file(data))

    @staticmethod
    def _open(file: ELFFile) -> DWARFInfo:
        debug = [each for each in file.iter_sections() if each.name.startswith(".debug_")]
        if not any(each.name == ".debug_info" for each in debug):
            raise InvalidBinary("it has no debug information")
        if any(each.header["sh_type"] == "SHT_NOBITS" for each in debug):
            raise InvalidBinary("its debug information lies elsewhere")
        if sum(each.data_size for each in debug) > MAX_BYTES:
            raise InvalidBinary(f"it has more than {MAX_BYTES >> 20} MiB of debug information")
        # No links: they name files of this machine.
        return file.get_dwarf_info(relocate_dwarf_sections=False, follow_links=False)

    def units(self) -> Iterator[CompileUnit]:
        """Every unit, its first entry read."""
        for unit in self._info.iter_CUs():
            unit.get_top_DIE()
            yield unit

    def entry(self, unit: Unit, offset: int) -> DIE:
        """The entry at `offset` of the section; a terminator has no tag."""
        from elftools.dwarf.die import DIE  # noqa: PLC0415 - only with the extra `types`

        self._left -= 1
        if self._left < 0:
            raise InvalidBinary(f"its debug information has more than {_MAX_ENTRIES} entries")
        section = self._info.debug_info_sec
        if section is None or not unit.cu_die_offset <= offset < unit.cu_offset + unit.size:
            raise InvalidBinary("an entry of its debug information lies outside of its unit")
        return DIE(unit, section.stream, offset)

    def walk(self, unit: Unit) -> Iterator[tuple[DIE, tuple[str, ...]]]:
        """Every entry of `unit`, each with the names of the scopes it stands in, outermost first.

        Bodies of functions are passed over where the compiler says how long they are.
        """
        scopes: list[tuple[str, ...]] = []
        inside: tuple[str, ...] = ()
        offset, end = unit.cu_die_offset, unit.cu_offset + unit.size
        while offset < end:
            entry = self.entry(unit, offset)
            offset += entry.size
            if entry.tag is None:
                if not scopes:
                    return
                inside = scopes.pop()
                continue
            yield entry, inside
            if entry.has_children:
                beyond = self._sibling(entry) if entry.tag in _BODIES else None
                if beyond is not None:
                    offset = beyond
                    continue
                scopes.append(inside)
                if entry.tag in _SCOPES:
                    inside = (*inside, name_of(entry) or f"({entry.tag})")

    def children(self, entry: DIE) -> Iterator[DIE]:
        """The entries directly below `entry`."""
        if not entry.has_children:
            return
        offset = entry.offset + entry.size
        while (child := self.entry(entry.cu, offset)).tag is not None:
            yield child
            offset = self._behind(child)

    def referred(self, entry: DIE, attribute: str) -> DIE | None:
        """The entry that `attribute` of `entry` refers to; None without that attribute."""
        value = entry.attributes.get(attribute)
        if value is None:
            return None
        if value.form in _UNIT_REFERENCES:
            return self._kept(entry.cu, entry.cu.cu_offset + value.raw_value)
        if value.form == "DW_FORM_ref_addr":
            unit = self._info.get_CU_containing(value.raw_value)
            unit.get_top_DIE()
            return self._kept(unit, value.raw_value)
        raise NotDescribed(f"{attribute} leads to another file or a type unit ({value.form})")

    def _kept(self, unit: Unit, offset: int) -> DIE:
        """As `entry`, for one that is likely to be asked for again."""
        found = self._recent.get(offset)
        if found is None:
            if len(self._recent) >= _MAX_RECENT:
                self._recent.clear()
            found = self._recent[offset] = self.entry(unit, offset)
        return found

    def starts(self, function: DIE) -> set[int]:
        """Where the pieces of a function begin, cold ones apart from the rest."""
        from elftools.dwarf.ranges import BaseAddressEntry  # noqa: PLC0415 - see `entry`

        low = function.attributes.get("DW_AT_low_pc")
        value = function.attributes.get("DW_AT_ranges")
        if value is None or (lists := self._info.range_lists()) is None:
            return set() if low is None else {low.value}
        unit_low = function.cu.get_top_DIE().attributes.get("DW_AT_low_pc")
        base = unit_low.value if unit_low is not None else 0
        found = set()
        unit = cast("CompileUnit", function.cu)
        for each in lists.get_range_list_at_offset(value.value, cu=unit):
            if isinstance(each, BaseAddressEntry):
                base = each.base_address
            else:
                found.add(each.begin_offset + (0 if each.is_absolute else base))
        return found

    def _behind(self, entry: DIE) -> int:
        """The offset behind `entry` and all that is below it."""
        offset = entry.offset + entry.size
        if not entry.has_children:
            return offset
        if (beyond := self._sibling(entry)) is not None:
            return beyond
        depth = 1
        while depth:
            inner = self.entry(entry.cu, offset)
            depth += bool(inner.has_children) - (inner.tag is None)
            offset += inner.size
        return offset

    @staticmethod
    def _sibling(entry: DIE) -> int | None:
        value = entry.attributes.get("DW_AT_sibling")
        if value is None or value.form not in _UNIT_REFERENCES:
            return None
        offset: int = entry.cu.cu_offset + value.raw_value
        return offset if offset > entry.offset else None


def is_c(unit: Unit) -> bool:
    """Whether the unit was compiled from C."""
    return _language(unit) in _C


def is_c_or_cxx(unit: Unit) -> bool:
    """Whether the unit was compiled from C or C++."""
    return _language(unit) in _C | _CXX


def _language(unit: Unit) -> object:
    value = unit.get_top_DIE().attributes.get("DW_AT_language")
    return None if value is None else value.value


def name_of(entry: DIE) -> str | None:
    """DW_AT_name; raises InvalidBinary where it stands in another file."""
    return _text(entry, "DW_AT_name")


def linkage_name_of(entry: DIE) -> str | None:
    """The mangled name, if there is one."""
    return _text(entry, "DW_AT_linkage_name") or _text(entry, "DW_AT_MIPS_linkage_name")


def _text(entry: DIE, attribute: str) -> str | None:
    value = entry.attributes.get(attribute)
    if value is None:
        return None
    if not isinstance(value.value, bytes):
        raise InvalidBinary("a name of its debug information stands in another file")
    return value.value.decode("utf-8", "backslashreplace")


def addresses(data: Buffer) -> dict[str, int]:
    """Where each symbol of `.dynsym` lies; not those of one name that lie at several addresses."""
    found: dict[str, set[int]] = {}
    with faults_reported():
        from elftools.elf.sections import SymbolTableSection  # noqa: PLC0415 - only with `types`

        table = _elf_file(data).get_section_by_name(".dynsym")
        for symbol in table.iter_symbols() if isinstance(table, SymbolTableSection) else ():
            if symbol["st_shndx"] != "SHN_UNDEF":
                found.setdefault(symbol.name, set()).add(symbol["st_value"])
    return {name: places.pop() for name, places in found.items() if len(places) == 1}


def _elf_file(data: Buffer) -> ELFFile:
    from elftools.elf.elffile import ELFFile  # noqa: PLC0415 - only with the extra `types`

    # A map reads like a file, and a copy of a large library would be as large.
    return ELFFile(cast("IO[bytes]", data) if isinstance(data, mmap.mmap) else io.BytesIO(data))
