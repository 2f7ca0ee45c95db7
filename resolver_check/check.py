"""The use case: one consumer, one provider's bump, a judgement."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from functools import cache

from packaging.tags import Tag

from backend_shim.errors import InvalidRecord
from backend_shim.interfaces import cpython, platform_floor
from backend_shim.interfaces.header import InterfaceFilesChanged, compare_scope
from backend_shim.interfaces.interface_tree import InterfaceTree
from backend_shim.interfaces.provider import nothing_of
from backend_shim.interfaces.reasons import Binding, Effect, Reason
from backend_shim.interfaces.scope_comparison import Excuse
from backend_shim.record.fingerprint import AbiFingerprint
from backend_shim.type_recording import DebugFiles
from resolver_check.compare.interpreter import Python, judge_interpreter, python_of
from resolver_check.compare.judgement import judge_fingerprints
from resolver_check.compare.promised_platform import broken_platform_promises
from resolver_check.compare.promised_tags import broken_promises
from resolver_check.errors import UsageError
from resolver_check.model import (
    EvidenceLevel,
    Judgement,
    TargetsDiffer,
    UnreadBinary,
    Verdict,
    WheelUnreadable,
)
from resolver_check.scan.build_requirement import built_from, changed_requirement
from resolver_check.scan.consumer import Consumer
from resolver_check.scan.subject import Subject
from resolver_check.scan.type_evidence import TypeEvidence
from resolver_check.sources.series_file import Promises, shipped_promises
from resolver_check.target import platforms_meet


class Bump:
    """One provider going from one wheel to another.

    Raises UsageError where the two are not of one project; InvalidWheel where one cannot be read.
    """

    def __init__(
        self,
        old: Subject | None,
        new: Subject,
        promises: Promises | None = None,
        debug_files: DebugFiles | None = None,
    ) -> None:
        """`old` is None where no older wheel is known: what needs it proves nothing.

        `promises` are what is known of providers beside what they declare, `debug_files` where the
        debug information of their libraries may lie.
        """
        if old is not None and old.name != new.name:
            raise UsageError(f"old and new must be of one project, not {old.name} and {new.name}")
        self.old = old
        self.new = new
        self.name = new.name
        self.subjects = (new,) if old is None else (old, new)
        self.binding_names = frozenset().union(*(each.binding_names for each in self.subjects))
        promises = promises or shipped_promises()
        self.after = promises.added_to(new.provider())
        self.before = nothing_of(self.after) if old is None else promises.added_to(old.provider())
        self.unread = tuple(_unread(self.subjects))
        self._types = None
        if old is not None:
            self._types = TypeEvidence(
                (old, self.before),
                (new, self.after),
                DebugFiles() if debug_files is None else debug_files,
                self._differing,
            )

    @cache  # noqa: B019 - a bump lives as long as the question it belongs to
    def trees(self, wanted: frozenset[str]) -> tuple[InterfaceTree, InterfaceTree]:
        """The interface files of the old and the new wheel."""
        before = InterfaceTree(files=()) if self.old is None else self.old.interface_tree(wanted)
        return before, self.new.interface_tree(wanted)

    def types(self, binding: Binding) -> tuple[Reason, ...]:
        """What the types of the symbols that `binding` takes say of it."""
        return () if self._types is None else self._types(binding)

    def _differing(self, binding: Binding, excuse: Excuse) -> tuple[str, ...] | None:
        """Declarations in headers that differ without an excuse; None if they are not all there."""
        wanted = frozenset(each.name for each in binding.declarations if each.module is None)
        found = compare_scope(binding.declarations, *self.trees(wanted), excuse)
        if found.effect is Effect.SUPPORTS:
            return ()
        return (found.declarations or None) if isinstance(found, InterfaceFilesChanged) else None


def judge(
    consumer: Consumer, bump: Bump, *, level: EvidenceLevel, strict: bool = False
) -> Judgement:
    """The verdict on `consumer` after `bump`.

    With `strict` no evidence makes up for a build requirement that is another now. Raises
    UsageError where they are one project, InvalidWheel where a wheel cannot be read.
    """
    if consumer.name == bump.new.name:
        raise UsageError(f"{consumer.name} cannot be the consumer of itself")
    general = (*_targets(consumer, bump.new), *bump.unread)
    if strict:
        general += tuple(changed_requirement(consumer, bump.new))
    names = bump.binding_names
    # The facts of a record are decoded by the interface that judges by them. Where they are wrong
    # it is the consumer's record, which then counts as absent, or else a provider's.
    try:
        judgement = _judge_once(consumer, consumer.fingerprint(names), bump, level, general)
    except InvalidRecord as error:
        try:
            judgement = _judge_once(consumer, consumer.derived(names), bump, level, general)
            consumer.leave_record(str(error))
        except InvalidRecord as again:
            wheels = " or ".join(each.filename for each in bump.subjects)
            unusable = WheelUnreadable(wheel=wheels, why=f"a record of it is wrong: {again}")
            judgement = Judgement(verdict=Verdict.UNKNOWN, general=(*general, unusable))
    return _with_notes(judgement, (consumer, *bump.subjects))


def tag_findings(wheel: Consumer, fingerprint: AbiFingerprint) -> tuple[Reason, ...]:
    """Where the wheel's tags promise more than its binaries keep. Raises InvalidRecord."""
    found: list[Reason] = []
    if use := fingerprint.required(cpython.NAME):
        found += broken_promises(wheel.tags, cpython.decode(use.facts))
    if floor := fingerprint.required(platform_floor.NAME):
        found += broken_platform_promises(wheel.tags, platform_floor.decode(floor.facts))
    return tuple(found)


def _judge_once(
    consumer: Consumer,
    fingerprint: AbiFingerprint,
    bump: Bump,
    level: EvidenceLevel,
    general: tuple[Reason, ...],
) -> Judgement:
    return judge_fingerprints(
        fingerprint,
        bump.before,
        bump.after,
        level=level,
        read_trees=bump.trees,
        compare_types=bump.types,
        general=(*general, *tag_findings(consumer, fingerprint)),
        wheel=consumer.filename,
        built=consumer.build_requirements.get(bump.new.name),
        built_from=built_from(consumer, fingerprint, bump.old, bump.new),
    )


def judge_for_python(
    wheel: Subject, python: Python, *, level: EvidenceLevel, promises: Promises | None = None
) -> Judgement:
    """The verdict on `wheel` in the interpreter `python`. Raises InvalidWheel."""
    promises = promises or shipped_promises()
    inputs = wheel.build_inputs
    built = None if inputs is None else python_of(inputs.interpreter)
    running, built = _with_series(python, promises), built and _with_series(built, promises)

    def judged(fingerprint: AbiFingerprint) -> Judgement:
        return judge_interpreter(
            fingerprint, wheel.tags, running, built, level=level, wheel=wheel.filename
        )

    try:
        judgement = judged(wheel.fingerprint())
    except InvalidRecord as error:
        wheel.leave_record(str(error))
        judgement = judged(wheel.fingerprint())
    return _with_notes(judgement, (wheel,))


def _with_series(python: Python, promises: Promises) -> Python:
    return replace(python, series=promises.of(cpython.PROVIDER, python.version))


def _with_notes(judgement: Judgement, wheels: Iterable[Consumer]) -> Judgement:
    notes = tuple(dict.fromkeys(note for wheel in wheels for note in wheel.notes))
    return Judgement(
        verdict=judgement.verdict,
        bindings=judgement.bindings,
        general=(*judgement.general, *notes),
    )


def _unread(providers: Iterable[Subject]) -> Iterator[Reason]:
    for provider in providers:
        for each in provider.fingerprint().unread:
            yield UnreadBinary(wheel=provider.filename, path=each.path, why=each.why)


def tags_meet(consumer: Collection[Tag], provider: Collection[Tag]) -> bool:
    """Whether an environment can hold wheels with these tags, as far as they say."""
    return any(_meet(ours, theirs) for ours in consumer for theirs in provider)


def _targets(consumer: Consumer, provider: Subject) -> Iterator[Reason]:
    """A reason where no environment can hold both wheels, as far as their tags say."""
    if consumer.tags and provider.tags and not tags_meet(consumer.tags, provider.tags):
        yield TargetsDiffer(
            consumer=tuple(sorted(map(str, consumer.tags))),
            provider=tuple(sorted(map(str, provider.tags))),
        )


def _meet(ours: Tag, theirs: Tag) -> bool:
    return _interpreters_meet(ours, theirs) and platforms_meet(ours.platform, theirs.platform)


def _interpreters_meet(ours: Tag, theirs: Tag) -> bool:
    """Whether one interpreter accepts both: equal, or one of them is open towards newer ones."""
    if _is_open(ours) and _is_open(theirs):
        return True
    if _is_open(theirs):
        ours, theirs = theirs, ours
    if _is_open(ours):
        return ours.interpreter.startswith("py") or _minor(ours) <= _minor(theirs)
    return (ours.interpreter, ours.abi) == (theirs.interpreter, theirs.abi)


def _is_open(tag: Tag) -> bool:
    return tag.abi in ("none", "abi3", "abi3t")


def _minor(tag: Tag) -> int:
    digits = tag.interpreter.removeprefix("cp")[1:]
    return int(digits) if digits.isdigit() else 0


def unreadable(wheel: str, why: str) -> Judgement:
    """The judgement where a wheel could not be read: never more than unknown."""
    return Judgement(verdict=Verdict.UNKNOWN, general=(WheelUnreadable(wheel=wheel, why=why),))
