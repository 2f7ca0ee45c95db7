"""`resolver-check lock`: the wheels of lock files, judged with each other, before an install."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

import click
from packaging.utils import NormalizedName

from backend_shim.errors import InvalidWheel
from backend_shim.record.canonical import JSONValue
from resolver_check.cli import exit_status
from resolver_check.cli.options import (
    echo_json,
    echo_lines,
    evidence_option,
    format_option,
    offline_option,
    records_option,
    series_option,
    strict_option,
)
from resolver_check.conditional import Rules
from resolver_check.errors import DigestMismatch, SourceUnavailable, UsageError
from resolver_check.fitting import judge_together
from resolver_check.model import EvidenceLevel
from resolver_check.report.fitting_report import fitting_json, fitting_lines, worst_verdict
from resolver_check.scan.subject import Subject, open_subject
from resolver_check.sources.lock_files import Lock, open_lock
from resolver_check.sources.locked_wheels import Locked, NotTaken
from resolver_check.sources.series_file import Promises
from resolver_check.sources.wheel_source import WheelSource
from resolver_check.sources.with_records import with_records
from resolver_check.target import Target, target
from resolver_check.wheel_reference import SkippedFile

_MICRO: Final = re.compile(r"(\d\.\d{1,3})\.(\d{1,3})", re.ASCII)


@click.command("lock", short_help="Judge the wheels of a lock file, before installing.")
@click.argument(
    "files", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE...", nargs=-1,
    required=True,
)  # fmt: skip
@click.option(
    "--python", metavar="3.11[.7]", help="CPython to install for; default: the one that runs this.",
)  # fmt: skip
@click.option(
    "--platform", metavar="TAG",
    help="Platform tag to install for, such as manylinux_2_28_x86_64; default: this machine.",
)  # fmt: skip
@click.option(
    "--index", metavar="DIR_OR_URL",
    help="Where the wheels are: a directory, or a simple index. Default: the URLs of a "
    "pylock.toml, and PyPI for a requirements file.",
)  # fmt: skip
@click.option("--all", "show_all", is_flag=True, help="List every pair, with all reasons.")
@records_option
@offline_option
@series_option
@strict_option
@evidence_option
@format_option
def lock_command(  # noqa: PLR0913, PLR0917 - click hands over one argument per option
    files: tuple[Path, ...],
    python: str | None,
    platform: str | None,
    index: str | None,
    show_all: bool,
    records: tuple[str, ...],
    is_offline: bool,
    promises: Promises,
    strict: bool,
    evidence: EvidenceLevel,
    output_format: str,
) -> int:
    """Say whether the wheels that lock files lead to fit each other, before they are installed.

    A FILE is a pylock.toml (PEP 751) or a requirements file in which each line pins a release with
    its hashes. Of each package the wheel is read that an installer would take; one that would have
    to be built is unknown.

    \b
    Example:
      resolver-check lock pylock.toml --python 3.12

    \b
    Exit status: 0 all fit each other; 1 some do not; 3 none is known not to fit,
    but some are unknown; 2 wrong usage or unreadable input.
    """
    wanted = _target(python, platform)
    rules = Rules(level=evidence, strict=strict, promises=promises)
    with ExitStack() as stack:
        locks = [open_lock(path, wanted, index, offline=is_offline) for path in files]
        subjects, unread = _opened(locks, records, stack, is_offline=is_offline)
        fits = judge_together(subjects, rules)
    verdict = worst_verdict(fits, unread)
    if output_format == "json":
        wheels: list[JSONValue] = [each.filename for each in subjects]
        found = fitting_json(fits, unread, show_all=show_all)
        echo_json({**found, "verdict": verdict.value, "wheels": wheels})
    else:
        echo_lines(fitting_lines(fits, unread, evidence, show_all=show_all))
    return exit_status.OF_VERDICT[verdict]


def _target(python: str | None, platform: str | None) -> Target:
    """The target with its micro version, which `requires-python` and markers may ask for."""
    if python is None:
        return replace(target(None, platform), micro=sys.version_info.micro)
    match = _MICRO.fullmatch(python)
    if match is None:
        return target(python, platform)
    return replace(target(match[1], platform), micro=int(match[2]))


def _opened(
    locks: Sequence[Lock], records: Sequence[str], stack: ExitStack, *, is_offline: bool
) -> tuple[list[Subject], tuple[SkippedFile, ...]]:
    """The wheels that are taken, and of what none can be read. Raises DigestMismatch."""
    subjects: dict[NormalizedName, Subject] = {}
    unread: dict[NormalizedName, SkippedFile] = {}
    for lock in locks:
        source = with_records(lock.source, records, offline=is_offline)
        stack.callback(source.close)
        for each in lock.taken:
            if each.name in subjects or each.name in unread:
                raise UsageError(f"{each.name} is in several lock files")
            try:
                subjects[each.name] = _open(each, source, stack)
            except DigestMismatch:
                raise
            except (InvalidWheel, SourceUnavailable) as error:
                unread[each.name] = SkippedFile(filename=_shown(each), why=error.wrong)
    return list(subjects.values()), tuple(unread.values())


def _open(taken: Locked | NotTaken, source: WheelSource, stack: ExitStack) -> Subject:
    if isinstance(taken, NotTaken):
        raise SourceUnavailable(_shown(taken), taken.why)
    return stack.enter_context(open_subject(source, taken.reference))


def _shown(taken: Locked | NotTaken) -> str:
    return f"{taken.name} {taken.version}".strip()
