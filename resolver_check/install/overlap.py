"""Wheels that write over files of other projects: what becomes of those is not known."""

from __future__ import annotations

import csv
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from importlib.metadata import Distribution, distributions
from pathlib import Path

from installer.sources import WheelFile
from packaging.utils import canonicalize_name

from resolver_check.install.destination import Place
from resolver_check.install.writing import files_of
from resolver_check.wheel_reference import SkippedFile


def overlaps(sources: Sequence[WheelFile], place: Place) -> Iterator[SkippedFile]:
    """Each other project, installed or given, of which a wheel writes over files; by wheel.

    Raises InvalidWheel.
    """
    if not place.overwrite_existing:
        return  # `check_free` has seen that nothing is in the way.
    names = {canonicalize_name(each.distribution) for each in sources}
    owners = dict(_installed(place, names))
    for source in sources:
        name = canonicalize_name(source.distribution)
        written = set(files_of(source, place))
        for other in sorted({owners[path] for path in written & owners.keys()}):
            yield SkippedFile(filename=other, why=f"{name} writes over files of it")
        owners |= dict.fromkeys(written, f"{name} {source.version}")


def _installed(place: Place, replaced: Collection[str]) -> Iterator[tuple[Path, str]]:
    """The files of all projects but those that are replaced."""
    for each in distributions(path=list(map(str, place.libraries))):
        name, shown = _named(each)
        if name in replaced:
            continue
        # One whose RECORD cannot be read is unknown already.
        with suppress(ValueError, csv.Error):
            for file in each.files or ():
                path = os.path.abspath(str(each.locate_file(file)))  # noqa: PTH100 - follows no link
                yield Path(path), shown


def _named(distribution: Distribution) -> tuple[str, str]:
    try:
        name = canonicalize_name(distribution.metadata["Name"])
    except (ValueError, TypeError, LookupError, AttributeError):
        return "", "a distribution whose METADATA cannot be read"
    return name, f"{name} {distribution.version}"
