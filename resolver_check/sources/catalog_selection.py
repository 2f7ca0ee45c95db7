"""The wheels of a catalog that one plan is made for.

By their numbers in the catalog: most are never looked at one by one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any, Final, cast

import numpy as np
from packaging.tags import Tag
from packaging.utils import NormalizedName, parse_wheel_filename
from packaging.version import Version

from resolver_check.columns import Mask, Numbers
from resolver_check.errors import SourceUnavailable, UsageError
from resolver_check.sources.catalog import Catalog
from resolver_check.sources.catalog_body import body_of
from resolver_check.sources.catalog_entry import WheelBody, listed_wheel
from resolver_check.sources.catalog_schema import KINDS, failures_of
from resolver_check.wheel_reference import WheelReference, release_order

_KINDS_OF_WHEELS: Final = "SELECT DISTINCT tags, is_purelib, asked FROM wheels"
_ONE_KIND: Final = "FROM wheels WHERE tags = ? AND is_purelib = ? AND asked = ?"
_OFFERED: Final = "FROM places WHERE source = ? AND is_gone = 0 AND is_yanked = 0"
_WHEELS: Final = """
SELECT wheels.id, filename, identity, text, version, tags, sha256, size, location,
    requires_python, has_records, unreadable, has_build_inputs
FROM wheels JOIN strings ON strings.id = project JOIN places ON places.wheel = wheels.id
WHERE places.source = ? AND wheels.id IN (SELECT value FROM json_each(?))
"""
_AT_ONCE: Final = 10_000
_OF_PROJECT: Final = "FROM wheels WHERE project = (SELECT id FROM strings WHERE text = ?)"


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
        self._kinds: dict[tuple[int, int, int], Mask] = {}
        self._count = 1 + self._rows("SELECT coalesce(max(id), 0) FROM wheels")[0][0]
        offered = self.mask("wheel", _OFFERED, self._source)
        for kind in self._rows(_KINDS_OF_WHEELS):
            its_tags = self._tags_of(kind[0])
            if its_tags & tags:
                self.tags[kind[0]] = its_tags
                self._kinds[kind] = self.mask("id", _ONE_KIND, *kind) & offered

    @cached_property
    def pure(self) -> Mask:
        """Those without a binary."""
        return self._any(found for kind, found in self._kinds.items() if kind[1])

    @cached_property
    def binary(self) -> Mask:
        """The others, those that could not be read among them."""
        return self._any(found for kind, found in self._kinds.items() if not kind[1])

    @property
    def chosen(self) -> Mask:
        """All that are selected."""
        return self.pure | self.binary

    def none(self) -> Mask:
        """No wheel."""
        return np.zeros(self._count, dtype=np.bool_)

    def _any(self, masks: Iterable[Mask]) -> Mask:
        found = self.none()
        for each in masks:
            found |= each
        return found

    def leave_out(self, project: NormalizedName) -> None:
        """Take the project's wheels out of the selection."""
        self._leave_out(self.mask("id", _OF_PROJECT, project))

    def _leave_out(self, gone: Mask) -> None:
        self.pure[gone] = False
        self.binary[gone] = False

    def leave_out_older(self) -> None:
        """Take out all but the newest wheel of each project, as a plan over a source does."""
        projects: dict[int, dict[Version, list[int]]] = {}
        chosen = self.chosen
        for wheel, project, version in self._rows("SELECT id, project, version FROM wheels"):
            if chosen[wheel]:
                versions = projects.setdefault(project, {})
                versions.setdefault(version_of(version), []).append(wheel)
        for versions in projects.values():
            found = versions[max(versions)]
            if len(found) > 1:
                found = [max(found, key=lambda each: release_order(self.wheel(each).reference))]
            chosen[found] = False
        self._leave_out(chosen)

    def of_project(self, project: NormalizedName) -> tuple[CatalogWheel, ...]:
        """Its wheels for the target, newest last, also those that are left out; without yanked."""
        found = [
            self.wheel(wheel)
            for wheel, tags in self._rows(f"SELECT id, tags {_OF_PROJECT}", project)
            if tags in self.tags
            and self._rows(f"SELECT 1 {_OFFERED} AND wheel = ?", self._source, wheel)
        ]
        return tuple(sorted(found, key=lambda each: release_order(each.reference)))

    def selected_of(self, project: str) -> Mask:
        """The selected wheels of a project."""
        return self.mask("id", _OF_PROJECT, project) & self.chosen

    def has_project(self, project: NormalizedName) -> bool:
        """Whether the source has any wheel of it, for whatever target."""
        query = (
            "SELECT 1 FROM wheels JOIN places ON places.wheel = wheels.id AND NOT is_gone "
            "WHERE project = (SELECT id FROM strings WHERE text = ?) AND source = ? LIMIT 1"
        )
        return bool(self._rows(query, project, self._source))

    @cached_property
    def projects(self) -> Numbers:
        """By wheel, the number of its project."""
        wheels, projects = self.columns("id, project", "FROM wheels")
        found = np.zeros(self._count, dtype=np.int64)
        found[wheels] = projects
        return found

    def text(self, number: int) -> str:
        """The text of that number."""
        text: str = self._rows("SELECT text FROM strings WHERE id = ?", number)[0][0]
        return text

    def texts(self, numbers: Numbers) -> dict[int, str]:
        """The texts of these numbers."""
        query = "SELECT id, text FROM strings WHERE id IN (SELECT value FROM json_each(?))"
        return dict(self._rows(query, as_json(numbers)))

    def versions_of(self, projects: Numbers) -> Iterator[tuple[int, list[int], tuple[str, ...]]]:
        """Of each project its selected wheels, and the texts of their versions."""
        query = (
            # PEP 440: no version has a space in it.
            "SELECT project, group_concat(id), group_concat(version, ' ') FROM wheels "
            "WHERE project IN (SELECT value FROM json_each(?)) GROUP BY project"
        )
        chosen = self.chosen.tobytes()
        for project, numbers, texts in self._rows(query, as_json(projects)):
            wheels, versions = list(map(int, str(numbers).split(","))), tuple(texts.split(" "))
            if not all(chosen[wheel] for wheel in wheels):
                kept = [at for at, wheel in enumerate(wheels) if chosen[wheel]]
                wheels, versions = [wheels[at] for at in kept], tuple(versions[at] for at in kept)
            yield project, wheels, versions

    def stated_of(self, projects: Numbers) -> tuple[list[tuple[int, int]], Numbers, Numbers]:
        """The requirements of these projects, by project and line; who states one, and which.

        Of a requirement to build the line is 0: whatever version a build had, that of now may be
        any. All selected wheels that state a requirement stand together.
        """
        query = (
            "SELECT project, {line}, count(*), group_concat(wheel) FROM requires "
            "WHERE kind = ? AND project IN (SELECT value FROM json_each(?)) GROUP BY 1, 2"
        )
        numbers = as_json(projects)
        rows = [
            *self._rows(query.format(line="text"), KINDS.index("install"), numbers),
            *self._rows(query.format(line="0"), KINDS.index("build"), numbers),
        ]
        wheels = self._parsed(",".join(each[3] for each in rows), sum(each[2] for each in rows))
        requirement = np.repeat(np.arange(len(rows)), np.array([each[2] for each in rows], int))
        is_chosen = self.chosen[wheels]
        return [each[:2] for each in rows], wheels[is_chosen], requirement[is_chosen]

    def wheel(self, number: int) -> CatalogWheel:
        """All of a wheel but its body."""
        return next(self.wheels(np.array([number])))

    def wheels(self, numbers: Numbers) -> Iterator[CatalogWheel]:
        """All of these wheels but their bodies, in any order."""
        for start in range(0, numbers.size, _AT_ONCE):
            some = as_json(numbers[start : start + _AT_ONCE])
            for row in self._rows(_WHEELS, self._source, some):
                yield self._wheel(*row)

    def _wheel(  # noqa: PLR0913, PLR0917 - a row
        self, number: int, filename: str, identity: str, project: str,
        version: str, tags: int, sha256: str | None, size: int | None, location: str,
        requires_python: str | None, has_records: int, unreadable: str | None,
        has_build_inputs: int,
    ) -> CatalogWheel:  # fmt: skip
        reference = WheelReference(
            name=cast("NormalizedName", project),
            version=version_of(version),
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

    def unasked(self, interfaces: Collection[str]) -> Mask:
        """Selected wheels with binaries that were not looked at for each of `interfaces`."""
        found = (
            wheels
            for (_, _, asked), wheels in self._kinds.items()
            if not set(self.text(asked).split(" ")).issuperset(interfaces)
        )
        return self._any(found) & self.binary

    def with_tags(self, tags: int) -> Mask:
        """Selected wheels with binaries and those tags."""
        found = (wheels for kind, wheels in self._kinds.items() if kind[0] == tags)
        return self._any(found) & self.binary

    def mask(self, column: str, rest: str, *values: object) -> Mask:
        """The wheels whose numbers are in that column of an answer."""
        found = self.none()
        found[self.columns(column, rest, *values)[0]] = True
        return found

    def columns(self, names: str, rest: str, *values: object) -> tuple[Numbers, ...]:
        """The columns, all of whole numbers, of what `SELECT names rest` answers.

        Each comes as one text, which for a million rows is five times faster than the rows.
        """
        wanted = ", ".join(f"group_concat({name})" for name in names.split(", "))
        ((count, *texts),) = self._rows(f"SELECT count(*), {wanted} {rest}", *values)
        return tuple(self._parsed("" if text is None else str(text), count) for text in texts)

    def _parsed(self, text: str, count: int) -> Numbers:
        """So many numbers."""
        if not count:
            return np.empty(0, dtype=np.int64)
        try:
            found = np.fromstring(text, dtype=np.int64, sep=",")
        except ValueError:
            found = None
        if found is None or found.size != count:
            raise SourceUnavailable(str(self._catalog.path), "the catalog is damaged")
        return found

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


def as_json(numbers: Numbers) -> str:
    """`numbers` as one parameter of a query, for `json_each`."""
    return f"[{','.join(map(str, numbers.tolist()))}]"


@cache
def version_of(text: str) -> Version:
    """The version, made once for each text."""
    return Version(text)


def is_changed(wheel: CatalogWheel) -> bool:
    """Whether another file lies where the scan found this one; only a local one tells."""
    if wheel.identity.startswith("sha256:"):
        return False
    return listed_wheel(replace(wheel.reference, digest=None)).identity != wheel.identity
