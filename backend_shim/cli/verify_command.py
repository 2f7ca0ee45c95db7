"""`backend-shim verify`: wheels held against RECORD and their records."""

from __future__ import annotations

import argparse
from pathlib import Path

from backend_shim.cli.output import (
    DONE,
    PROBLEMS,
    UNREADABLE,
    Commands,
    add_command,
    add_format,
    complain,
    sentence,
    write_json,
)
from backend_shim.errors import BackendShimError
from backend_shim.fingerprinting import recorded_fingerprint, recorded_problems
from backend_shim.record.canonical import JSONValue
from backend_shim.wheel.archive import WheelArchive
from backend_shim.wheel.manifest import verify_manifest


def add_verify(commands: Commands) -> None:
    """The parser of `verify`."""
    verify = add_command(
        commands, "verify", _verify, "check wheels against RECORD and their records"
    )
    verify.description = (
        "Check every member against RECORD, and that a fingerprint is there, is understood, and "
        "describes the binaries that the wheel holds now; build inputs likewise if they are there."
    )
    verify.add_argument("wheels", metavar="WHEEL", nargs="+", type=Path)
    add_format(verify)


def _verify(parsed: argparse.Namespace) -> int:
    status = DONE
    report: list[JSONValue] = []
    for wheel in parsed.wheels:
        try:
            with WheelArchive.open(wheel) as archive:
                problems = _problems_of_wheel(archive)
        except (BackendShimError, OSError) as error:
            complain(wheel, error)
            report.append({"wheel": wheel.name, "problems": None, "unreadable": sentence(error)})
            status = UNREADABLE
            continue
        status = max(status, PROBLEMS if problems else DONE)
        report.append({"wheel": wheel.name, "problems": list(problems)})
        if parsed.format == "text":
            for line in problems or ("ok",):
                print(f"{wheel.name}: {line}")
    if parsed.format == "json":
        write_json(report)
    return status


def _problems_of_wheel(archive: WheelArchive) -> tuple[str, ...]:
    problems = [f"{each.path}: {each.kind}" for each in verify_manifest(archive)]
    of_records = recorded_problems(archive)
    problems += of_records
    # Build inputs are known to a build only: a wheel that was stamped later does without.
    if not of_records and recorded_fingerprint(archive) is None:
        problems.append("there is no ABI fingerprint")
    return tuple(problems)
