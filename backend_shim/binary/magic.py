"""Tells the format of a binary from its first bytes."""

from __future__ import annotations

_MACHO_MAGICS = frozenset({
    b"\xfe\xed\xfa\xce", b"\xce\xfa\xed\xfe",  # MH_MAGIC, MH_CIGAM
    b"\xfe\xed\xfa\xcf", b"\xcf\xfa\xed\xfe",  # MH_MAGIC_64, MH_CIGAM_64
    b"\xca\xfe\xba\xbf",  # FAT_MAGIC_64
})  # fmt: skip
_WASM_MAGIC = b"\0asm"  # WebAssembly core specification, "Binary Format", "Modules"
_XCOFF_MAGICS = frozenset({b"\x01\xdf\0", b"\x01\xf7\0"})  # AIX: of 32 and 64 bits, < 256 sections
_FAT_MAGIC = b"\xca\xfe\xba\xbe"
_DOS_HEADER_SIZE = 64
_DOS_HEADER_MAXIMUM = 256 << 20  # RTL_IMAGE_MAX_DOS_HEADER of Windows; text at 0x3c is more
HEAD_SIZE = 1024


def binary_format(head: bytes) -> str | None:
    """`elf`, `macho`, `pe`, `wasm` or `xcoff` if a file that begins with `head` is one, else None.

    The last two are told apart from data and not read: a wheel that holds one is not without code.
    HEAD_SIZE bytes are enough. With fewer the answer for what only begins like a program may be
    `pe`, never the reverse.
    """
    magic = head[:4]
    if magic == b"\x7fELF":
        return "elf"
    if magic in _MACHO_MAGICS or (magic == _FAT_MAGIC and _is_fat_macho(head)):
        return "macho"
    if magic == _WASM_MAGIC:
        return "wasm"
    if magic[:3] in _XCOFF_MAGICS:
        return "xcoff"
    if magic[:2] == b"MZ" and _is_portable_executable(head):
        return "pe"
    return None


def _is_fat_macho(head: bytes) -> bool:
    # A Java class file has the same magic. Where fat_header.nfat_arch (<mach-o/fat.h>) stands it
    # has minor_version and major_version (JVMS 4.1), and major_version is 45 or higher.
    return len(head) >= 8 and int.from_bytes(head[4:8], "big") < 32


def _is_portable_executable(head: bytes) -> bool:
    # "At location 0x3c, the stub has the file offset to the PE signature" (PE format, "MS-DOS
    # Stub"); what lies behind `head` cannot be excluded here and is left to the reader.
    if len(head) < _DOS_HEADER_SIZE:
        return True
    offset = int.from_bytes(head[0x3C:0x40], "little")
    if offset >= _DOS_HEADER_MAXIMUM:
        return False
    return offset + 4 > len(head) or head[offset : offset + 4] == b"PE\0\0"
