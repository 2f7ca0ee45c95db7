"""A program that answers as an interpreter would that is not on this machine."""

from __future__ import annotations

import json
from pathlib import Path

PYPY = {
    "implementation": "pypy",
    "version": "3.10.14",
    "flags": "",
    "soabi": "pypy310-pp73-x86_64-linux-gnu",
    "platform": "linux-x86_64",
    "bits": 64,
    "libc": "glibc 2.31",
    "mac": "",
    "machine": "x86_64",
}


def said_interpreter(directory: Path, **changed: object) -> Path:
    """The path of a program that says what PYPY does, with what is `changed`."""
    program = directory / "said-python"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps({**PYPY, **changed})}\nEND\n")
    program.chmod(0o755)
    return program
