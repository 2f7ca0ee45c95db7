"""The inputs taken without a build are those of a build, whichever front end makes it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.end_to_end.conftest import MakeProject, Shell, use_in_tree_shim

pytestmark = [pytest.mark.end_to_end, pytest.mark.network, pytest.mark.slow]

SHIM = (sys.executable, "-m", "backend_shim", "inputs", "--isolated", "--project")
DIFF = (sys.executable, "-m", "resolver_check", "diff-inputs")


@pytest.mark.parametrize("folder", ["setuptools", "meson_python", "flit_core"])
def test_a_build_of_now_has_the_same_inputs_as_the_one_before(
    folder: str, project: MakeProject, local: Shell, tmp_path: Path
) -> None:
    source = project(folder)
    inputs = tmp_path / "inputs.json"
    assert local.run(*SHIM, source, "--output", inputs) == ""
    requires = json.loads(inputs.read_bytes())["build_definition"]["resolvedDependencies"]
    assert "pip" not in {each["name"] for each in requires}
    for front_end in ("build", "pip", "uv"):
        wheel = local.wheel(front_end, source, tmp_path / front_end)
        said = local.run(*DIFF, wheel, inputs)
        assert said.startswith(f"skip: {wheel.name}"), said
    with (source / "pyproject.toml").open("a") as file:
        file.write("# patched\n")
    local.run(*SHIM, source, "--output", inputs, "--config-setting", "level=3", CFLAGS="-O1")
    said = local.run(*DIFF, wheel, inputs, status=1)
    assert "- source: sha256:" in said
    assert "- config setting level: none -> 3" in said
    assert "- environment variable CFLAGS: none -> -O1" in said


def test_a_shim_in_the_tree_is_no_requirement(
    project: MakeProject, shell: Shell, tmp_path: Path
) -> None:
    source = project("flit_core")
    use_in_tree_shim(source)
    inputs = tmp_path / "inputs.json"
    shell.run(*SHIM, source, "--output", inputs)
    wheel = shell.wheel("uv", source, tmp_path / "out")
    assert shell.run(*DIFF, wheel, inputs).startswith(f"skip: {wheel.name}")


def test_what_pip_says_of_a_failure_tells_no_secret(project: MakeProject, local: Shell) -> None:
    source = project("setuptools")
    index = "https://me:hunter2@index.invalid/simple"
    said = local.run(
        *SHIM, source, status=2, PIP_NO_INDEX="", PIP_INDEX_URL=index, PIP_FIND_LINKS="",
        PIP_RETRIES="0",
    )  # fmt: skip
    assert "pip cannot install what the project requires" in said
    assert "hunter2" not in said
