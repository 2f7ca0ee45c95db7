"""`backend-shim stamp`: the fingerprint of wheels taken afresh."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from backend_shim.cli.output import (
    DONE,
    PROBLEMS,
    UNREADABLE,
    Commands,
    add_command,
    complain,
)
from backend_shim.embed import embed
from backend_shim.errors import BackendShimError


def add_stamp(commands: Commands) -> None:
    """The parser of `stamp`."""
    stamp = add_command(commands, "stamp", _stamp, "write fresh fingerprints into finished wheels")
    stamp.description = (
        "Take the fingerprint of each wheel afresh and write it into the wheel, as after a repair "
        "tool. Build inputs that are there are kept."
    )
    stamp.add_argument("wheels", metavar="WHEEL", nargs="+", type=Path, help="changed in its place")
    stamp.add_argument(
        "--look-for",
        metavar="NAME",
        action="append",
        default=[],
        help="import name of another distribution, such as numpy, whose use is looked for in the "
        "binaries, beside the names that the record there was made with; for any other name a "
        "checker has to read the binaries again (may be given several times)",
    )
    stamp.add_argument(
        "--types-from",
        metavar="DIR",
        action="append",
        default=[],
        type=Path,
        help="directory, searched to any depth, with copies of the libraries that were not "
        "stripped, known by their build-id; needs the extra `types` (may be given several times)",
    )
    stamp.add_argument(
        "--import-modules",
        action="store_true",
        help="import the modules with a .pxd beside them, each in a process of its own, and record "
        "exactly what they export to `cimport`; this runs code of the wheel, as nothing else does",
    )


def _stamp(parsed: argparse.Namespace) -> int:
    for directory in parsed.types_from:
        if not directory.is_dir():
            print(f"backend-shim: {directory}: is no directory", file=sys.stderr)
            return UNREADABLE
    return max([_stamp_one(wheel, parsed) for wheel in parsed.wheels])


def _stamp_one(wheel: Path, parsed: argparse.Namespace) -> int:
    try:
        left_out = embed(
            wheel,
            build_inputs=None,
            looked_for=parsed.look_for,
            types_from=parsed.types_from,
            runs_modules=parsed.import_modules,
        )
    except (BackendShimError, OSError) as error:
        complain(wheel, error)
        return UNREADABLE
    untyped = left_out.types if parsed.types_from else ()
    for path, why in untyped:
        print(f"backend-shim: {wheel.name}: {path}: no types: {why}", file=sys.stderr)
    for module, why in left_out.modules:
        print(f"backend-shim: {wheel.name}: {module}: not imported: {why}", file=sys.stderr)
    return PROBLEMS if untyped or left_out.modules else DONE
