"""Tasks that other processes do: what they carry along, and what they do not."""

from __future__ import annotations

import pickle
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from resolver_check.errors import UsageError
from resolver_check.scan.elsewhere import Elsewhere, opening
from resolver_check.scan.scanning import ListProject, Scan, ScanSummary, completed
from resolver_check.sources import open_source
from resolver_check.sources.catalog import Catalog
from resolver_check.sources.catalog_queries import unreadable, without_records
from tests.support.served_index import ServedIndex
from tests.support.wheel_factory import make_wheel

ONE = canonicalize_name("one")


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    directory = tmp_path / "wheels"
    directory.mkdir()
    for name in ("one", "two", "three"):
        make_wheel(directory, name=name, files={f"{name}.py": b""})
    return directory


@pytest.mark.parametrize("is_index", [False, True])
def test_other_processes_open_the_source_themselves(
    wheels: Path, tmp_path: Path, is_index: bool
) -> None:
    with (
        ServedIndex(wheels) as index,
        Catalog(tmp_path / "catalog", writes=True) as catalog,
        ProcessPoolExecutor(2) as pool,
    ):
        location = index.url if is_index else str(wheels)
        scan = Scan(
            open_source(location), catalog, pool, opening=opening(location, (), offline=False)
        )
        assert scan.run() == ScanSummary(scanned=3)
        assert len(without_records(catalog).wheels) == 3


def test_what_is_sent_does_not_grow_with_the_source(wheels: Path, tmp_path: Path) -> None:
    small = pickle.dumps(
        Elsewhere(make=ListProject, opening=opening(str(wheels), (), offline=False))
    )
    for number in range(50):
        make_wheel(wheels, name=f"more{number}", files={})
    large = pickle.dumps(
        Elsewhere(make=ListProject, opening=opening(str(wheels), (), offline=False))
    )
    assert len(small) == len(large) < 1000


def test_a_process_that_lives_on_lists_anew_for_each_scan(wheels: Path) -> None:
    def listed(how) -> int:
        return len(Elsewhere(make=ListProject, opening=how)(ONE).wheels)

    first = opening(str(wheels), (), offline=False)
    assert listed(first) == 1
    make_wheel(wheels, name="one", version="2.0", files={})
    assert listed(first) == 1
    assert listed(opening(str(wheels), (), offline=False)) == 2


@pytest.mark.parametrize("records", [(), ("http://h/r", "https://u:s3cret@h/r")])
def test_no_credentials_are_sent(records: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="get no credentials from here") as raised:
        opening("https://u:s3cret@h/" if not records else "/wheels", records, offline=True)
    assert "s3cret" not in str(raised.value)


def test_what_is_lost_with_its_process_is_passing_and_the_rest_is_read(
    wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Exception):
        pass

    class Deadly(ThreadPoolExecutor):
        def submit(self, task, *arguments) -> Future:  # type: ignore[override]
            if getattr(arguments[0], "reference", None) and arguments[0].reference.name == ONE:
                future: Future = Future()
                future.set_exception(Killed())
                return future
            return super().submit(task, *arguments)

    def scanned() -> ScanSummary:
        with Deadly(2) as pool:
            return Scan(open_source(str(wheels)), catalog, pool, lost=(Killed,)).run()

    with Catalog(tmp_path / "catalog", writes=True) as catalog:
        assert scanned() == ScanSummary(scanned=2, unreadable=1)
        assert [each.project for each in unreadable(catalog).wheels] == [ONE]
        assert scanned() == ScanSummary(known=2, unreadable=1)  # asked again each time


def test_what_nobody_expects_is_raised() -> None:
    with ThreadPoolExecutor(1) as pool, pytest.raises(ZeroDivisionError):
        list(completed(pool, lambda number: 1 // number, [1, 0], limit=2))
