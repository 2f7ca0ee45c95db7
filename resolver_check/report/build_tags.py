"""What fromager is told to put into the build tags of wheels that are rebuilt for a bump.

fromager reuses a wheel of the same name, version and build tag, whatever else has changed. So a
rebuild for a bump needs a tag of its own. Our part of it is one segment, `abi<number>.<cause>`: by
the number installers, who compare build tags as text, prefer the latest rebuild.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from packaging.utils import canonicalize_name
from packaging.version import Version

from backend_shim.errors import InvalidRecord
from backend_shim.record.canonical import JSONValue, canonical_json
from backend_shim.record.decoding import as_object, decode_json, get_object, get_str, path_to
from resolver_check.plan_model import ResolvedBump
from resolver_check.wheel_reference import WheelReference

VERSION: Final = "0.1"
_SEGMENT: Final = re.compile(r"abi([0-9]{3,9})\.([0-9a-f]{8})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Our part of a build tag."""

    number: int
    """From 1, higher than that of every rebuild before, and no lower than that of a wheel rebuilt
    for the same cause that this one was built with."""
    cause: str

    def __str__(self) -> str:
        return f"abi{self.number:03}.{self.cause}"


def segment_of(reference: WheelReference) -> Segment | None:
    """That of the wheel's build tag, if it has one; fromager joins segments by underscores."""
    suffix = str(reference.build[1]) if reference.build else ""
    found = next(filter(None, map(_SEGMENT.fullmatch, suffix.split("_"))), None)
    return Segment(number=int(found[1]), cause=found[2]) if found else None


def cause_of(bumps: Sequence[ResolvedBump]) -> str:
    """Eight hexadecimal digits that stand for `bumps` and the builds that they go to.

    Tags of platforms do not count: fromager wants one build tag on all of them.
    """
    lines = []
    for bump in bumps:
        build = "".join(map(str, bump.new.build)) if bump.new else "absent"
        lines.append(f"{bump.request.name}=={bump.request.new}-{build}\n")
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()[:8]


def pin_text(name: str, version: Version) -> str:
    """`NAME==VERSION`, both normalized."""
    return f"{canonicalize_name(name)}=={version}"


def segments_json(segments: Mapping[str, str]) -> bytes:
    """Segments by `NAME==VERSION` as canonical JSON."""
    table: dict[str, JSONValue] = dict(segments)
    return canonical_json({"schema_version": VERSION, "segments": table})


def read_segments(data: bytes) -> dict[str, str]:
    """What `segments_json` wrote. Raises InvalidRecord."""
    table = as_object(decode_json(data), "$")
    if (version := get_str(table, "schema_version", "$")) != VERSION:
        raise InvalidRecord("$.schema_version", f"is {version!r}; this reads {VERSION}")
    segments = get_object(table, "segments", "$")
    read = {pin: get_str(segments, pin, "$.segments") for pin in segments}
    for pin, segment in read.items():
        if not _SEGMENT.fullmatch(segment):
            raise InvalidRecord(path_to("$.segments", pin), "is no segment of a build tag")
    return read
