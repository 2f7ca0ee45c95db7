"""The use case: one consumer, one provider's bump, a judgement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from packaging.tags import Tag

from backend_shim.errors import InvalidRecord
from backend_shim.interfaces.header import InterfaceTree
from backend_shim.interfaces.provider import nothing_of
from backend_shim.interfaces.reasons import Reason
from backend_shim.record.fingerprint import AbiFingerprint
from resolver_check.compare.judgement import judge_fingerprints
from resolver_check.errors import UsageError
from resolver_check.model import (
    EvidenceLevel,
    Judgement,
    TargetsDiffer,
    UnreadBinary,
    Verdict,
    WheelUnreadable,
)
from resolver_check.scan.subject import Subject


class Bump:
    """One provider going from one wheel to another.

    Raises UsageError where the two are not of one project; InvalidWheel where one cannot be read.
    """

    def __init__(self, old: Subject | None, new: Subject) -> None:
        """`old` is None where no older wheel is known: what needs it proves nothing."""
        if old is not None and old.name != new.name:
            raise UsageError(f"old and new must be of one project, not {old.name} and {new.name}")
        self.old = old
        self.new = new
        self.subjects = (new,) if old is None else (old, new)
        self.binding_names = frozenset().union(*(each.binding_names for each in self.subjects))
        self.after = new.provider()
        self.before = nothing_of(self.after) if old is None else old.provider()
        self.unread = tuple(_unread(self.subjects))

    @cache  # noqa: B019 - a bump lives as long as the question it belongs to
    def trees(self, wanted: frozenset[str]) -> tuple[InterfaceTree, InterfaceTree]:
        """The interface files of the old and the new wheel."""
        before = InterfaceTree(files=()) if self.old is None else self.old.interface_tree(wanted)
        return before, self.new.interface_tree(wanted)


def judge(consumer: Subject, bump: Bump, *, level: EvidenceLevel) -> Judgement:
    """The verdict on `consumer` after `bump`.

    Raises UsageError where they are one project, InvalidWheel where a wheel cannot be read.
    """
    if consumer.name == bump.new.name:
        raise UsageError(f"{consumer.name} cannot be the consumer of itself")
    general = (*_targets(consumer, bump.new), *bump.unread)
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


def _judge_once(
    consumer: Subject,
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
        general=general,
        wheel=consumer.filename,
    )


def _with_notes(judgement: Judgement, subjects: Iterable[Subject]) -> Judgement:
    notes = tuple(dict.fromkeys(note for subject in subjects for note in subject.notes))
    return Judgement(
        verdict=judgement.verdict,
        bindings=judgement.bindings,
        general=(*judgement.general, *notes),
    )


def _unread(providers: Iterable[Subject]) -> Iterator[Reason]:
    for provider in providers:
        for each in provider.fingerprint().unread:
            yield UnreadBinary(wheel=provider.filename, path=each.path, why=each.why)


def _targets(consumer: Subject, provider: Subject) -> Iterator[Reason]:
    """A reason where no environment can hold both wheels, as far as their tags say."""
    if not any(_meet(ours, theirs) for ours in consumer.tags for theirs in provider.tags):
        yield TargetsDiffer(
            consumer=tuple(sorted(map(str, consumer.tags))),
            provider=tuple(sorted(map(str, provider.tags))),
        )


def _meet(ours: Tag, theirs: Tag) -> bool:
    return _interpreters_meet(ours, theirs) and _platforms_meet(ours.platform, theirs.platform)


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


def _platforms_meet(ours: str, theirs: str) -> bool:
    """Whether they are of one system and machine; glibc or macOS versions only raise the floor."""
    return "any" in (ours, theirs) or _system(ours) == _system(theirs)


def _system(platform: str) -> tuple[str, str]:
    for system in ("manylinux", "musllinux", "linux", "macosx", "win"):
        if platform.startswith(system):
            machine = platform.removeprefix(system).lstrip("_0123456789")
            if system == "linux":
                return "manylinux", machine
            return system, "" if machine in ("universal2", "intel") else machine
    return platform, ""


def unreadable(wheel: str, why: str) -> Judgement:
    """The judgement where a wheel could not be read: never more than unknown."""
    return Judgement(verdict=Verdict.UNKNOWN, general=(WheelUnreadable(wheel=wheel, why=why),))
