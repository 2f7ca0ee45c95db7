"""What the checker says of real wheels after a NumPy update, and what a rebuild then gives.

Each package is built through the shim against each release of NumPy, in one environment and one
tree, so that nothing else differs. Of each pair of releases the wheel built with the one is judged
for a bump to the other, and its binaries are compared with those built with the other, without
debug information and build id. A rebuild that gives the same binaries was needless.

Exit status 1 where the same inputs are said to prove a wheel whose binaries come out otherwise.

    python benchmarks/same_inputs.py [--releases 2.2.5,2.2.6] [--packages bottleneck==1.6.0] [--all]
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from wrapped_sdist import wrapped_sdist

from backend_shim.wheel.archive import WheelArchive
from resolver_check.check import Bump, judge
from resolver_check.model import EvidenceLevel
from resolver_check.scan.compared_wheels import compare_wheels
from resolver_check.scan.subject import Subject

ROOT = Path(__file__).parents[1]
PACKAGES = "fast-histogram==0.14,bottleneck==1.6.0,pycocotools==2.0.10,cftime==1.6.6.1"
RELEASES = "1.26.3,1.26.4,2.0.1,2.0.2,2.1.2,2.1.3,2.2.5,2.2.6,2.3.4,2.3.5"
BUILD_TOOLS = ("setuptools==80.9.0", "cython==3.1.4", "setuptools-scm", "packaging", "wheel")
LEVELS = (EvidenceLevel.PROVEN, EvidenceLevel.PROMISED)


def run(*command: str | Path, cwd: Path | None = None, **environ: str) -> None:
    done = subprocess.run(
        [os.fspath(word) for word in command],
        cwd=cwd,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{command} failed:\n{done.stdout}{done.stderr}")


def build_all(
    place: Path, packages: list[str], releases: list[str]
) -> Iterator[tuple[str, str, Path]]:
    """(package, release of NumPy, wheel) of every combination."""
    environment = place / "environment"
    run(sys.executable, "-m", "venv", environment)
    python = environment / "bin" / "python"
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, ROOT, *BUILD_TOOLS)
    trees = {each: wrapped_sdist(each, place / each)[0] for each in packages}
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    for release in releases:
        run(*pip, f"numpy=={release}")
        for package, tree in trees.items():
            source = place / "source"
            shutil.rmtree(source, ignore_errors=True)
            shutil.copytree(tree, source)
            out = place / "wheels" / release / package
            out.mkdir(parents=True)
            program = f"import backend_shim.hooks as hooks; hooks.build_wheel({os.fspath(out)!r})"
            run(python, "-c", program, cwd=source, PATH=path, SOURCE_DATE_EPOCH="1700000000")
            (wheel,) = out.glob("*.whl")
            yield package, release, wheel


def has_same_binaries(one: Path, other: Path) -> bool:
    """Whether the extension modules of both differ in debug information and build id at most."""
    return not any(each.path.endswith(".so") for each in compare_wheels(one, other).content)


def is_patch(one: str, other: str) -> bool:
    return re.sub(r"\.\d+$", "", one) == re.sub(r"\.\d+$", "", other)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--packages", default=PACKAGES)
    parser.add_argument("--releases", default=RELEASES)
    parser.add_argument("--all", action="store_true", help="all pairs, not only neighbours")
    parsed = parser.parse_args()
    packages, releases = parsed.packages.split(","), parsed.releases.split(",")
    counted: Counter[tuple[str, ...]] = Counter()
    wrong = 0
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        wheels = {
            (package, release): wheel
            for package, release, wheel in build_all(place, packages, releases)
        }
        pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps")
        for release in releases:
            run(*pip, "--only-binary=:all:", "--dest", place / release, f"numpy=={release}")
        neighbours = list(itertools.pairwise(releases))
        pairs = [*neighbours, *((new, old) for old, new in neighbours)]
        for old, new in itertools.permutations(releases, 2) if parsed.all else pairs:
            (before,), (after,) = ((place / each).glob("*.whl") for each in (old, new))
            with WheelArchive.open(before) as one, WheelArchive.open(after) as other:
                bump = Bump(Subject(one), Subject(other))
                for package in packages:
                    with WheelArchive.open(wheels[package, old]) as archive:
                        consumer = Subject(archive)
                        verdicts = [judge(consumer, bump, level=each).verdict for each in LEVELS]
                    is_same = has_same_binaries(wheels[package, old], wheels[package, new])
                    wrong += verdicts[0].value == "valid" and not is_same
                    step = "patch" if is_patch(old, new) else "minor"
                    proven, promised = (verdict.value for verdict in verdicts)
                    counted[step, proven, promised, "same" if is_same else "differs"] += 1
    print("count  step   proven   promised rebuild")
    for (step, proven, promised, rebuilt), count in sorted(counted.items()):
        print(f"{count:5}  {step:6} {proven:8} {promised:8} {rebuilt}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
