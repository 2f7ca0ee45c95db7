"""A rebuild plan as JSON and as text."""

from __future__ import annotations

from collections.abc import Iterator

from backend_shim.record.canonical import JSONValue
from resolver_check.model import EvidenceLevel, Verdict
from resolver_check.plan_model import Action, PlannedWheel, RebuildPlan, ResolvedBump
from resolver_check.report.judgement_report import judgement_json, reason_lines, sentence

SCHEMA_VERSION = "0.1"
"""Of `spec/schemas/rebuild_plan-0.1.schema.json`."""
_SHOWN = 2


def plan_json(plan: RebuildPlan) -> dict[str, JSONValue]:
    """Bumps, target, every wheel with action, verdict, wave and reasons; the waves; a summary."""
    return {
        "schema_version": SCHEMA_VERSION,
        "bumps": [_bump_json(each) for each in plan.bumps],
        "target": {
            "python": ".".join(map(str, plan.target.python)),
            "platform": plan.target.platform,
        },
        "evidence": plan.level.value,
        "summary": {key: len(value) for key, value in groups(plan).items()},
        **{key: list(value) for key, value in groups(plan).items()},
        "waves": [[list(unit) for unit in wave] for wave in plan.waves],
        "wheels": [_wheel_json(each) for each in plan.wheels],
        "skipped": [{"file": file, "why": why} for file, why in plan.skipped],
        **_not_reached_json(plan),
    }


def _not_reached_json(plan: RebuildPlan) -> dict[str, JSONValue]:
    if plan.not_reached is None:
        return {}
    return {"not_reached": {"pure": plan.not_reached.pure, "unbound": plan.not_reached.unbound}}


def _bump_json(bump: ResolvedBump) -> JSONValue:
    return {
        "name": bump.request.name,
        "version": None if bump.request.new is None else str(bump.request.new),
        "old": bump.old.filename if bump.old else None,
        "new": bump.new.filename if bump.new else None,
    }


def _wheel_json(each: PlannedWheel) -> JSONValue:
    return {
        "wheel": each.reference.filename,
        "name": each.reference.name,
        "version": str(each.reference.version),
        "action": each.action.value,
        "verdict": each.verdict.value,
        "wave": each.wave,
        "requires": list(each.requires),
        "waits_for": list(each.waits_for),
        "blocked_by": list(each.blocked_by),
        "log": each.log,
        "providers": {name: judgement_json(judgement) for name, judgement in each.judgements},
        "build_inputs": judgement_json(each.inputs) if each.inputs else None,
    }


def groups(plan: RebuildPlan) -> dict[str, tuple[str, ...]]:
    """File names: kept, invalid or unknown (both to be rebuilt), conditional, built, failed.

    A valid wheel whose rebuild is forced is with those to be rebuilt.
    """

    def names(action: Action, *verdicts: Verdict) -> tuple[str, ...]:
        return tuple(
            each.reference.filename
            for each in plan.wheels
            if each.action is action and each.verdict in verdicts
        )

    return {
        "keep": names(Action.KEEP, *Verdict),
        "rebuild": names(Action.REBUILD, Verdict.INVALID, Verdict.VALID),
        "unknown": names(Action.REBUILD, Verdict.UNKNOWN),
        "conditional": names(Action.CONDITIONAL, *Verdict),
        "built": names(Action.BUILT, *Verdict),
        "failed": names(Action.FAILED, *Verdict),
    }


def plan_lines(plan: RebuildPlan) -> Iterator[str]:
    """The plan for people: kept wheels, then the waves, each wheel with its decisive reasons."""
    yield from (bump_text(bump) for bump in plan.bumps)
    group = groups(plan)
    yield (
        f"{target_text(plan)}: keep {len(group['keep'])}, rebuild {len(group['rebuild'])}, "
        f"unknown {len(group['unknown'])}, conditional {len(group['conditional'])}"
        + "".join(f", {key} {len(group[key])}" for key in ("built", "failed") if group[key])
    )
    yield from _not_reached_lines(plan)
    by_name = {each.reference.filename: each for each in plan.wheels}
    for key in ("keep", "built"):
        if group[key]:
            yield ""
            yield key
        for name in group[key]:
            yield from _wheel_lines(by_name[name], plan.level)
    for number, wave in enumerate(plan.waves, start=1):
        yield ""
        yield f"wave {number}"
        for unit in wave:
            if len(unit) > 1:
                yield f"  as one, for they require each other: {', '.join(unit)}"
            for name in unit:
                yield from _wheel_lines(by_name[name], plan.level)
    if plan.skipped:
        yield ""
        yield "not judged"
        for file, why in plan.skipped:
            yield f"  {file}: {why}"


def _not_reached_lines(plan: RebuildPlan) -> Iterator[str]:
    if plan.not_reached is not None:
        yield (
            f"kept and not listed, for nothing bumped reaches them: {plan.not_reached.pure} "
            f"without binaries, {plan.not_reached.unbound} that were searched and show no trace"
        )


def bump_text(bump: ResolvedBump) -> str:
    """Who goes from which version to which."""
    old = bump.old.version if bump.old else "nothing older"
    if bump.request.new is None:
        return f"{bump.request.name}: {bump.old.version if bump.old else 'no wheel of it'} -> gone"
    missing = "" if bump.new else " (no wheel of it for this target)"
    return f"{bump.request.name}: {old} -> {bump.request.new}{missing}"


def target_text(plan: RebuildPlan) -> str:
    """How many wheels were looked at, and for what."""
    python = ".".join(map(str, plan.target.python))
    return f"{len(plan.wheels)} wheels for CPython {python} on {plan.target.platform}"


def waiting_text(providers: str) -> str:
    """Why a wheel that binds to rebuilt `providers` is conditional."""
    return f"binds to {providers}: judge it again with what is built"


def blocked_text(providers: str) -> str:
    """Why a wheel that requires `providers` cannot be built."""
    return f"blocked by {providers}, which could not be built"


def _wheel_lines(each: PlannedWheel, level: EvidenceLevel) -> Iterator[str]:
    action = each.action.value
    if each.action is Action.REBUILD:
        action = "forced" if each.verdict is Verdict.VALID else each.verdict.value
    yield f"  {action:11} {each.reference.filename}"
    indent = " " * 14
    if each.waits_for:
        yield f"{indent}{waiting_text(', '.join(each.waits_for))}"
    if each.log:
        yield f"{indent}{each.log}"
    if each.blocked_by:
        yield f"{indent}{blocked_text(', '.join(each.blocked_by))}"
    for provider, judgement in each.judgements:
        about = f"{provider}: " if len(each.judgements) > 1 else ""
        for reason in judgement.decisive[:_SHOWN]:
            yield f"{indent}{about}{sentence(reason, level)}"
    if each.inputs is not None:
        yield from (f"{indent}{line}" for line in reason_lines(each.inputs, level))
