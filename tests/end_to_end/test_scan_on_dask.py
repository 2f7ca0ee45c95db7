"""A scan by Dask's workers: one is killed, one wheel kills them all, and the catalog is right."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from resolver_check.sources.catalog import Catalog
from resolver_check.sources.catalog_queries import unreadable, without_records
from tests.architecture.modules_of_tree import ROOT
from tests.support.served_index import ServedIndex
from tests.support.wheel_factory import make_many, make_wheel

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds workers in /proc"),
]
pytest.importorskip("distributed", reason="needs the extra `dask`")

MANY = 80
# Imported by the processes of the cluster as by the one that is run, it makes each wheel take its
# time, and the one of `poison` the end of whoever reads it.
_SLOW = """
import os, signal, time
from resolver_check.scan import wheel_facts
read = wheel_facts.ReadFacts.__call__
def slowly(self, listed):
    time.sleep(0.05)
    if listed.reference.name == "poison":
        os.kill(os.getpid(), signal.SIGKILL)
    return read(self, listed)
wheel_facts.ReadFacts.__call__ = slowly
"""


@pytest.fixture
def many(tmp_path: Path) -> Path:
    return make_many(tmp_path / "many", MANY)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    place = tmp_path / "slow"
    place.mkdir()
    (place / "sitecustomize.py").write_text(_SLOW)
    return {
        **os.environ,
        "PYTHONPATH": f"{place}{os.pathsep}{ROOT}",
        "WHEEL_ABI_CACHE": str(tmp_path / "cache"),
        "PYTHONWARNINGS": "ignore",
    }


def scan(
    environ: dict[str, str], source: object, catalog: Path, *options: str
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "resolver_check", "scan", str(source), "--catalog", str(catalog),
         "--format", "json", *options],
        env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def below(process: int) -> Iterator[tuple[int, str]]:
    """The processes that it started, and those that they did: each with its command."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            command = path.with_name("cmdline").read_text()
        except OSError:
            continue
        if parent == process:
            yield int(path.parent.name), command
            yield from below(int(path.parent.name))


def written(catalog: Path) -> int:
    try:
        with Catalog(catalog) as opened:
            (count,) = opened.connection.execute("SELECT count(*) FROM wheels").fetchone()
            return int(count)
    except Exception:  # Not made yet.
        return 0


def kill_a_worker(scanning: subprocess.Popen[str], catalog: Path) -> int:
    """Kills one in the middle of the scan; how many wheels were written by then."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        workers = [number for number, command in below(scanning.pid) if "spawn_main" in command]
        if workers and (count := written(catalog)):
            os.kill(workers[0], signal.SIGKILL)
            return count
        time.sleep(0.05)
    raise AssertionError(scanning.communicate()[1])


def test_a_killed_worker_and_a_wheel_that_kills_lose_nothing_and_double_nothing(
    many: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    catalog = tmp_path / "catalog"
    make_wheel(many, name="poison", files={"poison.py": b""})
    scanning = scan(environ, many, catalog, "--workers", "2")
    assert kill_a_worker(scanning, catalog) < MANY
    out, err = scanning.communicate(timeout=60)
    assert (scanning.returncode, "Traceback" in err) == (0, False), err
    counts = json.loads(out)
    assert counts["scanned"] + counts["unreadable"] == MANY + 1
    with Catalog(catalog) as opened:
        dead = [each.project for each in unreadable(opened).wheels]
        assert "poison" in dead
        assert len(dead) <= 3  # What waits behind it in the same process can be blamed, too.
        read = sorted(each.project for each in without_records(opened).wheels)
        rows = opened.connection.execute("SELECT count(*), count(DISTINCT filename) FROM wheels")
        assert rows.fetchone() == (MANY + 1, MANY + 1)
    assert sorted([*read, *dead]) == sorted(["poison", *(f"p{number}" for number in range(MANY))])
    (many / "poison-1.0-py3-none-any.whl").unlink()
    again = scan(environ, many, catalog)
    counts = json.loads(again.communicate(timeout=60)[0])
    assert (counts["known"], counts["scanned"]) == (MANY + 1 - len(dead), len(dead) - 1)


def test_workers_of_a_scheduler_read_an_index(
    many: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    from distributed import LocalCluster

    with (
        ServedIndex(many) as index,
        LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None) as cluster,
    ):
        address = str(cluster.scheduler_address)
        names = ("--project", "p1", "--project", "p2")
        options = ("--scheduler", address, *names)
        out, err = scan(environ, index.url, tmp_path / "catalog", *options).communicate(timeout=60)
        assert json.loads(out)["scanned"] == 2, err
        secret = index.url.replace("http://", "http://ann:s3cret@")
        refused = scan(environ, secret, tmp_path / "other", *options).communicate(timeout=60)[1]
    assert "other processes get no credentials from here" in refused
    assert "s3cret" not in refused
