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
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from typing import IO, TypeVar
from urllib.parse import urljoin

import requests
import stamina
import urllib3
from requests.adapters import HTTPAdapter

from resolver_check.errors import SourceUnavailable, TransferInterrupted
from resolver_check.sources.network_failure import why
from resolver_check.sources.web_address import Credentials, Origin, origin, shown

_Result = TypeVar("_Result")

_CHUNK = 64 * 1024
_MOST_REDIRECTS = 10
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
# What servers and their proxies say to a range they do not like; 403 and 405 come from object
# stores, 501 from PyPI's file host between 2023 and 2026 (warehouse#12823).
_RANGE_REFUSED = frozenset({400, 403, 405, 416, 501})


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long and how often to try; times in seconds."""

    connect: float = 10.0
    silence: float = 60.0
    """Longest wait for the next byte."""
    deadline: float = 1800.0
    """Longest time for one body."""
    repeats: int = 3
    """Requests after the first, where no usable answer came."""
    backoff: float = 0.3
    transfers: int = 3
    """Transfers in all, where bodies end early."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A body read whole, or none where the status was tolerated and is not 200."""

    url: str
    """Where it came from in the end, after redirects."""
    status: int
    content_type: str
    """Media type in lower case, without parameters."""
    charset: str | None
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The answer to a range request; `body` is None unless the server gave one described range."""

    refused: bool
    """Another spelling may work. Neither refused nor a body: the server does not do ranges."""
    first: int = 0
    """Position in the file of the first byte of `body`."""
    total: int | None = None
    body: bytes | None = None


class _BoundedRetry(urllib3.Retry):
    """Keeps to Retry-After, but not for hours."""

    longest = 60.0

    def get_retry_after(self, response: urllib3.BaseHTTPResponse) -> float | None:
        asked = super().get_retry_after(response)
        return None if asked is None else min(asked, self.longest)


class _Session(requests.Session):
    """Leaves redirects to us. Even told not to follow, requests reads their bodies to the end."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        return None


class Transport:
    """Connections to any number of hosts. `credentials` go to the origin they are given for only.

    For other hosts requests looks into netrc; proxies and CA bundle are those of the environment.
    """

    def __init__(
        self,
        credentials: Mapping[Origin, Credentials] | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._credentials = dict(credentials or {})
        self._patience = patience or Patience()
        self._session = _Session()
        self._session.headers["User-Agent"] = "wheel-abi"
        adapter = HTTPAdapter(pool_maxsize=32, max_retries=_retry(self._patience))
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, adapter)

    def close(self) -> None:
        """Closes idle connections; the next request opens new ones."""
        self._session.close()

    def get(
        self, url: str, *, accept: str, limit: int, tolerated: frozenset[int] = frozenset()
    ) -> Answer:
        """The whole body, at most `limit` bytes once decoded; a bodiless answer if tolerated."""

        def once() -> Answer:
            with self._exchange("GET", url, {"Accept": accept}) as response:
                if response.status_code not in tolerated:
                    _require_ok(response)
                is_ok = response.status_code == HTTPStatus.OK
                body = b"".join(self._body(response, limit)) if is_ok else b""
                return _answer(response, body)

        return self._persistently(url, once)

    def download(self, url: str, into: IO[bytes], *, limit: int) -> None:
        """Writes the whole body, byte for byte, from the start of `into`."""

        def once() -> None:
            into.seek(0)
            into.truncate()
            with self._exchange("GET", url, {"Accept-Encoding": "identity"}) as response:
                _require_ok(response)
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
                    _require_ok(response)
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
        try:
            known = self._credentials.get(origin(url))
            return self._session.request(
                method,
                url,
                headers=dict(headers),
                auth=None if known is None else (known.user, known.password),
                timeout=(self._patience.connect, self._patience.silence),
                allow_redirects=False,
                stream=True,
            )
        except requests.RequestException as error:
            raise _unavailable(url, why(error)) from error
        except (urllib3.exceptions.HTTPError, ValueError, OSError) as error:
            # Seen to slip through requests: LocationParseError, UnicodeError of an odd host.
            raise _unavailable(url, f"cannot be asked ({type(error).__name__})") from error

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


def _retry(patience: Patience) -> urllib3.Retry:
    return _BoundedRetry(
        total=patience.repeats,
        status_forcelist=(429, 502, 503, 504),
        allowed_methods={"GET", "HEAD"},
        backoff_factor=patience.backoff,
        raise_on_status=False,
        redirect=False,
    )


def _redirected(url: str, target: str) -> str:
    try:
        # Header fields are read as Latin-1; a URL that is not all ASCII is meant as UTF-8.
        new = urljoin(url, target.encode("latin-1").decode("utf-8", errors="replace"))
        origin(new)
    except ValueError as error:
        raise _unavailable(url, "redirects to something else than an http(s) URL") from error
    return new


def _require_ok(response: requests.Response) -> None:
    status = response.status_code
    if status != HTTPStatus.OK:
        # The phrase is ours: the server's own may hold anything.
        phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
        raise _unavailable(response.url, f"the server answered {status} {phrase}".rstrip())


def _answer(response: requests.Response, body: bytes) -> Answer:
    header = Message()
    header["Content-Type"] = response.headers.get("Content-Type", "")
    return Answer(
        url=response.url,
        status=response.status_code,
        content_type=header.get_content_type() if header["Content-Type"] else "",
        charset=header.get_content_charset(),
        body=body,
    )


def _unavailable(url: str, wrong: str) -> SourceUnavailable:
    return SourceUnavailable(shown(url), wrong)
