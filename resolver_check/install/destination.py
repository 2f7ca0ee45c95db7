"""Where `installer` writes: first told what it will write, and taken back if it fails midway."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from installer.destinations import SchemeDictionaryDestination
from installer.records import RecordEntry
from installer.scripts import Script
from installer.utils import Scheme

from resolver_check.install.scheme import InstallScheme, below

if TYPE_CHECKING:
    from installer.scripts import LauncherKind, ScriptSection


class Journal:
    """What was written so far. Only who is killed (SIGKILL) leaves half of it."""

    def __init__(self) -> None:
        self._made: list[Path] = []
        self._written: list[tuple[Path, Path | None]] = []

    def will_write(self, path: Path) -> None:
        """Note a file that is written next; what is there now is moved aside.

        So a file that is replaced is never written into: it may be a hard link to another's cache.
        Raises OSError.
        """
        if path.is_dir() and not path.is_symlink():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        self._made += [parent for parent in path.parents if not parent.exists()]
        aside = None
        if os.path.lexists(path):
            aside = path.with_name(f".{path.name}.{os.getpid()}.{len(self._written)}")
        # Noted before it is moved: whoever is interrupted in between still knows of it.
        self._written.append((path, aside))
        if aside is not None:
            path.rename(aside)

    def take_back(self) -> tuple[Path, ...]:
        """Remove what was written and put back what was there; what could not be, if any."""
        left = []
        for path, aside in reversed(self._written):
            if aside is not None and not os.path.lexists(aside):
                continue  # It was not moved yet: what is there is what was there.
            try:
                with suppress(NotADirectoryError):  # Below a file there is nothing.
                    path.unlink(missing_ok=True)
                if aside is not None:
                    aside.rename(path)
            except OSError:
                left.append(path)
        for directory in sorted(set(self._made), key=lambda path: len(path.parts), reverse=True):
            with suppress(OSError):  # Somebody else may have put something there.
                directory.rmdir()
        return tuple(left)

    def keep(self) -> None:
        """Remove what was moved aside."""
        for _, aside in self._written:
            if aside is not None:
                with suppress(OSError):
                    aside.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where wheels are written, and how; the fields are options of `python -m installer`."""

    scheme: InstallScheme
    destdir: Path | None = None
    overwrite_existing: bool = False

    @property
    def libraries(self) -> tuple[Path, ...]:
        """The directories that packages are written to."""
        return tuple(below(self.destdir, each) for each in self.scheme.libraries)


class JournalledDestination(SchemeDictionaryDestination):
    """The destination of `python -m installer`, which notes in a journal what it writes."""

    def __init__(self, place: Place, project: str, journal: Journal) -> None:
        """`project` as the wheel's file name spells it."""
        super().__init__(
            scheme_dict=place.scheme.for_project(project),
            interpreter=place.scheme.executable,
            script_kind=cast("LauncherKind", place.scheme.launcher),
            destdir=None if place.destdir is None else str(place.destdir),
            overwrite_existing=place.overwrite_existing,
        )
        self._journal = journal
        self._place = place

    def write_to_fs(
        self, scheme: Scheme, path: str, stream: BinaryIO, is_executable: bool
    ) -> RecordEntry:
        target = self.place(scheme, path)
        if not self.overwrite_existing and os.path.lexists(target):
            raise FileExistsError(f"File already exists: {target}")
        self._journal.will_write(target)
        return super().write_to_fs(scheme, path, stream, is_executable)

    def place(self, scheme: Scheme, path: str) -> Path:
        """Where a file of a scheme comes to lie. Raises ValueError outside of its directory."""
        directory = Path(os.path.abspath(self.scheme_dict[scheme]))  # noqa: PTH100 - as `installer`
        file = Path(os.path.abspath(directory / path))  # noqa: PTH100
        if not file.is_relative_to(directory) or file == directory:
            raise ValueError(f"would write {path} outside of {directory}")
        return below(self._place.destdir, file)


class PlannedDestination(JournalledDestination):
    """The same, but nothing is written: it learns which files would be."""

    def __init__(self, place: Place, project: str) -> None:
        super().__init__(place, project, Journal())
        self.planned: list[tuple[Scheme, str, Path]] = []
        """Scheme and path there, and where that is."""

    def write_to_fs(
        self,
        scheme: Scheme,
        path: str,
        stream: BinaryIO,  # noqa: ARG002 - nothing is read
        is_executable: bool,  # noqa: ARG002
    ) -> RecordEntry:
        self.planned.append((scheme, path, self.place(scheme, path)))
        return RecordEntry(path, None, None)

    def write_script(
        self, name: str, module: str, attr: str, section: ScriptSection
    ) -> RecordEntry:
        script = Script(name, module, attr, section)
        file_name, data = script.generate(self.interpreter, self.script_kind)
        with io.BytesIO(data) as stream:
            return self.write_to_fs(Scheme("scripts"), file_name, stream, is_executable=True)

    def finalize_installation(
        self,
        scheme: Scheme,
        record_file_path: str,
        records: Iterable[tuple[Scheme, RecordEntry]],  # noqa: ARG002
    ) -> None:
        # RECORD is what is written then.
        self.planned.append((scheme, record_file_path, self.place(scheme, record_file_path)))
