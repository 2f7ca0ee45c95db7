"""The inputs of a build that is not made are those of one that is."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from backend_shim import hooks
from backend_shim.errors import ConfigurationError, WrappedBackendError
from backend_shim.expected_inputs import inputs_of_project, write_requires
from backend_shim.record.build_inputs import BuildInputs, Patch
from backend_shim.record.read_set import Capture
from tests.backend_shim.conftest import WHEEL, MakeProject
from tests.backend_shim.test_hooks import recorded

DYNAMIC = """
from pathlib import Path

def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    info = Path(metadata_directory) / "demo-2.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\\nName: The.Demo\\nVersion: 2.5\\n")
    print("on standard output")
    return info.name
"""


def taken(source: Path, settings: dict | None = None, **options: str) -> BuildInputs:
    return inputs_of_project(source, settings or {}, os.environ, **options)


def make_dynamic(project: Path) -> None:
    pyproject = project / "pyproject.toml"
    text = pyproject.read_text().replace('version = "1.0"', 'dynamic = ["version"]')
    pyproject.write_text(text)


def test_they_are_what_a_build_records(
    make_project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CFLAGS", "-O2 -DNDEBUG")
    source = make_project(WHEEL, options='patches = ["fix.patch"]')
    (source / "fix.patch").write_text("--- a\n+++ b\n")
    settings = {"level": "3", "wheel-abi.strict": "true"}
    before = taken(source, settings)
    out = tmp_path / "out"
    out.mkdir()
    name = hooks.build_wheel(str(out), settings)  # type: ignore[attr-defined]
    _, built = recorded(out / name)
    only_built = {"capture": Capture(), "system_packages": (), "system_libraries": ()}
    same = {"toolchain": before.toolchain, **only_built}
    unread = tuple(
        replace(each, read=expected.read)
        for each, expected in zip(built.requirements, before.requirements, strict=True)
    )
    assert replace(built, requirements=unread, commands=(), **same) == before
    assert before.toolchain is not None
    assert built.toolchain is None, "the wheel of this project is pure"
    assert before.config_settings == (("level", "3"),)
    assert not before.capture.is_complete


def test_a_document_is_read_back(make_project: MakeProject) -> None:
    inputs = taken(make_project(), build_tag="7")
    assert BuildInputs.from_json(inputs.to_json()) == inputs
    assert (inputs.name, inputs.version, inputs.build_tag) == ("demo", "1.0", "7")


def test_patches_of_configuration_variable_and_setting_are_told(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = make_project(options='patches = ["one.patch"]')
    outside = tmp_path / "three.patch"
    for place in (source / "one.patch", source / "two.patch", outside):
        place.write_text(place.name)
    monkeypatch.setenv("WHEEL_ABI_PATCHES", "two.patch")
    inputs = taken(source, {"wheel-abi.patches": str(outside)})
    assert [patch.name for patch in inputs.patches] == ["one.patch", "two.patch", "three.patch"]
    assert all(isinstance(patch, Patch) and len(patch.sha256) == 64 for patch in inputs.patches)


def test_a_patched_tree_and_an_uncommitted_change_show(make_project: MakeProject) -> None:
    source = make_project()

    def git(*words: str) -> None:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.invalid")
        subprocess.run(["git", *identity, *words], cwd=source, check=True, capture_output=True)

    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "all")
    clean = taken(source).source
    assert clean.listed_by == "git"
    assert taken(source).source == clean
    with (source / "pyproject.toml").open("a") as file:
        file.write("# patched\n")
    dirty = taken(source).source
    assert dirty.sha256 != clean.sha256
    (source / "new.c").write_text("int x;\n")
    assert taken(source).source.sha256 not in (clean.sha256, dirty.sha256)


def test_a_static_version_asks_nobody(make_project: MakeProject) -> None:
    assert taken(make_project("def prepare_metadata_for_build_wheel(*_): raise OSError")).version


def test_a_dynamic_version_is_asked_of_the_backend(
    make_project: MakeProject, capfd: pytest.CaptureFixture[str]
) -> None:
    source = make_project(DYNAMIC)
    make_dynamic(source)
    inputs = taken(source)
    assert (inputs.name, inputs.version) == ("the-demo", "2.5")
    assert capfd.readouterr() == ("", "on standard output\n")


def test_an_unpacked_sdist_states_its_version(make_project: MakeProject) -> None:
    source = make_project("")
    make_dynamic(source)
    (source / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: demo\nVersion: 3.1\n\nText\n")
    assert taken(source).version == "3.1"


def test_a_version_that_nobody_states_is_an_error_that_says_what_to_do(
    make_project: MakeProject,
) -> None:
    source = make_project("")
    make_dynamic(source)
    with pytest.raises(ConfigurationError, match="give --project an unpacked sdist"):
        taken(source)


@pytest.mark.parametrize(
    "body",
    ["raise ValueError('broken')", "import sys; sys.exit('broken')", "return 'gone-1.dist-info'"],
)
def test_a_backend_that_fails_is_named(make_project: MakeProject, body: str) -> None:
    source = make_project(f"def prepare_metadata_for_build_wheel(*_): {body}")
    make_dynamic(source)
    with pytest.raises(WrappedBackendError, match="prepare_metadata_for_build_wheel"):
        taken(source)


def test_what_a_failing_backend_says_is_redacted(make_project: MakeProject) -> None:
    body = "raise ValueError('cannot fetch https://me:hunter2@example.org/x')"
    source = make_project(f"def get_requires_for_build_wheel(settings): {body}")
    with pytest.raises(WrappedBackendError) as raised:
        taken(source)
    assert "hunter2" not in str(raised.value)


def test_the_backend_works_in_the_tree_and_leaves_the_process_as_it_was(
    make_project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_project(
        "import os\n"
        "def get_requires_for_build_wheel(settings):\n"
        "    open('made_here.c', 'w').close()\n"
        "    os.environ['CFLAGS'] = '-Dleft'\n"
        "    os.chdir('/')\n"
        "    return ['gift>=1', *settings]\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CFLAGS", raising=False)
    inputs = taken(source)
    assert (source / "made_here.c").exists()
    assert Path.cwd() == tmp_path
    assert "CFLAGS" not in dict(inputs.environment)
    # As a build: the backend writes first, and then the tree is listed.
    assert taken(source).source == inputs.source
    answer = tmp_path / "answer.json"
    write_requires(source, {"key": "v", "wheel-abi.strict": "1"}, os.environ, answer)
    assert json.loads(answer.read_text()) == ["gift>=1", "key"]
