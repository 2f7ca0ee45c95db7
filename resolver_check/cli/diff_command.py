"""`resolver-check diff`: two wheels of one project, and whether they came out the same."""

from __future__ import annotations

from pathlib import Path

import click

from resolver_check.cli import exit_status
from resolver_check.cli.options import echo_json, echo_lines, format_option
from resolver_check.compare.wheels.difference import Outcome
from resolver_check.report.wheel_difference_report import difference_json, difference_lines
from resolver_check.scan.compared_wheels import compare_wheels


@click.command("diff", short_help="Compare two wheels: did a rebuild come out the same?")
@click.argument("first", type=click.Path(path_type=Path), metavar="FIRST.whl")
@click.argument("second", type=click.Path(path_type=Path), metavar="SECOND.whl")
@format_option
def diff_command(first: Path, second: Path, output_format: str) -> int:
    """Compare two wheels of one project: did the rebuild come out the same?

    Debug information, build ids, compiler comments, the order of RECORD and METADATA, the path of
    Python in scripts, the program that made the wheel and the records of this project are named,
    and are no difference.

    \b
    The answer:
      same             every file has the same bytes
      equal            only what is named above differs
      interface-equal  content differs, the interface that fingerprints tell
                       does not; `judge` says if a consumer stays valid
      different        content differs

    \b
    Exit status: 0 same or equal, 1 interface-equal or different, 2 wrong usage,
    wheels of two projects, or unreadable input.
    """
    difference = compare_wheels(first, second)
    if output_format == "json":
        echo_json(difference_json(difference))
    else:
        echo_lines(difference_lines(difference))
    is_equal = difference.outcome in (Outcome.SAME, Outcome.EQUAL)
    return exit_status.OK if is_equal else exit_status.INVALID
