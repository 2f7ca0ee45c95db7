"""Listings of sonames and version nodes: what `elfdeps` prints, or the same taken from a wheel.

`elfdeps --provides` and `--requires` (and fromager, in `fromager-elf-provides.txt` and
`fromager-elf-requires.txt` of a wheel) write one dependency of rpm a line,
`libz.so.1(ZLIB_1.2.9)(64bit)`. Without either option it prints a block for each file, in which such
lines stand under `provides:` and `requires:`. In JSON they are lists of strings, or of objects as
`dataclasses.asdict` makes them of an `ELFInfo`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from backend_shim.errors import InvalidRecord
from backend_shim.interfaces.linking.facts import NAME, libraries_in, needs_in
from backend_shim.record.canonical import JSONValue
from backend_shim.record.decoding import MAX_BYTES, decode_json
from backend_shim.record.fingerprint import AbiFingerprint
from resolver_check.compare.sonames import Listing, NamedVersion
from resolver_check.errors import SourceUnavailable

SUFFIXES: Final = (".elfdeps", ".txt", ".json", ".yaml")
"""What the name of a listing ends with; wheels end otherwise."""

# The marker says for which class of ELF file; a wheel has one alone.
_ENTRY: Final = re.compile(r"(?P<soname>[^\s()]+)\((?P<version>[^\s()]*)\)(?:\(\w+\))?")
# The fields of an ELFInfo.
_KEY: Final = re.compile(
    r"(?P<key>filename|requires|provides|machine|is_dso|is_exec|got_debug|got_hash|got_gnuhash"
    r"|soname|interp|marker|runpath|exported_symbols|imported_symbols):(?: .*)?"
)
_SIDES: Final = frozenset({"provides", "requires"})
_ITEM: Final = "  - "
# Not a library: "the loader must understand DT_GNU_HASH".
_LOADER: Final = "rtld"
_SHOWN: Final = 60


def is_listing(path: Path) -> bool:
    """Whether `path` is named like a listing and not like a wheel."""
    return path.suffix.lower() in SUFFIXES


def read_listing(path: Path, *, side: str) -> Listing:
    """The listing in a file; bare lines are what the `side`, `provides` or `requires`, says.

    Raises SourceUnavailable.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SourceUnavailable(path.name, error.strerror or str(error)) from error
    try:
        return parse_listing(data, path.name, side=side)
    except InvalidRecord as error:
        raise SourceUnavailable(path.name, str(error)) from error


def parse_listing(data: bytes, name: str, *, side: str) -> Listing:
    """The listing in `data`; raises InvalidRecord."""
    if len(data) > MAX_BYTES:
        raise InvalidRecord("$", f"is larger than {MAX_BYTES} bytes")
    if data.lstrip()[:1] in (b"{", b"["):
        found = list(_of_json(decode_json(data), side))
    else:
        try:
            found = list(_of_lines(data.decode("utf-8").splitlines(), side))
        except UnicodeDecodeError:
            raise InvalidRecord("$", "is not UTF-8") from None
    by_side: dict[str, set[NamedVersion]] = {"provides": set(), "requires": set()}
    for where, entry in found:
        if entry.soname != _LOADER:
            by_side[where].add(entry)
    provides, requires = map(frozenset, by_side.values())
    return Listing(name=name, provides=provides, requires=requires - provides)


def listing_of(fingerprint: AbiFingerprint, name: str) -> Listing:
    """What the fingerprint of a wheel says of the same; raises InvalidRecord."""
    provided, required = fingerprint.provided(NAME), fingerprint.required(NAME)
    provides = {
        NamedVersion(each.name, version)
        for each in libraries_in(provided.facts if provided else None)
        if each.format == "elf" and not each.is_grafted
        for version in ("", *(each.versions or ()))
    }
    requires = set()
    for need in needs_in(required.facts if required else None):
        if need.format == "elf":
            requires |= {NamedVersion(soname, "") for soname in need.needed}
            requires |= {
                NamedVersion(each.library, each.version)
                for each in need.imports
                if each.library is not None and each.version is not None
            }
    return Listing(name=name, provides=frozenset(provides), requires=frozenset(requires))


def _of_lines(lines: Iterable[str], side: str) -> Iterator[tuple[str, NamedVersion]]:
    section: str | None = side
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        if line == "---":
            section = None
        elif line.startswith(_ITEM):
            if section in _SIDES:
                yield str(section), _entry(line[len(_ITEM) :])
        elif (key := _KEY.fullmatch(line)) is not None:
            section = key["key"]
        elif section == side:
            yield side, _entry(line)
        else:
            raise InvalidRecord("$", f"holds the line {line[:_SHOWN]!r}, which elfdeps would not")


def _of_json(value: JSONValue, side: str) -> Iterator[tuple[str, NamedVersion]]:
    match value:
        case list():
            for each in value:
                if isinstance(each, dict) and _SIDES & each.keys():
                    yield from _of_json(each, side)
                else:
                    yield side, _json_entry(each)
        case dict():
            for key in ("provides", "requires"):
                listed = value.get(key, [])
                if not isinstance(listed, list):
                    raise InvalidRecord(f"$.{key}", "must be a list")
                for each in listed:
                    yield key, _json_entry(each)


def _json_entry(value: JSONValue) -> NamedVersion:
    match value:
        case str():
            return _entry(value)
        case {"soname": str(soname), "version": str(version)}:
            return NamedVersion(soname, version)
    raise InvalidRecord("$", "must list strings or objects with `soname` and `version`")


def _entry(text: str) -> NamedVersion:
    match = _ENTRY.fullmatch(text.strip())
    if match is None:
        raise InvalidRecord("$", f"holds {text[:_SHOWN]!r}, which is no soname with a version")
    return NamedVersion(match["soname"], match["version"])
