"""What an object passes to a function of another one as second argument, where that is a string.

x86-64 ELF only. A call goes through the procedure linkage table, or straight through the slot of
the global offset table that the loader fills in (System V ABI, AMD64 supplement, 5.2 "Dynamic
Linking"); the second argument is in `rsi` (3.2.3 "Parameter Passing").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from struct import Struct
from typing import Final

from backend_shim.binary.elf_image import ElfImage
from backend_shim.binary.file_bytes import Buffer
from backend_shim.binary.shared_object import SharedObject
from backend_shim.errors import InvalidBinary

_DT_STRTAB, _DT_SYMTAB, _DT_RELA, _DT_RELASZ, _DT_JMPREL, _DT_PLTRELSZ = 5, 6, 7, 8, 23, 2
_SHF_EXECINSTR: Final = 0x4
# r_offset, r_info, whose upper half is the symbol; st_name of a symbol.
_RELOCATION: Final = Struct("<QQ8x")
_SYMBOL: Final = Struct("<I20x")

# Intel SDM, volume 2: CALL and JMP through [rip + disp32], CALL and JMP rel32, and MOV of a slot
# to a register, which may be called from anywhere. Each is followed by the displacement.
_THROUGH_SLOT: Final = re.compile(rb"\xff[\x15\x25]")
_DIRECT: Final = re.compile(rb"[\xe8\xe9]")
_KEPT: Final = re.compile(rb"[\x48\x4c]\x8b[\x05\x0d\x15\x1d\x25\x2d\x35\x3d]")
_DISPLACEMENT: Final = 4
# The jump of a stub may stand behind ENDBR64, BND, or both.
_BEFORE_JUMP: Final = (0, 1, 4, 5)
_LEA_RSI: Final = b"\x48\x8d\x35"
_XOR_ESI: Final = (b"\x31\xf6", b"\x33\xf6", b"\xbe\0\0\0\0")
# What writes to rsi: LEA, XOR, and the MOVs from an immediate, a register or memory; and behind
# what its content is lost: a call, the end of a function. Bytes that merely look so leave a call
# open.
_RSI_SET: Final = re.compile(
    rb"\x48\x8d\x35....|[\x31\x33]\xf6"
    rb"|\xbe....|\x89[\xc6\xce\xd6\xde\xe6\xee\xf6\xfe]|[\x8b\x8d][\x30-\x37\x70-\x77\xb0-\xb7\xf0-\xf7]"
    rb"|\xe8....|\xff\x15....|\xc3[\x0f\x66\x90\xcc\xf3]",
    re.DOTALL,
)
_LONGEST: Final = 256
_ARGUMENTS: Final = 48


def second_arguments(data: Buffer, shared: SharedObject, function: str) -> frozenset[str] | None:
    """The strings that come second in the calls of `function`, and "" for a null pointer.

    None where that cannot be told of some call, or of the machine.
    """
    if shared.format != "elf" or shared.machine != "x86_64" or not shared.code:
        return None
    try:
        image = ElfImage(data)
        slots = frozenset(_slots(image, function))
        calls = _calls(data, image, slots)
    except InvalidBinary:
        return None
    if calls is None:
        return None
    found = {_string_before(data, shared, at) for at in calls}
    return None if None in found else frozenset(each for each in found if each is not None)


def _slots(image: ElfImage, function: str) -> Iterator[int]:
    """The addresses into which the loader writes that of `function`."""
    dynamic = dict(image.dynamic_entries())
    wanted = function.encode() + b"\0"
    known: dict[int, bool] = {}
    for start, size in ((_DT_RELA, _DT_RELASZ), (_DT_JMPREL, _DT_PLTRELSZ)):
        rows = image.read_address(dynamic.get(start, 0), dynamic.get(size, 0) // 24 * 24, "RELA")
        for address, info in _RELOCATION.iter_unpack(rows):
            symbol = info >> 32
            if symbol not in known:
                (name,) = _SYMBOL.unpack(
                    image.read_address(dynamic.get(_DT_SYMTAB, 0) + symbol * 24, 24, "DT_SYMTAB")
                )
                at, left = image.locate(dynamic.get(_DT_STRTAB, 0) + name, "DT_STRTAB")
                known[symbol] = image.read(at, min(len(wanted), left), "a name") == wanted
            if symbol and known[symbol]:
                yield address


def _calls(data: Buffer, image: ElfImage, slots: frozenset[int]) -> list[int] | None:
    """Where in the file the calls through `slots` stand; None where a slot is used otherwise."""
    ranges = [
        (offset, offset + size, address - offset)
        for _, (_, _, flags, address, offset, size) in image.sections or ()
        if flags & _SHF_EXECINSTR and offset + size <= image.size
    ]
    through = list(_instructions(data, ranges, _THROUGH_SLOT, slots))
    is_kept = any(_instructions(data, ranges, _KEPT, slots))
    if is_kept or {target for _, _, target in through} != slots:
        return None
    stubs = frozenset(address - back for _, address, _ in through for back in _BEFORE_JUMP)
    direct = list(_instructions(data, ranges, _DIRECT, stubs))
    # A jump of the table itself is no call, but what leads to it.
    jumps = {target + back for _, _, target in direct for back in _BEFORE_JUMP}
    return [at for at, address, _ in (*through, *direct) if address not in jumps]


def _instructions(
    data: Buffer,
    ranges: list[tuple[int, int, int]],
    opcode: re.Pattern[bytes],
    targets: frozenset[int],
) -> Iterator[tuple[int, int, int]]:
    """Position, address and target of each `opcode` whose displacement leads to a target."""
    for start, end, base in ranges if targets else ():
        for match in opcode.finditer(data, start, end):
            after = match.end() + _DISPLACEMENT
            displacement = int.from_bytes(data[match.end() : after], "little", signed=True)
            if (target := base + after + displacement) in targets:
                yield match.start(), base + match.start(), target


def _string_before(data: Buffer, shared: SharedObject, call: int) -> str | None:
    """The string that is loaded into `rsi` before the call; "" for null, None if unknown."""
    start = max(0, call - _ARGUMENTS)
    code = bytes(data[start:call])
    set_last = max(_RSI_SET.finditer(code), key=lambda each: each.start(), default=None)
    if set_last is None:
        return None
    if set_last[0] in _XOR_ESI:
        return ""
    if not set_last[0].startswith(_LEA_RSI):
        return None
    after = start + set_last.start() + len(_LEA_RSI) + _DISPLACEMENT
    address = shared.address_of(after)
    displacement = int.from_bytes(data[after - _DISPLACEMENT : after], "little", signed=True)
    position = None if address is None else shared.position_of(address + displacement)
    if position is None:
        return None
    literal = bytes(data[position : position + _LONGEST]).partition(b"\0")[0]
    return literal.decode("ascii", "backslashreplace")
