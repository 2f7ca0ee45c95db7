"""What `.pc` and `.cmake` files say of how a consumer is compiled: its flags, no versions or paths.

A consumer that is compiled holds the definitions (`-DOCTOMAP_MINOR_VERSION=9`) that these files
gave it. Where the libraries lie, and which release it is, they say to a build only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

# pkg-config's guide, "Writing pkg-config files".
_FIELD: Final = re.compile(rb"^([A-Za-z.]+)[ \t]*:", re.MULTILINE)
_VARIABLE: Final = re.compile(rb"^([\w.]+)[ \t]*=", re.MULTILINE)
_REFERENCE: Final = re.compile(rb"\$\{([\w.]+)\}")
_UNCOMPILED: Final = frozenset(
    {b"name", b"description", b"url", b"version", b"license", b"source", b"libs", b"libs.private"}
)
# CMakePackageConfigHelpers, write_basic_package_version_file(), and cmExportFileGenerator.
_VERSION_FILE: Final = b"# This is a basic version file for the Config-mode of find_package()."
_GENERATED: Final = re.compile(rb"(?:#-+\n)?# Generated (?:by CMake|CMake target import file)")
_PROPERTY: Final = re.compile(rb"^[ \t]*INTERFACE_(?!INCLUDE_DIRECTORIES\b)[^\n]*", re.MULTILINE)


def compile_flags(path: str, data: bytes) -> bytes:
    """What of a file counts; all of it if it is of another kind."""
    if path.endswith(".pc"):
        return b"\n".join(_pkg_config(data.splitlines()))
    if path.endswith(".cmake"):
        if data.startswith(_VERSION_FILE):
            return b""
        if _GENERATED.match(data):
            return b"\n".join(_PROPERTY.findall(data))
    return data


def _pkg_config(lines: list[bytes]) -> Iterator[bytes]:
    fields = []
    variables: dict[bytes, list[bytes]] = {}
    for line in lines:
        variable = _VARIABLE.match(line)
        field = _FIELD.match(line)
        if variable:
            variables.setdefault(variable[1], []).append(line.strip())
        elif not (field and field[1].lower() in _UNCOMPILED) and not line.startswith(b"#"):
            fields.append(line.strip())
    seen: set[bytes] = set()
    waiting = [line for line in reversed(fields) if line]
    while waiting:
        line = waiting.pop()
        if line not in seen:
            yield line
            seen.add(line)
            for name in _REFERENCE.findall(line):
                waiting += variables.get(name, ())
