"""A bump in a farm that fromager runs: the plan, what it reuses and builds, and what it stamps."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend_shim.cli import main
from backend_shim.fingerprinting import recorded_fingerprint
from backend_shim.wheel.archive import WheelArchive
from tests.end_to_end.conftest import ROOT, UV, Shell

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.network,
    pytest.mark.skipif(os.name == "nt", reason="fromager does not run on Windows"),
]

# preshed is compiled with what cymem and murmurhash declare for Cython; it is built, they are
# downloaded, and Cython, which takes minutes to build, as well.
DOWNLOADED = {"cymem": "2.0.11", "cython": "3.3.1", "murmurhash": "1.0.12", "setuptools": "84.2.1"}
EXAMPLE = (ROOT / "examples" / "fromager" / "README.md").read_text()
(SETTINGS,) = re.findall(r"^```yaml\n(.*?)^```$", EXAMPLE, re.DOTALL | re.MULTILINE)
(_COMMANDS,) = re.findall(r"^```console\n(.*?)^```$", EXAMPLE, re.DOTALL | re.MULTILINE)
BOOTSTRAP, PLAN, KEEP, REBUILD = _COMMANDS.splitlines()


@dataclass(frozen=True, slots=True, kw_only=True)
class Farm:
    """fromager with `wheel-abi` beside it, and the directory that it works in."""

    shell: Shell
    programs: Path
    place: Path

    def run(self, line: str, **environ: str) -> str:
        program, *arguments = shlex.split(line)
        path = f"{self.programs}{os.pathsep}{os.environ['PATH']}"
        quick = {"CFLAGS": "-O0 -g0", "PATH": path, **environ}
        return self.shell.run(self.programs / program, *arguments, cwd=self.place, **quick)

    def bootstrap(self, **versions: str) -> None:
        pins = DOWNLOADED | versions
        lines = "".join(f"{name}=={version}\n" for name, version in pins.items())
        (self.place / "constraints.txt").write_text(lines)
        self.run(BOOTSTRAP)

    def dists(self, order: str) -> list[str]:
        entries = json.loads((self.place / "work-dir" / order).read_bytes())
        return [entry["dist"] for entry in entries]

    def wheels(self, pattern: str) -> list[Path]:
        return sorted((self.place / "wheels-repo" / "downloads").glob(pattern))


def pythons() -> Iterator[str]:
    """Interpreters that may be of a version that fromager and the packages support."""
    yield sys.executable
    for version in ("3.12", "3.13"):
        yield from map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
        yield from filter(None, [shutil.which(f"python{version}")])


def is_fit(python: str) -> bool:
    question = "import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 13))"
    return (
        subprocess.run([python, "-c", question], check=False, stderr=subprocess.PIPE).returncode
        == 0
    )


@pytest.fixture(scope="module")
def farm(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> Farm:
    python = next(filter(is_fit, pythons()), None)
    if python is None:
        pytest.skip("there is no CPython 3.12 or 3.13, which fromager needs")
    place = tmp_path_factory.mktemp("farm")
    programs = place / "venv" / "bin"
    shell.run(UV, "venv", "--quiet", "--seed", "--python", python, place / "venv")
    install = (UV, "pip", "install", "--quiet", "--python", programs / "python")
    shell.run(*install, "fromager", "wheel-abi[check]")
    settings = place / "overrides" / "settings"
    settings.mkdir(parents=True)
    settings.with_suffix(".yaml").write_text(SETTINGS)
    for name in DOWNLOADED:
        (settings / f"{name}.yaml").write_text("variants: {cpu: {pre_built: true}}\n")
    return Farm(shell=shell, programs=programs, place=place)


def test_a_farm_rebuilds_what_the_plan_says_and_nothing_twice(farm: Farm) -> None:
    farm.bootstrap()
    farm.bootstrap(murmurhash="1.0.13")
    whole = farm.dists("build-order.json")
    assert sorted(whole) == sorted([*DOWNLOADED, "preshed"])

    # Nothing that preshed takes from murmurhash has changed.
    assert "keep        preshed-3.0.9-1-" in farm.run(PLAN)
    assert (farm.dists("keep-order.json"), farm.dists("rebuild-order.json")) == (whole, [])

    # A farm that takes nothing for proof but the same inputs builds it again, under another name.
    plan = farm.run(f"{PLAN} --evidence proven")
    assert "unknown     preshed-3.0.9-1-" in plan
    assert farm.dists("rebuild-order.json") == ["preshed"]
    farm.run(KEEP, WHEEL_ABI_STAMP="all")
    assert farm.wheels("preshed-*-1_abi001.*.whl") == []
    farm.run(REBUILD)
    (rebuilt,) = farm.wheels("preshed-*-1_abi001.*.whl")

    # What was built is stamped; so is what was downloaded, for that was asked for.
    stamped = [rebuilt, *(each for name in DOWNLOADED for each in farm.wheels(f"{name}-*.whl"))]
    assert len(stamped) == 1 + len(DOWNLOADED)
    assert main(["verify", *map(str, stamped)]) == 0
    with WheelArchive.open(rebuilt) as archive:
        fingerprint = recorded_fingerprint(archive)
    assert fingerprint is not None
    cython = fingerprint.required("cython")
    assert cython is not None
    named = {name for each in cython.facts.thaw()["objects"] for name in each["named"]}
    assert {"cymem.cymem", "murmurhash.mrmr"} <= named
    assert "requires cython (observed)" in farm.run(f"resolver-check show {rebuilt}")

    # The next plan finds it done, and fromager reuses it and not the one of before.
    farm.run(f"{PLAN} --evidence proven")
    assert farm.dists("rebuild-order.json") == []
    farm.run("fromager build-sequence work-dir/build-order.json")
    summary = json.loads((farm.place / "work-dir" / "build-sequence-summary.json").read_bytes())
    assert all(each["skipped"] for each in summary)
    (taken,) = (each["wheel_filename"] for each in summary if each["name"] == "preshed")
    assert Path(taken).name == rebuilt.name
