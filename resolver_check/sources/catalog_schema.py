"""The tables of a catalog, and how its file is opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from resolver_check.errors import SourceUnavailable

if TYPE_CHECKING:
    # Loaded when a catalog is opened, which most commands have no need to wait for.
    import sqlite3

SCHEMA_VERSION: Final = 3
# Bytes 68 to 71 of the file (SQLite, "Database File Format"): "WABI".
APPLICATION_ID: Final = 0x57414249
_SECONDS_FOR_A_LOCK: Final = 60.0

KINDS: Final = ("install", "build", "observed", "facts")
"""`requires.kind` is a place in this."""

# A wheel's row never changes once it was read, and is never removed: what comes in its place is
# another wheel. So nothing is ever taken out of the tables by which wheels are found; these are
# without rows of their own, in the order in which they are asked. `tags` and `asked` (for which
# interfaces the wheel was looked at) are numbers of texts with a space between each two.
_TABLES: Final = """
CREATE TABLE strings (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE sources (id INTEGER PRIMARY KEY, location TEXT NOT NULL UNIQUE);
CREATE TABLE wheels (
    id INTEGER PRIMARY KEY,
    identity TEXT NOT NULL,
    filename TEXT NOT NULL,
    project INTEGER NOT NULL,
    version TEXT NOT NULL,
    tags INTEGER NOT NULL,
    sha256 TEXT,
    size INTEGER,
    mtime_ns INTEGER,
    unreadable TEXT,
    is_passing INTEGER NOT NULL,
    has_records INTEGER NOT NULL,
    has_build_inputs INTEGER NOT NULL,
    is_purelib INTEGER NOT NULL,
    has_unread INTEGER NOT NULL,
    asked INTEGER NOT NULL,
    UNIQUE (filename, identity)
);
CREATE INDEX wheels_of_project ON wheels (project);
CREATE INDEX wheels_of_kind ON wheels (tags, is_purelib, asked);
CREATE INDEX unreadable_wheels ON wheels (id) WHERE unreadable IS NOT NULL OR has_unread;
CREATE TABLE places (
    wheel INTEGER NOT NULL,
    source INTEGER NOT NULL,
    location TEXT NOT NULL,
    is_yanked INTEGER NOT NULL,
    requires_python TEXT,
    is_gone INTEGER NOT NULL,
    PRIMARY KEY (wheel, source)
) WITHOUT ROWID;
CREATE INDEX places_of_source ON places (source, is_gone, is_yanked, wheel);
CREATE TABLE bodies (wheel INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE requires (
    project INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    text INTEGER NOT NULL,
    wheel INTEGER NOT NULL,
    PRIMARY KEY (project, kind, text, wheel)
) WITHOUT ROWID;
CREATE TABLE imports (
    symbol INTEGER NOT NULL,
    wheel INTEGER NOT NULL,
    library INTEGER NOT NULL,
    PRIMARY KEY (symbol, wheel, library)
) WITHOUT ROWID;
CREATE TABLE needed (
    soname INTEGER NOT NULL, wheel INTEGER NOT NULL, PRIMARY KEY (soname, wheel)
) WITHOUT ROWID;
CREATE TABLE named (
    name INTEGER NOT NULL, wheel INTEGER NOT NULL, PRIMARY KEY (name, wheel)
) WITHOUT ROWID;
CREATE TABLE provides_soname (
    wheel INTEGER NOT NULL, soname INTEGER NOT NULL, PRIMARY KEY (wheel, soname)
) WITHOUT ROWID;
CREATE TABLE names (
    wheel INTEGER NOT NULL, name INTEGER NOT NULL, PRIMARY KEY (wheel, name)
) WITHOUT ROWID;
CREATE TABLE looked_for (
    name INTEGER NOT NULL, wheel INTEGER NOT NULL, PRIMARY KEY (name, wheel)
) WITHOUT ROWID;
CREATE TABLE requires_interface (
    interface INTEGER NOT NULL, wheel INTEGER NOT NULL, PRIMARY KEY (interface, wheel)
) WITHOUT ROWID;
CREATE TABLE provides_interface (
    wheel INTEGER NOT NULL, interface INTEGER NOT NULL, PRIMARY KEY (wheel, interface)
) WITHOUT ROWID;
"""


@contextmanager
def failures_of(path: Path) -> Iterator[None]:
    """What SQLite says of the file, or of a value, is raised as SourceUnavailable."""
    import sqlite3  # noqa: PLC0415 - see above

    try:
        yield
    except (sqlite3.Error, UnicodeEncodeError, OverflowError) as error:
        raise SourceUnavailable(str(path), f"the catalog cannot be used: {error}") from error


def connect(path: Path, *, writes: bool) -> sqlite3.Connection:
    """The catalog in the file `path`, which is made if it is to be written and not there.

    Raises SourceUnavailable for any other file, and for a catalog of a newer version.
    """
    import sqlite3  # noqa: PLC0415 - see above

    if not writes and not path.is_file():
        raise SourceUnavailable(str(path), "there is no catalog")
    with failures_of(path):
        db = sqlite3.connect(
            # A reader, too, may have to write beside the file, and tidies that up when it ends.
            f"{path.absolute().as_uri()}?mode={'rwc' if writes else 'rw'}",
            uri=True, timeout=_SECONDS_FOR_A_LOCK, isolation_level=None,
        )  # fmt: skip
        try:
            _prepare(db, path, writes=writes)
        except BaseException:
            db.close()
            raise
        return db


def _prepare(db: sqlite3.Connection, path: Path, *, writes: bool) -> None:
    # Before anything is written, in case the file is somebody else's.
    if _number(db, "application_id") != APPLICATION_ID:
        if not writes or _number(db, "schema_version"):
            raise SourceUnavailable(str(path), "is no catalog")
        _create(db)
    found = _number(db, "user_version")
    if found != SCHEMA_VERSION:
        age = "a newer" if found > SCHEMA_VERSION else "an older"
        wrong = f"is a catalog of {age} version: {found}, and this program has {SCHEMA_VERSION}"
        raise SourceUnavailable(str(path), wrong)
    if not writes:
        db.execute("PRAGMA query_only = ON")
    else:
        # A process that is killed loses nothing that was committed; only a fall of the machine may
        # lose the last commits ("PRAGMA synchronous").
        db.execute("PRAGMA synchronous = NORMAL")


def _create(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("BEGIN EXCLUSIVE")
    try:
        # Another process may have been faster.
        if _number(db, "application_id") != APPLICATION_ID:
            for statement in _TABLES.split(";\n"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def _number(db: sqlite3.Connection, pragma: str) -> int:
    found: int = db.execute(f"PRAGMA {pragma}").fetchone()[0]
    return found
