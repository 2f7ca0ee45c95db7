"""A judgement as JSON and as text."""

from __future__ import annotations

from collections.abc import Iterator

from backend_shim.interfaces.reasons import Effect
from backend_shim.record.canonical import JSONValue
from resolver_check.model import Judgement
from resolver_check.report.explain import explain

_MARKS = {Effect.REFUSES: "-", Effect.OPEN: "?", Effect.SUPPORTS: "+", Effect.NOTE: "·"}


def judgement_json(judgement: Judgement) -> dict[str, JSONValue]:
    """`verdict` and `reasons`, each with its kind, effect, evidence, interface, data and sentence."""
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


def reason_lines(judgement: Judgement) -> Iterator[str]:
    """One line per reason, marked `+` for, `-` against, `?` open, `·` a note."""
    for interface, reason in judgement.reasons:
        where = f"{interface}: " if interface else ""
        yield f"{_MARKS[reason.effect]} {where}{explain(reason)}"
