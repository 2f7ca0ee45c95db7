"""`--build-order FILE`: a plan for fromager."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import click

from backend_shim.errors import InvalidRecord
from backend_shim.wheel.whole_files import replace_file
from resolver_check.cli.options import Command
from resolver_check.errors import UsageError
from resolver_check.plan_model import RebuildPlan
from resolver_check.report.build_order import BuildOrderEntry, pruned_order, read_build_order
from resolver_check.report.build_tags import segments_json

REBUILD: Final = "rebuild-order.json"
KEEP: Final = "keep-order.json"
TAGS: Final = "build-tags.json"


def build_order_option(command: Command) -> Command:
    """`--build-order FILE`."""
    return click.option(
        "--build-order",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        metavar="FILE",
        callback=lambda _context, _option, path: path if path is None else _whole(path),
        help="The build-order.json of a fromager run: write beside it what of it to build again "
        f"({REBUILD}) and what to reuse ({KEEP}), for `fromager build-sequence`, and {TAGS} for "
        "the build_tag_hook.",
    )(command)


def _whole(path: Path) -> Path:
    if path.name in (REBUILD, KEEP, TAGS):
        raise UsageError(f"--build-order: {path.name} is what a plan writes, not a whole order")
    return path


def write_build_orders(path: Path, plan: RebuildPlan) -> None:
    """The two parts of the build order at `path`, and the build tags, beside it."""
    try:
        order = pruned_order(plan, read_build_order(path.read_bytes()))
    except InvalidRecord as error:
        raise UsageError(f"{path}: {error}") from error
    written = {
        TAGS: segments_json(order.segments),
        REBUILD: _as_fromager_writes(order.rebuild),
        KEEP: _as_fromager_writes(order.keep),
    }
    for name in written:  # whoever is killed leaves no mixture of an old plan and this one
        path.with_name(name).unlink(missing_ok=True)
    for name, data in written.items():
        replace_file(path.with_name(name), data)


def _as_fromager_writes(entries: Iterable[BuildOrderEntry]) -> bytes:
    return json.dumps([dict(each.fields) for each in entries], indent=2).encode() + b"\n"
