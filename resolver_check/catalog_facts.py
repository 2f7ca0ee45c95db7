"""Whether two wheels of a catalog meet by what their fingerprints say, beside names.

To read these is dear: who asks has seen that names do not tell.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from functools import cache
from typing import Final

from backend_shim.errors import InvalidRecord
from backend_shim.interfaces import capsule, nanobind, pybind11, shared_types, swig
from backend_shim.interfaces.linking.facts import NAME as LINKING
from backend_shim.interfaces.linking.facts import libraries_in, needs_in
from backend_shim.interfaces.linking.platform_libraries import library_key
from backend_shim.record.facts import Facts
from backend_shim.record.fingerprint import AbiFingerprint
from resolver_check.scan.wheel_facts import named_in, needed_by
from resolver_check.sources.catalog_selection import Selection

_REGISTRIES: Final = (nanobind.NAME, pybind11.NAME, swig.NAME)
BY_FACTS: Final = (LINKING, capsule.NAME, *_REGISTRIES)
"""The interfaces of which both have to say something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Offer:
    """By what a wheel may be bound to, beside its names."""

    tables: frozenset[str]
    libraries: frozenset[str]
    provided: dict[str, Facts]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Take:
    """What a wheel takes of those that it binds to, beside names."""

    named: frozenset[str]
    needed: frozenset[str]
    takes_symbols: bool
    required: dict[str, Facts]


class CatalogFacts:
    """What the fingerprints of wheels say of two that may meet."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection

    def meet(self, wheel: int, provider: int) -> bool:
        """Whether `wheel` takes anything that `provider` offers, or that cannot be told."""
        try:
            take, offer = self._take(wheel), self._offer(provider)
            if not take.named.isdisjoint(offer.tables):
                return True
            if not take.needed.isdisjoint(offer.libraries):
                return True
            # Its symbols do not stand in the catalog.
            if offer.libraries and take.takes_symbols:
                return True
            if capsule.NAME in take.required and capsule.NAME in offer.provided:
                return True
            return any(
                shared_types.have_one_registry(
                    interface, take.required[interface], offer.provided[interface]
                )
                for interface in _REGISTRIES
                if interface in take.required and interface in offer.provided
            )
        except InvalidRecord:
            return True

    @cache  # noqa: B019 - lives as long as its plan
    def _offer(self, wheel: int) -> _Offer:
        provided = {each.interface: each.facts for each in self._fingerprint(wheel).provides}
        return _Offer(
            tables=capsule.tables_in(provided.get(capsule.NAME)),
            libraries=library_names(provided.get(LINKING)),
            provided=provided,
        )

    @cache  # noqa: B019 - lives as long as its plan
    def _take(self, wheel: int) -> _Take:
        fingerprint = self._fingerprint(wheel)
        required = {each.interface: each.facts for each in fingerprint.requires}
        return _Take(
            named=frozenset(named_in(fingerprint)),
            needed=needed_by(fingerprint),
            takes_symbols=any(
                each.imports or each.optional for each in needs_in(required.get(LINKING))
            ),
            required=required,
        )

    def _fingerprint(self, wheel: int) -> AbiFingerprint:
        """Raises InvalidRecord."""
        body = self._selection.body(wheel)
        if body is None:
            raise InvalidRecord("$", "is missing")
        return body.fingerprint


def library_names(provided: Facts | None) -> frozenset[str]:
    """All names by which loaders find the libraries of a provider; raises InvalidRecord."""
    return frozenset(
        spelled
        for each in libraries_in(provided)
        for name in (each.name, posixpath.basename(each.path))
        for spelled in (name, library_key(name, each.format))
    )
