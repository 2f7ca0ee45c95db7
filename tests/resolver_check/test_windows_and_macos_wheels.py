"""Wheels for Windows and macOS, judged on whatever system this runs on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.platform_wheel import MACOS_ARM, MACOS_INTEL, WINDOWS, platform_wheel

pytestmark = [pytest.mark.network, pytest.mark.slow]

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "platforms", [WINDOWS, MACOS_ARM, MACOS_INTEL], ids=["windows", "macos-arm64", "macos-x86_64"]
)
@pytest.mark.parametrize(
    ("consumer", "old", "new", "verdict"),
    [
        ("pandas==2.2.0", "1.26.4", "2.0.2", "invalid"),  # built with NumPy 1
        ("pandas==2.2.0", "2.0.2", "2.2.6", "invalid"),
        ("pandas==2.2.3", "1.26.4", "2.0.2", "valid"),  # built with NumPy 2 for both
        ("pandas==2.2.3", "2.0.2", "2.2.6", "valid"),
    ],
)
def test_a_bump_of_numpy_is_judged_as_on_linux(
    platforms: tuple[str, ...], consumer: str, old: str, new: str, verdict: str
) -> None:
    wheel = platform_wheel(consumer, platforms)
    before, after = (platform_wheel(f"numpy=={each}", platforms) for each in (old, new))
    ran = subprocess.run(
        [sys.executable, "-m", "resolver_check", "judge", wheel,
         "--old", before, "--new", after, "--format", "json"],
        cwd=ROOT, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert ran.stderr == ""
    table = json.loads(ran.stdout)
    assert table["verdict"] == verdict, table["reasons"]
