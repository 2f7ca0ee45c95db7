"""A simple repository as files, for any static server: wheels, what is beside them, and pages.

    files/<project>/<wheel>                   and <wheel>.metadata, .abi.json, .abi-inputs.json
    simple/index.html, index.v1_json          the projects
    simple/<project>/index.html, index.v1_json

Every file is written beside its place and moved there, pages after what they link to: whoever
reads meanwhile, or after an interruption, sees pages of before or after, and no half file.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from packaging.utils import NormalizedName

from backend_shim.errors import InvalidRecord
from backend_shim.wheel.whole_files import place_beside, replace_file, sha256_at
from resolver_check.errors import SourceUnavailable, UsageError
from resolver_check.sources.publishable import CHANGED, PublishableWheel
from resolver_check.sources.repository_pages import (
    JSON_PAGE,
    Entries,
    entries_of,
    entry_of,
    file_url,
    project_pages,
    root_pages,
)

_FILES: Final = "files"
_PAGES: Final = "simple"


class StaticRepository:
    """The repository in a directory, which is made when the first wheel is added."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def add(self, wheels: Sequence[PublishableWheel], *, links: bool = False) -> int:
        """Publish `wheels` beside those that are there, and return how many are new.

        With `links` a wheel is the same file as that it was made from, where the file system can do
        that. What the pages say of other files is kept, whoever wrote it. Before anything is
        changed, raises UsageError where a wheel of the same name has other bytes, and
        SourceUnavailable where a page cannot be read.
        """
        by_project: dict[NormalizedName, list[PublishableWheel]] = {}
        for each in wheels:
            by_project.setdefault(each.reference.name, []).append(each)
        pages = {project: self._entries(project) for project in by_project}
        self._refuse_others(wheels, pages)
        before = sum(map(len, pages.values()))
        for project, own in by_project.items():
            for each in own:
                self._place(each, links=links)
                entry = entry_of(each, file_url(project, each.reference.filename))
                pages[project][each.reference.filename] = {
                    **pages[project].get(each.reference.filename, {}),
                    **entry,
                }
            self._write_pages(self._page_directory(project), project_pages(project, pages[project]))
        self._write_pages(self._directory / _PAGES, root_pages(self._projects()))
        return sum(map(len, pages.values())) - before

    def _entries(self, project: NormalizedName) -> Entries:
        page = self._page_directory(project) / JSON_PAGE
        try:
            return entries_of(page.read_bytes())
        except FileNotFoundError:
            return {}
        except InvalidRecord as error:
            raise SourceUnavailable(str(page), f"is no page of the simple API: {error}") from error

    def _projects(self) -> set[NormalizedName]:
        """Those that have a page, also by an earlier run that was interrupted."""
        pages = (self._directory / _PAGES).glob(f"*/{JSON_PAGE}")
        return {NormalizedName(page.parent.name) for page in pages}

    def _refuse_others(
        self, wheels: Iterable[PublishableWheel], pages: dict[NormalizedName, Entries]
    ) -> None:
        given: dict[str, str | None] = {}
        for each in wheels:
            reference = each.reference
            stated = pages[reference.name].get(reference.filename, {}).get("hashes")
            known = {given.setdefault(reference.filename, reference.digest)}
            if isinstance(stated, dict):
                known.add(str(stated.get("sha256")))
            path = self._path(each)
            if path.exists():
                known.add(sha256_at(path))
            if others := known - {reference.digest}:
                raise UsageError(
                    f"{reference.location} has sha256 {reference.digest}, and a wheel of that name "
                    f"with sha256 {others.pop()} is published or given, too; nothing was changed"
                )

    def _place(self, wheel: PublishableWheel, *, links: bool) -> None:
        path = self._path(wheel)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _copy(wheel, path, links=links)
        for suffix, data in wheel.sidecars.items():
            _write(path.with_name(path.name + suffix), data)

    def _path(self, wheel: PublishableWheel) -> Path:
        return self._directory / _FILES / wheel.reference.name / wheel.reference.filename

    def _page_directory(self, project: NormalizedName) -> Path:
        return self._directory / _PAGES / project

    def _write_pages(self, directory: Path, pages: dict[str, bytes]) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        for name, data in pages.items():
            _write(directory / name, data)


def _copy(wheel: PublishableWheel, path: Path, *, links: bool) -> None:
    beside = place_beside(path)
    try:
        if not (links and _link(wheel.reference.location, beside)):
            shutil.copyfile(wheel.reference.location, beside)
        if sha256_at(beside) != wheel.reference.digest:
            raise SourceUnavailable(wheel.reference.location, CHANGED)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _link(location: str, path: Path) -> bool:
    try:
        path.hardlink_to(location)
    except OSError:
        return False  # Another file system, or one without links.
    return True


def _write(path: Path, data: bytes) -> None:
    """`data` at `path`; a file that has it is left as it is, with its time."""
    try:
        if path.read_bytes() == data:
            return
    except FileNotFoundError:
        pass
    replace_file(path, data)
