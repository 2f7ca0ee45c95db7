"""A remote file read in parts: what remotezip needs to read a wheel without downloading it.

A wheel's `.dist-info` and its directory lie at the end, so one range from there often is all.
Servers refuse each kind of range somewhere; tried in turn are the last bytes (`-N`), the same bytes
counted from the start with the size that the index states, and with the size that HEAD tells.
"""

from __future__ import annotations

import io

import remotezip  # type: ignore[import-untyped]

from resolver_check.errors import NotKept, SourceUnavailable
from resolver_check.sources.kept_answers import Part
from resolver_check.sources.transport import Transport
from resolver_check.sources.web_address import Origin, origin, shown

SMALL_WHEEL = 5_000_000
SMALL_TAIL = 64 * 1024
LARGE_TAIL = 256 * 1024
_FIRST_BLOCK = 256 * 1024
_LARGEST_BLOCK = 16 * 1024 * 1024
_LARGEST_DIRECTORY = 256 * 1024 * 1024


class RangesUnsupported(Exception):
    """The server gives whole files only; caught within this folder."""


class RangeHabits:
    """What servers turned out to refuse, so that each is asked once for what it does not do."""

    def __init__(self) -> None:
        self.without_suffix: set[Origin] = set()
        self.without_ranges: set[Origin] = set()


class RemoteFile:
    """The parts of one file; its `fetch` is the fetcher that RemoteZip takes. The tail is kept."""

    def __init__(
        self,
        transport: Transport,
        url: str,
        size: int | None,
        habits: RangeHabits,
        digest: str | None = None,
    ) -> None:
        """`size` and `digest` are those that the index states."""
        self._digest = digest
        self._transport = transport
        self._url = url
        self._size = size
        self._habits = habits
        self._tail_start = 0
        self._tail = b""

    @property
    def tail_length(self) -> int:
        """Bytes to ask for first: more where the directory is long, for a request costs most."""
        return SMALL_TAIL if (self._size or SMALL_WHEEL) < SMALL_WHEEL else LARGE_TAIL

    def fetch(
        self, wanted: tuple[int, int | None], stream: bool = False
    ) -> remotezip.PartialBuffer:
        """The last n bytes for `(-n, None)`; from `first` to `last` for `(first, last)`.

        With `stream` they are read as they are needed. Raises RangesUnsupported, SourceUnavailable.
        """
        first, last = wanted
        if last is None:
            self._read_tail(-first)
            first, last = self._tail_start, self._tail_start + len(self._tail) - 1
        length = last - first + 1
        if first < 0 or length <= 0:
            raise remotezip.OutOfBound(f"no such range: {first}-{last}")
        if stream:
            return remotezip.PartialBuffer(_Blocks(self, first, last), first, length, True)
        if length > _LARGEST_DIRECTORY:
            raise remotezip.OutOfBound(f"a directory of {length} bytes")
        return remotezip.PartialBuffer(io.BytesIO(self.between(first, last)), first, length, False)

    def between(self, first: int, last: int) -> bytes:
        """The bytes from `first` to `last`, both included; none of the tail is asked for again."""
        if first >= self._tail_start:
            return self._tail[first - self._tail_start : last - self._tail_start + 1]
        gap_end = min(last, self._tail_start - 1)
        part = self._ask(f"{first}-{gap_end}", gap_end - first + 1, first)
        if part.body is None:
            raise SourceUnavailable(shown(self._url), "the server stopped answering ranges")
        return part.body + self._tail[: max(0, last - self._tail_start + 1)]

    def _read_tail(self, length: int) -> None:
        part = self._suffix(length)
        if part is None and self._size is not None:
            part = self._absolute(length, self._size)
        if part is None and (told := self._transport.size(self._url)) is not None:
            part = self._absolute(length, told)
        if part is None or part.body is None:
            self._habits.without_ranges.add(origin(self._url))
            raise RangesUnsupported(self._url)
        self._tail_start, self._tail = part.first, part.body

    def _suffix(self, length: int) -> Part | None:
        """The last bytes, or None where the server does not know ranges that count from the end."""
        if origin(self._url) in self._habits.without_suffix:
            return None
        try:
            part = self._ask(f"-{length}", length)
        except NotKept:  # Perhaps it was asked for in another way.
            return None
        if part.refused:
            self._habits.without_suffix.add(origin(self._url))
            return None
        return part

    def _absolute(self, length: int, size: int) -> Part | None:
        first = max(0, size - length)
        try:
            # Kept as the tail, which is looked for before the size is known.
            part = self._ask(f"{first}-{size - 1}", size - first, first, kept_as=f"-{length}")
        except NotKept:
            return None
        return None if part.refused else part

    def _ask(
        self, wanted: str, length: int, first: int | None = None, *, kept_as: str | None = None
    ) -> Part:
        """The bytes `wanted`: `length` from `first`, or at most the last `length`.

        They are kept if the index states the digest of the file, once all else fits; offline these
        are what the server said last. Online it is asked: no part can be held against the digest,
        and a server that gave another file once would be believed for good.
        """
        kept_as = kept_as or wanted
        kept = None
        if self._transport.is_offline:
            kept = self._transport.kept.part(self._url, self._digest, kept_as, length)
        part = kept or self._transport.part(self._url, wanted, limit=length)
        if part.body is None:
            return part
        if part.total is not None:
            if self._size is None:
                self._size = part.total
            elif part.total != self._size:
                wrong = f"the file has {part.total} bytes and not {self._size}"
                raise SourceUnavailable(shown(self._url), wrong)
        if first is None:
            is_right = part.total in (None, part.first + len(part.body))
        else:
            is_right = (part.first, len(part.body)) == (first, length)
        if not is_right:
            raise SourceUnavailable(shown(self._url), "the server gave another range than asked")
        if kept is None:
            self._transport.kept.keep_part(self._url, self._digest, kept_as, part)
        return part


class _Blocks(io.RawIOBase):
    """A range read forwards in growing blocks: the head of a large member costs one small one."""

    def __init__(self, file: RemoteFile, first: int, last: int) -> None:
        self._file = file
        self._position = 0
        self._next = first
        self._last = last
        self._size = _FIRST_BLOCK
        self._block = b""
        self._used = 0

    def tell(self) -> int:
        return self._position

    def read(self, size: int = -1, /) -> bytes:
        pieces = []
        missing = size if size >= 0 else self._last + 1
        while missing > 0 and (self._used < len(self._block) or self._fill()):
            piece = self._block[self._used : self._used + missing]
            self._used += len(piece)
            missing -= len(piece)
            pieces.append(piece)
        found = b"".join(pieces)
        self._position += len(found)
        return found

    def _fill(self) -> bool:
        """Gets the next block; False at the end of the range or of the file."""
        if self._next > self._last:
            return False
        end = min(self._last, self._next + self._size - 1)
        self._block, self._used = self._file.between(self._next, end), 0
        self._next = end + 1
        self._size = min(self._size * 4, _LARGEST_BLOCK)
        return bool(self._block)
