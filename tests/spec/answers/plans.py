"""Answers about plans: judged wheels put into states and waves."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from packaging.tags import Tag, parse_tag
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from resolver_check.graph.settling import Built, arranged
from resolver_check.model import EvidenceLevel, Judgement, Verdict
from resolver_check.plan import consumers_among, for_target
from resolver_check.plan_model import Action, PlannedWheel, RebuildPlan
from resolver_check.report.plan_report import groups
from resolver_check.scan.outline import Dependencies, Outline
from resolver_check.target import target
from resolver_check.wheel_reference import WheelReference, release_order

TARGET: Final = target("3.11", "linux_x86_64")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What a vector tells of builds: the `Builds` of a plan."""

    wheels: Mapping[str, Mapping[str, Any]]
    built: Mapping[str, Mapping[str, Any]]
    failed: Collection[str]

    def outcome(self, wheel: str) -> Built | str | None:
        if wheel in self.failed:
            return "failed"
        if wheel not in self.built:
            return None
        return Built(path=wheel, judgements=_judgements(self.built[wheel]["verdicts"]))

    def bound_to(self, provider: str, consumers: Collection[str]) -> Collection[str]:
        binds_to = {name: self.wheels[name]["binds_to"] for name in consumers}
        return [name for name, each in binds_to.items() if each is None or provider in each]

    def judged_with(self, provider: str, consumers: Collection[str]) -> Mapping[str, Judgement]:
        verdicts = self.built[provider]["consumers"]
        return {name: _judgement(verdicts.get(name, "valid")) for name in consumers}


def _judgement(verdict: str) -> Judgement:
    return Judgement(verdict=Verdict(verdict))


def _judgements(verdicts: Mapping[str, str]) -> tuple[tuple[NormalizedName, Judgement], ...]:
    return tuple((canonicalize_name(name), _judgement(verdicts[name])) for name in verdicts)


def plan(given: Any) -> Any:
    """What is to be done with each wheel, and in which waves."""
    references = _planned(given)
    wheels = {each["wheel"]: each for each in given["wheels"] if each["wheel"] in references}
    judged = {
        name: PlannedWheel(
            reference=references[name],
            action=Action.KEEP,
            judgements=_judgements(each["verdicts"]),
            inputs=_judgement(each["build_inputs"]) if "build_inputs" in each else None,
        )
        for name, each in wheels.items()
    }
    outlines = [
        Outline(
            reference=references[name],
            requirements=tuple(each.get("requires_dist", ())),
            build_requirements=frozenset(each.get("built_with", ())),
        )
        for name, each in wheels.items()
    ]
    stated = Dependencies(outlines, TARGET).direct
    requires = {
        name: stated[name].union(each["requires"]).intersection(wheels)
        for name, each in wheels.items()
    }
    told = _Told(wheels=wheels, built=given.get("built", {}), failed=given.get("failed", ()))
    arrangement = arranged(judged, requires, told, forced=given.get("forced", ()))
    return _plan_json(*arrangement)


def _planned(given: Any) -> dict[str, WheelReference]:
    """The wheels of the vector that are planned, by what they are called."""
    listed: dict[NormalizedName, list[WheelReference]] = {}
    for reference in sorted((_reference(each) for each in given["wheels"]), key=release_order):
        listed.setdefault(reference.name, []).append(reference)
    accepted = frozenset[Tag]().union(*map(parse_tag, given["accepts"]))
    for_it = {name: for_target(each, accepted) for name, each in listed.items()}
    bumped = frozenset(map(canonicalize_name, given["bumps"]))
    planned = consumers_among(for_it, bumped, newest_only=given.get("newest_only", False))
    return {each.filename: each for each in planned}


def _reference(wheel: Mapping[str, Any]) -> WheelReference:
    return WheelReference(
        name=canonicalize_name(wheel.get("project", wheel["wheel"])),
        version=Version(wheel.get("version", "1")),
        build=(),
        tags=frozenset[Tag]().union(*map(parse_tag, wheel["tags"])),
        filename=wheel["wheel"],
        location=f"/{wheel['wheel']}",
        yanked=wheel.get("yanked", False),
    )


def _plan_json(
    wheels: tuple[PlannedWheel, ...], waves: tuple[tuple[tuple[str, ...], ...], ...]
) -> dict[str, Any]:
    made = RebuildPlan(
        target=TARGET,
        level=EvidenceLevel.PROMISED,
        bumps=(),
        wheels=wheels,
        waves=waves,
        skipped=(),
    )
    return {
        **{key: sorted(names) for key, names in groups(made).items()},
        "waits_for": {
            each.reference.filename: list(each.waits_for) for each in wheels if each.waits_for
        },
        "blocked_by": {
            each.reference.filename: list(each.blocked_by) for each in wheels if each.blocked_by
        },
        "waves": [[list(unit) for unit in wave] for wave in waves],
        "ready": sorted(each.reference.filename for each in made.ready),
    }
