"""A directory served on loopback as static servers do it, each request written down."""

from __future__ import annotations

from pathlib import Path

from tests.support.served_index import JSON, Manners, ServedIndex, _Handler

_TYPES = {".html": "text/html", ".v1_json": JSON, ".json": "application/json"}


class StaticSite(ServedIndex):
    """Serves the files below `root`; of a directory the page that is accepted, if `speaks_json`."""

    def __init__(
        self, root: Path, manners: Manners | None = None, *, speaks_json: bool = True
    ) -> None:
        super().__init__(root, manners)
        self.root = root
        self.speaks_json = speaks_json
        handler = type("Handler", (_StaticHandler,), {"index": self})
        self._server.RequestHandlerClass = handler

    def asked(self, *suffixes: str) -> set[str]:
        """The names of the files with these suffixes that were asked for."""
        return {
            request.path.rpartition("/")[2]
            for request in self.requests
            if request.path.endswith(suffixes)
        }


class _StaticHandler(_Handler):
    index: StaticSite  # type: ignore[misc]

    def _usual(self, path: str) -> tuple[int, dict[str, str], bytes]:
        file = self.index.root / path.lstrip("/")
        if path.endswith("/"):
            is_json = self.index.speaks_json and JSON in self.headers.get("Accept", "")
            file /= "index.v1_json" if is_json else "index.html"
        if not file.is_file():
            return 404, {}, b"no such file"
        if file.suffix == ".whl":
            return self._file(file.read_bytes())
        return 200, {"Content-Type": _TYPES.get(file.suffix, "text/plain")}, file.read_bytes()
