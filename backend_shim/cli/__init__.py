"""``backend-shim``: stamp, show, verify and export the records of wheels; vendor the shim.

One file per command.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from backend_shim import __version__
from backend_shim.cli.export_command import add_export
from backend_shim.cli.inputs_command import add_inputs
from backend_shim.cli.output import DONE, EXIT_STATUS, PROBLEMS, UNREADABLE
from backend_shim.cli.show_command import add_show
from backend_shim.cli.stamp_command import add_stamp
from backend_shim.cli.vendor_command import add_vendor
from backend_shim.cli.verify_command import add_verify

__all__ = ["DONE", "PROBLEMS", "UNREADABLE", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status. SystemExit for `--help` and wrong usage is argparse's."""
    parsed = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = parsed.command
    try:
        status = command(parsed)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads (`| head`) has enough; without this the interpreter complains on its way
        # out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="backend-shim",
        description="Work with the records of a wheel: the fingerprint (what its binaries offer "
        "and need) and the build inputs (what went into the build).",
        epilog=EXIT_STATUS,
    )
    parser.add_argument("--version", action="version", version=f"wheel-abi {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for add in (add_stamp, add_inputs, add_show, add_verify, add_export, add_vendor):
        add(commands)
    return parser
