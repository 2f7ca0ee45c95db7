"""A wheel as an installer left it: its files in an environment, read where they lie."""

from __future__ import annotations

import base64
import contextlib
import email.message
import email.parser
import hashlib
import mmap
import os
import stat
import zlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, final

from backend_shim.errors import InvalidWheel
from backend_shim.wheel.archive import MAX_TEXT_SIZE, SPOOL_SIZE
from backend_shim.wheel.manifest import STRONG, Manifest

_CHUNK: Final = 1 << 20


class InstalledMember(NamedTuple):
    """One file of it, by its path in the wheel; its size in bytes."""

    name: str
    size: int
    is_dir: bool = False


@final
class InstalledWheel:
    """The files of one installed distribution, as an `OpenWheel`; no file stays open.

    Digests of its RECORD are those of the wheel that was installed: a file may have been changed
    since, and `is_as_recorded` reads it.
    """

    def __init__(
        self, *, name: str, dist_info: str, metadata: str, places: Mapping[str, Path],
        manifest: Manifest,
    ) -> None:  # fmt: skip
        """`places`: where the files lie, by their paths in the wheel; what is none is left out.

        `name` is for messages; `metadata` is the path of METADATA, or of PKG-INFO.
        """
        self.name = name
        self.dist_info = dist_info
        self.manifest = manifest
        self._metadata = metadata
        self._places = places
        self._members = {
            path: InstalledMember(path, status.st_size)
            for path, place in places.items()
            if (status := regular(place)) is not None
        }
        self.members = tuple(self._members.values())
        self._crc32: dict[str, int] = {}
        self._as_recorded: dict[str, bool] = {}

    def has(self, name: str) -> bool:
        return name in self._members

    def member(self, name: str) -> InstalledMember:
        member = self._members.get(name)
        if member is None:
            raise InvalidWheel(self.name, f"no file {name!r}")
        return member

    def crc32(self, name: str) -> int:
        """The CRC-32 of the bytes of now."""
        if name not in self._crc32:
            value = 0
            for piece in self._pieces(name):
                value = zlib.crc32(piece, value)
            self._crc32[name] = value
        return self._crc32[name]

    def is_as_recorded(self, name: str) -> bool:
        """Whether the bytes of now are those that RECORD has a digest of."""
        if name not in self._as_recorded:
            self._as_recorded[name] = self._has_digest(name, self.manifest.digest_of(name))
        return self._as_recorded[name]

    @cached_property
    def metadata(self) -> email.message.Message:
        return self._headers(self._metadata)

    @cached_property
    def wheel_file(self) -> email.message.Message:
        """The headers of WHEEL; none where there is no such file."""
        path = f"{self.dist_info}/WHEEL"
        return self._headers(path) if self.has(path) else email.message.Message()

    def read(self, name: str, *, limit: int = MAX_TEXT_SIZE) -> bytes:
        with self._opened(name) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise InvalidWheel(self.name, f"{name!r} has more than {limit} bytes")
        return data

    def head(self, name: str, count: int) -> bytes:
        with self._opened(name) as file:
            return file.read(count)

    @contextlib.contextmanager
    def contents(self, name: str) -> Iterator[bytes | mmap.mmap]:
        """All bytes of a file, above SPOOL_SIZE as a map of it."""
        if self.member(name).size <= SPOOL_SIZE:
            yield self.read(name, limit=SPOOL_SIZE)
            return
        with self._opened(name) as file:
            try:
                view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except (OSError, ValueError) as error:  # it has become empty
                raise self._unreadable(name, error) from error
            try:
                yield view
            finally:
                with contextlib.suppress(BufferError):  # a slice is still held; freed with it
                    view.close()

    def _has_digest(self, name: str, digest: str | None) -> bool:
        algorithm, _, wanted = (digest or "").partition("=")
        if algorithm not in STRONG or not self.has(name):
            return False
        found = hashlib.new(algorithm)
        for piece in self._pieces(name):
            found.update(piece)
        encoded = base64.urlsafe_b64encode(found.digest()).decode().rstrip("=")
        return encoded == wanted.rstrip("=")

    def _headers(self, name: str) -> email.message.Message:
        text = self.read(name).decode("utf-8", errors="replace")
        return email.parser.HeaderParser().parsestr(text)

    def _pieces(self, name: str) -> Iterator[bytes]:
        with self._opened(name) as file:
            while piece := file.read(_CHUNK):
                yield piece

    @contextlib.contextmanager
    def _opened(self, name: str) -> Iterator[BinaryIO]:
        """The file behind `name`, which may be a link (into the cache of an installer, say)."""
        self.member(name)
        try:
            with self._places[name].open("rb") as file:
                yield file
        except OSError as error:
            raise self._unreadable(name, error) from error

    def _unreadable(self, name: str, error: Exception) -> InvalidWheel:
        return InvalidWheel(self.name, f"{name!r} cannot be read: {error}")


def regular(place: Path) -> os.stat_result | None:
    """The status of the file at `place`, or behind the link there; None if it is no file."""
    try:
        status = place.stat()
    except (OSError, ValueError):
        return None
    return status if stat.S_ISREG(status.st_mode) else None
