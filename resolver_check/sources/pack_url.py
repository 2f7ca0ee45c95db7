"""Record packs below a URL of any static host."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

from backend_shim.record.decoding import MAX_BYTES
from resolver_check.errors import UsageError
from resolver_check.sources.answer_cache import AnswerCache
from resolver_check.sources.kept_answers import KeptAnswers
from resolver_check.sources.logins import Logins
from resolver_check.sources.patience import Patience
from resolver_check.sources.record_packs import INDEX, LARGEST_SHARD, SUFFIX
from resolver_check.sources.transport import Transport
from resolver_check.sources.web_address import shown, split_credentials
from resolver_check.sources.wheel_cache import WheelCache

_MISSING = frozenset({HTTPStatus.NOT_FOUND.value, HTTPStatus.GONE.value})


class PackUrl:
    """Packs below a URL; shards are kept in the cache. Credentials go to its host only."""

    def __init__(
        self,
        url: str,
        *,
        cache: WheelCache | None = None,
        patience: Patience | None = None,
        offline: bool = False,
    ) -> None:
        """`offline` nothing is sent, and what is not in the cache raises NotKept."""
        try:
            root, given = split_credentials(url)
            logins = Logins(root, given)
        except ValueError as error:
            raise UsageError(f"{shown(url)}: not the URL of record packs ({error})") from error
        self._root = root.rstrip("/")
        kept = KeptAnswers(AnswerCache.of_user())
        self._transport = Transport(logins, patience, kept=kept, offline=offline)
        self._cache = cache or WheelCache.of_user()

    @property
    def location(self) -> str:
        return shown(self._root)

    def index(self) -> bytes | None:
        answer = self._transport.get(
            f"{self._root}/{INDEX}", accept="*/*", limit=MAX_BYTES, tolerated=_MISSING
        )
        return answer.body if answer.status == HTTPStatus.OK else None

    def shard(self, digest: str) -> Path:
        name = f"{digest}{SUFFIX}"
        url = f"{self._root}/{name}"
        return self._cache.checked(
            shown(url),
            name,
            digest,
            lambda file: self._transport.download(url, file, limit=LARGEST_SHARD),
        )

    def close(self) -> None:
        self._transport.close()
