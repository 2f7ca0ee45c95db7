"""The file that keeps a plan from one run to the next, and the wheels that were built meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from packaging.tags import Tag
from packaging.utils import canonicalize_name

from backend_shim.errors import InvalidRecord
from backend_shim.record.decoding import MAX_BYTES
from backend_shim.wheel.whole_files import replace_file, sha256_at
from resolver_check.errors import UsageError
from resolver_check.plan_state import BuiltWheel, PlanState, Progress
from resolver_check.sources.wheelhouse import Wheelhouse
from resolver_check.target import platforms_meet
from resolver_check.wheel_reference import SkippedFile, WheelReference, parse


def read_state(path: Path) -> PlanState | None:
    """The state in the file `path`, None if there is none yet; raises UsageError.

    A built wheel that has gone or is another file by now has not been built.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    try:
        state = PlanState.from_json(data)
    except InvalidRecord as error:
        raise UsageError(f"{path}: {error}") from error
    there = {
        name: each
        for name, each in state.progress.built.items()
        if _digest(Path(each.path)) == each.sha256
    }
    return replace(state, progress=replace(state.progress, built=there))


def write_state(path: Path, state: PlanState) -> None:
    """Replace the file `path` by the state: whoever is killed leaves the old one or the new one."""
    replace_file(path, state.to_json())


def with_results(
    state: PlanState, *, built: Iterable[Path] = (), failed: Iterable[tuple[str, str]] = ()
) -> PlanState:
    """`state` after builds; the later result counts.

    `built` are directories of wheels: one takes the place of a planned wheel of the same project
    and version for the same interpreter, system and machine. `failed` are (project or file name of
    a planned wheel, path of the log). Raises UsageError where nothing of the plan is meant, and
    SourceUnavailable.
    """
    for directory in built:
        for name, wheel in _matching(state.planned, directory):
            state = with_result(state, name, Path(wheel.location), "")
    for what, log in failed:
        project = canonicalize_name(what)
        meant = [name for name in state.planned if name == what or _project(name) == project]
        if not meant:
            raise UsageError(f"the plan has no wheel {what!r} that could have failed")
        for name in meant:
            state = with_result(state, name, None, log)
    return state


def with_result(state: PlanState, name: str, wheel: Path | None, log: str) -> PlanState:
    """`state` after the wheel of the plan `name` was built, or was not (`wheel` is None)."""
    built, failed = dict(state.progress.built), dict(state.progress.failed)
    built.pop(name, None)
    failed.pop(name, None)
    digest = None if wheel is None else _digest(wheel)
    if wheel is None or digest is None:
        failed[name] = log
    else:
        built[name] = BuiltWheel(path=str(wheel.absolute()), sha256=digest)
    return replace(state, progress=Progress(built=built, failed=failed))


def _matching(planned: Mapping[str, str], directory: Path) -> Iterator[tuple[str, WheelReference]]:
    """(file name of a planned wheel, the wheel of `directory` in its place), later builds last."""
    house = Wheelhouse(directory)
    for name in planned:
        wanted = parse(name, location=name)
        if isinstance(wanted, SkippedFile):
            continue
        for each in house.wheels(wanted.name):
            if each.version == wanted.version and _are_alike(each.tags, wanted.tags):
                yield name, each


def _are_alike(ours: Iterable[Tag], theirs: Iterable[Tag]) -> bool:
    """Whether both are for the same interpreters; a wheel fresh from its build is `linux_…`."""
    ours, theirs = tuple(ours), tuple(theirs)
    kinds = [{(tag.interpreter, tag.abi) for tag in tags} for tags in (ours, theirs)]
    return kinds[0] == kinds[1] and any(
        platforms_meet(one.platform, other.platform) for one in ours for other in theirs
    )


def _project(filename: str) -> str:
    read = parse(filename, location=filename)
    return "" if isinstance(read, SkippedFile) else read.name


def _digest(path: Path) -> str | None:
    """sha256 in hex, None of what cannot be read."""
    try:
        return sha256_at(path)
    except OSError:
        return None
