"""`resolver-check reuse`: one release, many interpreters."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path

import click
from packaging.utils import InvalidName, NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from backend_shim.wheel.archive import WheelArchive
from resolver_check.asked_interpreter import AskedInterpreter
from resolver_check.cli import exit_status
from resolver_check.cli.options import (
    echo_json,
    echo_lines,
    evidence_option,
    format_option,
    series_option,
)
from resolver_check.errors import UsageError
from resolver_check.model import EvidenceLevel
from resolver_check.report.printable import printable
from resolver_check.report.reuse_report import (
    obstacle_lines,
    reuse_json,
    reuse_lines,
    warning_lines,
)
from resolver_check.reuse import Release, compared
from resolver_check.reuse_model import ReleaseReuse, ReuseRules
from resolver_check.scan.subject import Subject
from resolver_check.sources.interpreter_platform import asked_interpreter
from resolver_check.sources.series_file import Promises
from resolver_check.sources.wheelhouse import Wheelhouse
from resolver_check.wheel_reference import WheelReference


@click.command("reuse", short_help="Say which built wheel serves an interpreter.")
@click.option(
    "--wheel-dir", required=True, type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR", help="Directory with the wheels that were built so far.",
)  # fmt: skip
@click.option(
    "--python", "pythons", required=True, multiple=True, metavar="PATH_OR_VERSION",
    help="An interpreter, which is asked what it is, or a CPython of this machine by its version: "
    "3.14.0b2, 3.13t (free-threaded); may be given several times.",
)  # fmt: skip
@click.option(
    "--project", metavar="NAME[==VERSION]", help="Of all wheels in DIR only those of this one.",
)  # fmt: skip
@click.option(
    "--extensions", is_flag=True,
    help="The project has extensions: a wheel without any was built where they could not be, and "
    "is not reused. Wheels with binaries of the same release say it, too.",
)  # fmt: skip
@click.option(
    "--impure", multiple=True, metavar="NAME",
    help="A project that is patched or built otherwise for each interpreter; may be given several "
    "times. Its wheels serve the interpreter that their records say they were built with.",
)  # fmt: skip
@click.option(
    "--same-patches", is_flag=True,
    help="Patches that records name are applied for every interpreter; else a wheel with such "
    "patches is not reused.",
)  # fmt: skip
@click.option(
    "--diff", "built_dir", type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR", help="Compare each wheel that would be reused with the one of DIR that was "
    "built for the interpreter (of DIR/3.12, DIR/3.13t, DIR/pypy3.10, where there is such a "
    "directory), and warn of differences.",
)  # fmt: skip
@click.option(
    "--strict", is_flag=True,
    help="With --diff: what differs, or has nothing to be compared with, is not reused.",
)  # fmt: skip
@click.option(
    "--reuse/--no-reuse", "is_on", default=True, envvar="WHEEL_ABI_REUSE", show_envvar=True,
    help="With --no-reuse, or WHEEL_ABI_REUSE=0, every interpreter needs a build.",
)  # fmt: skip
@series_option
@evidence_option
@format_option
def reuse_command(  # noqa: PLR0913, PLR0917 - click hands over one argument per option
    wheel_dir: Path,
    pythons: tuple[str, ...],
    project: str | None,
    extensions: bool,
    impure: tuple[str, ...],
    same_patches: bool,
    built_dir: Path | None,
    strict: bool,
    is_on: bool,
    promises: Promises,
    evidence: EvidenceLevel,
    output_format: str,
) -> int:
    """Say which wheel of a directory serves an interpreter, or that it needs a build.

    A wheel is reused where its tags are accepted and it is known to be valid: one without
    binaries, unless the project has extensions; one for the stable ABI that keeps to it, though
    not in free-threaded builds; any other in a CPython that fits the one it was built with.

    With one --python the path of the wheel alone is printed, or nothing, and on standard error
    why; with several, a table:

    \b
      wheel=$(resolver-check reuse --wheel-dir dist --python "$python") ||
          "$python" -m build --wheel --outdir dist

    \b
    Exit status: 0 every interpreter is served, 1 one needs a build, 2 wrong
    usage or unreadable input.
    """
    interpreters = [asked_interpreter(each) for each in dict.fromkeys(pythons)]
    rules = ReuseRules(
        level=evidence,
        promises=promises,
        extensions=extensions,
        impure=frozenset(map(canonicalize_name, impure)),
        same_patches=same_patches,
        is_off=not is_on,
    )
    releases = [*_releases(wheel_dir, project)]
    if len(interpreters) == 1 and len(releases) > 1 and output_format == "text":
        several = ", ".join(f"{each[0].name}=={each[0].version}" for each in releases)
        raise UsageError(f"{wheel_dir} holds {several}: name one with --project")
    answers = [_answer(each, interpreters, rules, built_dir, strict) for each in releases]
    if output_format == "json":
        echo_json(reuse_json(answers))
    elif len(interpreters) == 1:
        _echo_path(answers, evidence)
    else:
        echo_lines(reuse_lines(answers, evidence))
    _warn(line for answer in answers for each in answer.served for line in warning_lines(each))
    if not is_on:
        _warn(["reuse is off: --no-reuse or WHEEL_ABI_REUSE=0"])
    elif not releases:
        _warn([f"{wheel_dir}: no wheel of {project or 'anything'}"])
    wheels = [each.wheel for answer in answers for each in answer.served]
    return exit_status.OK if wheels and None not in wheels else exit_status.INVALID


def _releases(directory: Path, project: str | None) -> Iterator[list[WheelReference]]:
    """The wheels of each release that was asked for. Raises UsageError, SourceUnavailable."""
    house = Wheelhouse(directory)
    name, version = (None, None) if project is None else _named(project)
    for each in house.projects() if name is None else [name]:
        for release, wheels in groupby(house.wheels(each), key=lambda wheel: wheel.version):
            if version in (None, release):
                yield [*wheels]


def _named(project: str) -> tuple[NormalizedName, Version | None]:
    """NAME[==VERSION]. Raises UsageError: an empty variable of a shell must not mean any wheel."""
    name, equals, text = project.partition("==")
    try:
        named = canonicalize_name(name.strip(), validate=True)
        return named, Version(text) if equals else None
    except InvalidName as error:
        raise UsageError(f"--project wants NAME or NAME==VERSION, not {project!r}") from error
    except InvalidVersion as error:
        raise UsageError(f"--project: {text!r} is no version") from error


def _answer(
    wheels: Sequence[WheelReference],
    interpreters: Sequence[AskedInterpreter],
    rules: ReuseRules,
    built_dir: Path | None,
    strict: bool,
) -> ReleaseReuse:
    with ExitStack() as stack:

        def opened(wheel: WheelReference) -> Subject:
            return Subject(stack.enter_context(WheelArchive.open(Path(wheel.location))))

        release = Release(wheels, opened, rules)
        served = [release.served(each) for each in interpreters]
    if built_dir is not None:
        served = [
            compared(each, _built_for(each.interpreter, built_dir, wheels[0]), strict=strict)
            for each in served
        ]
    return ReleaseReuse(name=wheels[0].name, version=wheels[0].version, served=tuple(served))


def _built_for(
    interpreter: AskedInterpreter, directory: Path, wheel: WheelReference
) -> tuple[WheelReference, ...]:
    """The wheels of the project that were built for the interpreter."""
    own = directory / interpreter.short
    return Wheelhouse(own if own.is_dir() else directory).wheels(wheel.name)


def _echo_path(answers: Sequence[ReleaseReuse], level: EvidenceLevel) -> None:
    """The path of the wheel that serves the one interpreter, or why there is none."""
    for served in (each for answer in answers for each in answer.served):
        if served.wheel is not None:
            _echo_exactly(served.wheel.location)
        else:
            _warn(obstacle_lines(served, level))


def _echo_exactly(path: str) -> None:
    """`path` as the file system has it: another one would be no path. Raises UsageError."""
    if any(ord(each) < 32 or ord(each) == 127 for each in path):
        raise UsageError(f"{path!r} has control characters; move the wheels elsewhere")
    click.echo(os.fsencode(path))


def _warn(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(printable(line), err=True)
