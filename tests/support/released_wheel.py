"""Wheels of the package index, for CPython on x86-64 with glibc."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

CACHE = Path.home() / ".cache/wheel-abi-wild"
_PLATFORMS = [f"manylinux_2_{minor}_x86_64" for minor in range(5, 40)]
_PLATFORMS += [f"manylinux{name}_x86_64" for name in ("2014", "2010", "1")]


class NotDownloaded(Exception):
    """Pip found no such wheel, or did not get it."""


def download(release: str, python: str, *, cache: Path = CACHE) -> Path:
    """The wheel of `name==version` for that CPython, downloaded once.

    Raises NotDownloaded.
    """
    folder = cache / python
    if (wheel := _find(release, folder)) is None:
        abi = f"cp{python.replace('.', '')}"
        command = [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
            *("--disable-pip-version-check", "--only-binary=:all:", "--implementation=cp"),
            *(f"--python-version={python}", f"--abi={abi}", "--abi=abi3", "--abi=none"),
            *(f"--platform={platform}" for platform in _PLATFORMS),
            *("--dest", str(folder), release),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
        wheel = _find(release, folder)
        if wheel is None:
            raise NotDownloaded(f"{release} for {python}: {done.stderr.strip()[-200:]}")
    return wheel


def _find(release: str, folder: Path) -> Path | None:
    name, version = release.split("==")
    for wheel in folder.glob("*.whl"):
        its_name, its_version = wheel.name.split("-")[:2]
        if (_normalized(its_name), its_version) == (_normalized(name), version):
            return wheel
    return None


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
