"""URLs: whose credentials they carry, where they lead, and how they are shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
_UNREADABLE = "(a URL that cannot be read)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Scheme, host and port: what credentials are given for."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """User name and password; not in `repr`, so that neither gets into a log."""

    user: str = field(repr=False)
    password: str | None = field(repr=False)
    """None: the URL has a user only."""


def origin(url: str) -> Origin:
    """The origin of an http(s) URL; raises ValueError for anything else."""
    parts = _split(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("not an http or https URL with a host")
    return Origin(
        scheme=parts.scheme,
        host=parts.hostname,
        port=parts.port or _DEFAULT_PORTS[parts.scheme],
    )


def split_credentials(url: str) -> tuple[str, Credentials | None]:
    """The URL without user, password and fragment, and what was taken out; may raise ValueError."""
    parts = _split(url)
    bare = urlunsplit(parts._replace(netloc=_host_and_port(parts), fragment=""))
    if parts.username is None and parts.password is None:
        return bare, None
    password = None if parts.password is None else unquote(parts.password)
    return bare, Credentials(user=unquote(parts.username or ""), password=password)


def without_secrets(url: str) -> str:
    """The URL as a place that others are relative to: no credentials, query and fragment."""
    parts = _split(url)
    return urlunsplit(parts._replace(netloc=_host_and_port(parts), query="", fragment=""))


def shown(url: str) -> str:
    """The URL for people: no credentials, no query (which may hold a token), one printable line."""
    try:
        parts = _split(url)
    except ValueError:
        return _UNREADABLE
    if not parts.netloc and "@" in parts.path and parts.scheme not in {"", "file"}:
        return _UNREADABLE  # `user:password@host`, or a slash too few
    bare = urlunsplit(parts._replace(netloc=_host_and_port(parts), query="", fragment=""))
    return "".join(c if c.isprintable() and c != " " else quote(c, errors="replace") for c in bare)


def _split(url: str) -> SplitResult:
    """Its parts, with a port that is one; the ValueError quotes nothing, where urllib's does.

    Of a password with a slash the first half stands where the port does.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("malformed") from None
    return parts


def _host_and_port(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]
