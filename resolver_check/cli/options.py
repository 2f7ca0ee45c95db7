"""Options that several commands share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from backend_shim.record.canonical import JSONValue
from resolver_check.model import EvidenceLevel

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


def evidence_option(command: Command) -> Command:
    """`--evidence proven|promised|symbols`."""
    return click.option(
        "--evidence",
        type=click.Choice([level.value for level in EvidenceLevel]),
        default=EvidenceLevel.PROMISED.value,
        show_default=True,
        callback=lambda _context, _option, value: EvidenceLevel(value),
        help="The least evidence that counts for 'valid': 'proven' (same inputs, no binding, "
        "pure), 'promised' (also unchanged interface files, published series and stable ABIs, "
        "types), 'symbols' (also symbols that are still exported).",
    )(command)


def echo_json(value: JSONValue) -> None:
    """`value` on standard output, in ASCII, which any encoding of it can hold."""
    click.echo(json.dumps(value, indent=2, sort_keys=True))


def echo_lines(lines: Iterable[str]) -> None:
    """`lines` on standard output, without what a terminal would obey: wheels can say anything."""
    for line in lines:
        click.echo(printable(line))


def printable(text: str) -> str:
    """`text` without control characters and lone surrogates."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
