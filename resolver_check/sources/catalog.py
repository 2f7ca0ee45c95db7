"""The catalog of everything scanned: one SQLite file, written by one, read by any number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final

from packaging.utils import NormalizedName

from backend_shim.errors import InvalidRecord
from resolver_check.errors import SourceUnavailable
from resolver_check.sources.catalog_body import body_bytes, body_of
from resolver_check.sources.catalog_entry import Edges, ListedWheel, WheelBody, WheelFacts
from resolver_check.sources.catalog_schema import KINDS, connect, failures_of

if TYPE_CHECKING:
    import sqlite3

# Texts whose numbers are kept at hand: those of a few thousand wheels.
_MAX_TEXTS: Final = 500_000

_LARGEST_INTEGER: Final = 2**63 - 1

_INSERT_WHEEL: Final = """
INSERT INTO wheels (identity, filename, project, version, tags, sha256, size, mtime_ns, unreadable,
    is_passing, has_records, has_build_inputs, is_purelib, has_unread, asked)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_FILL_WHEEL: Final = """
UPDATE wheels SET sha256 = ?, unreadable = ?, is_passing = ?, has_records = ?,
    has_build_inputs = ?, is_purelib = ?, has_unread = ?, asked = ? WHERE id = ?
"""
_PLACE: Final = """
INSERT INTO places (wheel, source, location, is_yanked, requires_python, is_gone)
VALUES (?, ?, ?, ?, ?, 0)
ON CONFLICT (wheel, source) DO UPDATE SET location = excluded.location,
    is_yanked = excluded.is_yanked, requires_python = excluded.requires_python, is_gone = 0
"""
_VANISHED: Final = """
SELECT wheels.id FROM wheels JOIN places ON places.wheel = wheels.id
WHERE wheels.project = ? AND places.source = ? AND NOT places.is_gone
"""
_PROJECTS: Final = """
SELECT DISTINCT text FROM places JOIN wheels ON wheels.id = places.wheel
JOIN strings ON strings.id = wheels.project WHERE places.source = ? AND NOT places.is_gone
"""


class Catalog:
    """An open catalog. Every method may raise SourceUnavailable, where the file cannot be used.

    What one call writes is there as a whole or not at all, whenever the process ends.
    """

    def __init__(self, path: Path, *, writes: bool = False) -> None:
        self.path = path
        self.connection = connect(path, writes=writes)
        self._texts: dict[str, int] = {}

    def __enter__(self) -> Catalog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Within, all that is read is the catalog of one moment, whatever a scan writes then."""
        with failures_of(self.path):
            self.connection.execute("BEGIN")
        try:
            yield
        finally:
            with failures_of(self.path):
                self.connection.execute("COMMIT")

    def body(self, listed: ListedWheel) -> WheelBody | None:
        """What was read of that wheel; None where it was not scanned or could not be read."""
        with failures_of(self.path):
            found = self.connection.execute(
                "SELECT body FROM bodies JOIN wheels ON wheels.id = bodies.wheel "
                "WHERE filename = ? AND identity = ?",
                (listed.reference.filename, listed.identity),
            ).fetchone()
        try:
            return None if found is None else body_of(found[0])
        except InvalidRecord as error:
            raise SourceUnavailable(str(self.path), f"holds a damaged body: {error}") from error

    def unscanned(
        self, source: str, project: NormalizedName, listed: Sequence[ListedWheel]
    ) -> tuple[tuple[ListedWheel, ...], int]:
        """Those of `listed` that are to be scanned, and how many others there were and are gone.

        `listed` are all wheels of that project that `source` has now.
        """
        with self._writing() as db:
            origin = self._source(source)
            project_id = self._numbers([project])[project]
            before = {row[0] for row in db.execute(_VANISHED, (project_id, origin))}
            waiting = []
            for each in listed:
                wheel, is_done = self._find(each)
                if wheel is not None:
                    before.discard(wheel)
                    self._place(wheel, origin, each)
                if not is_done:
                    waiting.append(each)
            db.executemany(
                "UPDATE places SET is_gone = 1 WHERE wheel = ? AND source = ?",
                [(wheel, origin) for wheel in sorted(before)],
            )
        return tuple(waiting), len(before)

    def projects(self, source: str) -> frozenset[str]:
        """The projects that `source` had a wheel of when it was last asked."""
        with failures_of(self.path):
            found = self.connection.execute(
                "SELECT id FROM sources WHERE location = ?", (source,)
            ).fetchone()
            rows = self.connection.execute(_PROJECTS, found) if found else ()
            return frozenset(row[0] for row in rows)

    def add(self, source: str, scanned: Iterable[WheelFacts]) -> None:
        """Wheels of `source` that were read; one that is there already is left as it is."""
        with self._writing():
            origin = self._source(source)
            fresh: list[tuple[int, Edges]] = []
            for facts in scanned:
                wheel, is_done = self._find(facts.listed)
                if not is_done:
                    wheel = self._insert(wheel, facts)
                    fresh.append((wheel, facts.edges))
                assert wheel is not None
                self._place(wheel, origin, facts.listed)
            self._insert_edges(fresh)

    def _find(self, listed: ListedWheel) -> tuple[int | None, bool]:
        """The number of a wheel, and whether it need not be scanned again."""
        found = self.connection.execute(
            "SELECT id, is_passing FROM wheels WHERE filename = ? AND identity = ?",
            (listed.reference.filename, listed.identity),
        ).fetchone()
        return (None, False) if found is None else (found[0], not found[1])

    def _insert(self, wheel: int | None, facts: WheelFacts) -> int:
        reference, body = facts.listed.reference, facts.body
        asked = "" if body is None else " ".join(body.fingerprint.interfaces)
        tags = " ".join(sorted(map(str, reference.tags)))
        number = self._numbers([reference.name, asked, tags])
        found = (
            facts.unreadable,
            facts.is_passing,
            facts.is_recorded,
            body is not None and body.build_inputs is not None,
            body is not None and body.fingerprint.is_purelib,
            body is not None and bool(body.fingerprint.unread),
            number[asked],
        )
        if wheel is None:
            wheel = self.connection.execute(
                _INSERT_WHEEL,
                (
                    facts.listed.identity,
                    reference.filename,
                    number[reference.name],
                    str(reference.version),
                    number[tags],
                    facts.sha256,
                    # An index may state any number.
                    None if reference.size is None else min(reference.size, _LARGEST_INTEGER),
                    facts.listed.mtime_ns,
                    *found,
                ),
            ).lastrowid
        else:
            self.connection.execute(_FILL_WHEEL, (facts.sha256, *found, wheel))
        assert wheel is not None
        if body is not None:
            self.connection.execute("INSERT INTO bodies VALUES (?, ?)", (wheel, body_bytes(body)))
        return wheel

    def _insert_edges(self, scanned: Sequence[tuple[int, Edges]]) -> None:
        """All rows of one table after the other and in its order, which makes it smaller."""
        texts: set[str] = set()
        for _, edges in scanned:
            texts.update(_texts(edges))
        number = self._numbers(texts)
        for table, columns, rows in (
            ("requires", 4, {
                (number[each.project], KINDS.index(each.kind), number[each.text], wheel)
                for wheel, edges in scanned for each in edges.requires
            }),
            ("imports", 3, {
                (number[symbol], wheel, number[library])
                for wheel, edges in scanned for symbol, library in edges.imports
            }),
            ("needed", 2, {(number[s], w) for w, edges in scanned for s in edges.needed}),
            ("named", 2, {(number[n], w) for w, edges in scanned for n in edges.named}),
            ("provides_soname", 2, {(w, number[s]) for w, e in scanned for s in e.libraries}),
            ("names", 2, {(w, number[n]) for w, e in scanned for n in e.names}),
            ("looked_for", 2, {(number[n], w) for w, e in scanned for n in e.looked_for}),
            ("requires_interface", 2,
             {(number[n], w) for w, e in scanned for n in e.interfaces_required}),
            ("provides_interface", 2,
             {(w, number[n]) for w, e in scanned for n in e.interfaces_provided}),
        ):  # fmt: skip
            places = ", ".join("?" * columns)
            # The names of tables are those above.
            self.connection.executemany(
                f"INSERT INTO {table} VALUES ({places})",  # noqa: S608
                sorted(rows),
            )

    def _place(self, wheel: int, source: int, listed: ListedWheel) -> None:
        reference = listed.reference
        now = (reference.location, int(reference.yanked), reference.requires_python, 0)
        then = self.connection.execute(
            "SELECT location, is_yanked, requires_python, is_gone FROM places "
            "WHERE wheel = ? AND source = ?",
            (wheel, source),
        ).fetchone()
        # Nothing is written for what has not changed, which is nearly all of a second scan.
        if then != now:
            self.connection.execute(_PLACE, (wheel, source, *now[:3]))

    def _source(self, location: str) -> int:
        select = "SELECT id FROM sources WHERE location = ?"
        found = self.connection.execute(select, (location,)).fetchone()
        if found is None:
            self.connection.execute("INSERT INTO sources (location) VALUES (?)", (location,))
            found = self.connection.execute(select, (location,)).fetchone()
        number: int = found[0]
        return number

    def _numbers(self, texts: Iterable[str]) -> dict[str, int]:
        """The number of each text, which stands once in the file."""
        wanted = sorted(set(texts))
        missing = [text for text in wanted if text not in self._texts]
        if len(self._texts) + len(missing) > _MAX_TEXTS:
            self._texts.clear()
            missing = wanted
        rows = [(text,) for text in missing]
        select = "SELECT id FROM strings WHERE text = ?"
        for row in rows:
            found = self.connection.execute(select, row).fetchone()
            if found is None:
                found = (
                    self.connection.execute("INSERT INTO strings (text) VALUES (?)", row).lastrowid,
                )
            self._texts[row[0]] = found[0]
        return {text: self._texts[text] for text in wanted}

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with failures_of(self.path):
            try:
                self.connection.execute("BEGIN IMMEDIATE")
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                # What was numbered now is not there any more.
                self._texts.clear()
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise


def _texts(edges: Edges) -> Iterator[str]:
    for each in edges.requires:
        yield each.project
        yield each.text
    for symbol, library in edges.imports:
        yield symbol
        yield library
    yield from edges.needed | edges.libraries | edges.named | edges.looked_for | edges.names
    yield from edges.interfaces_required | edges.interfaces_provided
