"""Which wheels serve which interpreters, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from backend_shim.record.canonical import JSONValue
from resolver_check.model import EvidenceLevel
from resolver_check.report.judgement_report import judgement_json, reason_lines
from resolver_check.report.wheel_difference_report import content_sentences, difference_json
from resolver_check.reuse_model import NotReused, Obstacle, ReleaseReuse, Served

_SAID: Final = {
    Obstacle.OTHER_TARGET: "the interpreter accepts none of its tags",
    Obstacle.UNREADABLE: "it cannot be read",
    Obstacle.REQUIRES_PYTHON: "it requires Python",
    Obstacle.IMPURE: "the project is marked as built otherwise for each interpreter",
    Obstacle.PATCHED: "it was patched, and whether for this interpreter too nobody says "
    "(--same-patches)",
    Obstacle.OTHER_SOURCES: "records of this release name different sources, patches or settings",
    Obstacle.NAMED_FOR_ANOTHER: "a script or directory of it is named for another Python",
    Obstacle.BYTECODE: "it holds bytecode without source, which is for one Python only",
    Obstacle.EXTENSIONS_LEFT_OUT: "it has no extension, and the project has some",
    Obstacle.OTHER_IMPLEMENTATION: "it was built by another implementation of Python, or is to "
    "run its binaries in one",
    Obstacle.NO_EVIDENCE: "it is not known to be valid there",
    Obstacle.DIFFERS: "it differs from the one built for the interpreter, or there is none",
}


def reuse_json(releases: Sequence[ReleaseReuse]) -> JSONValue:
    """For each release and interpreter the wheel, null for a build, and what was passed over."""
    return {
        "releases": [
            {
                "name": release.name,
                "version": str(release.version),
                "interpreters": [*map(_served_json, release.served)],
            }
            for release in releases
        ]
    }


def _served_json(served: Served) -> JSONValue:
    interpreter, difference = served.interpreter, served.difference
    return {
        "python": {
            "implementation": interpreter.implementation,
            "version": interpreter.version,
            "flags": interpreter.flags,
        },
        "wheel": None if served.wheel is None else served.wheel.filename,
        "path": None if served.wheel is None else served.wheel.location,
        "not_reused": [*map(_not_reused_json, served.not_reused)],
        "difference": None if difference is None else difference_json(difference),
    }


def _not_reused_json(each: NotReused) -> JSONValue:
    return {
        "wheel": each.filename,
        "obstacle": each.obstacle.value,
        "text": _sentence(each),
        "judgement": None if each.judgement is None else judgement_json(each.judgement),
    }


def reuse_lines(releases: Sequence[ReleaseReuse], level: EvidenceLevel) -> Iterator[str]:
    """A line for each release and interpreter; below a build, why no wheel is reused."""
    for release in releases:
        yield f"{release.name} {release.version}"
        width = max(len(each.interpreter.shown) for each in release.served)
        for served in release.served:
            wheel = "build" if served.wheel is None else served.wheel.filename
            yield f"  {served.interpreter.shown:{width}}  {wheel}"
            if served.wheel is None:
                yield from (f"    {line}" for line in obstacle_lines(served, level))


def obstacle_lines(served: Served, level: EvidenceLevel) -> Iterator[str]:
    """Why wheels were passed over; those for other interpreters are counted only."""
    others = sum(each.obstacle is Obstacle.OTHER_TARGET for each in served.not_reused)
    for each in served.not_reused:
        if each.obstacle is not Obstacle.OTHER_TARGET:
            yield f"{each.filename}: {_sentence(each)}"
            if each.judgement is not None:
                yield from (f"  {line}" for line in reason_lines(each.judgement, level))
    if others:
        yield f"{others} wheel{'s have' if others > 1 else ' has'} no tag that it accepts"


def warning_lines(served: Served) -> Iterator[str]:
    """The differences to the wheel that was built for the interpreter."""
    if not served.is_compared:
        return
    shown = f"QA: {served.interpreter.shown}:"
    if served.difference is None:
        yield f"{shown} no wheel that was built for it"
        return
    for sentence in content_sentences(served.difference):
        yield f"{shown} {sentence}"


def _sentence(each: NotReused) -> str:
    return " ".join(filter(None, (_SAID[each.obstacle], each.detail)))
