"""Wheels behind HTTP: a few members by ranges, or the whole file through the cache."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from email.parser import HeaderParser
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import IO

import remotezip  # type: ignore[import-untyped]
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from backend_shim.errors import InvalidWheel
from backend_shim.wheel.archive import WheelArchive
from resolver_check.errors import DigestMismatch, NotKept, SourceUnavailable
from resolver_check.sources.byte_ranges import RangeHabits, RangesUnsupported, RemoteFile
from resolver_check.sources.published_record import PublishedRecord
from resolver_check.sources.record_sidecars import read_sidecars
from resolver_check.sources.transport import Transport
from resolver_check.sources.web_address import origin, shown
from resolver_check.sources.wheel_cache import WheelCache
from resolver_check.wheel_reference import WheelReference

_LARGEST_WHEEL = 8 * 1024**3
_LARGEST_METADATA = 16 * 1024**2
# Nothing there, or not for you: object stores answer 403 for what they do not have. Whatever keeps
# the sidecar back, the wheel itself is asked next, and its answer counts.
_NO_SIDECAR = frozenset(range(400, 600))
_DAMAGE = (
    zipfile.BadZipFile,
    remotezip.RemoteZipError,
    struct.error,
    EOFError,
    LookupError,
    NotImplementedError,
    OverflowError,
    ValueError,
)


class RemoteWheels:
    """Reads the wheels that references with http(s) locations point to."""

    def __init__(self, transport: Transport, cache: WheelCache) -> None:
        self._transport = transport
        self._cache = cache
        self._habits = RangeHabits()

    @contextmanager
    def open(self, reference: WheelReference) -> Iterator[WheelArchive]:
        """The wheel, each member read when it is needed; the cached file where there is one."""
        cached = self._cached(reference)
        remote = None if cached else self._remote_zip(reference)
        if remote is None:
            with WheelArchive.open(cached or self.fetch(reference)) as wheel:
                yield wheel
            return
        try:
            with remote, WheelArchive(remote, reference.filename) as wheel:
                yield wheel
        except (remotezip.RemoteZipError, zipfile.BadZipFile) as error:
            raise InvalidWheel(reference.filename, f"is damaged ({error})") from error
        except RangesUnsupported as error:
            wrong = "the server stopped answering ranges"
            raise SourceUnavailable(shown(reference.location), wrong) from error

    def fetch(self, reference: WheelReference) -> Path:
        """The whole wheel in the cache; it stays there until so much else was fetched after it."""
        cached = self._cached(reference)
        if cached is not None:
            return cached
        location = shown(reference.location)

        def write(file: IO[bytes]) -> None:
            limit = _LARGEST_WHEEL if reference.size is None else reference.size
            self._transport.download(reference.location, file, limit=limit)
            if reference.size is not None and file.tell() != reference.size:
                wrong = f"has {file.tell()} bytes and not {reference.size}"
                raise DigestMismatch(location, wrong)

        return self._cache.store(location, reference.filename, reference.digest, write)

    def core_metadata(self, reference: WheelReference) -> Message:
        """METADATA from beside the wheel (PEP 658), asked for unless the index says there is none.

        Indexes serve it without saying so, and for some files only.
        """
        if reference.metadata_available is not False and self._cached(reference) is None:
            metadata = self._sidecar(reference)
            if metadata is not None:
                return metadata
        with self.open(reference) as wheel:
            return wheel.metadata

    def published(self, reference: WheelReference) -> PublishedRecord | None:
        """The wheel's own record from beside it; None where that cannot be had or used so."""
        if self._cached(reference) is not None:
            return None
        return read_sidecars(reference, self._read_sidecar)

    def _read_sidecar(self, reference: WheelReference, suffix: str, digest: str) -> bytes:
        url, name = f"{reference.location}{suffix}", f"{reference.filename}{suffix}"
        path = self._cache.checked(
            shown(url),
            name,
            digest,
            lambda file: self._transport.download(url, file, limit=_LARGEST_METADATA),
        )
        try:
            return path.read_bytes()
        except OSError as error:  # Another process has just made room in the cache.
            raise SourceUnavailable(str(path), error.strerror or str(error)) from error

    def _sidecar(self, reference: WheelReference) -> Message | None:
        url = f"{reference.location}.metadata"
        try:
            answer = self._transport.get(
                url, accept="*/*", limit=_LARGEST_METADATA, tolerated=_NO_SIDECAR
            )
        except NotKept:
            return None
        if answer.status != HTTPStatus.OK:
            return None
        stated = reference.metadata_digest
        if stated is not None and (found := sha256(answer.body).hexdigest()) != stated:
            raise DigestMismatch(shown(url), f"has sha256 {found} and not {stated}")
        # Without a digest the answer can be anything, such as a page that says "not found".
        metadata = HeaderParser().parsestr(answer.body.decode("utf-8", errors="replace"))
        return metadata if _describes(metadata, reference) else None

    def _cached(self, reference: WheelReference) -> Path | None:
        if reference.digest is None:
            return None
        return self._cache.find(reference.digest, reference.filename)

    def _remote_zip(self, reference: WheelReference) -> zipfile.ZipFile | None:
        """The wheel behind ranges, its directory read; None where the server does not do ranges."""
        if origin(reference.location) in self._habits.without_ranges:
            return None
        file = RemoteFile(
            self._transport, reference.location, reference.size, self._habits, reference.digest
        )
        try:
            opened: zipfile.ZipFile = remotezip.RemoteZip(
                reference.location,
                initial_buffer_size=file.tail_length,
                fetcher=lambda *_, **__: file,
            )
        except RangesUnsupported:
            return None
        except _DAMAGE as error:
            wrong = f"is not a zip archive ({error or type(error).__name__})"
            raise InvalidWheel(reference.filename, wrong) from error
        return opened


def _describes(metadata: Message, reference: WheelReference) -> bool:
    try:
        version = Version(metadata.get("Version", ""))
    except InvalidVersion:
        return False
    name = canonicalize_name(metadata.get("Name", ""))
    return "Metadata-Version" in metadata and (name, version) == (reference.name, reference.version)
