"""Wheels for the tests: right ones by `make_wheel`, odd and broken ones by `raw_archive`."""

from __future__ import annotations

import base64
import hashlib
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

DATE = (2024, 2, 29, 12, 30, 58)
_DOS_TIME = 12 << 11 | 30 << 5 | 29
_DOS_DATE = (2024 - 1980) << 9 | 2 << 5 | 29
_MODE = 0o100644 << 16


def make_wheel(
    directory: Path,
    *,
    name: str = "demo",
    version: str = "1.0",
    tag: str = "py3-none-any",
    files: Mapping[str, bytes],
    requires: Sequence[str] = (),
    root_is_purelib: bool | None = None,
    compression: int = zipfile.ZIP_DEFLATED,
    build: str | None = None,
) -> Path:
    """A wheel with a right RECORD as its last member; the same arguments give the same bytes.

    `root_is_purelib` unless given: whether the tag ends in `-any`. `files` may hold more files for
    the `.dist-info`, under their full names.
    """
    if root_is_purelib is None:
        root_is_purelib = tag.endswith("-any")
    members = wheel_members(
        files,
        name=name,
        version=version,
        tag=tag,
        requires=requires,
        root_is_purelib=root_is_purelib,
        build=build,
    )
    parts = [_escaped(name), _escaped(version), *([build] if build else []), tag]
    wheel = directory / f"{'-'.join(parts)}.whl"
    with zipfile.ZipFile(wheel, "w", compression) as archive:
        for member, data in members.items():
            info = zipfile.ZipInfo(member, DATE)
            info.compress_type = compression
            info.external_attr = _MODE
            info.create_system = 3
            archive.writestr(info, data)
    return wheel


def wheel_members(
    files: Mapping[str, bytes],
    *,
    name: str = "demo",
    version: str = "1.0",
    tag: str = "py3-none-any",
    requires: Sequence[str] = (),
    root_is_purelib: bool = True,
    build: str | None = None,
) -> dict[str, bytes]:
    """The members of a wheel by name, in their order: `files`, METADATA, WHEEL, RECORD."""
    dist_info = f"{_escaped(name)}-{_escaped(version)}.dist-info"
    metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    metadata += [f"Requires-Dist: {requirement}" for requirement in requires]
    wheel = ["Wheel-Version: 1.0", "Generator: wheel_factory 1.0"]
    wheel += [f"Root-Is-Purelib: {str(root_is_purelib).lower()}"]
    wheel += [f"Tag: {single}" for single in _expanded(tag)]
    wheel += [f"Build: {build}"] if build else []
    members = dict(files)
    members[f"{dist_info}/METADATA"] = _lines(metadata)
    members[f"{dist_info}/WHEEL"] = _lines(wheel)
    members[f"{dist_info}/RECORD"] = record_bytes(members, f"{dist_info}/RECORD")
    return members


def record_bytes(members: Mapping[str, bytes], own: str) -> bytes:
    """The RECORD of `members` (directories left out), with its own row last."""
    rows = []
    for name, data in members.items():
        if not name.endswith("/"):
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=")
            rows.append(f"{_quoted(name)},sha256={digest.decode()},{len(data)}")
    return _lines([*rows, f"{_quoted(own)},,"])


@dataclass(frozen=True, slots=True, kw_only=True)
class RawMember:
    """What is written for one member; a `declared_…` value replaces the true one."""

    name: bytes
    data: bytes = b""
    method: int = zipfile.ZIP_DEFLATED
    flags: int = 0
    descriptor: Literal["none", "signed", "bare", "signed, 64 bit", "bare, 64 bit"] = "none"
    zip64: bool = False
    """Sizes and offset go to ZIP64 extra fields."""
    local_extra: bytes = b""
    central_extra: bytes = b""
    comment: bytes = b""
    padding: bytes = b""
    """Stands after the member, before the next."""
    version_made_by: int = 3 << 8 | 20
    internal_attributes: int = 0
    external_attributes: int = _MODE
    declared_size: int | None = None
    declared_packed_size: int | None = None
    declared_crc32: int | None = None
    declared_offset: int | None = None
    local_name: bytes | None = None


def raw_archive(
    members: Sequence[RawMember],
    *,
    prefix: bytes = b"",
    counts_prefix: bool = True,
    comment: bytes = b"",
    zip64_end: bool = False,
    central_order: Sequence[int] | None = None,
) -> bytes:
    """A zip archive of `members`; where not `counts_prefix`, offsets are as without the prefix."""
    body, headers = bytearray(prefix), []
    for member in members:
        offset = len(body) - (0 if counts_prefix else len(prefix))
        local, central = _member_bytes(member, offset)
        body += local
        headers.append(central)
    ordered = [headers[i] for i in central_order or range(len(headers))]
    directory = b"".join(ordered)
    start = len(body) - (0 if counts_prefix else len(prefix))
    count, size = len(members), len(directory)
    end_64 = b""
    if zip64_end:
        end_64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, start)
        end_64 += struct.pack("<4sLQL", b"PK\6\7", 0, start + size, 1)
        count, size, start = 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, size, start, len(comment))
    return bytes(body) + directory + end_64 + end + comment


def _member_bytes(member: RawMember, offset: int) -> tuple[bytes, bytes]:
    """The local part of a member and its header in the central directory."""
    packed = _packed(member.data, member.method)
    crc = _first(member.declared_crc32, zlib.crc32(member.data))
    size = _first(member.declared_size, len(member.data))
    packed_size = _first(member.declared_packed_size, len(packed))
    offset = _first(member.declared_offset, offset)
    is_streamed = member.descriptor != "none"
    flags = member.flags | (8 if is_streamed else 0)
    stamp = (member.method, _DOS_TIME, _DOS_DATE)
    local_name = member.name if member.local_name is None else member.local_name
    sizes, extra = _split((packed_size, size), member)
    local_sizes = (0, 0, 0) if is_streamed else (crc, *sizes)
    local = struct.pack(
        *("<4s5H3L2H", b"PK\3\4", 20, flags, *stamp, *local_sizes, len(local_name)),
        len(extra + member.local_extra),
    )
    local += local_name + extra + member.local_extra + packed
    if is_streamed:
        form = "<L2Q" if "64" in member.descriptor else "<3L"
        signature = b"PK\7\10" if member.descriptor.startswith("signed") else b""
        local += signature + struct.pack(form, crc, packed_size, size)
    if member.zip64:
        extra = struct.pack("<2H3Q", 1, 24, size, packed_size, offset)
        offset = 0xFFFFFFFF
    extra += member.central_extra
    lengths = (len(member.name), len(extra), len(member.comment))
    central = struct.pack(
        *("<4s6H3L5H2L", b"PK\1\2", member.version_made_by, 20, flags, *stamp, crc, *sizes),
        *(*lengths, 0, member.internal_attributes, member.external_attributes, offset),
    )
    return local + member.padding, central + member.name + extra + member.comment


def _split(sizes: tuple[int, int], member: RawMember) -> tuple[tuple[int, int], bytes]:
    """The two sizes of a header, and the extra field that holds them where they are ZIP64."""
    if not member.zip64:
        return sizes, b""
    return (0xFFFFFFFF, 0xFFFFFFFF), struct.pack("<2H2Q", 1, 16, sizes[1], sizes[0])


def _packed(data: bytes, method: int) -> bytes:
    if method != zipfile.ZIP_DEFLATED:
        return data
    deflater = zlib.compressobj(wbits=-15)
    return deflater.compress(data) + deflater.flush()


def _first(declared: int | None, true: int) -> int:
    return true if declared is None else declared


def _lines(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _escaped(text: str) -> str:
    """A part of a wheel's file name; dots stay, as older backends left them."""
    return re.sub(r"[-_]+", "_", text)


def _expanded(tag: str) -> list[str]:
    pythons, abis, platforms = (part.split(".") for part in tag.split("-"))
    return [f"{p}-{a}-{m}" for p in pythons for a in abis for m in platforms]


def _quoted(name: str) -> str:
    if any(character in name for character in ',"\r\n'):
        return '"' + name.replace('"', '""') + '"'
    return name


def make_many(directory: Path, count: int) -> Path:
    """A new directory with so many wheels without binaries."""
    directory.mkdir()
    for number in range(count):
        make_wheel(directory, name=f"p{number}", files={f"p{number}.py": b""})
    return directory
