"""Record packs: written, read back, damaged."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from packaging.version import Version

from backend_shim.errors import InvalidRecord
from backend_shim.record.fingerprint import AbiFingerprint, Generator, UnreadObject
from resolver_check.errors import SourceUnavailable
from resolver_check.sources import pack_writing, record_packs
from resolver_check.sources.pack_directory import PackDirectory
from resolver_check.sources.pack_url import PackUrl
from resolver_check.sources.pack_writing import packs_in, write_packs
from resolver_check.sources.published_record import (
    PublishedRecord,
    digest_of_line,
    record_line,
    record_of_line,
)
from resolver_check.sources.record_packs import INDEX, RecordPacks
from resolver_check.wheel_reference import SkippedFile, WheelReference, parse
from tests.backend_shim.record.example_inputs import INPUTS
from tests.support.static_site import StaticSite

PURE = AbiFingerprint(generator=Generator(), is_purelib=True)


def record(name: str = "demo", **more: object) -> PublishedRecord:
    fields = {
        "name": name, "version": "1.0", "requirements": ("other>=1",), "recorded": PURE,
        "binding_names": frozenset({name}), "modules": frozenset({name, f"{name}.inner"}),
        "derived": None, "build_inputs": INPUTS, **more,
    }  # fmt: skip
    return PublishedRecord(**fields)  # type: ignore[arg-type]


def digest(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def many(count: int, first: int = 0) -> dict[str, PublishedRecord]:
    return {digest(each): record(f"demo-{each}") for each in range(first, first + count)}


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def found(directory: Path, *digests: str) -> list[PublishedRecord | None]:
    packs = RecordPacks(PackDirectory(directory))
    try:
        return [packs.find(each) for each in digests]
    finally:
        packs.close()


def test_a_line_is_read_back() -> None:
    derived = AbiFingerprint(
        generator=Generator(), is_purelib=False, unread=(UnreadObject(path="a.so", why="no"),)
    )
    for each in (record(), record(recorded=None, derived=derived, build_inputs=None, modules=None)):
        line = record_line(digest(1), each)
        assert (line.count(b"\n"), line[-1:]) == (1, b"\n")
        assert digest_of_line(line) == digest(1)
        assert record_of_line(line) == each


def test_no_beginning_of_a_line_is_one() -> None:
    line = record_line(digest(1), record()).rstrip()
    for end in range(len(line)):
        with pytest.raises(InvalidRecord):
            record_of_line(line[:end])


def test_mutated_lines_are_read_or_refused() -> None:
    line = record_line(digest(1), record())
    chance = random.Random(1)
    for _ in range(500):
        mutated = bytearray(line)
        for _ in range(chance.randint(1, 4)):
            mutated[chance.randrange(len(mutated))] = chance.randrange(256)
        try:
            record_of_line(bytes(mutated))
        except InvalidRecord:
            continue


def test_a_line_without_a_fingerprint_is_refused() -> None:
    with pytest.raises(InvalidRecord, match="has no fingerprint"):
        record_of_line(record_line(digest(1), record(recorded=None)))


def reference(filename: str) -> WheelReference:
    read = parse(filename, location="https://x.invalid/")
    assert not isinstance(read, SkippedFile)
    return read


def test_a_record_describes_its_release_only() -> None:
    wheel = reference("demo-1-py3-none-any.whl")
    assert wheel.version == Version("1.0")
    assert record().describes(wheel)
    assert not record("other").describes(wheel)
    assert not record(version="1.1").describes(wheel)
    assert not record(version="one").describes(wheel)


def test_packs_are_read_back(tmp_path: Path) -> None:
    records = many(40)
    assert write_packs(tmp_path, records, None) == ()
    assert found(tmp_path, *records) == [*records.values()]
    assert found(tmp_path, digest(99)) == [None]


def test_shards_are_of_bounded_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack_writing, "_WHEELS_PER_SHARD", 4)
    records = many(40)
    write_packs(tmp_path, records, None)
    assert json.loads((tmp_path / INDEX).read_text())["prefix_length"] == 1
    assert len(list(tmp_path.glob("*.gz"))) > 8
    assert found(tmp_path, *records) == [*records.values()]
    packs = RecordPacks(PackDirectory(tmp_path))
    packs.find(digest(1))
    assert len(packs._loaded) == 1
    assert list(packs.digests()) == sorted(records)
    packs.close()


def test_records_come_to_those_that_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack_writing, "_WHEELS_PER_SHARD", 4)
    both = tmp_path / "both"
    for records in (many(3), many(20, first=3), {digest(0): record("another")}):
        before = packs_in(both)
        write_packs(both, records, before)
        if before:
            before.close()
    one = tmp_path / "one"
    write_packs(one, {**many(23), digest(0): record("another")}, None)
    assert contents(one).items() <= contents(both).items()
    # What was in use until now stays for whoever is reading it, and goes the next time.
    before = packs_in(both)
    assert before is not None
    write_packs(both, {}, before)
    before.close()
    assert contents(one) == contents(both)


def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    records = many(5)
    write_packs(tmp_path / "a", records, None)
    write_packs(tmp_path / "b", dict(reversed(records.items())), None)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_a_record_that_no_reader_takes_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolver_check.sources.published_record.MAX_BYTES", 5000)
    long = record(requirements=tuple(f"other=={each}" for each in range(1000)))
    assert write_packs(tmp_path, {digest(1): long, digest(2): record()}, None) == (digest(1),)
    assert found(tmp_path, digest(1), digest(2)) == [None, record()]


@pytest.mark.parametrize("damage", ["cut", "changed", "gone", "of another"])
def test_a_damaged_shard_is_an_error(tmp_path: Path, damage: str) -> None:
    write_packs(tmp_path, many(3), None)
    (shard,) = tmp_path.glob("*.gz")
    data = shard.read_bytes()
    if damage == "gone":
        shard.unlink()
    else:
        broken = {"cut": data[:-9], "changed": data[:-1] + b"!", "of another": gzip.compress(b"")}
        shard.write_bytes(broken[damage])
    packs = RecordPacks(PackDirectory(tmp_path))
    for _ in range(2):
        with pytest.raises(SourceUnavailable):
            packs.find(digest(1))
    packs.close()


@pytest.mark.parametrize(
    "content",
    [b"", b"no line\n", b'["' + b"f" * 64 + b'"]\n', b"\0" * 100],
    ids=["nothing", "text", "of another shard", "zeros"],
)
def test_a_shard_with_a_right_digest_and_wrong_lines(tmp_path: Path, content: bytes) -> None:
    data = gzip.compress(content)
    name = hashlib.sha256(data).hexdigest()
    (tmp_path / f"{name}.jsonl.gz").write_bytes(data)
    index = {"schema_version": "0.1", "prefix_length": 1, "shards": {"0": {"sha256": name}}}
    (tmp_path / INDEX).write_text(json.dumps(index))
    packs = RecordPacks(PackDirectory(tmp_path))
    if content:
        with pytest.raises(SourceUnavailable, match="is no shard"):
            packs.find("0" * 64)
    else:
        assert packs.find("0" * 64) is None
    packs.close()


@pytest.mark.parametrize("form", ["deflated garbage", "not deflated"])
def test_what_cannot_be_inflated(tmp_path: Path, form: str) -> None:
    data = b"text" if form == "not deflated" else gzip.compress(b"x" * 1000)[:20]
    name = hashlib.sha256(data).hexdigest()
    (tmp_path / f"{name}.jsonl.gz").write_bytes(data)
    index = {"schema_version": "0.1", "prefix_length": 0, "shards": {"": {"sha256": name}}}
    (tmp_path / INDEX).write_text(json.dumps(index))
    packs = RecordPacks(PackDirectory(tmp_path))
    with pytest.raises(SourceUnavailable, match="cannot be read"):
        packs.find("0" * 64)
    packs.close()


def test_a_shard_that_inflates_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_packs(tmp_path, many(5), None)
    monkeypatch.setattr(record_packs, "LARGEST_SHARD", 1000)
    packs = RecordPacks(PackDirectory(tmp_path))
    with pytest.raises(SourceUnavailable, match="too much"):
        packs.find(digest(1))
    packs.close()


def write_one_shard(directory: Path, content: bytes) -> None:
    data = gzip.compress(content)
    name = hashlib.sha256(data).hexdigest()
    (directory / f"{name}.jsonl.gz").write_bytes(data)
    index = {"schema_version": "0.1", "prefix_length": 0, "shards": {"": {"sha256": name}}}
    (directory / INDEX).write_text(json.dumps(index))


def test_a_shard_of_too_many_lines_however_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where each line lies is kept in memory."""
    monkeypatch.setattr(record_packs, "LARGEST_SHARD", 10_000)
    write_one_shard(tmp_path, b"".join(b'["%s"]\n' % digest(each).encode() for each in range(10)))
    with pytest.raises(SourceUnavailable, match="too much"):
        found(tmp_path, digest(1))


def test_a_shard_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    megabyte = 1 << 20
    lines = (b'["%s"' % digest(each).encode() for each in range(32))
    write_one_shard(tmp_path, b"".join(each.ljust(megabyte - 1) + b"\n" for each in lines))
    packs = RecordPacks(PackDirectory(tmp_path))
    tracemalloc.start()
    try:
        line = packs.line(digest(31))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        packs.close()
    assert line is not None
    assert (len(line), digest_of_line(line)) == (megabyte, digest(31))
    assert peak < 16 * megabyte


def test_a_record_that_is_wrong_counts_as_absent(tmp_path: Path) -> None:
    line = record_line(digest(1), record()).replace(b'"is_purelib":true', b'"is_purelib":"yes"')
    assert b'"yes"' in line
    write_one_shard(tmp_path, line)
    assert found(tmp_path, digest(1)) == [None]


@pytest.mark.parametrize(
    "change",
    [
        {"schema_version": "0.2"},
        {"prefix_length": 5},
        {"prefix_length": -1},
        {"prefix_length": "0"},
        {"shards": []},
        {"shards": {"": {"sha256": "../../secret"}}},
        {"shards": {"ab": {"sha256": "0" * 64}}},
        {"shards": {"": "0"}},
    ],
    ids=str,
)
def test_an_index_that_is_none_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    write_packs(tmp_path, many(1), None)
    index = json.loads((tmp_path / INDEX).read_text()) | change
    (tmp_path / INDEX).write_text(json.dumps(index))
    with pytest.raises(SourceUnavailable, match="is no index of record packs"):
        RecordPacks(PackDirectory(tmp_path))
    with pytest.raises(SourceUnavailable):
        packs_in(tmp_path)


def test_threads_read_each_shard_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack_writing, "_WHEELS_PER_SHARD", 4)
    records = many(60)
    write_packs(tmp_path / "records", records, None)
    with StaticSite(tmp_path) as site, ThreadPoolExecutor(8) as pool:
        packs = RecordPacks(PackUrl(f"{site.origin}/records/"))
        assert list(pool.map(packs.find, records)) == [*records.values()]
        shards = json.loads((tmp_path / "records" / INDEX).read_text())["shards"]
        assert len(site.requests) == 1 + len(shards)
        packs.close()
        # From the cache of downloads, which has them by their digest.
        again = RecordPacks(PackUrl(f"{site.origin}/records"))
        assert [*map(again.find, records)] == [*records.values()]
        assert len(site.requests) == 2 + len(shards)
        again.close()
