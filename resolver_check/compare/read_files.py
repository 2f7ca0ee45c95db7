"""Whether another version of a build requirement holds the same of all that a build read of it.

A file counts if what it says goes into the wheel. Code that ran counts if it may have written
something for the wheel: where a program of the distribution was run, more of a library than
importing it loads, or where nothing but code was read of it. Else the code told where the files lie
that are counted (`numpy.get_include()`), and with it `version.py` of every release would stand
against files that are the same to the byte. Shared libraries count where code does, and where a
binary of the wheel needs them: the rest was only loaded.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Mapping
from typing import Final

from backend_shim.record.read_set import COMPILED_IN, ReadFiles, Role, listing_digest

LIBRARY: Final = re.compile(r".*\.(?:a|lib|dll|dylib|so)(?:\.[0-9.]+)?", re.IGNORECASE)
"""Paths of libraries that may be linked to."""


def changed_files(
    read: ReadFiles, new: Mapping[str, str], *, linked: Collection[str] = ()
) -> tuple[str, ...]:
    """Those of the files that count which `new` does not have as they were.

    `new` holds the digests of RECORD by path as installed. `linked` are the names of libraries that
    binaries of the wheel need; linkers open `libx.so` for what is needed as `libx.so.1`. Build
    tools are one entry, the first of them.
    """
    is_tool = tools_count(read)
    changed = [
        path
        for role, path, digest in read.digests
        if new.get(path) != digest
        and (role is not Role.SHARED_LIBRARY or is_tool or _is_linked(path, linked))
    ]
    if is_tool:
        digests = [(path, new[path]) for path in read.tools if path in new]
        if len(digests) != len(read.tools) or listing_digest(digests) != read.tools_sha256:
            changed.append(read.tools[0])
    return tuple(changed)


def stem(path: str) -> str:
    """A library's name without what its version is spelled by: `libx` of `libx.so.1`."""
    return posixpath.basename(path).lower().partition(".")[0]


def _is_linked(path: str, linked: Collection[str]) -> bool:
    """Whether one of `linked` is the library at `path`, or a copy that a repair tool renamed."""
    ours = stem(path)
    return any(each == ours or each.startswith(f"{ours}-") for each in map(stem, linked))


def tools_count(read: ReadFiles) -> bool:
    """Whether the code that ran may have written something for the wheel."""
    is_library = any(role in COMPILED_IN for role, _, _ in read.digests)
    return bool(read.tools) and (read.is_program or not is_library)
