"""What a netrc file says: the one place that pip takes a password from and does not pass on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from resolver_check.errors import UsageError
from resolver_check.sources.web_address import Credentials, shown

# Pythons before 3.11 know neither quotes nor escapes in a netrc, and later ones do.
_WRITABLE: Final = re.compile(r"[^\s\"'#\\][^\s\\]*")


def netrc_text(logins: Iterable[tuple[str, Credentials]], before: str) -> str:
    """`before`, the text of another netrc, with (URL, credentials) that come before its own.

    Raises UsageError for what a netrc cannot say.
    """
    # Python goes by the last entry of a host; an empty line ends a macro.
    text = f"{before}\n\n" if before else ""
    for url, login in logins:
        host, password = urlsplit(url).hostname or "", login.password or ""
        words = [host, login.user, *([password] if password else [])]
        if not all(map(_WRITABLE.fullmatch, words)):
            wrong = "its user or password has a sign that a netrc cannot hold, which builds need"
            raise UsageError(f"{shown(url)}: {wrong}")
        secret = f" password {password}" if password else ""
        text += f"machine {host} login {login.user}{secret}\n"
    return text
