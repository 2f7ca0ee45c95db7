"""A wheel as an archive: its members by name, its RECORD, METADATA and WHEEL."""

from __future__ import annotations

import contextlib
import email.message
import email.parser
import errno
import mmap
import re
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, final

from backend_shim.errors import InvalidWheel
from backend_shim.wheel.manifest import Manifest, parse_manifest
from backend_shim.wheel.member_reader import LOCAL_HEADER, MemberReader

MAX_TEXT_SIZE: Final = 64 << 20
"""Bytes that `read` inflates unless told otherwise."""
SPOOL_SIZE: Final = 8 << 20
"""Bytes up to which `contents` stays in memory."""

_UNSAFE_NAME: Final = re.compile(r"\A\Z|\A/|\A[A-Za-z]:|\\|\0|(\A|/)\.\.(/|\Z)")
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ArithmeticError,
    RuntimeError,  # with NotImplementedError
    ValueError,  # with UnicodeDecodeError
)
"""What `zipfile` raises for an archive that is damaged."""


class Member(NamedTuple):
    """One entry of the archive as the central directory describes it; sizes in bytes."""

    name: str
    size: int
    """Uncompressed."""
    compressed_size: int
    crc32: int
    is_dir: bool
    is_executable: bool
    """As the Unix mode says; installers keep it."""


@final
class WheelArchive:
    """A wheel that is open for reading; closing it closes the ZipFile it was made from.

    An archive made by `open` reports every failure to read as InvalidWheel. Of a ZipFile that was
    handed in, OSError and the errors of its own file object (a network, say) pass through: they
    say nothing about the wheel. A local file may be read by several threads at once.
    """

    def __init__(self, zip_file: zipfile.ZipFile, name: str) -> None:
        """`name` is the wheel's file name.

        Raises InvalidWheel for unsafe, doubled or overlapping members and for a wheel that has
        not exactly one `.dist-info`.
        """
        infos = zip_file.infolist()
        self.name = name
        self.directory_start = zip_file.start_dir
        """Position of the central directory in the file."""
        self._zip = zip_file
        self._reader = MemberReader(zip_file, name)
        self._infos = {info.filename: info for info in infos}
        self._check_names()
        self._check_layout()
        self.members = tuple(
            Member(
                name=info.filename,
                size=info.file_size,
                compressed_size=info.compress_size,
                crc32=info.CRC,
                is_dir=info.filename.endswith("/"),
                is_executable=bool(info.external_attr >> 16 & 0o111),
            )
            for info in infos
        )
        self.dist_info = self._find_dist_info()

    @classmethod
    def open(cls, path: Path) -> WheelArchive:
        """The wheel in the file `path`. Raises InvalidWheel, also where there is no such file."""
        try:
            zip_file = zipfile.ZipFile(path)
        except (OSError, *_DAMAGE) as error:
            raise InvalidWheel(path.name, _why_not_opened(path, error)) from error
        try:
            archive = cls(zip_file, path.name)
        except BaseException:
            zip_file.close()
            raise
        archive._reader.maps_os_error = True
        return archive

    def __enter__(self) -> WheelArchive:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; nothing can be read after."""
        self._zip.close()

    def has(self, name: str) -> bool:
        """Whether there is a member of that name."""
        return name in self._infos

    def member(self, name: str) -> Member:
        """The member of that name. Raises InvalidWheel if there is none."""
        return self._members_by_name[self._info(name).filename]

    def crc32(self, name: str) -> int:
        """The CRC-32 of a member, which is checked when it is read."""
        return self.member(name).crc32

    def is_as_recorded(self, name: str) -> bool:
        """Whether RECORD has a digest of the member; installers see to it that it is right."""
        return self.manifest.digest_of(name) is not None

    @cached_property
    def manifest(self) -> Manifest:
        """What RECORD says."""
        return parse_manifest(self.read(f"{self.dist_info}/RECORD"), self.name)

    @cached_property
    def metadata(self) -> email.message.Message:
        """The headers of METADATA; the description is the payload."""
        return self._headers("METADATA")

    @cached_property
    def wheel_file(self) -> email.message.Message:
        """The headers of WHEEL."""
        return self._headers("WHEEL")

    def read(self, name: str, *, limit: int = MAX_TEXT_SIZE) -> bytes:
        """All bytes of a member. Raises InvalidWheel if they are wrong or more than `limit`."""
        info = self._reader.checked(self._info(name))
        if info.file_size > limit:
            wrong = f"{name!r} has {info.file_size} bytes, more than {limit}"
            raise InvalidWheel(self.name, wrong)
        return self._reader.whole(info)

    def head(self, name: str, count: int) -> bytes:
        """The first `count` bytes of a member, or all if it has fewer; the CRC is not checked."""
        return self._reader.head(self._info(name), count)

    def chunks(self, name: str) -> Iterator[bytes]:
        """The bytes of a member in order, about a MiB at a time.

        Raises InvalidWheel; what was yielded is proven right only when the iterator has ended.
        """
        return self._reader.chunks(self._info(name))

    @contextlib.contextmanager
    def contents(self, name: str) -> Iterator[bytes | mmap.mmap]:
        """All bytes of a member, above SPOOL_SIZE as a map of a temporary file.

        Raises InvalidWheel, and OSError where there is no room for the temporary file.
        """
        if self._reader.checked(self._info(name)).file_size <= SPOOL_SIZE:
            yield self.read(name, limit=SPOOL_SIZE)
            return
        with tempfile.TemporaryFile() as spool:
            for piece in self.chunks(name):
                spool.write(piece)
            spool.flush()
            view = mmap.mmap(spool.fileno(), 0, access=mmap.ACCESS_READ)
            try:
                yield view
            finally:
                with contextlib.suppress(BufferError):  # a slice is still held; freed with it
                    view.close()

    @cached_property
    def _members_by_name(self) -> dict[str, Member]:
        return {member.name: member for member in self.members}

    def _headers(self, file_name: str) -> email.message.Message:
        text = self.read(f"{self.dist_info}/{file_name}").decode("utf-8", errors="replace")
        return email.parser.HeaderParser().parsestr(text)

    def _info(self, name: str) -> zipfile.ZipInfo:
        info = self._infos.get(name)
        if info is None:
            raise InvalidWheel(self.name, f"no member {name!r}")
        return info

    def _check_names(self) -> None:
        if len(self._infos) != len(self._zip.infolist()):
            raise InvalidWheel(self.name, "two members have the same name")
        for name, info in self._infos.items():
            if _is_unsafe(name) or (info.orig_filename != name and _is_unsafe(info.orig_filename)):
                raise InvalidWheel(self.name, f"unsafe member name {info.orig_filename!r}")

    def _check_layout(self) -> None:
        """Each member ends before the next begins: overlapping ones are the way of zip bombs."""
        end = self._zip.start_dir
        for info in sorted(self._infos.values(), key=lambda info: -info.header_offset):
            size = LOCAL_HEADER.size + len(info.orig_filename) + info.compress_size
            if info.header_offset < 0 or info.header_offset + size > end:
                raise InvalidWheel(self.name, f"{info.filename!r} overlaps what follows it")
            end = info.header_offset

    def _find_dist_info(self) -> str:
        tops = {name.split("/", 1)[0] for name in self._infos if ".dist-info/" in name}
        found = sorted(top for top in tops if top.endswith(".dist-info"))
        if len(found) > 1:
            raise InvalidWheel(self.name, f"more than one .dist-info: {', '.join(found)}")
        if not found or not self.has(f"{found[0]}/RECORD"):
            raise InvalidWheel(self.name, "no .dist-info directory with a RECORD")
        return found[0]


def _is_unsafe(name: str) -> bool:
    # What makes a name unsafe that is neither empty nor absolute; far sooner found than the
    # expression fails.
    may_be = ".." in name or ":" in name or "\\" in name or "\0" in name
    return (may_be or name[:1] in ("", "/")) and _UNSAFE_NAME.search(name) is not None


def _why_not_opened(path: Path, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if path.is_dir():
        return "is a directory, not a wheel"
    # EINVAL: zipfile wanted to seek to before the start of a damaged archive.
    if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
        return f"cannot be opened: {error.strerror}"
    return f"is not a zip archive, or cut short ({error})"
