"""The distributions in a directory such as site-packages, and the files of each.

By RECORD ("Recording installed projects"), which the installer has written anew. A distribution
without one has its files by dpkg's lists, or by the `installed-files.txt` of an `.egg-info`; else
they are not known, and nothing is guessed.
"""

from __future__ import annotations

import email.parser
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from packaging.utils import NormalizedName, canonicalize_name

from backend_shim.errors import InvalidWheel
from backend_shim.wheel.archive import MAX_TEXT_SIZE
from backend_shim.wheel.manifest import Manifest, ManifestEntry, manifest_entries
from resolver_check.sources.dpkg_lists import DpkgLists
from resolver_check.sources.installed_wheel import InstalledWheel, regular

_METADATA: Final = re.compile(r"[^~].*\.(?:dist-info|egg-info|egg)")
"""pip renames what it is about to remove to `~…`, and leaves it where it is interrupted."""
_LIBRARY: Final = re.compile(r".+\.(?:so|pyd|dll|dylib)(?:\.[\d.]+)?", re.IGNORECASE)
_MAX_DIRECT_URL: Final = 1 << 20


def metadata_in(directory: Path) -> tuple[Path, ...]:
    """What describes a distribution in `directory`: each `.dist-info`, then the older ways.

    Raises OSError.
    """
    found = [each for each in directory.iterdir() if _METADATA.fullmatch(each.name)]
    return tuple(sorted(found, key=lambda each: (each.suffix, each.name)))


def project_of(info: Path) -> NormalizedName | None:
    """The project whose metadata `info` is, where they name one; raises InvalidWheel."""
    path = info.parent / _metadata_of(info)
    data = _text(path, info)
    if data is None:
        return None
    headers = email.parser.HeaderParser().parsestr(data.decode("utf-8", "replace"))
    name = str(headers.get("Name", "")).strip()
    return canonicalize_name(name) if name else None


def installed_wheel(info: Path, dpkg: DpkgLists) -> InstalledWheel:
    """The distribution that `info` is the metadata of.

    Raises InvalidWheel where its files are not known, or not all of them are where they should be.
    """
    stem = info.stem
    places: dict[str, Path] = {}
    entries: dict[str, ManifestEntry] = {}
    for entry, place in _listed(info, dpkg):
        if "__pycache__" in place.parts:
            continue
        path = _path_in_wheel(place, info.parent, stem)
        if regular(place) is None:
            # Of a binary that was moved nobody knows what it binds to.
            if _LIBRARY.fullmatch(place.name):
                raise InvalidWheel(stem, f"{entry.path} is listed and not there")
            continue
        if path is None:
            raise InvalidWheel(stem, f"{entry.path} lies outside of its environment")
        known = entries.get(path)
        if known is not None and known.digest != entry.digest:
            entry = entry._replace(digest=None)  # noqa: PLW2901 - neither is known to be right
        places[path] = place
        entries[path] = entry._replace(path=path)
    metadata = _metadata_of(info)
    places[metadata] = info.parent / metadata
    if dpkg.files_beside(info) is not None:
        # It names the tags of one of the builds that went into the package.
        places.pop(f"{info.name}/WHEEL", None)
    _refuse_editable(stem, places)
    return InstalledWheel(
        name=stem,
        dist_info=info.name,
        metadata=metadata,
        places=places,
        manifest=Manifest(entries=tuple(entries.values())),
    )


def _listed(info: Path, dpkg: DpkgLists) -> Iterator[tuple[ManifestEntry, Path]]:
    """Each row of the list of files, and where that file lies by it; raises InvalidWheel."""
    data = _text(info / "RECORD", info)
    rows = () if data is None else manifest_entries(data, info.name)
    by_record = [(each, _joined(info.parent, each.path.replace("\\", "/"))) for each in rows]
    if (paths := dpkg.files_beside(info)) is not None:
        # dpkg's builds rename binaries and add files, and leave RECORD as it was, or out.
        known = {place: entry for entry, place in by_record}
        for place in map(Path, paths):
            # What lies in /etc or /var is no part of a wheel.
            if _path_in_wheel(place, info.parent, info.stem) is not None:
                yield known.get(place) or ManifestEntry(path=str(place)), place
    elif data is not None:
        yield from by_record
    elif (data := _text(info / "installed-files.txt", info)) is not None:
        for line in data.decode("utf-8", "surrogateescape").splitlines():
            if line:
                yield ManifestEntry(path=line), _joined(info, line.replace("\\", "/"))
    else:
        raise InvalidWheel(info.stem, "there is no list of its files")


def _joined(directory: Path, path: str) -> Path:
    # Links are not followed here: `..` is meant as it is written.
    return Path(os.path.normpath(directory / path))


def _text(path: Path, info: Path) -> bytes | None:
    """The bytes of a file of the metadata; None where there is none. Raises InvalidWheel."""
    if regular(path) is None:
        return None
    try:
        with path.open("rb") as file:
            data = file.read(MAX_TEXT_SIZE + 1)
    except OSError as error:
        raise InvalidWheel(info.name, f"{path.name} cannot be read: {error.strerror}") from error
    if len(data) > MAX_TEXT_SIZE:
        raise InvalidWheel(info.name, f"{path.name} has more than {MAX_TEXT_SIZE} bytes")
    return data


def _metadata_of(info: Path) -> str:
    """Path of the headers; an `.egg-info` that is a file is all of them."""
    if not info.is_dir():
        return info.name
    of_suffix = {".dist-info": "METADATA", ".egg-info": "PKG-INFO", ".egg": "EGG-INFO/PKG-INFO"}
    return f"{info.name}/{of_suffix[info.suffix]}"


def _path_in_wheel(place: Path, directory: Path, stem: str) -> str | None:
    """The path that the file at `place` had in the wheel; None for what is outside of it all.

    What an installer puts elsewhere below the prefix a wheel has in `.data/data`.
    """
    if place.is_relative_to(directory):
        return place.relative_to(directory).as_posix()
    prefix = _prefix(directory)
    if prefix is not None and place.is_relative_to(prefix):
        return f"{stem}.data/data/{place.relative_to(prefix).as_posix()}"
    return None


def _prefix(directory: Path) -> Path | None:
    """That of `lib/python3.X/site-packages`, or of `Lib/site-packages` on Windows."""
    above = directory.parent
    if above.name.lower().startswith(("python", "pypy")) and above.parent.name.startswith("lib"):
        return above.parent.parent
    return above.parent if above.name.lower() == "lib" else None


def _refuse_editable(stem: str, places: dict[str, Path]) -> None:
    """Raises InvalidWheel for an editable install: its files are elsewhere (PEP 660)."""
    if any(_is_editable(path, place) for path, place in places.items()):
        raise InvalidWheel(stem, "is installed as editable, so its files are elsewhere")


def _is_editable(path: str, place: Path) -> bool:
    if path.endswith(".dist-info/direct_url.json"):
        return _says_editable(place)
    if "/" in path or not path.endswith(".pth"):
        return False
    return path.startswith("__editable__") or any(directories_in(place))


def _says_editable(direct_url: Path) -> bool:
    """By `dir_info` (PEP 610); what cannot be read may say so."""
    try:
        with direct_url.open("rb") as file:
            table = json.loads(file.read(_MAX_DIRECT_URL))
        return bool(table.get("dir_info", {}).get("editable", False))
    except (OSError, ValueError, AttributeError, RecursionError):
        return True


def directories_in(pth: Path) -> Iterable[Path]:
    """The directories that a `.pth` file puts on `sys.path`; its lines of code are passed over."""
    try:
        with pth.open("rb") as file:
            lines = file.read(_MAX_DIRECT_URL).decode("utf-8", "surrogateescape").splitlines()
    except OSError:
        return
    for line in lines:
        text = line.strip()
        if text and not text.startswith(("#", "import ", "import\t")) and "\0" not in text:
            place = _joined(pth.parent, text)
            if place.is_dir():
                yield place
