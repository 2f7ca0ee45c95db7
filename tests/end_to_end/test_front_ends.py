"""Every front end builds every kind of project through the shim, installed or in the tree."""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.end_to_end.conftest import (
    COMPILED,
    FRONT_ENDS,
    PURE,
    UV,
    MakeProject,
    Shell,
    build_inputs,
    check_wheel,
    dist_info,
    use_in_tree_shim,
)

pytestmark = [pytest.mark.end_to_end, pytest.mark.network, pytest.mark.slow]


@pytest.mark.parametrize("front_end", FRONT_ENDS)
@pytest.mark.parametrize("case", [*PURE, *COMPILED])
def test_a_wheel_carries_its_records(
    case: str, front_end: str, project: MakeProject, shell: Shell, tmp_path: Path
) -> None:
    source = project(case)
    wheel = shell.wheel(front_end, source, tmp_path / "out")
    check_wheel(wheel, is_purelib=case in PURE)
    definition = build_inputs(wheel)
    requirements = {each["name"] for each in definition["resolvedDependencies"]}
    assert "wheel-abi" in requirements
    assert definition["internalParameters"]["backend"]["distribution"] in requirements
    with zipfile.ZipFile(wheel) as archive:
        assert not [name for name in archive.namelist() if "backend_shim" in name]


@pytest.mark.parametrize("case", [*PURE, *COMPILED])
def test_the_backend_s_own_wheel_is_left_as_it_is_but_for_the_records(
    case: str, project: MakeProject, shell: Shell, tmp_path: Path
) -> None:
    source = project(case)
    with_records = shell.wheel("uv", source, tmp_path / "out", SOURCE_DATE_EPOCH="1700000000")
    for leftover in ("build", "dist"):
        shutil.rmtree(source / leftover, ignore_errors=True)
    use_real_backend(source)
    real = shell.wheel("uv", source, tmp_path / "real", SOURCE_DATE_EPOCH="1700000000")
    assert with_records.name == real.name
    ours = dist_info(with_records)
    theirs = dist_info(real)
    assert {name for name in ours if name not in theirs} == {
        name for name in ours if name.startswith("wheel_abi_")
    }
    del ours["RECORD"], theirs["RECORD"]
    assert {name: ours[name] for name in theirs} == theirs
    with zipfile.ZipFile(with_records) as one, zipfile.ZipFile(real) as other:
        before = [info.filename for info in other.infolist()]
        kept = [info for info in one.infolist() if info.filename in before]
        assert [info.filename for info in kept] == before
        for info in kept:
            assert info.external_attr == other.getinfo(info.filename).external_attr
            assert info.compress_type == other.getinfo(info.filename).compress_type
            assert info.date_time == other.getinfo(info.filename).date_time


def use_real_backend(source: Path) -> None:
    path = source / "pyproject.toml"
    text = path.read_text()
    (real,) = re.findall(r'\[tool\.wheel-abi\]\nbuild-backend = "(.*)"', text)
    path.write_text(text.replace("backend_shim.hooks", real))


@pytest.mark.parametrize("case", PURE)
def test_two_builds_give_the_same_bytes(
    case: str, project: MakeProject, shell: Shell, tmp_path: Path
) -> None:
    source = project(case)
    wheels = [
        shell.wheel("build", source, tmp_path / out, SOURCE_DATE_EPOCH="1700000000")
        for out in ("1", "2")
    ]
    assert wheels[0].read_bytes() == wheels[1].read_bytes()


def test_front_ends_record_the_same_requirements(
    project: MakeProject, shell: Shell, tmp_path: Path
) -> None:
    source = project("hatchling")
    found = [
        build_inputs(shell.wheel(front_end, source, tmp_path / front_end))
        for front_end in FRONT_ENDS
    ]
    for definition in found[1:]:
        assert definition["externalParameters"] == found[0]["externalParameters"]
        assert definition["resolvedDependencies"] == found[0]["resolvedDependencies"]


@pytest.mark.parametrize("is_checkout", [False, True], ids=["tree", "checkout"])
@pytest.mark.parametrize("case", [*PURE, *COMPILED])
def test_a_wheel_is_built_from_the_sdist_that_carries_the_in_tree_shim(
    case: str, is_checkout: bool, project: MakeProject, shell: Shell, tmp_path: Path
) -> None:
    source = project(case)
    use_in_tree_shim(source)
    if is_checkout or case == "meson_python":  # meson dist needs a checkout
        git = ("git", "-c", "user.name=x", "-c", "user.email=x@example.org")
        for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
            subprocess.run([*git, *arguments], cwd=source, check=True)
    out = tmp_path / "out"
    shell.run(UV, "build", "--out-dir", out, source)
    (wheel,) = out.glob("*.whl")
    (sdist,) = out.glob("*.tar.gz")
    check_wheel(wheel, is_purelib=case in PURE)
    with zipfile.ZipFile(wheel) as archive:
        assert not [name for name in archive.namelist() if "backend_shim" in name]
    with tarfile.open(sdist) as archive_of_sources:
        names = archive_of_sources.getnames()
    assert len(names) == len(set(names))
    assert [name for name in names if name.endswith("_wheel_abi/backend_shim/hooks.py")]
