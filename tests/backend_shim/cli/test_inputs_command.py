"""`backend-shim inputs`, with the real backends that are installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from backend_shim.cli import main
from backend_shim.record.build_inputs import BuildInputs
from tests.backend_shim.conftest import MakeProject

ROOT = Path(__file__).resolve().parents[3]
SECRETS = ("hunter2", "ghp_abcdefghijklmnopqrstuvwxyz0123456789")


def run(*arguments: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: a real backend leaves much behind."""
    return subprocess.run(
        [sys.executable, "-m", "backend_shim", "inputs", *map(str, arguments)],
        cwd=ROOT, env={**os.environ, **environ}, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


def copied(name: str, directory: Path) -> Path:
    return Path(shutil.copytree(ROOT / "tests" / "projects" / name, directory / name))


def test_a_setuptools_project(tmp_path: Path) -> None:
    pytest.importorskip("setuptools")
    project = copied("setuptools", tmp_path)
    ran = run("--project", project, "--format", "json")
    assert ran.returncode == 0, ran.stderr
    schema = json.loads((ROOT / "spec/schemas/build_inputs-0.1.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(json.loads(ran.stdout))
    inputs = BuildInputs.from_json(ran.stdout.encode())
    assert (inputs.name, inputs.version) == ("demo-setuptools", "1.0")
    assert (inputs.backend.name, inputs.backend.distribution) == (
        "setuptools.build_meta", "setuptools",
    )  # fmt: skip
    assert "setuptools" in {each.name for each in inputs.requirements}
    assert inputs.toolchain is not None
    assert not list(tmp_path.rglob("*.whl"))
    # What setuptools wrote meanwhile belongs to no source.
    again = BuildInputs.from_json(run("--project", project, "--format", "json").stdout.encode())
    assert again == inputs


@pytest.mark.parametrize("is_dynamic", [False, True])
def test_a_flit_project(tmp_path: Path, is_dynamic: bool) -> None:
    pytest.importorskip("flit_core")
    project = copied("flit_core", tmp_path)
    if is_dynamic:
        pyproject = project / "pyproject.toml"
        text = pyproject.read_text().replace('version = "1.0"', 'dynamic = ["version"]')
        pyproject.write_text(text)
        (project / "src" / "demo_flit_core" / "__init__.py").write_text('__version__ = "4.2"\n')
    ran = run("--project", project)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[0] == f"built: demo-flit-core {'4.2' if is_dynamic else '1.0'}"
    assert "  backend flit_core.buildapi " in ran.stdout


def test_secrets_are_never_shown(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    source = make_project(options='env = ["MY_INDEX"]')
    monkeypatch.setenv("MY_INDEX", f"https://me:{SECRETS[0]}@index.example.org/simple")
    monkeypatch.setenv("PIP_INDEX_URL", f"https://me:{SECRETS[0]}@index.example.org/simple")
    monkeypatch.setenv("CFLAGS", f"-DTOKEN={SECRETS[1]}")
    given = ["--config-setting", f"api-token={SECRETS[1]}", "--config-setting", "level=3"]
    for form in ("text", "json"):
        assert main(["inputs", "--project", str(source), *given, "--format", form]) == 0
        printed = capfd.readouterr()
        assert "{redacted}" in printed.out
        assert "level" in printed.out
        for secret in SECRETS:
            assert secret not in printed.out + printed.err
    assert main(["inputs", "--project", str(source), "--config-setting", SECRETS[0]]) == 2
    assert SECRETS[0] not in capfd.readouterr().err


def test_settings_are_made_as_front_ends_make_them(
    make_project: MakeProject, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = ("a=1", "b=x=y", "c=", "a=2", "a=3")
    given = [word for each in settings for word in ("--config-setting", each)]
    arguments = ["inputs", "--project", str(make_project()), "--format", "json"]
    assert main([*arguments, *given, "--build-tag", "7"]) == 0
    inputs = BuildInputs.from_json(capfd.readouterr().out.encode())
    assert inputs.config_settings == (("a", ("1", "2", "3")), ("b", "x=y"), ("c", ""))
    assert inputs.build_tag == "7"


def test_the_document_is_moved_to_its_place(
    make_project: MakeProject, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source, output = make_project(), tmp_path / "out" / "new.json"
    output.parent.mkdir()
    output.write_text("what was there")
    assert main(["inputs", "--project", str(source), "--output", str(output)]) == 0
    assert capfd.readouterr().out == ""
    assert json.loads(output.read_bytes())["schema_version"] == "0.1"
    assert list(output.parent.iterdir()) == [output]
    gone = tmp_path / "gone" / "new.json"
    assert main(["inputs", "--project", str(source), "--output", str(gone)]) == 2
    assert "No such file" in capfd.readouterr().err
    place = tmp_path / "directory"
    place.mkdir()
    assert main(["inputs", "--project", str(source), "--output", str(place)]) == 2
    assert {path.name for path in tmp_path.iterdir()} == {"out", "directory", source.name}


@pytest.mark.parametrize(
    ("pyproject", "expected"),
    [
        (None, "pyproject.toml: there is none"),
        ("[tool.wheel-abi]\n", "build-backend is missing"),
        ('[tool.wheel-abi]\nbuild-backend = "no_such_backend"\n', "no module named"),
        ('[tool.wheel-abi]\nbuild-backend = "json"\npatches = ["gone.patch"]\n', "No such file"),
    ],
)
def test_a_project_that_cannot_be_asked_is_status_2(
    tmp_path: Path, pyproject: str | None, expected: str, capfd: pytest.CaptureFixture[str]
) -> None:
    if pyproject is not None:
        (tmp_path / "pyproject.toml").write_text(pyproject)
    assert main(["inputs", "--project", str(tmp_path)]) == 2
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"backend-shim: {tmp_path.name}: ")
    assert expected in printed.err
