"""The export trie of a Mach-O object: the symbols that dyld finds in it.

Source: <mach-o/loader.h> ("The symbols exported by a dylib are encoded in a trie"), and dyld
(common/ExportsTrie.cpp) for what it leaves out.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from backend_shim.errors import InvalidBinary

KIND_MASK, KIND_REGULAR, KIND_THREAD_LOCAL = 0x3, 0x0, 0x1
WEAK_DEFINITION, REEXPORT, STUB_AND_RESOLVER = 0x4, 0x8, 0x10

_MORE = 0x80
_MAXIMUM_BITS: Final = 70


class Export(NamedTuple):
    """A node of the trie at which a name ends."""

    name: str
    flags: int
    target: bytes
    """The address from the header on; of a re-export the number of the library and the name in it,
    empty where it is the same. Numbers are encoded as ULEB128."""


def read_trie(trie: bytes, name_limit: int) -> list[Export]:
    """Return what the trie exports; raises InvalidBinary.

    All names together may not have more than `name_limit` characters.
    """
    try:
        return _walk(trie, name_limit) if trie else []
    except IndexError:
        raise InvalidBinary("the export trie is cut off") from None


def _walk(trie: bytes, name_limit: int) -> list[Export]:
    """Return what the trie exports; IndexError where something lies behind its end."""
    # This loop runs 80,000 times for one wheel of Apache Arrow: names are cut from a `text` with
    # one character per byte, and Export(...) would take three times as long as `new`.
    text = trie.decode("latin-1")
    find, new, is_ascii = text.find, tuple.__new__, trie.isascii()
    exports = []
    waiting = [(0, "")]
    # One edge leads to each node of a tree, and a node has two bytes at least.
    edges_left = len(trie) // 2
    while waiting:
        at, name = waiting.pop()
        size, at = (trie[at], at + 1) if trie[at] < _MORE else uleb128(trie, at)
        if size:
            whole = name if is_ascii or name.isascii() else _decode(name.encode("latin-1"))
            exports.append(new(Export, (whole, trie[at], trie[at + 1 : at + size])))
            at += size
        count = trie[at]
        at += 1
        edges_left -= count
        for _ in range(count):
            end = find("\0", at)
            longer = name + text[at:end]
            name_limit -= len(longer)
            if end < 0 or name_limit < 0 or edges_left < 0:
                raise InvalidBinary("the export trie is no tree, or its names have no end")
            node, at = uleb128(trie, end + 1)
            waiting.append((node, longer))
    return exports


def reexport(export: Export) -> tuple[int, str]:
    """Return the number of the library that has the symbol, and its name there."""
    try:
        number, at = uleb128(export.target, 0)
    except IndexError:
        raise InvalidBinary("a re-exported symbol names no library") from None
    name, end, _ = export.target[at:].partition(b"\0")
    if not end:
        raise InvalidBinary("the name of a re-exported symbol has no end")
    return number, _decode(name) or export.name


def address(export: Export) -> int:
    """Return where the symbol is defined, from the header on."""
    value = shift = 0
    for byte in export.target[: _MAXIMUM_BITS // 7]:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < _MORE:
            break
    return value


def _decode(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")


def uleb128(data: bytes, at: int) -> tuple[int, int]:
    """Return the ULEB128 number at `at` (DWARF 5, 7.6), and where it ends; raises IndexError."""
    value = shift = 0
    while shift < _MAXIMUM_BITS:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < _MORE:
            return value, at
        shift += 7
    raise InvalidBinary("a number of the export trie has more than 64 bits")
