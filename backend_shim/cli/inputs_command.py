"""`backend-shim inputs`: what a build here and now would take in, without building."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from backend_shim.cli.inputs_text import inputs_text
from backend_shim.cli.output import (
    DONE,
    UNREADABLE,
    Commands,
    add_command,
    add_format,
    complain,
    write_output,
)
from backend_shim.errors import BackendShimError, ConfigurationError
from backend_shim.expected_inputs import inputs_of_project
from backend_shim.isolated_environment import inputs_in_isolation


def add_inputs(commands: Commands) -> None:
    """The parser of `inputs`."""
    inputs = add_command(
        commands, "inputs", _inputs, "say what a build here and now would take in, without building"
    )
    inputs.description = (
        "The build inputs that a build of the project would have here and now: source tree, "
        "patches, settings, environment, interpreter, toolchain, backend and what is installed. "
        "The backend is asked for its requirements, and for the version if nothing states it. "
        "What is installed is that of the running environment, as for "
        "`python -m build --no-isolation`."
    )
    inputs.add_argument(
        "--project",
        metavar="DIR",
        type=Path,
        required=True,
        help="the tree that the wheel is built from; for a wheel from an sdist, the unpacked sdist",
    )
    inputs.add_argument(
        "--config-setting",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="as a front end hands it to the backend; a key given again makes a list",
    )
    inputs.add_argument(
        "--build-tag", metavar="TAG", default=None, help="the build tag that the wheel will have"
    )
    inputs.add_argument(
        "--isolated",
        action="store_true",
        help="install what the project requires into a temporary environment, with pip, and take "
        "the inputs in there, as for a build with isolation",
    )
    inputs.add_argument(
        "--output", metavar="FILE", type=Path, help="write the JSON there and print nothing"
    )
    add_format(inputs)


def _inputs(parsed: argparse.Namespace) -> int:
    project: Path = parsed.project
    output: Path | None = parsed.output
    take = inputs_in_isolation if parsed.isolated else inputs_of_project
    try:
        settings = _settings(parsed.config_setting)
        inputs = take(project, settings, os.environ, build_tag=parsed.build_tag)
    except (BackendShimError, OSError) as error:
        complain(project, error)
        return UNREADABLE
    if output is None:
        document = inputs.to_json().decode("utf-8")
        text = "".join(f"{line}\n" for line in inputs_text(inputs))
        print(document if parsed.format == "json" else text, end="")
        return DONE
    try:
        write_output(output, inputs.to_json())
    except OSError as error:
        complain(output, error)
        return UNREADABLE
    return DONE


def _settings(given: Sequence[str]) -> dict[str, str | list[str]]:
    """Config settings as `build` and pip make them. Raises ConfigurationError."""
    settings: dict[str, str | list[str]] = {}
    for each in given:
        key, separator, value = each.partition("=")
        if not key or not separator:
            # What was given is not repeated: it may be a secret.
            raise ConfigurationError("--config-setting", "must be KEY=VALUE")
        before = settings.get(key)
        if before is None:
            settings[key] = value
        else:
            settings[key] = [*before, value] if isinstance(before, list) else [before, value]
    return settings
