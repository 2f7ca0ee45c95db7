"""All interfaces. A new way of binding is one file beside this one and one line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Final

from backend_shim.interfaces import (
    cpython,
    header,
    import_name,
    linking,
    numpy_c_api,
    type_registry,
)
from backend_shim.interfaces.inspected_wheel import InspectedWheel, OpenObject
from backend_shim.interfaces.provider import Provider
from backend_shim.interfaces.reasons import Binding
from backend_shim.record.canonical import JSONValue
from backend_shim.record.facts import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """One way of binding: what it sees in a binary and in a wheel, and its rule."""

    name: str
    read_object: Callable[[OpenObject], JSONValue]
    provides: Callable[[InspectedWheel], Facts | None]
    requires: Callable[[InspectedWheel], Facts | None]
    is_satisfied: Callable[[Facts, Provider, Provider], tuple[Binding, ...]]
    provider: str | None = None
    """Normalized name of the one project whose interface this is."""
    explains: Callable[[str], bool] | None = None
    """Whether it accounts for the name of that module of the project in a binary."""
    accounts_for: Callable[[JSONValue], frozenset[str]] | None = None
    """Of what `read_object` returned, the names (as they stand in the binary) that its own facts
    answer for, so that `import_name` need not leave them open."""
    wanted_text: tuple[str, ...] = ()
    """File names of the members whose content `provides` wants to see."""


def _interface(module: ModuleType) -> Interface:
    return Interface(
        name=module.NAME,
        read_object=module.read_object,
        provides=module.provides,
        requires=module.requires,
        is_satisfied=module.is_satisfied,
        provider=getattr(module, "PROVIDER", None),
        explains=getattr(module, "explains", None),
        accounts_for=getattr(module, "accounts_for", None),
        wanted_text=getattr(module, "WANTED_TEXT", ()),
    )


INTERFACES: Final = tuple(
    _interface(module)
    for module in (linking, numpy_c_api, import_name, type_registry, header, cpython)
)


def interface_named(name: str) -> Interface | None:
    """The interface `name`, if this program knows it."""
    return next((each for each in INTERFACES if each.name == name), None)
