"""A wheel that a source offers: what can be said of it without opening it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from packaging.tags import Tag
from packaging.utils import (
    BuildTag,
    InvalidSdistFilename,
    InvalidWheelFilename,
    NormalizedName,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

# A file name becomes part of a path in the cache, and it comes from an index: nothing that a file
# system or a terminal reads as more than a character may be in it.
_HARMLESS_NAME = re.compile(r"[\w][\w.+!~-]*\.whl")
_HARMLESS_SDIST = re.compile(r"[\w][\w.+!~-]*\.(tar\.gz|zip)")
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedRecord:
    """What an index says of the records that it serves beside a wheel."""

    digest: str
    """sha256 of the wheel's own fingerprint, hex."""
    build_inputs_digest: str | None
    """None: the wheel has none."""
    binding_names: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelReference:
    """One wheel in one source. The tags are a set and have no order: sort by `release_order`."""

    name: NormalizedName
    version: Version
    build: BuildTag
    """`()` where the file name has no build tag."""
    tags: frozenset[Tag]
    filename: str
    location: str
    """Absolute path, or URL without credentials and fragment."""
    digest: str | None = None
    """sha256, 64 lower-case hex digits; None where the source does not state it."""
    size: int | None = None
    """In bytes; None where the source does not state it."""
    yanked: bool = False
    requires_python: str | None = None
    """A specifier set as the source spells it; None: not stated, for which a wheelhouse has no
    place, so look into the core metadata."""
    metadata_available: bool | None = None
    """Whether the index serves METADATA beside the wheel (PEP 714); None: it does not say."""
    metadata_digest: str | None = None
    """sha256 of that METADATA, hex; None where the source does not state it."""
    rank: int = 0
    """Of several sources, which one lists it; 0 is the first."""
    record: StatedRecord | None = None
    """None where the index does not say all of it: then the wheel is opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedFile:
    """Something a source lists that is passed over, and why."""

    filename: str
    why: str


def parse(filename: str, *, location: str) -> WheelReference | SkippedFile:
    """The reference that a wheel's file name makes; other fields are for `dataclasses.replace`.

    Names that the binary distribution format does not allow (and older tools wrote) are skipped.
    """
    if len(filename) > _LONGEST_NAME or not _HARMLESS_NAME.fullmatch(filename):
        return SkippedFile(filename=_printable(filename), why="not a name that a wheel can have")
    try:
        name, version, build, tags = parse_wheel_filename(filename)
    except InvalidWheelFilename as error:
        return SkippedFile(filename=filename, why=_printable(str(error)))
    return WheelReference(
        name=name, version=version, build=build, tags=tags, filename=filename, location=location
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SdistReference:
    """One sdist in one source."""

    name: NormalizedName
    version: Version
    filename: str
    location: str
    """Absolute path, or URL without credentials and fragment."""
    digest: str | None = None
    """sha256 in hex; None where the source does not state it."""


def parse_sdist(filename: str, *, location: str) -> SdistReference | None:
    """The reference that an sdist's file name makes; None of what is no name of an sdist."""
    if len(filename) > _LONGEST_NAME or not _HARMLESS_SDIST.fullmatch(filename):
        return None
    try:
        name, version = parse_sdist_filename(filename)
    except InvalidSdistFilename:
        return None
    return SdistReference(name=name, version=version, filename=filename, location=location)


def release_order(reference: WheelReference) -> tuple[str, Version, BuildTag, str, str]:
    """Sort key: by project, then oldest version first, then build tag, file name and location."""
    return (
        reference.name,
        reference.version,
        reference.build,
        reference.filename,
        reference.location,
    )


def _printable(text: str) -> str:
    """`text` short enough for one line and without what a terminal would obey."""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return shown if len(shown) <= _LONGEST_NAME else shown[:_LONGEST_NAME] + "…"
