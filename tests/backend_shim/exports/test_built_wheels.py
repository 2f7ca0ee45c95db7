"""A wheel that was built with `sbom = true` holds a valid document, and installers take it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import installer
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile
from pyproject_hooks import BuildBackendHookCaller, quiet_subprocess_runner

from backend_shim.record.names import SBOM

ROOT = Path(__file__).parents[3]
MEMBER = f"demo_flit_core-1.0.dist-info/{SBOM}"


def built(directory: Path, *, option: str = "", settings: dict[str, str] | None = None) -> Path:
    source = directory / "source"
    shutil.copytree(ROOT / "tests" / "projects" / "flit_core", source)
    with (source / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(option)
    caller = BuildBackendHookCaller(
        source,
        "backend_shim.hooks",
        runner=quiet_subprocess_runner,
        python_executable=sys.executable,
    )
    name = caller.build_wheel(str(directory), config_settings=settings)
    return directory / name


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("by_table"), option="sbom = true\n")


def test_the_document_is_valid_and_of_the_distribution(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(MEMBER).decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    assert document["metadata"]["component"]["purl"] == "pkg:pypi/demo-flit-core@1.0"
    [formula] = document["formulation"]
    purls = [each.get("purl", "").partition("@")[0] for each in formula["components"]]
    assert "pkg:pypi/flit-core" in purls


def test_a_setting_of_one_build_asks_for_the_same(wheel: Path, tmp_path: Path) -> None:
    other = built(tmp_path, settings={"wheel-abi.sbom": "true"})
    with zipfile.ZipFile(wheel) as first, zipfile.ZipFile(other) as second:
        assert first.namelist() == second.namelist()
        assert MEMBER in second.namelist()


def test_without_it_a_wheel_has_no_such_directory(tmp_path: Path) -> None:
    with zipfile.ZipFile(built(tmp_path)) as archive:
        assert not [name for name in archive.namelist() if "sboms" in name]


def test_installer_checks_the_whole_record_and_installs(wheel: Path, tmp_path: Path) -> None:
    schemes = {each: str(tmp_path / each) for each in ("purelib", "platlib", "data", "scripts")}
    destination = SchemeDictionaryDestination(schemes, sys.executable, "posix")
    with WheelFile.open(wheel) as source:
        source.validate_record()
        installer.install(source, destination, {})
    assert (tmp_path / "purelib" / MEMBER).is_file()


def test_pip_installs_it(wheel: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--no-index"]
    command += ["--no-deps", "--target", str(tmp_path), str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / MEMBER).is_file()
