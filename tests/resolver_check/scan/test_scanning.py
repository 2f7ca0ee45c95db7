"""A scan of a source: each wheel once, whatever happens in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from resolver_check.errors import SourceUnavailable
from resolver_check.scan.scanning import Scan, ScanSummary, completed
from resolver_check.sources import open_source
from resolver_check.sources.catalog import Catalog
from resolver_check.sources.catalog_queries import unreadable, without_records
from tests.architecture.modules_of_tree import ROOT
from tests.support.served_index import Manners, Reply, ServedIndex
from tests.support.wheel_factory import make_many, make_wheel

# A process of its own that takes its time for each wheel, and says when it has read one.
_SLOW = """
import os, signal, sys, time
from resolver_check.scan import scanning, wheel_facts
from resolver_check.cli.main import main
read = wheel_facts.ReadFacts.__call__
def slowly(self, listed):
    time.sleep(0.02)
    found = read(self, listed)
    os.write(1, b"read\\n")
    return found
wheel_facts.ReadFacts.__call__ = slowly
scanning._WHEELS_PER_COMMIT = int(sys.argv.pop(1))
# A shell may have told this process to ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""

MANY = 60


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    directory = tmp_path / "wheels"
    directory.mkdir()
    for name in ("one", "two", "three"):
        for version in ("1.0", "2.0"):
            make_wheel(directory, name=name, version=version, files={f"{name}.py": b""})
    return directory


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog(tmp_path / "catalog", writes=True) as opened:
        yield opened


def scan(
    catalog: Catalog, location: Path | str, *projects: str, executor: Executor | None = None
) -> ScanSummary:
    source = open_source(str(location))
    try:
        with executor or ThreadPoolExecutor(2) as pool:
            names = [canonicalize_name(each) for each in projects]
            return Scan(source, catalog, pool, in_flight=3).run(names or None)
    finally:
        source.close()


def held(catalog: Catalog) -> list[str]:
    return ["-".join(each.filename.split("-")[:2]) for each in without_records(catalog).wheels]


def rows(catalog: Catalog) -> int:
    (count,) = catalog.connection.execute("SELECT count(*) FROM wheels").fetchone()
    return int(count)


def test_the_second_scan_reads_nothing(catalog: Catalog, wheels: Path) -> None:
    assert scan(catalog, wheels) == ScanSummary(scanned=6)
    assert scan(catalog, wheels) == ScanSummary(known=6)
    assert rows(catalog) == 6


def test_a_changed_file_is_read_again_and_the_old_one_is_gone(
    catalog: Catalog, wheels: Path
) -> None:
    scan(catalog, wheels)
    make_wheel(wheels, name="one", version="1.0", files={"one.py": b"", "more.py": b"x = 1"})
    assert scan(catalog, wheels) == ScanSummary(scanned=1, known=5, gone=1)
    assert held(catalog).count("one-1.0") == 1
    assert rows(catalog) == 7


def test_what_vanishes_is_gone_with_its_project_or_without(catalog: Catalog, wheels: Path) -> None:
    scan(catalog, wheels)
    (wheels / "one-1.0-py3-none-any.whl").unlink()
    assert scan(catalog, wheels) == ScanSummary(known=5, gone=1)
    (wheels / "one-2.0-py3-none-any.whl").unlink()
    assert scan(catalog, wheels) == ScanSummary(known=4, gone=1)
    assert held(catalog) == ["three-1.0", "three-2.0", "two-1.0", "two-2.0"]
    assert rows(catalog) == 6


def test_a_scan_of_some_projects_says_nothing_of_others(catalog: Catalog, wheels: Path) -> None:
    scan(catalog, wheels)
    for path in wheels.iterdir():
        path.unlink()
    assert scan(catalog, wheels, "one") == ScanSummary(gone=2, missing=("one",))
    assert held(catalog) == ["three-1.0", "three-2.0", "two-1.0", "two-2.0"]


def test_what_is_no_wheel_is_counted_and_stops_nothing(catalog: Catalog, wheels: Path) -> None:
    (wheels / "bad-1.0-py3-none-any.whl").write_bytes(b"bad")
    assert scan(catalog, wheels) == ScanSummary(scanned=6, unreadable=1)
    assert scan(catalog, wheels) == ScanSummary(known=7)
    assert [each.project for each in unreadable(catalog).wheels] == ["bad"]


def test_only_what_is_wanted_is_read_and_the_rest_is_not_gone(
    catalog: Catalog, wheels: Path
) -> None:
    source = open_source(str(wheels))
    with ThreadPoolExecutor(2) as executor:
        newest = Scan(source, catalog, executor, wanted=lambda listed: listed[-1:])
        assert newest.run() == ScanSummary(scanned=3, left_out=3)
        assert scan(catalog, wheels) == ScanSummary(scanned=3, known=3)
        assert newest.run() == ScanSummary(scanned=3, left_out=3, known=6)
    assert len(held(catalog)) == 6


def test_processes_do_as_well_as_threads(catalog: Catalog, wheels: Path) -> None:
    assert scan(catalog, wheels, executor=ProcessPoolExecutor(2)) == ScanSummary(scanned=6)


def test_the_same_wheel_of_two_sources_is_read_once(catalog: Catalog, wheels: Path) -> None:
    with ServedIndex(wheels) as one, ServedIndex(wheels) as two:
        assert scan(catalog, one.url) == ScanSummary(scanned=6)
        assert scan(catalog, two.url) == ScanSummary(known=6)
        assert not two.file_requests
    assert rows(catalog) == 6


def test_a_project_whose_page_fails_is_told_and_keeps_its_wheels(
    catalog: Catalog, wheels: Path
) -> None:
    with ServedIndex(wheels, Manners(form="json")) as index:
        scan(catalog, index.url)
        index.say("/simple/one/", Reply(status=500, body=b""))
        index.say("/simple/two/", Reply(status=404, body=b""))
        found = scan(catalog, index.url)
    assert (found.known, found.gone) == (2, 2)
    ((name, why),) = found.unlisted
    assert (name, "500" in why) == ("one", True)
    assert held(catalog) == ["one-1.0", "one-2.0", "three-1.0", "three-2.0"]


def test_an_index_that_cannot_be_listed_changes_nothing(catalog: Catalog, wheels: Path) -> None:
    with ServedIndex(wheels) as index:
        scan(catalog, index.url)
        index.say("/simple/", Reply(status=404, body=b""))
        with pytest.raises(SourceUnavailable):
            scan(catalog, index.url)
    assert len(held(catalog)) == 6


def test_no_more_is_under_way_than_allowed() -> None:
    taken: list[int] = []
    finished: list[int] = []
    most: list[int] = []
    lock = threading.Lock()

    def items() -> Iterator[int]:
        for number in range(200):
            with lock:
                taken.append(number)
                most.append(len(taken) - len(finished))
            yield number

    def task(number: int) -> int:
        with lock:
            finished.append(number)
        return number

    with ThreadPoolExecutor(4) as executor:
        found = list(completed(executor, task, items(), limit=10))
    assert sorted(found) == list(range(200))
    assert max(most) <= 10


def test_ended_early_it_begins_nothing_more() -> None:
    gate = threading.Event()
    begun: list[int] = []

    def task(number: int) -> int:
        begun.append(number)
        if number:
            gate.wait(20)
        return number

    with ThreadPoolExecutor(1) as executor:
        found = completed(executor, task, range(100), limit=20)
        assert next(found) == 0
        found.close()
        gate.set()
    assert len(begun) <= 2


@pytest.fixture
def many(tmp_path: Path) -> Path:
    return make_many(tmp_path / "many", MANY)


@pytest.fixture
def slowly(many: Path, tmp_path: Path) -> Iterator[Callable[[int], subprocess.Popen[str]]]:
    """Starts a scan of `many` that commits so often; it has read 20 when it is returned.

    So some are written: no more than 8 are under way.
    """
    started: list[subprocess.Popen[str]] = []

    def start(wheels_per_commit: int) -> subprocess.Popen[str]:
        arguments = [sys.executable, "-c", _SLOW, str(wheels_per_commit), "scan", str(many)]
        process = subprocess.Popen(
            [*arguments, "--catalog", str(tmp_path / "catalog"), "--jobs", "2"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        started.append(process)
        assert process.stdout is not None
        for _ in range(20):
            assert process.stdout.readline() == "read\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


needs_signals = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@needs_signals
def test_killed_in_the_middle_it_goes_on_and_has_every_wheel_once(
    slowly: Callable[[int], subprocess.Popen[str]], many: Path, tmp_path: Path
) -> None:
    kept = 0
    for _ in range(2):
        process = slowly(1)
        process.kill()
        process.wait(20)
        with Catalog(tmp_path / "catalog") as catalog:
            assert kept < len(held(catalog)) < MANY
            kept = len(held(catalog))
    with Catalog(tmp_path / "catalog", writes=True) as catalog:
        assert scan(catalog, many) == ScanSummary(scanned=MANY - kept, known=kept)
        assert sorted(held(catalog)) == sorted(f"p{number}-1.0" for number in range(MANY))
        assert catalog.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (bodies,) = catalog.connection.execute("SELECT count(*) FROM bodies").fetchone()
        assert (rows(catalog), bodies) == (MANY, MANY)


@needs_signals
def test_interrupted_it_keeps_what_it_has_read(
    slowly: Callable[[int], subprocess.Popen[str]], many: Path, tmp_path: Path
) -> None:
    process = slowly(10_000)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (2, "resolver-check: interrupted\n")
    with Catalog(tmp_path / "catalog", writes=True) as catalog:
        kept = len(held(catalog))
        assert 0 < kept < MANY
        assert scan(catalog, many) == ScanSummary(scanned=MANY - kept, known=kept)
