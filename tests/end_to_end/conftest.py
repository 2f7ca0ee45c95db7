"""Real front ends and backends: the projects to build, and the shim in a wheelhouse of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import jsonschema
import pytest
from installer.sources import WheelFile
from uv import find_uv_bin

from backend_shim.cli import main
from backend_shim.record.names import BUILD_INPUTS, FINGERPRINT, SYMBOLS

ROOT: Final = Path(__file__).parents[2]
PROJECTS: Final = ROOT / "tests" / "projects"
UV: Final = find_uv_bin()

PURE: Final = (
    "setuptools",
    "setuptools_legacy",
    "hatchling",
    "hatchling_dynamic",
    "flit_core",
    "poetry_core",
    "pdm_backend",
    "uv_build",
)
COMPILED: Final = ("meson_python", "scikit_build_core")

FRONT_ENDS: Final[Mapping[str, Sequence[str]]] = {
    "build": (sys.executable, "-m", "build", "--wheel", "--outdir"),
    "pip": (sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-cache-dir", "--wheel-dir"),
    "uv": (UV, "build", "--python", sys.executable, "--wheel", "--out-dir"),
}

MakeProject: TypeAlias = Callable[[str], Path]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """Runs commands in an environment in which `wheel-abi` can be installed."""

    environ: Mapping[str, str]

    def run(
        self, *command: str | Path, cwd: Path | None = None, status: int = 0, **environ: str
    ) -> str:
        """What the command printed; it must end with `status`."""
        done = subprocess.run(
            [os.fspath(word) for word in command],
            cwd=cwd,
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=900,
            check=False,
        )
        assert done.returncode == status, f"{command}: {done.returncode}\n{done.stdout}"
        return done.stdout

    def wheel(self, front_end: str, source: Path, out: Path, **environ: str) -> Path:
        """The one wheel that `front_end` builds of `source`."""
        self.run(*FRONT_ENDS[front_end], out, source, **environ)
        (wheel,) = out.glob("*.whl")
        return wheel

    def venv(self, place: Path) -> Path:
        """The interpreter of a new virtual environment with pip in it."""
        self.run(UV, "venv", "--quiet", "--seed", "--python", sys.executable, place)
        return place / ("Scripts" if os.name == "nt" else "bin") / "python"


@pytest.fixture(scope="session")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    wheelhouse = tmp_path_factory.mktemp("wheelhouse")
    environ = {
        name: value
        for name, value in os.environ.items()
        if name not in ("VIRTUAL_ENV", "PYTHONPATH", "PIP_BUILD_TRACKER", "SOURCE_DATE_EPOCH")
    }
    environ["PIP_FIND_LINKS"] = f"{environ.get('PIP_FIND_LINKS', '')} {wheelhouse}".strip()
    environ["UV_FIND_LINKS"] = os.fspath(wheelhouse)
    shell = Shell(environ=environ)
    shell.run(*FRONT_ENDS["uv"], wheelhouse, ROOT)
    return shell


@pytest.fixture
def project(tmp_path: Path) -> MakeProject:
    def copy(case: str) -> Path:
        return Path(shutil.copytree(PROJECTS / case, tmp_path / "source" / case))

    return copy


def use_in_tree_shim(source: Path) -> None:
    """Put the shim into the tree of `source`, in the place of the requirement."""
    assert main(["vendor", str(source / "_wheel_abi")]) == 0
    text = (source / "pyproject.toml").read_text()
    text = re.sub(
        r', "wheel-abi"|"wheel-abi"', ', "tomli"' if ', "wheel-abi"' in text else "", text
    )
    text = text.replace(
        'build-backend = "backend_shim.hooks"',
        'build-backend = "backend_shim.hooks"\nbackend-path = ["_wheel_abi"]',
    )
    (source / "pyproject.toml").write_text(text)


def dist_info(wheel: Path) -> dict[str, bytes]:
    """The files of the `.dist-info` of `wheel` by bare name."""
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        return {
            Path(name).name: archive.read(name)
            for name in archive.namelist()
            if ".dist-info/" in name
        }


def build_inputs(wheel: Path) -> dict[str, Any]:
    table: dict[str, Any] = json.loads(dist_info(wheel)[BUILD_INPUTS])["build_definition"]
    return table


def check_wheel(wheel: Path, *, is_purelib: bool) -> None:
    """RECORD holds for a foreign reader, and the records are there, of the schema, and fresh."""
    with WheelFile.open(wheel) as source:
        source.validate_record()
    files = dist_info(wheel)
    schemas = {"build_inputs": BUILD_INPUTS, "abi_fingerprint": FINGERPRINT, "abi_symbols": SYMBOLS}
    for schema, name in schemas.items():
        path = ROOT / "spec" / "schemas" / f"{schema}-0.1.schema.json"
        if name in files and path.exists():
            jsonschema.Draft202012Validator(json.loads(path.read_text())).validate(
                json.loads(files[name])
            )
    assert main(["verify", str(wheel)]) == 0
    assert json.loads(files[FINGERPRINT])["is_purelib"] is is_purelib
    definition = build_inputs(wheel)
    assert (definition["internalParameters"]["toolchain"] is None) is is_purelib
    assert os.fspath(Path.home()) not in files[BUILD_INPUTS].decode()
    assert "/tmp/" not in files[BUILD_INPUTS].decode()
