"""Wheels that real builds make for one CPython, reused by another where they can be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import packaging
import pytest

from resolver_check.sources.interpreter_platform import asked_interpreter
from tests.end_to_end.conftest import UV, MakeProject, Shell

pytestmark = [pytest.mark.end_to_end, pytest.mark.network, pytest.mark.slow]

VERSIONS = ("3.10", "3.11", "3.12", "3.13")
REUSE = (sys.executable, "-m", "resolver_check", "reuse", "--wheel-dir")


def pythons() -> dict[str, Path]:
    """CPythons of this machine by their versions."""
    found = {}
    for version in VERSIONS:
        for path in sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python")):
            found[version] = path
    return found


@pytest.fixture(scope="module")
def two() -> tuple[Path, Path]:
    found = [*pythons().values()]
    if len(found) < 2:
        pytest.skip("there are no two CPythons")
    return found[0], found[-1]


@pytest.mark.parametrize("version", VERSIONS)
def test_an_interpreter_accepts_what_its_packaging_says(version: str) -> None:
    python = pythons().get(version)
    if python is None:
        pytest.skip(f"there is no CPython {version}")
    own = subprocess.run(
        [python, "-c", "from packaging.tags import sys_tags; print(*sys_tags())"],
        env={**os.environ, "PYTHONPATH": str(Path(packaging.__file__).parents[1])},
        capture_output=True, text=True, check=True, timeout=60,
    ).stdout.split()  # fmt: skip
    assert sorted(map(str, asked_interpreter(str(python)).tags)) == sorted(own)


def _stable(source: Path) -> Path:
    """The project `setup_py`, told to keep to the stable ABI of 3.10."""
    script = (source / "setup.py").read_text()
    options = "py_limited_api=True, define_macros=[('Py_LIMITED_API', '0x030a0000')], extra"
    (source / "setup.py").write_text(script.replace("extra", options, 1))
    (source / "setup.cfg").write_text("[bdist_wheel]\npy_limited_api = cp310\n")
    return source


@pytest.mark.parametrize(
    ("kind", "folder", "module", "last"),
    [
        ("pure", "flit_core", "demo_flit_core", "reused"),
        ("stable", "setup_py", "demo_setup_py", "reused"),
        ("regular", "setup_py", "demo_setup_py", "built"),
    ],
)
def test_a_loop_over_interpreters_builds_no_more_than_it_must(
    shell: Shell, project: MakeProject, tmp_path: Path, two: tuple[Path, Path],
    kind: str, folder: str, module: str, last: str,
) -> None:  # fmt: skip
    source = project(folder)
    if kind == "stable":
        source = _stable(source)
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    options = [] if kind == "pure" else ["--extensions"]
    for how, python in zip(("built", last), two, strict=True):
        served = shell.run(
            *REUSE, wheels, "--python", python, *options, status=1 if how == "built" else 0
        )
        if how == "built":
            place = tmp_path / "new" / python.parents[1].name
            build = (UV, "build", "--python", python, "--wheel", "--out-dir", place)
            shell.run(*build, source)
            (wheel,) = place.glob("*.whl")
            wheel = wheel.rename(wheels / wheel.name)
        else:
            wheel = Path(served.strip())
        target = tmp_path / "image" / python.parents[1].name
        install = (UV, "pip", "install", "--python", python, "--no-deps", "--target", target)
        shell.run(*install, wheel)
        shell.run(python, "-c", f"import {module}", PYTHONPATH=str(target))
    # The records say which interpreter each was built with, so that each has its own now.
    asked = [word for python in two for word in ("--python", python)]
    table = json.loads(shell.run(*REUSE, wheels, *asked, "--format", "json"))
    (release,) = table["releases"]
    found = {each["wheel"] for each in release["interpreters"]}
    assert found == {each.name for each in wheels.iterdir()}
    assert len(found) == (1 if last == "reused" else 2)
