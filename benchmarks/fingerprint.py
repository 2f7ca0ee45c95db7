"""Fingerprinting a wheel ÷ reading the same members with zipfile; embedding the records in a small wheel.

Both sides run in this process, in turn, on CPU time; the ratio of the minima is printed. Exit status 1 where a ratio
is above its bound, 1.25, or embedding costs 0.1 s of CPU or more.

    python benchmarks/fingerprint.py [--wheels DIR] [--runs N]
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from backend_shim.embed import embed
from backend_shim.fingerprinting import fingerprint_wheel
from backend_shim.wheel.archive import WheelArchive

REQUIREMENTS = ("numpy==2.4.6", "scipy==1.17.1", "pyarrow==23.0.1")
SMALL = "markupsafe==2.1.5"
LOOKED_FOR = ("numpy", "scipy", "Cython", "pybind11")
BOUND = 1.25
EMBED_BOUND = 0.1


def download(requirement: str, directory: Path) -> Path:
    """The wheel of `name==version` for CPython 3.11 on x86-64 Linux, downloaded once."""
    name, version = requirement.split("==")
    found = [
        path
        for path in sorted(directory.glob("*.whl"))
        if path.name.lower().startswith(f"{name}-{version}-")
    ]
    if not found:
        platforms = (
            "manylinux_2_28_x86_64",
            "manylinux_2_27_x86_64",
            "manylinux_2_17_x86_64",
            "manylinux2014_x86_64",
        )
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary=:all:", "--python-version", "3.11", "--dest", str(directory)]
        for platform in platforms:
            command += ["--platform", platform]
        subprocess.run([*command, requirement], check=True)
        return download(requirement, directory)
    return found[0]


def cpu_seconds(action: Callable[[], object]) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start


def read_with_zipfile(wheel: Path, names: list[str]) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in names:
            archive.read(name)


def fingerprint(wheel: Path) -> list[str]:
    with WheelArchive.open(wheel) as archive:
        read = fingerprint_wheel(archive, looked_for=LOOKED_FOR)
    return [each.path for each in read.fingerprint.objects]


def compare(wheel: Path, runs: int) -> float:
    """Minimum CPU seconds of fingerprinting ÷ those of reading the shared objects with zipfile."""
    names = fingerprint(wheel)
    pairs = [
        (
            cpu_seconds(lambda: fingerprint(wheel)),
            cpu_seconds(lambda: read_with_zipfile(wheel, names)),
        )
        for _ in range(runs)
    ]
    ours, theirs = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
    print(
        f"{wheel.name.split('-')[0]:10} {len(names):4} objects  {ours:.3f} s ÷ {theirs:.3f} s = {ours / theirs:.2f}"
    )
    return ours / theirs


def embedding(wheel: Path, runs: int) -> float:
    """Minimum CPU seconds of embedding the fingerprint in a copy of a small wheel."""
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory, wheel.name)
        seconds = []
        for _ in range(runs):
            shutil.copyfile(wheel, copy)
            seconds.append(
                cpu_seconds(lambda: embed(copy, build_inputs=None, looked_for=LOOKED_FOR))
            )
    print(f"embedding in {wheel.name.split('-')[0]}: {min(seconds):.4f} s of CPU")
    return min(seconds)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = Path(
        os.environ.get("WHEEL_ABI_TEST_WHEELS", Path.home() / ".cache" / "wheel-abi-tests")
    )
    parser.add_argument("--wheels", type=Path, default=default)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    arguments.wheels.mkdir(parents=True, exist_ok=True)
    ratios = [compare(download(each, arguments.wheels), arguments.runs) for each in REQUIREMENTS]
    cost = embedding(download(SMALL, arguments.wheels), arguments.runs)
    return 0 if max(ratios) <= BOUND and cost < EMBED_BOUND else 1


if __name__ == "__main__":
    sys.exit(main())
