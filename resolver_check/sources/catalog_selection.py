"""The wheels of a catalog that one plan is made for.

By their numbers in the catalog: most are never looked at one by one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any, Final

from packaging.tags import Tag
from packaging.utils import NormalizedName, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from resolver_check.errors import UsageError
from resolver_check.sources.catalog import Catalog
from resolver_check.sources.catalog_body import body_of
from resolver_check.sources.catalog_entry import WheelBody, listed_wheel
from resolver_check.sources.catalog_schema import KINDS, failures_of
from resolver_check.wheel_reference import WheelReference, release_order

_KINDS_OF_WHEELS: Final = "SELECT DISTINCT tags, is_purelib, asked FROM wheels"
_ONE_KIND: Final = "SELECT id FROM wheels WHERE tags = ? AND is_purelib = ? AND asked = ?"
_OFFERED: Final = "SELECT wheel FROM places WHERE source = ? AND is_gone = 0 AND is_yanked = 0"
_WHEELS: Final = """
SELECT wheels.id, project, filename, identity, text, version, tags, sha256, size, location,
    requires_python, has_records, unreadable, has_build_inputs
FROM wheels JOIN strings ON strings.id = project JOIN places ON places.wheel = wheels.id
WHERE places.source = ? AND wheels.id IN ({places})
"""
_AT_ONCE: Final = 500
_REQUIRING: Final = "SELECT wheel, kind, text FROM requires WHERE project = ? AND kind IN (0, 1)"


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogWheel:
    """One wheel of the selection."""

    number: int
    reference: WheelReference
    is_recorded: bool
    unreadable: str | None
    has_build_inputs: bool
    identity: str
    """As the scan found it."""


class Selection:
    """The wheels of one source for one target that are not yanked. Raises SourceUnavailable."""

    def __init__(self, catalog: Catalog, location: str | None, tags: frozenset[Tag]) -> None:
        """Raises UsageError where the catalog has no such source, or several and none is named."""
        self._catalog = catalog
        self._source, self.location = self._find_source(location)
        self.tags: dict[int, frozenset[Tag]] = {}
        """Of wheels, by the number of the text in the catalog."""
        self._kinds: dict[tuple[int, int, int], set[int]] = {}
        self._projects: dict[int, int] = {}
        offered = {wheel for (wheel,) in self._rows(_OFFERED, self._source)}
        for kind in self._rows(_KINDS_OF_WHEELS):
            its_tags = self._tags_of(kind[0])
            if its_tags & tags:
                self.tags[kind[0]] = its_tags
                found = {wheel for (wheel,) in self._rows(_ONE_KIND, *kind)}
                self._kinds[kind] = found & offered

    @cached_property
    def pure(self) -> set[int]:
        """Those without a binary."""
        return set().union(*(found for kind, found in self._kinds.items() if kind[1]))

    @cached_property
    def binary(self) -> set[int]:
        """The others, those that could not be read among them."""
        return set().union(*(found for kind, found in self._kinds.items() if not kind[1]))

    def leave_out(self, project: NormalizedName) -> None:
        """Take the project's wheels out of the selection."""
        self._leave_out(wheel for (wheel,) in self._of_project("id", project))

    def _leave_out(self, wheels: Iterable[int]) -> None:
        gone = set(wheels)
        self.pure.difference_update(gone)
        self.binary.difference_update(gone)

    def leave_out_older(self) -> None:
        """Take out all but the newest wheel of each project, as a plan over a source does."""
        projects: dict[int, dict[Version, list[int]]] = {}
        everything = self.pure | self.binary
        for wheel, project, version in self._rows("SELECT id, project, version FROM wheels"):
            if wheel in everything:
                versions = projects.setdefault(project, {})
                versions.setdefault(_version(version), []).append(wheel)
        newest = {
            max(found, key=lambda each: release_order(self.wheel(each).reference))
            for versions in projects.values()
            for found in [versions[max(versions)]]
        }
        self._leave_out(everything - newest)

    def of_project(self, project: NormalizedName) -> tuple[CatalogWheel, ...]:
        """Its wheels for the target, newest last, also those that are left out; without yanked."""
        found = [
            self.wheel(wheel)
            for wheel, tags in self._of_project("id, tags", project)
            if tags in self.tags and self._rows(f"{_OFFERED} AND wheel = ?", self._source, wheel)
        ]
        return tuple(sorted(found, key=lambda each: release_order(each.reference)))

    def selected_of(self, project: str) -> set[int]:
        """The selected wheels of a project."""
        found = {wheel for (wheel,) in self._of_project("id", project)}
        return (found & self.pure) | (found & self.binary)

    def has_project(self, project: NormalizedName) -> bool:
        """Whether the source has any wheel of it, for whatever target."""
        query = (
            "SELECT 1 FROM wheels JOIN places ON places.wheel = wheels.id AND NOT is_gone "
            "WHERE project = (SELECT id FROM strings WHERE text = ?) AND source = ? LIMIT 1"
        )
        return bool(self._rows(query, project, self._source))

    def chosen_of(self, project: int) -> dict[int, Version]:
        """The selected wheels of the project of that number, with their versions."""
        rows = self._rows("SELECT id, version FROM wheels WHERE project = ?", project)
        return {
            wheel: _version(version)
            for wheel, version in rows
            if wheel in self.binary or wheel in self.pure
        }

    def project_of(self, wheel: int) -> int:
        """The number of the project of a wheel."""
        if wheel not in self._projects:
            self._projects[wheel] = self._rows("SELECT project FROM wheels WHERE id = ?", wheel)[0][
                0
            ]
        return self._projects[wheel]

    def requiring(self, project: int) -> Iterator[tuple[int, bool, int]]:
        """Selected wheels that require the project: wheel, whether for its build, and the text.

        Of an install requirement the text is its line, by its number.
        """
        for wheel, kind, text in self._rows(_REQUIRING, project):
            if wheel in self.binary or wheel in self.pure:
                yield wheel, kind == KINDS.index("build"), text

    def text(self, number: int) -> str:
        """The text of that number."""
        text: str = self._rows("SELECT text FROM strings WHERE id = ?", number)[0][0]
        return text

    def wheel(self, number: int) -> CatalogWheel:
        """All of a wheel but its body."""
        return next(self.wheels([number]))

    def wheels(self, numbers: Sequence[int]) -> Iterator[CatalogWheel]:
        """All of these wheels but their bodies, in any order."""
        for start in range(0, len(numbers), _AT_ONCE):
            some = numbers[start : start + _AT_ONCE]
            query = _WHEELS.format(places=", ".join("?" * len(some)))
            for row in self._rows(query, self._source, *some):
                yield self._wheel(*row)

    def _wheel(  # noqa: PLR0913, PLR0917 - a row
        self, number: int, project_number: int, filename: str, identity: str, project: str,
        version: str, tags: int, sha256: str | None, size: int | None, location: str,
        requires_python: str | None, has_records: int, unreadable: str | None,
        has_build_inputs: int,
    ) -> CatalogWheel:  # fmt: skip
        self._projects[number] = project_number
        reference = WheelReference(
            name=canonicalize_name(project),
            version=_version(version),
            # Only a name with a build tag has six parts (binary distribution format).
            build=parse_wheel_filename(filename)[2] if filename.count("-") > 4 else (),
            tags=self._tags_of(tags),
            filename=filename,
            location=location,
            digest=sha256,
            size=size,
            requires_python=requires_python,
        )
        return CatalogWheel(
            number=number,
            reference=reference,
            is_recorded=bool(has_records),
            unreadable=unreadable,
            has_build_inputs=bool(has_build_inputs),
            identity=identity,
        )

    def body(self, wheel: int) -> WheelBody | None:
        """What was read of it. Raises InvalidRecord."""
        found = self._rows("SELECT body FROM bodies WHERE wheel = ?", wheel)
        return body_of(found[0][0]) if found else None

    def unasked(self, interfaces: Collection[str]) -> set[int]:
        """Selected wheels with binaries that were not looked at for each of `interfaces`."""
        found: set[int] = set()
        for (_, _, asked), wheels in self._kinds.items():
            if not set(self.text(asked).split(" ")).issuperset(interfaces):
                found |= wheels
        return found & self.binary

    def with_tags(self, tags: int) -> set[int]:
        """Selected wheels with binaries and those tags."""
        found = (wheels for kind, wheels in self._kinds.items() if kind[0] == tags)
        return set().union(*found) & self.binary

    def _of_project(self, columns: str, project: str) -> list[tuple[Any, ...]]:
        query = (
            f"SELECT {columns} FROM wheels "  # noqa: S608
            "WHERE project = (SELECT id FROM strings WHERE text = ?)"
        )
        return self._rows(query, project)

    def _find_source(self, location: str | None) -> tuple[int, str]:
        rows = self._rows("SELECT id, location FROM sources ORDER BY location")
        chosen = [row for row in rows if location is None or row[1] == location]
        if len(chosen) == 1:
            number, text = chosen[0]
            return number, text
        if not rows:
            raise UsageError(f"{self._catalog.path} has no source; `scan` one first")
        known = ", ".join(text for _, text in rows)
        raise UsageError(f"--source has to be one of those in {self._catalog.path}: {known}")

    @cache  # noqa: B019 - the selection lives as long as its plan
    def _tags_of(self, number: int) -> frozenset[Tag]:
        return frozenset(Tag(*each.split("-")) for each in self.text(number).split(" "))

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            return self._catalog.connection.execute(query, values).fetchall()
        except Exception:
            # There are too many questions to prepare for this before each.
            with failures_of(self._catalog.path):
                raise


@cache
def _version(text: str) -> Version:
    return Version(text)


def is_changed(wheel: CatalogWheel) -> bool:
    """Whether another file lies where the scan found this one; only a local one tells."""
    if wheel.identity.startswith("sha256:"):
        return False
    return listed_wheel(replace(wheel.reference, digest=None)).identity != wheel.identity
