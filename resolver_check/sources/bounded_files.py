"""Files below a directory, of which those longest not used make room for new ones."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

_DAY = 24 * 3600
_UNFINISHED = ".part"


class BoundedFiles:
    """No more than `limit` bytes of files, which any number of processes share.

    A file appears under its name only when it is whole, and nobody else may read it. Its
    modification time is that of its last use.
    """

    def __init__(self, directory: Path, limit: int) -> None:
        self.directory = directory
        self._limit = limit
        self._room = 0

    def use(self, path: Path) -> bool:
        """Whether the file is there, which counts as a use of it."""
        try:
            os.utime(path)
        except OSError:
            return False
        return True

    @contextlib.contextmanager
    def unfinished(self) -> Iterator[tuple[IO[bytes], Path]]:
        """A new file, open, and where it is; gone with the block if it was not moved by then."""
        self.directory.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(suffix=_UNFINISHED, dir=self.directory)
        try:
            with os.fdopen(handle, "w+b") as file:
                yield file, Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def keep(self, unfinished: Path, path: Path) -> None:
        """Move a whole file to `path` and make room for it."""
        size = unfinished.stat().st_size
        _move(unfinished, path)
        self._room -= size
        if self._room < 0:
            self._make_room(path)

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
        for directory, _, names in os.walk(self.directory):
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
