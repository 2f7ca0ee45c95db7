"""Record packs in a directory."""

from __future__ import annotations

from pathlib import Path

from backend_shim.record.decoding import MAX_BYTES
from backend_shim.wheel.whole_files import sha256_at
from resolver_check.errors import DigestMismatch, SourceUnavailable
from resolver_check.sources.record_packs import INDEX, SUFFIX


class PackDirectory:
    """Packs in a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @property
    def location(self) -> str:
        return str(self._directory)

    def index(self) -> bytes | None:
        path = self._directory / INDEX
        try:
            with path.open("rb") as file:
                return file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SourceUnavailable(str(path), error.strerror or str(error)) from error

    def shard(self, digest: str) -> Path:
        path = self._directory / f"{digest}{SUFFIX}"
        try:
            found = sha256_at(path)
        except OSError as error:
            raise SourceUnavailable(str(path), error.strerror or str(error)) from error
        if found != digest:
            raise DigestMismatch(str(path), f"has sha256 {found}")
        return path

    def close(self) -> None:
        pass
