"""Wheels of the package index for Windows and macOS, whatever system the tests run on.

They are downloaded once, into $WHEEL_ABI_TEST_WHEELS or ~/.cache/wheel-abi-tests.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

WINDOWS = ("win_amd64",)
MACOS_ARM = ("macosx_11_0_arm64", "macosx_12_0_arm64", "macosx_14_0_arm64")
MACOS_INTEL = ("macosx_10_9_x86_64", "macosx_10_13_x86_64", "macosx_14_0_x86_64")
MACOS_UNIVERSAL = ("macosx_10_9_universal2",)


def platform_wheel(requirement: str, platforms: tuple[str, ...]) -> Path:
    """The wheel of `name==version` for CPython 3.11 and the first platform that has one."""
    default = Path.home() / ".cache" / "wheel-abi-tests"
    folder = Path(os.environ.get("WHEEL_ABI_TEST_WHEELS", default))
    name, _, version = requirement.partition("==")
    for platform in platforms:
        pattern = f"{name.replace('-', '_')}-{version}-cp311-*-{platform}.whl"
        if not any(folder.glob(pattern)):
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
            command += ["--only-binary=:all:", "--python-version", "3.11", "--dest", str(folder)]
            subprocess.run([*command, "--platform", platform, requirement], check=False)
        for wheel in folder.glob(pattern):
            return wheel
    raise LookupError(f"no wheel of {requirement} for {', '.join(platforms)}")


def members_beginning(wheel: Path, *magics: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and content of each member that begins with one of `magics`, all of four bytes."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                if member.read(4).startswith(magics):
                    yield name, archive.read(name)
