"""Distributions that are to be used together: each pair of them, judged."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from packaging.utils import NormalizedName, canonicalize_name

from backend_shim.errors import InvalidWheel
from backend_shim.fingerprinting import holds_binaries, interface_files
from backend_shim.interfaces import cpython, header
from resolver_check.check import Bump, judge_for_python, unreadable
from resolver_check.compare.interpreter import Python
from resolver_check.conditional import Rules
from resolver_check.errors import SourceUnavailable
from resolver_check.fitting_model import Fit, Release
from resolver_check.model import Judgement
from resolver_check.scan.build_requirement import was_built_with
from resolver_check.scan.subject import Subject

__all__ = [
    "Fit",
    "Release",
    "judge_together",
    "judge_with_python",
    "release_of",
    "release_of_python",
]


def judge_together(
    subjects: Sequence[Subject], rules: Rules, *, only: Collection[NormalizedName] | None = None
) -> tuple[Fit, ...]:
    """The judgement on each with binaries, as consumer of each other one; by consumer, provider.

    `only`: of pairs in which at least one is named. Left out are providers with nothing that a
    binary could be compiled against. No two of `subjects` are of one project.
    """
    together = _Together(subjects, rules, only)
    # All are read, with all names, before one is asked for less as a provider and read twice.
    consumers = [each for each in together.ordered if together.may_bind(each)]
    return tuple(fit for consumer in consumers for fit in together.fits_of(consumer))


def judge_with_python(subjects: Sequence[Subject], python: Python, rules: Rules) -> tuple[Fit, ...]:
    """The judgement on each with binaries in the interpreter, which is the provider; by name."""
    interpreter = release_of_python(python)
    found = []
    for each in sorted(subjects, key=lambda each: each.name):
        try:
            if each.fingerprint().is_purelib:
                continue
            judgement = judge_for_python(each, python, level=rules.level, promises=rules.promises)
        except InvalidWheel as error:
            judgement = unreadable(each.filename, error.wrong)
        found.append(
            Fit(
                consumer=release_of(each),
                provider=interpreter,
                judgement=judgement,
                is_declared=True,
            )
        )
    return tuple(found)


class _Together:
    """What is worked out once for many pairs."""

    def __init__(
        self, subjects: Sequence[Subject], rules: Rules, only: Collection[NormalizedName] | None
    ) -> None:
        self.ordered = sorted(subjects, key=lambda each: each.name)
        self._rules = rules
        self._only = None if only is None else frozenset(only)
        self._bumps: dict[NormalizedName, Bump | Judgement] = {}
        self._unread: dict[NormalizedName, Judgement] = {}
        offering = frozenset(_offering(self.ordered))
        self._providers = [each for each in self.ordered if each.name in offering]

    def may_bind(self, consumer: Subject) -> bool:
        """Whether it has binaries, which are searched for the names of all its providers."""
        providers = self._providers_of(consumer)
        names = frozenset().union(*(each.binding_names for each in providers))
        try:
            return bool(providers) and not consumer.fingerprint(names).is_purelib
        except (InvalidWheel, SourceUnavailable) as error:
            self._unread[consumer.name] = unreadable(consumer.filename, error.wrong)
            return True

    def fits_of(self, consumer: Subject) -> Iterator[Fit]:
        """With each of its providers."""
        declared = {canonicalize_name(each.name) for each in consumer.requirements}
        declared.update(consumer.build_requirements)
        unread = self._unread.get(consumer.name)
        for provider in self._providers_of(consumer):
            yield Fit(
                consumer=release_of(consumer),
                provider=release_of(provider),
                judgement=unread or self._judged(consumer, provider),
                is_declared=provider.name in declared,
            )

    def _providers_of(self, consumer: Subject) -> list[Subject]:
        return [each for each in self._providers if self._is_asked(consumer, each)]

    def _is_asked(self, consumer: Subject, provider: Subject) -> bool:
        if consumer is provider:
            return False
        return self._only is None or not self._only.isdisjoint((consumer.name, provider.name))

    def _judged(self, consumer: Subject, provider: Subject) -> Judgement:
        try:
            if was_built_with(consumer, provider):
                # What it works with is known, and is what it gets.
                bump = self._made(provider, provider)
            else:
                if provider.name not in self._bumps:
                    self._bumps[provider.name] = self._made(None, provider)
                bump = self._bumps[provider.name]
            return bump if isinstance(bump, Judgement) else self._rules.judge(consumer, bump)
        except (InvalidWheel, SourceUnavailable) as error:
            return unreadable(consumer.filename, error.wrong)

    def _made(self, old: Subject | None, provider: Subject) -> Bump | Judgement:
        """The provider as it is; or why it is none."""
        try:
            return Bump(old, provider, self._rules.promises, self._rules.debug_files)
        except (InvalidWheel, SourceUnavailable) as error:
            return unreadable(provider.filename, error.wrong)


def _offering(subjects: Sequence[Subject]) -> Iterator[NormalizedName]:
    """Those that have binaries or interface files, or require one that has.

    What a distribution of Python code alone passes on is of what it imports; where that has nothing
    either, no binary can have been compiled against it.
    """
    known = {each.name: each for each in subjects}
    requires = {
        name: {canonicalize_name(line.name) for line in each.requirements} & known.keys()
        for name, each in known.items()
    }
    found = {name for name, each in known.items() if _has_interface(each)}
    waiting = set(found)
    while waiting:
        waiting = {name for name, required in requires.items() if required & waiting} - found
        found |= waiting
    yield from found


def _has_interface(subject: Subject) -> bool:
    """Whether it has binaries or interface files, found out without reading a binary."""
    try:
        recorded = subject.recorded
        if recorded is not None:
            return not recorded.is_purelib or recorded.provided(header.NAME) is not None
        return bool(interface_files(subject.whole)) or holds_binaries(subject.whole)
    except (InvalidWheel, SourceUnavailable):
        return True


def release_of_python(python: Python) -> Release:
    """The interpreter as a provider."""
    version = python.version + python.flags
    name = canonicalize_name(cpython.PROVIDER)
    return Release(name=name, version=version, filename=f"CPython {version}")


def release_of(subject: Subject) -> Release:
    """The release that a wheel is of."""
    return Release(name=subject.name, version=subject.version, filename=subject.filename)
