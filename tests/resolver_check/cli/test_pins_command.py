"""`resolver-check pins`: Requires-Dist as it follows from a wheel, and METADATA beside it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.resolver_check.cli.conftest import NEW, Run, assert_refused
from tests.resolver_check.conftest import SUFFIX, TAG, Factory
from tests.support.read_sets import read_of, record
from tests.support.released_wheel import download
from tests.support.served_index import ServedIndex
from tests.support.wheel_factory import make_wheel


def taker(make: Factory, *requires: str, knows_2: bool = False, tag: str = TAG) -> Path:
    """A wheel that targets NumPy 1.24, compiled with NumPy 1 unless it `knows_2`."""
    paths = ["numpy._core._multiarray_umath"] * knows_2 + ["numpy.core._multiarray_umath"]
    module = make.module("taker", *paths, "_ARRAY_API", "this NumPy (NumPy 1.24) here")
    return make_wheel(
        make.directory, name="taker", tag=tag, requires=requires,
        files={"taker/__init__.py": b"", f"taker/_taker{SUFFIX}": module},
    )  # fmt: skip


@pytest.fixture
def numpies(make: Factory) -> Path:
    """A directory with four NumPys, and one for another interpreter."""
    make.numpy("1.23.5", abi=0x01000009, api=0x10)
    make.numpy("1.24.4", abi=0x01000009, api=0x10)
    make.numpy_1("1.26.4")
    make.numpy_2("2.0.2")
    make.numpy("1.22.4", abi=0x01000009, api=0xF, tag=TAG.replace("cp311", "cp310"))
    return make.directory


def asked(run: Run, wheel: Path, *options: object) -> tuple[int, dict[str, Any]]:
    ran = run("pins", wheel, *NEW, *options, "--format", "json")
    found = json.loads(ran.out)
    pins = {each["provider"]: each for each in found["pins"]}
    return ran.status, pins.get("numpy") or found


@pytest.mark.parametrize(
    ("requires", "status", "finding"),
    [
        ("numpy>=1.24,<2", 0, "fits"),
        ("numpy~=1.24", 0, "fits"),
        ("numpy>=1.24", 1, "too-loose"),
        ("numpy>=1.23,<2", 1, "too-loose"),
        ("numpy", 1, "too-loose"),
        ("numpy>=1.25,<2", 0, "too-tight"),
        ("numpy<1.26,>=1.24", 0, "fits"),
        ("numpy>=3", 3, "not-known"),
        # 1.22 is for another interpreter, so nobody can have it here.
        ("numpy>=1.22,<2,!=1.23.5", 0, "fits"),
        ("numpy>=1.24,<2; python_version >= '3.11'", 0, "fits"),
        ("numpy>=1.24,<2; python_version < '3.11'", 0, "not-required"),
        ("numpy>=1.24; extra == 'fast'", 0, "not-required"),
    ],
)  # fmt: skip
def test_metadata_is_held_against_what_is_known_to_fit(
    requires: str, status: int, finding: str, run: Run, make: Factory, numpies: Path
) -> None:
    ended, pin = asked(run, taker(make, requires), "--index", numpies)
    assert (ended, pin["metadata"]["finding"]) == (status, finding)
    assert pin["requires_dist"] == "numpy>=1.24.4,<2"
    assert pin["refused"] == ["1.23.5", "2.0.2"]


def test_several_requirements_of_one_provider_all_count(
    run: Run, make: Factory, numpies: Path
) -> None:
    wheel = taker(make, "numpy<2", "numpy>=1.24; python_version>='3.11'", "numpy>=9; extra=='x'")
    status, pin = asked(run, wheel, "--index", numpies)
    assert (status, pin["metadata"]["finding"]) == (0, "fits")


@pytest.mark.parametrize(
    ("requires", "knows_2", "status", "line", "finding"),
    [
        ("numpy>=1.24", True, 0, "numpy>=1.24", "fits"),
        ("numpy>=1.24", False, 3, "numpy>=1.24,<2", "not-known"),
        ("numpy>=1.24,<2", False, 0, "numpy>=1.24,<2", "fits"),
        ("numpy>=1.19", True, 3, "numpy>=1.24", "not-known"),
    ],
)
def test_without_an_index_the_wheel_alone_tells(
    requires: str, knows_2: bool, status: int, line: str, finding: str, run: Run, make: Factory
) -> None:
    ended, pin = asked(run, taker(make, requires, knows_2=knows_2))
    assert (ended, pin["metadata"]["finding"]) == (status, finding)
    assert pin["requires_dist"] == pin["bound"]["requires_dist"] == line


def test_the_interpreter_is_that_of_the_wheel(run: Run, make: Factory, numpies: Path) -> None:
    wheel = taker(make, "numpy", tag=TAG.replace("cp311", "cp310"))
    found = json.loads(run("pins", wheel, "--index", numpies, "--format", "json").out)
    assert found["python"] == "3.10"
    (pin,) = found["pins"]
    assert (pin["requires_dist"], pin["refused"]) == (None, ["1.22.4"])


def test_text_says_the_line_the_grounds_and_the_finding(
    run: Run, make: Factory, numpies: Path
) -> None:
    ran = run("pins", taker(make, "numpy>=1.24"), *NEW, "--index", numpies)
    assert ran.status == 1
    first, line, *grounds, finding = ran.out.splitlines()
    assert first == f"taker-1.0-{TAG}.whl, CPython 3.11:"
    assert line == "Requires-Dist: numpy>=1.24.4,<2"
    assert [each.split(":")[0] for each in grounds] == [
        "  · 4 wheels read", "  + valid", "  - invalid", "  - invalid"
    ]  # fmt: skip
    assert finding.startswith("  = METADATA is too loose (numpy>=1.24): it admits 2.0.2, refused")


def test_a_library_fits_as_long_as_its_headers_stay_as_the_build_read_them(
    run: Run, make: Factory
) -> None:
    gifts = [make.library(version) for version in ("1.0", "1.1", "1.2")]
    make.library("1.3", soname="libgift.so.2")
    wheel = record(make.linked(), read_of(gifts[0], "gift/include/gift.h"))
    ran = run("pins", wheel, *NEW, "--index", make.directory)
    assert "Requires-Dist: gift>=1.0,<=1.2" in ran.out
    assert "METADATA is too loose (gift, any version): it admits 1.3, refused" in ran.out
    assert ran.status == 1


def test_what_it_was_built_with_can_be_said_where_no_record_says_it(
    run: Run, make: Factory
) -> None:
    for version in ("1.0", "1.1"):
        make.library(version)
    wheel = make.linked()
    assert run("pins", wheel, *NEW, "--index", make.directory).status == 3
    ran = run("pins", wheel, *NEW, "--index", make.directory, "--built-with", "gift==1.0")
    assert (ran.status, ran.out.splitlines()[1]) == (0, "Requires-Dist: gift>=1.0,<=1.1")


def test_an_index_that_has_no_wheel_of_it_leaves_what_the_wheel_tells(
    run: Run, make: Factory, tmp_path: Path
) -> None:
    shutil.copy(taker(make, "numpy>=1.24,<2"), tmp_path)
    with ServedIndex(tmp_path) as index:
        status, pin = asked(run, taker(make, "numpy>=1.24,<2"), "--index", index.url)
    assert (status, pin["requires_dist"]) == (0, "numpy>=1.24,<2")
    assert pin["trouble"]


def test_a_wheel_without_binaries_binds_to_nothing(run: Run, make: Factory) -> None:
    ran = run("pins", make.pure("plain", requires=["numpy"]), *NEW)
    assert ran.status == 0
    assert "binds to no other distribution" in ran.out


def test_a_provider_that_is_not_bound_is_left_out_unless_it_is_asked_for(
    run: Run, make: Factory, numpies: Path
) -> None:
    make.pure("other")
    wheel = taker(make, "numpy>=1.24,<2", "other>=0.5")
    out = run("pins", wheel, *NEW, "--index", numpies).out
    assert "other" not in out
    ran = run("pins", wheel, *NEW, "--index", numpies, "--provider", "Other")
    assert (ran.status, "numpy" in ran.out) == (0, False)
    assert "other: the binaries do not bind to it" in ran.out


def test_a_provider_that_the_index_has_not_may_be_bound(
    run: Run, make: Factory, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    ran = run("pins", make.linked(), *NEW, "--index", tmp_path / "empty")
    assert ran.status == 3
    assert "gift: no version is known to fit" in ran.out
    assert "the index has no wheel of it for this target" in ran.out


def test_without_an_index_nobody_knows_whether_a_library_is_bound(run: Run, make: Factory) -> None:
    ran = run("pins", make.linked(), *NEW)
    assert (ran.status, "only --index tells whether it binds to: gift" in ran.out) == (3, True)
    wheel = taker(make, "numpy>=1.24,<2", "gift")
    ran = run("pins", wheel, *NEW, "--format", "json")
    assert (ran.status, json.loads(ran.out)["not_asked"]) == (0, ["gift"])


@pytest.mark.parametrize("value", ["numpy", "numpy>=1", "numpy==1.*", "numpy==1,==2", "=="])
def test_built_with_wants_one_version(value: str, run: Run, make: Factory) -> None:
    assert "--built-with wants NAME==VERSION" in assert_refused(
        run("pins", taker(make, "numpy"), "--built-with", value)
    )


@pytest.mark.network
def test_a_released_wheel_for_numpy_1_without_a_cap_is_too_loose(run: Run) -> None:
    wheel = download("shapely==2.0.2", "3.11")
    ran = run("pins", wheel, *NEW, "--index", "https://pypi.org/simple", "--format", "json")
    (pin,) = json.loads(ran.out)["pins"]
    assert (ran.status, pin["requires_dist"]) == (1, "numpy>=1.23.2,<2.0.0")
    assert pin["metadata"]["stated"] == ">=1.14"
    assert pin["metadata"]["refused"][0] == "2.0.0"
    # 43 and more versions, of which the few around the two that matter are read.
    assert len(pin["judged"]) < len(pin["fits"])
