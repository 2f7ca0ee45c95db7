"""The pins of a wheel as JSON and as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from packaging.version import Version

from backend_shim.record.canonical import JSONValue
from resolver_check.compare.pin import Pin, Pins
from resolver_check.compare.stated_bounds import Finding, StatedBounds
from resolver_check.compare.version_ranges import ProviderRange
from resolver_check.model import EvidenceLevel, Judgement, Verdict
from resolver_check.report.judgement_report import judgement_json, sentence

_MOST_NAMED: Final = 4
_ORDER: Final = ("==", ">=", "<=", "<", "!=")
_WORDS: Final = {
    Finding.FITS: "METADATA fits",
    Finding.TOO_LOOSE: "METADATA is too loose",
    Finding.TOO_TIGHT: "METADATA is tighter than the binaries ask for",
    Finding.NOT_KNOWN: "whether METADATA fits is not known",
    Finding.NOT_REQUIRED: "METADATA does not require it",
    Finding.NOT_BOUND: "nothing follows from the binaries",
}


def pins_json(pins: Pins) -> dict[str, JSONValue]:
    """`pins`, one object for each provider, and `not_asked`."""
    return {
        "pins": [_pin_json(each) for each in pins.pins],
        "not_asked": list(pins.not_asked),
    }


def _pin_json(pin: Pin) -> dict[str, JSONValue]:
    found, bound, stated = pin.found, pin.bound, pin.stated
    return {
        "provider": pin.provider,
        "requires_dist": requires_dist(pin),
        "built": found.built if found else None,
        "fits": _texts(found.versions(Verdict.VALID) if found else ()),
        "refused": _texts(found.versions(Verdict.INVALID) if found else ()),
        "unknown": _texts(found.versions(Verdict.UNKNOWN) if found else ()),
        "not_read": _texts(found.not_read if found else ()),
        "judged": [
            {"version": str(version), **judgement_json(judgement)}
            for version, judgement in (found.judged if found else ())
        ],
        "bound": None
        if bound is None
        else {
            "requires_dist": bound.requirement,
            "is_enough": bound.is_enough,
            "why": bound.why,
        },
        "trouble": pin.trouble,
        "metadata": {
            "finding": stated.finding.value,
            "stated": stated.stated,
            "refused": _texts(stated.refused),
            "unknown": _texts(stated.unknown),
            "needless": _texts(stated.needless),
            "capped": _texts(stated.capped),
        },
    }


def requires_dist(pin: Pin) -> str | None:
    """The line of Requires-Dist (PEP 508) with the versions known to fit; None if none is."""
    if pin.specifier is None:
        return None
    ordered = sorted(pin.specifier, key=lambda each: _ORDER.index(each.operator))
    return f"{pin.provider}{','.join(map(str, ordered))}"


def pins_lines(pins: Pins, level: EvidenceLevel) -> Iterator[str]:
    """For each provider the line, what it rests on, and how METADATA compares."""
    if pins.not_asked:
        yield f"? only --index tells whether it binds to: {', '.join(pins.not_asked)}"
    elif not pins.pins:
        yield "it binds to no other distribution, so nothing follows for their versions"
    for pin in pins.pins:
        if pin.stated.finding is Finding.NOT_BOUND:
            yield f"{pin.provider}: the binaries do not bind to it, so nothing follows for it"
            continue
        line = requires_dist(pin)
        yield f"Requires-Dist: {line}" if line else f"{pin.provider}: no version is known to fit"
        yield from (f"  {each}" for each in _grounds(pin, level))
        yield from (f"  {each}" for each in _stated_lines(pin))


def _grounds(pin: Pin, level: EvidenceLevel) -> Iterator[str]:
    if pin.trouble is not None:
        yield f"? {pin.trouble}"
    if pin.found is not None:
        yield from _range_lines(pin.found, level)
    elif pin.bound is not None:
        enough = "" if pin.bound.is_enough else ", and more may be needed"
        yield f"· by the wheel alone: {pin.bound.requirement}: {pin.bound.why}{enough}"
    elif pin.trouble is None:
        yield "? the wheel alone tells nothing of it; --index asks for its versions"


def _range_lines(found: ProviderRange, level: EvidenceLevel) -> Iterator[str]:
    built = f", built with {found.built}" if found.built else ""
    yield f"· {_count(len(found.judged))} read{built}"
    for verdict, mark in ((Verdict.VALID, "+"), (Verdict.INVALID, "-"), (Verdict.UNKNOWN, "?")):
        for versions in _runs(found, verdict):
            judged = dict(found.judged)
            read = [each for each in versions if each in judged]
            why = _why(judged[read[-1]], level) if read else ""
            yield f"{mark} {verdict.value}: {_span(versions)}{why}"
    if found.not_read:
        yield f"? not read: {_named(found.not_read)} (--most-read N reads more)"


def _runs(found: ProviderRange, verdict: Verdict) -> Iterator[list[Version]]:
    """The versions with that verdict, those together that follow each other.

    Of what is not known, also those with others between that were not read.
    """
    verdicts = {version: judgement.verdict for version, judgement in found.judged}
    verdicts |= dict(found.between)
    unread = () if verdict is Verdict.UNKNOWN else found.not_read
    listed = sorted([*verdicts, *unread])
    for has_verdict, run in groupby(listed, key=lambda each: verdicts.get(each) is verdict):
        if has_verdict:
            yield list(run)


def _why(judgement: Judgement, level: EvidenceLevel) -> str:
    """The weightiest reason that carries the verdict; of an unknown one, what is open."""
    decisive = judgement.decisive
    if judgement.verdict is Verdict.VALID:
        decisive = tuple(each for each in decisive if each.evidence in level.accepted)
    return f": {sentence(decisive[0], level)}" if decisive else ""


def _stated_lines(pin: Pin) -> Iterator[str]:
    stated = pin.stated
    said = (
        f" ({pin.provider}{stated.stated or ', any version'})" if stated.stated is not None else ""
    )
    yield f"= {_WORDS[stated.finding]}{said}{_but(pin, stated)}"
    if stated.needless:
        yield f"  it excludes {_named(stated.needless)}, known to fit"
    if stated.capped:
        yield f"  its cap excludes {_named(stated.capped)}, known to fit"


def _but(pin: Pin, stated: StatedBounds) -> str:
    if stated.refused:
        return f": it admits {_named(stated.refused)}, refused"
    if not stated.unknown:
        return ""
    if pin.found is not None:
        return f": it admits {_named(stated.unknown)}"
    named = [each for each in stated.unknown if each not in (Version("0"), Version("9999"))]
    example = f" such as {named[0]}" if named else ""
    return f": it admits versions{example} that would be refused; --index tells if there are any"


def _span(versions: Sequence[Version]) -> str:
    if len(versions) == 1:
        return str(versions[0])
    return f"{versions[0]} to {versions[-1]} ({len(versions)} versions)"


def _named(versions: Sequence[Version]) -> str:
    if len(versions) > _MOST_NAMED:
        return _span(versions)
    return ", ".join(map(str, versions))


def _count(read: int) -> str:
    return f"{read} wheel{'' if read == 1 else 's'}"


def _texts(versions: Iterable[Version]) -> list[JSONValue]:
    return [str(each) for each in versions]
