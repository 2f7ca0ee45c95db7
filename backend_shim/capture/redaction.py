"""What a recorded value may not say: secrets, absolute paths of this machine, host names.

A value that may hold a secret is replaced whole: a parser of command lines that cuts out only the
secret would have to understand every quoting there is. Paths of system software (`/usr`, `/opt`, …)
stay, because they name the same thing on every machine that has it.
"""

from __future__ import annotations

import os
import re
import site
import socket
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

REDACTED: Final = "{redacted}"

_SECRET_NAME = re.compile(
    r"token|passw|passphrase|secret|credential|auth|key|private|pwd|cookie|bearer|signature",
    re.IGNORECASE,
)
# Words that are too common in flags (`-DKEYBOARD`) count only where they name an assigned value.
_SECRET_WORD = re.compile(
    r"token|passw|passphrase|secret|credential|bearer|cookie|authorization"
    r"|(?:api|private|access|signing|secret)[_-]?key",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(r"([A-Za-z_][\w.-]*)[=:]")
_SECRET_SHAPE = re.compile(
    r"gh[opsur]_[A-Za-z0-9]{16}|github_pat_|glpat-|pypi-Ag[A-Za-z0-9]|xox[abeoprs]-|sk-[A-Za-z0-9_-]{16}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{12}|AIza[\w-]{20}|eyJ[\w-]{8,}\.|-----BEGIN"
    r"|(?<![\w/])[^\s/@:]+:[^\s/@]+@[\w.-]+",
)
_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://[^\s/?#\"'<>]*(?P<path>[^\s?#\"'<>]*)[^\s\"'<>]*"
)
_ABSOLUTE = re.compile(
    r"(?P<before>^|[\s:;,\"'=(@<>|]|(?:^|(?<=\s))-(?:isystem|isysroot|iquote|idirafter|include|[A-Za-z]))"
    r"(?P<path>(?:/(?!/)|[A-Za-z]:[\\/])[^\s:;,\"'=<>|()]+)"
)
_SYSTEM = re.compile(
    r"/(?:usr|opt|bin|sbin|lib\w*|etc|nix/store|gnu/store|System|Library|Applications|dev/null)(?=/|$)"
    r"|[A-Za-z]:[\\/](?:Program Files|ProgramData|Windows)",
)
_WORD = re.compile(r"[\w.@+-]+")
_END = r"(?=[/\\\s:;,\"'=<>|()]|$)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Redaction:
    """What is known of this machine and must not be told."""

    places: tuple[tuple[str, str], ...]
    """(absolute path without final slash, placeholder such as `{source}`), longest path first."""
    host_names: tuple[str, ...] = ()

    def name(self, name: str) -> str:
        """The `name` of a setting; it is one only while nothing but a word stands in it."""
        is_word = _WORD.fullmatch(name) and not _SECRET_SHAPE.search(name)
        return name if is_word else self.text(name)

    def text(self, value: str, *, name: str = "") -> str:
        """`value` of the variable or setting `name`, with nothing in it that must stay here."""
        if is_secret_name(name) or _holds_secret(value):
            return REDACTED
        redacted = _URL.sub(_without_authority, value)
        for path, placeholder in self.places:
            redacted = _replace_place(redacted, path, placeholder)
        redacted = _ABSOLUTE.sub(_without_foreign_directories, redacted)
        for host in self.host_names:
            redacted = re.sub(rf"(?<![\w.-]){re.escape(host)}(?![\w-])", "{host}", redacted)
        return redacted


def is_secret_name(name: str) -> bool:
    """Whether a variable, setting or definition of this name may hold a secret."""
    return _SECRET_NAME.search(name) is not None


def redaction_of_process(source: Path, environ: Mapping[str, str]) -> Redaction:
    """The redaction for a build of the tree `source` in this process."""
    named: list[tuple[str | None, str]] = [
        (os.fspath(source), "{source}"),
        (environ.get("HOME") or environ.get("USERPROFILE"), "{home}"),
        (os.fspath(Path("~").expanduser()), "{home}"),
        (tempfile.gettempdir(), "{tmp}"),
        (environ.get("TMPDIR"), "{tmp}"),
        ("/tmp", "{tmp}"),  # noqa: S108 - nothing is put there
        (site.getuserbase(), "{home}"),
    ]
    for prefix, placeholder in ((sys.prefix, "{prefix}"), (sys.base_prefix, "{base_prefix}")):
        if not _SYSTEM.match(prefix):
            named.append((prefix, placeholder))
    return Redaction(places=_longest_first(named), host_names=_host_names())


def _longest_first(named: list[tuple[str | None, str]]) -> tuple[tuple[str, str], ...]:
    """Each place as it is spelled and as it resolves; the first name of a place counts."""
    places: dict[str, str] = {}
    for path, placeholder in named:
        if path and Path(path).is_absolute():
            for spelling in (os.path.normpath(path), os.path.realpath(path)):
                if Path(spelling).parent != Path(spelling):
                    places.setdefault(spelling, placeholder)
    return tuple(sorted(places.items(), key=lambda place: (-len(place[0]), place)))


def _host_names() -> tuple[str, ...]:
    host = socket.gethostname()
    spellings = {host, host.partition(".")[0]} - {"", "localhost"}
    return tuple(sorted(spellings, key=lambda name: (-len(name), name)))


def _holds_secret(value: str) -> bool:
    without_urls = _URL.sub(" ", value)
    return (
        _SECRET_WORD.search(value) is not None
        or _SECRET_SHAPE.search(without_urls) is not None
        or any(is_secret_name(assigned[1]) for assigned in _ASSIGNED.finditer(without_urls))
    )


def _without_authority(url: re.Match[str]) -> str:
    """The URL without user, host, query and fragment; `file:` has nobody to hide but its path."""
    if url["scheme"].lower().rpartition("+")[2] == "file":
        return url["path"]
    return f"{url['scheme']}://{{host}}{url['path']}"


def _replace_place(text: str, path: str, placeholder: str) -> str:
    # What comes first below the temporary directory is a random name.
    random_part = r"(?:[/\\][^/\\\s:;,\"'=<>|()]+)?" if placeholder == "{tmp}" else ""
    return re.sub(re.escape(path) + random_part + _END, lambda _: placeholder, text)


def _without_foreign_directories(found: re.Match[str]) -> str:
    if _SYSTEM.match(found["path"]):
        return found[0]
    name = re.split(r"[/\\]", found["path"].rstrip("/\\"))[-1]
    return f"{found['before']}{{path}}/{name}"
