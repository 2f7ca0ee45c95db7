"""The use case of a farm: bumps and a source of wheels in; what to rebuild, in which order, out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from packaging.tags import Tag
from packaging.utils import NormalizedName

from backend_shim.errors import InvalidWheel
from backend_shim.record.build_inputs import BuildInputs
from backend_shim.record.fingerprint import AbiFingerprint
from backend_shim.type_recording import DebugFiles
from resolver_check.check import Bump, unreadable
from resolver_check.compare.input_judgement import judge_inputs, same_as_bumped
from resolver_check.conditional import BuildsOfFarm, Rules
from resolver_check.errors import SourceUnavailable, UsageError
from resolver_check.graph.settling import arranged
from resolver_check.model import EvidenceLevel, Judgement, NoNewWheel, PureConsumer, Verdict
from resolver_check.plan_model import (
    ALL,
    Action,
    PlannedWheel,
    RebuildPlan,
    RequestedBump,
    ResolvedBump,
)
from resolver_check.plan_state import Progress
from resolver_check.removal import Removal
from resolver_check.scan.consumer import Consumer
from resolver_check.scan.new_requirements import compare_inputs
from resolver_check.scan.outline import Dependencies, Outline, ReadOutline
from resolver_check.scan.subject import Subject, open_subject
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
    progress: Progress | None = None,
    forced: Collection[str] = (),
) -> RebuildPlan:
    """Judge every wheel of `source` for `target` that is not itself bumped.

    `newest_only` leaves out all but the newest version of each project. `promises` and
    `debug_files` are those of `Bump`, `strict` is that of `judge`; `inputs` are those that builds
    of now would have, by project; `progress` is what was built of this plan before; the
    projects `forced` are rebuilt whatever is judged, `ALL` are all. Raises SourceUnavailable,
    UsageError.
    """
    inputs = inputs or {}
    rules = Rules(level=level, strict=strict, promises=promises, debug_files=debug_files)
    projects = source.projects()
    found = executor.map(partial(_listed, source, target), projects)
    listed = dict(zip(projects, found, strict=True))
    bumps = tuple(resolve(request, listed) for request in requests)
    bumped = {request.name for request in requests}
    consumers = consumers_among(listed, bumped, newest_only=newest_only)
    rebuilt = _forced(forced, consumers)
    outlines = tuple(executor.map(ReadOutline(source=source), consumers))
    dependencies = Dependencies(outlines, target)
    with ExitStack() as stack:
        opened = tuple(open_bump(source, bump, stack, rules, target) for bump in bumps)
        task = _JudgeOne(
            source=source,
            bumps=bumps,
            opened=opened,
            rules=rules,
            dependencies=dependencies,
            inputs=inputs,
        )
        judged = tuple(executor.map(task, outlines))
        builds = BuildsOfFarm(
            source=source,
            dependencies=dependencies,
            rules=rules,
            executor=executor,
            bumps=tuple(filter(None, opened)),
            fingerprints={each.planned.reference.filename: each.fingerprint for each in judged},
            progress=progress or Progress(),
        )
        wheels, ordered = arranged(
            {each.planned.reference.filename: each.planned for each in judged},
            dependencies.direct,
            builds,
            forced=rebuilt,
        )
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


def _forced(named: Collection[str], consumers: Iterable[WheelReference]) -> frozenset[str]:
    """The projects of `consumers` that are `named`, or all; raises UsageError for any other."""
    known = frozenset(each.name for each in consumers)
    if strangers := sorted(set(named) - known - {ALL}):
        raise UsageError(f"no wheel of {', '.join(strangers)} is planned, which --force names")
    return known if ALL in named else frozenset(named)


def _unused(
    inputs: Iterable[NormalizedName], consumers: Iterable[WheelReference]
) -> Iterator[tuple[str, str]]:
    for name in sorted(set(inputs) - {each.name for each in consumers}):
        yield f"build inputs of {name}", "no wheel of it is judged"


def _listed(
    source: WheelSource, target: Target, project: NormalizedName
) -> tuple[WheelReference, ...]:
    return for_target(source.wheels(project), target.tags)


def for_target(
    references: Iterable[WheelReference], accepted: Collection[Tag]
) -> tuple[WheelReference, ...]:
    """Those that an interpreter which accepts these tags may get: no yanked ones."""
    return tuple(
        each for each in references if not each.tags.isdisjoint(accepted) and not each.yanked
    )


def consumers_among(
    listed: Mapping[NormalizedName, Sequence[WheelReference]],
    bumped: Collection[NormalizedName],
    *,
    newest_only: bool,
) -> list[WheelReference]:
    """The wheels to be judged: of all projects, each newest last, but for those that are bumped."""
    return [
        reference
        for project, references in listed.items()
        if project not in bumped
        for reference in (_newest(references) if newest_only else references)
    ]


def _newest(references: Sequence[WheelReference]) -> Sequence[WheelReference]:
    """The last one of each source: a newer one elsewhere does not hide what one's own index has."""
    last = {each.rank: each for each in references}
    return [each for each in references if last[each.rank] is each]


def resolve(
    request: RequestedBump, listed: Mapping[NormalizedName, Sequence[WheelReference]]
) -> ResolvedBump:
    """The wheels of a bump, by what is `listed` for the target. Raises UsageError."""
    if request.name not in listed and request.new is not None:
        raise UsageError(f"the source has no project {request.name}")
    wheels = listed.get(request.name, ())
    new = [each for each in wheels if each.version == request.new]
    if request.old is None and request.new is None:
        old = list(wheels)
    elif request.old is None and request.new is not None:
        old = [each for each in wheels if each.version < request.new]
        old = old or [each for each in wheels if each.version > request.new][:1]
    else:
        old = [each for each in wheels if each.version == request.old]
        if not old:
            raise UsageError(f"the source has no wheel of {request.name} {request.old}")
    return ResolvedBump(request=request, old=old[-1] if old else None, new=new[-1] if new else None)


def open_bump(
    source: WheelSource,
    bump: ResolvedBump,
    stack: ExitStack,
    rules: Rules,
    target: Target,
) -> Bump | Removal | None:
    """The wheels of a bump, read; None where there is no wheel of the new version."""
    old = stack.enter_context(open_subject(source, bump.old)) if bump.old else None
    if bump.request.new is None:
        unchanged = Bump(old, old, rules.promises, rules.debug_files) if old else None
        return Removal(bump.request.name, unchanged, target)
    if bump.new is None:
        return None
    new = stack.enter_context(open_subject(source, bump.new))
    return Bump(old, new, rules.promises, rules.debug_files)


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
    opened: Sequence[Bump | Removal | None]
    rules: Rules
    dependencies: Dependencies
    inputs: Mapping[NormalizedName, BuildInputs]

    def __call__(self, outline: Outline) -> _Judged:
        reference = outline.reference
        inputs = None
        try:
            with open_subject(self.source, reference) as subject:
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
                yield bump.request.name, without_new_wheel(subject, bump.request)
            else:
                judgement = self.rules.judge(subject, opened)
                yield bump.request.name, judgement

    def _judge_inputs(self, subject: Subject) -> Judgement | None:
        """What the inputs of a build of now say of the wheel; None where none were given."""
        new = self.inputs.get(subject.name)
        if new is None:
            return None
        compared = compare_inputs(subject, new, self.source, strict=self.rules.strict)
        bumped: dict[str, str] = {
            bump.request.name: str(bump.request.new) for bump in self.bumps if bump.request.new
        }
        return judge_inputs(
            subject.filename,
            compared.changes,
            same=same_as_bumped(new, bumped),
            not_compared=compared.not_compared,
        )


def without_new_wheel(subject: Consumer, request: RequestedBump) -> Judgement:
    """Judged by metadata only: nothing but a pure wheel can be called valid."""
    if subject.fingerprint().is_purelib:
        return Judgement(verdict=Verdict.VALID, general=(PureConsumer(),))
    missing = NoNewWheel(name=request.name, version=str(request.new))
    return Judgement(verdict=Verdict.UNKNOWN, general=(missing,))
