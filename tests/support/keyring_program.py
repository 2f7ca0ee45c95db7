"""A program `keyring` that knows what a test says, and writes down what it is asked."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

_PROGRAM = """\
#!{python} -S
import json, sys
arguments = sys.argv[1:]
with open({log!r}, "a") as log:
    log.write(json.dumps(arguments) + "\\n")
exec({fault!r})
mode = "creds" if "--mode=creds" in arguments else "password"
service, *user = arguments[arguments.index("--") + 1:]
found = {known!r}.get(service)
if found is None or (mode == "password" and user != [found[0]]):
    sys.exit(1)
if mode == "creds":
    print(json.dumps({{"username": found[0], "password": found[1]}}))
else:
    print(found[1])
"""


class KeyringProgram:
    """The one on PATH from now on."""

    def __init__(
        self,
        directory: Path,
        monkeypatch: pytest.MonkeyPatch,
        known: Mapping[str, tuple[str, str]],
        fault: str = "",
    ) -> None:
        """`known` are (user, password) by service; `fault` is run before it answers."""
        directory.mkdir()
        self._log = directory / "log"
        program = directory / "keyring"
        text = _PROGRAM.format(
            python=sys.executable, log=str(self._log), known=dict(known), fault=fault
        )
        program.write_text(text)
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(directory), prepend=":")

    @property
    def asked(self) -> list[list[str]]:
        """(service, user if it was named) of each time."""
        if not self._log.exists():
            return []
        lines = [json.loads(line) for line in self._log.read_text().splitlines()]
        return [line[line.index("--") + 1 :] for line in lines]
