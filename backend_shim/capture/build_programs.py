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
_OBJECTS: Final = (".o", ".obj", ".a", ".lib", ".so", ".pyd", ".dylib", ".dll")
_NOT_OF_THE_BUILD: Final = frozenset((".git", ".hg", ".svn", "node_modules", ".nox", ".tox"))
_DIRECTORY_NAME: Final = re.compile(r"(build|target)[-_.]?(dir|directory|base|temp)", re.IGNORECASE)
_DIRECTORY_SETTING: Final = re.compile(
    r"""^[ \t]*["']?build[-_.]?(?:dir|directory|base|temp)["']?[ \t]*=[ \t]*["']?([^"'\n]+)""",
    re.MULTILINE | re.IGNORECASE,
)
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
    watched) and was not told to trust time stamps.
    """
    caches = list(_real_paths(_OTHER_CACHES, environ))
    ccache = list(_real_paths((_CCACHE,), environ))
    if ccache and _trusts_time_stamps(ccache[0], environ):
        caches += ccache
    return frozenset(caches)


def has_objects_from_before(
    source: Path, settings: Mapping[str, object] | None, environ: Mapping[str, str]
) -> bool:
    """Whether compiled objects lie in the tree `source` or in a build directory named for it."""
    return any(map(_holds_objects, (source, *_build_directories(source, settings, environ))))


def _words(text: object) -> list[str]:
    try:
        return shlex.split(str(text)) if text else []
    except ValueError:
        return []


def _real_paths(names: Iterable[str], environ: Mapping[str, str]) -> Iterator[str]:
    for name in names:
        if place := shutil.which(name, path=environ.get("PATH")):
            yield os.path.realpath(place)


def _trusts_time_stamps(ccache: str, environ: Mapping[str, str]) -> bool:
    try:
        asked = subprocess.run(  # noqa: S603 - the cache that the build would call
            [ccache, "--get-config", "sloppiness"],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return True
    return b"file_stat_matches" in asked.stdout


def _build_directories(
    source: Path, settings: Mapping[str, object] | None, environ: Mapping[str, str]
) -> Iterator[Path]:
    """Directories outside of the tree, or hidden in it, that a build is told to work in."""
    named = [value for key, value in environ.items() if _DIRECTORY_NAME.search(key)]
    for key, value in (settings or {}).items():
        if _DIRECTORY_NAME.search(key):
            named += [str(each) for each in (value if isinstance(value, list) else [value])]
    for file in ("pyproject.toml", "setup.cfg"):
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
