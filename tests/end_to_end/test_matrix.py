"""Every backend under every front end.

The rows are `CASES`, the columns `BUILDERS` and, twice, `INSTALLERS`. A builder gives a wheel with
its records; an installer puts it, records and all, where it can be used, and takes it away without
a trace. An editable installation the shim passes through: it works, and has no records. Where
something is compiled, a cell compiles it once.

gpep517 builds wheels only, in an environment that has the backend. A project that compiles again
when it is imported (meson-python) is installed without isolation.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.end_to_end.cases import Case
from tests.end_to_end.compile_log import CompileLog, start_compile_log
from tests.end_to_end.conftest import (
    FRONT_ENDS,
    GPEP517,
    UV,
    MakeProject,
    Shell,
    build_inputs,
    check_installed,
    check_records,
    check_wheel,
)

pytestmark = [pytest.mark.end_to_end, pytest.mark.network, pytest.mark.slow]

BUILDERS: Final = ("build", "pip wheel", "uv build", "gpep517")
INSTALLERS: Final = ("pip install", "uv pip install")


@pytest.fixture
def log(tmp_path: Path, local: Shell, backends: Path) -> CompileLog:
    """gpep517 and editable installs without isolation find the tools beside the backends."""
    return start_compile_log(tmp_path / "log", f"{backends.parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture(scope="module")
def python(local: Shell, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with pip and nothing else."""
    return local.venv(tmp_path_factory.mktemp("bare") / "venv")


def build_command(front_end: str, source: Path, out: Path, backends: Path) -> list[str | Path]:
    commands: dict[str, Sequence[str | Path]] = {
        # The installer is not under test, and uv is the faster one.
        "build": [*FRONT_ENDS["build"][:3], "--installer", "uv", "--wheel", "--outdir"],
        "pip wheel": FRONT_ENDS["pip"],
        "uv build": FRONT_ENDS["uv"],
        "gpep517": [backends, *GPEP517],
    }
    return [*commands[front_end], out, *([] if front_end == "gpep517" else [source])]


@pytest.mark.parametrize("front_end", BUILDERS)
def test_a_wheel_carries_its_records(
    case: Case,
    front_end: str,
    project: MakeProject,
    local: Shell,
    backends: Path,
    log: CompileLog,
    tmp_path: Path,
) -> None:
    source, out = project(case.folder), tmp_path / "out"
    out.mkdir()
    local.run(*build_command(front_end, source, out, backends), cwd=source, **log.environ)
    (wheel,) = out.glob("*.whl")
    check_wheel(wheel, is_purelib=case.is_purelib)
    assert case.compiled is None or log.count(case.compiled) == 1
    definition = build_inputs(wheel)
    backend = definition["internalParameters"]["backend"]
    requirements = {each["name"] for each in definition["resolvedDependencies"]}
    assert backend["name"] == case.backend
    assert {"wheel-abi", backend["distribution"]} <= requirements
    with zipfile.ZipFile(wheel) as archive:
        assert not [name for name in archive.namelist() if "backend_shim" in name]


@pytest.mark.parametrize("front_end", INSTALLERS)
def test_an_installation_has_its_records_and_leaves_nothing_behind(
    case: Case,
    front_end: str,
    project: MakeProject,
    local: Shell,
    python: Path,
    log: CompileLog,
) -> None:
    with installed(case, front_end, [project(case.folder)], python, local, log) as info:
        check_records(files_of(info), is_purelib=case.is_purelib)


@pytest.mark.parametrize("front_end", INSTALLERS)
def test_an_editable_installation_works_without_records_and_leaves_nothing_behind(
    case: Case,
    front_end: str,
    project: MakeProject,
    local: Shell,
    python: Path,
    backends: Path,
    log: CompileLog,
) -> None:
    what = ["-e", project(case.folder)]
    if case.builds_on_import:
        python, what = backends, ["--no-build-isolation", *what]
    with installed(case, front_end, what, python, local, log) as info:
        assert not [name for name in files_of(info) if name.startswith("wheel_abi")]


def files_of(info: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in info.iterdir() if path.is_file()}


def tree(python: Path) -> set[Path]:
    """All of an environment but bytecode and the lock that uv leaves."""
    found = python.parents[1].rglob("*")
    return {path for path in found if "__pycache__" not in path.parts and path.name != ".lock"}


@contextmanager
def installed(
    case: Case,
    front_end: str,
    what: Sequence[str | Path],
    python: Path,
    local: Shell,
    log: CompileLog,
) -> Iterator[Path]:
    """The `.dist-info` of the project while it is installed; it works, and goes without a trace."""
    is_pip = front_end == "pip install"
    pip = [python, "-m", "pip"] if is_pip else [UV, "pip"]
    chosen: list[str | Path] = [] if is_pip else ["--python", python]
    before = tree(python)
    local.run(*pip, "install", *chosen, *what, **log.environ)
    (info,) = python.parents[1].rglob(f"{case.distribution}-1.0*.dist-info")
    check_installed(info)
    if case.program:
        assert local.run(python.parent / case.program) == "42\n"
    local.run(python, "-c", case.check, **log.environ)
    assert case.compiled is None or log.count(case.compiled) == 1
    yield info
    added = [name for name in ("six",) if case.folder == "hatchling_dynamic"]
    yes = ["-y"] if is_pip else []
    local.run(*pip, "uninstall", *yes, *chosen, case.distribution, *added)
    assert tree(python) == before
