"""An interpreter is asked what it is."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from packaging.tags import platform_tags, sys_tags

from resolver_check.errors import UsageError
from resolver_check.sources.interpreter_platform import asked_interpreter
from tests.support.said_interpreter import said_interpreter


def test_this_interpreter_accepts_what_packaging_says() -> None:
    found = asked_interpreter(sys.executable)
    assert found.implementation == sys.implementation.name
    assert set(found.tags) == set(sys_tags())
    assert found.platforms == tuple(platform_tags())


def test_a_version_is_a_cpython_of_this_platform() -> None:
    found = asked_interpreter("3.14.0b2")
    assert (found.implementation, found.version, found.flags) == ("cpython", "3.14.0b2", "")
    assert found.platforms == tuple(platform_tags())


def test_a_pypy_says_so(tmp_path: Path) -> None:
    found = asked_interpreter(str(said_interpreter(tmp_path, implementation="pypy")))
    assert found.shown == "pypy 3.10.14"


@pytest.mark.parametrize(
    ("printed", "message"),
    [
        ("moon", "does not say"),
        ("[]", "does not say"),
        ("{}", "does not say"),
        (json.dumps({"implementation": "cpython"}), "does not say"),
    ],
)
def test_what_says_something_else_is_refused(tmp_path: Path, printed: str, message: str) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\necho '{printed}'\n")
    program.chmod(0o755)
    with pytest.raises(UsageError, match=message):
        asked_interpreter(str(program))


@pytest.mark.parametrize(
    "changed",
    [
        {"version": "three"},
        {"version": "3"},
        {"version": "9999999999.9999999999.0"},
        {"flags": "td;"},
        {"bits": "64"},
        {"version": 3},
        {"machine": None},
    ],
)
def test_a_wrong_value_is_refused(tmp_path: Path, changed: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="does not say"):
        asked_interpreter(str(said_interpreter(tmp_path, **changed)))


def test_a_python_that_is_too_old_is_refused(tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho 'Unknown option: -I' >&2; exit 2\n")
    program.chmod(0o755)
    with pytest.raises(UsageError, match="Unknown option"):
        asked_interpreter(str(program))
