"""The same source in the same environment gives the same wheel, and no record tells a secret."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest

from backend_shim.record.names import BUILD_INPUTS, FINGERPRINT
from tests.end_to_end.cases import CASES, Case
from tests.end_to_end.conftest import (
    FRONT_ENDS,
    PROJECTS,
    MakeProject,
    Shell,
    build_inputs,
    check_wheel,
    dist_info,
)

pytestmark = [pytest.mark.end_to_end, pytest.mark.network, pytest.mark.slow]

EPOCH: Final = {"SOURCE_DATE_EPOCH": "1700000000"}
PLACES: Final = ("one", "two", "three/levels/deep", "with space")
# What names the bytes of one binary: where these differ, the binary does.
OF_BYTES: Final = {"digest", "crc32", "size"}
SECRET: Final = "pl4nt3d"


def name_of(case: Case) -> str:
    return case.folder


def copies(folder: str, place: Path) -> list[Path]:
    return [Path(shutil.copytree(PROJECTS / folder, place / each / folder)) for each in PLACES]


def built_at_once(sources: Sequence[Path], local: Shell, out: Path, **environ: str) -> list[Path]:
    with ThreadPoolExecutor(len(sources)) as threads:
        jobs = [
            threads.submit(local.wheel, "uv", source, out / str(number), **EPOCH, **environ)
            for number, source in enumerate(sources)
        ]
        return [job.result() for job in jobs]


def check_same(wheels: Sequence[Path]) -> None:
    """The wheels are the same to the byte; the records first, for a difference that can be read."""
    for wheel in wheels[1:]:
        assert build_inputs(wheel) == build_inputs(wheels[0])
        assert dist_info(wheel) == dist_info(wheels[0])
    assert len({wheel.read_bytes() for wheel in wheels}) == 1


@pytest.mark.parametrize("case", [each for each in CASES.values() if each.is_purelib], ids=name_of)
def test_a_pure_wheel_is_the_same_again_elsewhere_and_in_parallel(
    case: Case, local: Shell, tmp_path: Path
) -> None:
    sources = copies(case.folder, tmp_path / "sources")
    wheels = built_at_once(sources, local, tmp_path / "parallel")
    wheels.append(local.wheel("uv", sources[0], tmp_path / "again", **EPOCH))
    wheels.append(local.wheel("build", sources[1], tmp_path / "build", **EPOCH))
    check_same(wheels)
    check_wheel(wheels[0], is_purelib=True)


@pytest.mark.parametrize("folder", ["setup_py", "meson_python"])
def test_a_compiled_wheel_is_the_same_where_the_compiler_hides_the_place(
    folder: str, local: Shell, tmp_path: Path
) -> None:
    if missing := CASES[folder].missing_tool():
        pytest.skip(f"no {missing}")
    sources = copies(folder, tmp_path / "sources")
    wheels = built_at_once(sources, local, tmp_path / "parallel", CFLAGS="-g0")
    check_same(wheels)
    check_wheel(wheels[0], is_purelib=False)


@pytest.mark.parametrize("folder", ["meson_python", "scikit_build_core"])
def test_records_of_binaries_that_name_their_place_differ_in_the_binary_alone(
    folder: str, local: Shell, tmp_path: Path
) -> None:
    if missing := CASES[folder].missing_tool():
        pytest.skip(f"no {missing}")
    sources = copies(folder, tmp_path / "sources")
    for source in sources:
        with (source / "module.c").open("a") as file:
            file.write("const char *place = __FILE__;\n")
    # meson gives relative names to the compiler, which then stand in the debug information only.
    wheels = built_at_once(sources, local, tmp_path / "parallel", CFLAGS="-g")
    assert len({wheel.read_bytes() for wheel in wheels}) == len(wheels)
    first, *others = (dist_info(wheel) for wheel in wheels)
    for files in others:
        assert files[BUILD_INPUTS] == first[BUILD_INPUTS]
        assert told(files) == told(first)


def told(files: Mapping[str, bytes]) -> dict[str, Any]:
    """The fingerprint but for the bytes of the binaries."""
    document: dict[str, Any] = json.loads(files[FINGERPRINT])
    for each in document["objects"]:
        for name in OF_BYTES:
            del each[name]
    return document


@pytest.mark.parametrize("folder", ["flit_core", "setup_py"])
@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_a_planted_secret_is_in_no_record(
    front_end: str, folder: str, project: MakeProject, local: Shell, tmp_path: Path
) -> None:
    if missing := CASES[folder].missing_tool():
        pytest.skip(f"no {missing}")
    index = f"https://me:{SECRET}@index.invalid/simple"
    settings = {
        "api-token": SECRET,
        "other": f"--extra-index-url={index}",
        "define": f"-DPASSWORD={SECRET}",
        "plain": "kept",
    }
    *command, out_option = FRONT_ENDS[front_end]
    options = [word for key, value in settings.items() for word in ("-C", f"{key}={value}")]
    out = tmp_path / "out"
    local.run(
        *command, *options, out_option, out, project(folder),
        API_TOKEN=SECRET,
        UV_PUBLISH_TOKEN=SECRET,
        PIP_EXTRA_INDEX_URL=index,
        CFLAGS=f"-O2 -DMY_SECRET={SECRET}",
        CMAKE_ARGS=f"-DURL={index}?y={SECRET}",
    )  # fmt: skip
    (wheel,) = out.glob("*.whl")
    check_wheel(wheel, is_purelib=CASES[folder].is_purelib)
    files = dist_info(wheel)
    assert SECRET.encode() not in b"".join(files.values())
    assert b"kept" in files[BUILD_INPUTS]
