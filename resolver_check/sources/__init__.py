"""Places to find wheels; the only folder of resolver_check that reads files or asks servers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.utils import NormalizedName

from backend_shim.wheel.archive import WheelArchive
from resolver_check.errors import UsageError
from resolver_check.sources.several_sources import SeveralSources
from resolver_check.sources.web_address import Credentials, shown, split_credentials
from resolver_check.sources.wheel_source import WheelSource
from resolver_check.sources.wheelhouse import Wheelhouse
from resolver_check.wheel_reference import SkippedFile, parse

__all__ = [
    "WheelSource",
    "index_login",
    "open_source",
    "open_sources",
    "open_wheel_url",
    "place_of",
]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")
_WEB = ("http", "https")


def open_source(location: str, *, offline: bool = False) -> WheelSource:
    """The source at a directory, a `file:` URL of one, or the http(s) URL of a simple index.

    Raises UsageError for any other URL, SourceUnavailable for a directory that cannot be read. An
    index is not asked anything yet; `offline` it never is, and its cached answers count.
    """
    scheme = _scheme(location)
    if scheme in _WEB:
        # Imported here: it brings requests, which a wheelhouse has no need to wait for.
        from resolver_check.sources.simple_index import SimpleIndex  # noqa: PLC0415

        return SimpleIndex(location, offline=offline)
    if scheme == "file":
        return Wheelhouse(_path_of_file_url(location))
    if scheme is not None:
        raise UsageError(f"{shown(location)}: neither a directory nor an http(s) or file URL")
    return Wheelhouse(Path(location))


def open_sources(locations: Sequence[str], *, offline: bool = False) -> WheelSource:
    """The sources at `locations` as one; what earlier ones have counts. Raises as `open_source`."""
    opened = [open_source(location, offline=offline) for location in locations]
    return opened[0] if len(opened) == 1 else SeveralSources(opened)


def index_login(location: str, project: NormalizedName) -> tuple[str, Credentials | None] | None:
    """The URL of an index and what it is asked with, for whom it serves `project`; None of others.

    Raises UsageError.
    """
    if _scheme(location) not in _WEB:
        return None
    from resolver_check.sources.simple_index import SimpleIndex  # noqa: PLC0415 - see open_source

    index = SimpleIndex(location)
    try:
        return index.location, index.login(project)
    finally:
        index.close()


def place_of(location: str) -> str:
    """`location` as it can be kept in a file: no credentials, and no path that is relative."""
    if _scheme(location) is None:
        return str(Path(location).absolute())
    try:
        return split_credentials(location)[0]
    except ValueError as error:
        raise UsageError(f"{shown(location)}: {error}") from error


def _scheme(location: str) -> str | None:
    match = _SCHEME.match(location)
    return match[1].lower() if match else None


def _path_of_file_url(url: str) -> Path:
    from urllib.request import url2pathname  # noqa: PLC0415 - brings http.client

    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise UsageError(f"{shown(url)}: not a file URL") from error
    if parts.netloc not in ("", "localhost"):
        raise UsageError(f"{shown(url)}: a file URL of another host")
    return Path(url2pathname(parts.path))


@contextmanager
def open_wheel_url(url: str, *, offline: bool = False) -> Iterator[WheelArchive]:
    """The wheel at an http(s) URL, read by ranges.

    Raises UsageError, SourceUnavailable, InvalidWheel.
    """
    from resolver_check.sources.simple_index import SimpleIndex  # noqa: PLC0415 - see open_source

    try:
        filename = unquote(urlsplit(url).path.rpartition("/")[2])
    except ValueError as error:
        raise UsageError(f"{shown(url)}: not the URL of a wheel") from error
    reference = parse(filename, location=url)
    if isinstance(reference, SkippedFile):
        raise UsageError(f"{shown(url)}: {reference.why}")
    index = SimpleIndex(url, offline=offline)
    try:
        with index.open(reference) as archive:
            yield archive
    finally:
        index.close()
