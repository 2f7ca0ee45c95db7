"""Compilers, compiler caches that may not read, and objects that lay there before."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import pytest

from backend_shim.capture.build_programs import (
    compilers,
    forgetful_caches,
    has_objects_from_before,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="programs are shell scripts")

# `ccache --show-config`, 4.7; ccache 3 does not say where a value comes from.
CONFIG = "(default) base_dir = \n(default) ignore_headers_in_manifest = \n(env) sloppiness = {}\n"


def program(place: Path, script: str = "") -> str:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f"#!/bin/sh\n{script}\n")
    place.chmod(0o755)
    return os.path.realpath(place)


def ccache(place: Path, config: str) -> str:
    return program(place, f"[ \"$1\" = --show-config ] || exit 1\ncat <<'END'\n{config}\nEND")


@pytest.fixture(autouse=True)
def no_compiler_of_the_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sysconfig, "get_config_var", {}.get)


def path_of(*directories: Path) -> dict[str, str]:
    return {"PATH": os.pathsep.join(map(os.fspath, (*directories, "/usr/bin", "/bin")))}


def alone(directory: Path) -> dict[str, str]:
    return {"PATH": os.fspath(directory)}


def test_compilers_are_those_on_path_by_their_real_paths(tmp_path: Path) -> None:
    real = program(tmp_path / "lib" / "x86_64-gcc-12")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "cc").symlink_to(real)
    linker = program(tmp_path / "bin" / "ld")
    program(tmp_path / "bin" / "python")
    assert compilers(alone(tmp_path / "bin")) == {real, linker}
    assert compilers({"PATH": ""}) == frozenset()


def test_compilers_are_also_those_that_variables_and_the_interpreter_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = program(tmp_path / "bin" / "mycc")
    theirs = program(tmp_path / "opt" / "theircc")
    cache = program(tmp_path / "opt" / "ccache")
    monkeypatch.setattr(sysconfig, "get_config_var", {"CXX": f"{theirs} -O2"}.get)
    environ = {**alone(tmp_path / "bin"), "CC": f"{cache} mycc -pthread", "FC": "'unbalanced"}
    assert compilers(environ) == {mine, theirs, cache}


def test_a_cache_is_forgetful_wherever_it_is_found(tmp_path: Path) -> None:
    here = program(tmp_path / "bin" / "sccache")
    there = program(tmp_path / "opt" / "buildcache")
    path = alone(tmp_path / "bin")
    assert forgetful_caches(path) == {here}
    assert forgetful_caches({"PATH": "", "RUSTC_WRAPPER": there}) == {there}
    assert forgetful_caches({"PATH": "", "CC": f"{there} gcc"}) == {there}
    args = f"-DX=1 -DCMAKE_CXX_COMPILER_LAUNCHER={there} -DY=2"
    assert forgetful_caches({"PATH": "", "CMAKE_ARGS": args}) == {there}
    (tmp_path / "masquerade").mkdir()
    (tmp_path / "masquerade" / "gcc").symlink_to(there)
    assert forgetful_caches(alone(tmp_path / "masquerade")) == {there}


@pytest.mark.parametrize(
    ("config", "forgets"),
    [
        (CONFIG.format(""), False),
        (CONFIG.format("time_macros, pch_defines"), False),
        (CONFIG.format("time_macros, file_stat_matches"), True),
        (CONFIG.format("file_stat_matches_ctime"), True),
        (CONFIG.format("system_headers"), True),
        ("sloppiness = file_stat_matches", True),
        ("(/etc/ccache.conf) ignore_headers_in_manifest = /opt", True),
    ],
)
def test_ccache_is_forgetful_where_it_was_told_to_be(
    config: str, forgets: bool, tmp_path: Path
) -> None:
    found = ccache(tmp_path / "bin" / "ccache", config)
    environ = path_of(tmp_path / "bin")
    assert (found in forgetful_caches(environ)) is forgets
    assert (found in forgetful_caches({"PATH": "/usr/bin:/bin", "CC": f"{found} cc"})) is forgets


def test_ccache_that_does_not_answer_is_forgetful(tmp_path: Path) -> None:
    found = program(tmp_path / "bin" / "ccache", "exit 1")
    assert forgetful_caches(alone(tmp_path / "bin")) == {found}


@pytest.mark.skipif(shutil.which("ccache") is None, reason="no ccache")
def test_the_real_ccache_is_asked_as_the_build_would_find_it(tmp_path: Path) -> None:
    environ = {**os.environ, "CCACHE_DIR": os.fspath(tmp_path), "CCACHE_CONFIGPATH": "/no/file"}
    environ.pop("CCACHE_SLOPPINESS", None)
    real = os.path.realpath(str(shutil.which("ccache")))
    assert real not in forgetful_caches(environ)
    environ["CCACHE_SLOPPINESS"] = "file_stat_matches"
    assert real in forgetful_caches(environ)


@pytest.mark.parametrize(
    "name", ["x.o", "X.OBJ", "libx.a", "x.so", "x.cpython-311-x.so", "x.pyd", "x.dll", "x.h.gch"]
)
def test_an_object_anywhere_in_the_tree_lay_there_before(name: str, tmp_path: Path) -> None:
    assert not has_objects_from_before(tmp_path, None, {})
    place = tmp_path / "build" / "temp" / name
    place.parent.mkdir(parents=True)
    place.write_bytes(b"")
    assert has_objects_from_before(tmp_path, None, {})


@pytest.mark.parametrize("directory", [".git", "node_modules", ".tox", "venv"])
def test_what_is_not_of_the_build_is_passed_over(directory: str, tmp_path: Path) -> None:
    place = tmp_path / directory / "lib"
    place.mkdir(parents=True)
    (place / "x.so").write_bytes(b"")
    (tmp_path / "source.c").write_bytes(b"")
    if directory == "venv":
        (tmp_path / directory / "pyvenv.cfg").write_bytes(b"")
    assert not has_objects_from_before(tmp_path, None, {})


@pytest.mark.parametrize(
    ("settings", "environ"),
    [
        ({"build-dir": "{there}"}, {}),
        ({"builddir": ["{there}"]}, {}),
        ({"--build-option": ["--verbose", "--build-temp={there}"]}, {}),
        ({"--build-option": "build_ext --build-lib={there} --force"}, {}),
        (None, {"SKBUILD_BUILD_DIR": "{there}"}),
        (None, {"CARGO_TARGET_DIR": "{there}"}),
    ],
)
def test_an_object_in_a_directory_that_is_named_for_the_build_lay_there_before(
    settings: dict[str, object] | None, environ: Mapping[str, str], tmp_path: Path
) -> None:
    source, there = tmp_path / "source", tmp_path / "there"
    source.mkdir()
    there.mkdir()

    def fill(value: object) -> object:
        if isinstance(value, list):
            return [fill(each) for each in value]
        return str(value).replace("{there}", os.fspath(there))

    settings = settings and {key: fill(value) for key, value in settings.items()}
    environ = {key: str(fill(value)) for key, value in environ.items()}
    assert not has_objects_from_before(source, settings, environ)
    (there / "x.o").write_bytes(b"")
    assert has_objects_from_before(source, settings, environ)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("pyproject.toml", '[tool.scikit-build]\nbuild-dir = "../there/{{wheel_tag}}"\n'),
        ("pyproject.toml", "[tool.x]\nbuild_dir='../there'\n"),
        ("setup.cfg", "[build]\nbuild_base = ../there\n"),
        ("setup.cfg", "[build_ext]\nbuild-temp = ../there\n"),
        ("setup.cfg", "[build]\nbuild_lib = ../there\n"),
    ],
)
def test_a_build_directory_may_be_named_in_the_tree(file: str, text: str, tmp_path: Path) -> None:
    source, there = tmp_path / "source", tmp_path / "there"
    source.mkdir()
    there.mkdir()
    (source / file).write_text(text)
    assert not has_objects_from_before(source, None, {})
    (there / "x.o").write_bytes(b"")
    assert has_objects_from_before(source, None, {})


def test_setuptools_may_be_told_of_a_file_elsewhere(tmp_path: Path) -> None:
    source, there, extra = tmp_path / "source", tmp_path / "there", tmp_path / "extra.cfg"
    source.mkdir()
    there.mkdir()
    (there / "x.o").write_bytes(b"")
    extra.write_text(f"[build]\nbuild_base = {there}\n")
    assert not has_objects_from_before(source, None, {})
    assert has_objects_from_before(source, None, {"DIST_EXTRA_CONFIG": str(extra)})


def test_settings_that_cannot_be_read_name_no_directory(tmp_path: Path) -> None:
    (tmp_path / "setup.cfg").write_bytes(b"\xff\xfe")
    assert not has_objects_from_before(tmp_path, {"x": "'unbalanced"}, {"BUILD_DIR": "gone"})


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")
def test_what_a_real_compiler_leaves_behind_is_an_object(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text("int a;")
    assert not has_objects_from_before(tmp_path, None, {})
    subprocess.run(["gcc", "-c", "a.c"], cwd=tmp_path, check=True)
    assert has_objects_from_before(tmp_path, None, {})
