"""What fromager, the farm of python-wheel-build, is given: a command and its hook for build tags.

It loads this module with every command, so no more is imported here than fromager itself has.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import click
from packaging.requirements import Requirement
from packaging.version import Version

from backend_shim.errors import BackendShimError
from resolver_check.errors import ResolverCheckError
from resolver_check.report.build_tags import pin_text, read_segments
from resolver_check.report.printable import printable

VARIABLE: Final = "WHEEL_ABI_BUILD_TAGS"
"""The file with the build tags, where it is not that of the work directory."""
_TAGS: Final = "build-tags.json"


class Farm(Protocol):
    """What is needed of fromager's `WorkContext`."""

    @property
    def work_dir(self) -> Path: ...
    @property
    def wheels_downloads(self) -> Path: ...
    @property
    def wheels_prebuilt(self) -> Path: ...


def build_tag_hook(
    *, ctx: Farm, req: Requirement, version: Version, **_others: object
) -> list[str]:
    """Our segment of the build tag, as the plan has it that was made last; fromager joins them.

    For a farm's settings: `wheels: {build_tag_hook: "resolver_check.fromager:build_tag_hook"}`.
    Raises OSError, InvalidRecord: without the tags of a plan an outdated wheel would be reused.
    """
    named = os.environ.get(VARIABLE)
    place = Path(named) if named else Path(ctx.work_dir) / _TAGS
    if not named and not place.exists():
        return []
    segment = read_segments(place.read_bytes()).get(pin_text(req.name, version))
    return [] if segment is None else [segment]


@click.command(
    "abi-plan",
    context_settings={"ignore_unknown_options": True},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def abi_plan(ctx: Farm, arguments: tuple[str, ...]) -> None:
    """Say which wheels to keep and which to rebuild after a bump, and prune the build order.

    As `resolver-check plan`, with the wheels of this run as --source and its build-order.json as
    --build-order, unless they are given. A wheel that must be rebuilt is no failure here: the
    exit status is 0 once the plan is made.

    \b
    fromager abi-plan --bump numpy==2.3.0
    fromager build-sequence work-dir/keep-order.json -c CACHE
    fromager build-sequence work-dir/rebuild-order.json
    """
    try:
        from resolver_check.cli.plan_command import plan_command  # noqa: PLC0415 - see the module
    except ImportError as error:
        wrong = f"there is no {error.name}: install wheel-abi[check] beside fromager"
        raise click.ClickException(wrong) from error
    planning = click.Command(
        "abi-plan", params=plan_command.params, callback=plan_command.callback, help=abi_plan.help
    )
    try:
        planning.main(
            [*_of_run(ctx, arguments), *arguments],
            prog_name="fromager abi-plan",
            standalone_mode=False,
        )
    except (BackendShimError, ResolverCheckError) as error:
        raise click.ClickException(printable(str(error))) from error


def _of_run(ctx: Farm, arguments: Sequence[str]) -> list[str]:
    """The options that this run of fromager answers, without those of `arguments`."""
    given = {each.partition("=")[0] for each in arguments}
    options = []
    if given.isdisjoint({"--source", "--catalog"}):
        options += ["--source", str(ctx.wheels_downloads), "--source", str(ctx.wheels_prebuilt)]
    if "--build-order" not in given:
        options += ["--build-order", str(Path(ctx.work_dir) / "build-order.json")]
    return options
