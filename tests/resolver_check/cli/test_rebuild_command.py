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

from tests.resolver_check.cli.conftest import NEW, assert_refused
from tests.resolver_check.conftest import Factory, gift
from tests.resolver_check.test_rebuild import is_running
from tests.support.keyring_program import KeyringProgram
from tests.support.plan_schema import PLAN_SCHEMA
from tests.support.served_index import Manners, ServedIndex


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
        (("--build-index", "ftp://ann:s3cret@h/x"), "wants an http(s) URL, not ftp://h/x"),
        (("--build-index", "http://ann:s3/cret@h/x"), "not the URL of an index (malformed)"),
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
    assert "s3" not in line


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_builds_and_keeps_the_plan_and_no_password(
    begun: Path, sdists: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: signal.Signals
) -> None:
    out, temporary = tmp_path / "out", tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    with tarfile.open(sdists / "gift-1.0.tar.gz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("gift-1.0/setup.py"))
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\necho "$NETRC" > {tmp_path}/netrc; echo $$ > {tmp_path}/pid\nsleep 600\n'
    )
    python.chmod(0o755)
    before = json.loads(begun.read_text())
    options = ("--state", begun, "--sdists", sdists, "--out", out, "--with-python", python)
    command = [sys.executable, "-m", "resolver_check", "rebuild", *options, "--build-index"]
    with (
        ServedIndex(sdists) as index,
        subprocess.Popen(
            [*map(str, command), index.url.replace("http://", "http://ann:s3cret@")],
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as running,
    ):
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            assert running.poll() is None
            time.sleep(0.05)
        netrc = Path((tmp_path / "netrc").read_text().strip())
        held = netrc.read_text()
        running.send_signal(sent)
        _, told = running.communicate(timeout=60)
    assert (running.returncode, told) == (2, "resolver-check: interrupted\n")
    assert not is_running(int((tmp_path / "pid").read_text()))
    assert json.loads(begun.read_text()) == before
    assert [path.name for path in out.iterdir()] == ["logs"]
    assert ("s3cret" in held, temporary in netrc.parents) == (True, True)
    assert list(temporary.iterdir()) == []


def test_a_password_that_no_netrc_can_hold_is_refused_before_anything_is_built(
    begun: Path, farm: Factory, run, sdists: Path, tmp_path: Path
) -> None:
    before = begun.read_bytes()
    with ServedIndex(farm.directory) as index:
        url = index.url.replace("http://", "http://bob:s3%5Ccret@")
        options = ("--state", begun, "--sdists", sdists, "--out", tmp_path / "out")
        told = assert_refused(run("rebuild", *options, "--build-index", url))
    assert "a sign that a netrc cannot hold" in told
    assert "cret" not in told
    assert begun.read_bytes() == before


def test_a_password_is_in_no_log_and_in_no_state(
    farm: Factory, run, sdists: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, out, seen = tmp_path / "of-index.json", tmp_path / "out", tmp_path / "seen"
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\ncp "$NETRC" {seen}; env; ps -o args= -A; exit 1\n')
    python.chmod(0o755)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    with tarfile.open(sdists / "gift-1.0.tar.gz", "w:gz") as packed:
        packed.addfile(tarfile.TarInfo("gift-1.0/marker.txt"))
    with ServedIndex(farm.directory, Manners(login=("ann", "s3cret"))) as index:
        KeyringProgram(tmp_path / "keyring", monkeypatch, {index.url: ("ann", "s3cret")})
        url = index.url.replace("http://", "http://ann:s3cret@")
        run("plan", "--source", url, "--bump", "numpy==2.0.2", *NEW, "--state", state)
        options = ("--state", state, "--sdists", sdists, "--out", out, "--with-python", python)
        for way in (("--source", url, "--build-index", url), ("--build-index", index.url)):
            seen.unlink(missing_ok=True)
            status, shown, told = run("rebuild", *options, *way, "--retry")
            log = (out / "logs" / "gift-1.0.log").read_text()
            assert status == 1
            assert f"PIP_EXTRA_INDEX_URL={index.url}\n" in log
            assert "s3cret" not in shown + told + log + state.read_text()
            assert seen.read_text() == "machine 127.0.0.1 login ann password s3cret\n"
        refused = run("rebuild", *options, "--source", f"{index.url}other")
        assert (refused.status, "another --source" in refused.err) == (2, True)


def test_offline_builds_nothing(begun: Path, run, sdists: Path, tmp_path: Path) -> None:
    options = ("--state", begun, "--sdists", sdists, "--out", tmp_path / "out", "--offline")
    assert "offline nothing can be built" in run("rebuild", *options).err
    assert run("rebuild", *options, "--dry-run-incremental").status == 1
    assert run("rebuild", *options, "--dry-run-incremental", "--validate", "all").status == 2


def test_a_forced_build_that_fails_is_no_success(
    farm: Factory, run, sdists: Path, tmp_path: Path
) -> None:
    farm.pure("alone")
    state = tmp_path / "forced.json"
    source = ("--source", farm.directory, "--bump", "numpy==1.26.4", "--force", "alone", *NEW)
    assert run("plan", *source, "--state", state).status == 1
    options = ("--state", state, "--sdists", sdists, "--out", tmp_path / "out")
    ran = run("rebuild", *options)
    assert (ran.status, "failed 1" in ran.out) == (1, True)


def test_a_wave_is_built_after_the_one_before(
    farm: Factory, run, sdists: Path, tmp_path: Path, compile_shared
) -> None:
    farm.pure("second", requires=["gift"])
    made = Factory(tmp_path / "made", compile_shared)
    made.directory.mkdir()
    gift(made, numpy=2)
    made.pure("second", requires=["gift"])
    python, state = tmp_path / "python", tmp_path / "two-waves.json"
    python.write_text(
        f'#!/bin/sh\nmkdir -p "$5"; cp {made.directory}/"$(basename "$6")"-*.whl "$5"\n'
    )
    python.chmod(0o755)
    for name in ("gift", "second"):
        with tarfile.open(sdists / f"{name}-1.0.tar.gz", "w:gz") as packed:
            packed.addfile(tarfile.TarInfo(f"{name}-1.0/marker.txt"))
    asked = ("--bump", "numpy==2.0.2", "--force", "second", *NEW)
    run("plan", "--source", farm.directory, *asked, "--state", state)
    options = ("--state", state, "--sdists", sdists, "--out", tmp_path / "out")
    ran = run("rebuild", *options, "--with-python", python)
    assert [line.split(": ")[:2] for line in ran.err.splitlines()] == [
        ["wave 1", "gift 1.0"],
        ["wave 2", "second 1.0"],
    ]
    assert (ran.status, "failed" in ran.err + ran.out) == (0, False)
