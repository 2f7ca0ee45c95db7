"""The read set of real builds is what `strace` says that they opened, no file less and none more.

By default the quickest of each kind of backend; all of them with `WHEEL_ABI_READ_SETS=all`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tarfile
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path, PurePosixPath
from typing import Any, Final

import pytest

from backend_shim.capture.build_requirements import normalized
from backend_shim.capture.read_files import role_of
from backend_shim.record.read_set import Role
from tests.end_to_end.conftest import UV, MakeProject, Shell, build_inputs
from tests.end_to_end.test_real_sdists import wrap

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.network,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("strace") is None, reason="no strace"),
]

# Opened by the interpreter as it started, or by a backend as it was imported: before the watch.
READ_EARLY: Final = frozenset(
    ("distutils-precedence.pth", "setuptools/_vendor/jaraco/text/Lorem ipsum.txt")
)
_OPENED: Final = re.compile(r"(?P<process>\d+) +.*\bopen(?:at)?\b.* = \d+<(?P<path>/.*)>$")
_RUN: Final = re.compile(r'(?P<process>\d+) +execve\("(?P<path>/[^"]+)"')
_ENDED: Final = re.compile(r"(?P<process>\d+) +\+\+\+ exited with")


@dataclass(frozen=True, slots=True, kw_only=True)
class RealBuild:
    requirement: str
    backend: str
    compiler: str = "gcc"
    is_quick: bool = False
    is_read_of: tuple[str, ...] = ()
    """Distributions of which more than code is read."""

    @property
    def name(self) -> str:
        return self.requirement.partition("==")[0]


BUILDS = (
    RealBuild(
        requirement="fast-histogram==0.14",
        backend="setuptools",
        is_quick=True,
        is_read_of=("numpy",),
    ),
    RealBuild(
        requirement="fast-histogram==0.14",
        backend="setuptools",
        compiler="clang",
        is_quick=True,
        is_read_of=("numpy",),
    ),
    RealBuild(requirement="bottleneck==1.6.0", backend="setuptools", is_read_of=("numpy",)),
    RealBuild(
        requirement="bottleneck==1.6.0",
        backend="setuptools",
        compiler="clang",
        is_read_of=("numpy",),
    ),
    RealBuild(requirement="cftime==1.6.6.1", backend="setuptools", is_read_of=("cython", "numpy")),
    RealBuild(
        requirement="preshed==3.0.15",
        backend="setuptools",
        is_read_of=("cymem", "cython", "murmurhash"),
    ),
    RealBuild(requirement="contourpy==1.3.3", backend="meson-python", is_read_of=("pybind11",)),
    RealBuild(
        requirement="pywavelets==1.9.0",
        backend="meson-python",
        is_read_of=("cython", "numpy"),
    ),
    RealBuild(requirement="spglib==2.6.0", backend="scikit-build-core", is_read_of=("numpy",)),
    RealBuild(requirement="levenshtein==0.27.5", backend="scikit-build-core"),
    RealBuild(
        requirement="fnv-hash-fast==1.5.0",
        backend="poetry-core",
        is_quick=True,
        is_read_of=("cython",),
    ),
)
IS_ALL: Final = os.environ.get("WHEEL_ABI_READ_SETS") == "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Real paths of the files that processes opened or ran."""

    before: frozenset[str]
    """Until the watch began."""
    watched: frozenset[str]
    """Until it ended; later the shim itself opens what it writes down."""
    is_ended: bool


def test_the_end_of_a_watch_is_found_in_a_trace() -> None:
    lines = (
        '9  openat(AT_FDCWD</a>, "x.h", O_RDONLY) = 3</v/x.h>',
        '8  openat(AT_FDCWD</a>, "w", O_RDONLY) = 3</v/capture/open_watcher.py>',
        '12 execve("/v/bin/tool", ["tool"], 0x7 /* 3 vars */ <unfinished ...>',
        '9  openat(AT_FDCWD</a>, "gone.h", O_RDONLY) = -1 ENOENT (No such file or directory)',
        '12 openat(AT_FDCWD</a>, "y.h", O_RDONLY <unfinished ...>',
        "12 +++ exited with 0 +++",
        "9  <... openat resumed>) = 4</v/y.h>",
        "8  +++ exited with 0 +++",
        '9  openat(AT_FDCWD</a>, "z.h", O_RDONLY) = 3</v/z.h>',
    )
    trace = trace_of(lines)
    assert trace.before == {"/v/x.h"}
    assert trace.watched == {"/v/bin/tool", "/v/y.h", "/v/capture/open_watcher.py"}
    assert trace.is_ended
    assert not trace_of(lines[:7]).is_ended


@pytest.mark.parametrize(
    "real",
    [each for each in BUILDS if each.is_quick or IS_ALL],
    ids=lambda real: f"{real.name}-{real.compiler}",
)
def test_the_read_set_is_what_was_opened(real: RealBuild, shell: Shell, tmp_path: Path) -> None:
    if shutil.which(real.compiler) is None:
        pytest.skip(f"no {real.compiler}")
    source = unpacked(real, shell, tmp_path)
    python = environment(source, shell, tmp_path / "venv")
    compilers = {"gcc": ("gcc", "g++"), "clang": ("clang", "clang++")}[real.compiler]
    environ = {
        **shell.environ,
        "CC": compilers[0],
        "CXX": compilers[1],
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": os.fspath(tmp_path / "venv"),
    }
    inside = Shell(environ=environ)
    ask = "import backend_shim.hooks as h, json; "
    ask += "print('\\nrequires', json.dumps(getattr(h, 'get_requires_for_build_wheel', list)()))"
    log = tmp_path / "strace.log"
    strace = ("strace", "-f", "-q", "-y", "-e", "trace=open,openat,execve", "-e", "signal=none")
    said = inside.run(*strace, "-o", log, python, "-c", ask, cwd=source)
    earlier = trace_of(log.read_text("utf-8", "replace").splitlines()).before
    more = json.loads(re.findall(r"^requires (.*)$", said, re.MULTILINE)[-1])
    if more:
        shell.run(UV, "pip", "install", "--quiet", "--python", python, *more)
    build = f"import backend_shim.hooks as h; h.build_wheel({os.fspath(tmp_path)!r})"
    inside.run(*strace, "-o", log, python, "-c", build, cwd=source)
    (wheel,) = tmp_path.glob("*.whl")
    definition = build_inputs(wheel)
    assert definition["internalParameters"]["backend"]["distribution"] == real.backend
    capture = definition["internalParameters"]["capture"]
    assert (capture["why_incomplete"], capture["complete"]) == ([], True)
    recorded = recorded_files(definition)
    trace = trace_of(log.read_text("utf-8", "replace").splitlines())
    assert trace.is_ended
    listed = Listing(tmp_path / "venv")
    truth = listed.names(trace.watched)
    missing, extra = truth - recorded.keys(), recorded.keys() - truth
    before = listed.names(trace.before)
    report(real, truth, missing, recorded=recorded, before=before)
    assert missing == set()
    # A module that was imported before is recorded too: it may run while the backend builds.
    assert {path for path in extra if role_of(path) is not Role.BUILD_TOOL} == set()
    assert extra <= before
    early = before - recorded.keys()
    assert {path for path in early if role_of(path) is not Role.BUILD_TOOL} <= READ_EARLY
    # What setup.py already generates while it is asked for its requirements is not generated again.
    # Of what it was made from, only the templates of a program are not read again: Cython's.
    missed = {
        path
        for path in listed.names(earlier) - recorded.keys()
        if role_of(path) in (Role.HEADER, Role.PXD, Role.STATIC_LIBRARY)
    }
    assert {listed.owners[path] for path in missed} <= programs(definition)
    assert {role_of(path) for path in missed} <= {Role.HEADER}
    owners = {recorded[path] for path in recorded if role_of(path) in (Role.HEADER, Role.PXD)}
    assert owners == set(real.is_read_of)


def test_builds_at_once_and_ways_to_link_to_the_cache_of_uv_make_no_difference(
    shell: Shell, project: MakeProject, tmp_path: Path
) -> None:
    source = project("setuptools_pybind11")
    # Whoever builds at the same time and is linked to the same cache by symbolic links reads the
    # same files.
    cache = os.fspath(tmp_path / "cache")

    def built(place: Path, mode: str) -> tuple[dict[str, Any], dict[str, str]]:
        tree = Path(shutil.copytree(source, place / "source"))
        wheel = shell.wheel("uv", tree, place / "out", UV_LINK_MODE=mode, UV_CACHE_DIR=cache)
        definition = build_inputs(wheel)
        return definition["internalParameters"]["capture"], recorded_files(definition)

    places = (tmp_path / "one", tmp_path / "two")
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(built, places, ("hardlink", "hardlink")))
    found += [built(tmp_path / mode, mode) for mode in ("copy", "symlink")]
    (capture, files), *others = found
    assert capture["complete"]
    assert {"pybind11/include/pybind11/pybind11.h"} < files.keys()
    assert [each for each in others if each != (capture, files)] == []


def unpacked(real: RealBuild, shell: Shell, place: Path) -> Path:
    """The tree of the sdist, made to build through the shim."""
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps")
    shell.run(*pip, "--no-binary", real.name, "--dest", place / "sdist", real.requirement)
    (sdist,) = (place / "sdist").iterdir()
    with tarfile.open(sdist) as archive:
        archive.extractall(place / "source", filter="data")
    (source,) = (place / "source").iterdir()
    wrap(source / "pyproject.toml")
    return source


def environment(source: Path, shell: Shell, place: Path) -> Path:
    """The interpreter of an environment with the build requirements of `source`."""
    table = tomllib.loads((source / "pyproject.toml").read_text("utf-8"))
    shell.run(UV, "venv", "--quiet", "--python", sys.executable, place)
    python = place / "bin" / "python"
    install = (UV, "pip", "install", "--quiet", "--python", python)
    shell.run(*install, *table["build-system"]["requires"])
    return python


def trace_of(lines: Iterable[str]) -> Trace:
    before: set[str] = set()
    watched: set[str] = set()
    watcher = None
    is_ended = False
    for line in lines:
        if watcher and (ended := _ENDED.match(line)) and ended["process"] == watcher:
            is_ended = True
            break
        opened = _OPENED.match(line) or _RUN.match(line)
        if opened is None:
            continue
        if watcher is None and opened["path"].endswith("/capture/open_watcher.py"):
            watcher = opened["process"]
        (before if watcher is None else watched).add(os.path.realpath(opened["path"]))
    return Trace(before=frozenset(before), watched=frozenset(watched), is_ended=is_ended)


class Listing:
    """Which files of the environment at `place` RECORD lists, save the metadata and the shim."""

    def __init__(self, place: Path) -> None:
        self.paths: dict[str, str] = {}
        self.owners: dict[str, str] = {}
        (site,) = place.glob("lib/python*/site-packages")
        for each in distributions(path=[os.fspath(site)]):
            name = each.metadata["Name"]
            if name != "wheel-abi":
                listed = dict(_listed(each))
                self.paths.update(listed)
                self.owners.update(dict.fromkeys(listed.values(), normalized(name)))

    def names(self, opened: Iterable[str]) -> set[str]:
        """The files among `opened` as RECORD spells them, modules in the place of bytecode."""
        sources = (re.sub(r"__pycache__/([^/.]+)\..*pyc$", r"\1.py", path) for path in opened)
        return {self.paths[path] for path in sources if path in self.paths}


def _listed(distribution: Distribution) -> Iterator[tuple[str, str]]:
    # What an installer writes for an entry point is no file of the wheel.
    made = {f"bin/{each.name}" for each in distribution.entry_points}
    for file in distribution.files or ():
        name = "/".join(part for part in PurePosixPath(file).parts if part != "..")
        is_metadata = re.search(r"\.(dist|egg)-info/", name)
        if file.hash and not is_metadata and "__pycache__" not in name and name not in made:
            yield os.path.realpath(str(distribution.locate_file(file))), name


def recorded_files(definition: dict[str, Any]) -> dict[str, str]:
    """The distribution of each file that the record tells of."""
    found: dict[str, str] = {}
    for each in definition["resolvedDependencies"]:
        for role, files in each.get("annotations", {}).get("read", {}).items():
            paths = files["files"] if role == Role.BUILD_TOOL.value else files
            found.update(dict.fromkeys(paths, each["name"]))
    return found


def programs(definition: dict[str, Any]) -> set[str]:
    """The distributions of which a program was run: all of their code counts."""
    tools = {
        each["name"]: each.get("annotations", {}).get("read", {}).get(Role.BUILD_TOOL.value)
        for each in definition["resolvedDependencies"]
    }
    return {name for name, table in tools.items() if table and table["program"]}


def report(
    real: RealBuild,
    truth: set[str],
    missing: set[str],
    *,
    recorded: Collection[str],
    before: Collection[str],
) -> None:
    """One line of a table, for who runs with `-s`."""
    of_tools = sum(role_of(path) is Role.BUILD_TOOL for path in truth)
    line = (
        f"{real.requirement} {real.backend} {real.compiler}: "
        f"opened {len(truth) - of_tools} files and {of_tools} of tools, missing {sorted(missing)}, "
        f"extra {sorted(set(recorded) - truth - set(before))}; imported before "
        f"{len(set(recorded) - truth)}, read before and not recorded "
        f"{sorted(set(before) - set(recorded))}\n"
    )
    sys.stdout.write(f"\n{line}")
