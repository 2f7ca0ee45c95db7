"""Record packs: what is published of many wheels, in few files for any static host.

    index.json                {"schema_version", "prefix_length", "shards": {prefix: {"sha256", …}}}
    <sha256>.jsonl.gz         a shard: one line for each wheel (`published_record.record_line`)

A wheel is in the shard of the first `prefix_length` hex digits of its sha256. Shards are named by
their content, so that whoever reads while they are written anew has an index that fits.
"""

from __future__ import annotations

import gzip
import re
import shutil
import tempfile
import threading
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, Protocol

from backend_shim.errors import InvalidRecord
from backend_shim.record.decoding import (
    MAX_BYTES,
    as_object,
    check_schema_version,
    decode_json,
    get_int,
    get_object,
    get_str,
)
from resolver_check.errors import SourceUnavailable
from resolver_check.sources.published_record import (
    PublishedRecord,
    digest_of_line,
    record_of_line,
)

INDEX: Final = "index.json"
SUFFIX: Final = ".jsonl.gz"
LONGEST_PREFIX: Final = 4
LARGEST_SHARD: Final = 512 * 1024**2
"""Bytes, deflated or not; five times 4096 records of 25 KB, as binaries with much ABI have them."""
_LEAST_COUNTED: Final = 1024
"""Bytes that a line counts for at least: where it lies is kept in memory, however short it is."""
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_PREFIX: Final = re.compile(r"[0-9a-f]*")


class PackPlace(Protocol):
    """Where packs lie. Every method may raise SourceUnavailable."""

    @property
    def location(self) -> str:
        """For people."""

    def index(self) -> bytes | None:
        """The index; None where there is none."""

    def shard(self, digest: str) -> Path:
        """The shard with that sha256, which it has, as a local file."""

    def close(self) -> None:
        """Let go of connections; the place may still be used."""


class RecordPacks:
    """The records of one place; threads may share it. Each shard is read once, when it is needed.

    Lines are kept in a temporary file: records of a million wheels would not fit into memory.
    Raises SourceUnavailable where there is no index, or one that cannot be read.
    """

    def __init__(self, place: PackPlace) -> None:
        self._place = place
        self.prefix_length, self.shards = _read_index(place)
        """Digests of the shards by prefix."""
        self._spool: IO[bytes] | None = None
        self._lines: dict[str, tuple[int, int]] = {}
        self._writing = threading.Lock()
        self._loading = {prefix: threading.Lock() for prefix in self.shards}
        self._loaded: dict[str, SourceUnavailable | None] = {}

    def find(self, digest: str) -> PublishedRecord | None:
        """The record of the wheel with that sha256; one that cannot be used counts as absent.

        Raises SourceUnavailable where its shard cannot be read.
        """
        line = self.line(digest)
        if line is not None:
            with suppress(InvalidRecord):
                return record_of_line(line)
        return None

    def line(self, digest: str) -> bytes | None:
        """The line of that wheel. Raises SourceUnavailable."""
        self._load(digest[: self.prefix_length])
        with self._writing:
            if self._spool is None or digest not in self._lines:
                return None
            start, length = self._lines[digest]
            self._spool.seek(start)
            return self._spool.read(length)

    def digests(self) -> Iterator[str]:
        """Of all wheels, after reading every shard. Raises SourceUnavailable."""
        for prefix in self.shards:
            self._load(prefix)
        yield from sorted(self._lines)

    def close(self) -> None:
        """Lets go of the temporary file and of connections; what is asked next is read anew."""
        with self._writing:
            if self._spool is not None:
                self._spool.close()
            self._spool = None
            self._lines.clear()
            self._loaded.clear()
        self._place.close()

    def _load(self, prefix: str) -> None:
        if prefix not in self.shards:
            return
        with self._loading[prefix]:
            if prefix not in self._loaded:
                self._loaded[prefix] = None
                try:
                    self._read_shard(prefix)
                except SourceUnavailable as error:
                    self._loaded[prefix] = error
        failed = self._loaded[prefix]
        if failed is not None:
            raise failed

    def _read_shard(self, prefix: str) -> None:
        path = self._place.shard(self.shards[prefix])
        try:
            # Of its own: other threads write, too, and of a shard that is damaged nothing is kept.
            with gzip.open(path) as shard, tempfile.TemporaryFile() as inflated:
                self._keep(inflated, _copy_lines(shard, inflated, path, prefix))
        except (OSError, EOFError, zlib.error) as error:
            raise SourceUnavailable(str(path), f"cannot be read ({error})") from error

    def _keep(self, inflated: IO[bytes], lines: dict[str, tuple[int, int]]) -> None:
        with self._writing:
            if self._spool is None:
                self._spool = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
            end = self._spool.seek(0, 2)
            inflated.seek(0)
            shutil.copyfileobj(inflated, self._spool)
            for digest, (start, length) in lines.items():
                self._lines[digest] = end + start, length


def _copy_lines(
    shard: gzip.GzipFile, inflated: IO[bytes], path: Path, prefix: str
) -> dict[str, tuple[int, int]]:
    """Writes the lines of `shard`, and returns where each begins and its length, by its digest.

    Raises SourceUnavailable of `path` where they are not those of `prefix`, or too many.
    """
    found: dict[str, tuple[int, int]] = {}
    start = counted = 0
    while line := shard.readline(MAX_BYTES + 1):
        counted += max(len(line), _LEAST_COUNTED)
        digest = digest_of_line(line)
        if not (_DIGEST.fullmatch(digest) and digest.startswith(prefix)):
            raise SourceUnavailable(str(path), "is no shard of these record packs")
        if len(line) > MAX_BYTES or counted > LARGEST_SHARD:
            raise SourceUnavailable(str(path), "has too much in it")
        inflated.write(line)
        found[digest] = start, len(line)
        start += len(line)
    return found


def _read_index(place: PackPlace) -> tuple[int, dict[str, str]]:
    data = place.index()
    if data is None:
        raise SourceUnavailable(place.location, f"has no record packs ({INDEX} is missing)")
    try:
        table = as_object(decode_json(data), "$")
        check_schema_version(table)
        length = get_int(table, "prefix_length", "$")
        shards = get_object(table, "shards", "$")
        digests = {
            prefix: get_str(as_object(each, f"$.shards.{prefix}"), "sha256", f"$.shards.{prefix}")
            for prefix, each in shards.items()
        }
    except InvalidRecord as error:
        raise SourceUnavailable(place.location, f"is no index of record packs: {error}") from error
    is_right = 0 <= length <= LONGEST_PREFIX and all(
        len(prefix) == length and _PREFIX.fullmatch(prefix) and _DIGEST.fullmatch(digest)
        for prefix, digest in digests.items()
    )
    if not is_right:
        raise SourceUnavailable(place.location, "is no index of record packs")
    return length, digests
