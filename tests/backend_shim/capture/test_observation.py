"""What a build read is recorded to the file, or the record is not complete and says why."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest

from backend_shim import hooks
from backend_shim.capture import build, observation, read_files
from backend_shim.capture.observation import BuildObservation, ObservedBuild
from backend_shim.capture.system_packages import Package
from backend_shim.record.build_inputs import BuildInputs
from backend_shim.record.read_set import Capture, ReadFiles, Role
from backend_shim.wrapped_backend import process_restored
from tests.backend_shim.conftest import MakeProject
from tests.backend_shim.test_hooks import recorded
from tests.support.installed_tree import installed_in, lay_out, record_digest

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's"),
    pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc"),
]

ROOT = Path(__file__).parents[3]
LIBRARY = "int answer(void) { return 42; }\n"
FILES = {
    "provider/__init__.py": b"",
    "provider/include/provider.h": b'#include "inner.h"\nint answer(void);\n',
    "provider/include/inner.h": b"#define INNER 1\n",
    "provider/include/unused.h": b"#define UNUSED 1\n",
    "provider/api.pxd": b"cdef int answer()\n",
    "provider/unused.pxd": b"\n",
    "provider/provider.pc": b"Name: provider\n",
}
BACKEND = """
import subprocess
from pathlib import Path
from tests.support.wheel_factory import make_wheel

PROVIDER = Path({provider!r})
COMPILE = ["gcc", "-fPIC", "-I", PROVIDER / "include", "-c", "module.c", "-o", "module.o"]
LINK = ["gcc", "-shared", "module.o", PROVIDER / "libprovider.a", "-o"]

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    (PROVIDER / "api.pxd").read_text()
    (PROVIDER / "provider.pc").read_text()
    subprocess.run(COMPILE, check=True)
    {further}
    built = Path(wheel_directory, "built.so")
    subprocess.run([*LINK, built], check=True)
    files = {{"demo/x.so": built.read_bytes()}}
    return make_wheel(Path(wheel_directory), files=files, tag="py3-none-linux_x86_64").name
"""
MODULE = """
#include <stdlib.h>
#include "provider.h"
int module(void) { if (answer() != INNER) abort(); return 0; }
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return Path(os.path.realpath(tmp_path))


@pytest.fixture
def site(place: Path) -> Path:
    """An environment with a distribution that others compile and link to."""
    (place / "made").mkdir()
    (place / "made" / "a.c").write_text(LIBRARY)
    subprocess.run(["gcc", "-fPIC", "-c", "a.c"], cwd=place / "made", check=True)
    subprocess.run(["ar", "rcD", "a.a", "a.o"], cwd=place / "made", check=True)
    site = place / "env" / "site-packages"
    lay_out(
        site, "provider", {**FILES, "provider/libprovider.a": (place / "made/a.a").read_bytes()}
    )
    return site


@pytest.fixture
def source(place: Path) -> Path:
    (place / "source").mkdir()
    (place / "source" / "module.c").write_text(MODULE)
    return place / "source"


def observed(
    site: Path,
    source: Path,
    act: Callable[[], object],
    *,
    has_binaries: bool = False,
    settings: Mapping[str, object] | None = None,
    with_system_files: bool = False,
    with_commands: bool = False,
) -> ObservedBuild:
    """What is seen of `act` in the environment."""
    watched = BuildObservation(
        source,
        installed_in(site),
        settings,
        os.environ,
        with_system_files=with_system_files,
        with_commands=with_commands,
    )
    with process_restored(), watched:
        act()
    return watched.observed(has_binaries=has_binaries)


def compiling(site: Path, out: Path, *compiler: str) -> Callable[[], object]:
    command = (*(compiler or ("gcc",)), "-I", site / "provider" / "include", "-MD", "-c")

    def act() -> None:
        source = out.parent / "source" / "module.c"
        subprocess.run([*command, source, "-o", out], check=True)

    return act


def paths(found: ObservedBuild) -> set[str]:
    read = found.read.get("provider", ReadFiles())
    return {path.rpartition("/")[2] for _, path, _ in read.digests}


# What a build read.


def test_a_compiler_reads_the_headers_that_it_includes_and_no_other(
    site: Path, source: Path, place: Path
) -> None:
    found = observed(site, source, compiling(site, place / "x.o"), has_binaries=True)
    assert found.capture == Capture(method="inotify", is_complete=True)
    digests = tuple(
        (Role.HEADER, path, record_digest(FILES[path]))
        for path in ("provider/include/inner.h", "provider/include/provider.h")
    )
    assert found.read == {"provider": ReadFiles(digests=digests)}


@pytest.mark.parametrize("link", [os.link, os.symlink, shutil.copy])
def test_it_does_not_matter_how_an_installer_linked_to_its_cache(
    link: Callable[[str, str], object], site: Path, source: Path, place: Path
) -> None:
    (place / "cache").mkdir()
    for number, name in enumerate(("provider.h", "inner.h", "unused.h")):
        cached, file = place / "cache" / str(number), site / "provider" / "include" / name
        file.rename(cached)
        link(os.fspath(cached), os.fspath(file))
    found = observed(site, source, compiling(site, place / "x.o"), has_binaries=True)
    assert paths(found) == {"inner.h", "provider.h"}
    assert found.capture == Capture(method="inotify", is_complete=True)


def test_builds_at_once_with_one_cache_read_what_each_reads_alone(
    site: Path, source: Path, place: Path
) -> None:
    for number in range(4):
        shutil.copytree(site, place / str(number) / "site", copy_function=os.link)
        (place / str(number) / "source").mkdir()
        included = "provider.h" if number % 2 else "unused.h"
        (place / str(number) / "source" / "module.c").write_text(f'#include "{included}"\n')

    def run(number: int) -> ObservedBuild:
        own = place / str(number)
        watched = BuildObservation(own / "source", installed_in(own / "site"), None, os.environ)
        with watched:
            compiling(own / "site", own / "x.o")()
        (own / "x.o").unlink()
        return watched.observed(has_binaries=True)

    with process_restored():
        alone = [run(number) for number in range(4)]
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(run, range(4)))
    assert together == alone
    assert [paths(each) for each in alone] == [{"unused.h"}, {"provider.h", "inner.h"}] * 2


def test_what_was_imported_before_counts_and_metadata_does_not(
    site: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(site)
    importlib.import_module("provider")
    try:
        read = (site / "provider-1.0.dist-info" / "METADATA").read_text
        found = observed(site, source, read)
    finally:
        del sys.modules["provider"]
    assert found.read["provider"].tools == ("provider/__init__.py",)
    assert not found.read["provider"].is_program
    assert found.capture.unowned == 0


def test_a_module_is_seen_whose_bytecode_lies_elsewhere(
    site: Path, source: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", os.fspath(place / "bytecode"))
    monkeypatch.setenv("PYTHONPATH", os.fspath(site))
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    command = [sys.executable, "-c", "import provider"]
    subprocess.run(command, check=True)
    found = observed(site, source, lambda: subprocess.run(command, check=True))
    assert found.read["provider"].tools == ("provider/__init__.py",)


def test_what_lies_beside_the_target_of_a_link_is_not_of_the_environment(
    site: Path, source: Path, place: Path
) -> None:
    (place / "bin").mkdir()
    for name in ("python", "neighbour"):
        (place / "bin" / name).write_text("")
    (site / "python").symlink_to(place / "bin" / "python")

    def act() -> None:
        for name in ("python", "neighbour"):
            (place / "bin" / name).read_text()

    # Nor is the target, if nobody ships it: others on this machine start that interpreter, too.
    assert observed(site, source, act).capture == Capture(method="inotify", is_complete=True)


def test_the_shim_has_no_part_in_what_is_built(
    site: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim = SimpleNamespace(__file__=f"{site}/provider/__init__.py")
    monkeypatch.setattr(observation, "_SHIM", shim)
    found = observed(site, source, (site / "provider" / "api.pxd").read_text)
    assert found.read == {}


# What may have been read unseen.


def test_objects_from_before_and_binaries_without_a_compiler_are_told(
    site: Path, source: Path, place: Path
) -> None:
    compile_it = compiling(site, place / "x.o")
    found = observed(site, source, lambda: None, has_binaries=True)
    assert found.capture == Capture(method="inotify", why_incomplete=("no-compiler",))
    (source / "build").mkdir()
    (source / "build" / "old.o").write_bytes(b"")
    found = observed(site, source, compile_it, has_binaries=True)
    assert found.capture == Capture(method="inotify", why_incomplete=("objects-from-before",))
    shutil.rmtree(source / "build")
    (place / "x.o").rename(place / "made" / "x.o")
    found = observed(site, source, compile_it, settings={"build-dir": str(place / "made")})
    assert found.capture.why_incomplete == ("objects-from-before",)


def test_a_second_build_that_compiles_nothing_says_so(
    site: Path, source: Path, place: Path
) -> None:
    out = source / "build.o"
    compile_it = compiling(site, place / "x.o")

    def incremental() -> None:
        if not out.exists():
            compile_it()
            (place / "x.o").rename(out)

    first = observed(site, source, incremental, has_binaries=True)
    second = observed(site, source, incremental, has_binaries=True)
    assert first.capture.is_complete
    assert paths(first)
    assert second.capture.why_incomplete == ("no-compiler", "objects-from-before")


def test_a_compiler_cache_that_need_not_read_is_told(
    site: Path, source: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "opt").mkdir()
    (place / "opt" / "sccache").write_text('#!/bin/sh\nexec "$@"\n')
    (place / "opt" / "sccache").chmod(0o755)
    cache = os.fspath(place / "opt" / "sccache")
    monkeypatch.setenv("CMAKE_C_COMPILER_LAUNCHER", cache)
    found = observed(site, source, compiling(site, place / "x.o"), has_binaries=True)
    assert found.capture.is_complete
    (place / "x.o").unlink()
    through_it = compiling(site, place / "x.o", cache, "gcc")
    found = observed(site, source, through_it, has_binaries=True)
    assert found.capture == Capture(method="inotify", why_incomplete=("compiler-cache",))


@pytest.mark.skipif(shutil.which("ccache") is None, reason="no ccache")
def test_ccache_reads_the_same_cold_and_warm_unless_it_trusts_time_stamps(
    site: Path, source: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CCACHE_DIR", os.fspath(place / "ccache"))
    monkeypatch.setenv("CCACHE_INODECACHE", "1")
    monkeypatch.setenv("CCACHE_DEPEND", "1")
    time.sleep(2.1)  # younger files are not kept in the inode cache
    runs = []
    for _ in range(3):
        compile_it = compiling(site, place / "x.o", "ccache", "gcc")
        runs.append(observed(site, source, compile_it))
        (place / "x.o").unlink()
    said = subprocess.run(["ccache", "--print-stats"], stdout=subprocess.PIPE, check=True)
    assert b"direct_cache_hit\t2" in said.stdout
    assert runs[0] == runs[1] == runs[2]
    assert paths(runs[0]) == {"provider.h", "inner.h"}
    assert runs[0].capture.is_complete
    monkeypatch.setenv("CCACHE_SLOPPINESS", "file_stat_matches")
    assert observed(site, source, compile_it).capture.why_incomplete == ("compiler-cache",)


def test_a_requirement_whose_files_are_not_known_is_told(site: Path, source: Path) -> None:
    lay_out(site, "bare", {"bare.h": b""})
    assert observed(site, source, lambda: None).capture.is_complete
    (site / "bare-1.0.dist-info" / "RECORD").unlink()
    found = observed(site, source, lambda: None)
    assert found.capture.why_incomplete == ("unlisted-requirement",)
    shutil.rmtree(site / "bare-1.0.dist-info")
    origin = json.dumps({"url": "file:///x", "dir_info": {"editable": True}})
    (site / "provider-1.0.dist-info" / "direct_url.json").write_text(origin)
    found = observed(site, source, lambda: None)
    assert found.capture.why_incomplete == ("unlisted-requirement",)


def test_a_tree_that_is_too_large_and_a_directory_that_is_made_are_told(
    site: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = observed(site, source, (site / "new").mkdir)
    assert found.capture.why_incomplete == ("directories-appeared",)
    monkeypatch.setattr(read_files, "_MOST_DIRECTORIES", 2)
    found = observed(site, source, lambda: None)
    assert found.capture.why_incomplete == ("watch-limit",)


def test_elsewhere_nothing_is_observed(
    site: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    found = observed(site, source, (site / "provider" / "api.pxd").read_text)
    assert found == ObservedBuild(capture=Capture(why_incomplete=("no-inotify",)))


# What is only told if it is asked for.


def test_headers_of_the_system_are_those_of_its_packages(
    site: Path, source: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "include").mkdir()
    for name in ("owned.h", "stray.h", "unused.h"):
        (place / "include" / name).write_text("")
    (source / "module.c").write_text("#include <owned.h>\n#include <stray.h>\n")
    monkeypatch.setenv("CPATH", os.fspath(place / "include"))
    package = Package(manager="apk", name="x-dev", version="1-r0")
    owned = os.fspath(place / "include" / "owned.h")

    def owners(asked: set[str]) -> dict[str, Package]:
        return {path: package for path in asked if path == owned}

    monkeypatch.setattr(observation, "owners", owners)
    compile_it = compiling(site, place / "x.o")
    found = observed(site, source, compile_it, with_system_files=True)
    assert [(each.name, each.files) for each in found.system_packages] == [("x-dev", 1)]
    assert found.capture.is_complete
    assert found.capture.unowned >= 1
    (place / "x.o").unlink()
    found = observed(site, source, compile_it)
    assert (found.system_packages, found.capture.unowned) == ((), 0)


def test_commands_are_noted_if_they_are_asked_for(site: Path, source: Path, place: Path) -> None:
    compile_it = compiling(site, place / "x.o")
    found = observed(site, source, compile_it, with_commands=True, has_binaries=True)
    (command,) = found.commands
    assert "gcc -I" in command
    assert paths(found) == {"inner.h", "provider.h"}
    assert found.capture.is_complete


def test_without_room_for_wrappers_there_are_no_commands(
    site: Path, source: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(place / "gone"))
    compile_it = compiling(site, place / "x.o")
    found = observed(site, source, compile_it, with_commands=True, has_binaries=True)
    assert found.commands == ()
    assert found.capture.is_complete


def test_no_other_variable_is_changed(site: Path, source: Path) -> None:
    before = dict(os.environ)
    inside: list[dict[str, str]] = []
    observed(site, source, lambda: inside.append(dict(os.environ)))
    assert inside == [{**before, "CCACHE_NOINODECACHE": "1"}]
    assert dict(os.environ) == before


# The whole: a wheel that is built by the hook.


@pytest.fixture
def make_c_project(
    site: Path, make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """A project that is compiled and linked to the provider."""
    monkeypatch.setattr(build, "installed_distributions", lambda *_, **__: installed_in(site))

    def make(*, further: str = "pass", options: str = "") -> Path:
        backend = BACKEND.format(provider=os.fspath(site / "provider"), further=further)
        source = make_project(backend, options=options)
        (source / "module.c").write_text(MODULE)
        return source

    return make


def build_it(place: Path) -> BuildInputs:
    place.mkdir()
    return recorded(place / hooks.build_wheel(os.fspath(place)))[1]


def test_a_wheel_tells_exactly_what_it_was_built_from(
    make_c_project: Callable[..., Path],
    site: Path,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secret = "s3cr3tv4lu3"
    monkeypatch.setenv("CFLAGS_TOKEN", secret)
    make_c_project(
        options="commands = true",
        further=f"subprocess.run([*COMPILE, '-DTOKEN={secret}'], check=True)",
    )
    inputs = build_it(place / "out")
    (requirement,) = inputs.requirements
    library = (site / "provider" / "libprovider.a").read_bytes()
    digests = [
        (Role.HEADER, "provider/include/inner.h"),
        (Role.HEADER, "provider/include/provider.h"),
        (Role.PXD, "provider/api.pxd"),
        (Role.OTHER, "provider/provider.pc"),
    ]
    assert requirement.read == ReadFiles(
        digests=tuple(
            sorted(
                [
                    *((role, path, record_digest(FILES[path])) for role, path in digests),
                    (Role.STATIC_LIBRARY, "provider/libprovider.a", record_digest(library)),
                ]
            )
        )
    )
    assert inputs.capture == Capture(method="inotify", is_complete=True)
    assert {each.soname for each in inputs.system_libraries} == {"libc.so.6"}
    assert inputs.toolchain is not None
    assert inputs.toolchain.observed.comments
    text = inputs.to_json()
    assert BuildInputs.from_json(text) == inputs
    schema = json.loads((ROOT / "spec/schemas/build_inputs-0.1.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(json.loads(text))
    assert secret not in text.decode()
    assert os.fspath(place) not in text.decode()
    assert len(inputs.commands) == 2


def test_commands_are_the_same_in_any_temporary_directory(
    make_c_project: Callable[..., Path], place: Path
) -> None:
    further = (
        "import tempfile\n"
        "    for name in 'abcdefgh' * 2:\n"
        "        with tempfile.TemporaryDirectory() as there:\n"
        "            subprocess.run([*COMPILE[:-1], f'{there}/{name}.o'], check=True)\n"
    )
    make_c_project(options="commands = true", further=further)
    commands = build_it(place / "out").commands
    assert len(commands) == 9
    assert list(commands) == sorted(commands)


def test_a_watcher_that_fails_leaves_the_build_alone(
    make_c_project: Callable[..., Path], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = observation.OpenWatch.__enter__

    def killed(self: observation.OpenWatch) -> observation.OpenWatch:
        real(self)
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        return self

    monkeypatch.setattr(observation.OpenWatch, "__enter__", killed)
    make_c_project(options="strict = true")
    inputs = build_it(place / "out")
    assert inputs.capture == Capture(method="inotify", why_incomplete=("watcher-failed",))
    # Of what this process imported, before and after, something may be known.
    assert [each.read.digests for each in inputs.requirements] == [()]


def test_a_build_in_a_tree_with_objects_is_not_complete(
    make_c_project: Callable[..., Path], place: Path
) -> None:
    make_c_project()
    first = build_it(place / "first")
    second = build_it(place / "second")
    assert first.capture.is_complete
    assert second.capture.why_incomplete == ("objects-from-before",)


@pytest.mark.parametrize("error", ["ValueError", "KeyboardInterrupt"])
def test_a_build_that_fails_leaves_no_process_and_no_variable(
    error: str, make_c_project: Callable[..., Path], place: Path
) -> None:
    make_c_project(further=f"raise {error}", options="commands = true")
    before = dict(os.environ)
    with pytest.raises((ValueError, KeyboardInterrupt)):
        build_it(place / "out")
    assert dict(os.environ) == before
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    programs = [Path("/proc", child, "cmdline").read_bytes() for child in children]
    assert not [each for each in programs if b"open_watcher" in each]
