"""RECORD, the manifest of a wheel: read, written, edited, and held against the archive.

The standard is "Recording installed projects", The RECORD file (PEP 376, PEP 627), and for wheels
"Binary distribution format", The .dist-info directory (PEP 427).
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from backend_shim.errors import InvalidWheel

if TYPE_CHECKING:  # archive imports this module to read its RECORD
    from backend_shim.wheel.archive import WheelArchive

SIGNATURES: Final = ("RECORD.jws", "RECORD.p7s")
"""Signatures of RECORD; deprecated by PEP 815."""

BY_INSTALLERS: Final = frozenset(
    (
        "INSTALLER",
        "RECORD",
        "REQUESTED",
        "direct_url.json",
        "provenance_url.json",
        "uv_build.json",
        "uv_cache.json",
    )
)
"""Files of an installed `.dist-info` that installers write, each in its own way."""
SCRIPT_DIRECTORIES: Final = frozenset(("bin", "Scripts"))
"""Where installers put scripts, whose first line they write."""

STRONG: Final = frozenset(
    ["sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512", "blake2b", "blake2s"]
)
"""The algorithms of `hashlib.algorithms_guaranteed` of 256 bits and more with a fixed length."""
VOUCHING: Final = frozenset(["sha256", "sha384", "sha512"])
"""Those by which RECORD may vouch for a record (C2 of the convention), which all readers know."""


class ManifestEntry(NamedTuple):
    """One row of RECORD; RECORD's own row has neither digest nor size."""

    path: str
    digest: str | None = None
    """As written: `sha256=` and the URL-safe base64 digest without padding."""
    size: int | None = None
    """In bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """All rows of a RECORD in their order; no path occurs twice."""

    entries: tuple[ManifestEntry, ...]
    _digests: dict[str, str | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        digests = {entry.path: entry.digest for entry in self.entries}
        object.__setattr__(self, "_digests", digests)

    def digest_of(self, path: str) -> str | None:
        """The digest of `path` as written, None where RECORD has no row or no digest for it."""
        return self._digests.get(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestProblem:
    """A place where a wheel and its RECORD do not agree."""

    path: str
    kind: Literal[
        "not in RECORD",
        "not in the archive",
        "no digest",
        "weak or unknown digest",
        "wrong digest",
        "wrong size",
    ]


def parse_manifest(data: bytes, wheel: str = "RECORD") -> Manifest:
    """The rows of a RECORD; `wheel` is the file name that InvalidWheel is raised with."""
    entries = manifest_entries(data, wheel)
    if len({entry.path for entry in entries}) != len(entries):
        raise InvalidWheel(wheel, "two rows of RECORD have the same path")
    return Manifest(entries=entries)


def manifest_entries(data: bytes, wheel: str = "RECORD") -> tuple[ManifestEntry, ...]:
    """The rows of a RECORD, also where a path occurs twice; raises InvalidWheel."""
    return tuple(entry for entry, _ in _rows(data, wheel))


def manifest_bytes(entries: Sequence[ManifestEntry]) -> bytes:
    """`entries` as the rows of a RECORD, each ended by a line feed."""
    return b"".join(_row_bytes(entry) + b"\n" for entry in entries)


def edited_manifest_bytes(
    data: bytes,
    *,
    drop: Collection[str],
    add: Sequence[ManifestEntry],
    last: str,
    wheel: str = "RECORD",
) -> bytes:
    """The RECORD `data` without the rows of `drop` and with the rows `add`, then that of `last`.

    Rows that stay keep their text and order; new ones end their lines as the first does.
    Doing the same again gives the same bytes.
    """
    left_out = {*drop, *(entry.path for entry in add), last}
    rows = list(_rows(data, wheel))
    kept = [text.encode("utf-8") for entry, text in rows if entry.path not in left_out]
    first = kept[0] if kept else data
    line_end = b"\r\n" if first.endswith(b"\r\n") else b"\n"
    if kept and not kept[-1].endswith((b"\n", b"\r")):
        kept[-1] += line_end
    kept.extend(_row_bytes(entry) + line_end for entry in add)
    own = [text.rstrip("\r\n").encode("utf-8") for entry, text in rows if entry.path == last]
    return b"".join(kept) + (own[0] if own else _row_bytes(ManifestEntry(path=last))) + line_end


def digest_of_bytes(data: bytes) -> str:
    """The SHA-256 of `data` as RECORD writes it."""
    return _written("sha256", hashlib.sha256(data).digest())


def is_digest_of(digest: str | None, data: bytes) -> bool:
    """Whether `digest`, as RECORD writes it, is VOUCHING and that of `data`; None never is."""
    algorithm = (digest or "").partition("=")[0]
    if algorithm not in VOUCHING:
        return False
    return _written(algorithm, hashlib.new(algorithm, data).digest()) == digest


def verify_manifest(archive: WheelArchive) -> tuple[ManifestProblem, ...]:
    """Where the archive and its RECORD differ, in archive order, then rows without a member.

    Every member is read: raises InvalidWheel where one cannot be.
    """
    exempt = {f"{archive.dist_info}/{name}" for name in ("RECORD", *SIGNATURES)}
    entries = {entry.path: entry for entry in archive.manifest.entries}
    problems = []
    for member in archive.members:
        if member.is_dir or member.name in exempt:
            continue
        entry = entries.get(member.name)
        if entry is None:
            problems.append(ManifestProblem(path=member.name, kind="not in RECORD"))
        else:
            problems.extend(_problems_of(entry, archive, member.size))
    lost = [path for path in entries if path not in exempt and not archive.has(path)]
    problems.extend(ManifestProblem(path=path, kind="not in the archive") for path in lost)
    return tuple(problems)


def _problems_of(
    entry: ManifestEntry, archive: WheelArchive, size: int
) -> Iterator[ManifestProblem]:
    # "Apart from RECORD and its signatures, installation will fail if any file in the archive is
    # not both mentioned and correctly hashed in RECORD." (Of the size it says nothing.)
    if entry.size is not None and entry.size != size:
        yield ManifestProblem(path=entry.path, kind="wrong size")
    if entry.digest is None:
        yield ManifestProblem(path=entry.path, kind="no digest")
        return
    algorithm = entry.digest.partition("=")[0]
    # "The hash algorithm must be sha256 or better; specifically, md5 and sha1 are not permitted"
    if algorithm not in STRONG:
        yield ManifestProblem(path=entry.path, kind="weak or unknown digest")
        return
    found = hashlib.new(algorithm)
    for piece in archive.chunks(entry.path):
        found.update(piece)
    if _written(algorithm, found.digest()) != entry.digest:
        yield ManifestProblem(path=entry.path, kind="wrong digest")


def _row_bytes(entry: ManifestEntry) -> bytes:
    path, size = entry.path, "" if entry.size is None else entry.size
    # csv.writer leaves a lone carriage return bare before Python 3.13, and cannot read it back.
    if any(character in path for character in ',"\r\n'):
        path = '"' + path.replace('"', '""') + '"'
    return f"{path},{entry.digest or ''},{size}".encode()


def _written(algorithm: str, digest: bytes) -> str:
    encoded = base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")
    return f"{algorithm}={encoded}"


def _rows(data: bytes, wheel: str) -> Iterator[tuple[ManifestEntry, str]]:
    """Each row with the text it was read from, line end included."""
    try:
        lines = list(io.StringIO(data.decode("utf-8"), newline=""))
        reader = csv.reader(lines, strict=True)
        done = 0
        for row in reader:
            text = "".join(lines[done : reader.line_num])
            done = reader.line_num
            if row:
                yield _entry(row, wheel), text
    except UnicodeDecodeError as error:
        raise InvalidWheel(wheel, "RECORD is not UTF-8") from error
    except csv.Error as error:
        raise InvalidWheel(wheel, f"RECORD is not CSV: {error}") from error


def _entry(row: Sequence[str], wheel: str) -> ManifestEntry:
    if len(row) != 3:
        raise InvalidWheel(wheel, f"a row of RECORD has {len(row)} fields, not 3")
    path, digest, size = row
    if not path or "\0" in path:
        raise InvalidWheel(wheel, "a row of RECORD has no usable path")
    algorithm, _, encoded = digest.partition("=")
    if digest and not (algorithm and encoded):
        raise InvalidWheel(wheel, f"RECORD has the digest {digest!r} for {path!r}")
    if size and not (size.isascii() and size.isdigit() and len(size) < 20):
        raise InvalidWheel(wheel, f"RECORD has the size {size!r} for {path!r}")
    return ManifestEntry(path=path, digest=digest or None, size=int(size) if size else None)
