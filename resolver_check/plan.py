"""The use case of a farm: bumps and a source of wheels in; what to rebuild, in which order, out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial

from packaging.utils import NormalizedName

from backend_shim.errors import InterfaceFailed, InvalidRecord, InvalidWheel
from backend_shim.interfaces.provider import Provider
from backend_shim.interfaces.table import interface_named
from backend_shim.record.build_inputs import BuildInputs
from backend_shim.record.fingerprint import AbiFingerprint
from backend_shim.type_recording import DebugFiles
from resolver_check.check import Bump, judge, unreadable
from resolver_check.compare.input_judgement import judge_inputs, same_as_bumped
from resolver_check.errors import SourceUnavailable, UsageError
from resolver_check.graph.waves import waves
from resolver_check.model import EvidenceLevel, Judgement, NoNewWheel, PureConsumer, Verdict
from resolver_check.plan_model import (
    Action,
    PlannedWheel,
    RebuildPlan,
    RequestedBump,
    ResolvedBump,
)
from resolver_check.scan.new_requirements import compare_inputs
from resolver_check.scan.outline import Dependencies, Outline, ReadOutline
from resolver_check.scan.subject import Subject, open_whole
from resolver_check.sources.series_file import Promises
from resolver_check.sources.wheel_source import WheelSource
from resolver_check.target import Target
from resolver_check.wheel_reference import WheelReference


def make_plan(  # noqa: PLR0913 - all that a farm may ask for
    source: WheelSource,
    requests: Sequence[RequestedBump],
    *,
    target: Target,
    level: EvidenceLevel,
    executor: Executor,
    newest_only: bool,
    promises: Promises | None = None,
    debug_files: DebugFiles | None = None,
    strict: bool = False,
    inputs: Mapping[NormalizedName, BuildInputs] | None = None,
) -> RebuildPlan:
    """Judge every wheel of `source` for `target` that is not itself bumped.

    `newest_only` leaves out all but the newest version of each project. `promises` and
    `debug_files` are those of `Bump`, `strict` is that of `judge`; `inputs` are those that builds
    of now would have, by project. Raises SourceUnavailable, UsageError.
    """
    inputs = inputs or {}
    projects = source.projects()
    found = executor.map(partial(_for_target, source, target), projects)
    listed = dict(zip(projects, found, strict=True))
    bumps = tuple(_resolve(request, listed) for request in requests)
    consumers = [
        reference
        for project, references in listed.items()
        if project not in {request.name for request in requests}
        for reference in (_newest(references) if newest_only else references)
    ]
    outlines = tuple(executor.map(ReadOutline(source=source), consumers))
    dependencies = Dependencies(outlines, target)
    with ExitStack() as stack:
        opened = (_open_bump(source, bump, stack, promises, debug_files) for bump in bumps)
        task = _JudgeOne(
            source=source,
            bumps=bumps,
            opened=tuple(opened),
            level=level,
            dependencies=dependencies,
            strict=strict,
            inputs=inputs,
        )
        judged = tuple(executor.map(task, outlines))
    planned = _with_conditional(
        {each.planned.reference.filename: each for each in judged}, dependencies, source
    )
    wheels, ordered = _in_waves(planned, dependencies)
    return RebuildPlan(
        target=target,
        level=level,
        bumps=bumps,
        wheels=wheels,
        waves=ordered,
        skipped=(
            *((each.filename, each.why) for each in source.skipped),
            *_unused(inputs, consumers),
        ),
    )


def _unused(
    inputs: Iterable[NormalizedName], consumers: Iterable[WheelReference]
) -> Iterator[tuple[str, str]]:
    for name in sorted(set(inputs) - {each.name for each in consumers}):
        yield f"build inputs of {name}", "no wheel of it is judged"


def _for_target(
    source: WheelSource, target: Target, project: NormalizedName
) -> tuple[WheelReference, ...]:
    """The project's wheels for the target, newest last, without yanked ones."""
    return tuple(
        each for each in source.wheels(project) if each.tags & target.tags and not each.yanked
    )


def _newest(references: Sequence[WheelReference]) -> Sequence[WheelReference]:
    return [each for each in references if each.version == references[-1].version][-1:]


def _resolve(
    request: RequestedBump, listed: Mapping[NormalizedName, Sequence[WheelReference]]
) -> ResolvedBump:
    if request.name not in listed:
        raise UsageError(f"the source has no project {request.name}")
    wheels = listed[request.name]
    new = [each for each in wheels if each.version == request.new]
    if request.old is None:
        old = [each for each in wheels if each.version < request.new]
        old = old or [each for each in wheels if each.version > request.new][:1]
    else:
        old = [each for each in wheels if each.version == request.old]
        if not old:
            raise UsageError(f"the source has no wheel of {request.name} {request.old}")
    return ResolvedBump(request=request, old=old[-1] if old else None, new=new[-1] if new else None)


def _open_bump(
    source: WheelSource,
    bump: ResolvedBump,
    stack: ExitStack,
    promises: Promises | None,
    debug_files: DebugFiles | None,
) -> Bump | None:
    """The wheels of a bump, read; None where there is no wheel of the new version."""
    if bump.new is None:
        return None
    old = stack.enter_context(open_whole(source, bump.old)) if bump.old else None
    new = stack.enter_context(open_whole(source, bump.new))
    return Bump(Subject(old) if old else None, Subject(new), promises, debug_files)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """A wheel with its judgements, and the fingerprint that says to whom else it binds."""

    planned: PlannedWheel
    fingerprint: AbiFingerprint | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _JudgeOne:
    """A task for an executor: judges one wheel against every bump."""

    source: WheelSource
    bumps: Sequence[ResolvedBump]
    opened: Sequence[Bump | None]
    level: EvidenceLevel
    dependencies: Dependencies
    strict: bool
    inputs: Mapping[NormalizedName, BuildInputs]

    def __call__(self, outline: Outline) -> _Judged:
        reference = outline.reference
        inputs = None
        try:
            with open_whole(self.source, reference) as archive:
                subject = Subject(archive)
                judgements = tuple(self._judge(subject, reference.filename))
                inputs = self._judge_inputs(subject)
                fingerprint = subject.fingerprint(self._names(reference.filename))
        except (InvalidWheel, SourceUnavailable) as error:
            failed = unreadable(reference.filename, error.wrong)
            judgements = tuple((bump.request.name, failed) for bump in self.bumps)
            fingerprint = None
        planned = PlannedWheel(
            reference=reference, action=Action.KEEP, judgements=judgements, inputs=inputs
        )
        if planned.verdict is not Verdict.VALID:
            planned = replace(planned, action=Action.REBUILD)
        return _Judged(planned=planned, fingerprint=fingerprint)

    def _names(self, filename: str) -> frozenset[str]:
        """All names that a judgement, or the question who is conditional, may ask about."""
        names = self.dependencies.binding_names(self.dependencies.closure(filename))
        return names.union(*(bump.binding_names for bump in self.opened if bump))

    def _judge(self, subject: Subject, filename: str) -> Iterator[tuple[NormalizedName, Judgement]]:
        # Once for all names: every further name would mean to read the binaries again.
        subject.fingerprint(self._names(filename))
        for bump, opened in zip(self.bumps, self.opened, strict=True):
            if opened is None:
                yield bump.request.name, _without_new_wheel(subject, bump.request)
            else:
                judgement = judge(subject, opened, level=self.level, strict=self.strict)
                yield bump.request.name, judgement

    def _judge_inputs(self, subject: Subject) -> Judgement | None:
        """What the inputs of a build of now say of the wheel; None where none were given."""
        new = self.inputs.get(subject.name)
        if new is None:
            return None
        compared = compare_inputs(subject, new, self.source, strict=self.strict)
        bumped: dict[str, str] = {bump.request.name: str(bump.request.new) for bump in self.bumps}
        return judge_inputs(
            subject.filename,
            compared.changes,
            same=same_as_bumped(new, bumped),
            not_compared=compared.not_compared,
        )


def _without_new_wheel(subject: Subject, request: RequestedBump) -> Judgement:
    """Judged by metadata only: nothing but a pure wheel can be called valid."""
    if subject.fingerprint().is_purelib:
        return Judgement(verdict=Verdict.VALID, general=(PureConsumer(),))
    missing = NoNewWheel(name=request.name, version=str(request.new))
    return Judgement(verdict=Verdict.UNKNOWN, general=(missing,))


def _with_conditional(
    judged: Mapping[str, _Judged], dependencies: Dependencies, source: WheelSource
) -> dict[str, PlannedWheel]:
    """The plan, in which whoever binds to a wheel that is built anew has become conditional."""
    planned = {name: each.planned for name, each in judged.items()}
    built = {name for name, each in planned.items() if each.action is not Action.KEEP}
    kept = sorted(planned.keys() - built)
    requires = {name: dependencies.closure(name) for name in kept}
    waits_for: dict[str, set[str]] = {}
    waiting = sorted(built)
    while waiting:
        provider = waiting.pop()
        consumers = {name: judged[name].fingerprint for name in kept if provider in requires[name]}
        reference = dependencies.outline(provider).reference
        for name in _bound_to(source, reference, consumers):
            if name not in waits_for:
                # It may come out with another interface itself.
                waiting.append(name)
            waits_for.setdefault(name, set()).add(provider)
    for name, providers in waits_for.items():
        planned[name] = replace(
            planned[name], action=Action.CONDITIONAL, waits_for=tuple(sorted(providers))
        )
    return planned


def _bound_to(
    source: WheelSource,
    provider: WheelReference,
    consumers: Mapping[str, AbiFingerprint | None],
) -> list[str]:
    """Those of `consumers` that bind in any way to `provider`, or for which that cannot be told."""
    certain = [name for name, each in consumers.items() if each is None or each.unread]
    asked = {
        name: each
        for name, each in consumers.items()
        if each is not None and not each.unread and not each.is_purelib
    }
    if not asked:
        return certain
    try:
        with open_whole(source, provider) as archive:
            offered = Subject(archive).provider()
            return certain + [name for name, each in asked.items() if _binds(each, offered)]
    except (InvalidWheel, SourceUnavailable):
        return certain + list(asked)


def _binds(consumer: AbiFingerprint, offered: Provider) -> bool:
    try:
        return any(
            interface is None or interface.is_satisfied(required.facts, offered, offered)
            for required in consumer.requires
            for interface in [interface_named(required.interface)]
        )
    except (InterfaceFailed, InvalidRecord):
        return True


def _in_waves(
    planned: Mapping[str, PlannedWheel], dependencies: Dependencies
) -> tuple[tuple[PlannedWheel, ...], tuple[tuple[tuple[str, ...], ...], ...]]:
    """The planned wheels with their wave, and the waves themselves."""
    built = {name for name, each in planned.items() if each.action is not Action.KEEP}
    bindings = {name: frozenset(each.waits_for) for name, each in planned.items()}
    edges = {name: dependencies.direct[name] | bindings[name] for name in planned}
    ordered = waves(built, edges)
    wave_of = {
        name: number
        for number, wave in enumerate(ordered, start=1)
        for unit in wave
        for name in unit
    }
    return tuple(replace(each, wave=wave_of.get(name)) for name, each in planned.items()), ordered
