"""Backends that raise, exit, print, go elsewhere, lack hooks or are not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.conftest import (
    FRONT_ENDS,
    UV,
    MakeProject,
    Shell,
    build_inputs,
    check_wheel,
    dist_info,
    use_in_tree_shim,
)

pytestmark = [pytest.mark.end_to_end, pytest.mark.network, pytest.mark.slow]


@pytest.mark.parametrize("is_in_tree", [False, True], ids=["installed", "in tree"])
@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_a_backend_that_prints_and_goes_elsewhere_builds(
    front_end: str, is_in_tree: bool, project: MakeProject, shell: Shell, tmp_path: Path
) -> None:
    source = project("odd_backend")
    if is_in_tree:
        use_in_tree_shim(source)
    check_wheel(shell.wheel(front_end, source, tmp_path / "out"), is_purelib=True)


@pytest.mark.parametrize(
    ("mode", "message"), [("raise", "RuntimeError: the odd backend broke"), ("exit", "")]
)
@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_a_failure_of_the_backend_is_the_failure_of_the_build(
    front_end: str, mode: str, message: str, project: MakeProject, shell: Shell, tmp_path: Path
) -> None:
    source = project("odd_backend")
    (source / "mode.txt").write_text(mode)
    status = 2 if front_end == "uv" else 1
    printed = shell.run(*FRONT_ENDS[front_end], tmp_path / "out", source, status=status)
    assert message in printed
    assert not list((tmp_path / "out").glob("*.whl"))


def test_a_backend_without_sdists_says_so_itself(
    project: MakeProject, shell: Shell, tmp_path: Path
) -> None:
    source = project("odd_backend")
    build = [*FRONT_ENDS["build"][:3], "--sdist", "--outdir", tmp_path / "out", source]
    assert "an odd backend makes no sdist" in shell.run(*build, status=1)


@pytest.mark.parametrize(
    ("backend", "message"),
    [
        ("no_such_backend.build", "no module named 'no_such_backend'"),
        ("backend_shim.hooks", "is the shim itself"),
    ],
)
@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_a_backend_that_cannot_be_used_is_named(
    front_end: str, backend: str, message: str, project: MakeProject, shell: Shell, tmp_path: Path
) -> None:
    source = project("odd_backend")
    path = source / "pyproject.toml"
    text = path.read_text().replace('build-backend = "odd_backend"', f'build-backend = "{backend}"')
    path.write_text(text.replace('backend-path = ["inside"]\n', ""))
    status = 2 if front_end == "uv" else 1
    printed = shell.run(*FRONT_ENDS[front_end], tmp_path / "out", source, status=status)
    assert message in printed


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_a_secret_of_the_environment_stays_out(
    front_end: str, project: MakeProject, shell: Shell, tmp_path: Path
) -> None:
    wheel = shell.wheel(
        front_end,
        project("hatchling"),
        tmp_path / "out",
        UV_PUBLISH_TOKEN="pl4nt3d",
        CFLAGS="-O2 -DMY_SECRET=pl4nt3d",
        CMAKE_ARGS="-DURL=https://me:pl4nt3d@example.org/x?y=pl4nt3d",
    )
    assert b"pl4nt3d" not in b"".join(dist_info(wheel).values())
    check_wheel(wheel, is_purelib=True)


def test_the_shim_works_without_build_isolation(
    project: MakeProject, shell: Shell, tmp_path: Path
) -> None:
    python = shell.venv(tmp_path / "venv")
    shell.run(UV, "pip", "install", "--python", python, "wheel-abi", "flit_core")
    out = tmp_path / "out"
    pip = (python, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "--wheel-dir", out)
    shell.run(*pip, project("flit_core"))
    (wheel,) = out.glob("*.whl")
    check_wheel(wheel, is_purelib=True)


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_settings_of_the_front_end_arrive(
    front_end: str, project: MakeProject, shell: Shell, tmp_path: Path
) -> None:
    source = project("hatchling")
    (tmp_path / "0001-fix.patch").write_text("--- a\n+++ b\n")
    *command, out_option = FRONT_ENDS[front_end]
    own = f"wheel-abi.patches={tmp_path / '0001-fix.patch'}"
    out = tmp_path / "out"
    shell.run(*command, "-C", own, "-C", "other=1", out_option, out, source)
    (wheel,) = out.glob("*.whl")
    external = build_inputs(wheel)["externalParameters"]
    assert [patch["name"] for patch in external["patches"]] == ["0001-fix.patch"]
    assert external["config_settings"] == {"other": "1"}
