"""Answers of servers, and those that were kept: pages as they came, ranges of files by digest.

What comes out of the cache is as little trusted as what comes from a server.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from backend_shim.errors import InvalidRecord
from backend_shim.record.canonical import JSONValue
from backend_shim.record.decoding import JSONObject, get_int, get_str
from resolver_check.sources.answer_cache import AnswerCache
from resolver_check.sources.web_address import origin, without_secrets

_KEPT: Final = frozenset({HTTPStatus.OK, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_VALIDATOR: Final = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,999}")


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
    etag: str | None = None
    last_modified: str | None = None
    """None, as the ETag, where the page was so new that it could still change unnoticed."""

    @property
    def conditions(self) -> dict[str, str]:
        """The headers by which a server says whether this is its answer of now (RFC 9110, 13.1)."""
        if self.status == HTTPStatus.OK and self.etag is not None:
            return {"If-None-Match": self.etag}
        if self.status == HTTPStatus.OK and self.last_modified is not None:
            return {"If-Modified-Since": self.last_modified}
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The answer to a range request; `body` is None unless the server gave one described range."""

    refused: bool
    """Another spelling may work. Neither refused nor a body: the server does not do ranges."""
    first: int = 0
    """Position in the file of the first byte of `body`."""
    total: int | None = None
    body: bytes | None = None


class KeptAnswers:
    """The answers in `cache`; without one nothing is kept."""

    def __init__(self, cache: AnswerCache | None) -> None:
        self._cache = cache

    def page(self, url: str, accept: str, limit: int) -> Answer | None:
        """What was answered last, whether or not it is the answer of now."""
        found = self._cache and self._cache.find(_page_key(url, accept), limit)
        if not found:
            return None
        try:
            return _answer(*found)
        except (InvalidRecord, ValueError):
            return None

    def keep_page(self, url: str, accept: str, answer: Answer, before: Answer | None) -> None:
        """In the place of `before`. That there is nothing is an answer, too; an error is none."""
        if self._cache is None or answer == before or answer.status not in _KEPT:
            return
        facts: dict[str, JSONValue] = {
            "url": without_secrets(answer.url),
            "status": answer.status,
            "content_type": answer.content_type,
            "charset": answer.charset,
            "etag": answer.etag,
            "last_modified": answer.last_modified,
        }
        self._cache.store(_page_key(url, accept), facts, answer.body)

    def part(self, url: str, digest: str | None, wanted: str, limit: int) -> Part | None:
        """What a server gave of the file that has this digest at that place, and nowhere else.

        No part can be held against the digest, so that of another place could be anything.
        """
        if self._cache is None or digest is None:
            return None
        found = self._cache.find(_part_key(url, digest, wanted), limit)
        try:
            return None if found is None else _part(*found)
        except InvalidRecord:
            return None

    def keep_part(self, url: str, digest: str | None, wanted: str, part: Part) -> None:
        """For `part`."""
        if self._cache is not None and digest is not None and part.body is not None:
            facts: dict[str, JSONValue] = {"first": part.first, "total": part.total}
            self._cache.store(_part_key(url, digest, wanted), facts, part.body)


def _page_key(url: str, accept: str) -> str:
    return f"page\n{url}\n{accept}"


def _part_key(url: str, digest: str, wanted: str) -> str:
    # A signature in the query is another one each time.
    return f"part\n{without_secrets(url)}\n{digest}\n{wanted}"


def _answer(facts: JSONObject, body: bytes) -> Answer:
    """May raise ValueError, InvalidRecord."""
    url = get_str(facts, "url", "$")
    origin(url)
    return Answer(
        url=url,
        status=get_int(facts, "status", "$"),
        content_type=get_str(facts, "content_type", "$"),
        charset=get_str(facts, "charset", "$", optional=True),
        body=body,
        etag=_validator(get_str(facts, "etag", "$", optional=True)),
        last_modified=_validator(get_str(facts, "last_modified", "$", optional=True)),
    )


def _part(facts: JSONObject, body: bytes) -> Part | None:
    first, total = get_int(facts, "first", "$"), get_int(facts, "total", "$", optional=True)
    if first < 0 or not body or (total is not None and first + len(body) > total):
        return None
    return Part(refused=False, first=first, total=total, body=body)


def _validator(text: str | None) -> str | None:
    """What a header can say."""
    return text if text is not None and _VALIDATOR.fullmatch(text) else None
