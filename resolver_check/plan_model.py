"""The nouns of a rebuild plan."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from packaging.utils import NormalizedName
from packaging.version import Version

from resolver_check.model import EvidenceLevel, Judgement, Verdict
from resolver_check.target import Target
from resolver_check.wheel_reference import WheelReference


class Action(str, enum.Enum):
    """What is to be done with a wheel."""

    KEEP = "keep"
    REBUILD = "rebuild"
    CONDITIONAL = "conditional"
    """It binds to a wheel that is rebuilt: to be judged again with that one."""
    BUILT = "built"
    """It was rebuilt; the judgements are on the new wheel."""
    FAILED = "failed"
    """It could not be rebuilt, or the new wheel is as invalid as the old one."""


ALL = ":all:"
"""In the place of project names: every one (as pip's `--no-binary` has it)."""
DONE = frozenset({Action.KEEP, Action.BUILT})
"""With these nothing is left to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedBump:
    """What somebody asks for: `name` goes to `new`, from `old` or from the newest older version."""

    name: NormalizedName
    new: Version | None
    """None: it disappears."""
    old: Version | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedBump:
    """A requested bump with the wheels that the source has for it."""

    request: RequestedBump
    old: WheelReference | None
    new: WheelReference | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedWheel:
    """One wheel in the plan."""

    reference: WheelReference
    action: Action
    judgements: tuple[tuple[NormalizedName, Judgement], ...]
    """One per bump, by the provider's name."""
    inputs: Judgement | None = None
    """On its build inputs; None where those of a build of now are not known."""
    requires: tuple[str, ...] = ()
    """File names of the wheels of the plan that it requires directly, to be installed or built."""
    waits_for: tuple[str, ...] = ()
    """File names of the rebuilt wheels that a conditional one binds to, one of them in a plan
    from a catalog."""
    blocked_by: tuple[str, ...] = ()
    """File names of the failed wheels that it requires, directly or not."""
    wave: int | None = None
    """From 1; None for a wheel that is kept or was built."""
    log: str | None = None
    """Of a failed build: the path of its log, or what is known instead."""

    @property
    def verdict(self) -> Verdict:
        """The worst of the verdicts."""
        verdicts = {judgement.verdict for _, judgement in self.judgements}
        if self.inputs is not None:
            verdicts.add(self.inputs.verdict)
        return next((each for each in _WORST_FIRST if each in verdicts), Verdict.VALID)


_WORST_FIRST = (Verdict.INVALID, Verdict.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotReached:
    """How many wheels of a catalog are kept and not listed, for no bump reaches them."""

    pure: int
    unbound: int
    """Their binaries were searched for all by which a bumped wheel is reached, and show none of
    it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildPlan:
    """The answer to all bumps together."""

    target: Target
    level: EvidenceLevel
    bumps: tuple[ResolvedBump, ...]
    wheels: tuple[PlannedWheel, ...]
    """In the order of the source."""
    waves: tuple[tuple[tuple[str, ...], ...], ...]
    """File names by wave and unit; a unit of several wheels is a cycle and is built as one."""
    skipped: tuple[tuple[str, str], ...]
    """File name and why, of what the source lists and nothing is said about."""
    not_reached: NotReached | None = None
    """Only of a plan from a catalog."""

    @property
    def ready(self) -> tuple[PlannedWheel, ...]:
        """What can be built now: the first wave without what failed or requires what failed."""
        first = {name for unit in (self.waves[0] if self.waves else ()) for name in unit}
        return tuple(
            each
            for each in self.wheels
            if each.reference.filename in first
            and each.action is Action.REBUILD
            and not each.blocked_by
        )
