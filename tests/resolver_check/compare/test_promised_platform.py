"""What the platform tags of a wheel promise, held against what its binaries need."""

from __future__ import annotations

import pytest
from packaging.tags import parse_tag

from backend_shim.errors import InvalidRecord
from backend_shim.interfaces.platform_floor import PlatformFloor
from backend_shim.interfaces.reasons import Effect
from resolver_check.compare.promised_platform import broken_platform_promises


def found(platforms: str, *versions: tuple[str, str], libc: str | None = "glibc") -> list[str]:
    floor = PlatformFloor(libc=libc, versions=versions, string_abi=())
    reasons = list(broken_platform_promises(parse_tag(f"cp311-cp311-{platforms}"), floor))
    assert {reason.effect for reason in reasons} <= {Effect.NOTE}
    return [" ".join(map(str, reason.data().values())) for reason in reasons]


@pytest.mark.parametrize(
    ("platform", "needed", "expected"),
    [
        ("manylinux_2_17_x86_64", "2.17", []),
        ("manylinux_2_17_x86_64", "2.28", ["GLIBC_2.28 GLIBC_2.17 manylinux_2_17_x86_64"]),
        ("manylinux_2_28_x86_64", "2.28", []),
        ("manylinux_2_28_aarch64", "2.9", []),
        ("manylinux2014_x86_64", "2.18", ["GLIBC_2.18 GLIBC_2.17 manylinux2014_x86_64"]),
        ("manylinux2010_i686", "2.13", ["GLIBC_2.13 GLIBC_2.12 manylinux2010_i686"]),
        ("manylinux1_x86_64", "2.6", ["GLIBC_2.6 GLIBC_2.5 manylinux1_x86_64"]),
        ("linux_x86_64", "2.99", []),
        ("any", "2.99", []),
    ],
)
def test_a_tag_promises_a_glibc(platform: str, needed: str, expected: list[str]) -> None:
    assert [" ".join(sorted(each.split())) for each in found(platform, ("GLIBC", needed))] == [
        " ".join(sorted(each.split())) for each in expected
    ]


def test_the_old_tags_limit_the_cxx_library_too() -> None:
    newer = ("GLIBCXX", "3.4.21")
    assert len(found("manylinux2014_x86_64", newer)) == 1
    assert len(found("manylinux_2_17_x86_64.manylinux2014_x86_64", newer)) == 2
    assert found("manylinux_2_28_x86_64", newer) == []


def test_a_tag_is_of_one_libc() -> None:
    assert found("musllinux_1_2_x86_64", ("GLIBC", "2.4")) == ["musllinux_1_2_x86_64 glibc"]
    assert found("manylinux_2_17_x86_64", libc="musl") == ["manylinux_2_17_x86_64 musl"]
    assert found("musllinux_1_2_x86_64", libc="musl") == []
    assert found("manylinux_2_17_x86_64", libc=None) == []
    assert found("linux_x86_64", libc="musl") == []


@pytest.mark.parametrize("wrong", ["", "2.x", "2." + "9" * 5000])
def test_a_wrong_version_is_refused(wrong: str) -> None:
    with pytest.raises(InvalidRecord):
        found("manylinux_2_17_x86_64", ("GLIBC", wrong))
