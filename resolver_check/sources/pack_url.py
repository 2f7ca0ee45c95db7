"""Record packs below a URL of any static host."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

from backend_shim.record.decoding import MAX_BYTES
from resolver_check.sources.connection import MISSING, connect
from resolver_check.sources.patience import Patience
from resolver_check.sources.record_packs import INDEX, LARGEST_SHARD, SUFFIX
from resolver_check.sources.web_address import shown
from resolver_check.sources.wheel_cache import WheelCache


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
        root, _, self._transport = connect(
            url, to="record packs", patience=patience, offline=offline
        )
        self._root = root.rstrip("/")
        self._cache = cache or WheelCache.of_user()

    @property
    def location(self) -> str:
        return shown(self._root)

    def index(self) -> bytes | None:
        answer = self._transport.get(
            f"{self._root}/{INDEX}", accept="*/*", limit=MAX_BYTES, tolerated=MISSING
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
