"""Places to find the sdist that a wheel is built from."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Protocol

from packaging.utils import NormalizedName
from packaging.version import Version

from resolver_check.errors import SourceUnavailable, UsageError
from resolver_check.sources.web_address import shown
from resolver_check.wheel_reference import SdistReference, parse_sdist


class SdistSource(Protocol):
    """What a place to find sdists can be asked; every method may raise SourceUnavailable."""

    def sdists(self, project: NormalizedName) -> tuple[SdistReference, ...]:
        """The sdists of a project; none of an unknown one."""

    def fetch_sdist(self, reference: SdistReference, directory: Path) -> Path:
        """The sdist as a file in `directory`."""

    def close(self) -> None:
        """End what is open."""


class SdistDirectory:
    """The sdists of one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory.absolute()

    def sdists(self, project: NormalizedName) -> tuple[SdistReference, ...]:
        try:
            names = sorted(self._directory.iterdir())
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise SourceUnavailable(str(self._directory), why.lower()) from error
        found = (parse_sdist(path.name, location=str(path)) for path in names)
        return tuple(each for each in found if each is not None and each.name == project)

    def fetch_sdist(self, reference: SdistReference, directory: Path) -> Path:
        return Path(shutil.copy(reference.location, directory))

    def close(self) -> None:
        pass


def open_sdists(location: str, *, offline: bool = False) -> SdistSource:
    """The sdists of a directory or of a simple index. Raises UsageError."""
    if location.lower().startswith(("http://", "https://")):
        # Imported here: it brings requests, which a directory has no need to wait for.
        from resolver_check.sources.simple_index import SimpleIndex  # noqa: PLC0415

        return SimpleIndex(location, offline=offline)
    if not Path(location).is_dir():
        what = shown(location) if ":" in location else location
        raise UsageError(f"{what}: neither a directory of sdists nor an http(s) URL")
    return SdistDirectory(Path(location))


def sdist_of(source: SdistSource, project: NormalizedName, version: Version) -> SdistReference:
    """The sdist of one release. Raises SourceUnavailable where there is none."""
    found = [each for each in source.sdists(project) if each.version == version]
    if not found:
        raise SourceUnavailable(f"{project} {version}", "there is no sdist of it")
    return found[-1]
