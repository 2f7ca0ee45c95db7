"""`backend-shim vendor`: the shim in a project's own tree."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from backend_shim.cli.output import DONE, UNREADABLE, Commands, add_command, complain
from backend_shim.errors import BackendShimError
from backend_shim.vendoring import pyproject_lines, write_copy


def add_vendor(commands: Commands) -> None:
    """The parser of `vendor`."""
    vendor = add_command(commands, "vendor", _vendor, "copy the shim into a project's own tree")
    vendor.description = (
        "Copy the shim into a project's own tree, and print the lines for its pyproject.toml. "
        "Under [tool.wheel-abi] these name `hatchling.build`: put the project's own backend there."
    )
    vendor.add_argument(
        "directory",
        metavar="DIR",
        type=Path,
        help="directory for the copy; its name should begin with an underscore",
    )


def _vendor(parsed: argparse.Namespace) -> int:
    directory: Path = parsed.directory
    try:
        written = write_copy(directory)
    except (BackendShimError, OSError) as error:
        complain(directory, error)
        return UNREADABLE
    name = directory.as_posix() if not directory.is_absolute() else directory.name
    if not directory.name.startswith("_"):
        print(
            f"backend-shim: {name} does not begin with an underscore: setuptools takes such a "
            "directory for a package of the project and refuses to guess",
            file=sys.stderr,
        )
    print(f"# {len(written)} files written to {directory}. In pyproject.toml:")
    print(pyproject_lines(name), end="")
    return DONE
