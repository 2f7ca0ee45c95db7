"""The wheels of a lock file as a place to find wheels; each is the file that the lock names."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import TYPE_CHECKING, Final

from packaging.tags import create_compatible_tags_selector
from packaging.utils import NormalizedName
from packaging.version import Version

from backend_shim.wheel.archive import WheelArchive
from resolver_check.errors import DigestMismatch, ProjectMissing, SourceUnavailable
from resolver_check.sources.published_record import PublishedRecord
from resolver_check.sources.web_address import Credentials, Origin, origin, shown, split_credentials
from resolver_check.sources.wheel_source import WheelSource
from resolver_check.target import Target
from resolver_check.wheel_reference import SkippedFile, WheelReference

if TYPE_CHECKING:
    from resolver_check.sources.simple_index import SimpleIndex

Hashes = frozenset[tuple[str, str]]
"""Of one file or several: algorithm and hex digits in lower case."""

_CHUNK: Final = 1 << 20
_NO_WHEEL: Final = "has to be built: there is no wheel of it for this target"
_OTHER_FILE: Final = "no wheel of it for this target has a hash of the lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """The wheel that an installer takes of one package."""

    reference: WheelReference
    hashes: Hashes
    url: str = field(default="", repr=False)
    """As the lock spells it, which may be with credentials; empty of a path."""

    @property
    def name(self) -> NormalizedName:
        """The name of the package."""
        return self.reference.name

    @property
    def version(self) -> str:
        """Its version."""
        return str(self.reference.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTaken:
    """A package of a lock of which no wheel is taken, and why."""

    name: NormalizedName
    version: str
    """Empty where the lock does not say it."""
    why: str


def choose(
    name: NormalizedName, version: Version, hashes: Hashes, source: WheelSource, target: Target
) -> Locked | NotTaken:
    """The wheel of `source` that an installer takes of a release that is locked by hashes.

    Raises SourceUnavailable, but not where the source does not have the project.
    """
    try:
        listed = source.wheels(name)
    except ProjectMissing as error:
        return NotTaken(name=name, version=str(version), why=error.wrong)
    found = [each for each in listed if each.version == version]
    found.sort(key=lambda each: each.build, reverse=True)
    in_order = list(
        create_compatible_tags_selector(target.preferred)((each, each.tags) for each in found)
    )
    for each in in_order:
        if _is_locked(each, hashes, source):
            return Locked(reference=each, hashes=hashes)
    why = _OTHER_FILE if in_order else _NO_WHEEL
    return NotTaken(name=name, version=str(version), why=why)


def _is_locked(reference: WheelReference, hashes: Hashes, source: WheelSource) -> bool:
    if reference.digest is not None and any(name == "sha256" for name, _ in hashes):
        return ("sha256", reference.digest) in hashes
    return _has_one_of(hashes, source.fetch(reference))


def _has_one_of(hashes: Hashes, path: Path) -> bool:
    """Whether the file has one of the digests; one of an unknown algorithm is none."""
    known = {name for name, _ in hashes} & hashlib.algorithms_guaranteed
    # Those of variable length (SHAKE) have no digest of their own.
    digests = {name: hashlib.new(name) for name in known if not name.startswith("shake")}
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            for each in digests.values():
                each.update(chunk)
    return any((name, each.hexdigest()) in hashes for name, each in digests.items())


class LockedWheels:
    """The wheels at the paths and URLs that a lock names.

    What is read whole is held against its hashes; of what is read by ranges no digest can be taken.
    """

    def __init__(self, location: str, locked: Sequence[Locked], *, offline: bool = False) -> None:
        self._location = location
        self._locked = {each.reference.location: each for each in locked}
        self._offline = offline
        self._indexes: dict[tuple[Origin, Credentials | None], SimpleIndex] = {}

    @property
    def location(self) -> str:
        return self._location

    @property
    def skipped(self) -> tuple[SkippedFile, ...]:
        return ()

    def projects(self) -> tuple[NormalizedName, ...]:
        return tuple(sorted({each.reference.name for each in self._locked.values()}))

    def wheels(self, project: NormalizedName) -> tuple[WheelReference, ...]:
        references = (each.reference for each in self._locked.values())
        return tuple(each for each in references if each.name == project)

    def open(self, reference: WheelReference) -> AbstractContextManager[WheelArchive]:
        # Where the lock has no sha256 nothing ties what a server sends to it but the whole file.
        if reference.digest is None or _is_path(reference):
            return WheelArchive.open(self.fetch(reference))
        return self._index(reference).open(reference)

    def fetch(self, reference: WheelReference) -> Path:
        place = reference.location
        path = Path(place) if _is_path(reference) else self._index(reference).fetch(reference)
        try:
            if _has_one_of(self._locked[place].hashes, path):
                return path
        except OSError as error:
            wrong = (error.strerror or type(error).__name__).lower()
            raise SourceUnavailable(shown(place), wrong) from error
        raise DigestMismatch(shown(place), "has none of the hashes of the lock")

    def core_metadata(self, reference: WheelReference) -> Message:
        with self.open(reference) as wheel:
            return wheel.metadata

    def published(self, reference: WheelReference) -> PublishedRecord | None:  # noqa: ARG002
        """None: a lock says nothing of records."""
        return None

    def close(self) -> None:
        for each in self._indexes.values():
            each.close()

    def _index(self, reference: WheelReference) -> SimpleIndex:
        """What asks the host of the wheel, with the credentials that the lock has for it."""
        # Imported here: it brings requests, which wheels at hand have no need to wait for.
        from resolver_check.sources.simple_index import SimpleIndex  # noqa: PLC0415

        url = self._locked[reference.location].url
        key = origin(url), split_credentials(url)[1]
        if key not in self._indexes:
            self._indexes[key] = SimpleIndex(url, offline=self._offline)
        return self._indexes[key]


def _is_path(reference: WheelReference) -> bool:
    return Path(reference.location).is_absolute()
