"""How every command of `backend-shim` answers: exit statuses, JSON, and the line of an error."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from backend_shim.errors import InvalidWheel
from backend_shim.record.canonical import JSONValue, canonical_json
from backend_shim.wheel.whole_files import replace_file

# argparse has no other name for what `add_subparsers` returns.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001

DONE: Final = 0
PROBLEMS: Final = 1
UNREADABLE: Final = 2

EXIT_STATUS: Final = (
    "exit status: 0 all is well; 1 a problem was found in a wheel or its records; "
    "2 wrong usage, or a file that cannot be read or written"
)


def add_command(
    commands: Commands,
    name: str,
    command: Callable[[argparse.Namespace], int],
    summary: str,
) -> argparse.ArgumentParser:
    """The parser of the command `name`, which is run by `command`."""
    parser = commands.add_parser(name, help=summary, description=summary, epilog=EXIT_STATUS)
    parser.set_defaults(command=command)
    return parser


def add_format(parser: argparse.ArgumentParser) -> None:
    """`--format text|json`."""
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="text is the default"
    )


def write_json(value: JSONValue) -> None:
    """`value` on standard output."""
    sys.stdout.write(canonical_json(value).decode("utf-8"))


def complain(path: Path, error: Exception) -> None:
    """One line on standard error: what is wrong with `path`."""
    print(f"backend-shim: {path.name or path}: {sentence(error)}", file=sys.stderr)


def sentence(error: Exception) -> str:
    """One line without the name that the caller has said already."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, InvalidWheel):
        return error.wrong
    return " ".join(str(error).split())


def write_output(path: Path, data: bytes) -> None:
    """Make `data` the content of the file at `path`, of which nobody sees half.

    Behind a symbolic link the file is replaced, not the link; a pipe or a device is written to.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(data)
    else:
        replace_file(path.resolve(), data)
