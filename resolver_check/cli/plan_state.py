"""What `plan` is asked: on the command line, or the time before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import click
from click.core import ParameterSource
from packaging.utils import NormalizedName

from backend_shim.record.build_inputs import BuildInputs
from backend_shim.type_recording import DebugFiles
from resolver_check.cli import exit_status
from resolver_check.errors import UsageError
from resolver_check.model import EvidenceLevel, Verdict
from resolver_check.plan import make_plan
from resolver_check.plan_model import Action, RebuildPlan, RequestedBump
from resolver_check.plan_state import PlanState
from resolver_check.sources import open_sources, place_of
from resolver_check.sources.plan_state_file import read_state, with_results, write_state
from resolver_check.sources.series_file import Promises
from resolver_check.sources.with_records import with_records
from resolver_check.target import target

_TO_DO = frozenset({Action.REBUILD, Action.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options that say what is planned."""

    sources: tuple[str, ...]
    requests: tuple[RequestedBump, ...]
    python: str | None
    platform: str | None
    versions: str | None
    level: EvidenceLevel
    is_strict: bool
    forced: tuple[str, ...]


def planned_state(
    asked: Asked, path: Path | None, built: Sequence[Path], failed: Sequence[str]
) -> PlanState:
    """The plan that is kept at `path`, with new results, or a new one. Raises UsageError."""
    kept = None if path is None else read_state(path)
    if kept is None:
        if built or failed:
            raise UsageError("--built and --failed go on with a plan: --state names none yet")
        return _begun(asked)
    for option, given, before in _given(asked, kept):
        if given != before:
            raise UsageError(f"{path} keeps a plan with another {option}; begin a file of its own")
    if asked.sources:
        kept = replace(kept, sources=asked.sources)  # may have the credentials that are not kept
    return with_results(kept, built=built, failed=map(_failure, failed))


def keep_state(path: Path, state: PlanState, plan: RebuildPlan) -> None:
    """Write the state after `plan` was made of it; credentials of a URL are left out."""
    planned = {each.reference.filename: each.action.value for each in plan.wheels}
    write_state(path, replace(state, sources=places_of(state.sources), planned=planned))


def plan_of(
    state: PlanState,
    *,
    jobs: int,
    promises: Promises,
    debug_files: DebugFiles,
    inputs: Mapping[NormalizedName, BuildInputs] | None = None,
    is_offline: bool = False,
    records: Sequence[str] = (),
) -> RebuildPlan:
    """The plan as it stands, made by `jobs` threads. Raises SourceUnavailable, UsageError."""
    sources = open_sources(state.sources, offline=is_offline)
    opened = with_records(sources, records, offline=is_offline)
    try:
        with ThreadPoolExecutor(max_workers=jobs) as executor:
            return make_plan(
                opened,
                state.requests,
                target=target(state.python, state.platform),
                level=state.level,
                executor=executor,
                newest_only=state.newest_only,
                promises=promises,
                debug_files=debug_files,
                strict=state.is_strict,
                inputs=inputs,
                progress=state.progress,
                forced=state.forced,
            )
    finally:
        opened.close()


def places_of(sources: Sequence[str]) -> tuple[str, ...]:
    """The sources as they are kept."""
    return tuple(map(place_of, sources))


def status_of(plan: RebuildPlan) -> int:
    """The exit status of a command that leaves `plan` to be done."""
    verdicts = {each.verdict for each in plan.wheels if each.action in _TO_DO}
    if not verdicts:
        return exit_status.OK
    # A valid one is to be done because somebody forces it.
    return exit_status.UNKNOWN if verdicts == {Verdict.UNKNOWN} else exit_status.INVALID


def _begun(asked: Asked) -> PlanState:
    if not asked.sources or not asked.requests:
        wrong = (
            "--source and --bump or --gone say what is planned (--state does, once it has begun)"
        )
        raise UsageError(wrong)
    wanted = target(asked.python, asked.platform)
    are_local = all(Path(each).is_dir() for each in asked.sources)
    versions = asked.versions or ("all" if are_local else "newest")
    return PlanState(
        sources=asked.sources,
        requests=asked.requests,
        python=".".join(map(str, wanted.python)),
        platform=asked.platform,
        level=asked.level,
        is_strict=asked.is_strict,
        newest_only=versions == "newest",
        forced=asked.forced,
    )


def _given(asked: Asked, kept: PlanState) -> Iterator[tuple[str, object, object]]:
    """(option, its value, the one that is kept) of the options that were typed."""
    if asked.sources:
        yield "--source", places_of(asked.sources), places_of(kept.sources)
    if asked.requests:
        yield "--bump", asked.requests, kept.requests
    if asked.python is not None:
        yield "--python", asked.python, kept.python
    if asked.platform is not None:
        yield "--platform", asked.platform, kept.platform
    if asked.versions is not None:
        yield "--versions", asked.versions == "newest", kept.newest_only
    if asked.forced:
        yield "--force", asked.forced, kept.forced
    if _is_typed("evidence"):
        yield "--evidence", asked.level, kept.level
    if _is_typed("strict"):
        yield "--strict-build-requirements", asked.is_strict, kept.is_strict


def _is_typed(parameter: str) -> bool:
    source = click.get_current_context().get_parameter_source(parameter)
    return source is not ParameterSource.DEFAULT


def _failure(text: str) -> tuple[str, str]:
    name, separator, log = text.partition("=")
    if not (name and separator and log):
        raise UsageError(f"--failed wants NAME=LOG, not {text!r}")
    return name, log
