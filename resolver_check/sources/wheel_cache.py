"""Downloaded wheels, kept by their digest until they are the longest unused ones of too many."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import platformdirs

from resolver_check.errors import DigestMismatch, SourceUnavailable
from resolver_check.sources.whole_files import sha256_of

DEFAULT_LIMIT = 5 * 1024**3
"""Bytes."""
_DAY = 24 * 3600
_UNFINISHED = ".part"


class WheelCache:
    """Files `wheels/<sha256>/<file name>` below a directory, which any number of processes share.

    A file appears under its name only when it is whole, on disk, and has the digest in its path.
    Its modification time is that of its last use.
    """

    def __init__(self, directory: Path, limit: int = DEFAULT_LIMIT) -> None:
        self._wheels = directory / "wheels"
        self._limit = limit
        self._room = 0

    @classmethod
    def of_user(cls) -> WheelCache:
        """The one at WHEEL_ABI_CACHE, or where the platform keeps a user's caches."""
        chosen = os.environ.get("WHEEL_ABI_CACHE")
        return cls(Path(chosen) if chosen else platformdirs.user_cache_path("wheel-abi"))

    def find(self, digest: str, filename: str) -> Path | None:
        """The file if it is there, which counts as a use of it."""
        path = self._wheels / digest / filename
        try:
            os.utime(path)
        except OSError:
            return None
        return path

    def store(
        self, location: str, filename: str, digest: str | None, write: Callable[[IO[bytes]], None]
    ) -> Path:
        """The file that `write` makes. Room is made for it by removing files longest not used.

        Without a digest from the index there is nothing to hold the file against. Raises
        DigestMismatch, and SourceUnavailable where the cache cannot be written.
        """
        try:
            return self._store(location, filename, digest, write)
        except OSError as error:
            wrong = f"cannot be written: {error.strerror or type(error).__name__}"
            raise SourceUnavailable(str(self._wheels), wrong) from error

    def _store(
        self, location: str, filename: str, digest: str | None, write: Callable[[IO[bytes]], None]
    ) -> Path:
        self._wheels.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(suffix=_UNFINISHED, dir=self._wheels)
        unfinished = Path(name)
        try:
            with os.fdopen(handle, "w+b") as file:
                write(file)
                file.flush()
                found = sha256_of(file)
                os.fsync(file.fileno())
            if digest is not None and found != digest:
                raise DigestMismatch(location, f"has sha256 {found} and not {digest}")
            path = self._wheels / found / filename
            _move(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)
        self._room -= path.stat().st_size
        if self._room < 0:
            self._make_room(path)
        return path

    def _make_room(self, newest: Path) -> None:
        """Removes files until a tenth of the limit is free, so that not every file walks the tree.

        What other processes store meanwhile is seen the next time: the limit is soft by that.
        """
        now = time.time()
        files = sorted(self._files(), key=lambda file: (file[0], str(file[2])))
        total = sum(size for _, size, _ in files)
        goal = self._limit * 9 // 10 if total > self._limit else self._limit
        for used, size, path in files:
            if path.suffix == _UNFINISHED:
                is_left_over = now - used > _DAY
            else:
                is_left_over = total > goal and path != newest
            if is_left_over and _remove(path):
                total -= size
        self._room = self._limit - total

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """(last use, size, path) of every file; other processes may be removing them meanwhile."""
        for directory, _, names in os.walk(self._wheels):
            for name in names:
                path = Path(directory, name)
                with contextlib.suppress(FileNotFoundError):
                    status = path.stat()
                    yield status.st_mtime, status.st_size, path


def _move(file: Path, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    try:
        file.replace(path)
    except FileNotFoundError:  # Another process has just emptied and removed the directory.
        path.parent.mkdir(exist_ok=True)
        file.replace(path)


def _remove(path: Path) -> bool:
    """Whether the file is gone; Windows keeps one that is open."""
    try:
        path.unlink(missing_ok=True)
        if path.suffix != _UNFINISHED:
            path.parent.rmdir()
    except OSError:
        return not path.exists()
    return True
