"""Capsules with a table of C functions: `PyCapsule_Import("package.module._C_API", 0)`.

`PyCapsule_Import` imports the package, follows the attributes and takes what it finds only if that
capsule was made under the very name asked for (CPython, Objects/capsule.c). So both sides hold the
whole name: whoever imports it and, in every wheel looked at (greenlet, ExtensionClass, persistent,
gmpy2, shapely, igraph, numba, pygame, pandas), whoever makes it. Names end in `API` by custom and
stand among many other names (of types, of functions in tracebacks), so only those count here; what
this leaves out is left open by `import_name` as before.

That a name is still offered does not tell what the table holds: that says the header which names
the capsule.

Other capsules are handed over by Python code: python-igraph makes one around its `igraph_t`, and
leidenalg takes the pointer out, without a name on either side. What code written by hand makes and
takes is read from its calls; the calls that Cython, pybind11, nanobind, SWIG, sip and NumPy's
headers generate are their own business.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from backend_shim.binary.elf_calls import second_arguments
from backend_shim.interfaces import import_name, nanobind, pybind11, sip, swig
from backend_shim.interfaces.inspected_wheel import InspectedWheel, OpenObject
from backend_shim.interfaces.interface_file import installed_path
from backend_shim.interfaces.provider import Declaration, Provider
from backend_shim.interfaces.reasons import Binding, Effect, Evidence, Reason
from backend_shim.record.canonical import JSONValue
from backend_shim.record.decoding import as_object, get_bool, get_str_list
from backend_shim.record.facts import Facts

NAME: Final = "capsule"

_MAKES: Final = "PyCapsule_New"
_TAKES: Final = "PyCapsule_GetPointer"
_IMPORTS: Final = "PyCapsule_Import"
_GENERATED: Final = (
    b"_ARRAY_API",
    b"_UFUNC_API",
    pybind11.MARK,
    nanobind.MARK,
    swig.MARK,
    *sip.MARKS,
)
ANY_NAME: Final = "*"
"""Stands for a capsule whose name could not be read from the code."""
_CUSTOM: Final = b"API"
# `_C_API`, `CAPI2`, `_DEVICEARRAY_API`, alone or as the last part of a dotted name.
_CALLED_API: Final = re.compile(r"(?:[A-Za-z_]\w*\.)*\w*API\d*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapsuleOffered(Reason):
    """The new provider still makes the capsule, whatever its table holds now."""

    kind: ClassVar[str] = "capsule-offered"
    effect: ClassVar[Effect] = Effect.SUPPORTS
    evidence: ClassVar[Evidence | None] = Evidence.SYMBOLS
    capsule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CapsuleGone(Reason):
    """The old provider makes the capsule and the new one makes none that can have its name."""

    kind: ClassVar[str] = "capsule-gone"
    effect: ClassVar[Effect] = Effect.REFUSES
    capsule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CapsuleNotFound(Reason):
    """The capsule of the old provider was not found in the new one, which may spell it in parts."""

    kind: ClassVar[str] = "capsule-not-found"
    effect: ClassVar[Effect] = Effect.OPEN
    capsule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CapsulesMayBePassed(Reason):
    """The provider makes capsules by names under which the consumer takes some from others."""

    kind: ClassVar[str] = "capsules-may-be-passed"
    effect: ClassVar[Effect] = Effect.OPEN
    names: tuple[str, ...]
    """Empty for none, ANY_NAME for one that could not be read."""


def read_object(opened: OpenObject) -> JSONValue:
    """The capsules that this object makes, imports and takes, by name; None without any.

    `words` are all that may be the name of a table or the end of one, in an object that makes any.
    """
    imported_names = opened.strings.imported_names
    words = opened.strings.words(_CUSTOM) if _MAKES in imported_names else ()
    found: dict[str, set[str]] = {
        "words": {word for word in words if _CALLED_API.fullmatch(word)},
        "imports": {
            literal
            for name in (opened.looked_for if _IMPORTS in imported_names else ())
            for literal, is_whole in opened.strings.names(name)
            if is_whole and "." in literal and _CALLED_API.fullmatch(literal)
        },
        "makes": _passed(opened, _MAKES),
        "takes": _passed(opened, _TAKES),
    }
    return {key: [*sorted(names)] for key, names in found.items()} if any(found.values()) else None


def _passed(opened: OpenObject, function: str) -> set[str]:
    """The names that code written by hand passes to `function`."""
    strings = opened.strings
    if function not in strings.imported_names:
        return set()
    if strings.is_made_by_cython or any(map(strings.contain, _GENERATED)):
        return set()
    return {*(second_arguments(opened.data, opened.shared, function) or {ANY_NAME})}


def accounts_for(seen: JSONValue) -> frozenset[str]:
    """The capsules imported by name: what is to be asked about them is asked here."""
    return frozenset(get_str_list(as_object(seen, NAME), "imports", NAME))


def _seen(wheel: InspectedWheel, key: str) -> set[str]:
    return {
        name
        for _, found in wheel.seen(NAME)
        for name in get_str_list(as_object(found, NAME), key, NAME)
    }


def provides(wheel: InspectedWheel) -> Facts | None:
    """The tables by name, what else may end such a name, and what capsules are made by hand.

    A table counts whose name begins with a package or module of the wheel.
    """
    words, makes = _seen(wheel, "words"), _seen(wheel, "makes")
    own = {re.split(r"[/.]", installed_path(each.path))[0] for each in wheel.objects}
    tables = {word for word in words if "." in word and word.split(".")[0] in own}
    if not tables and not makes:
        return None
    return Facts(
        {
            "tables": sorted(tables),
            "last_words": sorted(set(map(_last_word, words))) if tables else [],
            "makes": sorted(makes),
            "is_complete": wheel.is_complete,
        }
    )


def _last_word(name: str) -> str:
    return name.rpartition(".")[2]


def requires(wheel: InspectedWheel) -> Facts | None:
    """The tables of the distributions looked for that it imports, and the capsules it takes."""
    imports, takes = _seen(wheel, "imports"), _seen(wheel, "takes")
    if not imports and not takes:
        return None
    return Facts({"imports": sorted(imports), "takes": sorted(takes)})


def is_satisfied(required: Facts, old: Provider, new: Provider) -> tuple[Binding, ...]:
    """A binding for each table of the old provider, one for capsules that are passed.

    And what the name of any other table says.
    """
    needs, path = required.thaw(), f"$.{NAME}"
    names = get_str_list(needs, "imports", path)
    offered = _offered(old, "tables")
    found = [_binding(name, old, new) for name in names if name in offered]
    others = (name for name in names if name not in offered)
    found += [replace(each, interface=NAME) for each in import_name.bindings(others, (), old, new)]
    takes = frozenset(get_str_list(needs, "takes", path))
    passed = _in_common(takes, _offered(old, "makes") | _offered(new, "makes")) - {*names}
    if passed:
        reason = CapsulesMayBePassed(names=tuple(sorted(passed)))
        found.append(Binding(interface=NAME, reasons=(reason,)))
    return tuple(found)


def _in_common(takes: frozenset[str], makes: frozenset[str]) -> frozenset[str]:
    """The names under which a capsule may go from one to the other; ANY_NAME may be each."""
    if not takes or not makes:
        return frozenset()
    return (takes & makes) | ((takes | makes) & {ANY_NAME})


def tables_in(provided: Facts | None) -> frozenset[str]:
    """The names of the tables that a wheel makes; raises InvalidRecord."""
    return _listed(provided, "tables")


def _offered(provider: Provider, key: str) -> frozenset[str]:
    return _listed(provider.provided.get(NAME), key)


def _listed(facts: Facts | None, key: str) -> frozenset[str]:
    return frozenset() if facts is None else frozenset(get_str_list(facts.thaw(), key, f"$.{NAME}"))


def _binding(name: str, old: Provider, new: Provider) -> Binding:
    if name not in _offered(new, "tables"):
        reason = CapsuleGone(capsule=name) if _is_gone(name, new) else CapsuleNotFound(capsule=name)
        # No header makes up for a capsule that is not there.
        return Binding(interface=NAME, reasons=(reason,))
    module = import_name.longest_module(name, old.modules | new.modules)
    return Binding(
        interface=NAME,
        reasons=(CapsuleOffered(capsule=name),),
        declarations=(Declaration(module=module, name=name),),
    )


def _is_gone(name: str, new: Provider) -> bool:
    """Whether no binary of `new` holds that name, nor its end, to which it could add the rest."""
    facts = new.provided.get(NAME)
    if facts is None:
        return False
    table, path = facts.thaw(), f"$.{NAME}"
    last_words = get_str_list(table, "last_words", path)
    return get_bool(table, "is_complete", path) and _last_word(name) not in last_words
