"""A directory of wheels."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from email.message import Message
from pathlib import Path

from packaging.utils import NormalizedName

from backend_shim.wheel.archive import WheelArchive
from resolver_check.errors import SourceUnavailable
from resolver_check.sources.published_record import PublishedRecord
from resolver_check.wheel_reference import SkippedFile, WheelReference, parse, release_order


class Wheelhouse:
    """The `.whl` files of one directory, as they are when first asked for; not of those below it.

    It states sizes, but no digests, which would take reading everything.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory.absolute()
        self._listing: tuple[tuple[WheelReference, ...], tuple[SkippedFile, ...]] | None = None
        self._by_project: dict[NormalizedName, tuple[WheelReference, ...]] | None = None
        self._list()

    @property
    def location(self) -> str:
        return str(self._directory)

    @property
    def skipped(self) -> tuple[SkippedFile, ...]:
        return self._list()[1]

    def projects(self) -> tuple[NormalizedName, ...]:
        return tuple(sorted({reference.name for reference in self._list()[0]}))

    def wheels(self, project: NormalizedName) -> tuple[WheelReference, ...]:
        if self._by_project is None:
            found: dict[NormalizedName, list[WheelReference]] = {}
            for reference in self._list()[0]:
                found.setdefault(reference.name, []).append(reference)
            self._by_project = {name: tuple(wheels) for name, wheels in found.items()}
        return self._by_project.get(project, ())

    def open(self, reference: WheelReference) -> AbstractContextManager[WheelArchive]:
        return WheelArchive.open(Path(reference.location))

    def fetch(self, reference: WheelReference) -> Path:
        return Path(reference.location)

    def core_metadata(self, reference: WheelReference) -> Message:
        with self.open(reference) as wheel:
            return wheel.metadata

    def published(self, reference: WheelReference) -> PublishedRecord | None:  # noqa: ARG002
        """None: the wheels are at hand."""
        return None

    def close(self) -> None:
        pass

    def _list(self) -> tuple[tuple[WheelReference, ...], tuple[SkippedFile, ...]]:
        if self._listing is None:
            try:
                self._listing = _list_directory(self._directory)
            except OSError as error:
                why = error.strerror or type(error).__name__
                raise SourceUnavailable(self.location, why.lower()) from error
        return self._listing


def _list_directory(
    directory: Path,
) -> tuple[tuple[WheelReference, ...], tuple[SkippedFile, ...]]:
    references, skipped = [], []
    for path in directory.iterdir():
        if path.suffix != ".whl" or not path.is_file():
            continue
        read = parse(path.name, location=str(path))
        if isinstance(read, SkippedFile):
            skipped.append(read)
        else:
            references.append(replace(read, size=path.stat().st_size))
    skipped.sort(key=lambda file: file.filename)
    return tuple(sorted(references, key=release_order)), tuple(skipped)
