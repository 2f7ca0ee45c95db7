"""Over which versions of a provider a wheel is known to stay valid."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from itertools import pairwise
from typing import Final, TypeAlias

from packaging.utils import NormalizedName
from packaging.version import InvalidVersion, Version

from backend_shim.errors import InvalidWheel
from resolver_check.check import Bump, unreadable
from resolver_check.compare.version_ranges import ProviderRange, is_bound, told_between
from resolver_check.conditional import Rules
from resolver_check.errors import SourceUnavailable
from resolver_check.model import Judgement, Verdict
from resolver_check.scan.subject import Subject

MOST_READ: Final = 16

Candidates: TypeAlias = Mapping[Version, Callable[[], AbstractContextManager[Subject]]]
"""How the wheel of each version is opened."""


def known_range(
    consumer: Subject,
    provider: NormalizedName,
    candidates: Candidates,
    rules: Rules,
    *,
    built: str | None = None,
    most_read: int = MOST_READ,
    first: Collection[Version] = (),
    beside: Collection[Version] = (),
) -> ProviderRange:
    """What is known of `candidates`; at most `most_read` are opened, `first` before others.

    `beside` are versions that have no wheel to read: of those that lie among the candidates nothing
    is known, unless numbers tell. `built` is the version it was built with, where its record does
    not say so; without any, what needs an older wheel to compare with proves nothing.
    """
    built = consumer.build_requirements.get(provider, built)
    with ExitStack() as stack:
        judging = _Judging(consumer, candidates, rules, _old(candidates, built, stack))
        judging.judge_ends(first, most_read)
        judging.judge_between(most_read)
    return judging.range(provider, built, beside)


def _old(candidates: Candidates, built: str | None, stack: ExitStack) -> Subject | None:
    """The wheel that the consumer was built with, if it is there."""
    try:
        opened = None if built is None else candidates.get(Version(built))
        return None if opened is None else stack.enter_context(opened())
    except (InvalidVersion, InvalidWheel, SourceUnavailable):
        return None


class _Judging:
    """Judges as few as tell of all: the ends, then the middle of what the ends leave open."""

    def __init__(
        self, consumer: Subject, candidates: Candidates, rules: Rules, old: Subject | None
    ) -> None:
        self._consumer = consumer
        self._candidates = candidates
        self._rules = rules
        self._old = old
        self._versions = sorted(candidates)
        self._judged: dict[Version, Judgement] = {}

    def judge_ends(self, first: Collection[Version], most_read: int) -> None:
        """The newest, `first`, the one built with, and the oldest."""
        built = [] if self._old is None else [Version(self._old.version)]
        for version in (*self._versions[-1:], *built, *sorted(first), *self._versions[:1]):
            if version in self._candidates and len(self._judged) < most_read:
                self._judge(version)

    def judge_between(self, most_read: int) -> None:
        """What lies between two that differ before what lies between two alike.

        Nothing where none of the ends is bound: no name that leads to it is in the binaries.
        """
        if not any(is_bound(each) for each in self._judged.values()):
            return
        while len(self._judged) < most_read and (gaps := self._gaps()):
            _, inside, _ = max(gaps, key=self._weight)
            self._judge(inside[len(inside) // 2])

    def _weight(self, gap: tuple[Version, list[Version], Version]) -> tuple[bool, bool, int]:
        ends = {self._judged[gap[0]].verdict, self._judged[gap[2]].verdict}
        return len(ends) > 1, Verdict.VALID in ends, len(gap[1])

    def range(self, provider: str, built: str | None, beside: Collection[Version]) -> ProviderRange:
        """What came of it."""
        ends = sorted(self._judged)
        among = (each for each in beside if ends and ends[0] < each < ends[-1])
        versions = sorted({*self._versions, *among})
        told = {
            version: verdict
            for older, inside, newer in self._stretches(versions)
            if (verdict := told_between(self._judged[older], self._judged[newer])) is not None
            for version in inside
        }
        return ProviderRange(
            provider=provider,
            built=built,
            judged=tuple(sorted(self._judged.items())),
            between=tuple(sorted(told.items())),
            not_read=tuple(
                each for each in versions if each not in self._judged and each not in told
            ),
        )

    def _judge(self, version: Version) -> None:
        if version in self._judged:
            return
        try:
            with self._candidates[version]() as new:
                bump = Bump(self._old, new, self._rules.promises, self._rules.debug_files)
                self._judged[version] = self._rules.judge(self._consumer, bump)
        except (InvalidWheel, SourceUnavailable) as error:
            self._judged[version] = unreadable(str(version), str(error))

    def _stretches(
        self, versions: Sequence[Version]
    ) -> list[tuple[Version, list[Version], Version]]:
        """Those of `versions` that were not judged, between the two judged around them."""
        return [
            (older, inside, newer)
            for older, newer in pairwise(sorted(self._judged))
            if (inside := [each for each in versions if older < each < newer])
        ]

    def _gaps(self) -> list[tuple[Version, list[Version], Version]]:
        return [
            gap
            for gap in self._stretches(self._versions)
            if told_between(self._judged[gap[0]], self._judged[gap[2]]) is None
        ]
