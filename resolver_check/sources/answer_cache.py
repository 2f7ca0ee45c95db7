"""Answers of servers, kept so that they need not be sent twice, and are there without a network."""

from __future__ import annotations

import hashlib
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Final

from backend_shim.errors import InvalidRecord
from backend_shim.record.canonical import JSONValue, canonical_json
from backend_shim.record.decoding import JSONObject, as_object, decode_json, get_object, get_str
from resolver_check.sources.bounded_files import BoundedFiles
from resolver_check.sources.wheel_cache import cache_directory

DEFAULT_LIMIT: Final = 2 * 1024**3
"""Bytes."""
# To count the files of one part takes a part of the time.
_PARTS: Final = "0123456789abcdef"
_LONGEST_FACTS: Final = 64 * 1024


class AnswerCache:
    """Files `answers/<x>/<sha256 of a key>` below a directory, which any number of processes share.

    A file is a line of JSON and the body, deflated. One that does not have the digest in it, or is
    larger than it may be, is not there. Nobody else may read them: pages can be of an index that
    asks for a password. Neither this nor a URL's query is ever in one.
    """

    def __init__(self, directory: Path, limit: int = DEFAULT_LIMIT) -> None:
        self._parts = {
            part: BoundedFiles(directory / "answers" / part, limit // len(_PARTS))
            for part in _PARTS
        }

    @classmethod
    def of_user(cls) -> AnswerCache:
        """The one below `cache_directory`."""
        return cls(cache_directory())

    def find(self, key: str, limit: int) -> tuple[JSONObject, bytes] | None:
        """The facts and the body stored under `key`; None if there is none of `limit` bytes."""
        name, part = self._place(key)
        path = part.directory / name
        if not part.use(path):
            return None
        try:
            with path.open("rb") as file:
                head = file.readline(_LONGEST_FACTS)
                packed = file.read(limit + _LONGEST_FACTS)
            table = as_object(decode_json(head), "$")
            facts = get_object(table, "facts", "$")
            inflating = zlib.decompressobj()
            body = inflating.decompress(packed, limit + 1)
            is_whole = inflating.eof and len(body) <= limit
            if is_whole and get_str(table, "sha256", "$") == _digest(name, facts, body):
                return dict(facts), body
        except (OSError, InvalidRecord, zlib.error):
            pass
        return None

    def store(self, key: str, facts: dict[str, JSONValue], body: bytes) -> None:
        """Keep it, where the disk has room; without a cache all goes on."""
        name, part = self._place(key)
        table: dict[str, JSONValue] = {"facts": facts, "sha256": _digest(name, facts, body)}
        head = canonical_json(table)
        if len(head) > _LONGEST_FACTS:
            return
        with suppress(OSError), part.unfinished() as (file, unfinished):
            file.write(head + zlib.compress(body, 1))
            file.close()
            part.keep(unfinished, part.directory / name)

    def _place(self, key: str) -> tuple[str, BoundedFiles]:
        name = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        return name, self._parts[name[0]]


def _digest(name: str, facts: JSONObject, body: bytes) -> str:
    """Of all that a file holds and of its name, so that none passes for another."""
    return hashlib.sha256(name.encode() + canonical_json(dict(facts)) + body).hexdigest()
