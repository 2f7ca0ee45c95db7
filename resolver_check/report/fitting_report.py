"""Distributions that are used together: what does not fit, what is not known to, and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from backend_shim.record.canonical import JSONValue
from resolver_check.fitting_model import Fit, Release
from resolver_check.model import EvidenceLevel, Verdict
from resolver_check.report.judgement_report import judgement_json, reason_lines, sentence
from resolver_check.report.remedies import remedies
from resolver_check.wheel_reference import SkippedFile

_SHOWN: Final = 6


def fitting_lines(
    fits: Sequence[Fit], skipped: Sequence[SkippedFile], level: EvidenceLevel, *, show_all: bool
) -> Iterator[str]:
    """What is invalid, then what is unknown, then how many pairs there are of each verdict.

    Of the unknown ones those that METADATA or a record declares, by provider; the others are
    counted, for a name in a binary is mostly no more than a word. With `show_all` each pair with
    all of its reasons.
    """
    yield from _invalid_lines(fits, level)
    for each in skipped:
        yield f"unknown: {each.filename}: {each.why}"
    unknown = [each for each in fits if each.judgement.verdict is Verdict.UNKNOWN]
    if show_all:
        yield from _each(unknown, level)
        yield from _each((each for each in fits if each.judgement.verdict is Verdict.VALID), level)
    else:
        yield from _by_provider([each for each in unknown if each.is_declared], level)
        if others := [each for each in unknown if not each.is_declared]:
            yield (
                f"unknown: {_counted(others, 'pair')} of which the one does not declare that it "
                "needs the other (--all lists them)"
            )
    yield _summary(fits, skipped)


def fitting_json(
    fits: Sequence[Fit], skipped: Sequence[SkippedFile], *, show_all: bool
) -> dict[str, JSONValue]:
    """`fits` (the valid ones with `show_all` only), `skipped`, and `pairs` by verdict."""
    shown = [each for each in fits if show_all or each.judgement.verdict is not Verdict.VALID]
    counts = Counter(each.judgement.verdict for each in fits)
    return {
        "fits": [_fit_json(each) for each in shown],
        "skipped": [{"name": each.filename, "why": each.why} for each in skipped],
        "pairs": {verdict.value: counts[verdict] for verdict in Verdict},
    }


def worst_verdict(fits: Iterable[Fit], skipped: Sequence[SkippedFile]) -> Verdict:
    """Of all pairs; a distribution that could not be read is unknown."""
    found = {each.judgement.verdict for each in fits}
    if Verdict.INVALID in found:
        return Verdict.INVALID
    return Verdict.UNKNOWN if skipped or Verdict.UNKNOWN in found else Verdict.VALID


def _fit_json(fit: Fit) -> JSONValue:
    return {
        "consumer": _release_json(fit.consumer),
        "provider": _release_json(fit.provider),
        "is_declared": fit.is_declared,
        "what_to_do": list(remedies(fit)),
        **judgement_json(fit.judgement),
    }


def _release_json(release: Release) -> JSONValue:
    return {"name": release.name, "version": release.version}


def _invalid_lines(fits: Iterable[Fit], level: EvidenceLevel) -> Iterator[str]:
    for each in fits:
        if each.judgement.verdict is Verdict.INVALID:
            yield from _each([each], level)
            ways = "; or ".join(remedies(each))
            yield f"  what to do: {ways}"


def _each(fits: Iterable[Fit], level: EvidenceLevel) -> Iterator[str]:
    for each in fits:
        who = f"{_shown(each.consumer)} with {_shown(each.provider)}"
        yield f"{each.judgement.verdict.value}: {who}"
        yield from (f"  {line}" for line in reason_lines(each.judgement, level))


def _by_provider(unknown: Sequence[Fit], level: EvidenceLevel) -> Iterator[str]:
    """The consumers of each provider, those together of which the same is said first."""
    groups: dict[tuple[Release, str], list[Fit]] = {}
    for each in unknown:
        reasons = each.judgement.decisive
        kind = reasons[0].kind if reasons else ""
        groups.setdefault((each.provider, kind), []).append(each)
    for (provider, _), fits in sorted(groups.items(), key=lambda item: item[0][0].name):
        names = [_shown(each.consumer) for each in fits]
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        yield f"unknown: with {_shown(provider)}: {', '.join(names[:_SHOWN])}{more}"
        if reasons := fits[0].judgement.decisive:
            whose = f"{fits[0].consumer.name}: " if len(fits) > 1 else ""
            yield f"  ? {whose}{sentence(reasons[0], level)}"


def _summary(fits: Sequence[Fit], skipped: Sequence[SkippedFile]) -> str:
    counts = Counter(each.judgement.verdict for each in fits)
    said = ", ".join(f"{counts[verdict]} {verdict.value}" for verdict in Verdict)
    unread = f"; {_counted(skipped, 'distribution')} not read" if skipped else ""
    return f"{_counted(fits, 'pair')}: {said}{unread}"


def _counted(things: Sequence[object], noun: str) -> str:
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"


def _shown(release: Release) -> str:
    return f"{release.name} {release.version}"
