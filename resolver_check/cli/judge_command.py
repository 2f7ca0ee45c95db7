"""`resolver-check judge`: one consumer, one provider's bump."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from backend_shim.wheel.archive import WheelArchive
from resolver_check.check import Bump, judge
from resolver_check.cli import exit_status
from resolver_check.cli.options import echo_json, echo_lines, evidence_option, format_option
from resolver_check.model import EvidenceLevel
from resolver_check.report.judgement_report import judgement_json, reason_lines
from resolver_check.scan.subject import Subject


@click.command("judge")
@click.argument("consumer", type=click.Path(path_type=Path), metavar="CONSUMER.whl")
@click.option(
    "--old", "old_wheel", type=click.Path(path_type=Path), required=True, metavar="OLD.whl",
    help="The provider that CONSUMER works with, or was built with.",
)  # fmt: skip
@click.option(
    "--new", "new_wheel", type=click.Path(path_type=Path), required=True, metavar="NEW.whl",
    help="The provider that is to take its place.",
)  # fmt: skip
@evidence_option
@format_option
def judge_command(
    consumer: Path, old_wheel: Path, new_wheel: Path, evidence: EvidenceLevel, output_format: str
) -> int:
    """Say whether the wheel CONSUMER stays good when provider OLD becomes NEW.

    \b
    Exit status: 0 valid, 1 invalid, 3 unknown, 2 wrong usage or unreadable
    input.
    """
    with ExitStack() as stack:
        subjects = [
            Subject(stack.enter_context(WheelArchive.open(path)))
            for path in (consumer, old_wheel, new_wheel)
        ]
        consumer_subject, old, new = subjects
        judgement = judge(consumer_subject, Bump(old, new), level=evidence)
        if output_format == "json":
            echo_json(
                {
                    "consumer": consumer_subject.filename,
                    "provider": new.name,
                    "old": {"version": old.version, "wheel": old.filename},
                    "new": {"version": new.version, "wheel": new.filename},
                    "evidence": evidence.value,
                    **judgement_json(judgement),
                }
            )
        else:
            echo_lines([f"{judgement.verdict.value}: {consumer_subject.filename}"])
            echo_lines(f"  {line}" for line in reason_lines(judgement, evidence))
    return exit_status.OF_VERDICT[judgement.verdict]
