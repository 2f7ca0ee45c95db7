"""`--series FILE`: what a user knows of promises that no wheel declares."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.resolver_check.cli.conftest import Run, assert_refused
from tests.resolver_check.conftest import Factory

PROMISE = """
[[series]]
provider = "gift"
name = "linking"
versions = ">=1"
last-change = "1.0"
last-addition = "1.0"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "series.toml"
    path.write_text(PROMISE)
    return path


def test_judge_believes_it(make: Factory, run: Run, file: Path) -> None:
    old, new = make.library("1.0"), make.library("1.1", header="int gift_open(int);\n")
    arguments = ("judge", make.linked(), "--old", old, "--new", new)
    assert run(*arguments).status == 3
    text = run(*arguments, "--series", file)
    assert (text.status, text.err) == (0, "")
    assert "the provider promises that linking has not changed since 1.0" in text.out
    table = json.loads(run(*arguments, "--series", file, "--format", "json").out)
    (fits,) = (each for each in table["reasons"] if each["kind"] == "series-fits")
    assert (fits["evidence"], fits["interface"]) == ("promise", "linking")
    assert fits["data"] == {
        "name": "linking", "built": "1.0", "is_recorded": False, "release": "1.1",
        "last_change": "1.0", "last_addition": "1.0",
    }  # fmt: skip
    assert run(*arguments, "--series", file, "--evidence", "proven").status == 3


def test_plan_believes_it(make: Factory, run: Run, file: Path) -> None:
    make.library("1.0"), make.library("1.1", header="int gift_open(int);\n"), make.linked()
    arguments = (
        *("plan", "--source", make.directory, "--bump", "gift==1.1", "--python", "3.11"),
        *("--platform", "manylinux_2_17_x86_64"),
    )
    assert run(*arguments).status == 3
    assert run(*arguments, "--series", file).status == 0


def test_several_files_add_up_and_a_wrong_one_is_refused(
    make: Factory, run: Run, file: Path, tmp_path: Path
) -> None:
    old, new = make.library("1.0"), make.library("1.1", header="int gift_open(int);\n")
    other = tmp_path / "other.toml"
    other.write_text(PROMISE.replace("gift", "else"))
    arguments = ("judge", make.linked(), "--old", old, "--new", new, "--series", other)
    assert run(*arguments).status == 3
    assert run(*arguments, "--series", file).status == 0
    other.write_text("series = 3")
    assert "wants [[series]] tables" in assert_refused(run(*arguments))
    other.unlink()
    assert "No such file" in assert_refused(run(*arguments))
