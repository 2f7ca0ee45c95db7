"""What a reader of a binary format returns: the noun that all formats share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, final, overload


class Symbol(NamedTuple):
    """A defined symbol that others can bind to, or an undefined one that this object needs."""

    name: str
    """Mach-O: without the underscore that compilers put before it. PE: `#5` for ordinal 5, where
    there is no name."""
    version: str | None
    """ELF: symbol version node such as `GLIBC_2.34`; None where the object gives it none."""
    kind: str
    """`function`, `object`, `tls`, `ifunc`, `notype`, or `other`. PE and Mach-O: whether the
    section is executable; `notype` for what is needed or defined elsewhere."""
    binding: str
    """`global`, `weak` or `unique`. ELF and Mach-O: a weak undefined symbol may stay without a
    definition."""
    size: int
    """ELF: `st_size` in bytes; for an undefined symbol 0. PE and Mach-O record none: always 0."""
    is_hidden: bool = False
    """ELF: the hidden bit of `.gnu.version` is set (`name@VERSION`, not `name@@VERSION`)."""
    version_index: int = 1
    """ELF: index in `.gnu.version` without the hidden bit; 1 is the base (no version)."""
    library: str | None = None
    """Undefined: the file that the version need names (ELF `vn_file`), or that one of `needed`
    which has to define it (PE always; Mach-O by two-level namespace). None where the format does
    not say: looked up in whatever is loaded."""
    forwards_to: str | None = None
    """Defined: where the definition really is. PE: `LIBRARY.name` or `LIBRARY.#ordinal`, with the
    library's name lacking its suffix; Mach-O: `install name:name`."""


class Traits(NamedTuple):
    """All of a symbol but its name and size: the same of many. Fields as of `Symbol`."""

    version: str | None
    kind: str
    binding: str
    is_hidden: bool = False
    version_index: int = 1
    library: str | None = None
    forwards_to: str | None = None


@final
class SymbolTable(Sequence[Symbol]):
    """The symbols of one object, kept by columns of the same length.

    One wheel can hold 100,000 of them, of which mostly no more than the name is wanted: to make a
    `Symbol` of each would cost more than to read the file.
    """

    __slots__ = ("_different", "_text", "names", "sizes", "traits")

    def __init__(
        self, names: Iterable[str], traits: Iterable[Traits], sizes: Iterable[int] = ()
    ) -> None:
        """Columns of a table; without `sizes` all are 0."""
        self.names = tuple(names)
        self.traits = tuple(traits)
        self.sizes = tuple(sizes) or (0,) * len(self.names)
        self._different: frozenset[str] | None = None
        self._text: str | None = None

    @classmethod
    def of(cls, symbols: Iterable[Symbol]) -> SymbolTable:
        """The table of symbols that were made one by one."""
        rows = tuple(symbols)
        traits = (Traits(row.version, row.kind, row.binding, *row[5:]) for row in rows)
        return cls((row.name for row in rows), traits, (row.size for row in rows))

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Symbol]:
        new = tuple.__new__  # Symbol(...) would take three times as long
        for name, size, traits in zip(self.names, self.sizes, self.traits, strict=True):
            version, kind, binding, *others = traits
            yield new(Symbol, (name, version, kind, binding, size, *others))

    @property
    def different_names(self) -> frozenset[str]:
        """Each name once."""
        if self._different is None:
            self._different = frozenset(self.names)
        return self._different

    @property
    def text(self) -> str:
        """Each name behind a line feed: to search them all at once."""
        if self._text is None:
            self._text = "\n".join(["", *self.names])
        return self._text

    @overload
    def __getitem__(self, index: int) -> Symbol: ...
    @overload
    def __getitem__(self, index: slice) -> SymbolTable: ...
    def __getitem__(self, index: int | slice) -> Symbol | SymbolTable:
        if isinstance(index, slice):
            return SymbolTable(self.names[index], self.traits[index], self.sizes[index])
        one = slice(index, index + 1 or None)
        return next(iter(self[one]))

    def __eq__(self, other: object) -> bool:
        """Whether the same symbols are in the same order, also in a sequence of another type."""
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(self.names)

    def __repr__(self) -> str:
        return f"SymbolTable.of({tuple(self)!r})"


class Section(NamedTuple):
    """Where a section's bytes lie in the file."""

    name: str
    offset: int
    """In the whole file, also for a slice of a universal one."""
    size: int
    address: int
    """Where the loader puts it, relative to the object's base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedObject:
    """The dynamic interface of one shared object or executable, for one machine."""

    format: str
    """`elf`, `macho` or `pe`."""
    machine: str
    """`x86_64`, `i386`, `aarch64`, `arm`, … the same in all formats (arm64 of macOS and Windows is
    `aarch64`); or `em_<number>`, `cpu_<number>`, `machine_<number>` as the format has it."""
    bits: int
    soname: str | None
    """DT_SONAME, install name (LC_ID_DYLIB), or the name in the export directory of PE."""
    needed: tuple[str, ...]
    """In file order and as spelled: sonames, install names, names of DLLs (which Windows compares
    without regard to case), those loaded on demand last."""
    run_path: tuple[str, ...]
    """DT_RUNPATH, or DT_RPATH where there is no DT_RUNPATH, split at colons; each LC_RPATH."""
    version_needs: tuple[tuple[str, tuple[str, ...]], ...]
    """ELF: (file, versions) of `.gnu.version_r`, in file order. Mach-O: (install name,
    (compatibility version,)) of each library needed; the one that is found must not have a lower
    one. PE: none."""
    version_definitions: tuple[str, ...]
    """ELF: version nodes defined, without the base one. Mach-O: the compatibility version that a
    library has. PE: none."""
    exported: SymbolTable
    """Defined, global/weak/unique, default or protected visibility, in table order."""
    imported: SymbolTable
    """Undefined, in table order."""
    constants: tuple[Section, ...]
    """Loaded data that is not code, where string literals lie, and `.comment` of ELF; the whole
    file as one unnamed section where the section headers were stripped."""
    code: tuple[Section, ...]
    """Executable sections; empty where the section headers were stripped."""
    is_executable: bool
    """A program, not something to link to. ELF: has an entry point and asks for an interpreter or
    is ET_EXEC; Mach-O: MH_EXECUTE; PE: not IMAGE_FILE_DLL."""
    reexported: tuple[str, ...] = ()
    """Mach-O: those of `needed` whose symbols count as this library's own (LC_REEXPORT_DYLIB)."""
    pointers: tuple[Section, ...] = ()
    """ELF: where addresses stand that are not part of an instruction: data that can be written, and
    relocations; of what is loaded at a fixed address all sections."""

    def address_of(self, position: int) -> int | None:
        """Where the loader puts the byte at `position` of the file; None outside of sections."""
        for section in (*self.constants, *self.code):
            if section.name and 0 <= position - section.offset < section.size:
                return section.address + position - section.offset
        return None

    def position_of(self, address: int) -> int | None:
        """Where in the file the constant byte lies that the loader puts at `address`."""
        for section in self.constants:
            if section.name and 0 <= address - section.address < section.size:
                return section.offset + address - section.address
        return None
