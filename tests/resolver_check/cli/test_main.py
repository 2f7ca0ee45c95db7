"""What all commands share: help, version, being cut short."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backend_shim import __version__
from resolver_check.cli import plan_state
from tests.resolver_check.cli.conftest import Run, assert_refused
from tests.resolver_check.conftest import Factory

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "resolver_check"]


def test_help_names_the_commands_and_statuses(run: Run) -> None:
    helped = run("--help")
    assert helped.status == 0
    for word in ("judge", "plan", "show", "Exit status", "2  wrong usage"):
        assert word in helped.out


def test_says_its_version(run: Run) -> None:
    assert run("--version").out == f"resolver-check, version {__version__}\n"


def test_an_interrupt_is_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(plan_state, "make_plan", interrupted)
    line = assert_refused(run("plan", "--source", tmp_path, "--bump", "a==1"))
    assert line == "resolver-check: interrupted\n"


_WAITS = """
import sys, time
from pathlib import Path
from resolver_check.cli import main, plan_state

def wait(*_, **__):
    Path(ready).touch()
    time.sleep(60)

ready = sys.argv.pop()
plan_state.make_plan = wait
main.main()
"""


def test_a_signal_from_the_terminal_is_one_line(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    with subprocess.Popen(
        [sys.executable, "-c", _WAITS, "plan", "--source", tmp_path, "--bump", "a==1", ready],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        deadline = time.monotonic() + 30
        while not ready.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=20)
    assert (running.returncode, out, err) == (2, "", "resolver-check: interrupted\n")


def test_a_reader_that_leaves_gets_no_verdict(make: Factory) -> None:
    wheel = make.extension("taker")
    with subprocess.Popen(
        [*COMMAND, "judge", wheel, "--old", make.numpy_1(), "--new", make.numpy_2()],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        assert running.stdout is not None
        running.stdout.close()
        running.stdout = None
        _, err = running.communicate(timeout=20)
    assert (running.returncode, err) == (2, "")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize("form", ["text", "json"])
def test_any_encoding_of_the_output_will_do(make: Factory, encoding: str, form: str) -> None:
    wheel = make.extension("taker", files={"taker/ä€.so": make.module("taker")})
    shown = subprocess.run(
        [*COMMAND, "show", wheel, "--format", form],
        cwd=ROOT, capture_output=True, check=False, timeout=60,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )  # fmt: skip
    assert (shown.returncode, shown.stderr) == (0, b"")


def test_runs_from_any_directory_as_a_module(tmp_path: Path) -> None:
    ran = subprocess.run(
        [*COMMAND, "show", "none.whl"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "resolver-check: none.whl: no such file\n"


def test_repeated_transfers_are_not_warned_of(run: Run) -> None:
    run("--version")
    handlers = logging.getLogger("stamina").handlers
    assert any(isinstance(each, logging.NullHandler) for each in handlers)
