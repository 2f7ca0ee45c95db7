"""The provider's side of a comparison, as an interface sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from backend_shim.record.facts import Facts
from backend_shim.record.fingerprint import SymbolTables
from backend_shim.record.series import Series

_Made = TypeVar("_Made")


class Declaration(NamedTuple):
    """Something of a provider that an interface file may declare."""

    module: str | None
    """The provider's module that it belongs to; None for an identifier of C or C++."""
    name: str
    """`module` itself, an attribute such as `module._C_API`, or the identifier."""
    is_exact: bool = False
    """Of `module`, the consumer uses no function or variable that is not declared by name."""


@dataclass(frozen=True, kw_only=True)
class Provider:
    """One version of a provider. What is dear to read is read when an interface asks for it."""

    name: str
    version: str
    provided: Mapping[str, Facts]
    """By interface."""
    required: Mapping[str, Facts]
    """By interface: a provider is a consumer of others, too."""
    modules: frozenset[str]
    """Dotted names of the modules that it installs."""
    binding_names: frozenset[str]
    """The names that a binary must hold in order to reach it: see `import_name.binding_names`."""
    explained_modules: frozenset[str]
    """Modules of it whose names in a binary another interface than `import_name` accounts for."""
    read_symbols: Callable[[], SymbolTables]
    series: tuple[Series, ...] = ()
    """What it promises of its interfaces, at most one for each name."""
    _made: dict[Callable[[Provider], Any], Any] = field(
        init=False, default_factory=dict, compare=False, repr=False
    )

    @cached_property
    def symbols(self) -> SymbolTables:
        """The exported symbols of all its libraries."""
        return self.read_symbols()

    def made_by(self, make: Callable[[Provider], _Made]) -> _Made:
        """`make(self)`, made once however many consumers are judged."""
        if make not in self._made:
            self._made[make] = make(self)
        made: _Made = self._made[make]
        return made


def nothing_of(provider: Provider) -> Provider:
    """A version of `provider` of which nothing is known but the names by which it is reached."""
    return replace(
        provider, version="", provided={}, required={}, read_symbols=SymbolTables, series=()
    )
