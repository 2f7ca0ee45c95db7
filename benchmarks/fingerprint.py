"""Fingerprinting a wheel ÷ reading the same with zipfile, its memory, and the cost of embedding.

Fingerprinting reads every shared object, RECORD, METADATA and what interfaces want to read (`.pxd`)
whole, and of every other member the first bytes, for what is a shared object is told by its magic
number. The baseline reads exactly that with `zipfile` and does nothing else. Both run in this
process in turn; the minima of their CPU seconds are compared. Beside it, as information: the same
by the standard library's zlib, as in a build environment (the checker inflates with zlib-ng), the
ratio to reading the shared objects alone, and the ratio while looking for the names of another
distribution, as the checker does.

Memory is the most that a process of its own has resident while it fingerprints the wheel, less what
the bare interpreter has (Linux: pages of mapped files count).

Exit status 1 where the ratio is above 1.25, a wheel takes more than 100 MB, or embedding in a small
wheel 0.1 s of CPU. The bound on memory holds for the first three.

    python benchmarks/fingerprint.py [--wheels DIR] [--runs N] [--also WHEEL ...]
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
import zlib
from collections.abc import Callable, Collection
from pathlib import Path

from zlib_ng import zlib_ng

from backend_shim.embed import embed
from backend_shim.fingerprinting import fingerprint_wheel
from backend_shim.interfaces.table import all_interfaces
from backend_shim.wheel.archive import WheelArchive
from backend_shim.wheel.member_reader import inflate_with

REQUIREMENTS = ("numpy==2.4.6", "scipy==1.17.1", "pyarrow==23.0.1")
SMALL = "markupsafe==2.1.5"
LOOKED_FOR = ("numpy",)
WANTED = tuple(ending for interface in all_interfaces() for ending in interface.wanted_text)
WHOLE = (".dist-info/RECORD", ".dist-info/METADATA", *WANTED)
HEAD = 8
BOUND = 1.25
EMBED_BOUND = 0.1
MEMORY_BOUND = 100
# Not getrusage(2), whose peak a process inherits from the one that started it.
PEAK = """
import re, sys
from pathlib import Path
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
bare = peak()
from backend_shim.fingerprinting import fingerprint_wheel
from backend_shim.wheel.archive import WheelArchive
from backend_shim.wheel.member_reader import inflate_with
from zlib_ng import zlib_ng
with WheelArchive.open(Path(sys.argv[1])) as archive:
    fingerprint_wheel(archive)
print(peak() - bare)
"""


def download(requirement: str, directory: Path) -> Path:
    """The wheel of `name==version` for CPython 3.11 on x86-64 Linux, downloaded once."""
    name, version = requirement.split("==")
    start = f"{name}-{version}-cp311-"
    if found := _downloaded(start, directory):
        return found
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", "--python-version", "3.11", "--dest", str(directory)]
    for glibc in ("_2_28", "_2_27", "_2_17", "2014"):
        command += ["--platform", f"manylinux{glibc}_x86_64"]
    subprocess.run([*command, requirement], check=True)
    if found := _downloaded(start, directory):
        return found
    raise SystemExit(f"there is no wheel {start}…manylinux… of {requirement}")


def _downloaded(start: str, directory: Path) -> Path | None:
    for path in sorted(directory.glob("*.whl")):
        if path.name.lower().startswith(start) and "manylinux" in path.name:
            return path
    return None


def cpu_seconds(action: Callable[[], object]) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start


def fingerprint(wheel: Path, looked_for: Collection[str] = ()) -> list[str]:
    """Paths of the shared objects, found on the way."""
    with WheelArchive.open(wheel) as archive:
        read = fingerprint_wheel(archive, looked_for=looked_for)
    return [each.path for each in read.fingerprint.objects]


def fingerprint_by_zlib(wheel: Path) -> None:
    inflate_with(zlib)
    try:
        fingerprint(wheel)
    finally:
        inflate_with(zlib_ng)


def read_objects(wheel: Path, objects: Collection[str]) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in objects:
            archive.read(name)


def read_the_same(wheel: Path, objects: Collection[str]) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name in objects or name.endswith(WHOLE):
                archive.read(name)
            elif not name.endswith("/"):
                with archive.open(name) as member:
                    member.read(HEAD)


def compare(wheel: Path, runs: int) -> float:
    """CPU seconds of fingerprinting ÷ those of reading the same with zipfile."""
    inflate_with(zlib_ng)
    objects = frozenset(fingerprint(wheel))
    actions = {
        "fingerprint": lambda: fingerprint(wheel),
        "zlib": lambda: fingerprint_by_zlib(wheel),
        "with a name": lambda: fingerprint(wheel, LOOKED_FOR),
        "same": lambda: read_the_same(wheel, objects),
        "objects": lambda: read_objects(wheel, objects),
    }
    seconds: dict[str, float] = {}
    for _ in range(runs):
        for label, action in actions.items():
            seconds[label] = min(cpu_seconds(action), seconds.get(label, float("inf")))
    ratio = seconds["fingerprint"] / seconds["same"]
    print(
        f"{wheel.name.split('-')[0]:8} {len(objects):4} objects: "
        f"{seconds['fingerprint']:.3f} s ÷ {seconds['same']:.3f} s = {ratio:.2f}   "
        f"(by zlib {seconds['zlib'] / seconds['same']:.2f}; "
        f"÷ objects alone {seconds['fingerprint'] / seconds['objects']:.2f}; "
        f"looking for {LOOKED_FOR[0]} {seconds['with a name'] / seconds['same']:.2f})"
    )
    return ratio


def memory(wheel: Path) -> float:
    """MiB that fingerprinting has resident at most, above the bare interpreter."""
    command = [sys.executable, "-c", PEAK, str(wheel)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    above = int(answer.stdout) / 1024
    print(f"{wheel.name.split('-')[0]:8} {above:.0f} MiB above the interpreter")
    return above


def embedding(wheel: Path, runs: int) -> float:
    """CPU seconds of embedding the fingerprint in a copy of a small wheel."""
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
    cache = Path.home() / ".cache" / "wheel-abi-tests"
    default = Path(os.environ.get("WHEEL_ABI_TEST_WHEELS", cache))
    parser.add_argument("--wheels", type=Path, default=default)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--also", type=Path, nargs="*", default=[], metavar="WHEEL")
    arguments = parser.parse_args()
    arguments.wheels.mkdir(parents=True, exist_ok=True)
    wheels = [download(each, arguments.wheels) for each in REQUIREMENTS]
    ratios = [compare(each, arguments.runs) for each in (*wheels, *arguments.also)]
    peaks = [memory(each) for each in wheels]
    for each in arguments.also:
        memory(each)
    cost = embedding(download(SMALL, arguments.wheels), arguments.runs)
    is_within = max(ratios) <= BOUND and max(peaks) <= MEMORY_BOUND and cost < EMBED_BOUND
    return 0 if is_within else 1


if __name__ == "__main__":
    sys.exit(main())
