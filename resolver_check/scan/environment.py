"""The distributions of an environment, each as if it were the wheel that it was installed from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from backend_shim.errors import InvalidWheel
from resolver_check.errors import SourceUnavailable
from resolver_check.scan.subject import Subject
from resolver_check.sources.dpkg_lists import DpkgLists
from resolver_check.sources.installed_listing import (
    directories_in,
    installed_wheel,
    metadata_in,
    project_of,
)
from resolver_check.wheel_reference import SkippedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What is installed; nothing of it is run or changed."""

    directories: tuple[Path, ...]
    """In the order of `sys.path`, also those that `.pth` files name."""
    subjects: tuple[Subject, ...]
    """What is installed, by name of project; of each project what is first on `sys.path`."""
    skipped: tuple[SkippedFile, ...]
    """Distributions that cannot be read, and why: nothing is known of them. By name."""


def open_environment(directories: Sequence[Path]) -> Environment:
    """What is installed in `directories` (site-packages and the like), in the order of `sys.path`.

    Raises SourceUnavailable for one that cannot be listed.
    """
    searched = tuple(dict.fromkeys(_with_pth(directories)))
    installed: dict[str, Subject] = {}
    skipped: dict[str, SkippedFile] = {}
    for directory in searched:
        dpkg = DpkgLists(directory)
        for name, infos in _by_project(directory).items():
            if name in installed or name in skipped:
                continue
            try:
                installed[name] = _read(infos, dpkg)
            except InvalidWheel as error:
                skipped[name] = SkippedFile(filename=error.wheel, why=error.wrong)
    return Environment(
        directories=searched,
        subjects=tuple(installed[name] for name in sorted(installed)),
        skipped=tuple(skipped[name] for name in sorted(skipped)),
    )


def _by_project(directory: Path) -> dict[str, list[Path]]:
    """The metadata in `directory` by the project that they name; if they name none, by their own.

    Raises SourceUnavailable.
    """
    found: dict[str, list[Path]] = {}
    try:
        for info in metadata_in(directory):
            try:
                name = project_of(info)
            except InvalidWheel:
                name = None
            found.setdefault(name or info.name, []).append(info)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise SourceUnavailable(str(directory), why.lower()) from error
    return found


def _read(infos: list[Path], dpkg: DpkgLists) -> Subject:
    """What `infos`, all of one project, describe; a `.dist-info` goes before the older ways."""
    first, *others = infos
    twice = [each.name for each in others if each.suffix == first.suffix]
    if twice:
        raise InvalidWheel(first.stem, f"it is installed twice: {', '.join((first.name, *twice))}")
    return Subject(installed_wheel(first, dpkg))


def _with_pth(directories: Sequence[Path]) -> Iterator[Path]:
    for directory in directories:
        yield directory
        for pth in sorted(directory.glob("*.pth")):
            yield from directories_in(pth)
