"""Installers take what was built through the shim, and take it away again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.conftest import UV, MakeProject, Shell, check_wheel

pytestmark = [pytest.mark.end_to_end, pytest.mark.network, pytest.mark.slow]

CASES = ("setuptools", "hatchling", "flit_core", "poetry_core", "pdm_backend", "uv_build")


def files(venv: Path) -> set[Path]:
    """All but bytecode and the lock that uv leaves in an environment."""
    return {
        path for path in venv.rglob("*") if "__pycache__" not in path.parts and path.name != ".lock"
    }


@pytest.mark.parametrize("case", ["setuptools", "meson_python"])
def test_pip_and_uv_install_and_uninstall_without_a_trace(
    case: str, project: MakeProject, shell: Shell, tmp_path: Path
) -> None:
    wheel = shell.wheel("uv", project(case), tmp_path / "out")
    check_wheel(wheel, is_purelib=case == "setuptools")
    name = f"demo_{case}"
    python = shell.venv(tmp_path / "venv")
    before = files(tmp_path / "venv")
    pip = (python, "-m", "pip")
    uv = (UV, "pip")
    for installer, *chosen in ((pip,), (uv, "--python", python)):
        shell.run(*installer, "install", *chosen, wheel)
        shell.run(python, "-c", f"import {name}")
        read = (
            "import importlib.metadata as m; "
            f"print(m.distribution('{name}').read_text('wheel_abi_fingerprint.json'))"
        )
        assert '"schema_version"' in shell.run(python, "-c", read)
        yes = ("-y",) if installer is pip else ()
        shell.run(*installer, "uninstall", *yes, *chosen, name)
        assert files(tmp_path / "venv") == before


@pytest.mark.parametrize("case", [*CASES, "meson_python", "scikit_build_core"])
def test_an_editable_install_works_and_has_no_records(
    case: str, project: MakeProject, shell: Shell, tmp_path: Path
) -> None:
    source = project(case)
    python = shell.venv(tmp_path / "venv")
    if case in ("meson_python", "scikit_build_core"):
        # Their editable installs build again on import, with what is in the environment.
        shell.run(UV, "pip", "install", "--python", python, "ninja", "meson-python", "meson")
        shell.run(UV, "pip", "install", "--python", python, "scikit-build-core", "cmake")
        shell.run(UV, "pip", "install", "--python", python, "wheel-abi")
        install = ("-m", "pip", "install", "--no-build-isolation", "-e")
    else:
        install = ("-m", "pip", "install", "-e")
    path = f"{python.parent}:{shell.environ['PATH']}"
    shell.run(python, *install, source, PATH=path)
    shell.run(python, "-c", f"import demo_{case}", PATH=path)
    assert not list((tmp_path / "venv").rglob(f"demo_{case}*.dist-info/wheel_abi_*"))
    if case in CASES:
        shell.run(UV, "pip", "install", "--python", python, "--reinstall", "-e", source)
        shell.run(python, "-c", f"import demo_{case}")


def test_uv_installs_a_dependency_that_a_hatchling_build_hook_adds(
    project: MakeProject, shell: Shell, tmp_path: Path
) -> None:
    source = project("hatchling_dynamic")
    python = shell.venv(tmp_path / "venv")
    shell.run(UV, "pip", "install", "--python", python, source)
    shell.run(python, "-c", "import six, demo_hatchling_dynamic")


def test_pip_installs_a_dependency_that_a_hatchling_build_hook_adds(
    project: MakeProject, shell: Shell, tmp_path: Path
) -> None:
    source = project("hatchling_dynamic")
    python = shell.venv(tmp_path / "venv")
    shell.run(python, "-m", "pip", "install", source)
    shell.run(python, "-c", "import six, demo_hatchling_dynamic")
