"""How an index or another place on the web is asked, whatever lies there."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from resolver_check.errors import UsageError
from resolver_check.sources.answer_cache import AnswerCache
from resolver_check.sources.kept_answers import KeptAnswers
from resolver_check.sources.logins import Logins
from resolver_check.sources.patience import Patience
from resolver_check.sources.transport import Transport
from resolver_check.sources.web_address import shown, split_credentials

MISSING: Final = frozenset({HTTPStatus.NOT_FOUND.value, HTTPStatus.GONE.value})
"""What a server answers that works and has nothing there."""


def connect(
    url: str, *, to: str, patience: Patience | None, offline: bool
) -> tuple[str, Logins, Transport]:
    """The URL without credentials, these, which go to its host only, and what asks with them.

    Answers are kept in the user's cache; `offline` nothing is sent, and what is not there raises
    NotKept. Raises UsageError for what is no URL, which `to` says what it is of.
    """
    try:
        root, given = split_credentials(url)
        logins = Logins(root, given)
    except ValueError as error:
        raise UsageError(f"{shown(url)}: not the URL of {to} ({error})") from error
    kept = KeptAnswers(AnswerCache.of_user())
    return root, logins, Transport(logins, patience, kept=kept, offline=offline)
