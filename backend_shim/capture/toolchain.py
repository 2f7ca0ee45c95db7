"""The compilers, linker and run-time libraries that the environment offers to a build.

A backend is free to take others; what it took stands in the binaries (`.comment`). A program that
is not there, does not answer in time or fails is None.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from backend_shim.capture.redaction import Redaction
from backend_shim.record.build_machine import Library, Tool, Toolchain

_SECONDS: Final = 10
_MACROS_OF_CXX: Final = b"#include <cstddef>\n"


def capture_toolchain(environ: Mapping[str, str], *, redaction: Redaction) -> Toolchain:
    """The toolchain that `environ` and the interpreter's own build name."""
    c_compiler = _command(environ, "CC", "cc")
    cxx_compiler = _command(environ, "CXX", "c++")
    return Toolchain(
        c_compiler=_compiler(c_compiler, environ, redaction),
        cxx_compiler=_compiler(cxx_compiler, environ, redaction),
        linker=_linker(c_compiler, environ, redaction),
        libc=_libc(),
        cxx_library=_cxx_library(cxx_compiler, environ),
    )


def include_directories(environ: Mapping[str, str]) -> frozenset[str]:
    """The directories that the C and C++ compilers search for headers without being told to."""
    found: set[str] = set()
    for variable, usual, language in (("CC", "cc", "c"), ("CXX", "c++", "c++")):
        command = _command(environ, variable, usual)
        if command:
            ask = [*command, "-E", "-Wp,-v", "-x", language, "-", "-o", os.devnull]
            for line in _output(ask, environ, of_errors=True).splitlines():
                if line.startswith(" ") and Path(line.strip()).is_dir():
                    found.add(os.path.realpath(line.strip()))
    return frozenset(found)


def _command(environ: Mapping[str, str], variable: str, usual: str) -> list[str]:
    """The command that `variable` names, or the interpreter was built with, or the usual one."""
    for text in (environ.get(variable), sysconfig.get_config_var(variable), usual):
        try:
            words = shlex.split(str(text)) if text else []
        except ValueError:
            continue
        if words and shutil.which(words[0], path=environ.get("PATH")):
            return words
    return []


def _compiler(command: list[str], environ: Mapping[str, str], redaction: Redaction) -> Tool | None:
    version = _first_line(_output([*command, "--version"], environ)) if command else None
    if version is None:
        return None
    target = _first_line(_output([*command, "-dumpmachine"], environ))
    return Tool(version=redaction.text(version), target=target)


def _linker(c_compiler: list[str], environ: Mapping[str, str], redaction: Redaction) -> Tool | None:
    """The linker that the C compiler calls, or the one that LD names."""
    named = _command(environ, "LD", "ld") if environ.get("LD") else []
    command = [*named, "--version"] if named else [*c_compiler, "-Wl,--version"]
    version = _first_line(_output(command, environ)) if named or c_compiler else None
    return None if version is None else Tool(version=redaction.text(version), target=None)


def _libc() -> Library | None:
    """The version that glibc tells through confstr; musl tells none."""
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (AttributeError, OSError, ValueError):
        name = version = ""
    return Library(name=name, version=version) if name and version else None


def _cxx_library(command: list[str], environ: Mapping[str, str]) -> Library | None:
    """The C++ library, by the macros that its headers define."""
    if not command:
        return None
    preprocess = [*command, "-x", "c++", "-E", "-dM", "-"]
    macros: dict[str, str] = {}
    for line in _output(preprocess, environ, stdin=_MACROS_OF_CXX).splitlines():
        define, _, rest = line.partition(" ")
        name, _, value = rest.partition(" ")
        if define == "#define":
            macros[name] = value
    if "_LIBCPP_VERSION" in macros:
        return Library(name="libc++", version=macros["_LIBCPP_VERSION"])
    if "_GLIBCXX_RELEASE" in macros:
        abi = "cxx11" if macros.get("_GLIBCXX_USE_CXX11_ABI") == "1" else "old"
        return Library(name="libstdc++", version=macros["_GLIBCXX_RELEASE"], abi=abi)
    return None


def _first_line(output: str) -> str | None:
    return next((line.strip() for line in output.splitlines() if line.strip()), None)


def _output(
    command: Sequence[str],
    environ: Mapping[str, str],
    *,
    stdin: bytes = b"",
    of_errors: bool = False,
) -> str:
    """What `command` writes to its standard output in the C locale; nothing where it fails.

    With `of_errors`, what it writes to its standard error.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the build itself runs these commands
            list(command),
            env={**environ, "LC_ALL": "C"},
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if of_errors else subprocess.DEVNULL,
            timeout=_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return (done.stderr if of_errors else done.stdout).decode("utf-8", "replace")
