"""What rebuilds said of skipped wheels, as JSON and as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from backend_shim.record.canonical import JSONValue
from resolver_check.report.wheel_difference_report import difference_json, difference_lines
from resolver_check.validated_skip import Finding, ValidatedSkip


def validation_json(each: ValidatedSkip) -> dict[str, JSONValue]:
    """The finding with all differences."""
    return {
        "wheel": each.planned.reference.filename,
        "finding": each.finding.value,
        "rebuilt": str(each.rebuilt) if each.rebuilt else None,
        "log": str(each.log),
        "why": each.why,
        "difference": difference_json(each.difference) if each.difference else None,
    }


def validation_lines(found: Sequence[ValidatedSkip]) -> Iterator[str]:
    """A line per wheel, and for those that are not proven what differs."""
    if found:
        counts = Counter(each.finding for each in found)
        yield ""
        yield "skips validated: " + ", ".join(
            f"{each.value} {counts[each]}" for each in Finding if counts[each]
        )
    for each in found:
        yield f"  {each.finding.value:11} {each.planned.reference.filename}"
        if each.finding is Finding.NOT_BUILT:
            yield f"              {each.why or f'see {each.log}'}"
        elif each.difference is not None and each.finding is not Finding.PROVEN:
            yield from (f"              {line}" for line in difference_lines(each.difference))
