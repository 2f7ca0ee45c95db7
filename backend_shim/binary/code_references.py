"""Addresses that a program uses: which literal is pointed at, and which are passed together.

x86-64 only, whose code names an address in one instruction, `lea register, [rip + displacement]`
(Intel SDM, volume 2, "LEA"; "RIP-Relative Addressing"). Bytes that merely look like one add an
address that is not used; none that is used can be missed.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from backend_shim.binary.shared_object import Section, SharedObject

if TYPE_CHECKING:
    import mmap

# REX.W with or without REX.R, opcode 8D, ModRM with mod 00 and r/m 101; the register in between.
_LEA: Final = re.compile(rb"[\x48\x4c]\x8d[\x05\x0d\x15\x1d\x25\x2d\x35\x3d]", re.DOTALL)
_LEA_SIZE: Final = 7
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
    for section in shared.code:
        base = section.address - section.offset
        end = section.offset + section.size
        for match in _LEA.finditer(data, section.offset, end):
            at = match.end()
            displacement = int.from_bytes(data[at : at + 4], "little", signed=True)
            found.add(base + at + 4 + displacement)
    return frozenset(found)


def is_pointed_at(data: bytes | mmap.mmap, address: int) -> bool:
    """Whether the eight bytes of `address` stand anywhere: in data, or added by a relocation."""
    return data.find(address.to_bytes(8, "little", signed=False)) >= 0


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
