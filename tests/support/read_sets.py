"""Records of what a build read, put into wheels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from backend_shim.embed import embed
from backend_shim.interfaces.interface_file import installed_path
from backend_shim.record.build_inputs import BuildRequirement
from backend_shim.record.read_set import Capture, ReadFiles, Role, listing_digest
from backend_shim.wheel.archive import WheelArchive
from tests.backend_shim.record.example_inputs import INPUTS

_ROLES = {
    ".h": Role.HEADER,
    ".pxd": Role.PXD,
    ".a": Role.STATIC_LIBRARY,
    ".1": Role.SHARED_LIBRARY,
    ".2": Role.SHARED_LIBRARY,
}


def read_of(provider: Path, *paths: str, is_program: bool = False) -> BuildRequirement:
    """`provider` as a build requirement of which the files `paths` were read."""
    with WheelArchive.open(provider) as archive:
        digests = {installed_path(each.path): each.digest for each in archive.manifest.entries}
        name, version = archive.name.split("-")[:2]
    tools = {path: str(digests[path]) for path in paths if path.endswith(".py")}
    rows = [
        (_ROLES[path[path.rindex(".") :]], path, str(digests[path]))
        for path in paths
        if path not in tools
    ]
    read = ReadFiles(
        digests=tuple(sorted(rows)),
        tools=tuple(sorted(tools)),
        tools_sha256=listing_digest(tools.items()) if tools else None,
        is_program=is_program,
    )
    return BuildRequirement(name=name, version=version, digests=(), read=read)


def record(consumer: Path, *requirements: BuildRequirement, complete: bool = True) -> Path:
    """`consumer`, with a record of its build requirements and of what was read of them."""
    capture = Capture(
        method="inotify",
        is_complete=complete,
        why_incomplete=() if complete else ("overflow",),
    )
    inputs = replace(INPUTS, requirements=requirements, capture=capture)
    embed(consumer, build_inputs=inputs, looked_for=[each.name for each in requirements])
    return consumer
