"""Which wheels a CPython on a platform accepts, and which markers hold there."""

from __future__ import annotations

import sys

import pytest
from packaging.markers import Marker
from packaging.tags import parse_tag

from resolver_check.errors import UsageError
from resolver_check.target import platforms_meet, target


@pytest.mark.parametrize(
    ("platform", "accepted", "refused"),
    [
        (
            "manylinux_2_28_x86_64",
            ["cp311-cp311-manylinux_2_28_x86_64", "cp311-cp311-manylinux2014_x86_64",
             "cp38-abi3-manylinux1_x86_64", "py3-none-any", "cp311-none-any",
             "py3-none-manylinux_2_17_x86_64", "cp311-cp311-linux_x86_64"],
            ["cp311-cp311-manylinux_2_29_x86_64", "cp310-cp310-manylinux_2_17_x86_64",
             "cp312-abi3-manylinux_2_17_x86_64", "cp311-cp311-musllinux_1_1_x86_64",
             "cp311-cp311-manylinux_2_17_aarch64", "cp311-cp311t-manylinux_2_17_x86_64"],
        ),
        (
            "manylinux2014_x86_64",
            ["cp311-cp311-manylinux_2_17_x86_64", "cp311-cp311-manylinux2010_x86_64"],
            ["cp311-cp311-manylinux_2_18_x86_64"],
        ),
        (
            "musllinux_1_2_aarch64",
            ["cp311-cp311-musllinux_1_2_aarch64", "cp311-cp311-musllinux_1_1_aarch64"],
            ["cp311-cp311-musllinux_1_3_aarch64", "cp311-cp311-manylinux_2_17_aarch64"],
        ),
        (
            "macosx_12_0_arm64",
            ["cp311-cp311-macosx_11_0_arm64", "cp311-cp311-macosx_11_0_universal2"],
            ["cp311-cp311-macosx_13_0_arm64", "cp311-cp311-macosx_11_0_x86_64"],
        ),
        ("win_amd64", ["cp311-cp311-win_amd64", "py3-none-any"], ["cp311-cp311-win32"]),
    ],
)  # fmt: skip
def test_accepts(platform: str, accepted: list[str], refused: list[str]) -> None:
    tags = target("3.11", platform).tags
    assert [text for text in accepted if not parse_tag(text) & tags] == []
    assert [text for text in refused if parse_tag(text) & tags] == []


@pytest.mark.parametrize(
    ("platform", "holding"),
    [
        ("manylinux_2_28_x86_64", "sys_platform == 'linux' and platform_machine == 'x86_64'"),
        ("musllinux_1_2_aarch64", "sys_platform == 'linux' and platform_machine == 'aarch64'"),
        ("macosx_12_0_arm64", "platform_system == 'Darwin' and platform_machine == 'arm64'"),
        ("win_amd64", "os_name == 'nt' and sys_platform == 'win32'"),
    ],
)
def test_markers_hold_for_the_target_and_not_for_us(platform: str, holding: str) -> None:
    environment = target("3.9", platform).marker_environment
    assert Marker(holding).evaluate(environment)
    assert Marker("python_version == '3.9'").evaluate(environment)
    assert Marker("implementation_name == 'cpython'").evaluate(environment)


def test_takes_what_is_not_said_from_the_running_interpreter() -> None:
    ours = target(None, None)
    assert ours.python == sys.version_info[:2]
    assert any(tag.interpreter == f"cp{ours.python[0]}{ours.python[1]}" for tag in ours.tags)


@pytest.mark.parametrize("python", ["3", "3.11.4", "three", "", "3.", "3.11 "])
def test_refuses_a_python(python: str) -> None:
    with pytest.raises(UsageError, match=r"--python wants MAJOR\.MINOR"):
        target(python, "win_amd64")


@pytest.mark.parametrize("platform", ["", "a-b", "linux x86", "any;"])
def test_refuses_a_platform(platform: str) -> None:
    with pytest.raises(UsageError, match="--platform wants a platform tag"):
        target("3.11", platform)


@pytest.mark.parametrize("platform", ["macosx_999999999_0_arm64", "manylinux_2_999999999_x86_64"])
def test_absurd_versions_take_no_time(platform: str) -> None:
    assert len(target("3.11", platform).tags) < 1000


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ("macosx_11_0_universal2", "macosx_14_0_arm64", True),
        ("macosx_11_0_x86_64", "macosx_10_9_universal2", True),
        ("macosx_11_0_x86_64", "macosx_11_0_arm64", False),
        ("win32", "win_amd64", False),
        ("manylinux_2_17_x86_64", "linux_x86_64", True),
        ("manylinux_2_17_x86_64", "musllinux_1_2_x86_64", False),
        ("any", "win_arm64", True),
    ],
)
def test_platforms_meet_where_one_machine_can_hold_both(
    ours: str, theirs: str, expected: bool
) -> None:
    assert platforms_meet(ours, theirs) is expected
    assert platforms_meet(theirs, ours) is expected
