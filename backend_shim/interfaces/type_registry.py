"""Types shared through the internals of pybind11, nanobind or SWIG: no name of a wheel is needed.

Two wheels whose modules have the same internals see each other's C++ types without naming each
other (pybind11 detail/internals.h, nanobind nb_internals.cpp, SWIG pyrun.swg). Whether they do
cannot be read from the binaries, so two wheels that could are left open.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Final

from backend_shim.interfaces.inspected_wheel import InspectedWheel, OpenObject
from backend_shim.interfaces.provider import Provider
from backend_shim.interfaces.reasons import Binding, Effect, Reason
from backend_shim.record.canonical import JSONValue
from backend_shim.record.decoding import get_str_list
from backend_shim.record.facts import Facts

NAME: Final = "type-registry"

_PYBIND11: Final = re.compile(rb"(__pybind11_internals_\w+?)(?:__)?\0", re.ASCII)
# Literals by which an object of each library is known, whatever its version.
_MARKS: Final = {
    "nanobind": b"__nb_internals_",
    "pybind11": b"_pybind11_internals_",
    "swig": b"swig_runtime_data",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TypesMayBeShared(Reason):
    """Both wheels register C++ types with the same library, and may exchange them."""

    kind: ClassVar[str] = "types-may-be-shared"
    effect: ClassVar[Effect] = Effect.OPEN
    registries: tuple[str, ...]


def read_object(opened: OpenObject) -> JSONValue:
    """The registries that this object has: the pybind11 id, or the library's name."""
    if not opened.strings.ask_the_interpreter:
        return None
    ids = {
        found.decode("ascii", "replace")
        for found in opened.strings.matches(b"__pybind11_internals_", _PYBIND11)
    }
    ids |= {
        library
        for library, mark in _MARKS.items()
        if not (library == "pybind11" and ids) and opened.strings.contain(mark)
    }
    found = sorted(ids)
    return [*found] or None


def _registries(wheel: InspectedWheel) -> Facts | None:
    found: set[str] = set()
    for _, ids in wheel.seen(NAME):
        assert isinstance(ids, list)
        found.update(map(str, ids))
    return Facts({"registries": sorted(found)}) if found else None


def provides(wheel: InspectedWheel) -> Facts | None:
    """The registries of its modules."""
    return _registries(wheel)


def requires(wheel: InspectedWheel) -> Facts | None:
    """The registries of its modules."""
    return _registries(wheel)


def is_satisfied(required: Facts, old: Provider, new: Provider) -> tuple[Binding, ...]:
    """One open binding where both sides use the same library.

    Whatever their ids: pybind11's conduit crosses them.
    """
    ours = _libraries(required)
    theirs: set[str] = set()
    for provider in (old, new):
        if facts := provider.provided.get(NAME):
            theirs |= _libraries(facts)
    shared = tuple(sorted(ours & theirs))
    if not shared:
        return ()
    return (Binding(interface=NAME, reasons=(TypesMayBeShared(registries=shared),)),)


def _libraries(facts: Facts) -> set[str]:
    ids = get_str_list(facts.thaw(), "registries", f"$.{NAME}")
    return {each if each in _MARKS else "pybind11" for each in ids}
