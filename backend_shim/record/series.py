"""The two numbers that a provider states for an interface of its own: its series.

Nick Coghlan's idea for CPython's ABI (discuss.python.org, "Tracking ABI additions and changes for
better pre-release wheel management"), for any interface: what was built with a release not older
than the last change is not broken by a later one, unless it uses what was added after that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from backend_shim.errors import InvalidRecord
from backend_shim.record.decoding import get_str
from backend_shim.record.facts import Facts
from backend_shim.record.fingerprint import Basis, InterfaceFacts

# PEP 440, "Public version identifiers", without post and development releases: those change no
# interface.
_RELEASE: Final = re.compile(r"(\d{1,6}!)?\d{1,9}(\.\d{1,9}){0,7}((a|b|rc)\d{1,6})?", re.ASCII)
# A module, a capsule or another attribute of a module; or, with a hyphen, an interface.
_NAME: Final = re.compile(r"[^\W\d]\w*(?:[.-]\w+)*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """When an interface was last changed, and when something was last added to it."""

    name: str
    """What it speaks of: the dotted name of a module or capsule, with all that is below it
    (`greenlet._C_API`, `lxml.etree`), or a way of binding (`linking`) for all of that way."""
    last_change: str
    """The release (PEP 440) that last changed or removed anything."""
    last_addition: str
    """The release that last added anything; a change counts as an addition, too."""
    is_exact: bool = True
    """False: a policy says that nothing was changed since, and not that anything was changed then.
    Never so in a record."""


def is_release(text: str) -> bool:
    """Whether `text` is the version of a release, such as `1.0` or `3.14.0rc1`."""
    return _RELEASE.fullmatch(text) is not None


def is_series_name(text: str) -> bool:
    """Whether `text` can be what a series speaks of."""
    return _NAME.fullmatch(text) is not None


def series_facts(series: Iterable[Series]) -> tuple[InterfaceFacts, ...]:
    """The entries of a fingerprint that say `series`, sorted by name."""
    return tuple(
        InterfaceFacts(
            interface=each.name,
            basis=Basis.DECLARED,
            facts=Facts({"last_change": each.last_change, "last_addition": each.last_addition}),
        )
        for each in sorted(series, key=lambda each: each.name)
    )


def read_series(entries: Iterable[InterfaceFacts]) -> tuple[Series, ...]:
    """The series that `entries` of a fingerprint say. Raises InvalidRecord."""
    return tuple(
        Series(
            name=each.interface,
            last_change=_release(each, "last_change", index),
            last_addition=_release(each, "last_addition", index),
        )
        for index, each in enumerate(entries)
    )


def _release(entry: InterfaceFacts, key: str, index: int) -> str:
    path = f"$.series[{index}].facts"
    text = get_str(entry.facts.thaw(), key, path)
    if not is_release(text):
        raise InvalidRecord(f"{path}.{key}", f"{text[:40]!r} is no release (PEP 440)")
    return text
