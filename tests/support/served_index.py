"""A simple index on loopback, served from a directory of wheels, with the manners of real servers.

Every request is written down, so a test can say how many were needed and for how many bytes.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import html
import json
import random
import re
import threading
import zipfile
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How the server behaves when all goes well."""

    form: Literal["html", "json"] = "html"
    """`html` whatever is accepted, as plain indexes do; `json` where it is accepted."""
    ranges: Literal["full", "no-suffix", "refused", "ignored"] = "full"
    """`no-suffix`: 501 for `-N`; `refused`: 501 for all; `ignored`: 200 and the whole file."""
    has_length: bool = True
    """Whether HEAD states a Content-Length."""
    has_sidecars: bool = False
    """`.metadata` beside each wheel."""
    states_sidecars: bool = False
    states_hashes: bool = True
    validators: Literal["none", "etag", "date"] = "none"
    """With what pages can be asked for again, and are not sent if they are still the same."""
    login: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is answered instead, once."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    """None: what would have been answered otherwise."""
    cut_after: int | None = None
    """Send so many bytes of the body, then hang up."""


class Request(NamedTuple):
    """A request as it came, and how it was answered: the status and the bytes of the body."""

    method: str
    path: str
    headers: Mapping[str, str]
    status: int
    sent: int


class ServedIndex:
    """Serves while it is entered: pages at `url`, which is `/simple/`, and wheels at `/files/`."""

    def __init__(self, wheels: Path, manners: Manners | None = None) -> None:
        self.wheels = wheels
        self.manners = manners or Manners()
        self.requests: list[Request] = []
        self.replies: defaultdict[str, deque[Reply]] = defaultdict(deque)
        self.attributes: dict[str, dict[str, Any]] = {}
        """Further JSON keys of a file, by file name; in HTML as `data-` attributes."""
        handler = type("Handler", (_Handler,), {"index": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        return f"{self.origin}/simple/"

    @property
    def sent(self) -> int:
        """Bytes of all bodies."""
        return sum(request.sent for request in self.requests)

    @property
    def file_requests(self) -> list[tuple[str, str | None, int]]:
        """(method, range, status) of the requests for files."""
        return [
            (request.method, request.headers.get("Range"), request.status)
            for request in self.requests
            if request.path.startswith("/files/")
        ]

    def say(self, path: str, *replies: Reply) -> None:
        """The next requests for `path` get these replies, in order."""
        self.replies[path].extend(replies)

    def __enter__(self) -> ServedIndex:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()

    def page(self, path: str, accept: str) -> tuple[str, bytes] | None:
        """(content type, body) of a root or project page, None if there is no such page."""
        files = sorted(path.name for path in self.wheels.iterdir() if path.suffix != ".metadata")
        projects = sorted({canonicalize_name(name.split("-")[0]) for name in files})
        name = path.removeprefix("/simple/").rstrip("/")
        is_json = self.manners.form == "json" and JSON in accept
        if not name:
            return _root(projects, is_json)
        if name not in projects:
            return None
        # Newest first, to catch whoever takes the order of a page for a meaning.
        own = [file for file in reversed(files) if canonicalize_name(file.split("-")[0]) == name]
        return _project(name, [self._described(file) for file in own], is_json)

    def _described(self, filename: str) -> dict[str, Any]:
        data = (self.wheels / filename).read_bytes()
        described: dict[str, Any] = {
            "filename": filename,
            "url": f"../../files/{filename}",
            "hashes": {},
            "size": len(data),
        }
        if self.manners.states_hashes:
            described["hashes"] = {"sha256": hashlib.sha256(data).hexdigest()}
        if self.manners.states_sidecars:
            digest = hashlib.sha256(read_metadata(self.wheels / filename)).hexdigest()
            described["core-metadata"] = {"sha256": digest}
        return described | self.attributes.get(filename, {})


class _Handler(BaseHTTPRequestHandler):
    index: ClassVar[ServedIndex]
    protocol_version = "HTTP/1.1"
    timeout = 5
    disable_nagle_algorithm = True

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # Clients hang up on what they do not want.
            super().handle()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        replies = self.index.replies[path]
        reply = replies.popleft() if replies else None
        if reply is None or reply.body is None:
            status, headers, body = self._usual(path)
        else:
            status, headers, body = 200, {}, reply.body
        if reply is not None:
            status = status if reply.status == 200 else reply.status
            headers = {**headers, **reply.headers}
        self._send(status, headers, body, None if reply is None else reply.cut_after)

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        pass

    def _usual(self, path: str) -> tuple[int, dict[str, str], bytes]:
        login = self.index.manners.login
        if login is not None:
            wanted = base64.b64encode(":".join(login).encode()).decode()
            if self.headers.get("Authorization") != f"Basic {wanted}":
                return 401, {"WWW-Authenticate": 'Basic realm="test"'}, b"who are you?"
        if path.startswith("/simple/"):
            page = self.index.page(path, self.headers.get("Accept", ""))
            return (404, {}, b"no such page") if page is None else self._page(*page)
        name = path.removeprefix("/files/")
        wheel = self.index.wheels / name.removesuffix(".metadata")
        if not path.startswith("/files/") or "/" in name or not wheel.is_file():
            return 404, {}, b"no such file"
        if name.endswith(".metadata"):
            has = self.index.manners.has_sidecars
            return (200, {}, read_metadata(wheel)) if has else (404, {}, b"no such file")
        return self._file(wheel.read_bytes())

    def _page(self, content_type: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        digest = hashlib.sha256(body).hexdigest()
        # Not when it was written: it is compared as a text, as servers may.
        headers = {
            "none": {},
            "etag": {"ETag": f'W/"{digest[:16]}"'},
            "date": {"Last-Modified": f"Sun, 22 Nov 2020 02:00:{int(digest[:4], 16) % 60:02} GMT"},
        }[self.index.manners.validators]
        asked = [self.headers.get("If-None-Match"), self.headers.get("If-Modified-Since")]
        if headers and set(headers.values()) & set(asked):
            return 304, headers, b""
        return 200, {"Content-Type": content_type, **headers}, body

    def _file(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        ranges = self.index.manners.ranges
        if asked is None or ranges == "ignored":
            return 200, {}, data
        if ranges == "refused" or (ranges == "no-suffix" and not asked[1]):
            return 501, {}, b"Unsupported client range"
        if not asked[1]:
            first, last = max(0, len(data) - int(asked[2])), len(data) - 1
        else:
            first, last = int(asked[1]), min(int(asked[2] or len(data)), len(data) - 1)
        if first > last:
            return 416, {"Content-Range": f"bytes */{len(data)}"}, b""
        return 206, {"Content-Range": f"bytes {first}-{last}/{len(data)}"}, data[first : last + 1]

    def _send(
        self, status: int, headers: Mapping[str, str], body: bytes, cut_after: int | None
    ) -> None:
        sends_body = self.command != "HEAD"
        sent = body[:cut_after] if sends_body else b""
        self.index.requests.append(
            Request(self.command, self.path, dict(self.headers.items()), status, len(sent))
        )
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if sends_body or self.index.manners.has_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(sent)
        self.close_connection = cut_after is not None or self.close_connection


def _root(projects: Iterable[str], is_json: bool) -> tuple[str, bytes]:
    if is_json:
        return _json(projects=[{"name": name} for name in projects])
    return _html(f'<a href="{name}/">{name}</a><br>' for name in projects)


def _project(name: str, files: list[dict[str, Any]], is_json: bool) -> tuple[str, bytes]:
    if is_json:
        return _json(name=name, versions=[], files=files)
    links = []
    for file in files:
        fragment = "".join(f"#{kind}={digest}" for kind, digest in file["hashes"].items())
        attributes = "".join(
            f' data-{key}="{html.escape(_as_attribute(value))}"'
            for key, value in file.items()
            if key not in ("filename", "url", "hashes", "size")
        )
        links.append(f'<a href="{file["url"]}{fragment}"{attributes}>{file["filename"]}</a><br>')
    return _html(links)


def _json(**keys: Any) -> tuple[str, bytes]:
    return JSON, json.dumps({"meta": {"api-version": "1.1"}, **keys}).encode()


def _html(links: Iterable[str]) -> tuple[str, bytes]:
    return HTML, f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode()


def _as_attribute(value: object) -> str:
    if isinstance(value, dict):
        return "".join(f"{kind}={digest}" for kind, digest in value.items())
    return "" if value is True else str(value)


def write_wheel(
    directory: Path, filename: str, *, ballast: int = 0, extra: Mapping[str, bytes] | None = None
) -> Path:
    """A small right wheel; `ballast` bytes that do not compress lie before its `.dist-info`."""
    name, version = filename.split("-")[:2]
    info = f"{name}-{version}.dist-info"
    members = {f"{name}/ballast.bin": random.Random(filename).randbytes(ballast)} if ballast else {}
    members |= extra or {}
    members |= {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n",
    }
    lines = [f"{path},{_record_digest(data)},{len(data)}" for path, data in members.items()]
    members[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,", ""]).encode()
    path = directory / filename
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in members.items():
            archive.writestr(member, data)
    return path


def read_metadata(wheel: Path) -> bytes:
    """The bytes of METADATA, or none for what is no wheel."""
    if not zipfile.is_zipfile(wheel):
        return b""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return archive.read(names[0]) if names else b""


def _record_digest(data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"sha256={digest}"
