"""What an interpreter is asked, and that nothing of its distributions runs for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from resolver_check.errors import UsageError
from resolver_check.sources.interpreter_paths import named_cpython, site_directories


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A virtual environment of the interpreter that runs the tests."""
    place = tmp_path / "env"
    command = [sys.executable, "-m", "venv", "--without-pip", str(place)]
    subprocess.run(command, check=True, timeout=60)
    return place


def _site(environment: Path) -> Path:
    (found,) = environment.glob("lib/python*/site-packages")
    return found


def _python(environment: Path) -> Path:
    return environment / "bin" / "python"


def test_the_directory_of_a_virtual_environment(environment: Path) -> None:
    assert site_directories(_python(environment)) == (_site(environment),)


def test_one_that_sees_the_system_s_packages_has_its_own_first(environment: Path) -> None:
    file = environment / "pyvenv.cfg"
    text = file.read_text()
    file.write_text(text.replace("packages = false", "packages = true"))
    found = site_directories(_python(environment))
    assert found[0] == _site(environment)
    assert not any(each.is_relative_to(environment) for each in found[1:])
    assert set(_all_of_base(environment)) <= set(found[1:])


def _all_of_base(environment: Path) -> tuple[Path, ...]:
    home = (environment / "pyvenv.cfg").read_text().split("home = ")[1].splitlines()[0]
    return site_directories(Path(home, "python3"))


def test_no_code_of_a_path_file_is_run(environment: Path, tmp_path: Path) -> None:
    (_site(environment) / "x.pth").write_text(f"import os; os.mkdir({str(tmp_path / 'ran')!r})\n")
    site_directories(_python(environment))
    named_cpython(str(_python(environment)))
    assert not (tmp_path / "ran").exists()
    subprocess.run([_python(environment), "-c", ""], check=True, timeout=60)
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("answer", ["moon", "3", '{"a": 1}', "[1]", "null", ""])
def test_an_answer_of_another_shape_is_refused(tmp_path: Path, answer: str) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\necho '{answer}'\n")
    program.chmod(0o755)
    with pytest.raises(UsageError, match="does not say where"):
        site_directories(program)


def test_a_program_that_cannot_be_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not run"):
        site_directories(tmp_path / "no")
