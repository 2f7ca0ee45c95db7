"""Downloaded wheels, kept by their digest until they are the longest unused ones of too many."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

import platformdirs

from backend_shim.wheel.whole_files import sha256_at, sha256_of
from resolver_check.errors import DigestMismatch, SourceUnavailable
from resolver_check.sources.bounded_files import BoundedFiles

DEFAULT_LIMIT = 5 * 1024**3
"""Bytes."""


def cache_directory() -> Path:
    """The one at WHEEL_ABI_CACHE, or where the platform keeps a user's caches."""
    chosen = os.environ.get("WHEEL_ABI_CACHE")
    return Path(chosen) if chosen else platformdirs.user_cache_path("wheel-abi")


class WheelCache:
    """Files `wheels/<sha256>/<file name>` below a directory, which any number of processes share.

    A file appears under its name only when it is on disk and has the digest in its path.
    """

    def __init__(self, directory: Path, limit: int = DEFAULT_LIMIT) -> None:
        self._wheels = BoundedFiles(directory / "wheels", limit)

    @classmethod
    def of_user(cls) -> WheelCache:
        """The one below `cache_directory`."""
        return cls(cache_directory())

    def find(self, digest: str, filename: str) -> Path | None:
        """The file if it is there, which counts as a use of it."""
        path = self._wheels.directory / digest / filename
        return path if self._wheels.use(path) else None

    def checked(
        self, location: str, filename: str, digest: str, write: Callable[[IO[bytes]], None]
    ) -> Path:
        """The file if it is there and still has its digest, else as `store`: for small ones."""
        path = self.find(digest, filename)
        if path is not None:
            with suppress(OSError):
                if sha256_at(path) == digest:
                    return path
        return self.store(location, filename, digest, write)

    def store(
        self, location: str, filename: str, digest: str | None, write: Callable[[IO[bytes]], None]
    ) -> Path:
        """The file that `write` makes. Room is made for it by removing files longest not used.

        Without a digest from the index there is nothing to hold the file against. Raises
        DigestMismatch, and SourceUnavailable where the cache cannot be written.
        """
        try:
            with self._wheels.unfinished() as (file, unfinished):
                write(file)
                file.flush()
                found = sha256_of(file)
                os.fsync(file.fileno())
                file.close()  # Windows moves no open file.
                if digest is not None and found != digest:
                    raise DigestMismatch(location, f"has sha256 {found} and not {digest}")
                path = self._wheels.directory / found / filename
                self._wheels.keep(unfinished, path)
        except OSError as error:
            wrong = f"cannot be written: {error.strerror or type(error).__name__}"
            raise SourceUnavailable(str(self._wheels.directory), wrong) from error
        return path
