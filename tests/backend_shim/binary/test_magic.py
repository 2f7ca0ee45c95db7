"""The format of a binary by its first bytes."""

from __future__ import annotations

import pytest

from backend_shim.binary import binary_format, read_shared_objects
from backend_shim.errors import InvalidBinary

_DOS_HEADER = b"MZ".ljust(0x3C, b"\0") + b"\x40\0\0\0"

_HEADS = [
    (b"\x7fELF\x02\x01", "elf"),
    (b"\xcf\xfa\xed\xfe\x07\0\0\x01", "macho"),
    (b"\xfe\xed\xfa\xce", "macho"),
    (b"\xca\xfe\xba\xbe\0\0\0\x02", "macho"),
    (b"\xca\xfe\xba\xbf\0\0\0\x02", "macho"),
    (b"\xca\xfe\xba\xbe\0\0\0\x34", None),  # Java 8
    (b"\xca\xfe\xba\xbe\0\0\0\x2d", None),  # Java 1.1
    (b"\xca\xfe\xba\xbe", None),
    (_DOS_HEADER + b"PE\0\0", "pe"),
    (_DOS_HEADER, "pe"),
    (b"MZ", "pe"),
    (_DOS_HEADER + b"NE\0\0", None),
    (b"MZ is how this text begins".ljust(99), None),
    (b"\0asm\x01\0\0\0", "wasm"),
    (b"\x01\xf7\0\x05", "xcoff"),
    (b"\x01\xdf\0\x05", "xcoff"),
    (b"\x01\xf7\x01\0", None),
    (b"import os\n", None),
    (b"\x7fEL", None),
    (b"", None),
]  # fmt: skip


@pytest.mark.parametrize(("head", "expected"), _HEADS)
def test_the_first_bytes_tell_the_format(head: bytes, expected: str | None) -> None:
    assert binary_format(head) == expected


@pytest.mark.parametrize("head", [head for head, expected in _HEADS if expected is None])
def test_what_has_none_of_the_formats_is_an_invalid_binary(head: bytes) -> None:
    with pytest.raises(InvalidBinary, match="neither ELF, Mach-O nor PE"):
        read_shared_objects(head)


@pytest.mark.parametrize("head", [head for head, expected in _HEADS if expected])
def test_a_head_alone_is_an_invalid_binary(head: bytes) -> None:
    with pytest.raises(InvalidBinary):
        read_shared_objects(head)
