"""Promises of providers that do not declare them in their wheels, read from TOML.

The file beside this one holds the few that upstream publishes; a user gives others.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from backend_shim.interfaces.provider import Provider
from backend_shim.record.series import Series, is_release, is_series_name
from resolver_check.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_SHIPPED: Final = Path(__file__).with_name("known_series.toml")
_KEYS: Final = ("provider", "name", "versions", "last-change", "last-addition")
# How many numbers of a release the policy leaves as they are.
_POLICIES: Final = {"major": 1, "minor": 2}
_EVERY_RELEASE: Final = "release"
_AT_MOST: Final = "<="


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A series of one provider, for those of its releases for which it was promised."""

    provider: str
    name: str
    versions: SpecifierSet
    last_change: str
    """A release; `<=` and a release: then or before; or `major` or `minor`: only where that number
    of a version changes."""
    last_addition: str
    """Likewise; or `release`: with any."""

    def series(self, release: Version) -> Series:
        """What it says of `release`."""
        return Series(
            name=self.name,
            last_change=_number(self.last_change.removeprefix(_AT_MOST), release),
            last_addition=_number(self.last_addition, release),
            is_exact=is_release(self.last_change),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """What is known of providers beside what their wheels declare."""

    shipped: tuple[Promise, ...]
    """Of this program; what a wheel declares counts before it."""
    given: tuple[Promise, ...] = ()
    """By the user; counts before what a wheel declares."""

    def added_to(self, provider: Provider) -> Provider:
        """`provider` with its series."""
        return replace(provider, series=self.of(provider.name, provider.version, provider.series))

    def of(
        self, provider: str, version: str, declared: Iterable[Series] = ()
    ) -> tuple[Series, ...]:
        """The series of one release of `provider`, which itself has `declared` some."""
        try:
            release = Version(version)
        except InvalidVersion:
            return tuple(declared)
        series = {
            **{each.name: each for each in _of(self.shipped, provider, release)},
            **{each.name: each for each in declared},
            **{each.name: each for each in _of(self.given, provider, release)},
        }
        return tuple(series.values())


@functools.cache
def shipped_promises() -> Promises:
    """Those that this program knows."""
    return Promises(shipped=read_promises(_SHIPPED))


def read_promises(path: Path) -> tuple[Promise, ...]:
    """The promises in a file. Raises UsageError."""
    try:
        with path.open("rb") as file:
            document = tomllib.load(file)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{path}: {why}") from error
    tables = document.get("series")
    if not isinstance(tables, list) or document.keys() != {"series"}:
        raise UsageError(f"{path}: wants [[series]] tables and nothing else")
    return tuple(
        _promise(table, f"{path}: series {number}") for number, table in enumerate(tables, start=1)
    )


def _of(promises: tuple[Promise, ...], provider: str, release: Version) -> Iterator[Series]:
    for each in promises:
        if each.provider == provider and each.versions.contains(release, prereleases=True):
            yield each.series(release)


def _promise(table: object, where: str) -> Promise:
    if not isinstance(table, Mapping) or not all(isinstance(each, str) for each in table.values()):
        raise UsageError(f"{where} must be a table of strings")
    if missing := [key for key in _KEYS if key not in table]:
        raise UsageError(f"{where} has no {' and no '.join(missing)}")
    if strange := sorted(table.keys() - {*_KEYS, "source"}):
        raise UsageError(f"{where} has the unknown key {strange[0]}")
    if not is_series_name(table["name"]):
        raise UsageError(f"{where}: {table['name']!r} names no module, capsule or way of binding")
    return Promise(
        provider=canonicalize_name(table["provider"]),
        name=table["name"],
        versions=_versions(table["versions"], where),
        last_change=_when(table, "last-change", tuple(_POLICIES), where),
        last_addition=_when(table, "last-addition", (*_POLICIES, _EVERY_RELEASE), where),
    )


def _versions(text: str, where: str) -> SpecifierSet:
    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        raise UsageError(f"{where}: {text!r} is no version specifier") from None


def _when(table: Mapping[str, Any], key: str, policies: tuple[str, ...], where: str) -> str:
    value: str = table[key]
    bound = value.removeprefix(_AT_MOST) if key == "last-change" else value
    if value not in policies and not is_release(bound):
        wanted = ", ".join(f'"{each}"' for each in policies)
        raise UsageError(f'{where}: {key} is a release such as "1.0", or {wanted}')
    return value


def _number(when: str, release: Version) -> str:
    """`when` of `release` as a release."""
    if when == _EVERY_RELEASE:
        return release.base_version
    if when not in _POLICIES:
        return when
    epoch = f"{release.epoch}!" if release.epoch else ""
    return epoch + ".".join(map(str, release.release[: _POLICIES[when]]))
