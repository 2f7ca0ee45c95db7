"""A rebuild plan as JSON and as text."""

from __future__ import annotations

from collections.abc import Iterator

from backend_shim.record.canonical import JSONValue
from resolver_check.model import EvidenceLevel, Verdict
from resolver_check.plan_model import Action, PlannedWheel, RebuildPlan, ResolvedBump
from resolver_check.report.judgement_report import judgement_json, reason_lines, sentence

_SHOWN = 2


def plan_json(plan: RebuildPlan) -> dict[str, JSONValue]:
    """Bumps, target, every wheel with action, verdict, wave and reasons; the waves; a summary."""
    return {
        "bumps": [_bump_json(each) for each in plan.bumps],
        "target": {
            "python": ".".join(map(str, plan.target.python)),
            "platform": plan.target.platform,
        },
        "evidence": plan.level.value,
        "summary": {key: len(value) for key, value in _groups(plan).items()},
        **{key: list(value) for key, value in _groups(plan).items()},
        "waves": [[list(unit) for unit in wave] for wave in plan.waves],
        "wheels": [_wheel_json(each) for each in plan.wheels],
        "skipped": [{"file": file, "why": why} for file, why in plan.skipped],
    }


def _bump_json(bump: ResolvedBump) -> JSONValue:
    return {
        "name": bump.request.name,
        "version": str(bump.request.new),
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
        "waits_for": list(each.waits_for),
        "providers": {name: judgement_json(judgement) for name, judgement in each.judgements},
        "build_inputs": judgement_json(each.inputs) if each.inputs else None,
    }


def _groups(plan: RebuildPlan) -> dict[str, tuple[str, ...]]:
    """File names: kept, to rebuild because invalid, unknown (a rebuild too), and conditional."""

    def names(action: Action, *verdicts: Verdict) -> tuple[str, ...]:
        return tuple(
            each.reference.filename
            for each in plan.wheels
            if each.action is action and each.verdict in verdicts
        )

    return {
        "keep": names(Action.KEEP, *Verdict),
        "rebuild": names(Action.REBUILD, Verdict.INVALID),
        "unknown": names(Action.REBUILD, Verdict.UNKNOWN),
        "conditional": names(Action.CONDITIONAL, *Verdict),
    }


def plan_lines(plan: RebuildPlan) -> Iterator[str]:
    """The plan for people: kept wheels, then the waves, each wheel with its decisive reasons."""
    for bump in plan.bumps:
        old = bump.old.version if bump.old else "nothing older"
        missing = "" if bump.new else " (no wheel of it for this target)"
        yield f"{bump.request.name}: {old} -> {bump.request.new}{missing}"
    groups = _groups(plan)
    yield (
        f"{len(plan.wheels)} wheels for CPython {'.'.join(map(str, plan.target.python))} on "
        f"{plan.target.platform}: keep {len(groups['keep'])}, rebuild {len(groups['rebuild'])}, "
        f"unknown {len(groups['unknown'])}, conditional {len(groups['conditional'])}"
    )
    by_name = {each.reference.filename: each for each in plan.wheels}
    if groups["keep"]:
        yield ""
        yield "keep"
    for name in groups["keep"]:
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


def _wheel_lines(each: PlannedWheel, level: EvidenceLevel) -> Iterator[str]:
    action = each.verdict.value if each.action is Action.REBUILD else each.action.value
    yield f"  {action:11} {each.reference.filename}"
    indent = " " * 14
    if each.waits_for:
        yield f"{indent}binds to {', '.join(each.waits_for)}: judge it again with what is built"
    for provider, judgement in each.judgements:
        about = f"{provider}: " if len(each.judgements) > 1 else ""
        for reason in judgement.decisive[:_SHOWN]:
            yield f"{indent}{about}{sentence(reason, level)}"
    if each.inputs is not None:
        yield from (f"{indent}{line}" for line in reason_lines(each.inputs, level))
