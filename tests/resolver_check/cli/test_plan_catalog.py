"""`resolver-check plan --catalog`: a bump over what was scanned."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from backend_shim.embed import embed
from tests.resolver_check.cli.conftest import NEW, Run, assert_refused
from tests.resolver_check.conftest import TAG, Factory
from tests.support.plan_schema import PLAN_SCHEMA


@pytest.fixture
def file(make: Factory, tmp_path: Path, run: Run) -> Path:
    """A catalog of two NumPys, one wheel for the older one, one beside it and a pure one."""
    make.numpy_1()
    make.numpy_2()
    embed(make.for_numpy_1("low"), build_inputs=None, looked_for=["numpy"])
    embed(make.extension("beside"), build_inputs=None, looked_for=["numpy"])
    make.extension("unsearched")
    make.pure("plain", requires=["low"])
    path = tmp_path / "catalog.db"
    assert run("scan", make.directory, "--catalog", path).status == 0
    return path


def test_what_is_reached_is_listed_and_the_rest_counted(file: Path, run: Run) -> None:
    ran = run("plan", "--catalog", file, "--bump", "numpy==2.0.2", *NEW)
    assert (ran.status, ran.err) == (1, "")
    assert ran.out.splitlines()[:3] == [
        "numpy: 1.26.4 -> 2.0.2",
        "2 wheels for CPython 3.11 on manylinux_2_28_x86_64: "
        "keep 0, rebuild 1, unknown 1, conditional 0",
        "kept and not listed, for nothing bumped reaches them: 1 without binaries, "
        "1 that were searched and show no trace",
    ]
    assert "the catalog does not say enough of unsearched-1.0" in ran.out


def test_as_json(file: Path, run: Run) -> None:
    ran = run("plan", "--catalog", file, "--bump", "numpy==2.0.2", "--format", "json", *NEW)
    table = json.loads(ran.out)
    PLAN_SCHEMA.validate(table)
    assert table["not_reached"] == {"pure": 1, "unbound": 1}
    assert table["rebuild"] == [f"low-1.0-{TAG}.whl"]
    assert table["unknown"] == [f"unsearched-1.0-{TAG}.whl"]


def test_all_can_be_listed_and_what_is_unknown_opened(
    file: Path, run: Run, make: Factory, tmp_path: Path
) -> None:
    page = tmp_path / "plan.html"
    ran = run(
        *("plan", "--catalog", file, "--bump", "numpy==2.0.2", "--all", "--open"),
        *("--source", make.directory, "--format", "json", "--html", page, *NEW),
    )
    table = json.loads(ran.out)
    assert {name: len(table[name]) for name in ("keep", "rebuild", "unknown")} == {
        "keep": 3,
        "rebuild": 1,
        "unknown": 0,
    }
    assert table["not_reached"] == {"pure": 0, "unbound": 0}
    assert "unsearched" in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (["--bump", "other==1"], "the source has no project other"),
        ([], "--bump or --gone says what is planned"),
        (["--bump", "numpy==2.0.2", "--source", "elsewhere"], "--source has to be one of"),
        (["--bump", "numpy==2.0.2", "--source", "a", "--source", "b"], "for one --source"),
        (["--bump", "numpy==2.0.2", "--state", "state.json"], "takes no --state"),
        (["--bump", "numpy==2.0.2", "--from", "numpy==1.0"], "no wheel of numpy 1.0"),
    ],
)
def test_what_it_cannot_answer(file: Path, run: Run, arguments: list[str], wrong: str) -> None:
    ran = run("plan", "--catalog", file, *arguments, *NEW)
    assert wrong in assert_refused(ran)


def test_a_file_that_is_no_catalog_is_refused(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "no.db"
    bump = ("--bump", "numpy==2.0.2")
    assert "there is no catalog" in assert_refused(run("plan", "--catalog", path, *bump))
    path.write_bytes(b"text")
    assert "no.db" in assert_refused(run("plan", "--catalog", path, *bump))


def test_what_is_for_catalogs_only_is_refused_without_one(run: Run, make: Factory) -> None:
    make.numpy_1()
    ran = run("plan", "--source", make.directory, "--bump", "numpy==2.0.2", "--all", *NEW)
    assert "for a plan from a --catalog" in assert_refused(ran)


def test_without_numpy_it_is_said_what_to_install(
    file: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "resolver_check.catalog_plan", None)
    ran = run("plan", "--catalog", file, "--bump", "numpy==2.0.2", *NEW)
    assert "pip install 'wheel-abi[check,fast]'" in assert_refused(ran)
