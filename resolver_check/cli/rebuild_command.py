"""`resolver-check rebuild`: builds what a kept plan says, wave after wave."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from backend_shim.record.canonical import JSONValue
from backend_shim.type_recording import DebugFiles
from resolver_check.cli import exit_status
from resolver_check.cli.options import (
    debug_info_option,
    echo_json,
    echo_lines,
    format_option,
    offline_option,
    series_option,
)
from resolver_check.cli.plan_state import keep_state, places_of, plan_of, status_of
from resolver_check.errors import UsageError
from resolver_check.model import Verdict
from resolver_check.plan_model import PlannedWheel, RebuildPlan
from resolver_check.plan_state import PlanState
from resolver_check.rebuild import BuildResult, Workshop
from resolver_check.report.plan_report import plan_json, plan_lines
from resolver_check.report.printable import printable
from resolver_check.report.validation_report import validation_json, validation_lines
from resolver_check.sources import index_login, open_sources
from resolver_check.sources.netrc_text import netrc_text
from resolver_check.sources.plan_state_file import read_state, with_result, write_state
from resolver_check.sources.sdists import open_sdists
from resolver_check.sources.series_file import Promises
from resolver_check.sources.web_address import Credentials, shown
from resolver_check.target import target
from resolver_check.validated_skip import Finding, ValidatedSkip, worst
from resolver_check.validation import skipped, validated


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Takes SIGTERM, by which a CI service cancels, as an interrupt."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


@click.command("rebuild", short_help="Build what a plan says from sdists, a wave at a time.")
@click.option(
    "--state", "state_file", type=click.Path(path_type=Path, dir_okay=False), required=True,
    metavar="FILE", help="The plan that `plan --state FILE` has begun.",
)  # fmt: skip
@click.option(
    "--source", "sources", multiple=True, metavar="DIR_OR_URL",
    help="The sources of the plan once more, all of them, where a URL has a user and password: "
    "the plan does not keep these.",
)  # fmt: skip
@click.option(
    "--sdists", required=True, metavar="DIR_OR_URL",
    help="Where the sdists are: a directory, or a simple index.",
)  # fmt: skip
@click.option(
    "--build-index", "indexes", multiple=True, metavar="URL",
    help="An index of build requirements beside those that pip is configured for, of all of which "
    "it takes the newest wheel. User and password may be in the URL, in netrc or in the keyring.",
)  # fmt: skip
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Where the built wheels go, and the logs, into DIR/logs.",
)  # fmt: skip
@click.option(
    "--waves", type=click.IntRange(1), metavar="N",
    help="Build at most N waves; default: until nothing is left.",
)  # fmt: skip
@click.option("--jobs", type=click.IntRange(1, 64), default=os.cpu_count() or 1,
              show_default=True, help="Builds at the same time.")  # fmt: skip
@click.option(
    "--dry-run-incremental", "is_dry", is_flag=True,
    help="Build nothing of the plan and only say what would be built and what skipped.",
)  # fmt: skip
@click.option(
    "--validate", "sample", metavar="N|all",
    help="With --dry-run-incremental: build N of the wheels that are skipped, or all, into "
    "DIR/validated, and compare them with what is kept. A skip is refuted where the interface "
    "came out otherwise. The kept wheels must have been built in the same way.",
)  # fmt: skip
@click.option("--retry", is_flag=True, help="Try again what failed before.")
@click.option(
    "--timeout", type=click.IntRange(1), metavar="SECONDS",
    help="The most that a build may take; default: no limit.",
)  # fmt: skip
@click.option(
    "--with-python", "interpreter", default=sys.executable, metavar="PATH",
    help="The interpreter to build with, which has `build`; default: the one that runs "
    "this program.",
)  # fmt: skip
@offline_option
@series_option
@debug_info_option
@format_option
@_ended_by_sigterm()
def rebuild_command(  # noqa: PLR0913, PLR0917 - click hands over one argument per option
    state_file: Path,
    sources: tuple[str, ...],
    sdists: str,
    indexes: tuple[str, ...],
    out: Path,
    waves: int | None,
    jobs: int,
    is_dry: bool,
    sample: str | None,
    retry: bool,
    timeout: int | None,
    interpreter: str,
    is_offline: bool,
    promises: Promises,
    debug_files: DebugFiles,
    output_format: str,
) -> int:
    """Build what a kept plan says from sdists, a wave at a time, and plan again after each.

    Builds are isolated and take the bumped versions and what was built before. Each
    result is kept at once, so that a run that was cut short goes on where it was. A failed build
    blocks what needs it. This runs the code of the projects that are built.

    \b
    Examples:
      resolver-check plan --source wheels --bump numpy==2.0.2 --state plan.json
      resolver-check rebuild --state plan.json --sdists sdists --out built

    \b
    Exit status: that of `plan` for what is left; with --validate 1 where a
    skip is refuted, 3 where one was not built or its content differs, else 0.
    """
    if sample is not None and not is_dry:
        raise UsageError("--validate goes with --dry-run-incremental")
    if is_offline and (not is_dry or sample is not None):
        raise UsageError("offline nothing can be built: --offline goes with --dry-run-incremental")
    count = _count(sample)
    state = read_state(state_file)
    if state is None:
        raise UsageError(f"{state_file}: there is no plan yet; `plan --state` begins one")
    if retry:
        state = replace(state, progress=replace(state.progress, failed={}))
    if sources and places_of(sources) != state.sources:
        raise UsageError(f"{state_file} keeps a plan with another --source")
    # As they are asked, which is never kept.
    asked = sources or state.sources
    planned = partial(
        plan_of, jobs=jobs, promises=promises, debug_files=debug_files, is_offline=is_offline
    )
    out.mkdir(parents=True, exist_ok=True)
    source = open_sdists(sdists, offline=is_offline)
    try:
        plan = planned(replace(state, sources=asked))
        if is_dry and sample is None:
            _print(plan, output_format)
            return status_of(plan)
        workshop = partial(
            Workshop,
            sdists=source,
            python=interpreter,
            out=(out / "validated" if is_dry else out).absolute(),
            find_links=[path for path in map(Path, state.sources) if path.is_dir()],
            indexes=tuple(_logins(indexes, state)),
            target=target(state.python, state.platform),
            timeout=timeout,
        )
        if is_dry:
            shop = workshop(constraints=tuple(_constraints(state)))
            found = _validated(asked, shop, skipped(plan, count), jobs)
            _print(plan, output_format, found)
            return _STATUS[worst(found)]
        keep_state(state_file, state, plan)
        done = 0
        while (wave := plan.ready) and done != waves:
            done += 1
            shop = workshop(constraints=tuple(_constraints(state)))
            with closing(_built(shop, wave, jobs)) as results:
                for each, result in results:
                    name = each.reference.filename
                    state = with_result(state, name, result.wheel, str(result.log))
                    write_state(state_file, state)
                    click.echo(printable(f"wave {done}: {_told(each, result)}"), err=True)
            plan = planned(replace(state, sources=asked))
            keep_state(state_file, state, plan)
    finally:
        source.close()
    _print(plan, output_format)
    return status_of(plan)


_STATUS = {
    Finding.PROVEN: exit_status.OK,
    Finding.DIFFERS: exit_status.OF_VERDICT[Verdict.UNKNOWN],
    Finding.NOT_BUILT: exit_status.OF_VERDICT[Verdict.UNKNOWN],
    Finding.REFUTED: exit_status.OF_VERDICT[Verdict.INVALID],
}


def _count(sample: str | None) -> int | None:
    if sample is None or sample == "all":
        return None
    if not (sample.isascii() and sample.isdigit() and int(sample[:9]) > 0):
        raise UsageError(f"--validate wants a number or 'all', not {sample!r}")
    return int(sample[:9])


def _logins(indexes: Sequence[str], state: PlanState) -> Iterator[tuple[str, Credentials | None]]:
    for url in indexes:
        found = index_login(url, state.requests[0].name)
        if found is None:
            raise UsageError(f"--build-index wants an http(s) URL, not {shown(url)}")
        place, login = found
        if login is not None:
            netrc_text([(place, login)], "")  # Refused now, and not by every build.
        yield found


def _validated(
    sources: Sequence[str], shop: Workshop, wheels: Sequence[PlannedWheel], jobs: int
) -> tuple[ValidatedSkip, ...]:
    wheels_of = open_sources(sources)
    try:
        with ThreadPoolExecutor(max_workers=jobs) as executor:
            try:
                return tuple(executor.map(partial(validated, shop, wheels_of), wheels))
            finally:
                shop.stop()
    finally:
        wheels_of.close()


def _built(
    shop: Workshop, wave: tuple[PlannedWheel, ...], jobs: int
) -> Generator[tuple[PlannedWheel, BuildResult], None, None]:
    """The results as they come; whoever stops asking ends the builds."""
    with ThreadPoolExecutor(max_workers=jobs) as executor:
        futures = {
            executor.submit(shop.build, each.reference.name, each.reference.version): each
            for each in wave
        }
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            shop.stop()


def _told(each: PlannedWheel, result: BuildResult) -> str:
    how = f"built {result.wheel.name}" if result.wheel else f"failed, see {result.log}"
    return f"{each.reference.name} {each.reference.version}: {how}"


def _constraints(state: PlanState) -> Iterator[str]:
    """The new versions, and of what was built exactly these files."""
    for bump in state.requests:
        if bump.new is not None:
            yield f"{bump.name}=={bump.new}"
    for built in state.progress.built.values():
        path = Path(built.path)
        yield f"{path.name.partition('-')[0]} @ {path.as_uri()}"


def _print(plan: RebuildPlan, output_format: str, found: Sequence[ValidatedSkip] = ()) -> None:
    if output_format == "json":
        validated_json: list[JSONValue] = [validation_json(each) for each in found]
        echo_json({**plan_json(plan), **({"validated": validated_json} if found else {})})
    else:
        echo_lines(plan_lines(plan))
        echo_lines(validation_lines(found))
