"""Sources of any size, scanned into a catalog by any executor: bounded, resumed, written by one."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import closing
from dataclasses import dataclass
from typing import Final, TypeVar

from packaging.utils import NormalizedName

from resolver_check.errors import ProjectMissing, SourceUnavailable
from resolver_check.scan.elsewhere import Elsewhere, Opening
from resolver_check.scan.wheel_facts import ReadFacts, lost_facts
from resolver_check.sources.catalog import Catalog
from resolver_check.sources.catalog_entry import ListedWheel, WheelFacts, listed_wheel
from resolver_check.sources.wheel_source import WheelSource
from resolver_check.wheel_reference import WheelReference

_WHEELS_PER_COMMIT: Final = 200
_SECONDS_PER_COMMIT: Final = 2.0
# Wheels read for each page that is. More pages ahead would only stand before the wheels in the
# queue of the executor.
_WHEELS_PER_LISTING: Final = 4

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanSummary:
    """How many wheels a scan has met so far."""

    scanned: int = 0
    """Those that could be read, now."""
    known: int = 0
    """In the catalog before."""
    unreadable: int = 0
    """Now; one that is known to be damaged is among `known`."""
    gone: int = 0
    """No longer offered by the source."""
    left_out: int = 0
    """By what was asked for: not the newest, or for another target."""
    missing: tuple[str, ...] = ()
    """Projects that were asked for by name and of which the source has no wheel."""
    unlisted: tuple[tuple[str, str], ...] = ()
    """Projects whose page could not be had, and why; of their wheels nothing is changed."""

    def __add__(self, other: ScanSummary) -> ScanSummary:
        return ScanSummary(
            scanned=self.scanned + other.scanned,
            known=self.known + other.known,
            unreadable=self.unreadable + other.unreadable,
            gone=self.gone + other.gone,
            left_out=self.left_out + other.left_out,
            missing=self.missing + other.missing,
            unlisted=self.unlisted + other.unlisted,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """All wheels of one project in one source, or what was `wrong`."""

    project: NormalizedName
    wheels: tuple[ListedWheel, ...] = ()
    wrong: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListProject:
    """A task for an executor: lists one project of `source`."""

    source: WheelSource

    def __call__(self, project: NormalizedName) -> Listing:
        try:
            wheels = tuple(map(listed_wheel, self.source.wheels(project)))
        except ProjectMissing:
            return Listing(project=project)
        except SourceUnavailable as error:
            return Listing(project=project, wrong=str(error))
        return Listing(project=project, wheels=wheels)


class Scan:
    """One run over one source. What it has written stays, whenever and however it is ended."""

    def __init__(
        self,
        source: WheelSource,
        catalog: Catalog,
        executor: Executor,
        *,
        wanted: Callable[[Sequence[WheelReference]], Collection[WheelReference]] | None = None,
        in_flight: int = 32,
        opening: Opening | None = None,
        lost: tuple[type[BaseException], ...] = (),
        progress: Callable[[ScanSummary], None] | None = None,
    ) -> None:
        """`wanted` chooses among all wheels of a project; None: all of them.

        With an `opening` the executor's processes open the source themselves. `lost` is what a task
        raises that has ended its process: its wheel is unreadable for now.

        At most `in_flight` wheels are being read or wait for it. These are lost when the process is
        killed, with those of the last moments that were not written yet.
        """
        self.summary = ScanSummary()
        self._source = source
        self._catalog = catalog
        self._executor = executor
        self._wanted = wanted
        self._in_flight = in_flight
        self._opening = opening
        self._lost = lost
        self._progress = progress
        self._unwritten: list[WheelFacts] = []
        self._written = time.monotonic()

    def run(self, projects: Collection[NormalizedName] | None = None) -> ScanSummary:
        """Scans what is not in the catalog of `projects`, or of all that the source has.

        Raises SourceUnavailable where these cannot be listed.
        """
        asked = self._source.projects() if projects is None else projects
        if projects is None:
            for name in sorted(self._catalog.projects(self._source.location) - {*asked}):
                self._waiting(Listing(project=NormalizedName(name)))
        waiting = self._unscanned(asked, is_named=projects is not None)
        found = completed(
            self._executor,
            self._task(ReadFacts),
            waiting,
            limit=self._in_flight,
            lost=self._lost,
            instead=lost_facts,
        )
        try:
            with closing(waiting), closing(found):
                for facts in found:
                    self._take(facts)
        finally:
            # Also when interrupted: what was read is not to be read again.
            self._write()
        return self.summary

    def _unscanned(
        self, projects: Iterable[NormalizedName], *, is_named: bool
    ) -> Generator[ListedWheel, None, None]:
        found = completed(
            self._executor,
            self._task(ListProject),
            projects,
            limit=max(1, self._in_flight // _WHEELS_PER_LISTING),
            lost=self._lost,
            instead=_lost_listing,
        )
        with closing(found) as listings:
            for listing in listings:
                if listing.wrong is not None:
                    self._count(ScanSummary(unlisted=((listing.project, listing.wrong),)))
                    continue
                if is_named and not listing.wheels:
                    self._count(ScanSummary(missing=(listing.project,)))
                yield from self._waiting(listing)

    def _task(self, make: Callable[..., Callable[[_Item], _Result]]) -> Callable[[_Item], _Result]:
        if self._opening is None:
            return make(source=self._source)
        return Elsewhere(make=make, opening=self._opening)

    def _waiting(self, listing: Listing) -> Sequence[ListedWheel]:
        """Those of all the project's wheels that are to be scanned now."""
        location = self._source.location
        waiting, gone = self._catalog.unscanned(location, listing.project, listing.wheels)
        chosen = waiting
        if self._wanted is not None:
            wanted = self._wanted([each.reference for each in listing.wheels])
            names = {each.filename for each in wanted}
            chosen = tuple(each for each in waiting if each.reference.filename in names)
        self._count(
            ScanSummary(
                known=len(listing.wheels) - len(waiting),
                gone=gone,
                left_out=len(waiting) - len(chosen),
            )
        )
        return chosen

    def _take(self, facts: WheelFacts) -> None:
        self._unwritten.append(facts)
        is_read = facts.unreadable is None
        self._count(ScanSummary(scanned=int(is_read), unreadable=int(not is_read)))
        is_due = time.monotonic() - self._written > _SECONDS_PER_COMMIT
        if is_due or len(self._unwritten) >= _WHEELS_PER_COMMIT:
            self._write()

    def _write(self) -> None:
        if self._unwritten:
            self._catalog.add(self._source.location, self._unwritten)
            self._unwritten = []
        self._written = time.monotonic()

    def _count(self, more: ScanSummary) -> None:
        self.summary += more
        if self._progress is not None:
            self._progress(self.summary)


def _lost_listing(project: NormalizedName) -> Listing:
    return Listing(project=project, wrong="whoever lists it dies of it")


def completed(
    executor: Executor,
    task: Callable[[_Item], _Result],
    items: Iterable[_Item],
    *,
    limit: int,
    lost: tuple[type[BaseException], ...] = (),
    instead: Callable[[_Item], _Result] | None = None,
) -> Generator[_Result, None, None]:
    """What `task` returns of each of `items`, as it comes; never more than `limit` are under way.

    `items` are taken one by one. Ended early, it cancels what was not begun. Where a task raises
    one of `lost`, there is what `instead` returns.
    """
    under_way: dict[Future[_Result], _Item] = {}

    def results() -> Iterator[_Result]:
        for future in wait(under_way, return_when=FIRST_COMPLETED).done:
            item = under_way.pop(future)
            try:
                result = future.result()
            except lost:
                if instead is None:
                    raise
                result = instead(item)
            yield result

    try:
        for item in items:
            under_way[executor.submit(task, item)] = item
            while len(under_way) >= limit:
                yield from results()
        while under_way:
            yield from results()
    finally:
        for future in under_way:
            future.cancel()
