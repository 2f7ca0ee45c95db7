"""`rebuild` without a build that works: what it keeps, and what it refuses."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from tests.resolver_check.conftest import Factory
from tests.resolver_check.test_rebuild import is_running
from tests.support.plan_schema import PLAN_SCHEMA


@pytest.fixture
def sdists(tmp_path: Path) -> Path:
    directory = tmp_path / "sdists"
    directory.mkdir()
    return directory


def test_what_could_not_be_built_is_kept_as_failed_and_not_tried_twice(
    begun: Path,
    run,
    sdists: Path,
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    options = ("--state", begun, "--sdists", sdists, "--out", out)
    status, shown, told = run("rebuild", *options)
    assert status == 1
    assert "failed 1" in shown
    assert "wave 1: gift 1.0: failed, see" in told
    assert "there is no sdist" in (out / "logs" / "gift-1.0.log").read_text()
    assert list(json.loads(begun.read_text())["failed"]) != []
    assert run("rebuild", *options).err == ""
    assert "wave 1: gift" in run("rebuild", *options, "--retry").err


def test_a_dry_run_builds_nothing_and_keeps_nothing(
    begun: Path,
    run,
    sdists: Path,
    tmp_path: Path,
) -> None:
    before = begun.read_bytes()
    options = ("--state", begun, "--sdists", sdists, "--out", tmp_path / "out")
    status, shown, told = run("rebuild", *options, "--dry-run-incremental")
    assert (status, told) == (1, "")
    assert "invalid     gift" in shown
    assert begun.read_bytes() == before


def test_a_skip_that_cannot_be_rebuilt_is_not_proven(
    begun: Path,
    farm: Factory,
    run,
    sdists: Path,
    tmp_path: Path,
) -> None:
    farm.pure("alone")
    options = ("--state", begun, "--sdists", sdists, "--out", tmp_path / "out")
    dry = ("--dry-run-incremental", "--validate", "all")
    status, shown, _ = run("rebuild", *options, *dry)
    assert status == 3
    assert "skips validated: not-built 1" in shown
    status, shown, _ = run("rebuild", *options, *dry, "--format", "json")
    PLAN_SCHEMA.validate(json.loads(shown))
    assert [each["finding"] for each in json.loads(shown)["validated"]] == ["not-built"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--validate", "all"), "--validate goes with --dry-run-incremental"),
        (("--dry-run-incremental", "--validate", "0"), "a number or 'all'"),
        (("--dry-run-incremental", "--validate", "some"), "a number or 'all'"),
        (("--sdists", "/no/such/place"), "neither a directory"),
        (("--state", "/no/such/state"), "no plan yet"),
    ],
)
def test_wrong_usage_is_refused(
    begun: Path,
    run,
    sdists: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    options = ("--state", begun, "--sdists", sdists, "--out", tmp_path / "out")
    status, _, line = run("rebuild", *options, *arguments)
    assert status == 2
    assert said in line


def test_an_interrupt_ends_the_builds_and_keeps_the_plan(
    begun: Path, sdists: Path, tmp_path: Path
) -> None:
    with tarfile.open(sdists / "gift-1.0.tar.gz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("gift-1.0/setup.py"))
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid; sleep 600\n")
    python.chmod(0o755)
    before = json.loads(begun.read_text())
    options = ("--state", begun, "--sdists", sdists, "--out", tmp_path / "out")
    command = [sys.executable, "-m", "resolver_check", "rebuild", *options, "--with-python", python]
    with subprocess.Popen(
        [*map(str, command)], stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            assert running.poll() is None
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=60)
    assert (running.returncode, told) == (2, "resolver-check: interrupted\n")
    assert not is_running(int((tmp_path / "pid").read_text()))
    assert json.loads(begun.read_text()) == before
