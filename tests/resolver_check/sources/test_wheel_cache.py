"""The cache of downloaded wheels: whole files only, by digest, and never too many."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import IO

import pytest

from resolver_check.errors import DigestMismatch, SourceUnavailable
from resolver_check.sources.wheel_cache import WheelCache

NAME = "alpha-1.0-py3-none-any.whl"


def store(cache: WheelCache, content: bytes, digest: str | None = None) -> Path:
    def write(file: IO[bytes]) -> None:
        file.write(content)

    return cache.store("http://here/", NAME, digest, write)


def files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())


def test_a_file_lies_under_its_digest_and_its_own_name(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"content").hexdigest()
    path = store(WheelCache(tmp_path), b"content", digest)
    assert path == tmp_path / "wheels" / digest / NAME
    assert path.read_bytes() == b"content"
    assert WheelCache(tmp_path).find(digest, NAME) == path
    assert WheelCache(tmp_path).find("0" * 64, NAME) is None


def test_without_a_digest_the_file_lies_under_the_one_it_has(tmp_path: Path) -> None:
    assert store(WheelCache(tmp_path), b"content").parent.name.startswith("ed7002b4")


def test_a_wrong_digest_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DigestMismatch, match="http://here/: has sha256 ed7002b4"):
        store(WheelCache(tmp_path), b"content", "0" * 64)
    assert files(tmp_path) == []


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(file: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        WheelCache(tmp_path).store("http://here/", NAME, None, fail)
    assert files(tmp_path) == []


def test_files_longest_not_used_make_room(tmp_path: Path) -> None:
    cache = WheelCache(tmp_path, limit=1000)
    paths = [store(cache, bytes([number]) * 300) for number in range(3)]
    for age, path in zip((30, 20, 10), paths, strict=True):
        os.utime(path, (time.time() - age, time.time() - age))
    assert cache.find(paths[0].parent.name, NAME) == paths[0]
    newest = store(cache, b"new" * 100)
    assert files(tmp_path) == sorted([paths[0], paths[2], newest])
    assert not paths[1].parent.exists()


def test_a_file_beyond_the_limit_is_kept_alone(tmp_path: Path) -> None:
    cache = WheelCache(tmp_path, limit=100)
    store(cache, b"x" * 90)
    large = store(cache, b"y" * 1000)
    assert files(tmp_path) == [large]


def test_the_limit_counts_what_other_processes_stored(tmp_path: Path) -> None:
    for number in range(20):
        store(WheelCache(tmp_path, limit=1000), bytes([number]) * 100)
        assert sum(path.stat().st_size for path in files(tmp_path)) <= 1000


def test_what_a_killed_download_left_goes_after_a_day(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    old, new = tmp_path / "wheels" / "a.part", tmp_path / "wheels" / "b.part"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 90_000, time.time() - 90_000))
    kept = store(WheelCache(tmp_path, limit=0), b"whole")
    assert files(tmp_path) == sorted([kept, new])


def test_a_cache_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "wheels").write_bytes(b"in the way")
    with pytest.raises(SourceUnavailable, match="cannot be written"):
        store(WheelCache(tmp_path), b"content")


def test_the_place_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHEEL_ABI_CACHE", str(tmp_path / "chosen"))
    assert store(WheelCache.of_user(), b"content").is_relative_to(tmp_path / "chosen")
    monkeypatch.delenv("WHEEL_ABI_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    path = store(WheelCache.of_user(), b"content")
    assert path.is_relative_to(tmp_path)
    assert "wheel-abi" in path.parts
