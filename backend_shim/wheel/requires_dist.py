"""Narrows what METADATA requires, and leaves every line of it that is there as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

# A field, with the lines that go on with it (RFC 822, folding); the body begins at an empty line.
_FIELD: Final = re.compile(rb"(?![ \t\r\n])[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*(?:\r?\n|\Z)")
_REQUIRES: Final = re.compile(rb"(?i:Requires-Dist)[ \t]*:(.*)", re.DOTALL)
# PEP 508 without white space and marker: name, extras, versions. Of a URL nothing can be narrowed.
_REQUIREMENT: Final = re.compile(r"([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\(?([^@()]*)\)?")
_CLAUSE: Final = re.compile(r"(===|[=<>~!]=|[<>])([0-9]+(?:\.[0-9]+)*)(\.\*)?")


class _Requirement(NamedTuple):
    name: str
    versions: str
    marker: str


def narrowed(metadata: bytes, bounds: Mapping[str, Sequence[str]]) -> bytes:
    """`metadata`, its requirements narrowed by `bounds`: specifiers by normalized name.

    For each that is there, a further Requires-Dist with the same marker: all that apply count. A
    project that is not required stays so, and what is demanded already is not said again.
    """
    fields = list(_fields(metadata))
    stated = [each for field in fields if (each := _requirement(metadata[field]))]
    demanded: dict[tuple[str, str], str] = {}
    for each in stated:
        together = demanded.get((each.name, each.marker), "")
        demanded[each.name, each.marker] = f"{together},{each.versions}"
    lines = [
        f"Requires-Dist: {name}{','.join(missing)}{marker}"
        for (name, marker), versions in demanded.items()
        if (missing := _missing(versions, bounds.get(name, ())))
    ]
    last = max((field.stop for field in fields if _requirement(metadata[field])), default=0)
    ending = b"\r\n" if metadata[:last].endswith(b"\r\n") else b"\n"
    before = metadata[:last] if metadata[:last].endswith(b"\n") else metadata[:last] + ending
    added = b"".join(line.encode("utf-8", "surrogateescape") + ending for line in lines)
    return before + added + metadata[last:] if added else metadata


def _fields(metadata: bytes) -> Iterator[slice]:
    position = 0
    while match := _FIELD.match(metadata, position):
        if match.end() == position:
            return
        yield slice(match.start(), match.end())
        position = match.end()


def _requirement(field: bytes) -> _Requirement | None:
    match = _REQUIRES.match(field)
    if match is None:
        return None
    text, _, marker = match[1].decode("utf-8", "surrogateescape").partition(";")
    found = _REQUIREMENT.fullmatch("".join(text.split()))
    if found is None:
        return None
    # PEP 503, "Normalized Names".
    name = re.sub(r"[-_.]+", "-", found[1]).lower()
    marker = " ".join(marker.split())
    return _Requirement(name, found[2], f" ; {marker}" if marker else "")


def _missing(versions: str, bounds: Sequence[str]) -> list[str]:
    """Those of `bounds` that `versions` do not demand in so many words."""
    stated = versions.split(",")
    clauses = [match for each in stated if (match := _CLAUSE.fullmatch(each))]
    return [
        each
        for each in bounds
        if each not in stated and not any(_implies(clause, each) for clause in clauses)
    ]


def _implies(clause: re.Match[str], bound: str) -> bool:
    wanted = _CLAUSE.fullmatch(bound)
    if wanted is None:
        return False
    has, needs = _numbers(clause[2]), _numbers(wanted[2])
    if wanted[1] == ">=":
        return clause[1] in (">=", "~=", "==", ">") and has >= needs
    if wanted[1] == "<":
        return clause[1] == "<" and has <= needs
    return (clause[1], has, clause[3]) == (wanted[1], needs, wanted[3])


def _numbers(release: str) -> list[int]:
    """Without zeros at the end: 2.0 is 2 (PEP 440)."""
    numbers = [int(part) for part in release.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return numbers
