"""`resolver-check plan`: a bump over a source of wheels."""

from __future__ import annotations

import json
from pathlib import Path

import click
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from backend_shim.record.build_inputs import BuildInputs
from backend_shim.type_recording import DebugFiles
from resolver_check.cli.build_inputs_file import read_build_inputs
from resolver_check.cli.build_order_file import build_order_option, write_build_orders
from resolver_check.cli.catalog_plan import plan_of_catalog
from resolver_check.cli.options import (
    debug_info_option,
    echo_json,
    echo_lines,
    evidence_option,
    jobs_option,
    offline_option,
    records_option,
    series_option,
    strict_option,
)
from resolver_check.cli.plan_page_file import html_option, write_plan_page
from resolver_check.cli.plan_state import Asked, keep_state, plan_of, planned_state, status_of
from resolver_check.conditional import Rules
from resolver_check.errors import UsageError
from resolver_check.model import EvidenceLevel
from resolver_check.plan_model import ALL, RequestedBump
from resolver_check.report.plan_lists import job_matrix, requirement_lines
from resolver_check.report.plan_report import plan_json, plan_lines
from resolver_check.sources.series_file import Promises


@click.command("plan", short_help="Say which wheels to keep and to rebuild, in waves.")
@click.option(
    "--source", "sources", multiple=True, metavar="DIR_OR_URL",
    help="A directory of wheels, or a simple index (PEP 503 or PEP 691). Of several, each project "
    "has the wheels of all, and of files of one name the first source's counts; the newest are "
    "those of each source.",
)  # fmt: skip
@click.option(
    "--catalog", "catalog_file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Take the wheels of one source from this catalog (`scan`) and open none but those that "
    "are bumped; all versions, unless --versions says else. Where it has several sources, --source "
    "says of which.",
)  # fmt: skip
@click.option(
    "--all", "lists_all", is_flag=True,
    help="With --catalog: list also the wheels that nothing bumped reaches.",
)  # fmt: skip
@click.option(
    "--open", "reads_wheels", is_flag=True,
    help="With --catalog: open the wheels of which it does not say enough; else they are unknown.",
)  # fmt: skip
@click.option(
    "--bump", "bumps", multiple=True, metavar="NAME==NEW",
    help="A provider and the version it goes to; may be given several times.",
)  # fmt: skip
@click.option(
    "--gone", multiple=True, metavar="NAME",
    help="A provider that disappears; may be given several times.",
)  # fmt: skip
@click.option(
    "--from", "old_versions", multiple=True, metavar="NAME==OLD",
    help="The version it comes from, if not the newest older one of the source; may be given "
    "several times.",
)  # fmt: skip
@click.option(
    "--python", metavar="3.11", help="CPython to plan for; default: the one that runs this program."
)
@click.option(
    "--platform", metavar="TAG",
    help="Platform tag to plan for, such as manylinux_2_28_x86_64; default: this machine.",
)  # fmt: skip
@click.option(
    "--versions",
    type=click.Choice(["all", "newest"]),
    help="Judge all versions of each project, or only the newest; default: all in a directory, "
    "the newest in an index.",
)
@jobs_option
@click.option(
    "--inputs", "input_files", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
    help="What a build of one project would take in now, as `backend-shim inputs` writes it: its "
    "wheels are rebuilt if that has changed; may be given several times.",
)  # fmt: skip
@click.option(
    "--force", "forced", multiple=True, metavar="NAME",
    help="Rebuild this project's wheels whatever is judged, `:all:` those of all; may be given "
    "several times.",
)  # fmt: skip
@click.option(
    "--state", "state_file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Keep the plan in FILE and go on with it: what was built meanwhile takes the place of "
    "what was planned, and who binds to it is judged again. The options that say what is planned "
    "are needed the first time only.",
)  # fmt: skip
@click.option(
    "--built", multiple=True, type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR", help="Directory with wheels that were built for the plan of --state; may be "
    "given several times.",
)  # fmt: skip
@click.option(
    "--failed", multiple=True, metavar="NAME=LOG",
    help="A project or wheel of the plan of --state whose build failed, and where its log is; may "
    "be given several times.",
)  # fmt: skip
@records_option
@offline_option
@series_option
@debug_info_option
@strict_option
@evidence_option
@click.option(
    "--format", "output_format", default="text", show_default=True,
    type=click.Choice(["text", "json", "requirements", "matrix"]),
    help="Text for people, JSON for programs, what to rebuild as a requirements file, or what can "
    "be built now as the job matrix of a CI service, on one line.",
)  # fmt: skip
@html_option
@build_order_option
def plan_command(  # noqa: PLR0913, PLR0917 - click hands over one argument per option
    sources: tuple[str, ...],
    catalog_file: Path | None,
    lists_all: bool,
    reads_wheels: bool,
    bumps: tuple[str, ...],
    gone: tuple[str, ...],
    old_versions: tuple[str, ...],
    python: str | None,
    platform: str | None,
    versions: str | None,
    jobs: int,
    input_files: tuple[Path, ...],
    forced: tuple[str, ...],
    state_file: Path | None,
    built: tuple[Path, ...],
    failed: tuple[str, ...],
    records: tuple[str, ...],
    is_offline: bool,
    promises: Promises,
    debug_files: DebugFiles,
    strict: bool,
    evidence: EvidenceLevel,
    output_format: str,
    html_file: Path | None,
    build_order: Path | None,
) -> int:
    """Say which wheels of the sources to keep and which to rebuild after a bump, in waves.

    Valid wheels are kept, invalid and unknown ones are rebuilt. A wave needs only wheels of earlier
    ones. A conditional wheel binds to one that is rebuilt: plan again with what was built (--state
    FILE --built DIR), until nothing is left.

    \b
    Examples:
      resolver-check plan --source wheels --bump numpy==2.0.2 --state plan.json
      resolver-check plan --state plan.json --built built

    \b
    Exit status: 0 nothing to rebuild, 1 some wheel is invalid or forced, 3 none
    is but some are unknown, 2 wrong usage or unreadable input.
    """
    asked = Asked(
        sources=sources,
        requests=tuple(_requests(bumps, gone, old_versions)),
        python=python,
        platform=platform,
        versions=versions,
        level=evidence,
        is_strict=strict,
        forced=tuple(each if each == ALL else canonicalize_name(each) for each in forced),
    )
    if catalog_file is not None:
        if state_file or built or failed or input_files or records:
            wrong = "a plan from a catalog takes no --state, --built, --failed, --inputs, --records"
            raise UsageError(wrong)
        rules = Rules(level=evidence, strict=strict, promises=promises, debug_files=debug_files)
        plan = plan_of_catalog(
            catalog_file,
            asked,
            rules,
            # A build order is pruned by all that is kept: what is not listed is built.
            lists_all=lists_all or build_order is not None,
            reads_wheels=reads_wheels,
            is_offline=is_offline,
        )
    else:
        if lists_all or reads_wheels:
            raise UsageError("--all and --open are for a plan from a --catalog")
        state = planned_state(asked, state_file, built, failed)
        plan = plan_of(
            state,
            jobs=jobs,
            promises=promises,
            debug_files=debug_files,
            inputs=_inputs(input_files),
            is_offline=is_offline,
            records=records,
        )
        if state_file is not None:
            keep_state(state_file, state, plan)
    if html_file is not None:
        write_plan_page(html_file, plan)
    if build_order is not None:
        write_build_orders(build_order, plan)
    if output_format == "json":
        echo_json(plan_json(plan))
    elif output_format == "matrix":
        click.echo(json.dumps(job_matrix(plan)))
    else:
        echo_lines((plan_lines if output_format == "text" else requirement_lines)(plan))
    return status_of(plan)


def _inputs(paths: tuple[Path, ...]) -> dict[NormalizedName, BuildInputs]:
    found: dict[NormalizedName, BuildInputs] = {}
    for path in paths:
        read = read_build_inputs(path)
        name = canonicalize_name(read.name)
        if name in found:
            raise UsageError(f"--inputs gives those of {name} twice")
        found[name] = read
    return found


def _requests(
    bumps: tuple[str, ...], gone: tuple[str, ...], old_versions: tuple[str, ...]
) -> list[RequestedBump]:
    old = dict(_pinned(text, "--from") for text in old_versions)
    new: list[tuple[NormalizedName, Version | None]] = [_pinned(text, "--bump") for text in bumps]
    new += [(canonicalize_name(name), None) for name in gone]
    names = [name for name, _ in new]
    if len(set(names)) != len(names):
        raise UsageError("--bump and --gone name a project twice")
    if strangers := sorted(old.keys() - set(names)):
        raise UsageError(f"--from names {', '.join(strangers)}, which no --bump or --gone names")
    return [RequestedBump(name=name, new=version, old=old.get(name)) for name, version in new]


def _pinned(text: str, option: str) -> tuple[NormalizedName, Version]:
    """`NAME==VERSION` in its two parts."""
    try:
        requirement = Requirement(text)
        pins = [each for each in requirement.specifier if each.operator == "=="]
        is_plain = not (requirement.extras or requirement.marker or requirement.url)
        if len(pins) == len(requirement.specifier) == 1 and is_plain:
            return canonicalize_name(requirement.name), Version(pins[0].version)
    except (InvalidRequirement, InvalidVersion):
        pass
    raise UsageError(f"{option} wants NAME==VERSION, not {text!r}")
