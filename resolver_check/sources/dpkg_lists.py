"""Which files a package of Debian brought, by dpkg's own lists: text files, one path a line."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from pathlib import Path
from typing import Final

DPKG_LISTS: Final = Path("/var/lib/dpkg/info")
_MAX_LIST: Final = 32 << 20


class DpkgLists:
    """The lists of the packages that have files below one directory of distributions."""

    def __init__(self, directory: Path, lists: Path = DPKG_LISTS) -> None:
        """Without lists there is nothing to find."""
        self._below = f"{directory.as_posix()}/"
        self._files: dict[str, tuple[str, ...]] = {}
        self._packages: dict[str, set[str]] = defaultdict(set)
        for path in sorted(lists.glob("*.list")):
            self._read(path)

    def _read(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                data = file.read(_MAX_LIST)
        except OSError:
            return
        if self._below.encode() not in data:
            return
        lines = tuple(data.decode("utf-8", "surrogateescape").splitlines())
        self._files[path.name] = lines
        for line in lines:
            self._packages[line].add(path.name)

    def files_beside(self, info: Path) -> tuple[str, ...] | None:
        """The files of the distribution that `info`, its metadata, belongs to; None: not known.

        Those of the package that has `info`; and those that other packages without metadata of
        their own have below its Python packages: binaries are often put into a package apart.
        """
        owners = self._packages.get(info.as_posix(), set())
        if not owners:
            return None
        files = {line for owner in owners for line in self._files[owner]}
        own = {posixpath.dirname(line) for line in files if line.endswith("/__init__.py")}
        for name, lines in self._files.items():
            if name in owners or any(_is_metadata(line, self._below) for line in lines):
                continue
            files.update(line for line in lines if not own.isdisjoint(_above(line, self._below)))
        return tuple(sorted(files))


def _is_metadata(path: str, below: str) -> bool:
    return path.startswith(below) and path.endswith((".egg-info", ".dist-info"))


def _above(path: str, below: str) -> list[str]:
    """The directories of `path` that lie below `below`."""
    if not path.startswith(below):
        return []
    parts = path[len(below) :].split("/")
    return [below + "/".join(parts[:depth]) for depth in range(1, len(parts))]
