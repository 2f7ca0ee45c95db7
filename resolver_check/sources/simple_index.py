"""An index that speaks the simple repository API over HTTP."""

from __future__ import annotations

from contextlib import AbstractContextManager, suppress
from email.message import Message
from pathlib import Path

from mousebender.simple import create_project_url
from packaging.utils import NormalizedName

from backend_shim.wheel.archive import WheelArchive
from backend_shim.wheel.whole_files import sha256_of
from resolver_check.errors import DigestMismatch, ProjectMissing, SourceUnavailable
from resolver_check.sources import simple_page
from resolver_check.sources.connection import MISSING, connect
from resolver_check.sources.kept_answers import Answer
from resolver_check.sources.patience import Patience
from resolver_check.sources.published_record import PublishedRecord
from resolver_check.sources.remote_wheels import RemoteWheels
from resolver_check.sources.web_address import Credentials, shown
from resolver_check.sources.wheel_cache import WheelCache
from resolver_check.wheel_reference import SdistReference, SkippedFile, WheelReference

_LARGEST_SDIST = 4 * 1024**3
_LARGEST_PAGE = 256 * 1024**2


class SimpleIndex:
    """The index whose root page is at `url`. User and password in the URL go to its host only."""

    def __init__(
        self,
        url: str,
        *,
        cache: WheelCache | None = None,
        patience: Patience | None = None,
        offline: bool = False,
    ) -> None:
        """`offline` nothing is sent, and what is not in the cache raises NotKept."""
        self._root, self._logins, self._transport = connect(
            url, to="an index", patience=patience, offline=offline
        )
        self._wheels = RemoteWheels(self._transport, cache or WheelCache.of_user())
        self._skipped: dict[str, tuple[SkippedFile, ...]] = {}

    @property
    def location(self) -> str:
        return self._root

    @property
    def skipped(self) -> tuple[SkippedFile, ...]:
        every = {file for files in list(self._skipped.values()) for file in files}
        return tuple(sorted(every, key=lambda file: (file.filename, file.why)))

    def login(self, project: NormalizedName) -> Credentials | None:
        """With what it is asked that is not in netrc; found out by asking for that project."""
        with suppress(SourceUnavailable):
            self._page(create_project_url(self._root, project))
        return self._logins.known(self._root)

    def projects(self) -> tuple[NormalizedName, ...]:
        url = f"{self._root.rstrip('/')}/"
        page = self._page(url)
        if page.status in MISSING:
            raise SourceUnavailable(shown(url), "there is no index here (404 Not Found)")
        try:
            names, self._skipped[""] = simple_page.read_root(page)
        except simple_page.InvalidPage as error:
            raise SourceUnavailable(shown(page.url), error.wrong) from error
        return names

    def wheels(self, project: NormalizedName) -> tuple[WheelReference, ...]:
        url = create_project_url(self._root, project)
        page = self._page(url)
        if page.status in MISSING:
            raise ProjectMissing(shown(url), f"the index has no project {project!r}")
        try:
            references, self._skipped[project] = simple_page.read_project(page, project)
        except simple_page.InvalidPage as error:
            raise SourceUnavailable(shown(page.url), error.wrong) from error
        return references

    def sdists(self, project: NormalizedName) -> tuple[SdistReference, ...]:
        """The sdists of a project; none where the index does not have it."""
        page = self._page(create_project_url(self._root, project))
        if page.status in MISSING:
            return ()
        try:
            return simple_page.read_sdists(page, project)
        except simple_page.InvalidPage as error:
            raise SourceUnavailable(shown(page.url), error.wrong) from error

    def fetch_sdist(self, reference: SdistReference, directory: Path) -> Path:
        """The sdist as a file in `directory`. Raises SourceUnavailable."""
        path = directory / reference.filename
        with path.open("w+b") as file:
            self._transport.download(reference.location, file, limit=_LARGEST_SDIST)
            found = sha256_of(file)
        if reference.digest not in (None, found):
            wrong = f"has sha256 {found} and not {reference.digest}"
            raise DigestMismatch(shown(reference.location), wrong)
        return path

    def open(self, reference: WheelReference) -> AbstractContextManager[WheelArchive]:
        return self._wheels.open(reference)

    def fetch(self, reference: WheelReference) -> Path:
        return self._wheels.fetch(reference)

    def core_metadata(self, reference: WheelReference) -> Message:
        return self._wheels.core_metadata(reference)

    def published(self, reference: WheelReference) -> PublishedRecord | None:
        return self._wheels.published(reference)

    def close(self) -> None:
        self._transport.close()

    def _page(self, url: str) -> Answer:
        return self._transport.get(
            url, accept=simple_page.ACCEPT, limit=_LARGEST_PAGE, tolerated=MISSING
        )
