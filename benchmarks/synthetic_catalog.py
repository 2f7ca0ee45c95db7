"""A made-up catalog of any size whose records are real ones.

Its wheels are copies of a few real wheels' records, each with a name of its own, requirements drawn
so that few projects are required by most wheels (Zipf), and the names of what it requires among
those that its binaries were searched for, as in a wheel that was built with the shim. NumPy is the
real one, at two versions. A part of the consumers accepts either NumPy, most only the older one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from resolver_check.scan.wheel_facts import ReadFacts
from resolver_check.sources.catalog import Catalog
from resolver_check.sources.catalog_body import deflated
from resolver_check.sources.catalog_entry import WheelFacts, listed_wheel
from resolver_check.sources.catalog_schema import KINDS
from resolver_check.sources.wheelhouse import Wheelhouse

EDGES: Final = 10
VERSIONS: Final = 4
BINARY: Final = 0.35
_BATCH: Final = 20_000
_ROWS: Final = 200_000
_COLUMNS: Final = (
    "id, identity, filename, project, version, tags, sha256, size, mtime_ns, unreadable, "
    "is_passing, has_records, has_build_inputs, is_purelib, has_unread, asked"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many wheels there are, and how many of these use NumPy's C API."""

    wheels: int
    consumers: int
    from_popular: bool
    """The consumers are among the projects that most others require, so all is behind them."""


def make(path: Path, templates: Path, provider: Path, size: Size) -> None:
    """Write the catalog to `path`, which must not be there.

    `templates` is a directory of wheels, some of which use NumPy; `provider` is the one with the
    NumPys, and the source of all.
    """
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with Catalog(draft, writes=True) as catalog:
        numpys = _read(provider)
        catalog.add(str(provider), numpys)
        _Filling(catalog, _read(templates), size, str(provider)).run()
        catalog.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        catalog.connection.execute("PRAGMA journal_mode = DELETE")
        catalog.connection.execute("ANALYZE")
        catalog.connection.execute("PRAGMA journal_mode = WAL")
    draft.rename(path)


def _read(directory: Path) -> list[WheelFacts]:
    source = Wheelhouse(directory)
    task = ReadFacts(source=source)
    return [
        task(listed_wheel(reference))
        for project in source.projects()
        for reference in source.wheels(project)
    ]


class _Filling:
    def __init__(
        self, catalog: Catalog, templates: list[WheelFacts], size: Size, source: str
    ) -> None:
        self._db = catalog.connection
        self._random = np.random.default_rng(1)
        self._size = size
        self._source = source
        self._projects = size.wheels // VERSIONS
        self._strings: dict[str, int] = dict(self._db.execute("SELECT text, id FROM strings"))
        self._observed: list[tuple[int, int, int, int]] = []
        self._pools: tuple[list[WheelFacts], ...] = ([], [], [])
        for each in templates:
            self._pools[_kind(each)].append(each)
        assert all(self._pools)

    def run(self) -> None:
        kinds = self._kinds()
        required = self._required(kinds)
        self._db.execute("BEGIN")
        number = self._intern
        names = [f"p{at}" for at in range(self._projects)]
        projects = np.array([number(name) for name in names])
        self._wheels(kinds, names, required)
        self._requirements(kinds, projects, required)
        self._db.execute("COMMIT")

    def _kinds(self) -> np.ndarray:
        """By project: 0 pure, 1 with binaries, 2 a consumer."""
        kinds = (self._random.random(self._projects) < BINARY).astype(np.int8)
        consumers = self._size.consumers // VERSIONS
        # The number of a project is its place among the most required ones.
        if self._size.from_popular:
            chosen = self._random.permutation(self._projects)[:consumers]
        else:
            half = self._projects // 2
            chosen = half + self._random.permutation(self._projects - half)[:consumers]
        kinds[chosen] = 2
        return kinds

    def _required(self, kinds: np.ndarray) -> np.ndarray:
        """By wheel, EDGES projects, the heavier the lower their number; no project itself."""
        wheels = self._projects * VERSIONS
        # Density ~ 1/x between 1 and the number of projects: a few are required by a tenth of all.
        drawn = self._random.random((self._projects, EDGES))
        required = np.floor(np.exp(drawn * np.log(self._projects))).astype(np.int64) - 1
        # Mostly those below a project in the order are required: few cycles.
        own = np.arange(self._projects)[:, None]
        up = required >= own
        required = np.where(up, required % np.maximum(own, 1), required)
        back = self._random.random(required.shape) < 0.0005
        required = np.where(back, (own + 1 + required) % self._projects, required)
        assert wheels == kinds.size * VERSIONS
        return required

    def _intern(self, text: str) -> int:
        found = self._strings.get(text)
        if found is None:
            found = self._db.execute("INSERT INTO strings (text) VALUES (?)", (text,)).lastrowid
            assert found is not None
            self._strings[text] = found
        return found

    def _wheels(self, kinds: np.ndarray, names: list[str], required: np.ndarray) -> None:
        first = self._db.execute("SELECT max(id) FROM wheels").fetchone()[0] + 1
        (source,) = self._db.execute(
            "SELECT id FROM sources WHERE location = ?", (self._source,)
        ).fetchone()
        self._first = first
        tables: dict[str, list[tuple[Any, ...]]] = {
            "wheels": [], "places": [], "bodies": [], "named": [], "needed": [], "imports": [],
            "looked_for": [], "names": [], "requires_interface": [], "provides_interface": [],
        }  # fmt: skip
        for project in range(self._projects):
            kind = int(kinds[project])
            looked_for = sorted({"numpy", *(names[each] for each in required[project])})
            facts = self._pools[kind][project % len(self._pools[kind])]
            assert facts.body is not None
            body = _body(facts.body.fingerprint.to_json(), looked_for)
            for version in range(VERSIONS):
                wheel = first + project * VERSIONS + version
                tables["bodies"].append((wheel, body))
                self._one(tables, wheel, source, names[project], version, facts, looked_for)
            if len(tables["wheels"]) >= _BATCH:
                self._write(tables)
        self._write(tables)

    def _one(
        self, tables: dict[str, list[tuple[Any, ...]]], wheel: int, source: int, name: str,
        version: int, facts: WheelFacts, looked_for: list[str],
    ) -> None:  # fmt: skip
        body, reference = facts.body, facts.listed.reference
        assert body is not None
        tail = reference.filename.split("-", 2)[2]
        filename = f"{name}-{version}.0-{tail}"
        number, edges = self._intern, facts.edges
        pure = body.fingerprint.is_purelib
        tables["wheels"].append(
            (wheel, f"sha256:{wheel:064x}", filename, number(name), f"{version}.0",
             number(" ".join(sorted(map(str, reference.tags)))), f"{wheel:064x}", 1_000_000, None,
             None, 0, 1, 0, int(pure), 0, number(" ".join(body.fingerprint.interfaces)))
        )  # fmt: skip
        tables["places"].append((wheel, source, f"{self._source}/{filename}", 0, None, 0))
        tables["names"].append((wheel, number(name)))
        if pure:
            return
        tables["looked_for"] += [(number(each), wheel) for each in looked_for]
        tables["named"] += [(number(each), wheel) for each in edges.named]
        tables["needed"] += [(number(each), wheel) for each in edges.needed]
        tables["imports"] += [(number(s), wheel, number(lib)) for s, lib in edges.imports]
        tables["requires_interface"] += [(number(i), wheel) for i in edges.interfaces_required]
        tables["provides_interface"] += [(wheel, number(i)) for i in edges.interfaces_provided]
        self._observed += [
            (number(each.project), KINDS.index(each.kind), number(each.text), wheel)
            for each in edges.requires
            if each.kind in ("observed", "facts")
        ]

    def _write(self, tables: dict[str, list[tuple[Any, ...]]]) -> None:
        for table, rows in tables.items():
            if rows:
                places = ", ".join("?" * len(rows[0]))
                into = f"wheels ({_COLUMNS})" if table == "wheels" else table
                self._db.executemany(f"INSERT INTO {into} VALUES ({places})", sorted(rows))
                rows.clear()

    def _requirements(self, kinds: np.ndarray, projects: np.ndarray, required: np.ndarray) -> None:
        """All rows in the order of the table."""
        numpy, install = self._intern("numpy"), 0
        texts = np.array([self._intern(f"p{at}>=1") for at in range(self._projects)])
        wheels = self._first + np.arange(self._projects * VERSIONS)
        target = np.repeat(required, VERSIONS, axis=0)
        rows = np.stack(
            (projects[target].ravel(), texts[target].ravel(), np.repeat(wheels, EDGES)), axis=1
        )
        consumers = wheels[np.repeat(kinds, VERSIONS) == 2]
        own = np.stack(
            (np.full(consumers.size, numpy),
             np.full(consumers.size, self._intern("numpy>=1.22")), consumers), axis=1,
        )  # fmt: skip
        rows = np.concatenate((rows, own))
        order = np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))
        rows = np.unique(rows[order], axis=0)
        for chunk in _chunks(rows):
            self._db.executemany(
                "INSERT OR IGNORE INTO requires VALUES (?, ?, ?, ?)",
                ((a, install, b, c) for a, b, c in chunk.tolist()),
            )
        self._db.executemany("INSERT OR IGNORE INTO requires VALUES (?, ?, ?, ?)", self._observed)
        self._observed.clear()


def _kind(facts: WheelFacts) -> int:
    assert facts.body is not None
    if facts.body.fingerprint.is_purelib:
        return 0
    return 2 if "numpy-c-api" in facts.edges.interfaces_required else 1


def _chunks(rows: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(rows), _ROWS):
        yield rows[start : start + _ROWS]


def _body(fingerprint: bytes, looked_for: list[str]) -> bytes:
    """The real fingerprint, searched for other names."""
    table = json.loads(fingerprint)
    for each in table["requires"]:
        if each["interface"] == "import-name":
            each["facts"]["looked_for"] = looked_for
    text = json.dumps(table, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return deflated(f'{text}\nnull\n{{"requirements":[]}}\n'.encode())
