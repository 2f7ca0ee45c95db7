"""`resolver-check python`."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from backend_shim.embed import embed
from backend_shim.record.names import FINGERPRINT
from tests.backend_shim.record.example_inputs import INPUTS
from tests.resolver_check.cli.conftest import Run, assert_refused
from tests.resolver_check.conftest import Factory
from tests.resolver_check.test_check import _replace
from tests.support.wheel_factory import make_wheel


@pytest.fixture
def beta_built(make: Factory) -> Path:
    """A wheel that was built with CPython 3.11.0b4."""
    wheel = make.extension("taker")
    version = replace(
        INPUTS.interpreter.implementation_version, micro=0, releaselevel="beta", serial=4
    )
    interpreter = replace(INPUTS.interpreter, implementation_version=version)
    embed(wheel, build_inputs=replace(INPUTS, interpreter=interpreter), looked_for=())
    return wheel


@pytest.mark.parametrize(
    ("python", "status", "verdict"),
    [
        ("3.11.0b4", 0, "valid"),
        ("3.11.0b5", 3, "unknown"),
        ("3.11.0", 3, "unknown"),
        ("3.12", 1, "invalid"),
        ("3.11t", 1, "invalid"),
    ],
)
def test_a_wheel_built_with_a_beta(
    beta_built: Path, run: Run, python: str, status: int, verdict: str
) -> None:
    text = run("python", beta_built, "--python", python)
    assert (text.status, text.err) == (status, "")
    assert text.out.splitlines()[0] == f"{verdict}: {beta_built.name}"
    table = json.loads(run("python", beta_built, "--python", python, "--format", "json").out)
    assert table["verdict"] == verdict
    assert table["python"] == {
        "version": python.removesuffix("t"), "flags": "t" * python.endswith("t"),
    }  # fmt: skip


def test_a_wheel_built_with_a_release(make: Factory, run: Run) -> None:
    wheel = make.extension("taker")
    assert run("python", wheel, "--python", "3.11").status == 3
    embed(wheel, build_inputs=INPUTS, looked_for=())
    text = run("python", wheel, "--python", "3.11.0rc1")
    assert text.status == 0
    assert "it was built with 3.11.7" in text.out


def test_an_interpreter_is_asked_which_it_is(tmp_path: Path, run: Run) -> None:
    wheel = make_wheel(tmp_path, files={"a.py": b""})
    found = run("python", wheel, "--python", sys.executable, "--format", "json")
    assert found.status == 0
    version = "{}.{}.{}".format(*sys.version_info[:3])
    assert json.loads(found.out)["python"]["version"].startswith(version)


@pytest.mark.parametrize("python", ["3", "three", "3.11.0d1", "no/such/python", "3.11\n"])
def test_what_is_no_python_is_refused(tmp_path: Path, run: Run, python: str) -> None:
    wheel = make_wheel(tmp_path, files={"a.py": b""})
    assert "wants a version" in assert_refused(run("python", wheel, "--python", python))


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo moon", "wants a version"),
        ("echo is pypy >&2; exit 1", "is pypy"),
        ("exit 1", "fails"),
    ],
)
def test_a_program_that_is_no_cpython_is_refused(
    tmp_path: Path, run: Run, script: str, message: str
) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    wheel = make_wheel(tmp_path, files={"a.py": b""})
    assert message in assert_refused(run("python", wheel, "--python", program))


def test_a_record_that_is_wrong_counts_as_absent(beta_built: Path, run: Run) -> None:
    def wrong(data: bytes) -> bytes:
        return data.replace(b'"extension_suffixes":[', b'"extension_suffixes":[1,')

    _replace(beta_built, FINGERPRINT, wrong)
    text = run("python", beta_built, "--python", "3.11.0b4")
    assert text.status == 0
    assert "its record is unusable" in text.out


def test_a_user_s_promise_counts(beta_built: Path, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "series.toml"
    file.write_text(
        '[[series]]\nprovider = "python"\nname = "cpython"\nversions = "==3.11.*"\n'
        'last-change = "3.11.0b1"\nlast-addition = "3.11.0b1"\n'
    )
    assert run("python", beta_built, "--python", "3.11.2", "--series", file).status == 0
