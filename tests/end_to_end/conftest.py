"""Real front ends and backends: the projects to build, and the shim in a wheelhouse of its own."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import uuid
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
from tests.end_to_end.cases import CASES, Case

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT: Final = Path(__file__).parents[2]
PROJECTS: Final = ROOT / "tests" / "projects"
UV: Final = find_uv_bin()

FRONT_ENDS: Final[Mapping[str, Sequence[str]]] = {
    "build": (sys.executable, "-m", "build", "--wheel", "--outdir"),
    "pip": (sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-cache-dir", "--wheel-dir"),
    "uv": (UV, "build", "--python", sys.executable, "--wheel", "--out-dir"),
}
# After an interpreter that has the backend; in the source tree.
GPEP517: Final = ("-m", "gpep517", "build-wheel", "--output-fd", "1", "--wheel-dir")

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


def place_of_no_run_before(factory: pytest.TempPathFactory, name: str) -> Path:
    """For wheels that uv will find: it keeps them by path, and pytest's numbers begin anew.

    A wheel of the same name at the same path is taken from uv's cache, whatever is in the file.
    """
    return factory.mktemp(f"{name}-{uuid.uuid4().hex}")


@pytest.fixture(scope="session")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """With this shim in a wheelhouse beside the package index."""
    wheelhouse = place_of_no_run_before(tmp_path_factory, "wheelhouse")
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


@pytest.fixture(scope="session")
def local(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """Every backend and this shim in one wheelhouse, downloaded once, and no package index."""
    place = place_of_no_run_before(tmp_path_factory, "local")
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    wheelhouse = place / "wheels"
    pip = (sys.executable, "-m", "pip", "download", "--only-binary", ":all:", "--quiet")
    shell.run(*pip, "--dest", wheelhouse, "wheel-abi", "pip", *groups["backends"])
    config = place / "uv.toml"
    config.write_text(f"no-index = true\nfind-links = [{json.dumps(os.fspath(wheelhouse))}]\n")
    environ = {name: value for name, value in shell.environ.items() if name != "UV_FIND_LINKS"}
    environ |= {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_NO_COMPILE": "1",  # bytecode of what runs once in its environment is of no use
        "PIP_FIND_LINKS": os.fspath(wheelhouse),
        "UV_CONFIG_FILE": os.fspath(config),
    }
    return Shell(environ=environ)


@pytest.fixture(scope="session")
def backends(local: Shell, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with the shim and every backend."""
    place = tmp_path_factory.mktemp("backends")
    python = local.venv(place / "venv")
    wheels = Path(local.environ["PIP_FIND_LINKS"]).glob("*.whl")
    names = sorted({wheel.name.partition("-")[0] for wheel in wheels})
    local.run(UV, "pip", "install", "--quiet", "--python", python, *names)
    return python


@pytest.fixture
def project(tmp_path: Path) -> MakeProject:
    def copy(case: str) -> Path:
        return Path(shutil.copytree(PROJECTS / case, tmp_path / "source" / case))

    return copy


@pytest.fixture(params=CASES.values(), ids=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    """Each project of the table that this machine can build."""
    case: Case = request.param
    if missing := case.missing_tool():
        pytest.skip(f"no {missing}")
    return case


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh clone of the commit under test, with what is not committed yet."""
    place = tmp_path_factory.mktemp("clone") / "wheel-abi"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(place)], check=True)
    if changed := _git("diff", "--binary", "HEAD"):
        subprocess.run(["git", "apply"], cwd=place, input=changed, check=True)
    for path in _git("ls-files", "--others", "--exclude-standard").decode().splitlines():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, place / path)
    return place


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True)
    return done.stdout


def use_in_tree_shim(source: Path) -> None:
    """Put the shim into the tree of `source`, in the place of the requirement."""
    assert main(["vendor", str(source / "_wheel_abi")]) == 0
    text = (source / "pyproject.toml").read_text()
    text = text.replace('"wheel-abi"', "\"tomli; python_version < '3.11'\"")
    text = text.replace(
        'build-backend = "backend_shim.hooks"',
        'build-backend = "backend_shim.hooks"\nbackend-path = ["_wheel_abi"]',
    )
    (source / "pyproject.toml").write_text(text)


def use_odd_backend_directly(source: Path) -> None:
    """Take the shim out of a copy of the project `odd_backend`."""
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "odd_backend"\n'
        'backend-path = ["inside"]\n[project]\nname = "demo-odd-backend"\nversion = "1.0"\n'
    )


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
    assert main(["verify", str(wheel)]) == 0
    check_records(dist_info(wheel), is_purelib=is_purelib)


def check_records(files: Mapping[str, bytes], *, is_purelib: bool) -> None:
    """The records among the `files` of a `.dist-info` are of the schema and tell of no place."""
    schemas = {"build_inputs": BUILD_INPUTS, "abi_fingerprint": FINGERPRINT, "abi_symbols": SYMBOLS}
    for schema, name in schemas.items():
        path = ROOT / "spec" / "schemas" / f"{schema}-0.1.schema.json"
        if name in files and path.exists():
            jsonschema.Draft202012Validator(json.loads(path.read_text())).validate(
                json.loads(files[name])
            )
    assert json.loads(files[FINGERPRINT])["is_purelib"] is is_purelib
    definition = json.loads(files[BUILD_INPUTS])["build_definition"]
    assert (definition["internalParameters"]["toolchain"] is None) is is_purelib
    assert os.fspath(Path.home()) not in files[BUILD_INPUTS].decode()
    assert "/tmp/" not in files[BUILD_INPUTS].decode()


def check_installed(info: Path) -> None:
    """Every file of the installed `.dist-info` is in RECORD, and RECORD holds."""
    rows = list(csv.reader((info / "RECORD").read_text().splitlines()))
    for path, digest, _ in rows:
        if digest:
            algorithm, _, value = digest.partition("=")
            found = hashlib.new(algorithm, (info.parent / path).read_bytes()).digest()
            assert base64.urlsafe_b64encode(found).rstrip(b"=").decode() == value, path
    listed = {row[0] for row in rows}
    there = {path.relative_to(info.parent).as_posix() for path in info.rglob("*") if path.is_file()}
    assert there <= listed
