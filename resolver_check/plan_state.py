"""What is kept of a plan from one run to the next: what was asked, what was built, what failed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from backend_shim.errors import InvalidRecord
from backend_shim.record.canonical import JSONValue, canonical_json
from backend_shim.record.decoding import (
    JSONObject,
    as_object,
    decode_json,
    get_bool,
    get_object,
    get_objects,
    get_str,
    get_str_list,
    path_to,
)
from resolver_check.model import EvidenceLevel
from resolver_check.plan_model import RequestedBump

VERSION: Final = "0.1"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltWheel:
    """A wheel that was built anew in the place of one of the plan."""

    path: str
    """Absolute."""
    sha256: str
    """Hex: a file that is another by now is no longer what was built."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the rebuild has come; keys are file names of wheels of the plan."""

    built: Mapping[str, BuiltWheel] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    """The path of the log, or what is known instead of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanState:
    """One plan: the question that it answers, and its progress."""

    sources: tuple[str, ...]
    """In the order in which they count."""
    requests: tuple[RequestedBump, ...]
    python: str
    """Such as `3.11`."""
    platform: str | None
    """None: that of the machine that plans."""
    level: EvidenceLevel
    is_strict: bool
    newest_only: bool
    forced: tuple[str, ...] = ()
    """Projects that are rebuilt whatever is judged."""
    planned: Mapping[str, str] = field(default_factory=dict)
    """What was to be done with each wheel when it was planned last, by file name."""
    progress: Progress = field(default_factory=Progress)

    def to_json(self) -> bytes:
        """The state as canonical JSON."""
        built: dict[str, JSONValue] = {
            name: {"path": each.path, "sha256": each.sha256}
            for name, each in self.progress.built.items()
        }
        return canonical_json(
            {
                "schema_version": VERSION,
                "sources": list(self.sources),
                "bumps": [_bump_json(each) for each in self.requests],
                "python": self.python,
                "platform": self.platform,
                "evidence": self.level.value,
                "strict": self.is_strict,
                "newest_only": self.newest_only,
                "forced": list(self.forced),
                "planned": dict(self.planned),
                "built": built,
                "failed": dict(self.progress.failed),
            }
        )

    @classmethod
    def from_json(cls, data: bytes) -> PlanState:
        """The state that `to_json` wrote. Raises InvalidRecord."""
        table = as_object(decode_json(data), "$")
        if (version := get_str(table, "schema_version", "$")) != VERSION:
            raise InvalidRecord("$.schema_version", f"is {version!r}; this reads {VERSION}")
        built = get_object(table, "built", "$")
        failed = get_object(table, "failed", "$")
        planned = get_object(table, "planned", "$")
        return cls(
            sources=_sources(table),
            requests=tuple(_bump(each, path) for each, path in get_objects(table, "bumps", "$")),
            python=get_str(table, "python", "$"),
            platform=get_str(table, "platform", "$", optional=True),
            level=_level(get_str(table, "evidence", "$")),
            is_strict=get_bool(table, "strict", "$"),
            newest_only=get_bool(table, "newest_only", "$"),
            forced=get_str_list(table, "forced", "$"),
            planned={name: get_str(planned, name, "$.planned") for name in planned},
            progress=Progress(
                built={name: _built(built, name) for name in built},
                failed={name: get_str(failed, name, "$.failed") for name in failed},
            ),
        )


def _sources(table: JSONObject) -> tuple[str, ...]:
    if "sources" not in table:  # Before there could be several.
        return (get_str(table, "source", "$"),)
    found = get_str_list(table, "sources", "$")
    if not found:
        raise InvalidRecord("$.sources", "is empty")
    return found


def _bump_json(bump: RequestedBump) -> JSONValue:
    return {
        "name": bump.name,
        "new": None if bump.new is None else str(bump.new),
        "old": None if bump.old is None else str(bump.old),
    }


def _bump(table: JSONObject, path: str) -> RequestedBump:
    new = get_str(table, "new", path, optional=True)
    old = get_str(table, "old", path, optional=True)
    return RequestedBump(
        name=canonicalize_name(get_str(table, "name", path)),
        new=None if new is None else _version(new, f"{path}.new"),
        old=None if old is None else _version(old, f"{path}.old"),
    )


def _version(text: str, path: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        raise InvalidRecord(path, "is no version") from None


def _level(text: str) -> EvidenceLevel:
    try:
        return EvidenceLevel(text)
    except ValueError:
        raise InvalidRecord("$.evidence", f"is {text!r}") from None


def _built(table: JSONObject, name: str) -> BuiltWheel:
    path = path_to("$.built", name)
    wheel = as_object(table[name], path)
    sha256 = get_str(wheel, "sha256", path)
    if not _SHA256.fullmatch(sha256):
        raise InvalidRecord(f"{path}.sha256", "is not 64 hexadecimal digits")
    return BuiltWheel(path=get_str(wheel, "path", path), sha256=sha256)
