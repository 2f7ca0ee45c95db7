"""Pages of a static simple repository, JSON (PEP 691) and HTML (PEP 503): values in, bytes out."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import quote

from packaging.utils import NormalizedName

from backend_shim.record.canonical import JSONValue, canonical_json
from backend_shim.record.decoding import JSONObject, as_object, decode_json, get_objects, get_str
from resolver_check.sources.publishable import PublishableWheel
from resolver_check.wheel_reference import SkippedFile, parse, release_order

JSON_PAGE: Final = "index.v1_json"
HTML_PAGE: Final = "index.html"
# PEP 792 made it 1.4; nothing here needs more than 1.1 (PEP 700: sizes and versions).
_VERSION: Final = "1.4"

Entries = dict[str, JSONObject]
"""The JSON of each file of a project, by file name."""


def root_pages(projects: Collection[NormalizedName]) -> dict[str, bytes]:
    """The pages that list the projects, by file name."""
    names = sorted(projects)
    page: JSONValue = {
        "meta": {"api-version": _VERSION},
        "projects": [{"name": name} for name in names],
    }
    links = [f'<a href="{name}/">{name}</a>' for name in names]
    return {JSON_PAGE: canonical_json(page), HTML_PAGE: _html("Simple index", links)}


def project_pages(project: NormalizedName, entries: Entries) -> dict[str, bytes]:
    """The pages that list the files of a project, by file name."""
    ordered = sorted(entries, key=_order)
    versions: dict[str, None] = {}
    for name in ordered:
        read = parse(name, location="")
        if not isinstance(read, SkippedFile):
            versions[str(read.version)] = None
    page: JSONValue = {
        "meta": {"api-version": _VERSION},
        "name": project,
        "versions": [*versions],
        "files": [dict(entries[name]) for name in ordered],
    }
    links = [_link(entries[name]) for name in ordered]
    return {JSON_PAGE: canonical_json(page), HTML_PAGE: _html(f"Links for {project}", links)}


def entries_of(page: bytes) -> Entries:
    """The files of the JSON page of a project, with all that it says of them. InvalidRecord."""
    table = as_object(decode_json(page), "$")
    return {get_str(each, "filename", at): each for each, at in get_objects(table, "files", "$")}


def entry_of(wheel: PublishableWheel, url: str) -> JSONObject:
    """What the page of its project says of a wheel."""
    reference = wheel.reference
    metadata: JSONValue = {"sha256": _digest(wheel.metadata)}
    entry: dict[str, JSONValue] = {
        "filename": reference.filename,
        "url": url,
        "hashes": {"sha256": reference.digest},
        "size": reference.size,
        # PEP 714: under both names, for whoever knows the older one only.
        "core-metadata": metadata,
        "dist-info-metadata": metadata,
        # Keys with an underscore are private (PEP 700); these are those of the draft in spec/. In
        # HTML, which PEP 833 has frozen, there is no place for them.
        "_abi-metadata": _stated(wheel.fingerprint),
        # Without these two a reader would open the wheel all the same: for the versions that it was
        # built with, and for the names by which others reach it, which only its members tell.
        "_abi-build-inputs": _stated(wheel.build_inputs),
        "_abi-names": [*sorted(wheel.binding_names)],
    }
    if reference.requires_python is not None:
        entry["requires-python"] = reference.requires_python
    return entry


def file_url(project: NormalizedName, filename: str) -> str:
    """The URL of a file, relative to the page of its project."""
    return f"../../files/{project}/{quote(filename)}"


def _stated(sidecar: bytes | None) -> JSONValue:
    return False if sidecar is None else {"sha256": _digest(sidecar)}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _order(filename: str) -> tuple[object, ...]:
    read = parse(filename, location="")
    return (1, filename) if isinstance(read, SkippedFile) else (0, *release_order(read))


def _link(entry: JSONObject) -> str:
    attributes: dict[str, str] = {}
    if isinstance(requires_python := entry.get("requires-python"), str):
        attributes["data-requires-python"] = requires_python
    for key in ("core-metadata", "dist-info-metadata"):
        if digest := _sha256(entry, key):
            attributes[f"data-{key}"] = f"sha256={digest}"
    if (yanked := entry.get("yanked")) not in (None, False):
        attributes["data-yanked"] = yanked if isinstance(yanked, str) else ""
    digest = _sha256(entry, "hashes")
    url = f"{entry.get('url')}#sha256={digest}" if digest else f"{entry.get('url')}"
    written = "".join(f' {key}="{html.escape(value)}"' for key, value in attributes.items())
    return f'<a href="{html.escape(url)}"{written}>{html.escape(str(entry["filename"]))}</a>'


def _sha256(entry: JSONObject, key: str) -> str | None:
    table = entry.get(key)
    digest = table.get("sha256") if isinstance(table, Mapping) else None
    return digest if isinstance(digest, str) else None


def _html(title: str, links: Collection[str]) -> bytes:
    lines = (
        "<!DOCTYPE html>",
        '<html lang="en">',
        f'<head><meta charset="utf-8"><meta name="pypi:repository-version" content="{_VERSION}">'
        f"<title>{html.escape(title)}</title></head>",
        "<body>",
        *(f"{link}<br>" for link in links),
        "</body>",
        "</html>",
        "",
    )
    return "\n".join(lines).encode()
