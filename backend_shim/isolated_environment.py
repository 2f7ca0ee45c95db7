"""A virtual environment as front ends make one for a build, and the inputs taken in there.

pip is not in it: front ends keep theirs outside, and it would count as a build requirement.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from backend_shim.capture.redaction import Redaction, redaction_of_process
from backend_shim.configuration import read_configuration
from backend_shim.errors import BackendShimError
from backend_shim.record.build_inputs import BuildInputs
from backend_shim.vendoring import write_copy

# Each runs with this very shim, wherever the project has its own from: its directory comes first on
# `sys.path` and holds no other distribution.
_ASK_BACKEND: Final = """\
import json, os, pathlib, sys
from backend_shim.expected_inputs import write_requires
source, settings, output = map(pathlib.Path, sys.argv[1:])
write_requires(source, json.loads(settings.read_bytes()), os.environ, output)
"""
_TAKE_INPUTS: Final = """\
import json, os, pathlib, sys
from backend_shim.expected_inputs import inputs_of_project
source, settings, output = map(pathlib.Path, sys.argv[1:4])
tag = sys.argv[4] or None
inputs = inputs_of_project(source, json.loads(settings.read_bytes()), os.environ, build_tag=tag)
output.write_bytes(inputs.to_json())
"""
_TOLD_LINES: Final = 12


def inputs_in_isolation(
    source: Path,
    config_settings: Mapping[str, Any],
    environ: Mapping[str, str],
    *,
    build_tag: str | None = None,
) -> BuildInputs:
    """The inputs that an isolated build of the tree `source` would have now.

    What it requires is installed by pip, as its configuration and `environ` have it, and removed
    again. Raises BackendShimError, OSError.
    """
    source = Path(os.path.realpath(source))
    configuration = read_configuration(source)
    with tempfile.TemporaryDirectory(prefix="wheel-abi-") as directory:
        place = Path(directory)
        environment = _Environment(place, environ, redaction_of_process(source, environ))
        environment.install(configuration.requires)
        # Not as an argument, which every user of the machine can see.
        settings, asked, taken = (place / f"{name}.json" for name in ("settings", "asked", "taken"))
        settings.write_text(json.dumps(dict(config_settings)), encoding="utf-8")
        environment.run("ask_backend", _ASK_BACKEND, [source, settings, asked])
        environment.install(json.loads(asked.read_bytes()))
        environment.run("take_inputs", _TAKE_INPUTS, [source, settings, taken, build_tag or ""])
        return BuildInputs.from_json(taken.read_bytes())


class _Environment:
    """The environment in `directory`, beside it a pip and a copy of this shim."""

    def __init__(self, directory: Path, environ: Mapping[str, str], redaction: Redaction) -> None:
        self._redaction = redaction
        self._shim = directory / "shim"
        write_copy(self._shim)
        _create(directory / "pip", with_pip=True)
        _create(directory / "environment", with_pip=False)
        self._pip, _ = _interpreter(directory / "pip")
        self._python, scripts = _interpreter(directory / "environment")
        # As front ends do, so that cmake and ninja are found among the requirements.
        path = os.pathsep.join(filter(None, (os.fspath(scripts), environ.get("PATH"))))
        self._environ = {**environ, "PATH": path}

    def install(self, requirements: Sequence[str]) -> None:
        if not requirements:
            return
        target = ["--python", os.fspath(self._python)]
        options = ["--quiet", "--disable-pip-version-check", "--no-input"]
        command = [os.fspath(self._pip), "-m", "pip", *target, "install", *options, "--"]
        self._call("pip cannot install what the project requires", [*command, *requirements])

    def run(self, name: str, program: str, arguments: Sequence[Path | str]) -> None:
        """Run `program` with the interpreter of the environment."""
        script = self._shim / f"{name}.py"
        script.write_text(program, encoding="utf-8")
        command = [os.fspath(each) for each in (self._python, script, *arguments)]
        self._call("the inputs cannot be taken in the environment", command)

    def _call(self, failure: str, command: Sequence[str]) -> None:
        """Run `command`; of one that fails the last lines are told, without secrets."""
        done = subprocess.run(  # noqa: S603 - pip and this shim, of this interpreter
            list(command),
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode:
            lines = done.stdout.decode("utf-8", "replace").splitlines()[-_TOLD_LINES:]
            told = " | ".join(self._redaction.text(line) for line in lines if line.strip())
            raise BackendShimError(f"{failure}: {told}")


def _create(directory: Path, *, with_pip: bool) -> None:
    try:
        venv.create(directory, symlinks=os.name != "nt", with_pip=with_pip)
    except subprocess.CalledProcessError as error:
        raise BackendShimError("the interpreter cannot make a virtual environment") from error


def _interpreter(environment: Path) -> tuple[Path, Path]:
    """The interpreter of a virtual environment and the directory of its scripts."""
    scripts = environment / ("Scripts" if os.name == "nt" else "bin")
    return scripts / ("python.exe" if os.name == "nt" else "python"), scripts
