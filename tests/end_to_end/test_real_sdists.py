"""Real projects from the index, one of each kind, built through the shim by every front end."""

from __future__ import annotations

import json
import re
import shutil
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend_shim.record.names import FINGERPRINT
from tests.end_to_end.conftest import (
    FRONT_ENDS,
    UV,
    Shell,
    build_inputs,
    check_installed,
    check_wheel,
    dist_info,
)

pytestmark = [pytest.mark.end_to_end, pytest.mark.network, pytest.mark.slow]


@dataclass(frozen=True, slots=True, kw_only=True)
class RealProject:
    requirement: str
    backend: str
    """The distribution that the backend comes from."""
    module: str
    is_purelib: bool = False
    is_written_early: bool = False
    """The hooks before `build_wheel` write into its tree: generated C, a version file."""
    takes_minutes: bool = False
    """To build: one front end has to do."""
    interfaces: tuple[str, ...] = ()
    """What the fingerprint must at least say that it requires."""


PROJECTS = (
    RealProject(
        requirement="bottleneck==1.6.0",
        backend="setuptools",
        module="bottleneck",
        interfaces=("cpython", "numpy-c-api"),
    ),
    RealProject(
        requirement="cftime==1.6.5",
        backend="setuptools",
        module="cftime",
        is_written_early=True,
        interfaces=("cpython", "numpy-c-api"),
    ),
    RealProject(
        requirement="contourpy==1.3.3",
        backend="meson-python",
        module="contourpy",
        takes_minutes=True,
        interfaces=("cpython",),
    ),
    RealProject(
        requirement="spglib==2.6.0",
        backend="scikit-build-core",
        module="spglib",
        is_written_early=True,
        interfaces=("cpython",),
    ),
    RealProject(
        requirement="platformdirs==4.3.8",
        backend="hatchling",
        module="platformdirs",
        is_purelib=True,
    ),
)


@pytest.fixture(scope="module")
def sdists(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpacked sdists, each in a folder of its module's name, made to build through the shim."""
    place = tmp_path_factory.mktemp("sdists")
    for real in PROJECTS:
        pip = (sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", real.module)
        shell.run(*pip, "--dest", place / "downloads", real.requirement)
        (sdist,) = (place / "downloads").glob(f"{real.module}-*.tar.gz")
        with tarfile.open(sdist) as archive:
            archive.extractall(place / "unpacked", filter="data")
        (place / "unpacked" / sdist.name.removesuffix(".tar.gz")).rename(place / real.module)
        wrap(place / real.module / "pyproject.toml")
    return place


@pytest.fixture(scope="module")
def sources() -> dict[str, object]:
    """What was recorded of each source tree: every front end must see the same."""
    return {}


def wrap(path: Path) -> None:
    """Put the shim around the backend that `path` names."""
    text = path.read_text()
    table = re.search(r"^\[build-system\]\n(?:(?!\[[^\]\n]*\]\s*\n).*\n?)*", text, re.MULTILINE)
    assert table is not None
    own = table[0]
    named = re.search(r'^build-backend\s*=\s*["\'](.*)["\']', own, re.MULTILINE)
    backend = named[1] if named else "setuptools.build_meta:__legacy__"
    wrapped = re.sub(r"^build-backend.*\n?", "", own, flags=re.MULTILINE)
    wrapped = re.sub(
        r"^requires\s*=\s*\[", 'requires = ["wheel-abi", ', wrapped, flags=re.MULTILINE
    )
    wrapped = wrapped.rstrip() + '\nbuild-backend = "backend_shim.hooks"\n\n'
    text = text.replace(own, wrapped)
    path.write_text(f'{text}\n[tool.wheel-abi]\nbuild-backend = "{backend}"\nstrict = true\n')


@pytest.mark.parametrize(
    ("real", "front_end"),
    [
        pytest.param(real, front_end, id=f"{real.module}-{front_end}")
        for real in PROJECTS
        for front_end in FRONT_ENDS
        if front_end == "build" or not real.takes_minutes
    ],
)
def test_a_real_project_carries_its_records(
    real: RealProject,
    front_end: str,
    sdists: Path,
    sources: dict[str, object],
    shell: Shell,
    tmp_path: Path,
) -> None:
    source = Path(shutil.copytree(sdists / real.module, tmp_path / "fresh" / real.module))
    wheel = shell.wheel(front_end, source, tmp_path / "out")
    check_wheel(wheel, is_purelib=real.is_purelib)
    definition = build_inputs(wheel)
    assert definition["internalParameters"]["backend"]["distribution"] == real.backend
    found = definition["externalParameters"]["source"]
    assert real.is_written_early or sources.setdefault(real.module, found) == found
    fingerprint = json.loads(dist_info(wheel)[FINGERPRINT])
    required = {each["interface"] for each in fingerprint["requires"]}
    assert set(real.interfaces) <= required
    assert fingerprint["unread"] == []
    if front_end == "build":
        check_installation(real, wheel, shell, tmp_path)


def check_installation(real: RealProject, wheel: Path, shell: Shell, tmp_path: Path) -> None:
    """pip, uv and installer put it into an environment where RECORD holds and import works."""
    python = shell.venv(tmp_path / "venv")
    uv = (UV, "pip", "install", "--python", python)
    shell.run(*uv, "--reinstall", wheel, "installer")
    check_installed_module(real, python, shell)
    shell.run(python, "-m", "pip", "install", "--force-reinstall", "--no-deps", wheel)
    check_installed_module(real, python, shell)
    shell.run(python, "-m", "pip", "uninstall", "-y", real.module)
    shell.run(python, "-m", "installer", wheel)
    check_installed_module(real, python, shell)


def check_installed_module(real: RealProject, python: Path, shell: Shell) -> None:
    say_where = (
        f"import {real.module}, importlib.metadata as metadata; "
        f"print(metadata.distribution('{real.module}')._path)"
    )
    info = Path(shell.run(python, "-W", "ignore", "-c", say_where).splitlines()[-1])
    assert (info / FINGERPRINT).is_file()
    check_installed(info)
