"""Several places to find wheels as one: what an earlier one has, later ones cannot replace."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from email.message import Message
from pathlib import Path

from packaging.utils import NormalizedName
from packaging.version import Version

from backend_shim.wheel.archive import WheelArchive
from resolver_check.errors import ProjectMissing, SourceUnavailable
from resolver_check.sources.published_record import PublishedRecord
from resolver_check.sources.wheel_source import WheelSource
from resolver_check.wheel_reference import SkippedFile, WheelReference, release_order


class SeveralSources:
    """The wheels of all of `sources`; of a file name that several have, the first source's.

    uv stops at the first index that has a project, so that nobody's upload elsewhere is installed
    in its place. Here that would hide the version to go to, which often lies in another source than
    the one to come from. So it is file by file, where files of one name differ is told in
    `skipped`, and of one version the first source's wheels come last, as the better ones. A source
    that gives no answer is an error: the file could have been its.
    """

    def __init__(self, sources: Sequence[WheelSource]) -> None:
        self._sources = tuple(sources)
        self._listed_by: dict[str, WheelSource] = {}
        self._differing: dict[NormalizedName, tuple[SkippedFile, ...]] = {}

    @property
    def location(self) -> str:
        return ", ".join(each.location for each in self._sources)

    @property
    def skipped(self) -> tuple[SkippedFile, ...]:
        every = {file for each in self._sources for file in each.skipped}
        every.update(file for files in list(self._differing.values()) for file in files)
        return tuple(sorted(every, key=lambda file: (file.filename, file.why)))

    def projects(self) -> tuple[NormalizedName, ...]:
        return tuple(sorted({name for each in self._sources for name in each.projects()}))

    def wheels(self, project: NormalizedName) -> tuple[WheelReference, ...]:
        found: list[WheelReference] = []
        differing: list[SkippedFile] = []
        missing: list[ProjectMissing] = []
        for rank, source in enumerate(self._sources):
            try:
                listed = source.wheels(project)
            except ProjectMissing as error:
                missing.append(error)
                continue
            for each in listed:
                self._listed_by.setdefault(each.location, source)
            new, other = _beside(found, listed, source)
            found += [replace(each, rank=rank) for each in new]
            differing += other
        if len(missing) == len(self._sources):
            raise missing[0]
        self._differing[project] = tuple(differing)
        return tuple(sorted(found, key=_order))

    def open(self, reference: WheelReference) -> AbstractContextManager[WheelArchive]:
        return self._source_of(reference).open(reference)

    def fetch(self, reference: WheelReference) -> Path:
        return self._source_of(reference).fetch(reference)

    def core_metadata(self, reference: WheelReference) -> Message:
        return self._source_of(reference).core_metadata(reference)

    def published(self, reference: WheelReference) -> PublishedRecord | None:
        return self._source_of(reference).published(reference)

    def close(self) -> None:
        for each in self._sources:
            each.close()

    def _source_of(self, reference: WheelReference) -> WheelSource:
        """Whoever listed it: another would ask without its credentials, or have another file."""
        if reference.location not in self._listed_by:
            self.wheels(reference.name)
        try:
            return self._listed_by[reference.location]
        except KeyError:
            raise SourceUnavailable(reference.filename, "is in none of the sources") from None


def _beside(
    found: Iterable[WheelReference], listed: Iterable[WheelReference], source: WheelSource
) -> tuple[list[WheelReference], list[SkippedFile]]:
    """What `source` has beside what was `found` before, and files known to be others than those."""
    before = {each.filename: each for each in found}
    new, other = [], []
    for each in listed:
        first = before.get(each.filename)
        if first is None:
            new.append(each)
        elif _differ(first.digest, each.digest) or _differ(first.size, each.size):
            why = f"{source.location} has another file of this name; the source before it counts"
            other.append(SkippedFile(filename=each.filename, why=why))
    return new, other


def _order(reference: WheelReference) -> tuple[Version, int, tuple[object, ...]]:
    return reference.version, -reference.rank, release_order(reference)


def _differ(one: object, other: object) -> bool:
    return None not in (one, other) and one != other
