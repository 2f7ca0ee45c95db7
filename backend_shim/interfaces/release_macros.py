"""Macros that say of which release a header is, and change with every one.

A consumer holds the value that it was compiled with. That is harmless as long as nobody asks: so
such a macro may change if nothing else in the headers uses it, and nothing that the consumer takes
from the provider has to do with versions. `ZLIB_VERSION` stands in the macro `inflateInit`,
`H5_VERS_RELEASE` in `H5check()`; what libpng imports take is called `user_png_ver`. A major
version, and the number of an ABI, an API or a format, always counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from backend_shim.interfaces.declarations import IDENTIFIER, Item, Kind

_VERSION: Final = re.compile(r"(?i:version|(?:^|_)vers?(?:_|$))|(?<=[a-z0-9])Ver(?![a-z])")
_PROTOCOL: Final = re.compile(
    r"ABI|API|FORMAT|PROTOCOL|SCHEMA|COMPAT|INTERFACE|MAJOR|MAGIC|CURRENT|AGE", re.IGNORECASE
)
_MINOR: Final = re.compile(
    r"(?:^|_)(?:MINOR|PATCH|MICRO|RELEASE|TWEAK|BUILD|REVISION|SUBMINOR)(?:_|$)", re.IGNORECASE
)
_DOTTED: Final = re.compile(r"(\d+)(?:\.\d+)+")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")


def is_about_versions(name: str) -> bool:
    """Whether an identifier says that what it names is a version."""
    return _VERSION.search(name) is not None


def is_other_release(old: Item, new: Item) -> bool:
    """Whether the two define a macro with another minor version, patch level or date."""
    if (old.kind, old.where, old.text[:2]) != (Kind.MACRO, new.where, new.text[:2]):
        return False
    if len(old.text) != 3 or len(new.text) != 3:
        return False
    name, value, now = old.text[1], old.text[2], new.text[2]
    if not is_about_versions(name) or _PROTOCOL.search(name):
        return False
    if value[0] == now[0] == '"':
        return _major_only(value) == _major_only(now)
    return _MINOR.search(name) is not None and value.isdecimal() and now.isdecimal()


def _major_only(text: str) -> str:
    return _DOTTED.sub(r"\1", _DATE.sub("", text))


def users(releases: frozenset[str], items: Iterable[Item]) -> tuple[frozenset[str], list[Item]]:
    """`releases` with the versions that are made of them, and the items that use any otherwise."""
    using = list(items)
    found = set(releases)
    while True:
        using = [each for each in using if not _only_says(each, found)]
        made = [each for each in using if not each.names <= found and _is_made(each, found)]
        if not made:
            return frozenset(found), [each for each in using if not each.words.isdisjoint(found)]
        found.update(*(each.names for each in made))


def _only_says(item: Item, releases: set[str]) -> bool:
    """Whether it is one of the definitions themselves, under no condition that asks for one."""
    around = IDENTIFIER.findall("\n".join(item.where))
    return item.kind is Kind.MACRO and item.names <= releases and releases.isdisjoint(around)


def _is_made(item: Item, releases: set[str]) -> bool:
    """A macro called a version, of releases, other versions, its parameters and operators only."""
    if item.kind is not Kind.MACRO or not all(map(is_about_versions, item.names)):
        return False
    if item.words.isdisjoint(releases):
        return False
    parameters: set[str] = set()
    body = item.text[2:]
    if item.text[1].endswith("("):
        end = body.index(")") if ")" in body else 0
        parameters, body = set(body[:end]), body[end + 1 :]
    known = releases | parameters
    return all(
        each in known or (is_about_versions(each) and behind != "(")
        for each, behind in zip(body, (*body[1:], ""), strict=True)
        if IDENTIFIER.fullmatch(each)
    )
