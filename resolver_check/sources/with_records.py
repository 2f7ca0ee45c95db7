"""A source beside record packs: what these have of a wheel is not asked of the source."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from email.message import Message
from pathlib import Path

from packaging.utils import NormalizedName

from backend_shim.wheel.archive import WheelArchive
from resolver_check.errors import SourceUnavailable, UsageError
from resolver_check.sources.pack_directory import PackDirectory
from resolver_check.sources.published_record import PublishedRecord
from resolver_check.sources.record_packs import PackPlace, RecordPacks
from resolver_check.sources.web_address import shown
from resolver_check.sources.wheel_source import WheelSource
from resolver_check.wheel_reference import SkippedFile, WheelReference


class WithRecords:
    """The wheels of `source`. Only those whose digest it states are looked up.

    The first packs' record counts, and what none has is asked of the source as without them.
    """

    def __init__(self, source: WheelSource, packs: Sequence[RecordPacks]) -> None:
        self._source = source
        self._packs = tuple(packs)
        self._failed: dict[str, str] = {}

    @property
    def location(self) -> str:
        return self._source.location

    @property
    def skipped(self) -> tuple[SkippedFile, ...]:
        failed = (SkippedFile(filename=at, why=why) for at, why in self._failed.copy().items())
        return (*self._source.skipped, *failed)

    def projects(self) -> tuple[NormalizedName, ...]:
        return self._source.projects()

    def wheels(self, project: NormalizedName) -> tuple[WheelReference, ...]:
        return self._source.wheels(project)

    def open(self, reference: WheelReference) -> AbstractContextManager[WheelArchive]:
        return self._source.open(reference)

    def fetch(self, reference: WheelReference) -> Path:
        return self._source.fetch(reference)

    def core_metadata(self, reference: WheelReference) -> Message:
        return self._source.core_metadata(reference)

    def published(self, reference: WheelReference) -> PublishedRecord | None:
        if reference.digest is not None:
            for packs in self._packs:
                try:
                    record = packs.find(reference.digest)
                except SourceUnavailable as error:  # The wheel itself can be read all the same.
                    self._failed[error.location] = error.wrong
                    continue
                if record is not None and record.describes(reference):
                    return record
        return self._source.published(reference)

    def close(self) -> None:
        self._source.close()
        for packs in self._packs:
            packs.close()


def with_records(
    source: WheelSource, locations: Sequence[str], *, offline: bool = False
) -> WheelSource:
    """`source` beside the record packs in directories or below URLs; none of them: as it is.

    Raises UsageError, and SourceUnavailable for what is no place of record packs.
    """
    if not locations:
        return source
    return WithRecords(source, [RecordPacks(_place(each, offline)) for each in locations])


def _place(location: str, offline: bool) -> PackPlace:
    if not location.lower().startswith(("http://", "https://")):
        if "://" in location:
            raise UsageError(f"{shown(location)}: neither a directory nor an http(s) URL")
        return PackDirectory(Path(location))
    # Imported here: it brings requests, which a directory has no need to wait for.
    from resolver_check.sources.pack_url import PackUrl  # noqa: PLC0415

    return PackUrl(location, offline=offline)
