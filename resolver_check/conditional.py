"""Who binds to what is rebuilt, and what the rebuilt wheel means for them.

A rebuilt wheel is a provider whose interface may have changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from packaging.utils import NormalizedName, canonicalize_name

from backend_shim.errors import InterfaceFailed, InvalidRecord, InvalidWheel
from backend_shim.interfaces.provider import Provider
from backend_shim.interfaces.table import interface_named
from backend_shim.record.fingerprint import AbiFingerprint
from backend_shim.type_recording import DebugFiles
from backend_shim.wheel.archive import WheelArchive
from resolver_check.check import Bump, judge, unreadable
from resolver_check.compare.changed_input import is_same_version
from resolver_check.compare.wheels.difference import Outcome
from resolver_check.errors import SourceUnavailable, UsageError
from resolver_check.graph.settling import Built
from resolver_check.model import EvidenceLevel, Judgement, RebuiltTheSame, Verdict
from resolver_check.plan_state import Progress
from resolver_check.removal import Removal, judge_removal
from resolver_check.scan.compared_wheels import compare_wheels
from resolver_check.scan.consumer import Consumer
from resolver_check.scan.outline import Dependencies
from resolver_check.scan.subject import Subject, open_subject
from resolver_check.sources.series_file import Promises
from resolver_check.sources.wheel_source import WheelSource
from resolver_check.wheel_reference import WheelReference, release_order


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """By what is judged; the fields are those of `judge` and `Bump`."""

    level: EvidenceLevel
    strict: bool = False
    promises: Promises | None = None
    debug_files: DebugFiles | None = None

    def judge(self, consumer: Consumer, bump: Bump | Removal) -> Judgement:
        """The verdict on `consumer` after `bump`. Raises as `judge` does."""
        if isinstance(bump, Removal):
            return judge_removal(consumer, bump, level=self.level)
        return judge(consumer, bump, level=self.level, strict=self.strict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildsOfFarm:
    """What was built of a plan so far, judged where it is asked for: the `Builds` of a farm."""

    source: WheelSource
    dependencies: Dependencies
    rules: Rules
    executor: Executor
    bumps: tuple[Bump | Removal, ...]
    """Those of the plan, for which a wheel that was built must do as well."""
    fingerprints: Mapping[str, AbiFingerprint | None]
    """Of the wheels of the plan, each asked for the names of all that it requires; None of one
    that could not be read."""
    progress: Progress = field(default_factory=Progress)

    def outcome(self, wheel: str) -> Built | str | None:
        """The wheel that was built for it with the judgements on that, or why there is none."""
        if wheel in self.progress.failed:
            return self.progress.failed[wheel]
        if wheel not in self.progress.built:
            return None
        path = self.progress.built[wheel].path
        try:
            with WheelArchive.open(Path(path)) as archive:
                subject = Subject(archive)
                judgements = (
                    *((bump.name, self.rules.judge(subject, bump)) for bump in self.bumps),
                    *self._judged_with_kept(subject, wheel),
                )
        except (InvalidWheel, SourceUnavailable) as error:
            return str(error)
        return Built(path=path, judgements=judgements)

    def judged_with(self, provider: str, consumers: Collection[str]) -> Mapping[str, Judgement]:
        """The judgement on each of `consumers` with the wheel that was built for `provider`."""
        built = Path(self.progress.built[provider].path)
        if self._is_as_it_was(provider, built):
            same = Judgement(verdict=Verdict.VALID, general=(RebuiltTheSame(wheel=built.name),))
            return dict.fromkeys(consumers, same)
        with ExitStack() as stack:
            try:
                reference = self.dependencies.outline(provider).reference
                old = stack.enter_context(open_subject(self.source, reference))
                new = Subject(stack.enter_context(WheelArchive.open(built)))
                bump = Bump(old, new, self.rules.promises, self.rules.debug_files)
            except (InvalidWheel, SourceUnavailable, UsageError) as error:
                return dict.fromkeys(consumers, unreadable(built.name, error.wrong))
            task = partial(self._judged_one, bump)
            return dict(zip(consumers, self.executor.map(task, consumers), strict=True))

    def bound_to(self, provider: str, consumers: Collection[str]) -> list[str]:
        """Those of `consumers` that bind in any way to `provider`, or may."""
        prints = {name: self.fingerprints[name] for name in consumers}
        certain = [name for name, each in prints.items() if each is None or each.unread]
        asked = {
            name: each
            for name, each in prints.items()
            if each is not None and not each.unread and not each.is_purelib
        }
        if not asked:
            return certain
        reference = self.dependencies.outline(provider).reference
        try:
            with open_subject(self.source, reference) as subject:
                offered = subject.provider()
                return certain + [name for name, each in asked.items() if _binds(each, offered)]
        except (InvalidWheel, SourceUnavailable):
            return certain + list(asked)

    def _judged_with_kept(
        self, built: Subject, name: str
    ) -> Iterator[tuple[NormalizedName, Judgement]]:
        """The judgement on a built wheel with each that it requires and was not built with.

        A build takes the newest version that pip finds; that which is kept may be another, and
        nothing is known of the step between the two.
        """
        kept: dict[NormalizedName, list[WheelReference]] = {}
        for required in self.dependencies.direct[name]:
            if required not in self.progress.built:
                reference = self.dependencies.outline(required).reference
                kept.setdefault(reference.name, []).append(reference)
        for project in sorted({canonicalize_name(each.name) for each in built.requirements}):
            version = built.build_requirements.get(project)
            references = kept.get(project)
            if version is None or references is None:
                continue
            if not any(is_same_version(version, str(each.version)) for each in references):
                yield project, self._judged_anew(built, max(references, key=release_order))

    def _judged_anew(self, built: Subject, provider: WheelReference) -> Judgement:
        try:
            with open_subject(self.source, provider) as subject:
                bump = Bump(None, subject, self.rules.promises, self.rules.debug_files)
                return self.rules.judge(built, bump)
        except (InvalidWheel, SourceUnavailable) as error:
            return unreadable(provider.filename, error.wrong)

    def _is_as_it_was(self, provider: str, built: Path) -> bool:
        """Whether the wheel at `built` differs from that of the source in nothing but noise."""
        reference = self.dependencies.outline(provider).reference
        try:
            outcome = compare_wheels(self.source.fetch(reference), built).outcome
        except (InvalidWheel, SourceUnavailable, UsageError, OSError):
            return False
        return outcome in (Outcome.SAME, Outcome.EQUAL)

    def _judged_one(self, bump: Bump, consumer: str) -> Judgement:
        reference = self.dependencies.outline(consumer).reference
        try:
            with open_subject(self.source, reference) as subject:
                return self.rules.judge(subject, bump)
        except (InvalidWheel, SourceUnavailable, UsageError) as error:
            return unreadable(consumer, error.wrong)


def _binds(consumer: AbiFingerprint, offered: Provider) -> bool:
    try:
        return any(
            interface is None or interface.is_satisfied(required.facts, offered, offered)
            for required in consumer.requires
            for interface in [interface_named(required.interface)]
        )
    except (InterfaceFailed, InvalidRecord):
        return True
