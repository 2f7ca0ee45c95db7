"""Runs `resolver-check` as a user would, in this process."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from resolver_check.cli.main import main
from resolver_check.sources import transport
from tests.resolver_check.conftest import Factory, gift


class Ran(NamedTuple):
    """How a command ended and what it wrote."""

    status: int
    out: str
    err: str


Run = Callable[..., Ran]

NEW = ("--python", "3.11", "--platform", "manylinux_2_28_x86_64")


@pytest.fixture(autouse=True)
def _little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No long wait between the repeats of a request."""
    quick = functools.partial(transport.Patience, backoff=0.01)
    monkeypatch.setattr(transport, "Patience", quick)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def ran(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["resolver-check", *map(str, arguments)])
        with pytest.raises(SystemExit) as exited:
            main()
        assert isinstance(exited.value.code, int)
        return Ran(exited.value.code, *capsys.readouterr())

    return ran


def assert_refused(ran: Ran) -> str:
    """The one line on standard error of a command that was refused."""
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("resolver-check: ")
    assert ran.err.count("\n") == 1
    assert "Traceback" not in ran.err
    return ran.err


@pytest.fixture
def farm(make: Factory) -> Factory:
    make.numpy_1()
    make.numpy_2()
    gift(make)
    make.linked("taker")
    return make


@pytest.fixture
def begun(farm: Factory, run: Run, tmp_path: Path) -> Path:
    state = tmp_path / "state.json"
    status, _, _ = run(
        "plan", "--source", farm.directory, "--bump", "numpy==2.0.2", *NEW, "--state", state
    )
    assert status == 1
    return state
