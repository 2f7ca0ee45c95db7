"""What a fingerprint says of linking: the libraries of a wheel, and what its objects need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from backend_shim.errors import InvalidRecord
from backend_shim.record.canonical import JSONValue
from backend_shim.record.decoding import (
    JSONObject,
    get_bool,
    get_list,
    get_objects,
    get_str,
    get_str_list,
    path_to,
)
from backend_shim.record.facts import Facts

NAME: Final = "linking"


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """A library by which others can name the wheel; its symbols stand in another member."""

    path: str
    name: str
    """Soname, install name or name of the DLL; the file name where there is none."""
    format: str
    machine: str
    is_grafted: bool
    needed: tuple[str, ...]
    """What it needs in its turn, of this wheel and of others, but not of the platform."""
    reexported: tuple[str, ...]
    """Mach-O: those of `needed` whose symbols count as its own."""
    versions: tuple[str, ...] | None
    """ELF: the version nodes defined; None without any `.gnu.version`. Mach-O: the compatibility
    version."""


class Import(NamedTuple):
    """A symbol that must come from outside of the wheel."""

    name: str
    version: str | None
    library: str | None
    """The library that is to define it: PE and Mach-O; ELF only beside a version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What loading one object takes from outside of its wheel and of the platform."""

    path: str
    format: str
    machine: str
    needed: tuple[str, ...]
    """Libraries. ELF: also those that libraries of the same wheel need, which it needs."""
    compatibility: tuple[tuple[str, str], ...]
    """Mach-O: (library, least compatibility version)."""
    imports: tuple[Import, ...]
    optional: tuple[Import, ...]
    """Weak references, which may stay without a definition."""


def library_facts(libraries: Iterable[Library]) -> Facts | None:
    """The facts that a wheel provides; None without libraries."""
    rows: list[JSONValue] = [
        {
            "path": each.path,
            "name": each.name,
            "format": each.format,
            "machine": each.machine,
            "is_grafted": each.is_grafted,
            "needed": list(each.needed),
            "reexported": list(each.reexported),
            "versions": None if each.versions is None else list(each.versions),
        }
        for each in libraries
    ]
    return Facts({"libraries": rows}) if rows else None


def libraries_in(facts: Facts | None) -> tuple[Library, ...]:
    """The libraries that `facts` list; raises InvalidRecord."""
    rows = get_objects(facts.thaw(), "libraries", f"$.{NAME}") if facts is not None else ()
    return tuple(
        Library(
            path=get_str(each, "path", at),
            name=get_str(each, "name", at),
            format=get_str(each, "format", at),
            machine=get_str(each, "machine", at),
            is_grafted=get_bool(each, "is_grafted", at),
            needed=get_str_list(each, "needed", at),
            reexported=get_str_list(each, "reexported", at),
            versions=_versions(each, at),
        )
        for each, at in rows
    )


def _versions(row: JSONObject, path: str) -> tuple[str, ...] | None:
    if "versions" in row and row["versions"] is None:
        return None
    return get_str_list(row, "versions", path)


def need_facts(needs: Iterable[Need]) -> Facts | None:
    """The facts that a wheel requires; None without needs."""
    rows: list[JSONValue] = [
        {
            "path": each.path,
            "format": each.format,
            "machine": each.machine,
            "needed": list(each.needed),
            "compatibility": [[*row] for row in each.compatibility],
            "imports": [[*row] for row in each.imports],
            "optional": [[*row] for row in each.optional],
        }
        for each in needs
    ]
    return Facts({"objects": rows}) if rows else None


def needs_in(facts: Facts | None) -> tuple[Need, ...]:
    """The needs that `facts` list; raises InvalidRecord."""
    rows = get_objects(facts.thaw(), "objects", f"$.{NAME}") if facts is not None else ()
    return tuple(
        Need(
            path=get_str(each, "path", at),
            format=get_str(each, "format", at),
            machine=get_str(each, "machine", at),
            needed=get_str_list(each, "needed", at),
            compatibility=tuple(_compatibility(each, at)),
            imports=tuple(_imports(each, "imports", at)),
            optional=tuple(_imports(each, "optional", at)),
        )
        for each, at in rows
    )


def _imports(row: JSONObject, key: str, path: str) -> Iterator[Import]:
    for each in get_list(row, key, path):
        match each:
            case [str(name), str() | None as version, str() | None as library]:
                yield Import(name, version, library)
            case _:
                raise InvalidRecord(path_to(path, key), "must hold [name, version, library]")


def _compatibility(row: JSONObject, path: str) -> Iterator[tuple[str, str]]:
    for each in get_list(row, "compatibility", path):
        match each:
            case [str(library), str(version)]:
                yield library, version
            case _:
                raise InvalidRecord(path_to(path, "compatibility"), "must hold [library, version]")
