"""All interfaces. A new way of binding is one file beside this one and one line here.

Third parties bring theirs as plug-ins (`plug_ins.py`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Final

from backend_shim.interfaces import (
    capsule,
    cffi,
    cpython,
    cython,
    header,
    import_name,
    linking,
    nanobind,
    numpy_c_api,
    platform_floor,
    plug_ins,
    pybind11,
    sip,
    swig,
    torch,
)
from backend_shim.interfaces.inspected_wheel import InspectedWheel, OpenObject
from backend_shim.interfaces.provider import Provider
from backend_shim.interfaces.reasons import Binding, Reason
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
    """How the paths of members end whose content `provides` wants to see."""
    vouches: Callable[[Binding, Provider, Provider, str | None], Reason | None] | None = None
    """What its project promises of a binding that another interface found; the last argument is
    the version that the consumer was built with, where that is known."""


def _interface(module: ModuleType | plug_ins.PlugIn) -> Interface:
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
        vouches=getattr(module, "vouches", None),
    )


INTERFACES: Final[tuple[Interface, ...]] = tuple(
    _interface(module)
    for module in (
        linking,
        numpy_c_api,
        cython,
        cffi,
        sip,
        capsule,
        torch,
        import_name,
        pybind11,
        nanobind,
        swig,
        header,
        cpython,
        platform_floor,
    )
)


@functools.cache
def _plugged_in() -> tuple[Interface, ...]:
    names = frozenset(each.name for each in INTERFACES)
    return tuple(map(_interface, plug_ins.load_plug_ins(names)))


def all_interfaces() -> tuple[Interface, ...]:
    """Those of this program, then those of plug-ins. Raises InterfaceFailed."""
    return INTERFACES + _plugged_in()


def interface_named(name: str) -> Interface | None:
    """The interface `name`, if it is known here. Raises InterfaceFailed."""
    own = next((each for each in INTERFACES if each.name == name), None)
    return own or next((each for each in _plugged_in() if each.name == name), None)


def explained_modules(project: str, modules: Iterable[str]) -> frozenset[str]:
    """Those of `modules` of that project whose names in a binary an interface accounts for.

    Raises InterfaceFailed.
    """
    rules = [
        each.explains
        for each in all_interfaces()
        if each.provider == project and each.explains is not None
    ]
    return frozenset(name for name in modules if any(explains(name) for explains in rules))
