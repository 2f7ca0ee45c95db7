"""The one place that speaks HTTP: retries, limits, redirects, credentials, and foreign errors.

Three layers of patience: urllib3 repeats a request that got no answer or 429, 502, 503, 504 (and
keeps to Retry-After); stamina repeats a whole transfer whose body ended early, which urllib3 does
not; the deadline ends a body that only trickles. A TLS failure or a 404 is final at once.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from email.message import Message
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import IO, TypeVar
from urllib.parse import urljoin

import requests
import stamina
import urllib3
from requests.adapters import HTTPAdapter

from resolver_check.errors import NotKept, SourceUnavailable, TransferInterrupted
from resolver_check.sources.kept_answers import Answer, KeptAnswers, Part
from resolver_check.sources.logins import Logins
from resolver_check.sources.network_failure import why
from resolver_check.sources.patience import Patience, retry
from resolver_check.sources.web_address import Credentials, origin, shown

_Result = TypeVar("_Result")

_CHUNK = 64 * 1024
_MOST_REDIRECTS = 10
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
# What servers and their proxies say to a range they do not like; 403 and 405 come from object
# stores, 501 from PyPI's file host between 2023 and 2026 (warehouse#12823).
_RANGE_REFUSED = frozenset({400, 403, 405, 416, 501})
_NOT_FOR_YOU = frozenset({401, 403})


class _Session(requests.Session):
    """Leaves redirects to us. Even told not to follow, requests reads their bodies to the end."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        return None


class Transport:
    """Connections to any number of hosts; proxies and CA bundle are those of the environment.

    What was answered before is in `kept`, where a page counts if the server says that it is the one
    of now. `offline` nothing is sent, and what is not there raises NotKept.
    """

    def __init__(
        self,
        logins: Logins,
        patience: Patience | None = None,
        *,
        kept: KeptAnswers | None = None,
        offline: bool = False,
    ) -> None:
        self._logins = logins
        self._patience = patience or Patience()
        self.kept = kept or KeptAnswers(None)
        self.is_offline = offline
        self._session = _Session()
        self._session.headers["User-Agent"] = "wheel-abi"
        adapter = HTTPAdapter(pool_maxsize=32, max_retries=retry(self._patience))
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, adapter)

    def close(self) -> None:
        """Closes idle connections; the next request opens new ones."""
        self._session.close()

    def get(
        self, url: str, *, accept: str, limit: int, tolerated: frozenset[int] = frozenset()
    ) -> Answer:
        """The whole body, at most `limit` bytes once decoded; a bodiless answer if tolerated."""
        kept = self.kept.page(url, accept, limit)
        if self.is_offline:
            if kept is None or kept.status not in {HTTPStatus.OK, *tolerated}:
                raise _not_kept(url)
            return kept
        conditions = {} if kept is None else kept.conditions

        def once() -> Answer:
            with self._exchange("GET", url, {"Accept": accept, **conditions}) as response:
                if kept and conditions and response.status_code == HTTPStatus.NOT_MODIFIED:
                    return replace(kept, url=response.url)
                if response.status_code not in tolerated:
                    self._require_ok(response)
                is_ok = response.status_code == HTTPStatus.OK
                body = b"".join(self._body(response, limit)) if is_ok else b""
                return _answer(response, body)

        answer = self._persistently(url, once)
        self.kept.keep_page(url, accept, answer, kept)
        return answer

    def download(self, url: str, into: IO[bytes], *, limit: int) -> None:
        """Writes the whole body, byte for byte, from the start of `into`."""

        def once() -> None:
            into.seek(0)
            into.truncate()
            with self._exchange("GET", url, {"Accept-Encoding": "identity"}) as response:
                self._require_ok(response)
                for chunk in self._body(response, limit):
                    into.write(chunk)

        self._persistently(url, once)

    def part(self, url: str, wanted: str, *, limit: int) -> Part:
        """The bytes `wanted`, spelled `-500` or `0-499`; never several ranges, which few answer."""

        def once() -> Part:
            # Ranges are of the encoded body (RFC 9110, 14.2), so it must not be encoded.
            headers = {"Range": f"bytes={wanted}", "Accept-Encoding": "identity"}
            with self._exchange("GET", url, headers) as response:
                if response.status_code in _RANGE_REFUSED:
                    return Part(refused=True)
                if response.status_code != HTTPStatus.PARTIAL_CONTENT:
                    self._require_ok(response)
                    return Part(refused=False)
                return self._part_body(response, limit)

        return self._persistently(url, once)

    def size(self, url: str) -> int | None:
        """Content-Length by HEAD, None where the server does not tell."""
        with self._exchange("HEAD", url, {"Accept-Encoding": "identity"}) as response:
            length = response.headers.get("Content-Length", "")
            return int(length) if response.ok and re.fullmatch(r"\d{1,18}", length) else None

    def _part_body(self, response: requests.Response, limit: int) -> Part:
        described = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if described is None or response.headers.get("Content-Encoding", "identity") != "identity":
            return Part(refused=False)
        first, last = int(described[1]), int(described[2])
        length = last - first + 1
        if not 0 < length <= limit:
            raise _unavailable(response.url, f"answered a range of {length} bytes")
        body = b"".join(self._body(response, length))
        if len(body) != length:
            raise TransferInterrupted(shown(response.url), "the answer to a range ended early")
        total = None if described[3] == "*" else int(described[3])
        return Part(refused=False, first=first, total=total, body=body)

    @contextmanager
    def _exchange(
        self, method: str, url: str, headers: Mapping[str, str]
    ) -> Iterator[requests.Response]:
        """The answer to a request, after the redirects that it meets."""
        for _ in range(_MOST_REDIRECTS + 1):
            response = self._request(method, url, headers)
            if not response.is_redirect:
                try:
                    yield response
                finally:
                    response.close()
                return
            response.close()
            url = _redirected(url, response.headers["Location"])
        raise _unavailable(url, f"more than {_MOST_REDIRECTS} redirects")

    def _request(self, method: str, url: str, headers: Mapping[str, str]) -> requests.Response:
        if self.is_offline:
            raise _not_kept(url)
        used = self._logins.known(url)
        response = self._sent(method, url, headers, used)
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            other = self._logins.after_refusal(url, used)
            if other is not None:
                response.close()
                response = self._sent(method, url, headers, other)
        return response

    def _sent(
        self, method: str, url: str, headers: Mapping[str, str], login: Credentials | None
    ) -> requests.Response:
        try:
            return self._session.request(
                method,
                url,
                headers=dict(headers),
                # Of none, requests looks into netrc.
                auth=None if login is None else (login.user, login.password or ""),
                timeout=(self._patience.connect, self._patience.silence),
                allow_redirects=False,
                stream=True,
            )
        except requests.RequestException as error:
            raise _unavailable(url, why(error)) from error
        except (urllib3.exceptions.HTTPError, ValueError, OSError) as error:
            # Seen to slip through requests: LocationParseError, UnicodeError of an odd host.
            raise _unavailable(url, f"cannot be asked ({type(error).__name__})") from error

    def _require_ok(self, response: requests.Response) -> None:
        status = response.status_code
        if status != HTTPStatus.OK:
            # The phrase is ours: the server's own may hold anything.
            phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
            wrong = f"the server answered {status} {phrase}".rstrip()
            if status in _NOT_FOR_YOU:
                wrong += f" ({self._logins.hint})"
            raise _unavailable(response.url, wrong)

    def _body(self, response: requests.Response, limit: int) -> Iterator[bytes]:
        end = time.monotonic() + self._patience.deadline
        size = 0
        try:
            for chunk in response.iter_content(_CHUNK):
                size += len(chunk)
                if size > limit:
                    raise _unavailable(response.url, f"the answer has more than {limit} bytes")
                if time.monotonic() > end:
                    raise _unavailable(response.url, "the answer takes too long")
                yield chunk
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise TransferInterrupted(
                shown(response.url), f"the answer broke off ({why(error)})"
            ) from error

    def _persistently(self, url: str, once: Callable[[], _Result]) -> _Result:
        for attempt in stamina.retry_context(
            on=TransferInterrupted,
            attempts=self._patience.transfers,
            timeout=None,
            wait_initial=self._patience.backoff,
            wait_jitter=self._patience.backoff,
        ):
            with attempt:
                return once()
        raise _unavailable(url, "was not asked")  # Unreachable: the last attempt raises.


def _redirected(url: str, target: str) -> str:
    try:
        # Header fields are read as Latin-1; a URL that is not all ASCII is meant as UTF-8.
        new = urljoin(url, target.encode("latin-1").decode("utf-8", errors="replace"))
        origin(new)
    except ValueError as error:
        raise _unavailable(url, "redirects to something else than an http(s) URL") from error
    return new


def _answer(response: requests.Response, body: bytes) -> Answer:
    is_settled = _is_settled(response.headers.get("Last-Modified"), response.headers.get("Date"))
    header = Message()
    header["Content-Type"] = response.headers.get("Content-Type", "")
    return Answer(
        url=response.url,
        status=response.status_code,
        content_type=header.get_content_type() if header["Content-Type"] else "",
        charset=header.get_content_charset(),
        body=body,
        etag=response.headers.get("ETag") if is_settled else None,
        last_modified=response.headers.get("Last-Modified") if is_settled else None,
    )


def _is_settled(modified: str | None, sent: str | None) -> bool:
    """Whether a later change would have another date (RFC 9110, 8.8.2.2).

    Servers of files make even the ETag of date and size.
    """
    if modified is None:
        return True
    try:
        age = parsedate_to_datetime(sent or "") - parsedate_to_datetime(modified)
    except (ValueError, TypeError):  # No dates, or one of them without a zone.
        return False
    return age.total_seconds() > 1


def _not_kept(url: str) -> NotKept:
    return NotKept(shown(url), "offline, and not in the cache")


def _unavailable(url: str, wrong: str) -> SourceUnavailable:
    return SourceUnavailable(shown(url), wrong)
