"""The bytes of one member of a zip archive, proven right against its directory entry.

`zipfile` reads the central directory; the data is read here, because `zipfile` cuts off what a
member holds beyond its declared size and takes ten times longer for the first bytes of a member.
What can be read is STORED or DEFLATED, the two methods that PyPI accepts.
"""

from __future__ import annotations

import io
import os
import struct
import threading
import zipfile
import zlib
from collections.abc import Iterator
from types import ModuleType
from typing import Final

from backend_shim.errors import InvalidWheel

MAX_MEMBER_SIZE: Final = 8 << 30
MAX_DEFLATE_RATIO: Final = 1100
"""DEFLATE cannot do better than 1032:1 (zlib, "Technical Details", Maximum Compression Factor)."""

LOCAL_HEADER: Final = struct.Struct("<4s22xHH")
"""Signature, length of the name, length of the extra field (APPNOTE 4.3.7)."""
LOCAL_SIGNATURE: Final = b"PK\x03\x04"

_CHUNK: Final = 1 << 20
_HEAD_BLOCK: Final = 512
_IS_UTF_8: Final = 0x800
_IS_ENCRYPTED_OR_PATCHED: Final = 0x1 | 0x20 | 0x40


def raw_name(info: zipfile.ZipInfo) -> bytes:
    """The name of a member as the archive spells it."""
    name = info.orig_filename
    if info.flag_bits & _IS_UTF_8 or name.isascii():
        return name.encode("utf-8")  # five times faster than the same through cp437
    return name.encode("cp437", errors="replace")


_codec: ModuleType = zlib


def inflate_with(module: ModuleType) -> None:
    """Take `module`, which has what `zlib` has, for all that is read from here on.

    Inflating is two thirds of what reading a wheel costs. The shim stays with the standard library:
    it loads nothing into a build that the backend would not load.
    """
    global _codec  # noqa: PLW0603 - one choice for a process, made when the checker is imported
    _codec = module


class MemberReader:
    """Reads members of an open ZipFile; of a local file without moving its position."""

    def __init__(self, zip_file: zipfile.ZipFile, wheel: str) -> None:
        """`wheel` is the file name for error messages."""
        self.maps_os_error = False
        """Whether an OSError of the file is reported as InvalidWheel, or passes through."""
        self._zip = zip_file
        self._wheel = wheel
        self._lock = threading.Lock()
        file = zip_file.fp
        is_local = isinstance(file, io.BufferedReader) and isinstance(file.raw, io.FileIO)
        self._descriptor = file.fileno() if file and is_local and hasattr(os, "pread") else None

    def checked(self, info: zipfile.ZipInfo) -> zipfile.ZipInfo:
        """`info`, if what it declares can be true and can be read; else raises InvalidWheel."""
        size, packed, method = info.file_size, info.compress_size, info.compress_type
        if info.flag_bits & _IS_ENCRYPTED_OR_PATCHED:
            wrong = "is encrypted or a patch"
        elif method == zipfile.ZIP_STORED and size != packed:
            wrong = "is stored but declares two sizes"
        elif method == zipfile.ZIP_DEFLATED and size > packed * MAX_DEFLATE_RATIO:
            wrong = "declares a size that DEFLATE cannot reach"
        elif method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            wrong = f"uses compression method {method}"
        elif size > MAX_MEMBER_SIZE:
            wrong = f"has {size} bytes, more than {MAX_MEMBER_SIZE}"
        else:
            return info
        raise self._invalid(info, wrong)

    def head(self, info: zipfile.ZipInfo, count: int) -> bytes:
        """The first `count` bytes of a member, or all if it has fewer; the CRC is not checked."""
        self.checked(info)
        wanted = min(count, info.file_size)
        if self._descriptor is not None:
            found = self._head_of_block(info, wanted)
            if len(found) == wanted:
                return found
        pieces = bytearray()
        for piece in self._pieces(info, max(wanted, _HEAD_BLOCK)):
            pieces += piece
            if len(pieces) >= wanted:
                return bytes(pieces[:wanted])
        raise self._invalid(info, "ends before its declared size")

    def whole(self, info: zipfile.ZipInfo) -> bytes:
        """All bytes of a member. Raises InvalidWheel."""
        # One step for all of it takes a tenth off: there is nothing to put together afterwards.
        pieces = [piece for piece in self.chunks(info, info.file_size + 1) if piece]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def chunks(self, info: zipfile.ZipInfo, count: int = _CHUNK) -> Iterator[bytes]:
        """The bytes of a member in order, at most `count` at a time.

        Raises InvalidWheel; what was yielded is proven right only when the iterator has ended.
        """
        self.checked(info)
        size = crc = 0
        for piece in self._pieces(info, count):
            size += len(piece)
            if size > info.file_size:
                break
            crc = _codec.crc32(piece, crc)
            yield piece
        if size != info.file_size:
            raise self._invalid(info, "does not have its declared size")
        if crc != info.CRC:
            raise self._invalid(info, "does not have its declared CRC-32")

    def _invalid(self, info: zipfile.ZipInfo, wrong: str) -> InvalidWheel:
        return InvalidWheel(self._wheel, f"{info.filename!r} {wrong}")

    def _head_of_block(self, info: zipfile.ZipInfo, wanted: int) -> bytes:
        """The first bytes as far as one small read of a local file gives them."""
        size = _HEAD_BLOCK + 4 * len(info.orig_filename) + wanted  # 4 bytes a character in UTF-8
        block = self._at(info.header_offset, size)
        start = self._data_start(info, block)
        packed = block[start : start + info.compress_size]
        if info.compress_type == zipfile.ZIP_STORED or not wanted:
            return packed[:wanted]
        try:
            return bytes(_codec.decompressobj(-zlib.MAX_WBITS).decompress(packed, wanted))
        except _codec.error as error:
            raise self._invalid(info, f"is damaged ({error})") from error

    def _data_start(self, info: zipfile.ZipInfo, header: bytes) -> int:
        """Where the data begins in the local `header`, which must name the same file as `info`."""
        name = raw_name(info)
        end = LOCAL_HEADER.size + len(name)
        if len(header) < end:
            raise self._invalid(info, "is cut short")
        signature, name_size, extra_size = LOCAL_HEADER.unpack_from(header)
        found = header[LOCAL_HEADER.size : end]
        if signature != LOCAL_SIGNATURE or found != name or name_size != len(name):
            raise self._invalid(info, "is not where the directory says")
        return end + int(extra_size)

    def _pieces(self, info: zipfile.ZipInfo, count: int) -> Iterator[bytes]:
        """The uncompressed bytes as they come, at most `count` at a time, unchecked."""
        packed = self._packed(info, count)
        if info.compress_type == zipfile.ZIP_STORED:
            yield from packed
            return
        inflater = _codec.decompressobj(-zlib.MAX_WBITS)
        try:
            for data in packed:
                yield inflater.decompress(data, count)
                while inflater.unconsumed_tail:
                    yield inflater.decompress(inflater.unconsumed_tail, count)
            yield inflater.flush()
        except _codec.error as error:
            raise self._invalid(info, f"is damaged ({error})") from error
        if not inflater.eof or inflater.unused_data:
            raise self._invalid(info, "does not have its declared compressed size")

    def _packed(self, info: zipfile.ZipInfo, count: int) -> Iterator[bytes]:
        """The compressed bytes, at most `count` at a time."""
        header = self._at(info.header_offset, LOCAL_HEADER.size + len(raw_name(info)))
        position = info.header_offset + self._data_start(info, header)
        end = position + info.compress_size
        if end > self._zip.start_dir:
            raise self._invalid(info, "overlaps what follows it")
        while position < end:
            data = self._at(position, min(count, end - position))
            if not data:
                raise self._invalid(info, "is cut short")
            position += len(data)
            yield data

    def _at(self, offset: int, count: int) -> bytes:
        """`count` bytes of the file at `offset`, fewer at its end."""
        file = self._zip.fp
        if file is None:
            raise ValueError(f"{self._wheel}: the archive is closed")
        try:
            if self._descriptor is not None:
                return os.pread(self._descriptor, count, offset)
            found = b""
            with self._lock:
                file.seek(offset)
                while len(found) < count and (piece := file.read(count - len(found))):
                    found += piece  # a stream may give less than it was asked for
            return found
        except OSError as error:
            if self.maps_os_error:
                raise InvalidWheel(self._wheel, f"cannot be read: {error}") from error
            raise
