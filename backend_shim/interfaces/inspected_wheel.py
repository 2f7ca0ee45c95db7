"""What an interface is shown: one opened binary at a time, then the wheel as a whole."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

from backend_shim.binary.shared_object import SharedObject
from backend_shim.interfaces.compiled_strings import CUT, names_taken_apart
from backend_shim.record.canonical import JSONValue

Buffer: TypeAlias = "bytes | mmap.mmap"

_IDENTIFIER_TAIL: Final = re.compile(rb"(?:\.\w+)*", re.ASCII)
_WORD: Final = re.compile(rb"[\w.]", re.ASCII)
# A name that the program completes: `"scipy." + module`, `"scipy.%s"`.
_TO_BE_COMPLETED: Final = re.compile(rb"\.[\0%{]")
# What a longer literal goes on with, in ASCII or UTF-8.
_TEXT: Final = re.compile(rb"[\t\n\r -~\x80-\xff]")
# Only these make a Python string, which an import by name needs, of UTF-16 or UTF-32.
_WIDE_ENCODINGS: Final = ("utf-16-le", "utf-32-le")
_WIDE_DECODERS: Final = frozenset(
    {
        "PyUnicode_DecodeUTF16",
        "PyUnicode_DecodeUTF32",
        "PyUnicode_FromUnicode",
        "PyUnicode_FromWideChar",
    }
)
# The interpreter's functions, whatever they are called in other versions, and the loader's.
_INTERPRETER: Final = ("Py", "_Py")
_LOADER: Final = ("dlopen", "dlmopen")
# Strings of these languages carry their length: they are not ended by NUL and lie one behind the
# other, so the rule for C strings would miss a name in them.
_LENGTH_COUNTED_LANGUAGES: Final = (b"/rustc/", b"Go build ID")
_C_COMPILERS: Final = (b"GCC: (", b"clang version", b"Intel(R)")


class ConstantStrings:
    """The constant bytes of a shared object: where string literals of the source end up."""

    def __init__(self, data: Buffer, shared: SharedObject) -> None:
        self._data = data
        self._shared = shared
        self._names: dict[str, frozenset[tuple[str, bool]]] = {}
        self._ranges = [
            (section.offset, section.offset + section.size)
            for section in shared.constants
            if section.name != ".comment"
        ]
        self._comment = [
            (section.offset, section.offset + section.size)
            for section in shared.constants
            if section.name == ".comment"
        ]

    def contain(self, literal: bytes) -> bool:
        """Whether `literal` stands anywhere among the constants."""
        return any(self._data.find(literal, start, end) >= 0 for start, end in self._ranges)

    def matches(self, around: bytes, pattern: re.Pattern[bytes]) -> Iterator[bytes]:
        """Group 1 of each match of `pattern`, which begins with the literal `around`."""
        for at, end in self._occurrences(around):
            match = pattern.match(self._data, at, end)
            if match:
                yield match.group(1)

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
            found = set(self._find_names(name.encode()))
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
            before = self._data[at - 1 : at] if at else b""
            yield found, not _WORD.match(before)

    def _find_pieces(self, name: str) -> Iterator[str]:
        """Names that stand in the object otherwise than as a literal of bytes."""
        yield from names_taken_apart(self._data, self._shared, name)
        encodings = _WIDE_ENCODINGS if self._decodes_wide_strings else ()
        if any(self.contain(name.encode(wide)) for wide in encodings):
            yield name + CUT

    @cached_property
    def _decodes_wide_strings(self) -> bool:
        return any(each.name in _WIDE_DECODERS for each in self._shared.imported)

    @cached_property
    def ask_the_interpreter(self) -> bool:
        """Whether the object calls the interpreter: without that no Python object is in reach."""
        return any(each.name.startswith(_INTERPRETER) for each in self._shared.imported)

    @cached_property
    def _can_ask_for_a_name(self) -> bool:
        """Whether the object calls anything that takes the name of a module or of a library.

        A plain library (OpenBLAS, libgfortran) has the most code of a wheel and does not.
        """
        return self.ask_the_interpreter or any(
            each.name.startswith(_LOADER) for each in self._shared.imported
        )

    @cached_property
    def _is_c(self) -> bool:
        """Whether every literal is a C string, as far as the compilers named in `.comment` say."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenObject:
    """A shared object whose bytes are at hand; not to be kept after it was looked at."""

    path: str
    data: Buffer
    shared: SharedObject
    strings: ConstantStrings
    looked_for: frozenset[str]
    """Names of other distributions to look for among the constants: see `import_name`."""


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

    def seen(self, interface: str) -> Iterator[tuple[InspectedObject, JSONValue]]:
        """The objects in which `interface` saw something, with what it saw."""
        for each in self.objects:
            if (found := each.seen.get(interface)) is not None:
                yield each, found
