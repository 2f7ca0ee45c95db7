"""`resolver-check catalog`: what a catalog is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
from packaging.utils import InvalidName, canonicalize_name

from backend_shim.record.canonical import JSONValue
from resolver_check.cli import exit_status
from resolver_check.cli.options import echo_json, echo_lines, format_option
from resolver_check.errors import UsageError
from resolver_check.sources.catalog import Catalog
from resolver_check.sources.catalog_queries import (
    Found,
    FoundWheel,
    binding_to,
    importing,
    needing,
    unreadable,
    without_records,
)


@click.command("catalog", short_help="Ask a catalog who binds to, imports or needs something.")
@click.argument("catalog_file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--binds-to", metavar="NAME", help="Wheels that require this project and bind to it.")
@click.option("--imports", metavar="SYMBOL", help="Wheels that take this symbol from others.")
@click.option("--needs", metavar="SONAME", help="Wheels with an object that needs this library.")
@click.option("--without-records", "wants_recordless", is_flag=True,
              help="Wheels that carry no usable fingerprint.")  # fmt: skip
@click.option("--unreadable", "wants_unreadable", is_flag=True,
              help="Wheels that could not be read, or hold a binary that could not.")  # fmt: skip
@format_option
def catalog_command(
    catalog_file: Path,
    binds_to: str | None,
    imports: str | None,
    needs: str | None,
    wants_recordless: bool,
    wants_unreadable: bool,
    output_format: str,
) -> int:
    """List wheels of the catalog FILE that `resolver-check scan` made; one question at a time.

    Wheels for which the catalog cannot tell are listed apart, as unknown.
    With --binds-to, a binding shows where a binary needs a library or holds a
    name of the project's catalogued wheels, or uses an interface that is the
    project's own; wheels that do not require the project are not looked at.
    Symbols that the interpreter or the C library gives are not held.

    \b
    Examples:
      resolver-check catalog catalog.db --binds-to numpy
      resolver-check catalog catalog.db --imports cblas_dgemm
      resolver-check catalog catalog.db --needs libgfortran.so.5

    \b
    Exit status: 0, or 2 wrong usage or unreadable input.
    """
    asked = [binds_to is not None, imports is not None, needs is not None]
    if [*asked, wants_recordless, wants_unreadable].count(True) != 1:
        raise UsageError(
            "ask one of --binds-to, --imports, --needs, --without-records and --unreadable"
        )
    with Catalog(catalog_file) as catalog:
        found = _ask(catalog, binds_to, imports, needs, wants_recordless=wants_recordless)
    if output_format == "json":
        echo_json(
            {
                "wheels": [_json(each) for each in found.wheels],
                "unknown": [_json(each) for each in found.unknown],
            }
        )
    else:
        echo_lines(_lines(found))
    return exit_status.OK


def _ask(
    catalog: Catalog,
    binds_to: str | None,
    imports: str | None,
    needs: str | None,
    *,
    wants_recordless: bool,
) -> Found:
    if binds_to is not None:
        try:
            return binding_to(catalog, canonicalize_name(binds_to, validate=True))
        except InvalidName as error:
            wrong = f"--binds-to wants the name of a project, not {binds_to!r}"
            raise UsageError(wrong) from error
    if imports is not None:
        return importing(catalog, imports)
    if needs is not None:
        return needing(catalog, needs)
    return without_records(catalog) if wants_recordless else unreadable(catalog)


def _lines(found: Found) -> Iterator[str]:
    for each in found.wheels:
        yield _line(each)
    if found.unknown:
        yield "unknown:"
        for each in found.unknown:
            yield f"  {_line(each)}"


def _line(each: FoundWheel) -> str:
    return f"{each.filename}: {each.detail}" if each.detail else each.filename


def _json(each: FoundWheel) -> dict[str, JSONValue]:
    return {
        "filename": each.filename,
        "project": each.project,
        "version": each.version,
        "sha256": each.sha256,
        "location": each.location,
        "detail": each.detail,
    }
