"""A build through the shim is the build that the backend makes, from a tree or from an sdist."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import build
import pytest

from backend_shim.record.names import BUILD_INPUTS
from tests.end_to_end.cases import CASES, Case
from tests.end_to_end.conftest import (
    FRONT_ENDS,
    GPEP517,
    UV,
    MakeProject,
    Shell,
    build_inputs,
    check_wheel,
    dist_info,
    use_in_tree_shim,
    use_odd_backend_directly,
)

pytestmark = [pytest.mark.end_to_end, pytest.mark.network, pytest.mark.slow]


def test_the_backend_s_own_wheel_is_left_as_it_is_but_for_the_records(
    case: Case, project: MakeProject, local: Shell, tmp_path: Path
) -> None:
    source = project(case.folder)
    with_records = local.wheel("uv", source, tmp_path / "out", SOURCE_DATE_EPOCH="1700000000")
    shutil.rmtree(source)
    source = project(case.folder)
    use_real_backend(source, case.backend)
    real = local.wheel("uv", source, tmp_path / "real", SOURCE_DATE_EPOCH="1700000000")
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


def use_real_backend(source: Path, backend: str) -> None:
    path = source / "pyproject.toml"
    path.write_text(path.read_text().replace("backend_shim.hooks", backend))


@pytest.mark.parametrize("mode", ["", "prepare"], ids=["", "prepares"])
@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_front_ends_make_the_same_calls_with_and_without_the_shim(
    front_end: str, mode: str, project: MakeProject, local: Shell, tmp_path: Path
) -> None:
    source = project("odd_backend")
    (source / "mode.txt").write_text(mode)
    calls = []
    for out in (tmp_path / "out", tmp_path / "direct"):
        local.wheel(front_end, source, out)
        calls.append((source / "calls.txt").read_text())
        (source / "calls.txt").unlink()
        use_odd_backend_directly(source)
    assert calls[0] == calls[1]
    assert [line.split()[0] for line in calls[0].splitlines()].count("build_wheel") == 1


@pytest.mark.parametrize("mode", ["", "prepare"], ids=["", "prepares"])
def test_prepared_metadata_has_records_only_if_they_are_a_wheel_s(
    mode: str, project: MakeProject, tmp_path: Path
) -> None:
    source = project("odd_backend")
    (source / "mode.txt").write_text(mode)
    prepared = Path(build.ProjectBuilder(source).metadata_path(tmp_path / "prepared"))
    found = [path.name for path in prepared.glob("wheel_abi_*")]
    # Without the hook, `build` makes a wheel and unpacks it.
    assert (found == []) is (mode == "prepare")
    assert "build_wheel" in (source / "calls.txt").read_text() or mode == "prepare"


def test_members_stay_unpacked_where_the_front_end_wants_that(
    project: MakeProject, local: Shell, backends: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    local.run(backends, *GPEP517, tmp_path / "out", cwd=project("flit_core"))
    (wheel,) = (tmp_path / "out").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}


def test_retagging_keeps_the_records(
    project: MakeProject, local: Shell, backends: Path, tmp_path: Path
) -> None:
    built = local.wheel("uv", project("flit_core"), tmp_path / "out")
    local.run(backends, "-m", "wheel", "tags", "--remove", "--build", "7", built)
    (wheel,) = (tmp_path / "out").glob("*.whl")
    assert wheel.name == built.name.replace("-py3", "-7-py3")
    check_wheel(wheel, is_purelib=True)


def test_an_extension_for_the_stable_abi_keeps_its_name(
    project: MakeProject, local: Shell, tmp_path: Path
) -> None:
    if missing := CASES["setup_py"].missing_tool():
        pytest.skip(f"no {missing}")
    source = project("setup_py")
    with (source / "setup.cfg").open("w") as file:
        file.write("[bdist_wheel]\npy_limited_api = cp310\n")
    wheel = local.wheel("uv", source, tmp_path / "out")
    assert "-cp310-abi3-" in wheel.name
    check_wheel(wheel, is_purelib=False)


def test_setuptools_finds_its_package_beside_the_in_tree_shim(local: Shell, tmp_path: Path) -> None:
    source = tmp_path / "flat"
    (source / "demo_flat").mkdir(parents=True)
    (source / "demo_flat" / "__init__.py").touch()
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools>=77", "wheel-abi"]\n'
        'build-backend = "backend_shim.hooks"\n[project]\nname = "demo-flat"\nversion = "1.0"\n'
        '[tool.wheel-abi]\nbuild-backend = "setuptools.build_meta"\nstrict = true\n'
    )
    use_in_tree_shim(source)
    wheel = local.wheel("uv", source, tmp_path / "out")
    check_wheel(wheel, is_purelib=True)
    with zipfile.ZipFile(wheel) as archive:
        names = {name.partition("/")[0] for name in archive.namelist()}
    assert names == {"demo_flat", "demo_flat-1.0.dist-info"}


def test_a_build_with_ccache_compiles(project: MakeProject, local: Shell, tmp_path: Path) -> None:
    """ccache 4.7 compiles nothing, and succeeds, if it sees a variable that asks for headers."""
    if shutil.which("ccache") is None:
        pytest.skip("no ccache")
    ccache = {"CCACHE_DIR": str(tmp_path / "ccache"), "CC": "ccache gcc"}
    for number in range(2):  # an empty and a warm cache
        out = tmp_path / str(number)
        check_wheel(local.wheel("uv", project("meson_python"), out, **ccache), is_purelib=False)
        shutil.rmtree(tmp_path / "source")
    assert list((tmp_path / "ccache").rglob("*R"))  # the results


def test_a_build_from_generated_c_says_so(
    project: MakeProject, local: Shell, tmp_path: Path
) -> None:
    if missing := CASES["setuptools_cython"].missing_tool():
        pytest.skip(f"no {missing}")
    source = project("setuptools_cython")
    generating = local.wheel("uv", source, tmp_path / "generating")
    shutil.rmtree(source / "build")
    (source / "setup.py").write_text(
        "from setuptools import Extension, setup\n"
        'setup(ext_modules=[Extension("demo_cython.gift", ["src/demo_cython/gift.c"])])\n'
    )
    path = source / "pyproject.toml"
    path.write_text(path.read_text().replace('"cython>=3", ', ""))
    generated = local.wheel("uv", source, tmp_path / "generated")
    check_wheel(generated, is_purelib=False)
    found = [
        {each["name"] for each in build_inputs(wheel)["resolvedDependencies"]}
        for wheel in (generating, generated)
    ]
    assert found[0] - found[1] == {"cython"}
    assert b'"pxd"' not in dist_info(generated)[BUILD_INPUTS]


def test_front_ends_record_the_same_requirements(
    project: MakeProject, local: Shell, tmp_path: Path
) -> None:
    source = project("hatchling")
    found = [
        build_inputs(local.wheel(front_end, source, tmp_path / front_end))
        for front_end in FRONT_ENDS
    ]
    for definition in found[1:]:
        assert definition["externalParameters"] == found[0]["externalParameters"]
        assert definition["resolvedDependencies"] == found[0]["resolvedDependencies"]


@pytest.mark.parametrize("is_checkout", [False, True], ids=["tree", "checkout"])
def test_a_wheel_is_built_from_the_sdist_that_carries_the_in_tree_shim(
    case: Case, is_checkout: bool, project: MakeProject, local: Shell, tmp_path: Path
) -> None:
    if case.folder == "meson_python" and not is_checkout:
        pytest.skip("meson dist needs a checkout")
    if is_checkout and case.folder != backend_s_first(case.backend):
        pytest.skip("another project of this backend is built from a checkout")
    source = project(case.folder)
    use_in_tree_shim(source)
    if is_checkout:
        git = ("git", "-c", "user.name=x", "-c", "user.email=x@example.org")
        for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
            subprocess.run([*git, *arguments], cwd=source, check=True)
    out = tmp_path / "out"
    local.run(UV, "build", "--out-dir", out, source)
    (wheel,) = out.glob("*.whl")
    (sdist,) = out.glob("*.tar.gz")
    check_wheel(wheel, is_purelib=case.is_purelib)
    with zipfile.ZipFile(wheel) as archive:
        assert not [name for name in archive.namelist() if "backend_shim" in name]
    with tarfile.open(sdist) as archive_of_sources:
        names = archive_of_sources.getnames()
    assert len(names) == len(set(names))
    assert [name for name in names if name.endswith("_wheel_abi/backend_shim/hooks.py")]


def backend_s_first(backend: str) -> str:
    return next(case.folder for case in CASES.values() if case.backend == backend)
