"""`resolver-check scan`: sources of wheels into a catalog."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import click
from packaging.utils import InvalidName, NormalizedName, canonicalize_name

from resolver_check.cli import exit_status
from resolver_check.cli.options import (
    echo_json,
    echo_lines,
    format_option,
    jobs_option,
    offline_option,
    records_option,
)
from resolver_check.errors import UsageError
from resolver_check.scan.cluster import Cluster, on_cluster
from resolver_check.scan.elsewhere import opening
from resolver_check.scan.scanning import Scan, ScanSummary
from resolver_check.sources import open_source
from resolver_check.sources.catalog import Catalog
from resolver_check.sources.with_records import with_records
from resolver_check.target import Target, target
from resolver_check.wheel_reference import WheelReference

_SECONDS_ON_TERMINAL: Final = 0.2
_SECONDS_IN_LOG: Final = 30.0
_WAITING_PER_JOB: Final = 4


@click.command("scan", short_help="Read many wheels into a catalog.")
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@click.option(
    "--catalog", "catalog_file", required=True, type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE", help="The catalog, which is made if it is not there.",
)  # fmt: skip
@click.option(
    "--project", "projects", multiple=True, metavar="NAME",
    help="Scan this project, and no others but those also named so.",
)  # fmt: skip
@click.option(
    "--versions", type=click.Choice(["all", "newest"]), default="all", show_default=True,
    help="Scan all versions of each project, or only the newest.",
)  # fmt: skip
@click.option("--python", metavar="3.11", help="Scan only wheels for this CPython; default: all.")
@click.option(
    "--platform", metavar="TAG",
    help="Scan only wheels for this platform tag, such as manylinux_2_28_x86_64; default: all.",
)  # fmt: skip
@records_option
@offline_option
@jobs_option
@click.option(
    "--workers", type=click.IntRange(1, 256), metavar="N",
    help="Read with N processes instead of threads, which needs the extra `dask`. They listen on "
    "the loopback interface and obey whoever speaks to them: not for machines with other users.",
)  # fmt: skip
@click.option(
    "--scheduler", metavar="ADDRESS",
    help="Read with all workers of this Dask scheduler, such as `tcp://host:8786`. They see the "
    "same files, have this version of wheel-abi, and a netrc or keyring where an index asks for "
    "a password.",
)  # fmt: skip
@format_option
def scan_command(  # noqa: PLR0913, PLR0917 - click hands over one argument per option
    sources: tuple[str, ...],
    catalog_file: Path,
    projects: tuple[str, ...],
    versions: str,
    python: str | None,
    platform: str | None,
    records: tuple[str, ...],
    is_offline: bool,
    jobs: int,
    workers: int | None,
    scheduler: str | None,
    output_format: str,
) -> int:
    """Read the wheels of each SOURCE, a directory or a simple index, into a catalog.

    A wheel that is in the catalog is not read again, so a scan that was
    interrupted goes on where it was when it is run again. Wheels with records
    are read by these, of others all is fetched. What a source no longer offers
    is kept and left out of answers.

    With --workers or --scheduler a wheel that ends the process that reads it,
    or that of a worker that vanishes meanwhile, stops nothing: others read it,
    and one that ends them all is unreadable until the next scan.

    \b
    Examples:
      resolver-check scan wheels --catalog catalog.db
      resolver-check catalog catalog.db --binds-to numpy

    \b
    Exit status: 0, or 2 wrong usage, interrupted, or a source or project that
    could not be listed; what was read before is in the catalog.
    """
    if scheduler is not None and workers is not None:
        raise UsageError("--scheduler has workers of its own: --workers goes without it")
    is_apart = scheduler is not None or workers is not None
    names = [_normalized(each) for each in projects]
    wanted = target(python, platform) if python or platform else None
    choose = partial(_chosen, wanted, versions == "newest") if wanted or versions != "all" else None
    progress = _Progress()
    summaries: list[ScanSummary] = []
    try:
        with (
            Catalog(catalog_file, writes=True) as catalog,
            _cluster(jobs, scheduler, workers) as cluster,
        ):
            for location in sources:
                how = opening(location, records, offline=is_offline) if is_apart else None
                source = with_records(
                    open_source(location, offline=is_offline), records, offline=is_offline
                )
                scan = Scan(
                    source,
                    catalog,
                    cluster.executor,
                    wanted=choose,
                    in_flight=_WAITING_PER_JOB * cluster.threads,
                    opening=how,
                    lost=cluster.lost,
                    progress=progress.showing(sum(summaries, ScanSummary())),
                )
                with closing(source):
                    summaries.append(scan.run(names or None))
    finally:
        progress.end()
    total = sum(summaries, ScanSummary())
    missing = set(names).intersection(*(each.missing for each in summaries))
    failed = [*total.unlisted, *((name, "no source has a wheel of it") for name in sorted(missing))]
    if output_format == "json":
        echo_json({**_counts(total), "unlisted": [{"project": n, "why": w} for n, w in failed]})
    else:
        echo_lines(_lines(total, failed))
    return exit_status.UNUSABLE if failed else exit_status.OK


@contextmanager
def _cluster(jobs: int, scheduler: str | None, workers: int | None) -> Iterator[Cluster]:
    if scheduler is None and workers is None:
        with ThreadPoolExecutor(max_workers=jobs) as executor:
            yield Cluster(executor=executor, threads=jobs, lost=())
    else:
        with on_cluster(scheduler, workers or 1) as cluster:
            yield cluster


def _normalized(name: str) -> NormalizedName:
    try:
        return canonicalize_name(name, validate=True)
    except InvalidName as error:
        raise UsageError(f"--project wants the name of a project, not {name!r}") from error


def _chosen(
    wanted: Target | None, newest_only: bool, references: Sequence[WheelReference]
) -> Collection[WheelReference]:
    found = [each for each in references if wanted is None or each.tags & wanted.tags]
    if not newest_only or not found:
        return found
    newest = next((each for each in reversed(found) if not each.yanked), found[-1])
    return [each for each in found if each.version == newest.version]


def _counts(total: ScanSummary) -> dict[str, int]:
    return {
        "scanned": total.scanned,
        "known": total.known,
        "unreadable": total.unreadable,
        "gone": total.gone,
        "left_out": total.left_out,
    }


def _lines(total: ScanSummary, failed: Sequence[tuple[str, str]]) -> Iterator[str]:
    left_out = f", left out {total.left_out}" if total.left_out else ""
    yield (
        f"scanned {total.scanned}, already known {total.known}, "
        f"unreadable {total.unreadable}, gone {total.gone}{left_out}"
    )
    for name, why in failed:
        yield f"not listed: {name}: {why}"


class _Progress:
    """One line on standard error: rewritten on a terminal, else a new one now and then."""

    def __init__(self) -> None:
        self._on_terminal = sys.stderr.isatty()
        self._every = _SECONDS_ON_TERMINAL if self._on_terminal else _SECONDS_IN_LOG
        self._shown = time.monotonic()
        self._is_open = False

    def showing(self, before: ScanSummary) -> Callable[[ScanSummary], None]:
        """What shows how far the scan of a source is, after what the ones `before` it gave."""
        return lambda summary: self._show(before + summary)

    def end(self) -> None:
        """Leave the line."""
        if self._is_open:
            print(file=sys.stderr)
            self._is_open = False

    def _show(self, total: ScanSummary) -> None:
        now = time.monotonic()
        if now - self._shown < self._every:
            return
        self._shown = now
        text = next(_lines(total, ()))
        if self._on_terminal:
            # Carriage return, and "erase to the end of the line" (ECMA-48, EL).
            print(f"\r{text}\033[K", end="", file=sys.stderr, flush=True)
            self._is_open = True
        else:
            print(text, file=sys.stderr, flush=True)
