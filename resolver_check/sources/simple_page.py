"""Pages of the simple repository API, HTML (PEP 503) and JSON (PEP 691): bytes in, values out.

mousebender reads the links; added here is what it leaves to its caller: the check of the version
(PEP 629) in JSON, `<base href>`, whether the page is one at all, and that every file of it is
plausible, because a page that is misread must not look like a project without wheels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

from mousebender import simple
from packaging.utils import InvalidName, NormalizedName, canonicalize_name

from resolver_check.sources.kept_answers import Answer
from resolver_check.sources.web_address import origin, split_credentials
from resolver_check.wheel_reference import (
    SdistReference,
    SkippedFile,
    StatedRecord,
    WheelReference,
    parse,
    parse_sdist,
    release_order,
)

ACCEPT = (
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, "
    "text/html;q=0.01"
)
_JSON = simple.ACCEPT_JSON_V1
_HTML = ("application/vnd.pypi.simple.v1+html", "text/html")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SAFE_URL = re.compile(r"[^\x00-\x1f\x7f]*")
# mousebender stops at a fragment that is no hash ("#top"), and warns of versions it can read.
_FRAGMENT_OF_NO_HASH = re.compile(r"""(href\s*=\s*["'][^"'#]*)#[^"'=]*(?=["'])""", re.IGNORECASE)
_VERSION_TAG = re.compile(r"<meta\b[^<>]*pypi:repository-version[^<>]*>", re.IGNORECASE)
_FIRST_LINK = re.compile(r"<a\s", re.IGNORECASE)
_MARKUP = re.compile(r"<(!doctype\s+html|html|head|body|a)\b", re.IGNORECASE)


class InvalidPage(Exception):
    """What came is no page of the simple API; `wrong` says why. Caught within this folder."""

    def __init__(self, wrong: str) -> None:
        super().__init__(wrong)
        self.wrong = wrong


def read_root(page: Answer) -> tuple[tuple[NormalizedName, ...], tuple[SkippedFile, ...]]:
    """The projects of a root page, sorted, and what is listed as one and cannot be. InvalidPage."""
    parsed, _ = _parsed(page, None)
    names, skipped = set(), []
    for entry in _objects(parsed, "projects"):
        # `python -m http.server` lists directories as "name/".
        name = str(entry.get("name", "")).strip().removesuffix("/")
        try:
            names.add(canonicalize_name(name, validate=True))
        except InvalidName:
            skipped.append(SkippedFile(filename=ascii(name)[:80], why="not the name of a project"))
    return tuple(sorted(names)), tuple(skipped)


def read_project(
    page: Answer, project: NormalizedName
) -> tuple[tuple[WheelReference, ...], tuple[SkippedFile, ...]]:
    """The wheels of a project's page in `release_order`, and the wheels passed over. InvalidPage.

    The order of a page means nothing; a file that it lists twice with one digest is taken once.
    """
    parsed, base = _parsed(page, project)
    found: dict[tuple[str, str | None], WheelReference] = {}
    skipped = []
    for entry in _objects(parsed, "files"):
        filename = entry.get("filename")
        if not isinstance(filename, str):
            raise InvalidPage("the page lists a file without a name")
        if not filename.endswith(".whl"):
            continue
        read = _read_file(filename, entry, base, project)
        if isinstance(read, SkippedFile):
            skipped.append(read)
            continue
        twin = found.setdefault((read.filename, read.digest), read)
        found[read.filename, read.digest] = min(twin, read, key=release_order)
    return tuple(sorted(found.values(), key=release_order)), tuple(skipped)


def read_sdists(page: Answer, project: NormalizedName) -> tuple[SdistReference, ...]:
    """The sdists of a project's page, without yanked ones and names that are none. InvalidPage."""
    parsed, base = _parsed(page, project)
    found = []
    for entry in _objects(parsed, "files"):
        location = _location(base, entry.get("url"))
        filename = entry.get("filename")
        if location is None or not isinstance(filename, str) or entry.get("yanked"):
            continue
        read = parse_sdist(filename, location=location)
        if read is None or read.name != project:
            continue
        with suppress(ValueError):
            found.append(replace(read, digest=_sha256(entry.get("hashes"))))
    return tuple(found)


def _read_file(
    filename: str, entry: Mapping[str, Any], base: str, project: NormalizedName
) -> WheelReference | SkippedFile:
    location = _location(base, entry.get("url"))
    reference = parse(filename, location=location or "")
    if isinstance(reference, SkippedFile):
        return reference
    if location is None:
        return SkippedFile(filename=filename, why="its URL is not an http or https one")
    if reference.name != project:
        return SkippedFile(filename=filename, why=f"belongs to {reference.name}, not {project}")
    try:
        size, requires_python = entry.get("size"), entry.get("requires-python")
        available, metadata_digest = _metadata(entry)
        return replace(
            reference,
            digest=_sha256(entry.get("hashes")),
            size=_checked(size, type(size) is int and size >= 0, "size"),
            # PEP 592: "the data-yanked attribute … may have no value"; in JSON true or a string.
            yanked=entry.get("yanked") not in (None, False),
            requires_python=_checked(
                requires_python, isinstance(requires_python, str), "requires-python"
            ),
            metadata_available=available,
            metadata_digest=metadata_digest,
            record=_record(entry),
        )
    except ValueError as error:
        return SkippedFile(filename=filename, why=str(error))


def _location(base: str, url: object) -> str | None:
    """Where the file is, or None if that is not the web; credentials of a page are not taken on."""
    if not isinstance(url, str) or not _SAFE_URL.fullmatch(url):
        return None
    try:
        bare, _ = split_credentials(urljoin(base, url))
        origin(bare)
    except ValueError:
        return None
    return bare


def _metadata(entry: Mapping[str, Any]) -> tuple[bool | None, str | None]:
    """PEP 714: clients read `core-metadata`, and the older key where that is not there."""
    stated = entry.get("core-metadata", entry.get("dist-info-metadata"))
    if stated is None or isinstance(stated, bool):
        return stated, None
    return True, _sha256(stated)


def _record(entry: Mapping[str, Any]) -> StatedRecord | None:
    """The keys of the draft in spec/. One that is wrong counts as absent: the wheel has it all."""
    names, inputs = entry.get("_abi-names"), entry.get("_abi-build-inputs")
    with suppress(ValueError):
        digest = _sha256(entry.get("_abi-metadata"))
        inputs_digest = None if inputs is False else _sha256(inputs)
        if digest is None or (inputs_digest is None and inputs is not False):
            return None
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            return StatedRecord(
                digest=digest, build_inputs_digest=inputs_digest, binding_names=frozenset(names)
            )
    return None


def _sha256(hashes: object) -> str | None:
    """The sha256 of a table of hashes. Raises ValueError for one that is no sha256."""
    if not isinstance(hashes, dict):
        raise ValueError("its hashes are not a table")
    stated = hashes.get("sha256")
    if stated is None:
        return None
    digest = stated.lower() if isinstance(stated, str) else ""
    if not _SHA256.fullmatch(digest):
        raise ValueError("its sha256 is not 64 hexadecimal digits")
    return digest


def _checked(value: Any, is_right: bool, key: str) -> Any:
    if value is not None and not is_right:
        raise ValueError(f"its {key} has the wrong type or value")
    return value


def _parsed(page: Answer, project: NormalizedName | None) -> tuple[Mapping[str, Any], str]:
    """The page in the shape of its JSON form, and the URL that its links are relative to."""
    if page.content_type not in (_JSON, *_HTML):
        answered = repr(page.content_type) if page.content_type else "no content type"
        raise InvalidPage(f"the server answered {answered}, not a page of the simple API")
    text = _text(page)
    base = page.url
    try:
        if page.content_type in _HTML:
            text, base = _prepared(text, base)
        if project is None:
            parsed: object = simple.parse_project_index(text, page.content_type)
        else:
            parsed = simple.parse_project_details(text, page.content_type, project)
    except (ValueError, RecursionError, AssertionError) as error:
        raise InvalidPage(f"what it calls {page.content_type} cannot be read as that") from error
    meta = parsed.get("meta", {}) if isinstance(parsed, dict) else None
    if not isinstance(parsed, dict) or not isinstance(meta, dict):
        raise InvalidPage("the server answered JSON that is not of the simple API")
    _check_version(meta.get("api-version"))
    return parsed, base


def _prepared(text: str, url: str) -> tuple[str, str]:
    """HTML that mousebender reads without stumbling, and its base URL. May raise ValueError."""
    if not _MARKUP.search(text) or "\0" in text:
        raise InvalidPage("the server answered something that is not HTML, and calls it HTML")
    # The head ends where the first link begins; a page of 4,000 files need not be parsed twice.
    first_link = _FIRST_LINK.search(text)
    head = _Head()
    head.feed(text[: first_link.start()] if first_link else text)
    _check_version(head.version)
    text = _FRAGMENT_OF_NO_HASH.sub(r"\1", _VERSION_TAG.sub("", text))
    return text, urljoin(url, head.base)


def _objects(parsed: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    entries = parsed.get(key)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InvalidPage(f"the page has no list of {key}")
    yield from entries


def _check_version(version: object) -> None:
    """PEP 629: a higher major version is an error, a missing version is 1.0.

    A higher minor version SHOULD be warned of; it is not: since PEP 691 clients must ignore what
    they do not know, PyPI has raised it four times, and nobody could act on the warning.
    """
    if version is None:
        return
    major = re.fullmatch(r"(\d{1,9})\.\d{1,9}", version) if isinstance(version, str) else None
    if major is None or int(major[1]) != 1:
        raise InvalidPage(
            f"the page has version {ascii(version)[:40]} of the simple API, and not 1"
        )


class _Head(HTMLParser):
    """What stands in the head of a page: its base and the version of the API."""

    def __init__(self) -> None:
        super().__init__()
        self.base = ""
        self.version: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "base" and not self.base:
            self.base = values.get("href") or ""
        if tag == "meta" and values.get("name") == "pypi:repository-version":
            self.version = values.get("content")


def _text(page: Answer) -> str:
    try:
        return page.body.decode(page.charset or "utf-8", errors="replace")
    except LookupError:
        return page.body.decode("utf-8", errors="replace")
