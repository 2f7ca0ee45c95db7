"""`resolver-check install`: wheels into an environment, if they fit it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import click
from installer.sources import WheelFile
from packaging.utils import canonicalize_name

from backend_shim.wheel.archive import WheelArchive
from resolver_check.cli import exit_status
from resolver_check.cli.options import (
    echo_json,
    echo_lines,
    evidence_option,
    format_option,
    series_option,
    strict_option,
)
from resolver_check.compare.interpreter import Python
from resolver_check.conditional import Rules
from resolver_check.install import (
    Place,
    below,
    check_free,
    compile_bytecode,
    judge_installation,
    open_wheel_file,
    other_version,
    overlaps,
    scheme_of,
    write,
)
from resolver_check.model import EvidenceLevel, Verdict
from resolver_check.report.fitting_report import fitting_json, fitting_lines
from resolver_check.scan.environment import open_environment
from resolver_check.scan.subject import Subject
from resolver_check.sources.interpreter_paths import named_cpython, site_directories
from resolver_check.sources.series_file import Promises
from resolver_check.wheel_reference import SkippedFile

_LEVELS = ("0", "1")


@click.command("install", short_help="Install wheels, all or none, if they fit.")
@click.argument(
    "wheels", type=click.Path(path_type=Path), metavar="WHEEL...", nargs=-1, required=True
)
@click.option(
    "--destdir", "-d", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Write below DIR, which is the root of a system to come.",
)  # fmt: skip
@click.option("--prefix", "-p", metavar="DIR", help="Install to this prefix.")
@click.option(
    "--python", type=click.Path(path_type=Path), metavar="PATH",
    help="The interpreter whose packages they are to be; default: the one that runs this program.",
)  # fmt: skip
@click.option(
    "--compile-bytecode", "levels", type=click.Choice(["0", "1", "2"]), multiple=True,
    help="Optimization level of bytecode, which the interpreter makes; may be given several times; "
    "default: 0 and 1.",
)  # fmt: skip
@click.option("--no-compile-bytecode", "no_bytecode", is_flag=True, help="Make no bytecode.")
@click.option(
    "--validate-record", type=click.Choice(["all", "entries", "none"]), expose_value=False,
    help="For scripts written for `python -m installer`; changes nothing: all of RECORD is always "
    "validated.",
)  # fmt: skip
@click.option(
    "--overwrite-existing", is_flag=True,
    help="Write over files that are there; those of another version that the new one does not have "
    "stay.",
)  # fmt: skip
@click.option(
    "--on-unknown", type=click.Choice(["allow", "warn", "refuse"]), default="warn",
    show_default=True, help="What to do where it is not known whether they fit.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Install also what does not fit, and say so.")
@click.option("--all", "show_all", is_flag=True, help="List every pair, with all reasons.")
@series_option
@strict_option
@evidence_option
@format_option
def install_command(  # noqa: PLR0913, PLR0917 - click hands over one argument per option
    wheels: tuple[Path, ...],
    destdir: Path | None,
    prefix: str | None,
    python: Path | None,
    levels: tuple[str, ...],
    no_bytecode: bool,
    overwrite_existing: bool,
    on_unknown: str,
    force: bool,
    show_all: bool,
    promises: Promises,
    strict: bool,
    evidence: EvidenceLevel,
    output_format: str,
) -> int:
    """Install the wheels, all or none, as `python -m installer` does, if they fit.

    Before anything is written each is judged with what is installed and with the others, as
    consumer and as provider, and with the interpreter; and each file is held against RECORD. With
    --destdir they are judged with what lies there and with what this system has.

    \b
    Example:
      resolver-check install --python .venv/bin/python "$wheel"

    \b
    Exit status: 0 installed. With all others nothing was written: 1 some do not
    fit, 3 it is not known whether all fit (--on-unknown refuse), 2 wrong usage,
    or a wheel that cannot be read or written.
    """
    interpreter = python or Path(sys.executable)
    place = Place(
        scheme=scheme_of(interpreter, prefix),
        destdir=destdir,
        overwrite_existing=overwrite_existing,
    )
    rules = Rules(level=evidence, strict=strict, promises=promises)
    with ExitStack() as stack:
        sources = [stack.enter_context(open_wheel_file(path)) for path in wheels]
        check_free(sources, place)
        findings = judge_installation(
            [Subject(stack.enter_context(WheelArchive.open(path))) for path in wheels],
            open_environment(_visible(place, interpreter, prefix)),
            rules,
            python=_version(interpreter),
            platform=place.scheme.platform,
        )
        mixed = (*_left_in_part(sources, place), *overlaps(sources, place))
        findings = replace(findings, skipped=(*findings.skipped, *mixed))
        is_refused = _is_refused(findings.verdict, on_unknown)
        is_installed = force or not is_refused
        asked = () if no_bytecode else levels or _LEVELS
        warnings = _install(sources, place, asked) if is_installed else ()
    if output_format == "json":
        found = fitting_json(findings.fits, findings.skipped, show_all=True)
        echo_json({**found, "verdict": findings.verdict.value, "installed": is_installed})
    elif show_all or is_refused or (on_unknown == "warn" and findings.verdict is Verdict.UNKNOWN):
        lines = fitting_lines(findings.fits, findings.skipped, evidence, show_all=show_all)
        forced = "installed all the same (--force)" if is_refused else "installed"
        outcome = forced if is_installed else "nothing was installed"
        echo_lines([*lines, outcome], to_stderr=is_installed)
    echo_lines((f"warning: {each}" for each in warnings), to_stderr=True)
    return exit_status.OK if is_installed else exit_status.OF_VERDICT[findings.verdict]


def _left_in_part(sources: Sequence[WheelFile], place: Place) -> Iterator[SkippedFile]:
    """Other versions that are written over; what comes of the two together is not known."""
    for each in sources:
        if (version := other_version(each, place)) is not None:
            why = "is written over, and what only that version has is left"
            yield SkippedFile(filename=f"{canonicalize_name(each.distribution)} {version}", why=why)


def _install(sources: Sequence[WheelFile], place: Place, levels: Sequence[str]) -> tuple[str, ...]:
    """What is to be said of an installation that is done."""
    with _ended_by_sigterm():
        written = write(sources, place)
    said = [*written, compile_bytecode(sources, place, list(map(int, levels)))]
    return tuple(each for each in said if each)


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Takes SIGTERM as an interrupt, on which what was written is taken back."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _version(interpreter: Path) -> Python:
    version, flags = named_cpython(str(interpreter))
    return Python(version=version, flags=flags)


def _visible(place: Place, interpreter: Path, prefix: str | None) -> tuple[Path, ...]:
    """Where the wheels will find others, in the order in which these count.

    Below a staging directory, and then on this system: whoever fills it has what the wheels need
    installed here and not there. With a prefix its own directories only, for nothing says that
    whoever runs it sees more.
    """
    own = list(place.scheme.libraries)
    if prefix is None:
        own += site_directories(interpreter)
    staged = [] if place.destdir is None else [below(place.destdir, each) for each in own]
    return tuple(each for each in dict.fromkeys([*staged, *own]) if each.is_dir())


def _is_refused(verdict: Verdict, on_unknown: str) -> bool:
    if verdict is Verdict.UNKNOWN:
        return on_unknown == "refuse"
    return verdict is Verdict.INVALID
