"""`resolver-check judge`: one consumer, one provider's bump."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from backend_shim.record.canonical import JSONValue
from backend_shim.type_recording import DebugFiles
from backend_shim.wheel.archive import WheelArchive
from resolver_check.check import Bump, judge
from resolver_check.cli import exit_status
from resolver_check.cli.options import (
    debug_info_option,
    echo_json,
    echo_lines,
    evidence_option,
    format_option,
    series_option,
    strict_option,
)
from resolver_check.compare.sonames import Listing, judge_listings
from resolver_check.model import EvidenceLevel, Judgement
from resolver_check.report.judgement_report import judgement_json, reason_lines
from resolver_check.scan.elfdeps_listing import is_listing, listing_of, read_listing
from resolver_check.scan.subject import Subject
from resolver_check.sources.series_file import Promises


@click.command("judge", short_help="Judge one wheel after the bump of one provider.")
@click.argument("consumer", type=click.Path(path_type=Path), metavar="CONSUMER.whl")
@click.option(
    "--old", "old_wheel", type=click.Path(path_type=Path), required=True, metavar="OLD.whl",
    help="The provider that CONSUMER works with, or was built with.",
)  # fmt: skip
@click.option(
    "--new", "new_wheel", type=click.Path(path_type=Path), required=True, metavar="NEW.whl",
    help="The provider that is to take its place.",
)  # fmt: skip
@series_option
@debug_info_option
@strict_option
@evidence_option
@format_option
def judge_command(
    consumer: Path,
    old_wheel: Path,
    new_wheel: Path,
    promises: Promises,
    debug_files: DebugFiles,
    strict: bool,
    evidence: EvidenceLevel,
    output_format: str,
) -> int:
    """Say whether the wheel CONSUMER stays good when provider OLD becomes NEW.

    Any of the three may be what `elfdeps` prints of a wheel (.elfdeps, .txt,
    .json, .yaml): sonames and version nodes, which refuse a consumer or leave
    it unknown.

    \b
    Example:
      resolver-check judge "$wheel" --old "$old_numpy" --new "$new_numpy"

    \b
    Exit status: 0 valid, 1 invalid, 3 unknown, 2 wrong usage or unreadable
    input.
    """
    paths = (consumer, old_wheel, new_wheel)
    with ExitStack() as stack:
        if any(map(is_listing, paths)):
            judgement, about = _judge_listings(paths, evidence, stack)
        else:
            asked, old, new = (_opened(path, stack) for path in paths)
            bump = Bump(old, new, promises, debug_files)
            judgement = judge(asked, bump, level=evidence, strict=strict)
            about = {
                "consumer": asked.filename,
                "provider": new.name,
                "old": {"version": old.version, "wheel": old.filename},
                "new": {"version": new.version, "wheel": new.filename},
            }
    if output_format == "json":
        echo_json({**about, "evidence": evidence.value, **judgement_json(judgement)})
    else:
        echo_lines([f"{judgement.verdict.value}: {about['consumer']}"])
        echo_lines(f"  {line}" for line in reason_lines(judgement, evidence))
    return exit_status.OF_VERDICT[judgement.verdict]


def _opened(path: Path, stack: ExitStack) -> Subject:
    return Subject(stack.enter_context(WheelArchive.open(path)))


def _judge_listings(
    paths: tuple[Path, ...], level: EvidenceLevel, stack: ExitStack
) -> tuple[Judgement, dict[str, JSONValue]]:
    """The judgement where some of consumer, old and new are listings of elfdeps, and of whom."""

    def listing(path: Path, side: str) -> Listing:
        if is_listing(path):
            return read_listing(path, side=side)
        return listing_of(_opened(path, stack).fingerprint(), path.name)

    consumer, old, new = map(listing, paths, ("requires", "provides", "provides"))
    names = tuple(path.name for path in paths if is_listing(path))
    about: dict[str, JSONValue] = {
        "consumer": consumer.name,
        "provider": None,
        "old": {"version": None, "wheel": old.name},
        "new": {"version": None, "wheel": new.name},
    }
    return judge_listings(consumer, old, new, level=level, listings=names), about
