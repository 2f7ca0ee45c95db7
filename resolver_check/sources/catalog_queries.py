"""What a catalog is asked. Wheels that no source has any more are left out of every answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from packaging.utils import NormalizedName

from backend_shim.interfaces import (
    capsule,
    cffi,
    cpython,
    cython,
    header,
    import_name,
    linking,
    nanobind,
    numpy_c_api,
    platform_floor,
    pybind11,
    sip,
    swig,
    torch,
)
from resolver_check.sources.catalog import Catalog
from resolver_check.sources.catalog_schema import KINDS, failures_of

# Whoever binds by one of these holds a name of the provider or of its library, or is told by the
# name of the interface.
_FOUND_BY_NAME: Final = frozenset(
    each.NAME
    for each in (
        cffi,
        cpython,
        cython,
        header,
        import_name,
        linking,
        numpy_c_api,
        platform_floor,
        sip,
        torch,
    )
)
# By these two wheels may meet without a name of each other, if both have them.
_MET_BY_BOTH: Final = frozenset(each.NAME for each in (capsule, nanobind, pybind11, swig))
_LIVE: Final = "EXISTS (SELECT 1 FROM places WHERE places.wheel = wheels.id AND NOT is_gone)"
# Put together from the texts of this file alone; what is asked for goes in as parameters.
_COLUMNS: Final = f"""
SELECT wheels.id, filename, project.text, version, sha256, (
    SELECT location FROM places WHERE places.wheel = wheels.id AND NOT is_gone
), {{detail}} FROM wheels JOIN strings AS project ON project.id = wheels.project {{joined}}
WHERE {_LIVE} AND {{condition}} ORDER BY filename, wheels.id
"""  # noqa: S608


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundWheel:
    """A wheel in an answer."""

    filename: str
    project: str
    version: str
    sha256: str | None
    location: str
    detail: str
    """Why it is in the answer, where the question alone does not say so; else empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An answer, and the wheels for which the catalog cannot tell."""

    wheels: tuple[FoundWheel, ...]
    unknown: tuple[FoundWheel, ...] = ()


def importing(catalog: Catalog, symbol: str) -> Found:
    """Wheels that take `symbol` from outside of themselves.

    Nothing is held of symbols that the interpreter, the C library and the compilers' libraries
    give. The detail is the library that is to define it, where the binary says so.
    """
    wheels = _select(
        catalog,
        detail="group_concat(nullif(library.text, ''), ' ')",
        joined="JOIN imports ON imports.wheel = wheels.id "
        "JOIN strings AS library ON library.id = imports.library",
        condition="imports.symbol = (SELECT id FROM strings WHERE text = ?) GROUP BY wheels.id",
        values=(symbol,),
    )
    return Found(wheels=wheels, unknown=_unread(catalog))


def needing(catalog: Catalog, soname: str) -> Found:
    """Wheels with an object that needs the library `soname`, whoever provides it."""
    wheels = _select(
        catalog,
        joined="JOIN needed ON needed.wheel = wheels.id",
        condition="needed.soname = (SELECT id FROM strings WHERE text = ?)",
        values=(soname,),
    )
    return Found(wheels=wheels, unknown=_unread(catalog))


def without_records(catalog: Catalog) -> Found:
    """Wheels that carry no fingerprint that can be used; of those that could be read."""
    lost = _select(catalog, detail="unreadable", condition="unreadable IS NOT NULL", values=())
    wheels = _select(catalog, condition="NOT has_records AND unreadable IS NULL", values=())
    return Found(wheels=wheels, unknown=lost)


def unreadable(catalog: Catalog) -> Found:
    """Wheels that could not be read, or that hold a binary that could not; the detail says why."""
    return Found(wheels=_unread(catalog))


def binding_to(catalog: Catalog, project: NormalizedName) -> Found:
    """Wheels that require `project`, to be installed or in their builds, and show a binding to it.

    A binding shows where a binary needs a library, or holds a name, by which a catalogued wheel of
    the project is reached, or where it uses an interface that is the project's own. Of the others,
    unknown are those with an unread binary, those that were not searched for all of these names,
    those that may meet the project's wheels in a registry that both use, or by a plug-in's
    interface, and those that could not be read at all. Not seen are wheels that do not require the
    project, and symbols that are taken from whatever was loaded before, without naming a library.
    """
    given = _Given.of(catalog, project)
    candidates = _candidates(catalog, project)
    evidence = _evidence(catalog, project, given)
    bound, unknown = [], []
    for wheel, found in candidates.items():
        if wheel in evidence:
            bound.append(replace(found, detail=", ".join(sorted(evidence[wheel]))))
        elif doubt := _doubt(catalog, wheel, given):
            unknown.append(replace(found, detail=doubt))
    unread = _select(catalog, detail="unreadable", condition="unreadable IS NOT NULL", values=())
    return Found(wheels=tuple(bound), unknown=(*unknown, *unread))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """By what the catalogued wheels of a project are reached; texts by their numbers."""

    wheels: frozenset[int]
    sonames: Mapping[int, str]
    names: Mapping[int, str]
    doubtful: Mapping[str, int]
    """By which a wheel may bind to them that holds no name of theirs."""

    @classmethod
    def of(cls, catalog: Catalog, project: NormalizedName) -> _Given:
        def texts(table: str, column: str) -> dict[int, str]:
            # Names of tables and columns are those below.
            query = (
                f"SELECT DISTINCT strings.id, strings.text FROM {table} "  # noqa: S608
                f"JOIN wheels ON wheels.id = {table}.wheel "
                f"JOIN strings ON strings.id = {table}.{column} "
                f"WHERE wheels.project = (SELECT id FROM strings WHERE text = ?) AND {_LIVE}"
            )
            return dict(_rows(catalog, query, (project,)))

        query = (
            "SELECT id FROM wheels WHERE project = (SELECT id FROM strings WHERE text = ?) "  # noqa: S608
            f"AND unreadable IS NULL AND {_LIVE}"
        )
        provided = texts("provides_interface", "interface").values()
        return cls(
            wheels=frozenset(wheel for (wheel,) in _rows(catalog, query, (project,))),
            sonames=texts("provides_soname", "soname"),
            names=texts("names", "name"),
            doubtful={
                interface: number
                for interface, number in interfaces_required(catalog).items()
                if meets_without_a_name(interface, provided)
            },
        )


def _candidates(catalog: Catalog, project: NormalizedName) -> dict[int, FoundWheel]:
    rows = _rows(
        catalog,
        _COLUMNS.format(
            detail="''",
            joined="",
            condition="project.text <> :project AND NOT is_purelib AND wheels.id IN ("
            "SELECT wheel FROM requires WHERE kind IN (0, 1) AND requires.project = "
            "(SELECT id FROM strings WHERE text = :project))",
        ),
        {"project": project},
    )
    return {row[0]: _found(row) for row in rows}


def _evidence(
    catalog: Catalog, project: NormalizedName, given: _Given
) -> defaultdict[int, set[str]]:
    """By wheel, the ways in which it is seen to bind."""
    found: defaultdict[int, set[str]] = defaultdict(set)
    observed = (
        "SELECT wheel, strings.text FROM requires JOIN strings ON strings.id = requires.text "
        "WHERE project = (SELECT id FROM strings WHERE text = ?) AND kind = ?"
    )
    for wheel, interface in _rows(catalog, observed, (project, KINDS.index("observed"))):
        found[wheel].add(f"uses {interface}")
    for soname, text in given.sonames.items():
        for (wheel,) in _rows(catalog, "SELECT wheel FROM needed WHERE soname = ?", (soname,)):
            found[wheel].add(f"needs {text}")
    within = (
        "SELECT wheel FROM named JOIN strings ON strings.id = named.name "
        "WHERE strings.text = ? OR (strings.text > ? AND strings.text < ?)"
    )
    for text in given.names.values():
        # The sign after "." is "/": all that begins with the name and a dot.
        for (wheel,) in _rows(catalog, within, (text, f"{text}.", f"{text}/")):
            found[wheel].add(f"names {text}")
    return found


def _doubt(catalog: Catalog, wheel: int, given: _Given) -> str:
    """Why it cannot be said that the wheel is bound by nothing; empty where it can."""
    if not given.wheels:
        return "no readable wheel of the project is in the catalog"
    ((has_unread,),) = _rows(catalog, "SELECT has_unread FROM wheels WHERE id = ?", (wheel,))
    if has_unread:
        return "a binary could not be read"
    missing = sorted(
        text
        for number, text in given.names.items()
        if not _rows(catalog, "SELECT 1 FROM looked_for WHERE name = ? AND wheel = ?",
                     (number, wheel))
    )  # fmt: skip
    if missing:
        shown = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
        return f"was not searched for {shown}"
    for interface in sorted(given.doubtful):
        rows = _rows(
            catalog,
            "SELECT 1 FROM requires_interface WHERE interface = ? AND wheel = ?",
            (given.doubtful[interface], wheel),
        )
        if rows:
            return f"may meet it by {interface}"
    return ""


def interfaces_required(catalog: Catalog) -> dict[str, int]:
    """The interfaces by which any wheel requires anything, with their numbers."""
    # One look-up for each, where DISTINCT would read a row for each wheel.
    query = (
        "WITH RECURSIVE found (number) AS (SELECT min(interface) FROM requires_interface UNION ALL "
        "SELECT (SELECT min(interface) FROM requires_interface WHERE interface > number) "
        "FROM found WHERE number IS NOT NULL) "
        "SELECT text, strings.id FROM found JOIN strings ON strings.id = number"
    )
    return dict(_rows(catalog, query, ()))


def meets_without_a_name(interface: str, provided: Container[str]) -> bool:
    """Whether who requires `interface` may bind to whom provides those, and hold no name of it.

    Of a plug-in's it is not known here what it goes by.
    """
    if interface in _MET_BY_BOTH:
        return interface in provided
    return interface not in _FOUND_BY_NAME


def _unread(catalog: Catalog) -> tuple[FoundWheel, ...]:
    return _select(
        catalog,
        detail="coalesce(unreadable, 'a binary could not be read')",
        condition="(unreadable IS NOT NULL OR has_unread)",
        values=(),
    )


def _select(
    catalog: Catalog,
    *,
    condition: str,
    values: tuple[str, ...],
    detail: str = "''",
    joined: str = "",
) -> tuple[FoundWheel, ...]:
    query = _COLUMNS.format(detail=detail, joined=joined, condition=condition)
    return tuple(_found(row) for row in _rows(catalog, query, values))


def _found(row: tuple[Any, ...]) -> FoundWheel:
    _, filename, project, version, sha256, location, detail = row
    return FoundWheel(
        filename=filename,
        project=project,
        version=version,
        sha256=sha256,
        location=location,
        detail=detail or "",
    )


def _rows(
    catalog: Catalog, query: str, values: tuple[object, ...] | Mapping[str, object]
) -> list[tuple[Any, ...]]:
    with failures_of(catalog.path):
        return catalog.connection.execute(query, values).fetchall()
