"""The central directory of a zip archive as raw bytes, so that what is rewritten loses nothing.

Section numbers are those of PKWARE's APPNOTE.TXT 6.3.10. A position counts from the start of the
file; a recorded offset is less by what stands before the archive (a self-extractor's program),
where that was put there without correcting the offsets.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO, Final

from backend_shim.errors import InvalidWheel
from backend_shim.wheel.archive import WheelArchive
from backend_shim.wheel.member_reader import LOCAL_HEADER, LOCAL_SIGNATURE

_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
"""4.3.12: signature, version made by, version needed, flags, method, time, date, CRC-32, two sizes,
three lengths (name, extra field, comment), disk, internal and external attributes, offset."""
_CENTRAL_OFFSET: Final = 42
_LOCAL: Final = struct.Struct("<4s5H3L2H")
"""4.3.7: signature, version needed, flags, method, time, date, CRC-32, two sizes, two lengths."""
_END: Final = struct.Struct("<4s4H2LH")
"""4.3.16: signature, two disks, two counts, size and offset of the directory, comment length."""
_END_64: Final = struct.Struct("<4sQ2H2L4Q")
"""4.3.14: signature, size of the rest, two versions, two disks, two counts, size and offset."""
_LOCATOR_64: Final = struct.Struct("<4sLQL")
"""4.3.15: signature, disk, offset of the ZIP64 end record, number of disks."""

_MAX_16: Final = 0xFFFF
_MAX_32: Final = 0xFFFFFFFF
_ZIP64_EXTRA: Final = 1
_VERSION_DEFLATE: Final = 20
_VERSION_ZIP64: Final = 45


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One header of the central directory and where its member lies in the file."""

    header: bytes
    """As it stands, with name, extra field and comment."""
    start: int
    """Position of the local header."""
    end: int
    """Position of the next local header, or of the central directory."""

    @property
    def name(self) -> bytes:
        """The name as the archive spells it."""
        return self.header[_CENTRAL.size :][: _CENTRAL.unpack_from(self.header)[10]]

    def moved_to(self, offset: int) -> bytes:
        """The header with another recorded offset, not greater than the one it has."""
        in_extra = _offset_in_extra(self.header)
        patched = bytearray(self.header)
        if in_extra is None:
            struct.pack_into("<L", patched, _CENTRAL_OFFSET, offset)
        else:
            struct.pack_into("<Q", patched, in_extra, offset)
        return bytes(patched)


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """The central directory and the end records that follow it."""

    entries: tuple[Entry, ...]
    """In the order of the directory, which is that of `WheelArchive.members`."""
    shift: int
    """Position minus recorded offset."""
    end_64: bytes
    """The ZIP64 end record; empty where there is none."""
    end: bytes
    """The end record with the archive's comment."""

    def end_records(self, *, count: int, size: int, start: int) -> bytes:
        """The end records of a directory of `count` headers, `size` bytes, at position `start`."""
        offset = start - self.shift
        signature, disk, first_disk, *old, comment_size = _END.unpack_from(self.end)
        end_64 = b""
        if self.end_64 or count >= _MAX_16 or max(size, offset) >= _MAX_32:
            fresh = _END_64.pack(b"PK\x06\x06", 44, 45, _VERSION_ZIP64, 0, 0, 0, 0, 0, 0)
            patched = bytearray(self.end_64 or fresh)
            struct.pack_into("<4Q", patched, 24, count, count, size, offset)
            end_64 = bytes(patched) + _LOCATOR_64.pack(b"PK\x06\x07", 0, offset + size, 1)
        limits = (_MAX_16, _MAX_16, _MAX_32, _MAX_32)
        values = [
            limit if self.end_64 and was == limit else min(value, limit)
            for value, was, limit in zip((count, count, size, offset), old, limits, strict=True)
        ]
        end = _END.pack(signature, disk, first_disk, *values, comment_size)
        return end_64 + end + self.end[_END.size :]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMember:
    """What the two headers of a member to be written say; sizes below 4 GiB."""

    name: bytes
    packed: bytes
    size: int
    crc32: int
    version_made_by: int
    flags: int
    method: int
    time: int
    date: int
    internal_attributes: int
    external_attributes: int
    local_extra: bytes = b""
    central_extra: bytes = b""
    comment: bytes = b""

    def local_record(self) -> bytes:
        """The local header and the data."""
        header = _LOCAL.pack(
            LOCAL_SIGNATURE,
            *(_VERSION_DEFLATE, self.flags, self.method, self.time, self.date),
            *(self.crc32, len(self.packed), self.size, len(self.name), len(self.local_extra)),
        )
        return header + self.name + self.local_extra + self.packed

    def central_header(self, offset: int) -> bytes:
        """The header in the central directory for a local header at the recorded `offset`."""
        extra, needed = self.central_extra, _VERSION_DEFLATE
        if offset >= _MAX_32:
            extra = struct.pack("<HHQ", _ZIP64_EXTRA, 8, offset) + extra
            offset, needed = _MAX_32, _VERSION_ZIP64
        header = _CENTRAL.pack(
            *(b"PK\x01\x02", self.version_made_by, needed, self.flags, self.method),
            *(self.time, self.date, self.crc32, len(self.packed), self.size),
            *(len(self.name), len(extra), len(self.comment), 0),
            *(self.internal_attributes, self.external_attributes, offset),
        )
        return header + self.name + extra + self.comment


def read_directory(file: BinaryIO, archive: WheelArchive) -> Directory:
    """The directory of the open `file` that `archive` reads too. Raises InvalidWheel."""
    file.seek(archive.directory_start)
    data = file.read()
    try:
        headers, rest = _split_headers(data, len(archive.members))
        end_64, end = _split_end(rest)
        recorded = (
            _END_64.unpack(end_64[: _END_64.size])[-1] if end_64 else _END.unpack_from(end)[6]
        )
        shift = archive.directory_start - recorded
        starts = [_recorded_offset(header) + shift for header in headers]
    except (ValueError, struct.error) as error:
        raise InvalidWheel(archive.name, f"its central directory is damaged ({error})") from error
    following = dict(
        zip(sorted(starts), [*sorted(starts)[1:], archive.directory_start], strict=True)
    )
    entries = tuple(
        Entry(header=header, start=start, end=following[start])
        for header, start in zip(headers, starts, strict=True)
    )
    for entry, member in zip(entries, archive.members, strict=True):
        _check_local_header(file, entry, member.compressed_size, archive.name)
    return Directory(entries=entries, shift=shift, end_64=end_64, end=end)


def local_extra(file: BinaryIO, entry: Entry) -> bytes:
    """The extra field of the member's local header."""
    file.seek(entry.start)
    _, name_size, extra_size = LOCAL_HEADER.unpack(file.read(LOCAL_HEADER.size))
    file.seek(name_size, 1)
    return file.read(extra_size)


def rebuilt(entry: Entry, extra: bytes, *, packed: bytes, size: int, crc32: int) -> NewMember:
    """The member of `entry`, local extra field `extra`, with other data packed by its method."""
    _, made_by, _, flags, method, time, date, *_, internal, external, _ = _CENTRAL.unpack_from(
        entry.header
    )
    name_size, extra_size, comment_size = _CENTRAL.unpack_from(entry.header)[10:13]
    tail = entry.header[_CENTRAL.size + name_size :]
    return NewMember(
        name=entry.name,
        packed=packed,
        size=size,
        crc32=crc32,
        version_made_by=made_by,
        flags=flags & 0x800,  # UTF-8; the sizes are known, so no data descriptor
        method=method,
        time=time,
        date=date,
        internal_attributes=internal,
        external_attributes=external,
        local_extra=_without_zip64(extra),
        central_extra=_without_zip64(tail[:extra_size]),
        comment=tail[extra_size : extra_size + comment_size],
    )


def _split_headers(data: bytes, count: int) -> tuple[list[bytes], bytes]:
    """The `count` headers that `data` begins with, and what follows them."""
    headers, position = [], 0
    for _ in range(count):
        fields = _CENTRAL.unpack_from(data, position)
        end = position + _CENTRAL.size + sum(fields[10:13])
        if fields[0] != b"PK\x01\x02" or end > len(data):
            raise ValueError("a header is missing")
        headers.append(data[position:end])
        position = end
    return headers, data[position:]


def _split_end(data: bytes) -> tuple[bytes, bytes]:
    """The ZIP64 end record (or nothing) and the end record, which `data` consists of."""
    end_64 = b""
    if data.startswith(b"PK\x06\x06"):
        size = 12 + _END_64.unpack_from(data)[1]  # 4.3.14.1: without these leading 12 bytes
        end_64, locator, data = data[:size], data[size:][: _LOCATOR_64.size], data[size:][20:]
        if len(end_64) < _END_64.size or not locator.startswith(b"PK\x06\x07"):
            raise ValueError("no ZIP64 locator")
    if not data.startswith(b"PK\x05\x06") or len(data) != _END.size + _END.unpack_from(data)[-1]:
        raise ValueError("something unknown follows the headers or the end record")
    return end_64, data


def _recorded_offset(header: bytes) -> int:
    in_extra = _offset_in_extra(header)
    if in_extra is None:
        return int(_CENTRAL.unpack_from(header)[-1])
    return int(struct.unpack_from("<Q", header, in_extra)[0])


def _offset_in_extra(header: bytes) -> int | None:
    """Where in `header` the ZIP64 extra field holds the offset; None if the header itself does."""
    fields = _CENTRAL.unpack_from(header)
    packed_size, size, name_size, extra_size, offset = *fields[8:12], fields[-1]
    if offset != _MAX_32:
        return None
    position = _CENTRAL.size + name_size
    end = position + extra_size
    while position + 4 <= end:
        kind, length = struct.unpack_from("<2H", header, position)
        if kind == _ZIP64_EXTRA:
            # 4.5.3: a size is in the extra field only where the header's own field is saturated.
            before = 8 * ((packed_size == _MAX_32) + (size == _MAX_32))
            if before + 8 > length or position + 4 + length > end:
                raise ValueError("its ZIP64 extra field is too short")
            return int(position + 4 + before)
        position += 4 + length
    return None  # an offset of exactly 4 GiB - 1


def _without_zip64(extra: bytes) -> bytes:
    kept, position = b"", 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, position)
        if kind != _ZIP64_EXTRA:
            kept += extra[position : position + 4 + length]
        position += 4 + length
    return kept + extra[position:]


def _check_local_header(file: BinaryIO, entry: Entry, packed_size: int, wheel: str) -> None:
    """Raises InvalidWheel unless header and data of the member fit before the next one."""
    file.seek(entry.start)
    header = file.read(LOCAL_HEADER.size + len(entry.name))
    if len(header) < LOCAL_HEADER.size:
        raise InvalidWheel(wheel, f"{entry.name!r} is cut short")
    signature, name_size, extra_size = LOCAL_HEADER.unpack_from(header)
    found = header[LOCAL_HEADER.size :]
    if signature != LOCAL_SIGNATURE or found != entry.name or name_size != len(found):
        raise InvalidWheel(wheel, f"{entry.name!r} is not where the directory says")
    if entry.start + LOCAL_HEADER.size + name_size + extra_size + packed_size > entry.end:
        raise InvalidWheel(wheel, f"{entry.name!r} overlaps what follows it")
