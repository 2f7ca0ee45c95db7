"""`resolver-check env`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from backend_shim.embed import embed
from tests.backend_shim.record.example_inputs import INPUTS
from tests.resolver_check.cli.conftest import Run, assert_refused
from tests.resolver_check.conftest import Factory
from tests.support.installed_wheels import install_wheels, site_of


@pytest.fixture
def broken(make: Factory, tmp_path: Path) -> Path:
    wheels = [make.numpy_2(), make.for_numpy_1("old"), make.for_both("both"), make.pure("pure")]
    return install_wheels(tmp_path / "env", *wheels)


def test_what_does_not_fit_and_what_to_do(broken: Path, run: Run) -> None:
    text = run("env", "--path", broken)
    assert (text.status, text.err) == (1, "")
    first, reason, *_ = text.out.splitlines()
    assert first == "invalid: old 1.0 with numpy 2.0.2"
    assert "compiled for NumPy ABI 1; NumPy 2.0.2 has ABI 2" in reason
    assert (
        "what to do: install a numpy with ABI 1; or install a old that accepts ABI 2; "
        "or rebuild old with numpy 2.0.2"
    ) in text.out
    assert text.out.splitlines()[-1] == "6 pairs: 5 valid, 1 invalid, 0 unknown"
    assert "both 1.0 with" not in text.out
    assert "valid: both 1.0 with numpy 2.0.2" in run("env", "--path", broken, "--all").out


def test_for_programs(broken: Path, run: Run) -> None:
    table = json.loads(run("env", "--path", broken, "--format", "json").out)
    assert table["pairs"] == {"valid": 5, "invalid": 1, "unknown": 0}
    assert table["directories"] == [str(broken)]
    assert [each["name"] for each in table["installed"]] == ["both", "numpy", "old", "pure"]
    (fit,) = table["fits"]
    assert fit["consumer"] == {"name": "old", "version": "1.0"}
    assert fit["provider"] == {"name": "numpy", "version": "2.0.2"}
    assert fit["is_declared"] is True
    assert fit["what_to_do"][0] == "install a numpy with ABI 1"
    assert fit["reasons"][0]["kind"] == "numpy-abi-refused"
    table = json.loads(run("env", "--path", broken, "--all", "--format", "json").out)
    assert len(table["fits"]) == 6


def test_all_fits(make: Factory, tmp_path: Path, run: Run) -> None:
    site = install_wheels(tmp_path / "env", make.numpy_2(), make.for_both("both"))
    text = run("env", "--path", site)
    assert (text.status, text.out) == (0, "2 pairs: 2 valid, 0 invalid, 0 unknown\n")
    assert run("env", "--path", site, "--evidence", "proven").status == 3


def test_nothing_is_installed(tmp_path: Path, run: Run) -> None:
    text = run("env", "--path", site_of(tmp_path))
    assert (text.status, text.out) == (0, "0 pairs: 0 valid, 0 invalid, 0 unknown\n")


def test_unknown_pairs_by_provider_and_the_others_by_number(
    make: Factory, tmp_path: Path, run: Run
) -> None:
    wheels = [make.numpy_2(), make.library("1.0"), make.extension("other", strings=("gift",))]
    wheels += [make.linked(f"taker{number}") for number in range(8)]
    site = install_wheels(tmp_path / "env", *wheels)
    text = run("env", "--path", site)
    assert text.status == 3
    names = ", ".join(f"taker{number} 1.0" for number in range(6))
    assert f"unknown: with gift 1.0: {names} and 2 more\n" in text.out
    assert "unknown: 1 pair of which the one does not declare" in text.out
    assert "unknown: other 1.0 with gift 1.0\n" in run("env", "--path", site, "--all").out


def test_what_cannot_be_read_is_unknown(broken: Path, run: Run) -> None:
    next(broken.glob("old-*/RECORD")).unlink()
    text = run("env", "--path", broken)
    assert text.status == 3
    assert text.out.splitlines() == [
        "unknown: old-1.0: there is no list of its files",
        "2 pairs: 2 valid, 0 invalid, 0 unknown; 1 distribution not read",
    ]
    table = json.loads(run("env", "--path", broken, "--format", "json").out)
    assert table["skipped"] == [{"name": "old-1.0", "why": "there is no list of its files"}]


def _program(path: Path, *, version: str, places: list[Path]) -> Path:
    """What answers as an interpreter does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    answer = json.dumps([str(each) for each in places])
    path.write_text(f"#!/bin/sh\ncase $4 in *json*) echo '{answer}';; *) echo {version};; esac\n")
    path.chmod(0o755)
    return path


def test_the_interpreter_is_judged_as_well(
    make: Factory, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make.extension("taker")
    embed(wheel, build_inputs=INPUTS, looked_for=())
    site = install_wheels(tmp_path / "env", wheel)
    python = _program(tmp_path / "env" / "bin" / "python", version="3.12.1", places=[site])
    text = run("env", "--python", python)
    assert text.status == 1
    assert text.out.startswith("invalid: taker 1.0 with python 3.12.1\n")
    assert "install a taker that is made for CPython 3.12.1" in text.out
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "env"))
    assert run("env") == text
    # That of the record's build.
    _program(python, version="3.11.7", places=[site])
    text = run("env", "--path", site, "--python", python)
    assert (text.status, text.out) == (0, "1 pair: 1 valid, 0 invalid, 0 unknown\n")


def test_by_default_it_is_the_interpreter_that_runs(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.setattr(sys, "executable", str(_program(
        tmp_path / "python", version="3.11.7", places=[site_of(tmp_path)]
    )))  # fmt: skip
    assert run("env").status == 0


def test_an_interpreter_that_is_not_there_is_refused(tmp_path: Path, run: Run) -> None:
    assert "no such interpreter" in assert_refused(run("env", "--python", tmp_path / "no"))


@pytest.fixture
def chosen(make: Factory, broken: Path) -> Path:
    """Where there are several versions of what is installed."""
    make.numpy_1("1.25.0")
    make.numpy_1("1.26.4")
    make.numpy_1("1.22.0")
    return make.directory


def test_constraints_of_what_is_known_to_fit(chosen: Path, broken: Path, run: Run) -> None:
    file = chosen / "constraints.txt"
    text = run("env", "--path", broken, "--index", chosen, "--constraints", file)
    assert text.status == 1
    (line,) = file.read_text().splitlines()
    specifier, _, consumers = line.partition("  # ")
    assert consumers == "both, old"
    requirement = Requirement(specifier)
    assert requirement.name == "numpy"
    fitting = requirement.specifier.filter(["1.22.0", "1.25.0", "1.26.4", "2.0.2"])
    assert list(fitting) == ["1.25.0", "1.26.4"]


def test_where_nothing_fits_constraints_say_so(
    make: Factory, broken: Path, run: Run, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    index.mkdir()
    next(make.directory.glob("numpy-2.0.2*")).rename(index / "numpy-2.0.2-py3-none-any.whl")
    file = tmp_path / "constraints.txt"
    run("env", "--path", broken, "--index", index, "--constraints", file)
    first, second = file.read_text().splitlines()
    assert first == "# numpy: none is known to fit old"
    assert Requirement(second.partition("  # ")[0]).specifier.contains("2.0.2")


@pytest.mark.parametrize("option", ["--index", "--constraints"])
def test_constraints_and_an_index_go_together(broken: Path, run: Run, option: str) -> None:
    assert "needs an --index" in assert_refused(run("env", "--path", broken, option, broken / "x"))
