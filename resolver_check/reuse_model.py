"""Which wheels serve which interpreters: the nouns."""

from __future__ import annotations

import enum
from collections.abc import Collection
from dataclasses import dataclass

from packaging.utils import NormalizedName
from packaging.version import Version

from resolver_check.asked_interpreter import AskedInterpreter
from resolver_check.compare.wheels.difference import WheelDifference
from resolver_check.model import EvidenceLevel, Judgement
from resolver_check.sources.series_file import Promises
from resolver_check.wheel_reference import WheelReference


class Obstacle(str, enum.Enum):
    """Why a wheel is not reused for an interpreter."""

    OTHER_TARGET = "other-target"
    """The interpreter accepts none of its tags."""
    UNREADABLE = "unreadable"
    REQUIRES_PYTHON = "requires-python"
    IMPURE = "impure"
    """The user marked the project."""
    PATCHED = "patched"
    """Its record names patches, and nobody says that every interpreter gets them."""
    OTHER_SOURCES = "other-sources"
    """Records of the release name different sources, patches or settings."""
    NAMED_FOR_ANOTHER = "named-for-another"
    """A script or directory of it is named for another Python: `pip3.10`, `lib/python3.10`."""
    BYTECODE = "bytecode"
    """A module of it is there without its source, as only the Python that made it reads it."""
    EXTENSIONS_LEFT_OUT = "extensions-left-out"
    """It has no binary, and the project has extensions."""
    OTHER_IMPLEMENTATION = "other-implementation"
    """Binaries in an interpreter that is not CPython, or a wheel without any that another
    implementation made."""
    NO_EVIDENCE = "no-evidence"
    """It is not known to be valid in the interpreter."""
    DIFFERS = "differs"
    """The one that was built for the interpreter is another, or is not there to compare with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotReused:
    """A wheel that does not serve an interpreter, and why."""

    filename: str
    obstacle: Obstacle
    detail: str = ""
    judgement: Judgement | None = None
    """Where that is what stands against it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReuseRules:
    """What the user says and accepts."""

    level: EvidenceLevel = EvidenceLevel.PROMISED
    promises: Promises | None = None
    extensions: bool = False
    """The project has extensions."""
    impure: Collection[NormalizedName] = frozenset()
    same_patches: bool = False
    """The patches that records name go into the build for every interpreter."""
    is_off: bool = False
    """Nothing is reused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What an interpreter gets of a release."""

    interpreter: AskedInterpreter
    wheel: WheelReference | None
    """None: it needs a build."""
    not_reused: tuple[NotReused, ...] = ()
    """The closest first; only those that would have come before `wheel`."""
    is_compared: bool = False
    """Whether a wheel that was built for the interpreter was looked for."""
    difference: WheelDifference | None = None
    """Of the wheel to that one; None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseReuse:
    """What each interpreter gets of one release."""

    name: NormalizedName
    version: Version
    served: tuple[Served, ...]
