"""Record packs written: shards first, then the index that names them."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from backend_shim.record.canonical import JSONValue, canonical_json
from backend_shim.record.names import SCHEMA_VERSION
from backend_shim.wheel.whole_files import replace_file
from resolver_check.sources.pack_directory import PackDirectory
from resolver_check.sources.published_record import PublishedRecord, is_too_long, record_line
from resolver_check.sources.record_packs import INDEX, LONGEST_PREFIX, SUFFIX, RecordPacks

# A request costs more than a megabyte: a plan asks for hardly fewer shards than there are.
_WHEELS_PER_SHARD: Final = 4096


def packs_in(directory: Path) -> RecordPacks | None:
    """The packs that are in `directory`; None where there are none. Raises SourceUnavailable."""
    place = PackDirectory(directory)
    return None if place.index() is None else RecordPacks(place)


def write_packs(
    directory: Path, new: Mapping[str, PublishedRecord], before: RecordPacks | None
) -> tuple[str, ...]:
    """Write the records `new`, by sha256 of their wheels, beside those of `before`.

    Returns the digests of records that no reader would take, which are left out. The same records
    give the same bytes. Shards of `before` that are in no use any more stay until the next time,
    for whoever is reading them.
    """
    lines = {digest: record_line(digest, record) for digest, record in new.items()}
    too_long = tuple(digest for digest, line in lines.items() if is_too_long(line))
    for digest in too_long:
        del lines[digest]
    digests = sorted({*lines, *(before.digests() if before else ())})
    length = _prefix_length(len(digests))
    directory.mkdir(parents=True, exist_ok=True)
    shards: dict[str, JSONValue] = {}
    names = {INDEX}
    for prefix, own in _by_prefix(digests, length).items():
        texts = [lines.get(each) or (before and before.line(each)) or b"" for each in own]
        data = gzip.compress(b"".join(texts), mtime=0)
        sha256 = hashlib.sha256(data).hexdigest()
        names.add(f"{sha256}{SUFFIX}")
        if not (directory / f"{sha256}{SUFFIX}").exists():
            replace_file(directory / f"{sha256}{SUFFIX}", data)
        shards[prefix] = {"sha256": sha256, "records": len(own)}
    index: JSONValue = {
        "schema_version": SCHEMA_VERSION, "prefix_length": length, "shards": shards,
    }  # fmt: skip
    replace_file(directory / INDEX, canonical_json(index))
    in_use = names | {f"{sha256}{SUFFIX}" for sha256 in (before.shards.values() if before else ())}
    for path in directory.glob(f"*{SUFFIX}"):
        if path.name not in in_use:
            path.unlink(missing_ok=True)
    return too_long


def _prefix_length(count: int) -> int:
    return next(
        (each for each in range(LONGEST_PREFIX) if count <= _WHEELS_PER_SHARD * 16**each),
        LONGEST_PREFIX,
    )


def _by_prefix(digests: list[str], length: int) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in digests:
        found.setdefault(each[:length], []).append(each)
    return found
