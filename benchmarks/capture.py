"""CPU of a build with the shim ÷ without it, paired.

A small C project and one real package are built by their backends' own `build_wheel` hook and by
that of the shim around it, in turn and each in a process of its own; all processes of a build
count, the one that watches included. The minima of the CPU seconds are compared.

Exit status 1 where the ratio of the real package is above 1.05.

    python benchmarks/capture.py [--runs N] [--small-runs N]
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from wrapped_sdist import wrapped_sdist

ROOT = Path(__file__).parents[1]
REAL = "contourpy==1.3.3"
BOUND = 1.05
SMALL_PYPROJECT = """\
[build-system]
requires = ["setuptools>=77", "wheel-abi"]
build-backend = "backend_shim.hooks"

[project]
name = "small"
version = "1.0"

[tool.setuptools]
ext-modules = [{name = "small", sources = ["small.c"]}]

[tool.wheel-abi]
build-backend = "setuptools.build_meta"
"""
SMALL_C = """\
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "small", 0, 0, 0, 0, 0, 0, 0};
PyMODINIT_FUNC PyInit_small(void) { return PyModule_Create(&module); }
"""


@dataclass(frozen=True)
class Project:
    """A source tree and an environment with all that its build requires."""

    name: str
    source: Path
    python: Path
    backend: str


def environment(place: Path, requirements: list[str]) -> Path:
    """The interpreter of a virtual environment with `requirements` and the shim."""
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    python = place / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, os.fspath(ROOT), *requirements], check=True)
    return python


def small_project(place: Path) -> Project:
    source = place / "small"
    source.mkdir()
    (source / "pyproject.toml").write_text(SMALL_PYPROJECT)
    (source / "small.c").write_text(SMALL_C)
    python = environment(place / "small-env", ["setuptools==80.9.0"])
    return Project("small C project", source, python, "setuptools.build_meta")


def real_project(place: Path) -> Project:
    source, build_system = wrapped_sdist(REAL, place / "real")
    python = environment(place / "real-env", [*build_system["requires"], "ninja"])
    return Project(REAL, source, python, build_system["build-backend"])


def cpu_seconds(project: Project, module: str, out: Path) -> float:
    """CPU seconds of all processes of one build by the hook of `module`, in a fresh tree."""
    tree = out / "tree"
    shutil.copytree(project.source, tree)
    program = f"import {module} as backend; backend.build_wheel({os.fspath(out)!r})"
    path = f"{project.python.parent}{os.pathsep}{os.environ['PATH']}"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    built = subprocess.run(
        [project.python, "-c", program],
        cwd=tree,
        env={**os.environ, "PATH": path, "CCACHE_DISABLE": "1"},  # meson takes it by itself
        capture_output=True,
        text=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if built.returncode or not list(out.glob("*.whl")):
        raise SystemExit(f"{project.name} was not built:\n{built.stdout}{built.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(project: Project, runs: int) -> float:
    """CPU seconds with the shim ÷ without it."""
    seconds: dict[str, float] = {}
    for _ in range(runs):
        for module in (project.backend, "backend_shim.hooks"):
            with tempfile.TemporaryDirectory() as out:
                found = cpu_seconds(project, module, Path(out))
            seconds[module] = min(found, seconds.get(module, float("inf")))
    plain, shim = seconds.values()
    print(f"{project.name:16} {shim:.2f} s ÷ {plain:.2f} s = {shim / plain:.3f}", flush=True)
    return shim / plain


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3, help="builds of the real package each way")
    parser.add_argument("--small-runs", type=int, default=9, help="builds of the small project")
    parsed = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        compare(small_project(Path(directory)), parsed.small_runs)
        ratio = compare(real_project(Path(directory)), parsed.runs)
    return int(ratio > BOUND)


if __name__ == "__main__":
    sys.exit(main())
