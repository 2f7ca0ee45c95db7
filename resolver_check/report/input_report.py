"""The judgement on a wheel's build inputs as JSON and as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from backend_shim.interfaces.reasons import Effect
from backend_shim.record.canonical import JSONValue
from resolver_check.compare.changed_input import InputChange
from resolver_check.model import Judgement
from resolver_check.report.explain import explain

_MARKS: Final = {Effect.OPEN: "-", Effect.SUPPORTS: "+", Effect.NOTE: "·"}


def changes_json(changes: Sequence[InputChange]) -> list[JSONValue]:
    """Input, name, old and new of each; the excuse, or what more is known."""
    return [
        {
            "input": each.kind.value,
            "name": each.name,
            "old": each.old,
            "new": each.new,
            "excuse": each.excuse,
            "detail": each.detail,
        }
        for each in changes
    ]


def input_lines(judgement: Judgement) -> Iterator[str]:
    """One line per input, marked `-` for a change and `·` for an excused one."""
    for _, reason in judgement.reasons:
        yield f"{_MARKS[reason.effect]} {explain(reason)}"
