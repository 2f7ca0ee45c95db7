"""How often a build compiled: programs before the compilers on PATH that write down each call."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_COMPILERS = ("cc", "gcc", "c++", "g++")


@dataclass(frozen=True, slots=True, kw_only=True)
class CompileLog:
    """The calls of compilers, a line for each."""

    log: Path
    environ: Mapping[str, str]
    """The variables under which a build writes into `log`."""

    def count(self, source: str) -> int:
        """How often the source file `source` was compiled."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return sum(
            any(word == source or word.endswith(f"/{source}") for word in line.split())
            and (" -c " in f" {line} " or source.endswith(".rs"))
            for line in lines
        )


def start_compile_log(directory: Path, path: str) -> CompileLog:
    """A log in `directory`, for builds with `path` as PATH."""
    log, place = directory / "compiled.txt", directory / "compilers"
    place.mkdir(parents=True)
    for name in _COMPILERS:
        if (real := shutil.which(name)) is not None:
            _write(place / name, f'echo "$*" >> "{log}"\nexec "{real}" "$@"\n')
    _write(place / "rustc-wrapper", f'echo "$*" >> "{log}"\nexec "$@"\n')
    return CompileLog(
        log=log,
        environ={
            "PATH": f"{place}{os.pathsep}{path}",
            "RUSTC_WRAPPER": os.fspath(place / "rustc-wrapper"),
        },
    )


def _write(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}")
    path.chmod(0o755)
