"""Why a request failed, in a few words.

The sentences of requests and urllib3 are not used: they contain the URL, with the password or token
that may be in it, and the object addresses of their connections.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import requests
from urllib3 import exceptions as urllib3_errors

_BY_CLASS: tuple[tuple[type[BaseException], str], ...] = (
    (requests.exceptions.ProxyError, "the proxy cannot be used"),
    (urllib3_errors.ProxyError, "the proxy cannot be used"),
    (urllib3_errors.NameResolutionError, "no such host"),
    (urllib3_errors.IncompleteRead, "fewer bytes than announced"),
    (urllib3_errors.ReadTimeoutError, "timed out"),
    (requests.exceptions.Timeout, "timed out"),
    (TimeoutError, "timed out"),
    (urllib3_errors.DecodeError, "its compression cannot be undone"),
    (requests.exceptions.ContentDecodingError, "its compression cannot be undone"),
    (requests.exceptions.InvalidURL, "not a URL that can be asked"),
)


def why(error: BaseException) -> str:
    """A phrase for what an error of requests, urllib3, ssl or the operating system means."""
    chain = tuple(_chain(error))
    for cause in chain:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not accepted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed: {cause.reason or 'no reason given'}"
    for kind, phrase in _BY_CLASS:
        if any(isinstance(cause, kind) for cause in chain):
            return phrase
    for cause in chain:
        if isinstance(cause, OSError) and isinstance(cause.errno, int) and cause.strerror:
            return cause.strerror.lower()
    return f"the connection failed ({type(chain[-1]).__name__})"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what led to it; urllib3 also keeps causes in `reason` and in `args`."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        current = waiting.pop(0)
        if isinstance(current, BaseException) and id(current) not in seen:
            seen.add(id(current))
            yield current
            waiting += [current.__cause__, current.__context__, getattr(current, "reason", None)]
            waiting += current.args
