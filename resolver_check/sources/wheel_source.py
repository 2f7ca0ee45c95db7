"""What every place to find wheels can be asked."""

from __future__ import annotations

from contextlib import AbstractContextManager
from email.message import Message
from pathlib import Path
from typing import Protocol

from packaging.utils import NormalizedName

from backend_shim.wheel.archive import WheelArchive
from resolver_check.sources.published_record import PublishedRecord
from resolver_check.wheel_reference import SkippedFile, WheelReference


class WheelSource(Protocol):
    """A place to find wheels. Every method may raise SourceUnavailable.

    Threads may share one; a process opens its own, by `open_source` with the same location.
    """

    @property
    def location(self) -> str:
        """Directory or URL, without credentials."""

    @property
    def skipped(self) -> tuple[SkippedFile, ...]:
        """What the listings read so far contain and `wheels` leaves out, by name; not sdists."""

    def projects(self) -> tuple[NormalizedName, ...]:
        """The names of all projects, sorted."""

    def wheels(self, project: NormalizedName) -> tuple[WheelReference, ...]:
        """The project's wheels, newest version last, yanked ones included.

        A wheelhouse knows a project by its wheels only and has none of an unknown one; an index
        that does not know the project raises ProjectMissing.
        """

    def open(self, reference: WheelReference) -> AbstractContextManager[WheelArchive]:
        """The wheel, for reading a few members; raises InvalidWheel if it is none."""

    def fetch(self, reference: WheelReference) -> Path:
        """The whole wheel as a local file, for reading most of it. Never to be changed or moved."""

    def core_metadata(self, reference: WheelReference) -> Message:
        """METADATA of the wheel, at the least cost; raises InvalidWheel if it has none."""

    def published(self, reference: WheelReference) -> PublishedRecord | None:
        """What is published of the wheel beside it; None where it has to be opened."""

    def close(self) -> None:
        """Let go of connections; the source may still be used."""
