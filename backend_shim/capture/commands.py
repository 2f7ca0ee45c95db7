"""The compile commands of a build, on request: wrappers on PATH note them and call the compiler.

Only asked for does the shim come between a build and its compilers. A compiler that the build calls
by an absolute path is not noted.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

_WRAPPED: Final = ("cc", "c++", "gcc", "g++", "clang", "clang++", "gfortran", "ccache", "sccache")
# Count, directory, name and arguments, each ended by NUL: nothing in an argument can be mistaken.
# A process of its own name for each: nothing is ever written by two at once. A compiler cache looks
# for the compiler on PATH: it must not find the wrapper, which would call the cache again.
_WRAPPER: Final = """#!/bin/sh
printf '%s\\0' "$#" "$PWD" {name} "$@" > {log}/$$.$(date +%s%N)
own={own}:
case $PATH in *"$own"*) PATH=${{PATH%%"$own"*}}${{PATH#*"$own"}} ;; esac
exec {compiler} "$@"
"""
_MOST: Final = 20_000


class CommandLog:
    """Notes what is compiled while its block runs; the environment is to be restored after it."""

    def __init__(self) -> None:
        self.commands: tuple[str, ...] = ()
        """`directory$ command`, each once, sorted: parallel builds have no order."""
        self._directory: Path | None = None

    def __enter__(self) -> CommandLog:
        if sys.platform != "win32":
            self._directory = Path(tempfile.mkdtemp(prefix="wheel-abi-"))
            (self._directory / "log").mkdir()
            (self._directory / "bin").mkdir()
            for name in _WRAPPED:
                if compiler := shutil.which(name):
                    wrapper = self._directory / "bin" / name
                    wrapper.write_text(
                        _WRAPPER.format(
                            name=shlex.quote(name),
                            log=shlex.quote(os.fspath(self._directory / "log")),
                            own=shlex.quote(os.fspath(self._directory / "bin")),
                            compiler=shlex.quote(compiler),
                        )
                    )
                    wrapper.chmod(0o755)
            path = os.environ.get("PATH", os.defpath)
            os.environ["PATH"] = f"{self._directory / 'bin'}{os.pathsep}{path}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._directory is not None:
            self.commands = tuple(sorted(set(_commands(self._directory / "log"))))
            shutil.rmtree(self._directory, ignore_errors=True)


def _commands(directory: Path) -> Iterator[str]:
    for number, file in enumerate(sorted(directory.iterdir())):
        if number < _MOST:
            written = file.read_bytes().decode("utf-8", "replace").split("\0")[:-1]
            count, place, words = written[:1], written[1:2], written[2:]
            # A wrapper that was killed may have left less.
            if count == [str(len(words) - 1)] and _compiles(words):
                yield f"{place[0]}$ {shlex.join(words)}"


def _compiles(words: Sequence[str]) -> bool:
    """Whether a source is compiled to an object, and not linked or only asked about."""
    return "-c" in words
