"""Tasks of a scan for other processes, which open the source themselves."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Generic, TypeVar

from resolver_check.errors import UsageError
from resolver_check.sources import WheelSource, open_source, place_of
from resolver_check.sources.web_address import split_credentials
from resolver_check.sources.with_records import with_records

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How a process opens a source: what can be told to others, so no credentials."""

    location: str
    records: tuple[str, ...] = ()
    offline: bool = False
    once: str = field(default_factory=lambda: uuid.uuid4().hex)
    """A process opens a source once for each; one that lives on has not listed the next scan's."""


def opening(location: str, records: tuple[str, ...], *, offline: bool) -> Opening:
    """For other processes on machines that see the same files.

    Raises UsageError for a URL with credentials: whatever sends tasks may write them down.
    """
    for each in (location, *records):
        place = place_of(each)
        if "://" in each and split_credentials(each)[1] is not None:
            wrong = "other processes get no credentials from here; netrc and keyring are read there"
            raise UsageError(f"{place}: {wrong}")
    return Opening(
        location=place_of(location), records=tuple(map(place_of, records)), offline=offline
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere(Generic[_Item, _Result]):
    """The task that `make` makes of a source; it is small wherever it is sent."""

    make: Callable[..., Callable[[_Item], _Result]]
    opening: Opening

    def __call__(self, item: _Item) -> _Result:
        return self.make(source=_opened(self.opening))(item)


@lru_cache(maxsize=8)
def _opened(how: Opening) -> WheelSource:
    """Never closed: other threads may read from it, and connections end with the process."""
    return with_records(
        open_source(how.location, offline=how.offline), how.records, offline=how.offline
    )
