"""What a build really read: files by distribution and role, system packages, system libraries.

It proves something only where `Capture.is_complete`; else a file may have been read unseen.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from backend_shim.errors import InvalidRecord
from backend_shim.record.canonical import JSONValue
from backend_shim.record.decoding import (
    JSONObject,
    as_str,
    get_bool,
    get_count,
    get_object,
    get_objects,
    get_str,
    get_str_list,
    get_str_or_null,
    get_word,
    path_to,
)


class Role(str, enum.Enum):
    """What a file was to the build."""

    HEADER = "header"
    """Text that is compiled in: headers, also templates and C sources of a distribution."""
    PXD = "pxd"
    """Declarations of Cython, and `.pyx` that is included."""
    STATIC_LIBRARY = "static-library"
    """Archives and object files, which are linked in."""
    SHARED_LIBRARY = "shared-library"
    """Libraries that may have been linked to, or only loaded by what ran."""
    BUILD_TOOL = "build-tool"
    """What ran: Python modules, extension modules, scripts and programs."""
    OTHER = "other"
    """Descriptions for build systems (`.pc`, `.cmake`), and data."""


COMPILED_IN: Final = (Role.HEADER, Role.PXD, Role.STATIC_LIBRARY)
"""Whoever a build reads these of is a library to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFiles:
    """The files of one distribution that a build opened."""

    digests: tuple[tuple[Role, str, str], ...] = ()
    """(role, path, digest as in RECORD), sorted; without build tools. The path is as installed,
    relative to the distribution's directory, without leading `..`."""
    tools: tuple[str, ...] = ()
    """Paths of build tools, sorted; of bytecode, that of its source."""
    tools_sha256: str | None = None
    """`listing_digest` of the tools; None where there are none."""
    is_program: bool = False
    """Its code may have written something for the wheel: a program or plug-in of it was run, or, of
    a library, more of its code than importing it loads."""

    def __bool__(self) -> bool:
        return bool(self.digests or self.tools)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """How the read set was observed."""

    method: str = "none"
    """`inotify`, or `none`: nothing was observed."""
    is_complete: bool = False
    """Every file of the build environment that the build read was seen."""
    why_incomplete: tuple[str, ...] = ()
    """One word or two for each reason, sorted: see the specification."""
    unowned: int = 0
    """Files that were read and belong to no distribution and no system package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemPackage:
    """Files of a package of the operating system that a build read."""

    manager: str
    """`dpkg`, `rpm` or `apk`."""
    name: str
    version: str
    files: int
    sha256: str
    """Over the lines `<path> <sha256>` of these files, sorted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemLibrary:
    """A library that binaries of the wheel need and no wheel ships."""

    soname: str
    versions: tuple[str, ...]
    """Version nodes that are needed of it."""
    package: str | None
    """`manager/name/version` of the system package that owns it."""


def listing_digest(files: Iterable[tuple[str, str]]) -> str:
    """SHA-256 over the lines `<path>,<digest>` of `files`, sorted, each with a line feed."""
    lines = sorted(f"{path},{digest}\n" for path, digest in files)
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def read_files_json(files: ReadFiles) -> JSONValue:
    """The table of `files`: by role, digest by path; of build tools the paths and one digest."""
    table: dict[str, JSONValue] = {}
    for role in Role:
        digests = {path: digest for each, path, digest in files.digests if each is role}
        if digests:
            table[role.value] = dict[str, JSONValue](digests)
    if files.tools:
        table[Role.BUILD_TOOL.value] = {
            "files": list(files.tools),
            "sha256": files.tools_sha256,
            "program": files.is_program,
        }
    return table


def read_read_files(table: JSONObject, path: str) -> ReadFiles:
    """The files that `table`, standing at `path`, tells of. Raises InvalidRecord."""
    found: list[tuple[Role, str, str]] = []
    for role in Role:
        if role is Role.BUILD_TOOL:
            continue
        of_role = get_object(table, role.value, path, optional=True) or {}
        where = path_to(path, role.value)
        found += [
            (role, name, as_str(digest, path_to(where, name))) for name, digest in of_role.items()
        ]
    digests = tuple(sorted(found))
    tools = get_object(table, Role.BUILD_TOOL.value, path, optional=True)
    if tools is None:
        return ReadFiles(digests=digests)
    where = path_to(path, Role.BUILD_TOOL.value)
    files = get_str_list(tools, "files", where)
    if not files:
        raise InvalidRecord(path_to(where, "files"), "must not be empty")
    return ReadFiles(
        digests=digests,
        tools=files,
        tools_sha256=get_str(tools, "sha256", where),
        is_program=get_bool(tools, "program", where),
    )


def capture_json(capture: Capture) -> JSONValue:
    """The table of `capture`."""
    return {
        "method": capture.method,
        "complete": capture.is_complete,
        "why_incomplete": list(capture.why_incomplete),
        "unowned": capture.unowned,
    }


def read_capture(table: JSONObject, path: str) -> Capture:
    """The capture of `table`, standing at `path`.

    Raises InvalidRecord, also where a capture contradicts itself: it is the ground of proofs.
    """
    capture = Capture(
        method=get_word(table, "method", path, ("inotify", "none")),
        is_complete=get_bool(table, "complete", path),
        why_incomplete=get_str_list(table, "why_incomplete", path),
        unowned=get_count(table, "unowned", path),
    )
    if capture.is_complete and (capture.method == "none" or capture.why_incomplete):
        raise InvalidRecord(path_to(path, "complete"), "contradicts the method or the reasons")
    return capture


def system_json(packages: Iterable[SystemPackage], libraries: Iterable[SystemLibrary]) -> JSONValue:
    """The table of what a build took from the operating system."""
    return {
        "packages": [
            {
                "manager": each.manager,
                "name": each.name,
                "version": each.version,
                "files": each.files,
                "digest": {"sha256": each.sha256},
            }
            for each in packages
        ],
        "libraries": [
            {"soname": each.soname, "versions": list(each.versions), "package": each.package}
            for each in libraries
        ],
    }


def read_system(
    table: JSONObject, path: str
) -> tuple[tuple[SystemPackage, ...], tuple[SystemLibrary, ...]]:
    """Packages and libraries of `table`, standing at `path`. Raises InvalidRecord."""
    packages = tuple(
        SystemPackage(
            manager=get_word(each, "manager", where, ("dpkg", "rpm", "apk")),
            name=get_str(each, "name", where),
            version=get_str(each, "version", where),
            files=get_count(each, "files", where, least=1),
            sha256=get_str(get_object(each, "digest", where), "sha256", path_to(where, "digest")),
        )
        for each, where in get_objects(table, "packages", path)
    )
    libraries = tuple(
        SystemLibrary(
            soname=get_str(each, "soname", where),
            versions=get_str_list(each, "versions", where),
            package=get_str_or_null(each, "package", where),
        )
        for each, where in get_objects(table, "libraries", path)
    )
    return packages, libraries
