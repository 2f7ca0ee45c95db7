"""Print which test vectors refer to each numbered requirement of the convention, as Markdown.

`python spec/must_coverage.py`; the exit status is 1 where a requirement has neither a vector nor a
reason in `vectors/not_covered.json`, or where one of these names a requirement that is in no text.
Standard library only.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SPEC: Final = Path(__file__).resolve().parent
_REQUIREMENT: Final = re.compile(r"(?:\A|\n[ \t]*\n)([A-Z][0-9]+)\. (\S(?:.|\n(?![ \t]*\n))*)")
_FIRST_WORDS: Final = 64


@dataclass(frozen=True, kw_only=True)
class Uncovered:
    """Why no vector tests a requirement, and the test of the project that does, if any."""

    why: str
    shown_by: str | None


def requirements(spec: Path = SPEC) -> dict[str, str]:
    """The paragraph of each label, in the order of the texts; ValueError where one comes twice."""
    found: dict[str, str] = {}
    for path in sorted(spec.rglob("*.rst"), key=lambda path: (path.name[0] != "p", path.name)):
        for match in _REQUIREMENT.finditer(path.read_text(encoding="utf-8")):
            label, text = match.groups()
            if label in found:
                raise ValueError(f"{path.name}: the label {label} is taken")
            found[label] = " ".join(text.split())
    return found


def covered(spec: Path = SPEC) -> dict[str, Counter[str]]:
    """How many tests of each file of vectors refer to each label."""
    found: dict[str, Counter[str]] = {}
    for path in sorted((spec / "vectors").glob("*.json")):
        for test in json.loads(path.read_text(encoding="utf-8")).get("tests", ()):
            for label in test["requirements"]:
                found.setdefault(label, Counter())[path.stem] += 1
    return found


def not_covered(spec: Path = SPEC) -> dict[str, Uncovered]:
    """What `vectors/not_covered.json` says, by label."""
    document = json.loads((spec / "vectors" / "not_covered.json").read_text(encoding="utf-8"))
    return {
        label: Uncovered(why=each["why"], shown_by=each["shown_by"])
        for label, each in document["requirements"].items()
    }


def rows(
    texts: Mapping[str, str],
    vectors: Mapping[str, Counter[str]],
    reasons: Mapping[str, Uncovered],
) -> Iterator[str]:
    """The table: label, first words, and the vectors or why there are none."""
    yield "| | requirement | vectors |"
    yield "|---|---|---|"
    for label, text in texts.items():
        found = sorted(vectors.get(label, Counter()).items())
        files = ", ".join(f"{name} ({count})" for name, count in found)
        cell = files or _told(reasons.get(label))
        words = text if len(text) <= _FIRST_WORDS else text[:_FIRST_WORDS].rsplit(" ", 1)[0] + " …"
        yield f"| {label} | {words.replace('|', chr(92) + '|')} | {cell} |"


def _told(reason: Uncovered | None) -> str:
    if reason is None:
        return "**none**"
    return f"none: {reason.why}" + (f" (`{reason.shown_by}`)" if reason.shown_by else "")


def main() -> int:
    """Print the table and what is wrong with it; the exit status."""
    texts, vectors, reasons = requirements(), covered(), not_covered()
    for row in rows(texts, vectors, reasons):
        print(row)
    print(f"\n{len(texts)} requirements, {sum(label in vectors for label in texts)} with vectors")
    named = vectors.keys() | reasons.keys()
    problems = [f"{label}: neither a vector nor a reason" for label in texts if label not in named]
    problems += [f"{label}: in no text" for label in sorted(named - texts.keys())]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
