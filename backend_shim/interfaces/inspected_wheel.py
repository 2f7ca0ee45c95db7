"""What an interface is shown: one opened binary at a time, then the wheel as a whole."""

from __future__ import annotations

import mmap
import re
import string
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, TypeAlias

from backend_shim.binary.code_references import (
    can_find_references,
    is_pointed_at,
    loaded_addresses,
)
from backend_shim.binary.shared_object import SharedObject, Symbol
from backend_shim.interfaces import cython_strings
from backend_shim.interfaces.beginnings import FEW, LONGEST, SHORTEST, beginnings_in
from backend_shim.interfaces.compiled_strings import CUT, names_taken_apart
from backend_shim.record.canonical import JSONValue

Buffer: TypeAlias = "bytes | mmap.mmap"

_IDENTIFIER_TAIL: Final = re.compile(rb"(?:\.\w+)*", re.ASCII)
_WORD: Final = re.compile(rb"[\w.]", re.ASCII)
_WORDS: Final = (string.ascii_letters + string.digits + "_.").encode()
_WORD_AFTER: Final = re.compile(rb"[\w.]*", re.ASCII)
_LONGEST_WORD: Final = 256
# A name that the program completes: `"scipy." + module`, `"scipy.%s"`.
_TO_BE_COMPLETED: Final = re.compile(rb"\.[\0%{]")
_PATH_ENDS: Final = (b"/", b"\\")
_STATEMENT: Final = b"import "
# What a longer literal goes on with, in ASCII or UTF-8.
_TEXT: Final = re.compile(rb"[\t\n\r -~\x80-\xff]")
# Only these take UTF-16 or UTF-32: they make a Python string, which an import by name needs, or
# load a library of Windows.
_WIDE_ENCODINGS: Final = ("utf-16-le", "utf-32-le")
_TAKING_WIDE_STRINGS: Final = frozenset(
    {
        "PyUnicode_DecodeUTF16",
        "PyUnicode_DecodeUTF32",
        "PyUnicode_FromUnicode",
        "PyUnicode_FromWideChar",
        "GetModuleHandleExW",
        "GetModuleHandleW",
        "LdrGetDllHandle",
        "LdrLoadDll",
        "LoadLibraryExW",
        "LoadLibraryW",
        "LoadPackagedLibrary",
    }
)
# The interpreter's functions, whatever they are called in other versions, and the loader's on each
# system.
_INTERPRETER: Final = ("Py", "_Py")
_WINDOWS_ENCODINGS: Final = ("utf-8", "utf-16-le")
_WINDOWS_LOADER: Final = (
    *("GetModuleHandle", "LoadLibrary", "LoadPackagedLibrary"),
    *("LdrGetDllHandle", "LdrLoadDll"),
)
_LOADER: Final = (
    *("dlopen", "dlmopen"),
    *("CFBundle", "NSAddImage", "NSCreateObjectFileImage"),
    *_WINDOWS_LOADER,
)
# Strings of these languages carry their length: they are not ended by NUL and lie one behind the
# other, so the rule for C strings would miss a name in them.
_LENGTH_COUNTED_LANGUAGES: Final = (b"/rustc/", b"Go build ID")
_C_COMPILERS: Final = (b"GCC: (", b"clang version", b"Intel(R)")


class ConstantStrings:
    """The constant bytes of a shared object: where string literals of the source end up."""

    def __init__(
        self, data: Buffer, shared: SharedObject, looked_for: Collection[str] = ()
    ) -> None:
        """`looked_for`: names that are to be asked for, which one pass over the bytes prepares."""
        self._data = data
        self._shared = shared
        self._looked_for = looked_for
        self._names: dict[str, frozenset[tuple[str, bool]]] = {}
        self._contained: dict[bytes, bool] = {}
        self._ranges: list[tuple[int, int]] = []
        self._comment: list[tuple[int, int]] = []
        for section in shared.constants:
            is_comment = shared.format == "elf" and section.name == ".comment"
            ranges = self._comment if is_comment else self._ranges
            ranges.append((section.offset, section.offset + section.size))

    def contain(self, literal: bytes) -> bool:
        """Whether `literal` stands anywhere among the constants."""
        if literal not in self._contained:
            self._contained[literal] = any(
                self._data.find(literal, start, end) >= 0 for start, end in self._ranges
            )
        return self._contained[literal]

    def matches(self, around: bytes, pattern: re.Pattern[bytes]) -> Iterator[bytes]:
        """Group 1 of each match of `pattern`, which begins with the literal `around`."""
        for at, end in self._occurrences(around):
            match = pattern.match(self._data, at, end)
            if match:
                yield match.group(1)

    def literals(self, beginning: bytes) -> Iterator[tuple[bytes, int | None]]:
        """Each literal of C with that beginning, and its address."""
        for at, end in self._occurrences(beginning):
            if not at or self._data[at - 1 : at] == b"\0":
                stop = self._data.find(b"\0", at, end)
                yield (
                    bytes(self._data[at : stop if stop >= 0 else end]),
                    self._shared.address_of(at),
                )

    def words(self, part: bytes) -> Iterator[str]:
        """Each run of word characters and dots that holds `part` and ends with NUL."""
        for at, end in self._occurrences(part):
            before = self._data[max(0, at - _LONGEST_WORD) : at]
            after = _WORD_AFTER.match(self._data, at, min(end, at + _LONGEST_WORD))
            if after and self._data[after.end() : after.end() + 1] == b"\0":
                yield (before[len(before.rstrip(_WORDS)) :] + after[0]).decode("ascii")

    def names(self, name: str) -> frozenset[tuple[str, bool]]:
        """Each dotted name beginning with `name`, and whether the literal begins there.

        Such as `name` or `name.attribute.…`; what ends in CUT may go on.

        A literal of C ends with NUL, and an array of characters without NUL before other data. Its
        beginning says nothing: linkers store a string that is
        the tail of another one only once (SHF_MERGE | SHF_STRINGS, gABI "Section Attribute
        Flags"), so `numpy` may lie inside `my_numpy`. In binaries of other languages any
        occurrence counts.
        """
        if name not in self._names:
            found = set(self._find_names(name.encode())) if self._may_hold(name) else set()
            # One literal is binding enough; what is in pieces beside it would only add detail.
            if not found and self._can_ask_for_a_name:
                found.update((piece, False) for piece in self._find_pieces(name))
            self._names[name] = frozenset(found)
        return self._names[name]

    def _find_names(self, literal: bytes) -> Iterator[tuple[str, bool]]:
        for at, end in self._occurrences(literal):
            tail = _IDENTIFIER_TAIL.match(self._data, at + len(literal), end)
            stop = tail.end() if tail else at + len(literal)
            found = self._data[at:stop].decode("ascii", "replace")
            if _TO_BE_COMPLETED.match(self._data, stop, end):
                yield f"{found}.{CUT}", False
                continue
            if self._is_c and _TEXT.match(self._data, stop, end):
                continue
            if self._is_for_python(at) or (self._is_c and self._is_only_a_part(at)):
                continue
            before = self._data[at - 1 : at] if at else b""
            yield found, not _WORD.match(before)

    def _may_hold(self, name: str, length: int = LONGEST) -> bool:
        """Whether the first bytes of `name`, as many as `length`, stand anywhere.

        Also where that was not looked for.
        """
        if len(self._looked_for) < FEW or name not in self._looked_for or len(name) < SHORTEST:
            return True
        return name.encode()[:length] in self._beginnings

    @cached_property
    def _beginnings(self) -> frozenset[bytes]:
        sections = (*self._shared.constants, *self._shared.code)
        ranges = {(each.offset, each.offset + each.size) for each in sections}
        return beginnings_in(self._data, ranges, self._looked_for)

    def _find_pieces(self, name: str) -> Iterator[str]:
        """Names that stand in the object otherwise than as a literal of bytes."""
        # Immediates are of eight bytes or of four; those of AArch64 are smaller.
        piece = LONGEST if len(name) >= LONGEST else SHORTEST
        if self._may_hold(name, piece) or self._shared.machine == "aarch64":
            yield from names_taken_apart(self._data, self._shared, name)
        encodings = _WIDE_ENCODINGS if self._takes_wide_strings else ()
        if any(self.contain(name.encode(wide)) for wide in encodings) or self._loads(name):
            yield name + CUT

    def _loads(self, library: str) -> bool:
        """Whether Windows may be told to load the DLL `library` by a literal that is not its name.

        Case does not matter, and without a suffix ".dll" is meant ("LoadLibraryA function",
        Remarks).
        """
        if not library.lower().endswith(".dll") or not self._imports_any(_WINDOWS_LOADER):
            return False
        return any(
            pattern.search(self._data, start, end)
            for pattern in (_dll_literal(library, each) for each in _WINDOWS_ENCODINGS)
            for start, end in self._ranges
        )

    @cached_property
    def is_made_by_cython(self) -> bool:
        """Whether the object is a module made by Cython."""
        return self.ask_the_interpreter and self.contain(cython_strings.MARK)

    @cached_property
    def python_strings(self) -> tuple[tuple[int, int], ...]:
        """The ranges of the file that hold nothing but strings of the Python level.

        ELF only: other linkers put them among the literals of C.
        """
        if self._shared.format != "elf" or not self.is_made_by_cython:
            return ()
        return cython_strings.python_strings(self._data, self._shared)

    def _is_for_python(self, at: int) -> bool:
        return any(start <= at < end for start, end in self.python_strings)

    def _is_only_a_part(self, at: int) -> bool:
        """Whether a longer literal, no path or statement, goes on at `at`; nothing points there.

        What a module made by Cython says in full sentences imports nothing; of other code only
        longer names are certain to be none.
        """
        before = self._data[max(0, at - len(_STATEMENT)) : at]
        inside = _TEXT if self.is_made_by_cython else _WORD
        if not inside.match(before[-1:]) or before[-1:] in _PATH_ENDS or before == _STATEMENT:
            return False
        if not can_find_references(self._shared):
            return False
        address = self._shared.address_of(at)
        return (
            address is not None
            and address not in self.loaded_addresses
            and not is_pointed_at(self._data, self._shared, address)
        )

    @cached_property
    def loaded_addresses(self) -> frozenset[int]:
        """The addresses that the code puts into registers (x86-64 only)."""
        return loaded_addresses(self._data, self._shared)

    @cached_property
    def _takes_wide_strings(self) -> bool:
        return not _TAKING_WIDE_STRINGS.isdisjoint(self.imported_names)

    @cached_property
    def imported_names(self) -> frozenset[str]:
        """The names of all undefined symbols."""
        return self._shared.imported.different_names

    @cached_property
    def ask_the_interpreter(self) -> bool:
        """Whether the object calls the interpreter: without that no Python object is in reach."""
        return self._imports_any(_INTERPRETER) or any(
            map(_is_python_by_ordinal, self._shared.imported)
        )

    @cached_property
    def _can_ask_for_a_name(self) -> bool:
        """Whether the object calls anything that takes the name of a module or of a library.

        A plain library (OpenBLAS, libgfortran) has the most code of a wheel and does not.
        """
        return self.ask_the_interpreter or self._imports_any(_LOADER)

    def _imports_any(self, beginnings: tuple[str, ...]) -> bool:
        return any(f"\n{each}" in self._shared.imported.text for each in beginnings)

    @cached_property
    def _is_c(self) -> bool:
        """Whether every literal is a C string, as far as the compilers named in `.comment` say.

        PE and Mach-O name no compiler.
        """
        named_by_compiler = any(
            self._data.find(compiler, start, end) >= 0
            for start, end in self._comment
            for compiler in _C_COMPILERS
        )
        return named_by_compiler and not any(map(self.contain, _LENGTH_COUNTED_LANGUAGES))

    def _occurrences(self, literal: bytes) -> Iterator[tuple[int, int]]:
        for start, end in self._ranges:
            at = self._data.find(literal, start, end)
            while at >= 0:
                yield at, end
                at = self._data.find(literal, at + 1, end)


def _dll_literal(library: str, encoding: str) -> re.Pattern[bytes]:
    """The name of a DLL as literals have it, with or without its suffix."""
    parts = (library[: -len(".dll")], library[-len(".dll") :], "\0")
    stem, suffix, end = (re.escape(each.encode(encoding)) for each in parts)
    return re.compile(rb"%b(?:%b)?%b" % (stem, suffix, end), re.IGNORECASE)


def _is_python_by_ordinal(symbol: Symbol) -> bool:
    """Whether a number stands for a function of `python3.dll` or its like."""
    return symbol.name.startswith("#") and (symbol.library or "").lower().startswith("python")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenObject:
    """A shared object whose bytes are at hand; not to be kept after it was looked at."""

    path: str
    data: Buffer
    shared: SharedObject
    strings: ConstantStrings
    looked_for: frozenset[str]
    """Names of other distributions to look for among the constants: see `import_name`."""
    text: Mapping[str, bytes] = field(default_factory=dict)
    """As of its wheel, by the path where it is installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedObject:
    """A shared object after every interface looked at it."""

    path: str
    kind: str
    is_grafted: bool
    shared: SharedObject
    seen: Mapping[str, JSONValue]
    """By interface name, what its `read_object` returned."""
    accounted: frozenset[str] = frozenset()
    """Names in it that an interface answers for: nobody else has to ask what they are for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedWheel:
    """All that the interfaces may know of a wheel."""

    name: str
    """Normalized."""
    version: str
    objects: tuple[InspectedObject, ...]
    looked_for: frozenset[str]
    text: Mapping[str, bytes]
    """Content of the few members that an interface names in its `WANTED_TEXT`."""
    interface_files: Mapping[str, str]
    """Path of each shipped interface file and its digest in RECORD."""
    is_complete: bool = True
    """Every binary of it could be read."""

    def seen(self, interface: str) -> Iterator[tuple[InspectedObject, JSONValue]]:
        """The objects in which `interface` saw something, with what it saw."""
        for each in self.objects:
            if (found := each.seen.get(interface)) is not None:
                yield each, found
