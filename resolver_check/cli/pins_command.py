"""`resolver-check pins`: the versions of its providers with which a wheel is known to work."""

from __future__ import annotations

import re

import click
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name

from backend_shim.type_recording import DebugFiles
from resolver_check.cli import exit_status
from resolver_check.cli.options import (
    debug_info_option,
    echo_json,
    echo_lines,
    evidence_option,
    format_option,
    offline_option,
    series_option,
)
from resolver_check.cli.wheel_argument import open_wheel
from resolver_check.compare.pin import Pins
from resolver_check.compare.stated_bounds import Finding
from resolver_check.conditional import Rules
from resolver_check.errors import UsageError
from resolver_check.model import EvidenceLevel
from resolver_check.pins import MOST_READ
from resolver_check.provider_pins import PinRequest, pins_of
from resolver_check.report.pins_report import pins_json, pins_lines
from resolver_check.scan.subject import Subject
from resolver_check.sources import open_sources
from resolver_check.sources.series_file import Promises
from resolver_check.target import Target, target

_OF_ONE_PYTHON = re.compile(r"cp(\d)(\d+)")


@click.command("pins", short_help="Say which versions of its providers a wheel fits.")
@click.argument("wheel", metavar="WHEEL_OR_URL")
@click.option(
    "--index", "indexes", multiple=True, metavar="DIR_OR_URL",
    help="Where the versions of the providers are: a directory of wheels or a simple index; may be "
    "given several times. Without any, only what follows from the wheel alone is said.",
)  # fmt: skip
@click.option(
    "--provider", "providers", multiple=True, metavar="NAME",
    help="Only this provider; may be given several times. Default: whatever it requires, was built "
    "from, or uses an interface of.",
)  # fmt: skip
@click.option(
    "--built-with", "built", multiple=True, metavar="NAME==VERSION",
    help="What it was built with, where its record does not say; may be given several times.",
)  # fmt: skip
@click.option(
    "--python", metavar="3.11", help="CPython to ask for; default: that of the wheel's tags."
)
@click.option(
    "--platform", metavar="TAG",
    help="Platform tag to ask for, such as manylinux_2_28_x86_64; default: this machine if the "
    "wheel is for it, else that of its tags.",
)  # fmt: skip
@click.option(
    "--most-read", type=click.IntRange(2, 1000), default=MOST_READ, show_default=True,
    metavar="N", help="The most wheels of one provider that are read.",
)  # fmt: skip
@series_option
@debug_info_option
@evidence_option
@offline_option
@format_option
def pins_command(  # noqa: PLR0913, PLR0917 - one argument per option
    wheel: str,
    indexes: tuple[str, ...],
    providers: tuple[str, ...],
    built: tuple[str, ...],
    python: str | None,
    platform: str | None,
    most_read: int,
    promises: Promises,
    debug_files: DebugFiles,
    evidence: EvidenceLevel,
    is_offline: bool,
    output_format: str,
) -> int:
    """Say with which versions of its providers WHEEL is known to work.

    For each provider that its binaries bind to: a line of Requires-Dist that
    admits the versions known to fit and none else, what that rests on, and how
    what METADATA demands compares to it. A bound that METADATA has for other
    reasons than the binaries is as good as ever.

    \b
    Example:
      resolver-check pins "$wheel" --index https://pypi.org/simple

    \b
    Exit status: 0 METADATA admits none that is refused, 1 it does (too loose),
    3 not known for a provider, 2 wrong usage or unreadable input.
    """
    with open_wheel(wheel, offline=is_offline) as archive:
        subject = Subject(archive)
        asked = _target(subject, python, platform)
        request = PinRequest(
            source=open_sources(indexes, offline=is_offline) if indexes else None,
            target=asked,
            rules=Rules(level=evidence, promises=promises, debug_files=debug_files),
            only=tuple(map(canonicalize_name, providers)),
            built=dict(map(_release, built)),
            most_read=most_read,
        )
        try:
            pins = pins_of(subject, request)
        finally:
            if request.source is not None:
                request.source.close()
    if output_format == "json":
        echo_json(
            {
                "wheel": subject.filename,
                "python": "{}.{}".format(*asked.python),
                "platform": asked.platform,
                "evidence": evidence.value,
                **pins_json(pins),
            }
        )
    else:
        echo_lines([f"{subject.filename}, CPython {asked.python[0]}.{asked.python[1]}:"])
        echo_lines(pins_lines(pins, evidence))
    return _status(pins)


def _status(found: Pins) -> int:
    pins = found.pins
    findings = {each.stated.finding for each in pins}
    if Finding.TOO_LOOSE in findings:
        return exit_status.INVALID
    nothing_known = {each.stated.finding for each in pins if each.specifier is None} - {
        Finding.NOT_BOUND
    }
    if Finding.NOT_KNOWN in findings or nothing_known or (found.not_asked and not pins):
        return exit_status.UNKNOWN
    return exit_status.OK


def _release(text: str) -> tuple[NormalizedName, str]:
    try:
        wanted = Requirement(text)
    except InvalidRequirement:
        raise UsageError(f"--built-with wants NAME==VERSION, not {text!r}") from None
    specifiers = list(wanted.specifier)
    if len(specifiers) != 1 or specifiers[0].operator != "==" or "*" in specifiers[0].version:
        raise UsageError(f"--built-with wants NAME==VERSION, not {text!r}")
    return canonicalize_name(wanted.name), specifiers[0].version


def _target(wheel: Subject, python: str | None, platform: str | None) -> Target:
    """What was asked for, else what the wheel is for, else what runs here."""
    if python is None:
        bound = (_OF_ONE_PYTHON.fullmatch(each.abi.rstrip("t")) for each in wheel.tags)
        python = next((f"{match[1]}.{match[2]}" for match in bound if match), None)
    here = target(python, platform)
    platforms = {each.platform for each in wheel.tags}
    if platform is not None or platforms & {"any", *(each.platform for each in here.tags)}:
        return here
    return target(python, max(platforms, key=lambda each: (len(each), each), default=None))
