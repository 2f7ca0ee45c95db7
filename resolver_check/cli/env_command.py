"""`resolver-check env`: what is installed, each with each other."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import click

from backend_shim.record.canonical import JSONValue
from backend_shim.wheel.whole_files import replace_file
from resolver_check.cli import exit_status
from resolver_check.cli.options import (
    echo_json,
    echo_lines,
    evidence_option,
    format_option,
    offline_option,
    series_option,
    strict_option,
)
from resolver_check.compare.interpreter import Python
from resolver_check.conditional import Rules
from resolver_check.errors import UsageError
from resolver_check.fitting import judge_together, judge_with_python
from resolver_check.known_to_fit import constraint_lines
from resolver_check.model import EvidenceLevel
from resolver_check.provider_pins import PinRequest
from resolver_check.report.fitting_report import fitting_json, fitting_lines, worst_verdict
from resolver_check.scan.environment import Environment, open_environment
from resolver_check.sources import open_sources
from resolver_check.sources.interpreter_paths import named_cpython, site_directories
from resolver_check.sources.series_file import Promises
from resolver_check.target import target


@click.command("env", short_help="Judge what is installed, each with each other.")
@click.option(
    "--python", type=click.Path(path_type=Path), metavar="PATH",
    help="Interpreter of the environment. Default: that of the active virtual environment, or the "
    "one that runs this program.",
)  # fmt: skip
@click.option(
    "--path", "paths", type=click.Path(path_type=Path, exists=True, file_okay=False),
    multiple=True, metavar="DIR",
    help="Directory of installed distributions (site-packages), in place of those of the "
    "interpreter, which is asked only if it is named; may be given several times.",
)  # fmt: skip
@click.option(
    "--index", "indexes", multiple=True, metavar="DIR_OR_URL",
    help="With --constraints: where the versions to choose from are, a directory of wheels or a "
    "simple index; may be given several times.",
)  # fmt: skip
@click.option(
    "--constraints", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Write for each distribution that others bind to the versions of --index that all of "
    "them, as they are installed, are known to work with: constraints for pip or uv.",
)  # fmt: skip
@offline_option
@click.option("--all", "show_all", is_flag=True, help="List every pair, with all reasons.")
@series_option
@strict_option
@evidence_option
@format_option
def env_command(  # noqa: PLR0913, PLR0917 - one argument per option
    python: Path | None,
    paths: tuple[Path, ...],
    indexes: tuple[str, ...],
    constraints: Path | None,
    is_offline: bool,
    show_all: bool,
    promises: Promises,
    strict: bool,
    evidence: EvidenceLevel,
    output_format: str,
) -> int:
    """Say whether what is installed fits together, as `pip check` does for versions.

    Each distribution with binaries is judged with each other one and with the interpreter, by its
    record or by its binaries. Nothing is changed, and no code of a distribution is run.

    \b
    Examples:
      resolver-check env --python .venv/bin/python
      resolver-check env --index https://pypi.org/simple --constraints fits.txt

    \b
    Exit status: 0 all are known to fit; 1 some do not; 3 none is known not to
    fit, but some are unknown; 2 wrong usage or unreadable input.
    """
    if bool(indexes) != (constraints is not None):
        raise UsageError("--constraints needs an --index, and is what that is for")
    environment, running = _opened(python, paths)
    subjects = environment.subjects
    rules = Rules(level=evidence, strict=strict, promises=promises)
    pairs = judge_together(subjects, rules)
    if constraints is not None:
        minor = None if running is None else ".".join(running.version.split(".")[:2])
        with closing(open_sources(indexes, offline=is_offline)) as source:
            request = PinRequest(source=source, target=target(minor, None), rules=rules)
            lines = list(constraint_lines(subjects, pairs, request))
        replace_file(constraints, "".join(f"{line}\n" for line in lines).encode())
    with_python = () if running is None else judge_with_python(subjects, running, rules)
    fits = (*pairs, *with_python)
    if output_format == "json":
        echo_json(
            {**_about(environment), **fitting_json(fits, environment.skipped, show_all=show_all)}
        )
    else:
        echo_lines(fitting_lines(fits, environment.skipped, evidence, show_all=show_all))
    return exit_status.OF_VERDICT[worst_verdict(fits, environment.skipped)]


def _opened(python: Path | None, paths: Sequence[Path]) -> tuple[Environment, Python | None]:
    """What is installed, and the interpreter that it is judged with."""
    if paths and python is None:
        return open_environment([each.absolute() for each in paths]), None
    asked = python or _default_python()
    if not asked.is_file():
        raise UsageError(f"{asked}: there is no such interpreter")
    directories = [each.absolute() for each in paths] or site_directories(asked)
    version, flags = named_cpython(str(asked))
    return open_environment(directories), Python(version=version, flags=flags)


def _about(environment: Environment) -> dict[str, JSONValue]:
    return {
        "directories": [str(each) for each in environment.directories],
        "installed": [
            {"name": each.name, "version": each.version} for each in environment.subjects
        ],
    }


def _default_python() -> Path:
    active = os.environ.get("VIRTUAL_ENV")
    if not active:
        return Path(sys.executable)
    return Path(active, "Scripts/python.exe" if os.name == "nt" else "bin/python")
