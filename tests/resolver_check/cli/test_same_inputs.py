"""What the build read, and `--strict-build-requirements`, in `judge` and `plan`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.resolver_check.cli.conftest import Run
from tests.resolver_check.conftest import Factory
from tests.support.read_sets import read_of, record

HEADERS = ("gift/include/gift.h", "gift/include/more.h")
STRICT = "--strict-build-requirements"


@pytest.fixture
def wheels(make: Factory) -> tuple[Path, Path, Path]:
    """A consumer that was built with the old provider, and that one and the new one."""
    files = {HEADERS[1]: b"#define MORE 1\n"}
    old, new = (make.library(version, files=files) for version in ("1.0", "1.1"))
    return record(make.linked(), read_of(old, *HEADERS)), old, new


def test_judge_says_how_many_files_were_read(wheels: tuple[Path, Path, Path], run: Run) -> None:
    consumer, old, new = wheels
    arguments = ("judge", consumer, "--old", old, "--new", new, "--evidence", "proven")
    text = run(*arguments)
    assert (text.status, text.err) == (0, "")
    assert "+ linking: same inputs: all 2 files that its build read" in text.out
    table = json.loads(run(*arguments, "--format", "json").out)
    (reason,) = (each for each in table["reasons"] if each["evidence"] == "same-inputs")
    assert (reason["kind"], reason["data"]["files"]) == ("read-files-unchanged", 2)


def test_judge_strictly(wheels: tuple[Path, Path, Path], run: Run) -> None:
    consumer, old, new = wheels
    arguments = ("judge", consumer, "--old", old, "--new", new, STRICT)
    text = run(*arguments)
    assert (text.status, text.err) == (3, "")
    assert "? it was built with gift 1.0, not with gift 1.1" in text.out
    kinds = [
        each["kind"] for each in json.loads(run(*arguments, "--format", "json").out)["reasons"]
    ]
    assert kinds[0] == "build-requirement-changed"


def test_plan_says_how_many_files_were_read(wheels: tuple[Path, Path, Path], run: Run) -> None:
    asked = ("--python", "3.11", "--platform", "manylinux_2_28_x86_64", "--bump", "gift==1.1")
    arguments = ("plan", "--source", wheels[0].parent, *asked)
    text = run(*arguments)
    assert (text.status, text.err) == (0, "")
    assert "same inputs: all 2 files that its build read" in text.out
    (wheel,) = json.loads(run(*arguments, "--format", "json").out)["wheels"]
    found = [each["evidence"] for each in wheel["providers"]["gift"]["reasons"]]
    assert found[0] == "same-inputs"


def test_plan_strictly(wheels: tuple[Path, Path, Path], make: Factory, run: Run) -> None:
    make.pure("plain", requires=["gift"])
    make.extension("alone")
    asked = ("--python", "3.11", "--platform", "manylinux_2_28_x86_64", "--bump", "gift==1.1")
    arguments = ("plan", "--source", wheels[0].parent, *asked)
    assert "keep 3, rebuild 0, unknown 0" in run(*arguments).out
    text = run(*arguments, STRICT)
    assert (text.status, text.err) == (3, "")
    assert "keep 1, rebuild 0, unknown 2" in text.out
    assert "it was built with gift 1.0, not with gift 1.1" in text.out
    assert "it has no record of what it was built with, which may not be gift 1.1" in text.out
