"""A judgement as JSON and as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from backend_shim.interfaces.reasons import Effect, Evidence, Reason
from backend_shim.record.canonical import JSONValue
from resolver_check.model import EvidenceLevel, Judgement
from resolver_check.report.explain import explain

_MARKS = {Effect.REFUSES: "-", Effect.OPEN: "?", Effect.SUPPORTS: "+", Effect.NOTE: "·"}
_SHOWN = 5


def judgement_json(judgement: Judgement) -> dict[str, JSONValue]:
    """`verdict` and `reasons`: kind, effect, evidence, interface, data and sentence of each."""
    reasons: list[JSONValue] = []
    for interface, reason in judgement.reasons:
        reasons.append(
            {
                "kind": reason.kind,
                "effect": reason.effect.value,
                "evidence": reason.evidence.value if reason.evidence else None,
                "interface": interface,
                "data": reason.data(),
                "text": explain(reason),
            }
        )
    return {"verdict": judgement.verdict.value, "reasons": reasons}


def reason_lines(judgement: Judgement, level: EvidenceLevel) -> Iterator[str]:
    """One line per reason, marked `+` for, `-` against, `?` open, `·` a note; few of one kind."""
    for each in shown_reasons(judgement, level):
        yield f"{_MARKS[each.effect]} {each.text}"


class ShownReason(NamedTuple):
    """A reason in words, or how many more there are of its kind."""

    effect: Effect
    evidence: Evidence | None
    text: str


def shown_reasons(judgement: Judgement, level: EvidenceLevel) -> Iterator[ShownReason]:
    """The reasons, weightiest first and few of one kind."""
    seen: Counter[tuple[str | None, str]] = Counter()
    total = Counter((interface, reason.kind) for interface, reason in judgement.reasons)
    for interface, reason in judgement.reasons:
        key = (interface, reason.kind)
        seen[key] += 1
        where = f"{interface}: " if interface else ""
        if seen[key] <= _SHOWN:
            text = sentence(reason, level)
        elif seen[key] == total[key]:
            text = f"… and {total[key] - _SHOWN} more of this kind"
        else:
            continue
        yield ShownReason(reason.effect, reason.evidence, where + text)


def sentence(reason: Reason, level: EvidenceLevel) -> str:
    """The reason in words, and at which other level it would count where it does not at `level`."""
    if reason.evidence is None or reason.evidence in level.accepted:
        return explain(reason)
    counts_at = EvidenceLevel.accepting(reason.evidence)
    return f"{explain(reason)} (counts with --evidence {counts_at.value})"
