"""What a catalog holds of one wheel."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from backend_shim.record.build_inputs import BuildInputs
from backend_shim.record.fingerprint import AbiFingerprint
from resolver_check.wheel_reference import WheelReference

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedWheel:
    """A wheel as a source lists it, with what tells it from another of the same name."""

    reference: WheelReference
    mtime_ns: int | None = None
    """Of a local file whose digest the source does not state."""

    @property
    def identity(self) -> str:
        """Equal for the same wheel: its sha256, else where it is, its size and its time."""
        reference = self.reference
        if reference.digest is not None:
            return f"sha256:{reference.digest}"
        return f"{reference.location} {reference.size} {self.mtime_ns}"


def listed_wheel(reference: WheelReference) -> ListedWheel:
    """The wheel as it lies there now."""
    if reference.digest is None and not _URL.match(reference.location):
        # One that is gone since is found unreadable when it is its turn.
        with suppress(OSError):
            status = Path(reference.location).stat()
            reference = replace(reference, size=status.st_size)
            return ListedWheel(reference=reference, mtime_ns=status.st_mtime_ns)
    return ListedWheel(reference=reference)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredProject:
    """One project that a wheel requires, and how that is known."""

    project: str
    """Normalized name."""
    kind: str
    """`install` (METADATA), `build` (its build inputs), `observed` and `facts` (by an interface
    that is one project's)."""
    text: str
    """The line of Requires-Dist; the version that was installed; the name of the interface; this
    and what it requires by it, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """By what a wheel is found: whom it requires, and what its binaries take and give."""

    requires: frozenset[RequiredProject] = frozenset()
    imports: frozenset[tuple[str, str]] = frozenset()
    """(symbol, library that is to define it, or empty)."""
    needed: frozenset[str] = frozenset()
    """Sonames, install names, names of DLLs: of all its objects; also as loaders compare them."""
    libraries: frozenset[str] = frozenset()
    """By which others can need it, in these spellings; not those that a repair tool copied in."""
    named: frozenset[str] = frozenset()
    """Names of other distributions' modules and libraries in its binaries; those that are cut off
    also as they are."""
    looked_for: frozenset[str] = frozenset()
    """The names that its binaries were searched for; nothing is known of others."""
    names: frozenset[str] = frozenset()
    """The names that a binary must hold to reach this wheel (`import_name.binding_names`)."""
    interfaces_required: frozenset[str] = frozenset()
    interfaces_provided: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelBody:
    """What was read of a wheel, in full."""

    fingerprint: AbiFingerprint
    build_inputs: BuildInputs | None
    """None where they are not recorded."""
    requirements: tuple[str, ...]
    """Lines of Requires-Dist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelFacts:
    """One wheel after it was scanned: either its `body`, or why it is `unreadable`."""

    listed: ListedWheel
    sha256: str | None
    body: WheelBody | None = None
    edges: Edges = Edges()
    is_recorded: bool = False
    """The fingerprint is that of the wheel's own record. Of a remote wheel this was held against
    its RECORD and directory, without opening members that are named like source or data."""
    unreadable: str | None = None
    is_passing: bool = False
    """It may be readable the next time: what failed was the way to it."""
