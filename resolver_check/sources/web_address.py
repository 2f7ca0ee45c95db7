"""URLs: whose credentials they carry, where they lead, and how they are shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


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
    password: str = field(repr=False)


def origin(url: str) -> Origin:
    """The origin of an http(s) URL; raises ValueError for anything else."""
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("not an http or https URL with a host")
    return Origin(
        scheme=parts.scheme,
        host=parts.hostname,
        port=parts.port or _DEFAULT_PORTS[parts.scheme],
    )


def split_credentials(url: str) -> tuple[str, Credentials | None]:
    """The URL without user, password and fragment, and what was taken out; may raise ValueError."""
    parts = urlsplit(url)
    bare = urlunsplit(parts._replace(netloc=_host_and_port(parts), fragment=""))
    if parts.username is None and parts.password is None:
        return bare, None
    user, password = parts.username or "", parts.password or ""
    return bare, Credentials(user=unquote(user), password=unquote(password))


def shown(url: str) -> str:
    """The URL for people: no credentials, no query (which may hold a token), one printable line."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(a URL that cannot be read)"
    bare = urlunsplit(parts._replace(netloc=_host_and_port(parts), query="", fragment=""))
    return "".join(c if c.isprintable() and c != " " else quote(c, errors="replace") for c in bare)


def _host_and_port(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]
