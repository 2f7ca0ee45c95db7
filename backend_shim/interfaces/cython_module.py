"""What one module made by Cython imports from others at the C level, and what it exports.

Imports are read as a superset: every literal that may be the name or the signature of a C function.
Exports are read exactly or not at all: up to Cython 3.1 from the calls of `__Pyx_ExportFunction`
(name, function, signature), from 3.2 on from the table of strings.
"""

from __future__ import annotations

import re
import string
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from backend_shim.binary.code_references import (
    REGISTERS,
    can_find_references,
    is_code,
    loads_into,
    nearest,
)
from backend_shim.interfaces import cython_strings
from backend_shim.interfaces.inspected_wheel import OpenObject

# Error messages of the functions that a module has only if it needs them
# (Cython/Utility/ImportExport.c: FunctionImport, VoidPtrImport, TypeImport).
_IMPORTS: Final = b"does not export expected C "
_OF_EITHER_KIND: Final = _IMPORTS + b"%.8s"  # Cython 3.2 and later
_VARIABLE: Final = b"variable"
_IMPORTS_TYPES: Final = b"size changed, may indicate binary incompatibility"
_TABLE_OF_FUNCTIONS: Final = b"__pyx_capi__"

# The last word of each literal: linkers keep a string that is the tail of another only once.
_LAST_WORD: Final = re.compile(rb"[\w.]{1,256}(?=\0)", re.ASCII)
# `TYPE (TYPE, TYPE)`, `TYPE *(TYPE)` (CFuncType.signature_string).
_SIGNATURE: Final = re.compile(
    rb"[A-Za-z_][\w <>,:*&]{0,999}[ *&]\([\w *&,.:<>\[\]()]{0,4999}\)", re.ASCII
)
_LITERAL_OF_SIGNATURE: Final = re.compile(_SIGNATURE.pattern + rb"(?=\0)", re.ASCII)
_NAME: Final = re.compile(rb"[A-Za-z_][\w\[\]., *]*", re.ASCII)
_SIGNATURE_AT_END: Final = re.compile(rb"\)\0")
_IDENTIFIER: Final = re.compile(rb"[A-Za-z_]\w*", re.ASCII)
# Types that every module with memory views or enumerations defines for itself
# (Cython/Utility/MemoryView.pyx, CpdefEnums.pyx); no other can import them.
_PRIVATE_TYPES: Final = frozenset({"Enum", "array", "memoryview", "_memoryviewslice"})
_PRIVATE_PREFIX: Final = "__"
_BLOCK: Final = re.compile(rb"\ncdef[ \t]*(?:(?:public|api|readonly|nogil)[ \t]*)*:")
_VARIABLES: Final = re.compile(
    rb"\ncdef[ \t]+(?!(?:class|extern|inline|struct|enum|union|packed|cppclass|fused)\b)"
    rb"([^(:\n]+)(?=\n)"
)
_DIGITS: Final = string.digits.encode()
_WORD: Final = _DIGITS + string.ascii_letters.encode() + b"_"
# Before the name of each function that one with fused types is made into.
_FUSED: Final = re.compile(r"__pyx_fuse_([\d_]+)", re.ASCII)
# The System V ABI for x86-64 passes the first arguments in rdi, rsi, rdx and rcx.
_RCX, _RDX, _RSI, _RDI = 1, 2, 6, 7
# All arguments of a call are loaded within so many bytes.
_CALL: Final = 40
_MAX_LITERAL: Final = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class CImports:
    """What a module may take from others at the C level."""

    names: tuple[str, ...]
    """The last word of each literal."""
    signatures: tuple[str, ...]
    """Literals that may be signatures; something else may stand before one in a table."""
    has_variables: bool
    is_partial: bool
    """Functions are imported whose names could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CExports:
    """What a module offers to `cimport`."""

    functions: dict[str, str]
    """By name, the signature."""
    uncertain: tuple[str, ...] = ()
    """Names that are exported, too, with a signature that could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CTables:
    """What the binary of a module says of its exports."""

    functions: tuple[tuple[str, str], ...] = ()
    """Name and signature, for certain."""
    blocks: tuple[tuple[tuple[str, str], ...], ...] = ()
    """Names and signatures in tables, of exports or of imports. Empty: a signature that could not
    be read. Behind the last name of a block something else may go on."""


def imports_of(opened: OpenObject) -> CImports | None:
    """What the module imports; None if it imports neither functions, variables nor types."""
    has_functions = opened.strings.contain(_IMPORTS)
    if not has_functions and not opened.strings.contain(_IMPORTS_TYPES):
        return None
    has_variables = opened.strings.contain(_IMPORTS + _VARIABLE) or (
        opened.strings.contain(_OF_EITHER_KIND)
        and opened.strings.contain(b"\0" + _VARIABLE + b"\0")
    )
    names = set(_literals(opened, _LAST_WORD))
    signatures = set(_literals(opened, _LITERAL_OF_SIGNATURE)) if has_functions else set()
    has_rows = bool(opened.strings.python_strings)
    tables = [] if has_rows else cython_strings.string_tables(opened.data, opened.shared)
    for table in tables:
        for part in table.split(b"\0"):
            (signatures if part.endswith(b")") else names).add(part)
    return CImports(
        names=_texts(names),
        signatures=_texts(signatures),
        has_variables=has_variables,
        is_partial=has_functions and not tables and not has_rows,
    )


def _texts(found: set[bytes]) -> tuple[str, ...]:
    return tuple(sorted(each.decode("utf-8", "replace") for each in found))


def _literals(opened: OpenObject, pattern: re.Pattern[bytes]) -> Iterator[bytes]:
    """The matches among the constants, without the strings of the Python level."""
    python = opened.strings.python_strings
    for section in opened.shared.constants:
        start, end = section.offset, section.offset + section.size
        for match in pattern.finditer(opened.data, start, end):
            if not any(lo <= match.start() < hi for lo, hi in python):
                yield match[0]


def tables_of(opened: OpenObject) -> CTables | None:
    """What the module says of its exports; None where that cannot be told."""
    if opened.strings.python_strings:
        if not opened.strings.contain(_TABLE_OF_FUNCTIONS + b"\0"):
            return CTables()
        return _exports_in_code(opened) if can_find_references(opened.shared) else None
    tables = cython_strings.string_tables(opened.data, opened.shared)
    if not tables:
        return None
    try:
        blocks = [
            block
            for table in tables
            if _TABLE_OF_FUNCTIONS in table
            for block in _blocks_in(table.split(b"\0"))
        ]
    except ValueError:
        return None
    return CTables(blocks=tuple(blocks))


def _blocks_in(parts: list[bytes]) -> Iterator[tuple[tuple[str, str], ...]]:
    """From `signature NUL … NUL name NUL …`: an empty signature is that of the one before.

    No separator stands before the first signature and behind the last name.
    """
    for start, count in _blocks(parts):
        rows = []
        signature = b""
        for number in range(count):
            signature = parts[start + number] or signature
            certain = b"" if signature is parts[start] else signature
            rows.append((_text(parts[start + count + number]), _text(certain)))
        yield tuple(rows)


def _text(text: bytes) -> str:
    return text.decode("utf-8", "replace")


def _blocks(parts: list[bytes]) -> Iterator[tuple[int, int]]:
    """Index of the first signature, and number of signatures, of each block of functions.

    Raises ValueError.
    """
    at = 0
    while at < len(parts):
        if not parts[at].endswith(b")"):
            at += 1
            continue
        count = 1
        while at + count < len(parts) and (
            not parts[at + count] or parts[at + count].endswith(b")")
        ):
            count += 1
        names = parts[at + count : at + 2 * count]
        if len(names) != count or not all(map(_NAME.fullmatch, names[:-1])):
            raise ValueError("signatures without as many names")
        yield at, count
        # Behind the last name the first signature of the next block may stand.
        at += 2 * count - 1


def _exports_in_code(opened: OpenObject) -> CTables | None:
    """From the calls: name in rdi, function in rsi, signature in rdx.

    None where a signature is used otherwise: then the table may have been made otherwise, too.
    """
    signatures = _signatures_by_address(opened)
    names, functions = (list(loads_into(opened.data, opened.shared, each)) for each in (_RDI, _RSI))
    importing = {_RCX} if opened.strings.contain(_IMPORTS) else set()
    found: dict[str, str] = {}
    used: set[int] = set()
    for register in REGISTERS:
        for load in loads_into(opened.data, opened.shared, register):
            if load.target not in signatures or register in importing:
                continue
            name = nearest(names, load.position, _CALL)
            function = nearest(functions, load.position, _CALL)
            text = _literal_at(opened, name.target) if name else b""
            if (
                register != _RDX
                or name is None
                or function is None
                or name.position in used
                or not _IDENTIFIER.fullmatch(text)
                or not is_code(opened.shared.code, function.target)
            ):
                return None
            used.add(name.position)
            found[text.decode("ascii")] = signatures[load.target]
    if not found or len(found) != len(used):
        return None
    return CTables(functions=tuple(sorted(found.items())))


def _signatures_by_address(opened: OpenObject) -> dict[int, str]:
    """What the code loads the address of and is a signature."""
    loaded = sorted(opened.strings.loaded_addresses)
    found: dict[int, str] = {}
    for section in opened.shared.constants:
        shift, end = section.address - section.offset, section.offset + section.size
        for match in _SIGNATURE_AT_END.finditer(opened.data, section.offset, end):
            stop = match.end() - 1
            begin = opened.data.rfind(b"\0", max(section.offset, stop - _MAX_LITERAL), stop) + 1
            # Linkers keep a literal that is the tail of another only once.
            for address in loaded[
                bisect_left(loaded, begin + shift) : bisect_left(loaded, stop + shift)
            ]:
                text = bytes(opened.data[address - shift : stop])
                if _SIGNATURE.fullmatch(text):
                    found[address] = text.decode("ascii")
    return found


def _literal_at(opened: OpenObject, address: int) -> bytes:
    """The literal that begins at `address`; empty where none does."""
    position = opened.shared.position_of(address)
    if position is None:
        return b""
    end = opened.data.find(b"\0", position, position + _MAX_LITERAL)
    return bytes(opened.data[position:end]) if end > position else b""


def types_of(opened: OpenObject, module: str) -> tuple[str, ...] | None:
    """Names of the extension types of `module`, and perhaps others; None where none can be told.

    The name of a type, `module.Type`, is part of its definition, while that of a function only
    goes into tracebacks, for which the code loads it.
    """
    if not can_find_references(opened.shared):
        return None
    prefix = module.encode() + b"."
    found = {
        literal[len(prefix) :].decode("ascii")
        for literal, address in opened.strings.literals(prefix)
        if _IDENTIFIER.fullmatch(literal, len(prefix))
        and address not in opened.strings.loaded_addresses
    }
    public = {each for each in found if not each.startswith(_PRIVATE_PREFIX)}
    return tuple(sorted(public - _PRIVATE_TYPES))


def variables_in(declared: bytes) -> tuple[str, ...] | None:
    """The C variables that the text of a `.pxd` declares to be exported; None if none can be told.

    They stand at the left margin: `cdef double a, b`; in blocks of `cdef:` any line may be one.
    """
    text = b"\n%b\n" % declared
    if _BLOCK.search(text):
        return None
    found: set[str] = set()
    for line in _VARIABLES.findall(text):
        for each in line.partition(b"#")[0].split(b","):
            words = _IDENTIFIER.findall(each.partition(b"=")[0])
            found.update(word.decode("ascii") for word in words[-1:])
    return tuple(sorted(found))


def exports_of(tables: CTables, declared: bytes) -> CExports | None:
    """What a module with `tables` exports, given the text of its `.pxd`.

    A block is of exports if the `.pxd` declares all its functions, of imports if it declares none.
    None where it is mixed, or two blocks have a function in common.
    """
    words = set(_words_before_parentheses(declared))
    functions, uncertain = dict(tables.functions), set[str]()
    for block in tables.blocks:
        known = {_is_declared(name, words) for name, _ in block[:-1]}
        cut, signature = block[-1]
        last = [cut[:end] for end in range(1, len(cut) + 1) if _is_declared(cut[:end], words)]
        if known == {False} or not (known or last):
            continue
        names = {name for name, _ in block[:-1]} | set(last)
        if known == {True, False} or not last or names & (functions.keys() | uncertain):
            return None
        rows = [*block[:-1], *((name, signature if len(last) == 1 else "") for name in last)]
        functions.update(row for row in rows if row[1])
        uncertain |= {name for name, signature in rows if not signature}
    return CExports(functions=functions, uncertain=tuple(sorted(uncertain)))


def _words_before_parentheses(text: bytes) -> Iterator[str]:
    # A regular expression would try every word: ten times as long over the 200,000 bytes of SciPy.
    for part in text.split(b"(")[:-1]:
        end = part.rstrip(b" \t")
        word = end[len(end.rstrip(_WORD)) :].lstrip(_DIGITS)
        if word:
            yield word.decode("ascii")


def _is_declared(name: str, words: set[str]) -> bool:
    """Whether `name`, or what it is one of by fused types, is among `words`."""
    if name in words:
        return True
    bare = name.partition("[")[0]
    fused = _FUSED.match(bare)
    return bare in words or (
        fused is not None
        and any(bare[at:] in words for at in range(fused.start(1), fused.end(1) + 1))
    )
