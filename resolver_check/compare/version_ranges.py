"""Which versions of a provider are known to fit, and how a requirement says so."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from packaging.specifiers import Specifier, SpecifierSet
from packaging.version import Version

from backend_shim.interfaces.numpy_c_api import NumpyAbiRefused, NumpyTooOld
from backend_shim.interfaces.reasons import Binding, Effect, Evidence, Reason
from resolver_check.compare.series import SeriesFits
from resolver_check.model import Judgement, Verdict

_MOST_EXCLUDED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRange:
    """What is known of the versions of one provider, for one consumer; versions ascend."""

    provider: str
    built: str | None
    """The version that the consumer was built with, where its record says so."""
    judged: tuple[tuple[Version, Judgement], ...]
    """Those whose wheel was read."""
    between: tuple[tuple[Version, Verdict], ...]
    """Those not read, because the two read around them are told apart by numbers that only grow."""
    not_read: tuple[Version, ...]
    """Those of which nothing is known, because enough were read."""

    @property
    def is_bound(self) -> bool:
        """Whether the consumer hangs on the provider, or may."""
        return any(is_bound(judgement) for _, judgement in self.judged)

    def versions(self, verdict: Verdict) -> tuple[Version, ...]:
        """Those with that verdict, ascending."""
        read = [version for version, judgement in self.judged if judgement.verdict is verdict]
        return tuple(sorted([*read, *(version for version, its in self.between if its is verdict)]))

    @property
    def specifier(self) -> SpecifierSet | None:
        """What admits those that are known to fit, and of the others none; None: none is known."""
        others = (
            *self.versions(Verdict.INVALID), *self.versions(Verdict.UNKNOWN), *self.not_read
        )  # fmt: skip
        fits = self.versions(Verdict.VALID)
        newest = dict(self.judged).get(max(fits)) if fits else None
        is_promised = newest is not None and is_by_number(newest)
        found = specifier_of(fits, others, is_promised=is_promised)
        if found is None or newest is None or not is_promised:
            return found
        return narrowed(found, _ends_of_promises(newest))


def specifier_of(
    fits: Collection[Version], others: Collection[Version], *, is_promised: bool
) -> SpecifierSet | None:
    """A specifier set (PEP 440) with all of `fits` and none of `others`, as short as may be.

    Towards newer ones it is open if nothing speaks against it and `is_promised`. Where too many
    would have to be left out one by one it has only the newest of `fits` that follow each other.
    """
    # The local label says how a release was built, and a bare version admits each of its labels.
    barred = {_public(each) for each in others}
    known = sorted({_public(each) for each in fits} - barred)
    if not known:
        return None
    inside = sorted(each for each in barred if known[0] < each < known[-1])
    if len(inside) > _MOST_EXCLUDED:
        known = [each for each in known if each > inside[-1]]
        inside = []
    above = min((each for each in barred if each > known[-1]), default=None)
    left_out = (f"!={each}" for each in inside)
    return SpecifierSet(",".join([*_bounds(known, barred, above, is_promised), *left_out]))


def narrowed(known: SpecifierSet, bounds: Iterable[str]) -> SpecifierSet:
    """`known` and all of `bounds`, without those that others make needless.

    An index need not have the first version that is refused.
    """
    kept = {str(each): each for each in (*known, *map(Specifier, bounds))}
    for operator, strictest in ((">=", max), ("<", min)):
        alike = [each for each in kept.values() if each.operator == operator]
        if alike:
            wanted = strictest(alike, key=lambda each: Version(each.version))
            kept = {text: it for text, it in kept.items() if it not in alike or it is wanted}
    return SpecifierSet(",".join(kept))


def _ends_of_promises(judgement: Judgement) -> Iterator[str]:
    """Where a policy such as "nothing changes but with a major release" stops to promise.

    There the last change is the beginning of the release itself.
    """
    for binding in judgement.bindings:
        for each in binding.reasons:
            if isinstance(each, SeriesFits):
                change, release = Version(each.last_change), Version(each.release)
                kept = len(change.release)
                if kept < len(release.release) and change.release == release.release[:kept]:
                    numbers = [*change.release[:-1], change.release[-1] + 1]
                    epoch = f"{change.epoch}!" if change.epoch else ""
                    yield f"<{epoch}{'.'.join(map(str, numbers))}"


def _bounds(
    known: list[Version], barred: Iterable[Version], above: Version | None, is_promised: bool
) -> Iterator[str]:
    oldest, newest = known[0], known[-1]
    if is_promised:
        yield f">={oldest}"
        if above is not None:
            yield f"<{above}"
    elif oldest == newest:
        yield f"=={oldest}"
    elif _is_all_of_series(oldest, newest) and _series(oldest) not in map(_series, barred):
        epoch = f"{oldest.epoch}!" if oldest.epoch else ""
        yield f"=={epoch}{oldest.major}.{oldest.minor}.*"
    else:
        yield f">={oldest}"
        yield f"<={newest}"


def _is_all_of_series(oldest: Version, newest: Version) -> bool:
    """Whether one series has both; by its pre-releases nothing is known of what they precede."""
    return _series(oldest) == _series(newest) and not newest.is_prerelease


def _public(version: Version) -> Version:
    return Version(version.public)


def _series(version: Version) -> tuple[int, int, int]:
    return version.epoch, version.major, version.minor


def told_between(older: Judgement, newer: Judgement) -> Verdict | None:
    """The verdict on every version between two that were judged; None: they have to be read.

    Where both fit by numbers that only grow, so do those between. NumPy's two numbers also refuse
    alike: who targets more than the newer one has, or is for another ABI than the older one's.
    """
    if is_by_number(older) and is_by_number(newer):
        return Verdict.VALID
    refusals = [_refusals(each) for each in (older, newer)]
    if any(isinstance(each, NumpyTooOld) for each in refusals[1]):
        both = any(isinstance(each, NumpyTooOld) for each in refusals[0])
        return Verdict.INVALID if both else None
    offered = [
        {each.offered for each in found if isinstance(each, NumpyAbiRefused)} for found in refusals
    ]
    return Verdict.INVALID if offered[0] & offered[1] else None


def is_bound(judgement: Judgement) -> bool:
    """Whether the consumer hangs on that provider, or may."""
    return bool(judgement.bindings) or judgement.verdict is not Verdict.VALID


def is_by_number(judgement: Judgement) -> bool:
    """Whether it is valid by a published number alone: a promise covers every binding."""
    return (
        judgement.verdict is Verdict.VALID
        and bool(judgement.bindings)
        and all(map(_is_promised, judgement.bindings))
    )


def _is_promised(binding: Binding) -> bool:
    return any(
        reason.effect is Effect.SUPPORTS and reason.evidence is Evidence.PROMISE
        for reason in binding.reasons
    )


def _refusals(judgement: Judgement) -> list[Reason]:
    return [reason for _, reason in judgement.reasons if reason.effect is Effect.REFUSES]
