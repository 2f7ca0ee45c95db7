"""Addresses that a program uses: which literal is pointed at, and which are passed together.

x86-64 only, whose code names an address in one instruction, `lea register, [rip + displacement]`
(Intel SDM, volume 2, "LEA"; "RIP-Relative Addressing"). Bytes that merely look like one add an
address that is not used; none that is used can be missed.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate, repeat
from operator import add
from struct import unpack
from typing import TYPE_CHECKING, Final, NamedTuple

from backend_shim.binary.shared_object import Section, SharedObject

if TYPE_CHECKING:
    import mmap

# REX.W with or without REX.R, opcode 8D, ModRM with mod 00 and r/m 101; the register in between.
# Begins with the one byte that is the same in all, for which `re` searches four times as fast; does
# not consume the displacement, in which another instruction may seem to begin.
_LEA: Final = re.compile(
    rb"\x8d(?<=[\x48\x4c]\x8d)[\x05\x0d\x15\x1d\x25\x2d\x35\x3d](?=(.{4}))", re.DOTALL
)
_LEA_SIZE: Final = 7
_OPCODE_SIZE: Final = 2
_DISPLACEMENT_SIZE: Final = 4
_CHUNK: Final = 1 << 22
REGISTERS: Final = range(16)
_PREFIX: Final = [
    bytes([0x48 | (register >> 3) << 2, 0x8D, 5 | (register & 7) << 3]) for register in REGISTERS
]


class AddressLoad(NamedTuple):
    """One instruction that puts an address into a register."""

    position: int
    """Offset in the file."""
    register: int
    """Its number: rax rcx rdx rbx rsp rbp rsi rdi r8 … r15."""
    target: int


def can_find_references(shared: SharedObject) -> bool:
    """Whether the functions here understand the machine and the sections are known."""
    return shared.format == "elf" and shared.machine == "x86_64" and bool(shared.code)


def loaded_addresses(data: bytes | mmap.mmap, shared: SharedObject) -> frozenset[int]:
    """Every address that an instruction may put into a register."""
    found: set[int] = set()
    for _, targets in _loads(data, shared):
        found.update(targets)
    return frozenset(found)


def loads_of(data: bytes | mmap.mmap, shared: SharedObject, address: int) -> Iterator[int]:
    """Offset in the file of each instruction that may put `address` into a register."""
    for ends, targets in _loads(data, shared):
        for end, target in zip(ends, targets, strict=True):
            if target == address:
                yield end - _LEA_SIZE


def _loads(
    data: bytes | mmap.mmap, shared: SharedObject
) -> Iterator[tuple[Iterable[int], Iterable[int]]]:
    """For each piece of the code, the offsets in the file behind loads, and what these load.

    All in steps of the standard library: there are millions of them in one wheel.
    """
    for section in shared.code:
        stop = section.offset + section.size
        for start in range(section.offset, stop, _CHUNK):
            code = data[max(start - 1, section.offset) : min(start + _CHUNK + _LEA_SIZE, stop)]
            parts = _LEA.split(code)
            count = len(parts) // 2
            first = max(start - 1, section.offset) + _OPCODE_SIZE + _DISPLACEMENT_SIZE
            instructions = range(first, first + count * _OPCODE_SIZE, _OPCODE_SIZE)
            ends = list(map(add, accumulate(map(len, parts[:-1:2])), instructions))
            bases = map(add, ends, repeat(section.address - section.offset))
            yield ends, map(add, bases, unpack(f"<{count}i", b"".join(parts[1::2])))


def is_pointed_at(data: bytes | mmap.mmap, shared: SharedObject, address: int) -> bool:
    """Whether the eight bytes of `address` stand anywhere: in data, or added by a relocation."""
    pointer = address.to_bytes(8, "little", signed=False)
    return any(
        data.find(pointer, each.offset, each.offset + each.size) >= 0 for each in shared.pointers
    )


def loads_into(
    data: bytes | mmap.mmap, shared: SharedObject, register: int
) -> Iterator[AddressLoad]:
    """Each load of an address into `register`, in file order."""
    prefix = _PREFIX[register]
    for section in shared.code:
        base, end = section.address - section.offset, section.offset + section.size
        at = data.find(prefix, section.offset, end)
        while at >= 0:
            after = at + _LEA_SIZE
            displacement = int.from_bytes(data[at + 3 : after], "little", signed=True)
            yield AddressLoad(at, register, base + after + displacement)
            at = data.find(prefix, at + 1, end)


def nearest(loads: list[AddressLoad], position: int, reach: int) -> AddressLoad | None:
    """The load closest to `position` that lies within `reach` bytes of it."""
    positions = [each.position for each in loads]
    start = bisect_left(positions, position - reach)
    end = bisect_right(positions, position + reach)
    return min(loads[start:end], key=lambda each: abs(each.position - position), default=None)


def is_code(sections: tuple[Section, ...], address: int) -> bool:
    """Whether `address` lies in one of `sections`."""
    return any(each.address <= address < each.address + each.size for each in sections)
