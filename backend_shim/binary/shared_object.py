"""What a reader of a binary format returns: the noun that all formats share.

`Symbol` is a named tuple and no dataclass because one library can hold 75,000 of them; building
frozen dataclasses would cost more than reading the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Symbol(NamedTuple):
    """A defined symbol that others can bind to, or an undefined one that this object needs."""

    name: str
    version: str | None
    """Symbol version node such as `GLIBC_2.34`; None where the object gives it none."""
    kind: str
    """`function`, `object`, `tls`, `ifunc`, `notype`, or `other`."""
    binding: str
    """`global`, `weak` or `unique`."""
    size: int
    """`st_size` in bytes; for an undefined symbol 0."""
    is_hidden: bool = False
    """ELF: the hidden bit of `.gnu.version` is set (`name@VERSION`, not `name@@VERSION`)."""
    version_index: int = 1
    """ELF: index in `.gnu.version` without the hidden bit; 1 is the base (no version)."""
    library: str | None = None
    """Undefined: the file that the version need names (ELF `vn_file`), or the library that PE and
    Mach-O name for each symbol. None where the format does not say."""


class Section(NamedTuple):
    """Where a section's bytes lie in the file."""

    name: str
    offset: int
    size: int
    address: int
    """Where the loader puts it, relative to the object's base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedObject:
    """The dynamic interface of one shared object or executable."""

    format: str
    """`elf`, `macho` or `pe`."""
    machine: str
    """ELF: `x86_64`, `aarch64`, … or `em_<number>`."""
    bits: int
    soname: str | None
    needed: tuple[str, ...]
    """In file order."""
    run_path: tuple[str, ...]
    """DT_RUNPATH, or DT_RPATH where there is no DT_RUNPATH, split at colons."""
    version_needs: tuple[tuple[str, tuple[str, ...]], ...]
    """(file, versions) of `.gnu.version_r`, in file order."""
    version_definitions: tuple[str, ...]
    """Version nodes defined, without the base one."""
    exported: tuple[Symbol, ...]
    """Defined, global/weak/unique, default or protected visibility, in table order."""
    imported: tuple[Symbol, ...]
    """Undefined, in table order."""
    constants: tuple[Section, ...]
    """Loaded data that is not code, where string literals lie, and `.comment`; the whole file as
    one unnamed section where the section headers were stripped."""
    code: tuple[Section, ...]
    """Executable sections; empty where the section headers were stripped."""
    is_executable: bool
    """Has an entry point and asks for an interpreter or is ET_EXEC: not something to link to."""
