"""What changed build inputs mean for a wheel: a judgement of their own, beside those of bumps.

`VALID`: a build of now would take in what the recorded one took in. `UNKNOWN` asks for a rebuild.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from backend_shim.interfaces.reasons import Effect, Evidence, Reason
from backend_shim.record.build_inputs import BuildInputs
from resolver_check.compare.changed_input import InputChange, is_same_version
from resolver_check.model import Judgement, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildInputsUnchanged(Reason):
    """Nothing that a build takes in has changed, but for what is excused."""

    kind: ClassVar[str] = "build-inputs-unchanged"
    effect: ClassVar[Effect] = Effect.SUPPORTS
    evidence: ClassVar[Evidence | None] = Evidence.SAME_INPUTS


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildInputExcused(Reason):
    """An input has changed, and what a build takes from it has not."""

    kind: ClassVar[str] = "build-input-excused"
    effect: ClassVar[Effect] = Effect.NOTE
    input: str
    name: str
    old: str | None
    new: str | None
    excuse: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildInputsChanged(Reason):
    """An input is not known to be the same, so a build of now may come out otherwise."""

    kind: ClassVar[str] = "build-inputs-changed"
    effect: ClassVar[Effect] = Effect.OPEN
    input: str
    name: str
    old: str | None
    new: str | None
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildInputsNotRecorded(Reason):
    """The wheel has no usable record of its build inputs."""

    kind: ClassVar[str] = "build-inputs-not-recorded"
    effect: ClassVar[Effect] = Effect.OPEN
    wheel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SameBuild(Reason):
    """All inputs are the same, the bumped providers among them: nothing would be gained."""

    kind: ClassVar[str] = "same-build"
    effect: ClassVar[Effect] = Effect.NOTE
    providers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemPackagesNotCompared(Reason):
    """The build read files of the operating system, of which the inputs of now say nothing."""

    kind: ClassVar[str] = "system-packages-not-compared"
    effect: ClassVar[Effect] = Effect.NOTE
    packages: tuple[str, ...]


def judge_inputs(
    wheel: str,
    changes: Sequence[InputChange] | None,
    *,
    same: Sequence[str] = (),
    not_compared: Sequence[str] = (),
) -> Judgement:
    """What `changes` mean for `wheel`; None where its record says nothing of its inputs.

    `same` are the bumped providers that a build of now would find in their new version: where
    nothing has changed at all, the wheel was built with that. `not_compared` are packages of the
    operating system that only the old build is known to have read.
    """
    if changes is None:
        missing = BuildInputsNotRecorded(wheel=wheel)
        return Judgement(verdict=Verdict.UNKNOWN, general=(missing,))
    reasons: tuple[Reason, ...] = tuple(map(_reason, changes))
    if not_compared:
        reasons += (SystemPackagesNotCompared(packages=tuple(not_compared)),)
    if any(reason.effect is Effect.OPEN for reason in reasons):
        return Judgement(verdict=Verdict.UNKNOWN, general=reasons)
    notes = (SameBuild(providers=tuple(same)),) if same and not changes else ()
    return Judgement(verdict=Verdict.VALID, general=(BuildInputsUnchanged(), *reasons, *notes))


def same_as_bumped(new: BuildInputs, bumped: Mapping[str, str]) -> tuple[str, ...]:
    """Those of `bumped` (version by name) that `new` has installed in just that version."""
    return tuple(
        each.name
        for each in new.requirements
        if each.name in bumped and is_same_version(each.version, bumped[each.name])
    )


def _reason(change: InputChange) -> BuildInputExcused | BuildInputsChanged:
    about = {"input": change.kind.value, "name": change.name}
    if change.excuse is not None:
        return BuildInputExcused(**about, old=change.old, new=change.new, excuse=change.excuse)
    return BuildInputsChanged(**about, old=change.old, new=change.new, detail=change.detail)
