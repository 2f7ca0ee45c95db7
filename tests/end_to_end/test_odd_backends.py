"""Backends that raise, exit, print, go elsewhere, lack hooks or are not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.end_to_end.conftest import (
    FRONT_ENDS,
    GPEP517,
    UV,
    MakeProject,
    Shell,
    build_inputs,
    check_wheel,
    use_in_tree_shim,
    use_odd_backend_directly,
)

pytestmark = [pytest.mark.end_to_end, pytest.mark.network, pytest.mark.slow]


@pytest.mark.parametrize("is_in_tree", [False, True], ids=["installed", "in tree"])
@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_a_backend_that_prints_and_goes_elsewhere_builds(
    front_end: str, is_in_tree: bool, project: MakeProject, local: Shell, tmp_path: Path
) -> None:
    source = project("odd_backend")
    if is_in_tree:
        use_in_tree_shim(source)
    check_wheel(local.wheel(front_end, source, tmp_path / "out"), is_purelib=True)


def test_gpep517_builds_it_too_with_its_relative_path_to_the_shim(
    project: MakeProject, local: Shell, backends: Path, tmp_path: Path
) -> None:
    source = project("odd_backend")
    use_in_tree_shim(source)
    (tmp_path / "out").mkdir()
    local.run(backends, *GPEP517, tmp_path / "out", cwd=source)
    (wheel,) = (tmp_path / "out").glob("*.whl")
    check_wheel(wheel, is_purelib=True)


@pytest.mark.parametrize("mode", ["raise", "raise late", "exit", "vanish"])
@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_a_build_fails_as_it_fails_without_the_shim(
    front_end: str, mode: str, project: MakeProject, local: Shell, tmp_path: Path
) -> None:
    source = project("odd_backend")
    (source / "mode.txt").write_text(mode)
    status = 2 if front_end == "uv" else 1
    left = []
    for out in (tmp_path / "out", tmp_path / "direct"):
        printed = local.run(*FRONT_ENDS[front_end], out, source, status=status)
        if "raise" in mode:
            assert "RuntimeError: the odd backend broke" in printed
            assert re.search(r"inside.odd_backend\.py\D+ line \d+, in build_wheel", printed)
        left.append({path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()})
        use_odd_backend_directly(source)
    assert left[0] == left[1]


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_what_a_backend_prints_is_shown_as_it_is_without_the_shim(
    front_end: str, project: MakeProject, local: Shell, tmp_path: Path
) -> None:
    source = project("odd_backend")
    *command, out_option = FRONT_ENDS[front_end]
    shown = []
    for out in (tmp_path / "out", tmp_path / "direct"):
        printed = local.run(*command, "-v", out_option, out, source)
        shown.append(printed.count("printed by the odd backend"))
        use_odd_backend_directly(source)
    assert shown == [1, 1]


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_a_backend_without_editable_installs_is_refused_by_the_front_end(
    installer: str, project: MakeProject, local: Shell, backends: Path
) -> None:
    source = project("odd_backend")
    pip = (backends, "-m", "pip", "install")
    uv = (UV, "pip", "install", "--python", backends)
    command = (*(pip if installer == "pip" else uv), "-e", source)
    assert "build_editable" in local.run(*command, status=1)
    use_odd_backend_directly(source)
    assert "build_editable" in local.run(*command, status=1)


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_a_backend_may_be_an_object_within_an_object(
    front_end: str, project: MakeProject, local: Shell, tmp_path: Path
) -> None:
    source = project("odd_backend")
    use_instead(source, 'build-backend = "odd_backend:Spaced.hooks"')
    check_wheel(local.wheel(front_end, source, tmp_path / "out"), is_purelib=True)


def test_a_backend_without_sdists_says_so_itself(
    project: MakeProject, local: Shell, tmp_path: Path
) -> None:
    source = project("odd_backend")
    build = [*FRONT_ENDS["build"][:3], "--sdist", "--outdir", tmp_path / "out", source]
    assert "an odd backend makes no sdist" in local.run(*build, status=1)


@pytest.mark.parametrize(
    ("backend", "message"),
    [
        ("no_such_backend.build", "no module named 'no_such_backend'"),
        ("backend_shim.hooks", "is the shim itself"),
    ],
)
@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_a_backend_that_cannot_be_used_is_named(
    front_end: str, backend: str, message: str, project: MakeProject, local: Shell, tmp_path: Path
) -> None:
    source = project("odd_backend")
    use_instead(source, f'build-backend = "{backend}"')
    path = source / "pyproject.toml"
    path.write_text(path.read_text().replace('backend-path = ["inside"]\n', ""))
    status = 2 if front_end == "uv" else 1
    printed = local.run(*FRONT_ENDS[front_end], tmp_path / "out", source, status=status)
    assert message in printed


def test_the_shim_works_without_build_isolation(
    project: MakeProject, local: Shell, backends: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    pip = (backends, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "--wheel-dir", out)
    local.run(*pip, project("flit_core"))
    (wheel,) = out.glob("*.whl")
    check_wheel(wheel, is_purelib=True)


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_settings_of_the_front_end_arrive(
    front_end: str, project: MakeProject, local: Shell, tmp_path: Path
) -> None:
    source = project("hatchling")
    (tmp_path / "0001-fix.patch").write_text("--- a\n+++ b\n")
    *command, out_option = FRONT_ENDS[front_end]
    own = f"wheel-abi.patches={tmp_path / '0001-fix.patch'}"
    out = tmp_path / "out"
    local.run(*command, "-C", own, "-C", "other=1", out_option, out, source)
    (wheel,) = out.glob("*.whl")
    external = build_inputs(wheel)["externalParameters"]
    assert [patch["name"] for patch in external["patches"]] == ["0001-fix.patch"]
    assert external["config_settings"] == {"other": "1"}


def use_instead(source: Path, line: str) -> None:
    """Put `line` in the place of the one that names the real backend."""
    path = source / "pyproject.toml"
    path.write_text(path.read_text().replace('build-backend = "odd_backend"', line))
