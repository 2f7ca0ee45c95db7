"""Where a module made by Cython keeps its strings, and which of them are Python's only.

Strings of the Python level (`import multidict`, names of attributes and arguments) become arrays
`static const char __pyx_k_NAME[]` up to Cython 3.1, which the module turns into Python strings when
it is loaded; from 3.2 on one array without separators, mostly compressed. What is passed to C
functions is a plain literal: the module of a `cimport`, and up to 3.1 the names and signatures of
the functions imported or exported (Cython/Compiler/Code.py, ModuleNode.py; tried with 0.29.37,
3.0.12, 3.1.6, 3.2.4 and 3.3.1).

The arrays are declared in the order of the length of their C name, so a compiler lays them down in
a row that grows or shrinks, and that holds names which every module has. No linker merges them with
literals, which lie in sections of their own.
"""

from __future__ import annotations

import itertools
import re
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from backend_shim.binary.code_references import REGISTERS, can_find_references, loads_into
from backend_shim.binary.shared_object import SharedObject

if TYPE_CHECKING:
    from backend_shim.interfaces.inspected_wheel import Buffer

MARK: Final = b"cython_runtime\0"
"""Every module made by Cython since 0.28 asks for that module, to show the source of errors."""

# Names that every module has at the Python level.
_ANCHORS: Final = frozenset({b"__main__", b"__name__", b"__test__"})
_ANCHOR: Final = b"\0__main__\0"
# A C name is made of the first 32 characters of the text (new_const_cname); of longer ones the
# order says nothing. A second string of one C name gets `_2` and so on behind it.
_CNAME_LENGTH: Final = 32
_SUFFIX: Final = 3
_CUT_LENGTH: Final = _CNAME_LENGTH - _SUFFIX
# GCC aligns arrays of 32 bytes and more to 32.
_MAX_PADDING: Final = 31
_MAX_ARRAY: Final = 1 << 16
# So many at the long end may be literals that happen to go on in the same order.
_UNCERTAIN: Final = 2
# What a number among the constants has, and a text has not.
_NO_TEXT: Final = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f-\xff]")
_UNFIT: Final = re.compile(rb"\W+", re.ASCII)
_ZLIB_HEAD: Final = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
_MAX_TABLE: Final = 16 << 20
# The sizes of a table stand in the code that unpacks it, into which the call may have been inlined.
_NEARBY: Final = 1024
_IMMEDIATE: Final = re.compile(rb"(?=(...\0))", re.DOTALL)


class _Array(NamedTuple):
    start: int
    stop: int
    length: int
    """Of its C name, without prefix and suffix; -1 of what is no text."""


def python_strings(data: Buffer, shared: SharedObject) -> tuple[tuple[int, int], ...]:
    """The ranges of the file that hold nothing but arrays of Python's strings."""
    found = set()
    for section in shared.constants:
        start, end = section.offset, section.offset + section.size
        at = data.find(_ANCHOR, start, end)
        while at >= 0:
            found.add(_row_around(data, at + 1, start, end))
            at = data.find(_ANCHOR, at + 1, end)
    return tuple(sorted(each for each in found if each is not None))


def _row_around(data: Buffer, at: int, start: int, end: int) -> tuple[int, int] | None:
    """What is certain of the row of arrays in which one begins at `at`; None without a row."""
    anchor = _array(data, at, at + len(_ANCHOR) - 2)
    rows = []
    for longer, shorter in (
        (_before(data, at, start), _behind(data, anchor.stop, end)),
        (_behind(data, anchor.stop, end), _before(data, at, start)),
    ):
        row = [anchor, *_in_order(longer, anchor, 1), *_in_order(shorter, anchor, -1)]
        if {bytes(data[each.start : each.stop]) for each in row} >= _ANCHORS:
            rows.append(row)
    return _certain(max(rows, key=len)) if rows else None


def _array(data: Buffer, start: int, stop: int) -> _Array:
    text = bytes(data[start:stop])
    if _NO_TEXT.search(text):
        return _Array(start, stop, -1)
    return _Array(start, stop, len(_UNFIT.sub(b"_", text)[:_CNAME_LENGTH].strip(b"_")))


def _before(data: Buffer, at: int, start: int) -> Iterator[_Array]:
    """The strings that end before `at`, the nearest first, as long as they lie close together."""
    while True:
        padded = bytes(data[max(start, at - _MAX_PADDING - 2) : at])
        stop = at - (len(padded) - len(padded.rstrip(b"\0")))
        if stop == at or stop <= start or not padded.rstrip(b"\0"):
            return
        at = data.rfind(b"\0", max(start, stop - _MAX_ARRAY), stop) + 1
        if at == 0:
            return
        yield _array(data, at, stop)


def _behind(data: Buffer, stop: int, end: int) -> Iterator[_Array]:
    """The strings that begin behind the one that ends at `stop`, in the same manner."""
    while True:
        padded = bytes(data[stop : min(end, stop + _MAX_PADDING + 2)])
        at = stop + len(padded) - len(padded.lstrip(b"\0"))
        if at == stop or at >= stop + len(padded):
            return
        stop = data.find(b"\0", at, min(end, at + _MAX_ARRAY))
        if stop < 0:
            return
        yield _array(data, at, stop)


def _in_order(arrays: Iterator[_Array], anchor: _Array, sign: int) -> list[_Array]:
    """`arrays` as long as their C names grow (`sign` 1) or shrink (-1)."""
    found, extreme = [], anchor.length
    for each in arrays:
        if sign * (each.length - extreme) < -_SUFFIX or each.length < 0:
            break
        extreme = max(extreme, each.length) if sign > 0 else min(extreme, each.length)
        found.append(each)
    return found


def _certain(row: list[_Array]) -> tuple[int, int] | None:
    """`row` without what may be literals of C that lie beside it and happen to fit.

    Of texts whose C name is cut nothing is certain; nor of the longest others, nor of what has no
    shorter one outside of it.
    """
    ordered = sorted((each for each in row if each.length < _CUT_LENGTH), key=lambda a: a.length)
    if len(ordered) == len(row):
        ordered = ordered[:-_UNCERTAIN]
    kept = [each for each in ordered if each.length > ordered[0].length]
    if not kept:
        return None
    return min(each.start for each in kept), max(each.stop for each in kept) + 1


def string_tables(data: Buffer, shared: SharedObject) -> list[bytes]:
    """The arrays of strings of Cython 3.2 and later, as far as they were found.

    Compressed by zlib (3.2) or Cython's own LZSS (3.3), or plain where that saves too little.
    """
    found = list(_deflated_tables(data, shared))
    if not found and can_find_references(shared):
        found = list(_loaded_tables(data, shared))
    return found


def _deflated_tables(data: Buffer, shared: SharedObject) -> Iterator[bytes]:
    for section in shared.constants:
        end = section.offset + section.size
        for match in _ZLIB_HEAD.finditer(data, section.offset, end):
            inflater = zlib.decompressobj()
            try:
                table = inflater.decompress(bytes(data[match.start() : end]), _MAX_TABLE)
            except zlib.error:
                continue
            if inflater.eof and _is_table(table):
                yield table


def _loaded_tables(data: Buffer, shared: SharedObject) -> Iterator[bytes]:
    """Tables that the code loads the address of: where the plain ones begin, nothing else tells."""
    loads = sorted(
        (shared.position_of(each.target), each.position)
        for register in REGISTERS
        for each in loads_into(data, shared, register)
        if shared.position_of(each.target) is not None
    )
    starts = sorted({start for start, _ in loads if start is not None})
    for start, at in loads:
        assert start is not None
        around = bytes(data[max(0, at - _NEARBY) : at + _NEARBY])
        numbers = {int.from_bytes(each, "little") for each in _IMMEDIATE.findall(around)}
        table = _expanded(data, start, frozenset(each for each in numbers if each <= _MAX_TABLE))
        if _is_table(table):
            yield table
            return
    for start, end in itertools.pairwise([*starts, len(data)]):
        plain = bytes(data[start : min(end, start + _MAX_TABLE)]).rstrip(b"\0")
        if _is_table(plain):
            yield plain


def _is_table(text: bytes) -> bool:
    return all(anchor in text for anchor in _ANCHORS)


def _expanded(data: Buffer, start: int, sizes: frozenset[int]) -> bytes:
    """The longest text of LZSS at `start` whose sizes, before and after, are among `sizes`.

    Flags of eight items, the lowest bit first: 1 is a byte, 0 goes back. The distance, counted from
    the end of what is repeated, has 7, 9 or 14 bits; the length is three more than what is written
    (Cython/Utility/StringTools.c, "DecompressString_LZSS").
    """
    text = bytearray()
    found, at, last = 0, start, len(data) - 3
    limit = max(sizes, default=0)
    flags = 1
    while at < last and len(text) <= limit:
        if flags == 1:
            flags = data[at] | 0x100
            at += 1
            continue
        if flags & 1:
            text.append(data[at])
            at += 1
        else:
            size, distance, length = _reference(data, at)
            at += size
            begin = len(text) - distance - length
            if begin < 0:
                break
            text += text[begin : begin + length]
        flags >>= 1
        if len(text) in sizes and at - start in sizes:
            found = len(text)
    return bytes(text[:found])


def _reference(data: Buffer, at: int) -> tuple[int, int, int]:
    """Size, distance and length of a reference."""
    low, high = data[at], data[at + 1]
    if low < 0x80:
        return 2, low, high + 3
    if high < 0x80:
        return 2, 0x80 + (high << 2 & 0x180 | low & 0x7F), (high & 0x1F) + 3
    return 3, 0x80 + ((high & 0x7F) << 7 | low & 0x7F), data[at + 2] + 3
