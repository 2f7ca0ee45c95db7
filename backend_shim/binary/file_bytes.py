"""The bytes of an object as they lie in its file: every read is checked, every name bounded."""

from __future__ import annotations

import mmap
from typing import TypeAlias

from backend_shim.errors import InvalidBinary

Buffer: TypeAlias = bytes | mmap.mmap | memoryview
"""A memoryview must be of single bytes."""


class FileBytes:
    """An object in the file `data`, from `start` on; offsets count from there.

    Reads are copies: a view left in a traceback would keep the caller from closing its mmap.
    """

    def __init__(self, data: Buffer, start: int = 0, size: int | None = None) -> None:
        self._data = bytes(data) if isinstance(data, memoryview) else data
        self.start = start
        self.size = len(data) - start if size is None else size

    def read(self, offset: int, size: int, what: str) -> bytes:
        """Return `size` bytes at `offset`; raises InvalidBinary unless the object has them."""
        if offset + size > self.size:
            raise InvalidBinary(f"{what}: {size} bytes at {offset} are not all in the file")
        offset += self.start
        return bytes(self._data[offset : offset + size])

    def string_table(self, table: bytes) -> StringTable:
        """Return `table` with a limit that no sound file reaches."""
        return StringTable(table, self.name_limit)

    @property
    def name_limit(self) -> int:
        """How many characters all names of one table may have together."""
        return 4 * self.size + 0x10000


class StringTable:
    """A string table, read as UTF-8.

    No format names an encoding; compilers write UTF-8. Bytes that are not become `\\xNN`: latin-1
    would garble real names, and surrogates could not be written as JSON.

    Names may overlap, so a small table can spell out an enormous number of characters; more than
    `limit` of them are refused.
    """

    def __init__(self, table: bytes, limit: int) -> None:
        self.text = table.decode("latin-1")  # one character per byte: offsets stay what they are
        self.is_ascii = table.isascii()
        self.left = limit

    def at(self, offset: int) -> str:
        """Return the string that begins at `offset`."""
        end = self.text.find("\0", offset)
        self.left -= end - offset
        if end < 0 or self.left < 0:
            raise self.refusal(end, offset)
        return self.decoded(self.text[offset:end])

    def all_at(self, offsets: list[int]) -> list[str]:
        """Return the strings that begin at `offsets`."""
        text, find = self.text, self.text.find
        # Where each has an end and needs no decoding, it takes a third of the time.
        if not (self.is_ascii and text[-1:] == "\0" and max(offsets, default=0) < len(text)):
            return [self.at(each) for each in offsets]
        found = [text[each : find("\0", each)] for each in offsets]
        self.left -= sum(map(len, found))
        if self.left < 0:
            raise self.refusal(0, 0)
        return found

    def decoded(self, raw: str) -> str:
        """Return `raw`, which was cut out of `text`, as UTF-8."""
        if self.is_ascii or raw.isascii():
            return raw
        return raw.encode("latin-1").decode("utf-8", "backslashreplace")

    def refusal(self, end: int, offset: int) -> InvalidBinary:
        """Return why no string from `offset` to `end` is handed out."""
        if end < 0:
            return InvalidBinary(f"no string ends behind offset {offset} of its string table")
        return InvalidBinary("the names overlap until they are far longer than the file")
