"""Puts files into the `.dist-info` of a wheel and leaves every other member as it is, byte by byte.

`zipfile` cannot: it packs members anew and loses extra fields, data descriptors and version bytes.
So the spans of the other members are copied from file to file without being looked into.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
import time
import zipfile
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final

from backend_shim.errors import ConfigurationError, InvalidWheel, SignedWheel
from backend_shim.wheel.archive import WheelArchive
from backend_shim.wheel.manifest import (
    SIGNATURES,
    ManifestEntry,
    digest_of_bytes,
    edited_manifest_bytes,
)
from backend_shim.wheel.zip_directory import (
    Directory,
    Entry,
    NewMember,
    local_extra,
    read_directory,
    rebuilt,
)

# PyPUG, "Subdirectories in .dist-info/": they are registered; this is the one of PEP 770.
_NAME: Final = re.compile(r"(?:sboms/)?[A-Za-z0-9_][A-Za-z0-9._+-]*")
_RECORD_NAMES: Final = frozenset(name.casefold() for name in ("RECORD", *SIGNATURES))
_UNIX: Final = 3
_FIRST_DOS_TIME: Final = 315532800  # 1980-01-01T00:00:00Z
_LAST_DOS_TIME: Final = 4354819198  # 2107-12-31T23:59:58Z
_BLOCK: Final = 1 << 20


def add_dist_info_files(
    wheel: Path, files: Mapping[str, bytes], *, drop: Collection[str] = ()
) -> None:
    """Put `files` into the `.dist-info` of `wheel`, and take out `drop`.

    They have bare names, or `sboms/` and one. Files of the same name are replaced. The new members
    come last but for RECORD, in the order of their names, packed as RECORD was and dated
    SOURCE_DATE_EPOCH, or as RECORD where that is not set. Doing the same again gives the same
    bytes. The file is replaced in one step at the end; on any failure it is as it was.

    Raises InvalidWheel, SignedWheel, ConfigurationError for a malformed SOURCE_DATE_EPOCH,
    ValueError for another name or RECORD's, OSError if the folder is not writable.
    """
    for name in (*files, *drop):
        if not _NAME.fullmatch(name) or name.casefold() in _RECORD_NAMES:
            raise ValueError(f"not the name of a file that can be added: {name!r}")
    target = Path(os.path.realpath(wheel))
    with WheelArchive.open(target) as archive, target.open("rb") as source:
        signed = [name for name in SIGNATURES if archive.has(f"{archive.dist_info}/{name}")]
        if signed:
            raise SignedWheel(archive.name, f"is signed ({signed[0]}) and cannot be added to")
        draft = _draft(target.parent)
        try:
            with draft.open("wb") as out:
                _write(out, source, archive, files, drop)
            shutil.copymode(target, draft)
            archive.close()
            source.close()  # Windows replaces no file that is open
            draft.replace(target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


def _draft(directory: Path) -> Path:
    """A new empty file in `directory`."""
    descriptor, name = tempfile.mkstemp(prefix=".wheel-abi-", dir=directory)
    os.close(descriptor)
    return Path(name)


def _write(
    out: BinaryIO,
    source: BinaryIO,
    archive: WheelArchive,
    files: Mapping[str, bytes],
    drop: Collection[str],
) -> None:
    directory = read_directory(source, archive)
    record_name = f"{archive.dist_info}/RECORD"
    left_out = {record_name, *(f"{archive.dist_info}/{name}" for name in (*files, *drop))}
    by_name = {
        member.name: entry for member, entry in zip(archive.members, directory.entries, strict=True)
    }
    kept = [entry for name, entry in by_name.items() if name not in left_out]
    record = edited_manifest_bytes(
        archive.read(record_name),
        drop=left_out - {record_name},
        add=[_row(f"{archive.dist_info}/{name}", files[name]) for name in sorted(files)],
        last=record_name,
        wheel=archive.name,
    )
    old_record = by_name[record_name]
    new_record = _repacked(old_record, local_extra(source, old_record), record)
    members = [*_new_members(new_record, files), new_record]
    _write_archive(out, source, directory, kept, members)


def _write_archive(
    out: BinaryIO,
    source: BinaryIO,
    directory: Directory,
    kept: Sequence[Entry],
    members: Sequence[NewMember],
) -> None:
    first = min(entry.start for entry in directory.entries)
    _copy(source, out, 0, first)
    position, moved = first, {}
    for entry in sorted(kept, key=lambda entry: entry.start):
        _copy(source, out, entry.start, entry.end)
        moved[entry.start] = position
        position += entry.end - entry.start
    headers = [entry.moved_to(moved[entry.start] - directory.shift) for entry in kept]
    for member in members:
        headers.append(member.central_header(position - directory.shift))
        position += out.write(member.local_record())
    central = b"".join(headers)
    out.write(central)
    out.write(directory.end_records(count=len(headers), size=len(central), start=position))


def _copy(source: BinaryIO, out: BinaryIO, start: int, end: int) -> None:
    source.seek(start)
    while start < end:
        block = source.read(min(_BLOCK, end - start))
        if not block:
            raise InvalidWheel(Path(source.name).name, "was cut short while it was read")
        start += out.write(block)


def _row(path: str, data: bytes) -> ManifestEntry:
    return ManifestEntry(path=path, digest=digest_of_bytes(data), size=len(data))


def _repacked(entry: Entry, extra: bytes, data: bytes) -> NewMember:
    """RECORD with the text `data`: its name, date, mode, method and comment stay."""
    member = rebuilt(entry, extra, packed=data, size=len(data), crc32=zlib.crc32(data))
    return replace(member, packed=_packed(data, member.method))


def _new_members(record: NewMember, files: Mapping[str, bytes]) -> list[NewMember]:
    day, second = _dos_time(record)
    folder = record.name[: -len(b"RECORD")]
    return [
        NewMember(
            name=folder + name.encode("ascii"),
            packed=_packed(data, record.method),
            size=len(data),
            crc32=zlib.crc32(data),
            version_made_by=_UNIX << 8 | 20,
            flags=record.flags,
            method=record.method,
            time=second,
            date=day,
            internal_attributes=0,
            external_attributes=(stat.S_IFREG | 0o644) << 16,
        )
        for name, data in sorted(files.items())
    ]


def _packed(data: bytes, method: int) -> bytes:
    if method == zipfile.ZIP_STORED:
        return data
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(data) + deflater.flush()


def _dos_time(record: NewMember) -> tuple[int, int]:
    """Date and time of the new members in the form of MS-DOS (APPNOTE 4.4.6)."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return record.date, record.time
    # "If the value is malformed, the build process SHOULD exit with a non-zero error code."
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise ConfigurationError("SOURCE_DATE_EPOCH", f"{text!r} is not a number of seconds")
    seconds = min(max(int(text), _FIRST_DOS_TIME), _LAST_DOS_TIME)
    at = time.gmtime(seconds)
    date = (at.tm_year - 1980) << 9 | at.tm_mon << 5 | at.tm_mday
    return date, at.tm_hour << 11 | at.tm_min << 5 | at.tm_sec // 2
