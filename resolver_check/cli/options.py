"""Options that several commands share."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from backend_shim.record.canonical import JSONValue
from backend_shim.type_recording import DebugFiles
from resolver_check.model import EvidenceLevel
from resolver_check.report.printable import printable
from resolver_check.sources.series_file import Promises, read_promises, shipped_promises

Command = TypeVar("Command", bound=Callable[..., Any])


def format_option(command: Command) -> Command:
    """`--format text|json`."""
    return click.option(
        "--format",
        "output_format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="Text for people, or JSON for programs.",
    )(command)


def jobs_option(command: Command) -> Command:
    """`--jobs N`."""
    return click.option(
        "--jobs",
        type=click.IntRange(1, 64),
        default=min(8, os.cpu_count() or 1),
        show_default=True,
        help="Wheels read at the same time.",
    )(command)


def records_option(command: Command) -> Command:
    """`--records DIR_OR_URL`, as often as wanted."""
    return click.option(
        "--records",
        multiple=True,
        metavar="DIR_OR_URL",
        help="Record packs, as `publish --packs` writes them, that stand for the wheels of an "
        "index whose sha256 they have, and are believed; may be given several times. Wheels that "
        "are in none of them, and those of a directory, are read themselves.",
    )(command)


def offline_option(command: Command) -> Command:
    """`--offline`."""
    return click.option(
        "--offline",
        "is_offline",
        is_flag=True,
        envvar="WHEEL_ABI_OFFLINE",
        help="Send nothing: pages, records and wheels are those of the cache, of the last time. "
        "What is not there cannot be read. WHEEL_ABI_OFFLINE=1 does the same.",
    )(command)


def evidence_option(command: Command) -> Command:
    """`--evidence proven|promised|symbols`."""
    return click.option(
        "--evidence",
        type=click.Choice([level.value for level in EvidenceLevel]),
        default=EvidenceLevel.PROMISED.value,
        show_default=True,
        callback=lambda _context, _option, value: EvidenceLevel(value),
        help="The least evidence that counts for 'valid': 'proven' (no binary, nothing bound to "
        "the provider, or all that the build read of it unchanged), 'promised' (also: its headers "
        "or types unchanged, or it promises that nothing has changed), 'symbols' (also: all that "
        "is imported is still exported, behind which a struct may have changed).",
    )(command)


def series_option(command: Command) -> Command:
    """`--series FILE`, as often as wanted: the promises of its files beside those shipped."""
    return click.option(
        "--series",
        "promises",
        type=click.Path(path_type=Path),
        multiple=True,
        metavar="FILE",
        callback=lambda _context, _option, paths: _promises(paths),
        help="TOML with [[series]] tables: what providers promise of their interfaces, where "
        "their wheels do not declare it; may be given several times.",
    )(command)


def debug_info_option(command: Command) -> Command:
    """`--debug-info DIR`, as often as wanted: where the debug information of stripped files is."""
    return click.option(
        "--debug-info",
        "debug_files",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        multiple=True,
        metavar="DIR",
        callback=lambda _context, _option, paths: DebugFiles(paths),
        help="Directory, searched to any depth, with unstripped copies or debug files of the "
        "provider's libraries, known by their build-id; may be given several times.",
    )(command)


def strict_option(command: Command) -> Command:
    """`--strict-build-requirements`: what a build read of its requirements excuses nothing."""
    return click.option(
        "--strict-build-requirements",
        "strict",
        is_flag=True,
        help="A build requirement of another version is a reason to rebuild, even where all that "
        "the build read of it is unchanged.",
    )(command)


def _promises(paths: Iterable[Path]) -> Promises:
    given = tuple(promise for path in paths for promise in read_promises(path))
    return replace(shipped_promises(), given=given)


def echo_json(value: JSONValue) -> None:
    """`value` on standard output, in ASCII, which any encoding of it can hold."""
    click.echo(json.dumps(value, indent=2, sort_keys=True))


def echo_lines(lines: Iterable[str], *, to_stderr: bool = False) -> None:
    """`lines` on standard output, without what a terminal would obey: wheels can say anything."""
    for line in lines:
        click.echo(printable(line), err=to_stderr)
