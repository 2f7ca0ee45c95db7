"""Two wheels of one project against each other: did the rebuild come out the same?"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from backend_shim.errors import InvalidBinary
from backend_shim.record.names import SBOM, STANDARD_NAMES
from backend_shim.wheel.archive import MAX_TEXT_SIZE, Member, WheelArchive
from resolver_check.compare.wheels.difference import Difference, Kind, WheelDifference
from resolver_check.compare.wheels.elf_parts import elf_differences
from resolver_check.compare.wheels.texts import (
    entry_point_differences,
    listing_differences,
    metadata_differences,
    script_difference,
    wheel_file_differences,
)
from resolver_check.errors import UsageError
from resolver_check.scan.subject import Subject
from resolver_check.scan.visible_interface import compare_interfaces

_Texts: TypeAlias = Callable[[str, bytes, bytes], Iterator[Difference]]

_OF_DIST_INFO: Final[Mapping[str, _Texts]] = {
    "METADATA": metadata_differences,
    "WHEEL": wheel_file_differences,
    "entry_points.txt": entry_point_differences,
}
_ELF_MAGIC: Final = b"\x7fELF"
_OWN_RECORDS: Final = frozenset({SBOM, *STANDARD_NAMES, *STANDARD_NAMES.values()})


def compare_wheels(first: Path, second: Path) -> WheelDifference:
    """What differs between two builds of a project, noise told from content.

    Every file that may be the same is read in both. How the archives are packed does not count.
    Raises UsageError for wheels of two projects, InvalidWheel for one that cannot be read, OSError.
    """
    with WheelArchive.open(first) as one, WheelArchive.open(second) as other:
        old, new = Subject(one), Subject(other)
        if old.name != new.name:
            wrong = f"{old.filename} is of {old.name}, {new.filename} of {new.name}"
            raise UsageError(f"not two wheels of one project: {wrong}")
        return _Comparison((old, one), (new, other)).made()


class _Side:
    """One wheel with its files by their paths as installed."""

    def __init__(self, subject: Subject, archive: WheelArchive, *, is_renamed: bool) -> None:
        self.subject = subject
        self.archive = archive
        self._is_renamed = is_renamed
        self._data = f"{archive.dist_info.removesuffix('.dist-info')}.data"
        is_pure = str(archive.wheel_file.get("Root-Is-Purelib", "")).strip().lower() == "true"
        self._root = f"{self._data}/{'purelib' if is_pure else 'platlib'}/"
        self.dist_info = self.installed(archive.dist_info)
        self.scripts = f"{self.installed(self._data)}/scripts/"
        files = [each for each in archive.members if not each.is_dir]
        self.members: dict[str, Member] = {self.installed(each.name): each for each in files}
        self.rows = {self.installed(each.path): each.digest for each in archive.manifest.entries}

    def installed(self, path: str) -> str:
        """`path` as the other wheel would have it.

        What `.data` puts where the root goes anyway is a file of the root.
        """
        inner = path.removeprefix(self._root)
        if inner != path and not self.archive.has(inner):
            return inner
        directory, slash, rest = path.partition("/")
        if self._is_renamed and directory == self.archive.dist_info:
            directory = "{dist-info}"
        elif self._is_renamed and directory == self._data:
            directory = "{data}"
        return f"{directory}{slash}{rest}"


class _Comparison:
    """Of two wheels of one project."""

    def __init__(
        self, old: tuple[Subject, WheelArchive], new: tuple[Subject, WheelArchive]
    ) -> None:
        is_renamed = old[1].dist_info != new[1].dist_info
        self._old = _Side(*old, is_renamed=is_renamed)
        self._new = _Side(*new, is_renamed=is_renamed)
        self._is_renamed = is_renamed
        self._same: set[str] = set()

    def made(self) -> WheelDifference:
        """The whole answer."""
        old, new = self._old, self._new
        found = [*self._directory(), *self._lonely()]
        for path in sorted(old.members.keys() & new.members.keys()):
            found += self._of_file(path)
        found += self._listing()
        found.sort(key=lambda each: (each.path, each.kind.value, each.name))
        content = frozenset(each.path for each in found if not each.is_noise)
        return WheelDifference(
            first=old.subject.filename,
            second=new.subject.filename,
            same=len(self._same),
            differences=tuple(found),
            interface=compare_interfaces(old.subject, new.subject, content) if content else None,
        )

    def _directory(self) -> Iterator[Difference]:
        if self._is_renamed:
            yield Difference(
                path="{dist-info}",
                kind=Kind.DIRECTORY,
                first=self._old.archive.dist_info,
                second=self._new.archive.dist_info,
            )

    def _lonely(self) -> Iterator[Difference]:
        for path in self._old.members.keys() ^ self._new.members.keys():
            only = Kind.ONLY_IN_FIRST if path in self._old.members else Kind.ONLY_IN_SECOND
            yield Difference(path=path, kind=Kind.OWN_RECORD if self._is_own(path) else only)

    def _is_own(self, path: str) -> bool:
        """Whether it is a record of this project, or a view of one."""
        directory, _, name = path.partition("/")
        return directory == self._old.dist_info and name in _OWN_RECORDS

    def _of_file(self, path: str) -> Iterator[Difference]:
        old, new = self._old.members[path], self._new.members[path]
        if old.is_executable != new.is_executable and not path.startswith(self._old.scripts):
            yield Difference(path=path, kind=Kind.EXECUTABLE)
        if self._has_same_bytes(old, new):
            self._same.add(path)
        elif path != f"{self._old.dist_info}/RECORD":
            yield from self._of_content(path, old, new)

    def _has_same_bytes(self, old: Member, new: Member) -> bool:
        if (old.size, old.crc32) != (new.size, new.crc32):
            return False
        digests = {
            _digest(side.archive, member.name)
            for side, member in ((self._old, old), (self._new, new))
        }
        return len(digests) == 1

    def _of_content(self, path: str, old: Member, new: Member) -> Iterator[Difference]:
        if self._is_own(path):
            yield Difference(path=path, kind=Kind.OWN_RECORD)
            return
        directory, _, name = path.rpartition("/")
        if directory == self._old.dist_info and name in _OF_DIST_INFO:
            texts = self._old.archive.read(old.name), self._new.archive.read(new.name)
            yield from _OF_DIST_INFO[name](path, *texts)
            return
        heads = {self._old.archive.head(old.name, 4), self._new.archive.head(new.name, 4)}
        if heads == {_ELF_MAGIC}:
            yield from self._of_elf_files(path, old, new)
        elif path.startswith(self._old.scripts) and max(old.size, new.size) <= MAX_TEXT_SIZE:
            texts = self._old.archive.read(old.name), self._new.archive.read(new.name)
            yield script_difference(path, *texts)
        else:
            yield Difference(path=path, kind=Kind.BYTES)

    def _of_elf_files(self, path: str, old: Member, new: Member) -> Iterator[Difference]:
        with (
            self._old.archive.contents(old.name) as first,
            self._new.archive.contents(new.name) as second,
        ):
            try:
                parts = elf_differences(first, second)
            except InvalidBinary:
                yield Difference(path=path, kind=Kind.BYTES, name="not understood as ELF")
                return
        for kind, name in parts:
            yield Difference(path=path, kind=kind, name=name)

    def _listing(self) -> Iterator[Difference]:
        """Of RECORD, when it is known which files are the same."""
        path = f"{self._old.dist_info}/RECORD"
        if path in self._same:
            return
        lonely = self._old.members.keys() ^ self._new.members.keys()
        rows = self._old.rows.keys() | self._new.rows.keys()
        yield from listing_differences(
            path,
            self._old.rows,
            self._new.rows,
            told=frozenset((*lonely, *filter(self._is_own, rows))),
            same=frozenset(self._same),
        )


def _digest(archive: WheelArchive, name: str) -> bytes:
    digest = hashlib.sha256()
    for piece in archive.chunks(name):
        digest.update(piece)
    return digest.digest()
