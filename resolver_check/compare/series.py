"""The rule of a series: whether what was built with one release works with another.

It fits where nothing was changed since the release built with, and the other release has all that
was used of it. What was used is at most the release built with; and at most the last addition that
a release not older than that one knows of.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from packaging.version import InvalidVersion, Version

from backend_shim.interfaces.provider import Declaration, Provider
from backend_shim.interfaces.reasons import Binding, Effect, Evidence, Reason
from backend_shim.record.series import Series


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesFits(Reason):
    """The provider promises that nothing was changed since, and has all that can have been used."""

    kind: ClassVar[str] = "series-fits"
    effect: ClassVar[Effect] = Effect.SUPPORTS
    evidence: ClassVar[Evidence | None] = Evidence.PROMISE
    name: str
    built: str
    """The release that the consumer was built with; or works with, where no record says more."""
    is_recorded: bool
    release: str
    last_change: str
    last_addition: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesBroken(Reason):
    """The provider says that it changed the interface after the release built with."""

    kind: ClassVar[str] = "series-broken"
    effect: ClassVar[Effect] = Effect.REFUSES
    name: str
    built: str
    is_recorded: bool
    release: str
    last_change: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPromisesNothing(Reason):
    """The provider's promise does not reach from the one release to the other."""

    kind: ClassVar[str] = "series-promises-nothing"
    effect: ClassVar[Effect] = Effect.OPEN
    name: str
    built: str
    is_recorded: bool
    release: str
    last_change: str
    last_addition: str


def numbers(series: Series) -> tuple[Version, Version]:
    """Last change and last addition. A change counts as an addition, too.

    What was changed cannot be had from a release before the change.
    """
    change = Version(series.last_change)
    return change, max(change, Version(series.last_addition))


def fits(
    built: Version, release: Version, series: Series, known: Iterable[tuple[Version, Series]] = ()
) -> bool:
    """Whether what was built with `built` works with `release`, which says `series`.

    `known` are other releases with what they say of themselves.
    """
    change, addition = numbers(series)
    telling = [(release, series), *known]
    used = min([built, *(numbers(its)[1] for other, its in telling if built <= other)])
    # Whatever it says, a release has nothing that came after it.
    return change <= min(built, release) and used <= min(addition, release)


def series_reasons(
    binding: Binding, old: Provider, new: Provider, *, built: str | None
) -> tuple[Reason, ...]:
    """What the series of `new` say of `binding`, which the consumer built with `built`.

    With None for `built` the judgement is relative: the consumer works with `old`.
    """
    applicable = [_applicable(new.series, binding, each) for each in binding.declarations]
    speaking = dict.fromkeys(each for each in applicable if each is not None)
    try:
        found = [_judge(series, old, new, built) for series in speaking]
    except InvalidVersion:
        return ()
    is_whole = None not in applicable and all(isinstance(each, SeriesFits) for each in found)
    # A promise for a part of a binding supports none of it, but may well break it.
    return tuple(each for each in found if is_whole or not isinstance(each, SeriesFits))


def _applicable(
    series: Iterable[Series], binding: Binding, declaration: Declaration
) -> Series | None:
    """The one that speaks most closely of `declaration`: by its own name, or a name around it."""
    names = {binding.interface: 0}
    if declaration.module is not None:
        parts = declaration.name.split(".")
        names |= {".".join(parts[:depth]): depth for depth in range(1, len(parts) + 1)}
    speaking = [each for each in series if each.name in names]
    return max(speaking, key=lambda each: names[each.name], default=None)


def _judge(series: Series, old: Provider, new: Provider, built: str | None) -> Reason:
    """Raises InvalidVersion, also where no older release is known that could stand for `built`."""
    used_by, release = _public(built or old.version), _public(new.version)
    known = [(_public(old.version), its) for its in old.series if its.name == series.name]
    change, addition = numbers(series)
    reach = str(min(addition, release))
    if fits(used_by, release, series, known):
        return SeriesFits(
            name=series.name,
            built=str(used_by),
            is_recorded=built is not None,
            release=str(release),
            last_change=series.last_change,
            last_addition=reach,
        )
    if series.is_exact and used_by < change <= release:
        return SeriesBroken(
            name=series.name,
            built=str(used_by),
            is_recorded=built is not None,
            release=str(release),
            last_change=series.last_change,
        )
    return SeriesPromisesNothing(
        name=series.name,
        built=str(used_by),
        is_recorded=built is not None,
        release=str(release),
        last_change=series.last_change,
        last_addition=reach,
    )


def _public(version: str) -> Version:
    """Without a local version label, which says how a release was built (PEP 440)."""
    return Version(Version(version).public)
