"""Short strings that a compiler took apart: names that no string literal holds any more.

A copy or comparison of a string that the compiler knows (`std::string("numpy")`, `memcmp`) becomes
stores and comparisons of constants: immediates in the code, of eight, four and fewer bytes on x86
and of two on AArch64, and vectors of 16 bytes among the read-only data. Tried with GCC 12 at -O2
and -O3, and with Clang 18 for macOS on AArch64. On other machines such a name cannot be found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from backend_shim.binary.shared_object import SharedObject

if TYPE_CHECKING:
    from backend_shim.interfaces.inspected_wheel import Buffer

CUT: Final = "*"
"""Ends a name of which the binary may go on to say more."""

_VECTOR: Final = 16
_LONG: Final = 8
_INT: Final = 4
# Constants of one string are used within this many bytes of code before or behind each other.
_NEARBY: Final = 40
_IMMEDIATE_MACHINES: Final = frozenset({"x86_64", "i386"})
_HALF: Final = 2
# Arm ARM, C6.2: MOVZ and MOVK put 16 bits into a register, MOVK beside what is in it. The halves of
# one register are set within this many bytes of code.
_MOVZ, _MOVK_UPPER_HALF = (0x80, b"\x52\xd2"), (0xA0, b"\x72\xf2")
_SAME_REGISTER: Final = 64
_REGISTER: Final = 0x1F
_INSTRUCTION: Final = 4
_NAME: Final = re.compile(rb"[\w.]*", re.ASCII)
_TEXT: Final = re.compile(rb"[\t\n -~]*")


def names_taken_apart(data: Buffer, shared: SharedObject, name: str) -> Iterator[str]:
    """Dotted names beginning with `name` that stand in pieces or among the instructions.

    Those that may be longer end in CUT. A name of three bytes is looked for with its NUL, and
    shorter ones are not: their immediates would be everywhere.
    """
    literal = name.encode()
    yield from _in_vectors(data, shared, literal)
    find = _in_halves if shared.machine == "aarch64" else _in_code
    if len(literal) >= _INT:
        yield from find(data, shared, literal)
    elif len(literal) == _INT - 1:
        yield from (name for _ in find(data, shared, literal + b"\0"))


def _in_vectors(data: Buffer, shared: SharedObject, name: bytes) -> Iterator[str]:
    """Names whose beginning fills a vector; no NUL follows it there."""
    for section in shared.constants:
        end = section.offset + section.size
        for at in _occurrences(data, name[:_VECTOR], section.offset, end):
            vector = data[at : at + _VECTOR]
            if (section.address + at - section.offset) % _VECTOR or at + _VECTOR > end:
                continue
            if not _NAME.fullmatch(vector) or _is_within_literal(data, at, section.offset, end):
                continue
            if len(name) >= _VECTOR:
                yield name.decode() + CUT
            elif vector[len(name) :].startswith(b"."):
                yield vector.decode("ascii") + CUT


def _is_within_literal(data: Buffer, at: int, start: int, end: int) -> bool:
    """Whether the name at `at` is the tail of a longer literal of C, which ends with NUL."""
    before = data[at - 1 : at] if at > start else b""
    run = _TEXT.match(data, at, end)
    return bool(
        before and _NAME.fullmatch(before) and run and data[run.end() : run.end() + 1] == b"\0"
    )


def _in_code(data: Buffer, shared: SharedObject, name: bytes) -> Iterator[str]:
    has_immediates = shared.machine in _IMMEDIATE_MACHINES
    size = (_LONG if len(name) >= _LONG else _INT) if has_immediates else len(name)
    # Without section headers the whole file is one unnamed section, where each whole name counts
    # already.
    is_unknown = not shared.code and any(not each.name for each in shared.constants)
    sections = shared.constants if is_unknown else shared.code
    for start, end in ((each.offset, each.offset + each.size) for each in sections):
        for at in _occurrences(data, name[:size], start, end):
            if is_unknown and data[at : at + len(name)] == name:
                continue
            if size == len(name) or size == _LONG:
                yield name.decode() + CUT
                continue
            whole = _NAME.match(data, at, min(at + _LONG, end))
            if whole and whole[0].startswith(name + b"."):
                yield whole[0].decode("ascii") + CUT
            elif _is_nearby(data[max(start, at - _NEARBY) : at], name) or _is_nearby(
                data[at + size : min(at + _NEARBY, end)], name
            ):
                yield name.decode()


def _in_halves(data: Buffer, shared: SharedObject, name: bytes) -> Iterator[str]:
    """`name`, if some register is given its first four bytes."""
    yield from _in_code(data, shared, name)
    for section in shared.code:
        end = section.offset + section.size
        for at in _moves(data, name[_HALF:_INT], _MOVK_UPPER_HALF, section.offset, end):
            start = max(section.offset, at - _SAME_REGISTER)
            if any(
                (at - lower) % _INSTRUCTION == 0 and (data[lower] ^ data[at]) & _REGISTER == 0
                for lower in _moves(data, name[:_HALF], _MOVZ, start, at)
            ):
                yield name.decode() + CUT


def _moves(
    data: Buffer, half: bytes, opcode: tuple[int, bytes], start: int, end: int
) -> Iterator[int]:
    """Where instructions put the two bytes `half` into some register, of 32 or 64 bits."""
    immediate = int.from_bytes(half, "little")
    upper, last = opcode
    middle = bytes([immediate >> 3 & 0xFF, upper | immediate >> 11])
    for at in _occurrences(data, middle, start + 1, end - 1):
        if data[at - 1] >> 5 == immediate & 7 and data[at + 2] in last:
            yield at - 1


def _is_nearby(code: bytes, name: bytes) -> bool:
    """Whether `code` holds what follows the first four bytes of `name`, alone or overlapping."""
    return name[_INT:] in code


def _occurrences(data: Buffer, literal: bytes, start: int, end: int) -> Iterator[int]:
    at = data.find(literal, start, end)
    while at >= 0:
        yield at
        at = data.find(literal, at + 1, end)
