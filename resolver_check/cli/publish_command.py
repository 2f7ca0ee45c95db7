"""`resolver-check publish`: wheels and their records for any static server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import click

from backend_shim.record.canonical import JSONValue
from resolver_check.cli import exit_status
from resolver_check.cli.options import echo_json, echo_lines, format_option, jobs_option
from resolver_check.errors import ProjectMissing, SourceUnavailable, UsageError
from resolver_check.scan.publishing import read_publishable
from resolver_check.scan.record_reading import OfferedWheel, read_records
from resolver_check.sources import WheelSource, open_source, place_of
from resolver_check.sources.pack_writing import packs_in, write_packs
from resolver_check.sources.publishable import PublishableWheel, UnpublishableWheel
from resolver_check.sources.static_repository import StaticRepository
from resolver_check.sources.wheelhouse import Wheelhouse
from resolver_check.wheel_reference import SkippedFile, parse

_RECORDS: Final = "records"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Published:
    """What came of it."""

    wheels: tuple[PublishableWheel, ...] = ()
    new: int = 0
    """Of them."""
    packed: int | None = None
    """Records in packs; None where none were asked for."""
    packed_own: int = 0
    """Of them those of the wheels themselves."""
    failed: tuple[UnpublishableWheel, ...] = ()


@click.command("publish", short_help="Publish wheels and their records for a static server.")
@click.argument("sources", metavar="WHEEL_OR_DIR_OR_URL...", nargs=-1, required=True)
@click.option(
    "--to", "directory", required=True, type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR", help="Where to publish: a directory that a server serves, made if need be.",
)  # fmt: skip
@click.option(
    "--packs", is_flag=True,
    help="Publish record packs, too, in DIR/records, for `plan --records`. Of a simple index, for "
    "which a URL stands, packs are all that is published.",
)  # fmt: skip
@click.option(
    "--only-packs", is_flag=True, help="Publish nothing but record packs, whatever is given."
)
@click.option(
    "--link", "links", is_flag=True,
    help="Hard-link wheels instead of copying them, where the file system can: a wheel that is "
    "changed in its place later is then changed here, too.",
)  # fmt: skip
@jobs_option
@format_option
def publish_command(
    sources: tuple[str, ...],
    directory: Path,
    packs: bool,
    only_packs: bool,
    links: bool,
    jobs: int,
    output_format: str,
) -> int:
    """Publish wheels as a simple repository that any static server can serve.

    DIR/simple holds the pages (PEP 503 and PEP 691), DIR/files the wheels, and
    beside each its METADATA (PEP 658) and, where its own record is sound, this
    record as .abi.json and its build inputs as .abi-inputs.json. Wheels that
    are published already stay; publishing again changes nothing. One process
    at a time may publish to a directory.

    The HTML pages need no configuration. The JSON pages name the records, so
    that a plan opens no wheel for them. For nginx:

    \b
      map $http_accept $simple_page {
        default                                       index.html;
        "~application/vnd\\.pypi\\.simple\\.v1\\+json"    index.v1_json;
      }
      server {
        root DIR;
        location /simple/ {
          index $simple_page;
          add_header Vary Accept;
          types {
            text/html                             html;
            application/vnd.pypi.simple.v1+json   v1_json;
          }
        }
      }

    Record packs are for indexes that serve no other files, and for sizes where
    a request for each wheel is too many: the records of all wheels, by sha256,
    in few files. A wheel without a record that answers for the others is read
    whole for them, and its record is marked as derived from its binaries.

    \b
    Exit status: 0, or 2 wrong usage, a wheel or a project's page that cannot be
    read (the others are published), or a wheel whose name is taken by other
    bytes (nothing is).
    """
    urls, paths = _sorted_out(sources)
    if urls and not (packs or only_packs):
        raise UsageError(f"{place_of(urls[0])}: of an index only --packs can be published")
    files = list(_wheel_files(paths))
    with ExitStack() as stack:
        executor = stack.enter_context(ThreadPoolExecutor(max_workers=jobs))
        indexes = [stack.enter_context(closing(open_source(each))) for each in urls]
        found = _Published()
        if files and not only_packs:
            found = _publish_wheels(files, directory, executor, links=links)
        if packs or only_packs:
            given = [*_offered(files), *_listed(indexes)]
            found = _publish_packs(found, given, directory, executor)
    if output_format == "json":
        echo_json(_json(found))
    else:
        echo_lines(_lines(found))
    return exit_status.UNUSABLE if found.failed else exit_status.OK


def _sorted_out(given: Sequence[str]) -> tuple[list[str], list[Path]]:
    """The URLs and the paths among what was given; raises UsageError."""
    urls, paths = [], []
    for each in given:
        path = Path(each)
        if path.exists():
            paths.append(path)
        elif "://" in each:
            urls.append(each)
        else:
            raise UsageError(f"{each}: there is no such file or directory")
    return urls, paths


def _wheel_files(given: Sequence[Path]) -> Iterator[Path]:
    """The wheels of `given`, those of a directory by name and not those below it."""
    for path in given:
        if not path.is_dir():
            yield path
            continue
        found = sorted(each for each in path.glob("*.whl") if each.is_file())
        if not found:
            raise UsageError(f"{path} has no wheels")
        yield from found


def _publish_wheels(
    files: Sequence[Path], directory: Path, executor: Executor, *, links: bool
) -> _Published:
    read = list(executor.map(read_publishable, files))
    wheels = tuple(each for each in read if isinstance(each, PublishableWheel))
    failed = tuple(each for each in read if isinstance(each, UnpublishableWheel))
    new = StaticRepository(directory).add(wheels, links=links)
    return _Published(wheels=wheels, new=new, failed=failed)


def _publish_packs(
    found: _Published,
    given: Sequence[OfferedWheel | UnpublishableWheel],
    directory: Path,
    executor: Executor,
) -> _Published:
    known_bad = {each.filename for each in found.failed}
    wheels = [
        each
        for each in given
        if isinstance(each, OfferedWheel) and each.reference.filename not in known_bad
    ]
    not_offered = [
        each
        for each in given
        if isinstance(each, UnpublishableWheel) and each.filename not in known_bad
    ]
    with ExitStack() as stack:
        before = packs_in(directory / _RECORDS)
        if before is not None:
            stack.enter_context(closing(before))
        read = read_records(wheels, before, executor)
        left_out = write_packs(directory / _RECORDS, read.records, before)
    own = sum(each.derived is None for each in read.records.values())
    too_long = tuple(
        UnpublishableWheel(filename=f"sha256 {digest}", why="its record is too long for a pack")
        for digest in left_out
    )
    return replace(
        found,
        packed=len(read.records) - len(left_out),
        packed_own=own,
        failed=(*found.failed, *not_offered, *read.failed, *too_long),
    )


def _offered(files: Sequence[Path]) -> Iterator[OfferedWheel | UnpublishableWheel]:
    houses = {parent: Wheelhouse(parent) for parent in {path.parent for path in files}}
    for path in files:
        reference = parse(path.name, location=str(path.absolute()))
        if isinstance(reference, SkippedFile):
            yield UnpublishableWheel(filename=reference.filename, why=reference.why)
        else:
            yield OfferedWheel(source=houses[path.parent], reference=reference)


def _listed(indexes: Sequence[WheelSource]) -> Iterator[OfferedWheel | UnpublishableWheel]:
    for source in indexes:
        for project in source.projects():
            try:
                references = source.wheels(project)
            except ProjectMissing:
                continue  # Servers list projects that have no page, or none any more.
            except SourceUnavailable as error:
                yield UnpublishableWheel(filename=error.location, why=error.wrong)
                continue
            for reference in references:
                yield OfferedWheel(source=source, reference=reference)


def _json(found: _Published) -> JSONValue:
    return {
        "published": len(found.wheels),
        "new": found.new,
        "packed": found.packed,
        "without_record": {
            each.reference.filename: each.unused for each in found.wheels if each.unused
        },
        "unreadable": {each.filename: each.why for each in found.failed},
    }


def _lines(found: _Published) -> Iterator[str]:
    without = [each for each in found.wheels if each.unused]
    if found.wheels or found.packed is None:
        yield (
            f"published {len(found.wheels)} wheels, {found.new} of them new, "
            f"{len(found.wheels) - len(without)} with their own record beside them"
        )
    if found.packed is not None:
        yield (
            f"packed {found.packed} records, {found.packed_own} of them as the wheels have them, "
            "the others derived from binaries"
        )
    for each in without:
        yield f"without record: {each.reference.filename}: {each.unused}"
    for wrong in found.failed:
        yield f"unreadable: {wrong.filename}: {wrong.why}"
