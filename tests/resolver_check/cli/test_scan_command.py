"""`resolver-check scan`: directories and indexes into a catalog."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from resolver_check.cli import scan_command
from tests.resolver_check.cli.conftest import Run, assert_refused
from tests.support.served_index import Reply, ServedIndex
from tests.support.wheel_factory import make_wheel

LINUX = "cp311-cp311-manylinux_2_17_x86_64"
WINDOWS = "cp311-cp311-win_amd64"


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    directory = tmp_path / "wheels"
    directory.mkdir()
    for version in ("1.0", "2.0"):
        for tag in (LINUX, WINDOWS):
            make_wheel(directory, name="one", version=version, tag=tag, files={"one.py": b""})
    make_wheel(directory, name="two", files={"two.py": b""})
    return directory


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "catalog.db"


def counts(out: str) -> dict[str, int]:
    return {key: value for key, value in json.loads(out).items() if value}


def test_scans_and_says_so(wheels: Path, file: Path, run: Run) -> None:
    first = run("scan", wheels, "--catalog", file)
    assert first == (0, "scanned 5, already known 0, unreadable 0, gone 0\n", "")
    (wheels / "bad-1.0-py3-none-any.whl").write_bytes(b"bad")
    (wheels / "two-1.0-py3-none-any.whl").unlink()
    again = run("scan", wheels, "--catalog", file)
    assert again == (0, "scanned 0, already known 4, unreadable 1, gone 1\n", "")


def test_says_the_same_in_json(wheels: Path, file: Path, run: Run) -> None:
    ran = run("scan", wheels, "--catalog", file, "--format", "json")
    assert json.loads(ran.out) == {
        "scanned": 5, "known": 0, "unreadable": 0, "gone": 0, "left_out": 0, "unlisted": []
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--project", "One"], {"scanned": 4}),
        (["--project", "one", "--project", "two"], {"scanned": 5}),
        (["--versions", "newest"], {"scanned": 3, "left_out": 2}),
        (["--python", "3.11", "--platform", "win_amd64"], {"scanned": 3, "left_out": 2}),
        (["--python", "3.9", "--platform", "win_amd64"], {"scanned": 1, "left_out": 4}),
        (
            ["--python", "3.11", "--platform", "win_amd64", "--versions", "newest"],
            {"scanned": 2, "left_out": 3},
        ),
    ],
)
def test_scans_what_it_is_asked_for(
    wheels: Path, file: Path, run: Run, arguments: list[str], found: dict[str, int]
) -> None:
    ran = run("scan", wheels, "--catalog", file, *arguments, "--format", "json")
    assert (ran.status, counts(ran.out)) == (0, found)


def test_the_newest_is_no_yanked_one(wheels: Path, file: Path, run: Run) -> None:
    with ServedIndex(wheels) as index:
        for tag in (LINUX, WINDOWS):
            index.attributes[f"one-2.0-{tag}.whl"] = {"yanked": True}
        run("scan", index.url, "--catalog", file, "--versions", "newest")
    listed = run("catalog", file, "--without-records").out
    assert [line.split("-")[1] for line in listed.splitlines()] == ["1.0", "1.0", "1.0"]


def test_scans_several_sources_into_one_catalog(wheels: Path, file: Path, run: Run) -> None:
    more = wheels.parent / "more"
    more.mkdir()
    make_wheel(more, name="three", files={"three.py": b""})
    ran = run("scan", wheels, more, "--catalog", file)
    assert ran == (0, "scanned 6, already known 0, unreadable 0, gone 0\n", "")
    one = run("scan", wheels, more, "--catalog", file, "--project", "three")
    assert one == (0, "scanned 0, already known 1, unreadable 0, gone 0\n", "")


def test_what_could_not_be_listed_is_told_and_the_rest_is_scanned(
    wheels: Path, file: Path, run: Run
) -> None:
    ran = run("scan", wheels, "--catalog", file, "--project", "two", "--project", "nobody")
    assert (ran.status, ran.err) == (2, "")
    assert ran.out.splitlines() == [
        "scanned 1, already known 0, unreadable 0, gone 0",
        "not listed: nobody: no source has a wheel of it",
    ]
    with ServedIndex(wheels) as index:
        index.say("/simple/one/", Reply(status=500, body=b""))
        ran = run("scan", index.url, "--catalog", file, "--format", "json")
    assert ran.status == 2
    assert counts(ran.out)["scanned"] == 1
    assert [each["project"] for each in json.loads(ran.out)["unlisted"]] == ["one"]


def test_shows_how_far_it_is(
    wheels: Path, file: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_command, "_SECONDS_IN_LOG", -1)
    monkeypatch.setattr(scan_command, "_SECONDS_ON_TERMINAL", -1)
    in_log = run("scan", wheels, "--catalog", file)
    assert "scanned 3, already known 0, unreadable 0, gone 0\n" in in_log.err
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda _: True, raising=False)
    on_terminal = run("scan", wheels, "--catalog", file)
    assert on_terminal.err.endswith("\rscanned 0, already known 5, unreadable 0, gone 0\x1b[K\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--project", "not a name"], "--project wants the name of a project"),
        (["--python", "three"], "--python wants MAJOR.MINOR"),
        (["--jobs", "0"], "--jobs"),
    ],
)
def test_wrong_usage_is_refused(
    wheels: Path, file: Path, run: Run, arguments: list[str], said: str
) -> None:
    assert said in assert_refused(run("scan", wheels, "--catalog", file, *arguments))


def test_sources_and_catalogs_that_are_none_are_refused(
    wheels: Path, tmp_path: Path, run: Run
) -> None:
    assert "--catalog" in assert_refused(run("scan", wheels))
    nowhere = run("scan", tmp_path / "nowhere", "--catalog", tmp_path / "new")
    assert "no such file or directory" in assert_refused(nowhere)
    (wheels / "notes.txt").write_text("these are no tables" * 100)
    refused = assert_refused(run("scan", wheels, "--catalog", wheels / "notes.txt"))
    assert "file is not a database" in refused


def test_offline_it_reads_what_is_in_the_cache(
    wheels: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHEEL_ABI_CACHE", str(tmp_path / "cache"))
    with ServedIndex(wheels) as index:
        run("scan", index.url, "--catalog", tmp_path / "first")
        sent = len(index.requests)
        ran = run("scan", index.url, "--catalog", tmp_path / "second", "--offline")
        monkeypatch.setenv("WHEEL_ABI_OFFLINE", "1")
        again = run("scan", index.url, "--catalog", tmp_path / "third")
        assert len(index.requests) == sent
    assert ran.status == again.status == 0
    assert ran.out == again.out
    assert "unreadable 0" in ran.out
    unknown = run("scan", index.url.replace("simple", "other"), "--catalog", tmp_path / "fourth")
    assert unknown.status == 2
    assert "offline, and not in the cache" in unknown.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--workers", "2", "--scheduler", "tcp://h:1"), "--workers goes without it"),
        (("--workers", "2"), "need Dask: pip install"),
    ],
)
def test_workers_that_cannot_be_had_are_refused(
    wheels: Path, file: Path, run: Run, monkeypatch: pytest.MonkeyPatch, options, said: str
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert said in assert_refused(run("scan", wheels, "--catalog", file, *options))
