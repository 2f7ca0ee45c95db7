"""A plan that also knows what builds would take in now."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from backend_shim.embed import embed
from backend_shim.record.build_inputs import BuildInputs, BuildRequirement
from backend_shim.record.read_set import Capture, ReadFiles, Role, listing_digest
from backend_shim.wheel.archive import WheelArchive
from resolver_check.scan.installed_files import installed_files
from tests.backend_shim.record.example_inputs import INPUTS
from tests.resolver_check.cli.conftest import Ran, Run, assert_refused
from tests.resolver_check.conftest import Factory

HEADER = "numpy/_core/include/numpy/_numpyconfig.h"
LINUX = ("--python", "3.11", "--platform", "manylinux_2_28_x86_64")


def with_numpy(name: str, wheel: Path, *, read: bool = True) -> BuildInputs:
    """Inputs of a build of `name` where `wheel` was installed."""
    with WheelArchive.open(wheel) as archive:
        files = installed_files(archive.manifest)
    numpy = BuildRequirement(
        name="numpy",
        version=wheel.name.split("-")[1],
        digests=(("record", listing_digest(files.items())),),
        read=ReadFiles(digests=((Role.HEADER, HEADER, files[HEADER]),) if read else ()),
    )
    return replace(
        INPUTS, name=name, version="1.0", config_settings=(), requirements=(numpy,),
        capture=Capture(method="inotify", is_complete=True),
    )  # fmt: skip


@pytest.fixture
def numpys(make: Factory) -> dict[str, Path]:
    """Two that hold the same headers, and a NumPy 1."""
    versions = {
        version: make.numpy(version, abi=0x02000000, api=0x12) for version in ("2.0.1", "2.0.2")
    }
    return {**versions, "1.26.4": make.numpy_1()}


class Planner:
    """Runs `plan` over the wheels made so far, with inputs of now."""

    def __init__(self, make: Factory, run: Run, directory: Path) -> None:
        self._make, self._run, self._directory = make, run, directory

    def __call__(self, *inputs: BuildInputs, bump: str, old: str, options: tuple = ()) -> Ran:
        files = []
        for number, each in enumerate(inputs):
            path = self._directory / f"{number}.json"
            path.write_bytes(each.to_json())
            files += ["--inputs", path]
        return self._run(
            "plan", "--source", self._make.directory, "--bump", f"numpy=={bump}",
            "--from", f"numpy=={old}", *LINUX, *files, *options,
        )  # fmt: skip


@pytest.fixture
def plan(make: Factory, run: Run, tmp_path: Path) -> Planner:
    return Planner(make, run, tmp_path)


def wheel_of(ran: Ran, name: str) -> dict:
    (found,) = (each for each in json.loads(ran.out)["wheels"] if each["name"] == name)
    return found  # type: ignore[no-any-return]


JSON = ("--format", "json")


def test_unchanged_inputs_keep_what_the_bump_leaves_valid(
    make: Factory, plan: Planner, numpys: dict[str, Path]
) -> None:
    wheel = make.for_both("both")
    built = with_numpy("both", numpys["2.0.1"])
    embed(wheel, build_inputs=built, looked_for=("numpy",))
    now = with_numpy("both", numpys["2.0.2"], read=False)
    ran = plan(now, bump="2.0.2", old="2.0.1")
    assert ran.status == 0, ran.out
    assert "build inputs unchanged" in ran.out
    assert "numpy: 2.0.1 -> 2.0.2: all that the build takes from it is unchanged" in ran.out
    found = wheel_of(plan(now, bump="2.0.2", old="2.0.1", options=JSON), "both")
    assert (found["action"], found["build_inputs"]["verdict"]) == ("keep", "valid")


def test_changed_inputs_rebuild_what_the_bump_leaves_valid_and_name_each(
    make: Factory, plan: Planner, numpys: dict[str, Path]
) -> None:
    embed(make.for_both("both"), build_inputs=with_numpy("both", numpys["2.0.1"]), looked_for=())
    now = replace(with_numpy("both", numpys["2.0.2"], read=False), environment=(("CC", "clang"),))
    ran = plan(now, bump="2.0.2", old="2.0.1")
    assert ran.status == 3
    assert "environment variable CC: none -> clang" in ran.out
    assert "environment variable SOURCE_DATE_EPOCH: 1700000000 -> none" in ran.out
    found = wheel_of(plan(now, bump="2.0.2", old="2.0.1", options=JSON), "both")
    assert (found["action"], found["verdict"], found["wave"]) == ("rebuild", "unknown", 1)
    assert found["providers"]["numpy"]["verdict"] == "valid"
    changed = [each for each in found["build_inputs"]["reasons"] if each["effect"] == "open"]
    assert {each["kind"] for each in changed} == {"build-inputs-changed"}
    assert {each["data"]["name"] for each in changed} == {"CC", "CFLAGS", "SOURCE_DATE_EPOCH"}


def test_unchanged_inputs_do_not_overrule_the_bump(
    make: Factory, plan: Planner, numpys: dict[str, Path]
) -> None:
    built = with_numpy("low", numpys["1.26.4"], read=False)
    embed(make.for_numpy_1("low"), build_inputs=built, looked_for=())
    ran = plan(built, bump="2.0.2", old="1.26.4", options=JSON)
    assert ran.status == 1
    found = wheel_of(ran, "low")
    assert (found["action"], found["verdict"]) == ("rebuild", "invalid")
    assert found["build_inputs"]["verdict"] == "valid"


def test_a_build_that_had_the_new_version_already_would_give_the_same(
    make: Factory, plan: Planner, numpys: dict[str, Path]
) -> None:
    built = with_numpy("low", numpys["2.0.2"], read=False)
    embed(make.for_numpy_1("low"), build_inputs=built, looked_for=())
    ran = plan(built, bump="2.0.2", old="1.26.4")
    # A note only: the binaries say that it does not fit.
    assert ran.status == 1
    assert "a build of now would give the same wheel" in ran.out


def test_a_wheel_that_recorded_no_inputs_is_rebuilt(
    make: Factory, plan: Planner, numpys: dict[str, Path]
) -> None:
    make.for_both("both")
    ran = plan(with_numpy("both", numpys["2.0.2"]), bump="2.0.2", old="2.0.1")
    assert ran.status == 3
    assert "has no usable record of its build inputs to compare with" in ran.out


def test_strict_counts_every_version(make: Factory, plan: Planner, numpys: dict[str, Path]) -> None:
    embed(make.for_both("both"), build_inputs=with_numpy("both", numpys["2.0.1"]), looked_for=())
    now = with_numpy("both", numpys["2.0.2"], read=False)
    strict = ("--strict-build-requirements",)
    ran = plan(now, bump="2.0.2", old="2.0.1", options=strict)
    assert ran.status == 3
    assert "build requirement numpy: 2.0.1 -> 2.0.2\n" in ran.out


def test_wheels_without_inputs_of_now_are_planned_as_before(
    make: Factory, plan: Planner, numpys: dict[str, Path]
) -> None:
    make.for_both("both")
    without = plan(bump="2.0.2", old="2.0.1")
    ran = plan(with_numpy("other", numpys["2.0.2"]), bump="2.0.2", old="2.0.1")
    assert (ran.status, without.status) == (0, 0)
    assert "build inputs of other: no wheel of it is judged" in ran.out
    found = wheel_of(plan(bump="2.0.2", old="2.0.1", options=JSON), "both")
    assert found["build_inputs"] is None


def test_inputs_of_one_project_are_given_once(
    plan: Planner, numpys: dict[str, Path], tmp_path: Path
) -> None:
    now = with_numpy("both", numpys["2.0.2"])
    assert "both twice" in assert_refused(plan(now, now, bump="2.0.2", old="2.0.1"))
    (tmp_path / "bad.json").write_text("{}")
    refused = plan(bump="2.0.2", old="2.0.1", options=("--inputs", tmp_path / "bad.json"))
    assert "bad.json: $.schema_version: is missing" in assert_refused(refused)
