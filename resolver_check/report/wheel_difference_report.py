"""The comparison of two wheels as JSON and as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from backend_shim.record.canonical import JSONValue
from resolver_check.compare.wheels.difference import Difference, Kind, Outcome, WheelDifference

_SAID: Final = {
    Kind.ONLY_IN_FIRST: "only in the first wheel",
    Kind.ONLY_IN_SECOND: "only in the second wheel",
    Kind.BYTES: "differs",
    Kind.DIRECTORY: "another directory name",
    Kind.EXECUTABLE: "executable in one of the two only",
    Kind.HEADER: "header",
    Kind.ENTRY_POINT: "entry point",
    Kind.LISTING: "lists otherwise",
    Kind.BINARY_PART: "differs in",
    Kind.ORDER: "order or white space only",
    Kind.RECORD: "order or digests of what differs",
    Kind.BUILD_HEADER: "header",
    Kind.INTERPRETER_PATH: "path of Python in the first line",
    Kind.DEBUG_INFORMATION: "debug information in",
    Kind.COMPILER_COMMENT: "compiler comment in",
    Kind.BUILD_ID: "",
    Kind.LAYOUT: "what is not loaded, in",
    Kind.OWN_RECORD: "record of another build or reader",
}
_MEANING: Final = {
    Outcome.SAME: "every file has the same bytes",
    Outcome.EQUAL: "only what says nothing of the content differs",
    Outcome.INTERFACE_EQUAL: "content differs, the interface that fingerprints tell does not",
    Outcome.DIFFERENT: "content differs",
}


def difference_json(difference: WheelDifference) -> dict[str, JSONValue]:
    """`interface_differences` is null where it was not asked for."""
    interface = difference.interface
    return {
        "outcome": difference.outcome.value,
        "first": difference.first,
        "second": difference.second,
        "same_files": difference.same,
        "differences": [*map(_entry, difference.content)],
        "noise": [*map(_entry, difference.noise)],
        "interface_differences": None if interface is None else [*interface],
    }


def _entry(each: Difference) -> JSONValue:
    return {
        "path": each.path,
        "kind": each.kind.value,
        "name": each.name,
        "first": each.first,
        "second": each.second,
    }


def difference_lines(difference: WheelDifference) -> Iterator[str]:
    """The outcome, then what differs in each file, marked `-` for content and `·` for noise."""
    yield f"{difference.outcome.value}: {difference.first}, {difference.second}"
    yield f"  {_MEANING[difference.outcome]}; {difference.same} files are the same"
    yield from (f"  - {sentence}" for sentence in _sentences(difference.content))
    yield from (f"  · {sentence}" for sentence in _sentences(difference.noise))
    for part in difference.interface or ():
        yield f"  - interface: {part}"


def content_sentences(difference: WheelDifference) -> Iterator[str]:
    """What differs in each file for whoever installs them."""
    yield from _sentences(difference.content)


def _sentences(differences: Iterable[Difference]) -> Iterator[str]:
    """One for each kind of difference of a file, or for each that has something to show."""
    for (path, kind, *_), alike in groupby(differences, _kind_in_file):
        group = list(alike)
        names = ", ".join(each.name for each in group if each.name)
        words = " ".join(filter(None, (_SAID[kind], names)))
        if (group[0].first, group[0].second) != (None, None):
            words += f": {_shown(group[0].first)} -> {_shown(group[0].second)}"
        yield f"{path}: {words}"


def _kind_in_file(each: Difference) -> tuple[str, Kind, str | None, str | None, str]:
    has_values = (each.first, each.second) != (None, None)
    return each.path, each.kind, each.first, each.second, each.name if has_values else ""


def _shown(text: str | None) -> str:
    return "none" if text is None else " ".join(text.split())
