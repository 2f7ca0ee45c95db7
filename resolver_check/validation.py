"""Whether a wheel that a plan keeps would come out of a rebuild as it is."""

from __future__ import annotations

import hashlib

from backend_shim.errors import InvalidWheel
from resolver_check.compare.wheels.difference import Outcome
from resolver_check.errors import SourceUnavailable, UsageError
from resolver_check.plan_model import Action, PlannedWheel, RebuildPlan
from resolver_check.rebuild import Workshop
from resolver_check.scan.compared_wheels import compare_wheels
from resolver_check.sources.wheel_source import WheelSource
from resolver_check.validated_skip import Finding, ValidatedSkip


def skipped(plan: RebuildPlan, count: int | None = None) -> tuple[PlannedWheel, ...]:
    """The kept wheels, or `count` of them: the same ones each time, whatever their names are."""
    kept = [each for each in plan.wheels if each.action is Action.KEEP]
    if count is None:
        return tuple(kept)
    chosen = set(sorted((_place(each), each.reference.filename) for each in kept)[:count])
    return tuple(each for each in kept if (_place(each), each.reference.filename) in chosen)


def validated(shop: Workshop, source: WheelSource, each: PlannedWheel) -> ValidatedSkip:
    """Rebuild one kept wheel and compare; that the old one was built likewise is not checked."""
    reference = each.reference
    result = shop.build(reference.name, reference.version)
    if result.wheel is None:
        return ValidatedSkip(planned=each, finding=Finding.NOT_BUILT, log=result.log)
    try:
        difference = compare_wheels(source.fetch(reference), result.wheel)
    except (InvalidWheel, SourceUnavailable, UsageError, OSError) as error:
        return ValidatedSkip(
            planned=each,
            finding=Finding.NOT_BUILT,
            log=result.log,
            rebuilt=result.wheel,
            why=str(error),
        )
    return ValidatedSkip(
        planned=each,
        finding=_FINDINGS[difference.outcome],
        log=result.log,
        rebuilt=result.wheel,
        difference=difference,
    )


_FINDINGS = {
    Outcome.SAME: Finding.PROVEN,
    Outcome.EQUAL: Finding.PROVEN,
    Outcome.INTERFACE_EQUAL: Finding.DIFFERS,
    Outcome.DIFFERENT: Finding.REFUTED,
}


def _place(each: PlannedWheel) -> str:
    return hashlib.sha256(each.reference.filename.encode()).hexdigest()
