"""`resolver-check diff-inputs`: what a wheel was built with, against what a build has now."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from backend_shim.record.canonical import JSONValue
from resolver_check.cli import exit_status
from resolver_check.cli.build_inputs_file import read_build_inputs
from resolver_check.cli.options import (
    echo_json,
    echo_lines,
    format_option,
    offline_option,
    strict_option,
)
from resolver_check.cli.wheel_argument import open_wheel
from resolver_check.compare.changed_input import InputChange, needs_rebuild
from resolver_check.compare.input_judgement import judge_inputs
from resolver_check.report.explain import explain
from resolver_check.report.input_report import changes_json, input_lines
from resolver_check.scan.new_requirements import compare_inputs
from resolver_check.scan.subject import Subject
from resolver_check.sources import open_source


@click.command("diff-inputs", short_help="Say what a build would take in that has changed.")
@click.argument("wheel", metavar="WHEEL_OR_URL")
@click.argument("new_inputs", type=click.Path(path_type=Path), metavar="NEW_INPUTS.json")
@click.option(
    "--source", metavar="DIR_OR_URL",
    help="Where wheels of the build requirements of now are: a directory, or a simple index, of "
    "which nothing but their RECORD is read. Without it another version of one that the build "
    "read is a reason to rebuild.",
)  # fmt: skip
@offline_option
@strict_option
@format_option
def diff_inputs_command(
    wheel: str,
    new_inputs: Path,
    source: str | None,
    is_offline: bool,
    strict: bool,
    output_format: str,
) -> int:
    """Say what has changed since WHEEL was built, input by input.

    NEW_INPUTS.json is what `backend-shim inputs --format json` writes. A build requirement that
    changed is excused if nothing has changed of all that the build read of it.

    \b
    Examples:
      backend-shim inputs --isolated --project . --output now.json
      resolver-check diff-inputs "$wheel" now.json --source wheels

    \b
    Exit status: 0 nothing changed (skip), 1 changed (rebuild), 3 unknown (the
    wheel has no usable record), 2 wrong usage or unreadable input.
    """
    new = read_build_inputs(new_inputs)
    with ExitStack() as stack:
        subject = Subject(stack.enter_context(open_wheel(wheel, offline=is_offline)))
        opened = open_source(source, offline=is_offline) if source is not None else None
        if opened is not None:
            stack.callback(opened.close)
        compared = compare_inputs(subject, new, opened, strict=strict)
        notes = [*map(explain, subject.notes), *(f"not read: {each}" for each in compared.unread)]
    status, said = _status(compared.changes)
    judgement = judge_inputs(subject.filename, compared.changes, not_compared=compared.not_compared)
    if output_format == "json":
        table: dict[str, JSONValue] = {"wheel": subject.filename, "status": said}
        table["changes"] = changes_json(compared.changes or ())
        echo_json({**table, "not_compared": list(compared.not_compared), "notes": [*notes]})
    else:
        echo_lines([f"{said}: {subject.filename}"])
        echo_lines(f"  {line}" for line in input_lines(judgement))
        echo_lines(f"  note: {note}" for note in notes)
    return status


def _status(changes: tuple[InputChange, ...] | None) -> tuple[int, str]:
    if changes is None:
        return exit_status.UNKNOWN, "unknown"
    return (exit_status.INVALID, "rebuild") if needs_rebuild(changes) else (exit_status.OK, "skip")
