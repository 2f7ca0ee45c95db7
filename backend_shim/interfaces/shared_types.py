"""What pybind11, nanobind and SWIG have in common: a registry of types that wheels share unnamed.

Modules whose registries have the same id use one registry: an object of a type that one of them
wrapped can be passed to functions of the other, and no name of a wheel is needed. But each way into
the registry begins with a type: it is asked for by the name of a C++ type (pybind11
detail/type_caster_base.h `get_type_info`, `same_type`; nanobind `nb_type_c2p`; SWIG `pyrun.swg`,
`SWIG_TypeQueryModule`), also for instances found by address, for types of one module only and
through pybind11's conduit. Two wheels that know no type in common exchange none, then; what else
they share is the same for any two wheels with that registry, whether one needs the other or not.
Types of the C++ library and of the binding itself do not count: their layout is not the provider's
business, and a rebuild would find the same.

That both know a type does not say that they exchange it, so this is left open.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

from backend_shim.interfaces.inspected_wheel import InspectedWheel
from backend_shim.interfaces.provider import Provider
from backend_shim.interfaces.reasons import Binding, Effect, Evidence, Reason
from backend_shim.record.canonical import JSONValue
from backend_shim.record.decoding import as_object, get_str_list
from backend_shim.record.facts import Facts

ANY_ID: Final = "*"
"""Stands for the registry of an object whose id could not be read: it may be any."""

# With more types than that, one object or another is a whole library; they are not compared.
MAX_TYPES: Final = 1024
_LONGEST: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class NoTypeInCommon(Reason):
    """Both wheels use one registry and know no type in common, so nothing passes through it."""

    kind: ClassVar[str] = "no-type-in-common"
    effect: ClassVar[Effect] = Effect.SUPPORTS
    evidence: ClassVar[Evidence | None] = Evidence.NO_BINDING
    registry: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TypesMayBeShared(Reason):
    """Both wheels use one registry and know types in common, so they may exchange them."""

    kind: ClassVar[str] = "types-may-be-shared"
    effect: ClassVar[Effect] = Effect.OPEN
    registry: str
    types: tuple[str, ...]
    """Empty where the types of one of them could not be listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypesNoLongerShared(Reason):
    """Both know types in common, and only with the old provider did they use one registry."""

    kind: ClassVar[str] = "types-no-longer-shared"
    effect: ClassVar[Effect] = Effect.OPEN
    registry: str
    ids: tuple[str, ...]
    """Of the new provider."""


def registered(ids: Iterable[str], types: Iterable[str] | None) -> JSONValue:
    """What `read_object` returns of an object with a registry of these ids; ANY_ID without any."""
    return {"ids": [*sorted(set(ids) or {ANY_ID})], "types": _listed(types)}


def _listed(types: Iterable[str] | None) -> JSONValue:
    found: set[str] = set()
    for name in () if types is None else types:
        found.add(_short(name))
        if len(found) > MAX_TYPES:
            return None
    return None if types is None else [*sorted(found)]


def _short(name: str) -> str:
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST // 2]}~{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def facts_of(wheel: InspectedWheel, interface: str) -> Facts | None:
    """The ids of its registries and the types that its objects with one know, if any has one."""
    ids: set[str] = set()
    types: set[str] | None = set()
    for _, found in wheel.seen(interface):
        table = as_object(found, interface)
        ids.update(get_str_list(table, "ids", interface))
        known = get_str_list(table, "types", interface, optional=True)
        types = None if types is None or table["types"] is None else types | set(known)
    if not ids:
        return None
    too_many = types is None or len(types) > MAX_TYPES
    return Facts({"ids": sorted(ids), "types": None if too_many else sorted(types or ())})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Registry:
    ids: frozenset[str]
    types: frozenset[str] | None

    def meets(self, other: _Registry) -> bool:
        return bool(self.ids & other.ids) or ANY_ID in self.ids | other.ids


def _decode(facts: Facts, interface: str) -> _Registry:
    table, path = facts.thaw(), f"$.{interface}"
    types = get_str_list(table, "types", path, optional=True)
    return _Registry(
        ids=frozenset(get_str_list(table, "ids", path)),
        types=None if table.get("types") is None else frozenset(types),
    )


def have_one_registry(interface: str, ours: Facts, theirs: Facts) -> bool:
    """Whether two wheels use one registry of that interface; raises InvalidRecord."""
    return _decode(ours, interface).meets(_decode(theirs, interface))


def bindings(interface: str, required: Facts, old: Provider, new: Provider) -> tuple[Binding, ...]:
    """One binding where the consumer has one registry with the old or the new provider."""
    ours = _decode(required, interface)
    theirs = [
        None if (facts := each.provided.get(interface)) is None else _decode(facts, interface)
        for each in (old, new)
    ]
    if not any(each is not None and ours.meets(each) for each in theirs):
        return ()
    return (Binding(interface=interface, reasons=(_judge(interface, ours, *theirs),)),)


def _judge(interface: str, ours: _Registry, old: _Registry | None, new: _Registry | None) -> Reason:
    common: set[str] = set()
    for theirs in (old, new):
        if theirs is not None:
            if ours.types is None or theirs.types is None:
                return TypesMayBeShared(registry=interface, types=())
            common |= ours.types & theirs.types
    if not common:
        return NoTypeInCommon(registry=interface)
    if old is not None and ours.meets(old) and not (new is not None and ours.meets(new)):
        ids = tuple(sorted(new.ids)) if new else ()
        return TypesNoLongerShared(registry=interface, ids=ids)
    return TypesMayBeShared(registry=interface, types=tuple(sorted(common)))
