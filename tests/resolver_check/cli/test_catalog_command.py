"""`resolver-check catalog`: questions to what was scanned."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend_shim.embed import embed
from tests.backend_shim.record.example_inputs import INPUTS
from tests.resolver_check.cli.conftest import Run, assert_refused
from tests.resolver_check.conftest import TAG, Factory

BAD = "bad-1.0-py3-none-any.whl"


@pytest.fixture
def file(make: Factory, tmp_path: Path, run: Run) -> Path:
    """A catalog of one provider, five consumers and a file that is no wheel."""
    make.library("1.0")
    make.linked()
    make.extension("namer", strings=("gift.part",), requires=["gift"])
    make.extension("stranger", requires=["gift"])
    make.pure("plain", requires=["gift"])
    recorded = make.extension("recorded", requires=["gift"])
    embed(recorded, build_inputs=INPUTS, looked_for={"gift", "libgift.so.1"})
    (make.directory / BAD).write_bytes(b"bad")
    path = tmp_path / "catalog.db"
    assert run("scan", make.directory, "--catalog", path).status == 0
    return path


def test_who_binds(file: Path, run: Run) -> None:
    ran = run("catalog", file, "--binds-to", "Gift")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        f"namer-1.0-{TAG}.whl: names gift",
        f"taker-1.0-{TAG}.whl: needs libgift.so.1",
        "unknown:",
        f"  stranger-1.0-{TAG}.whl: was not searched for libgift.so.1",
        f"  {BAD}: is not a zip archive, or cut short (File is not a zip file)",
    ]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        (["--imports", "gift_open"], ["taker"]),
        (["--imports", "gift_shut"], []),
        (["--needs", "libgift.so.1"], ["taker"]),
        (["--needs", "libgift.so"], []),
        (["--without-records"], ["gift", "namer", "plain", "stranger", "taker"]),
        (["--unreadable"], ["bad"]),
    ],
)
def test_the_other_questions(file: Path, run: Run, question: list[str], found: list[str]) -> None:
    table = json.loads(run("catalog", file, *question, "--format", "json").out)
    assert [each["project"] for each in table["wheels"]] == found
    unknown = [] if question == ["--unreadable"] else ["bad"]
    assert [each["project"] for each in table["unknown"]] == unknown


def test_json_says_which_file_is_meant(file: Path, make: Factory, run: Run) -> None:
    table = json.loads(run("catalog", file, "--needs", "libgift.so.1", "--format", "json").out)
    (wheel,) = table["wheels"]
    path = make.directory / f"taker-1.0-{TAG}.whl"
    assert (wheel["location"], wheel["version"], wheel["detail"]) == (str(path), "1.0", "")
    assert len(wheel["sha256"]) == 64


@pytest.mark.parametrize(
    "question", [[], ["--needs", "a", "--imports", "b"], ["--without-records", "--unreadable"]]
)
def test_asks_one_question_at_a_time(file: Path, run: Run, question: list[str]) -> None:
    assert "ask one of --binds-to" in assert_refused(run("catalog", file, *question))


def test_what_cannot_be_asked_is_refused(file: Path, run: Run) -> None:
    wrong = run("catalog", file, "--binds-to", "not a name")
    assert "--binds-to wants the name of a project" in assert_refused(wrong)
    missing = run("catalog", file.with_name("nowhere"), "--unreadable")
    assert "there is no catalog" in assert_refused(missing)
    file.write_bytes(file.read_bytes()[:5000])
    assert "the catalog cannot be used" in assert_refused(run("catalog", file, "--unreadable"))
