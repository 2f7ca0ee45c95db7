"""`--html FILE`: a plan as a page."""

from __future__ import annotations

from pathlib import Path

import click

from backend_shim.wheel.whole_files import replace_file
from resolver_check.cli.options import Command
from resolver_check.errors import UsageError
from resolver_check.plan_model import RebuildPlan


def html_option(command: Command) -> Command:
    """`--html FILE`; a file that could not be written is refused before anything is judged."""
    return click.option(
        "--html",
        "html_file",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        callback=lambda _context, _option, path: path if path is None else _writable(path),
        help="Also write the plan as one page for a browser, which needs no network.",
    )(command)


def _writable(path: Path) -> Path:
    if not path.absolute().parent.is_dir():
        raise UsageError(f"--html: there is no directory {path.absolute().parent}")
    if path.exists() and not path.is_file():
        raise UsageError(f"--html: {path} is not a file")
    return path


def write_plan_page(path: Path, plan: RebuildPlan) -> None:
    """Replace the file `path` by the page."""
    # Imported here: it brings Jinja2, which a plan in text has no need to wait for.
    from resolver_check.report.plan_page import plan_page  # noqa: PLC0415

    replace_file(path, plan_page(plan).encode())
