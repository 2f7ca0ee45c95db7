"""The compilers and compiler caches that a build may call, and what an earlier build left behind.

A compiler cache need not open what it compiled before, and who finds compiled objects need not
compile: then what the wheel was made from was read, and nobody saw it.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

_COMPILERS: Final = (
    *("cc", "c++", "gcc", "g++", "clang", "clang++", "gfortran", "flang", "cpp"),
    *("rustc", "cargo", "nvcc", "icx", "icpx", "ifx", "ld", "ld.lld", "mold"),
)
_VARIABLES: Final = ("CC", "CXX", "FC", "F77", "F90", "LD", "NVCC", "RUSTC")
_CCACHE: Final = "ccache"
_OTHER_CACHES: Final = ("sccache", "buildcache", "cachecc1", "fastbuild", "clcache", "zapcc")
_OBJECTS: Final = (
    *(".o", ".obj", ".a", ".lib", ".so", ".pyd", ".dylib", ".dll"),
    *(".gch", ".pch", ".pcm"),  # precompiled headers and modules
)
_NOT_OF_THE_BUILD: Final = frozenset((".git", ".hg", ".svn", "node_modules", ".nox", ".tox"))
_DIRECTORY_NAME: Final = re.compile(
    r"(build|target)[-_.]?(dir|directory|base|temp|lib)", re.IGNORECASE
)
_DIRECTORY_SETTING: Final = re.compile(
    r"""(?:^|--)[ \t]*["']?build[-_.]?(?:dir|directory|base|temp|lib)["']?[ \t]*="""
    r"""[ \t]*["']?([^"'\n]+)""",
    re.MULTILINE | re.IGNORECASE,
)
_WORD_OF_VALUE: Final = re.compile(r"[^\s=:;\"']+")
_SECONDS: Final = 10


def compilers(environ: Mapping[str, str]) -> frozenset[str]:
    """Real paths of the compilers and linkers that a build would find."""
    words = [
        word
        for name in _VARIABLES
        for text in (environ.get(name), sysconfig.get_config_var(name))
        for word in _words(text)[:2]  # `ccache gcc`, `/usr/bin/env cc`
    ]
    return frozenset(_real_paths((*words, *_COMPILERS), environ))


def forgetful_caches(environ: Mapping[str, str]) -> frozenset[str]:
    """Real paths of compiler caches that may not open a file whose content they trust.

    ccache opens them if it keeps no inode cache (`CCACHE_NOINODECACHE` is set while a build is
    watched) and was not told otherwise. A cache is found by its name, on PATH, in the place of a
    compiler, or in a variable, as `RUSTC_WRAPPER` and `CMAKE_ARGS` may name one.
    """
    mentioned = (word for value in environ.values() for word in _WORD_OF_VALUE.findall(value))
    named = (word for word in mentioned if _is_cache(word))
    programs = {*_real_paths((*_OTHER_CACHES, _CCACHE, *named), environ), *compilers(environ)}
    return frozenset(
        each
        for each in programs
        if _is_cache(each) and (Path(each).stem != _CCACHE or _may_pass_over(each, environ))
    )


def has_objects_from_before(
    source: Path, settings: Mapping[str, object] | None, environ: Mapping[str, str]
) -> bool:
    """Whether compiled objects lie in the tree `source` or in a build directory named for it."""
    return any(map(_holds_objects, (source, *_build_directories(source, settings, environ))))


def _is_cache(program: str) -> bool:
    return Path(program).stem in (*_OTHER_CACHES, _CCACHE)


def _words(text: object) -> list[str]:
    try:
        return shlex.split(str(text)) if text else []
    except ValueError:
        return []


def _real_paths(names: Iterable[str], environ: Mapping[str, str]) -> Iterator[str]:
    for name in names:
        if place := shutil.which(name, path=environ.get("PATH")):
            yield os.path.realpath(place)


def _may_pass_over(ccache: str, environ: Mapping[str, str]) -> bool:
    """Whether it was told to trust time stamps, or to leave headers out of what it compares."""
    try:
        asked = subprocess.run(  # noqa: S603 - the cache that the build would call
            [ccache, "--show-config"],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return True
    for line in asked.stdout.splitlines():
        setting, _, value = line.rpartition(b") ")[2].partition(b" = ")
        if setting == b"sloppiness" and re.search(rb"file_stat_matches|system_headers", value):
            return True
        if setting == b"ignore_headers_in_manifest" and value:
            return True
    return False


def _build_directories(
    source: Path, settings: Mapping[str, object] | None, environ: Mapping[str, str]
) -> Iterator[Path]:
    """Directories outside of the tree, or hidden in it, that a build is told to work in."""
    named = [value for key, value in environ.items() if _DIRECTORY_NAME.search(key)]
    for key, value in (settings or {}).items():
        values = value if isinstance(value, list) else [value]
        if _DIRECTORY_NAME.search(key):
            named += map(str, values)
        named += [
            found
            for each in values
            for word in _words(each)
            for found in _DIRECTORY_SETTING.findall(word)
        ]
    # DIST_EXTRA_CONFIG: of setuptools, a setup.cfg that lies elsewhere.
    extra = environ.get("DIST_EXTRA_CONFIG")
    for file in ("pyproject.toml", "setup.cfg", *([extra] if extra else [])):
        try:
            named += _DIRECTORY_SETTING.findall((source / file).read_text("utf-8"))
        except (OSError, UnicodeDecodeError):
            continue
    for each in named:
        # Some fill in a tag: `build/{wheel_tag}`.
        place = source / each.partition("{")[0].strip()
        if place.is_dir() and place != source:
            yield place


def _holds_objects(directory: Path) -> bool:
    waiting = [os.fspath(directory)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as scanned:
                entries = list(scanned)
        except OSError:
            continue
        if any(entry.name == "pyvenv.cfg" for entry in entries):
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _NOT_OF_THE_BUILD:
                    waiting.append(entry.path)
            elif entry.name.lower().endswith(_OBJECTS):
                return True
    return False
