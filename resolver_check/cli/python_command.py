"""`resolver-check python`: one wheel, one interpreter."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from backend_shim.wheel.archive import WheelArchive
from resolver_check.check import judge_for_python
from resolver_check.cli import exit_status
from resolver_check.cli.options import (
    echo_json,
    echo_lines,
    evidence_option,
    format_option,
    series_option,
)
from resolver_check.compare.interpreter import Python
from resolver_check.model import EvidenceLevel
from resolver_check.report.judgement_report import judgement_json, reason_lines
from resolver_check.scan.subject import Subject
from resolver_check.sources.interpreter_paths import named_cpython
from resolver_check.sources.series_file import Promises


@click.command("python", short_help="Judge whether a wheel fits one CPython.")
@click.argument("wheel", type=click.Path(path_type=Path), metavar="WHEEL")
@click.option(
    "--python", required=True, metavar="VERSION_OR_PATH",
    help="CPython that is to run it: 3.14.0b2, 3.13t (free-threaded), or the path of one.",
)  # fmt: skip
@series_option
@evidence_option
@format_option
def python_command(
    wheel: Path, python: str, promises: Promises, evidence: EvidenceLevel, output_format: str
) -> int:
    """Say whether WHEEL fits one CPython.

    By its tags, by the stable ABI where it keeps to that, and else by the CPython that its record
    says it was built with: one built with an alpha or beta fits only what is promised to be the
    same.

    \b
    Example:
      resolver-check python "$wheel" --python 3.14.0b2

    \b
    Exit status: 0 valid, 1 invalid, 3 unknown, 2 wrong usage or unreadable
    input.
    """
    version, flags = named_cpython(python)
    asked = Python(version=version, flags=flags)
    with ExitStack() as stack:
        subject = Subject(stack.enter_context(WheelArchive.open(wheel)))
        judgement = judge_for_python(subject, asked, level=evidence, promises=promises)
        if output_format == "json":
            echo_json(
                {
                    "consumer": subject.filename,
                    "python": {"version": asked.version, "flags": asked.flags},
                    "evidence": evidence.value,
                    **judgement_json(judgement),
                }
            )
        else:
            echo_lines([f"{judgement.verdict.value}: {subject.filename}"])
            echo_lines(f"  {line}" for line in reason_lines(judgement, evidence))
    return exit_status.OF_VERDICT[judgement.verdict]
