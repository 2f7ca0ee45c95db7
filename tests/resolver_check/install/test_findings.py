"""What is found of wheels before they are installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend_shim.wheel.archive import WheelArchive
from resolver_check.compare.interpreter import Python
from resolver_check.conditional import Rules
from resolver_check.install import judge_installation
from resolver_check.model import EvidenceLevel, Verdict
from resolver_check.scan.environment import open_environment
from resolver_check.scan.subject import Subject
from tests.support.wheel_factory import make_wheel

GLIBC, OTHER, MAC = "manylinux_2_17_x86_64", "musllinux_x86_64", "macosx-11.0-arm64"


@pytest.mark.parametrize(
    ("platform", "tag", "is_for"),
    [
        (GLIBC, "any", True),
        (GLIBC, "linux_x86_64", True),
        (GLIBC, "manylinux2014_x86_64", True),
        (GLIBC, "manylinux_2_18_x86_64", False),
        (GLIBC, "manylinux_2_18_x86_64.manylinux_2_12_x86_64", True),
        (GLIBC, "musllinux_1_2_x86_64", False),
        (OTHER, "any", True),
        (OTHER, "linux_x86_64", True),
        (OTHER, "musllinux_1_2_x86_64", True),
        (OTHER, "musllinux_1_2_aarch64", False),
        (OTHER, "manylinux1_x86_64", False),
        (MAC, "macosx_10_9_universal2", True),
        (MAC, "macosx_11_0_x86_64", False),
    ],
)
def test_a_wheel_for_a_platform(tmp_path: Path, platform: str, tag: str, is_for: bool) -> None:
    path = make_wheel(tmp_path, tag=f"py3-none-{tag}", files={"demo.py": b""})
    with WheelArchive.open(path) as wheel:
        findings = judge_installation(
            [Subject(wheel)],
            open_environment([]),
            Rules(level=EvidenceLevel.PROMISED),
            python=Python(version="3.11.7"),
            platform=platform,
        )
    assert findings.verdict is (Verdict.VALID if is_for else Verdict.INVALID)
