"""What dyld binds in a Mach-O object: its imports by chained fixups or by bind opcodes.

Source: <mach-o/fixup-chains.h>, <mach-o/loader.h>, and dyld (common/FixupChains.cpp,
BindOpcodes.cpp).
"""

from __future__ import annotations

import re
from struct import Struct
from typing import Final, NamedTuple

from backend_shim.binary.file_bytes import StringTable
from backend_shim.errors import InvalidBinary

# Numbers of libraries from 1 on count the needed ones; those up to 0 have a meaning of their own.
SELF: Final = 0
MAIN_EXECUTABLE: Final = -1
FLAT_LOOKUP: Final = -2
WEAK_LOOKUP: Final = -3

# DYLD_CHAINED_IMPORT, DYLD_CHAINED_IMPORT_ADDEND, DYLD_CHAINED_IMPORT_ADDEND64; from the lowest
# bit on: number of the library, whether weak, (reserved,) where the name begins.
_FORMATS: Final = {1: (Struct("<I"), 8, 9), 2: (Struct("<I4x"), 8, 9), 3: (Struct("<Q8x"), 16, 32)}
_SPECIAL_NUMBERS: Final = 15  # the highest ones; "-1 .. -15" for 4 bits, 0xF1 for 8, 0xFFF1 for 16
_WEAK_IMPORT: Final = 0x1

# In the upper half of a byte is the opcode, in the lower one its immediate number.
_NUMBER: Final = rb"[\x80-\xff]{0,9}[\x00-\x7f]"
# SET_DYLIB_ORDINAL_IMM and SET_DYLIB_SPECIAL_IMM; SET_DYLIB_ORDINAL_ULEB.
_LIBRARY: Final = rb"[\x10-\x1f\x30-\x3f]"
_LONG_LIBRARY: Final = rb"[\x20-\x2f]%b" % _NUMBER
# SET_SYMBOL_TRAILING_FLAGS_IMM.
_SYMBOL: Final = rb"[\x40-\x4f][^\0]*\0"
# DO_BIND, DO_BIND_ADD_ADDR_IMM_SCALED; DO_BIND_ADD_ADDR_ULEB; DO_BIND_ULEB_TIMES_SKIPPING_ULEB.
_BIND: Final = rb"(?:[\x90-\x9f\xb0-\xbf]|[\xa0-\xaf]%b|[\xc0-\xcf]%b%b)" % (3 * (_NUMBER,))
# DONE, SET_TYPE_IMM, THREADED APPLY; SET_ADDEND_SLEB, SET_SEGMENT_AND_OFFSET_ULEB, ADD_ADDR_ULEB,
# THREADED SET_BIND_ORDINAL_TABLE_SIZE_ULEB.
_OTHER: Final = rb"(?:[\x00-\x0f\x50-\x5f\xd1]|[\x60-\x8f\xd0]%b)" % _NUMBER
# What linkers write for one symbol, in one go; then whatever else there may be, one by one; then
# what is unknown or cut off.
_USUAL: Final = rb"%b{0,8}(%b?)(%b)%b{0,8}%b" % (_OTHER, _LIBRARY, _SYMBOL, _OTHER, _BIND)
_STEP: Final = re.compile(
    rb"%b|(%b)|(%b)|(%b)|(%b)|%b{1,64}|(.)"
    % (_USUAL, _LIBRARY, _LONG_LIBRARY, _SYMBOL, _BIND, _OTHER),
    re.DOTALL,
)


class Import(NamedTuple):
    """A symbol that dyld looks up."""

    name: str
    library: int
    is_weak: bool
    """It may be missing."""


def read_chained_imports(data: bytes, name_limit: int) -> list[Import]:
    """Return the imports of LC_DYLD_CHAINED_FIXUPS, whose bytes are `data`.

    No machine that has them has another byte order than little-endian.
    """
    header = Struct("<7I")
    if len(data) < header.size:
        raise InvalidBinary("the chained fixups are cut off")
    _, _, imports_at, symbols_at, count, form, symbols_form = header.unpack_from(data)
    if form not in _FORMATS or symbols_form:
        raise InvalidBinary(f"chained imports of the unknown format {form}.{symbols_form}")
    record, bits, name_shift = _FORMATS[form]
    end = imports_at + count * record.size
    if end > len(data):
        raise InvalidBinary(f"{count} chained imports, which are not all there")
    names = StringTable(data[symbols_at:], name_limit)
    mask = (1 << bits) - 1
    found = []
    for (word,) in record.iter_unpack(data[imports_at:end]):
        library = word & mask
        if library > mask - _SPECIAL_NUMBERS:
            library -= mask + 1
        found.append(Import(names.at(word >> name_shift), library, bool(word >> bits & 1)))
    return found


def read_bind_opcodes(opcodes: bytes) -> list[Import]:
    """Return the imports of `bind_off`, `lazy_bind_off` or `weak_bind_off` of LC_DYLD_INFO."""
    found: dict[tuple[bytes, int], None] = {}
    symbol, library = b"", SELF
    for step in _STEP.finditer(opcodes):
        first_library, first_symbol, immediate, number, later_symbol, bind, unknown = step.groups()
        if first_symbol or bind:
            symbol = first_symbol or symbol
            if first_library:
                library = _immediate(first_library[0])
            if not symbol:
                raise InvalidBinary("a symbol is bound before it is named")
            found[symbol, library] = None
        elif immediate:
            library = _immediate(immediate[0])
        elif number:
            library = _value(number[1:])
        elif later_symbol:
            symbol = later_symbol
        elif unknown:
            raise InvalidBinary(f"unknown or cut off bind opcode at {step.start()}")
    return [
        Import(symbol[1:-1].decode("utf-8", "backslashreplace"), library, bool(symbol[0] & 1))
        for symbol, library in found
    ]


def _immediate(opcode: int) -> int:
    """Return the number of the library in the lower half of `opcode`."""
    number = opcode & 0xF
    # SET_DYLIB_SPECIAL_IMM: a negative number, of which these are the lowest bits.
    return number - 16 if number and opcode & 0xF0 == 0x30 else number


def _value(encoded: bytes) -> int:
    """Return the number that is encoded as ULEB128 (DWARF 5, 7.6)."""
    value = 0
    for byte in reversed(encoded):
        value = value << 7 | byte & 0x7F
    return value
