"""Capsules with a table of C functions: `PyCapsule_Import("package.module._C_API", 0)`.

`PyCapsule_Import` imports the package, follows the attributes and takes what it finds only if that
capsule was made under the very name asked for (CPython, Objects/capsule.c). So both sides hold the
whole name: whoever imports it and, in every wheel looked at (greenlet, ExtensionClass, persistent,
gmpy2, shapely, igraph, numba, pygame, pandas), whoever makes it. Names end in `API` by custom and
stand among many other names (of types, of functions in tracebacks), so only those count here; what
this leaves out is left open by `import_name` as before.

That a name is still offered does not tell what the table holds: that says the header which names
the capsule.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from backend_shim.interfaces import import_name
from backend_shim.interfaces.inspected_wheel import InspectedWheel, OpenObject
from backend_shim.interfaces.interface_file import installed_path
from backend_shim.interfaces.provider import Declaration, Provider
from backend_shim.interfaces.reasons import Binding, Effect, Evidence, Reason
from backend_shim.record.canonical import JSONValue
from backend_shim.record.decoding import as_object, get_bool, get_str_list
from backend_shim.record.facts import Facts

NAME: Final = "capsule"

_MAKES: Final = "PyCapsule_New"
_IMPORTS: Final = "PyCapsule_Import"
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


def read_object(opened: OpenObject) -> JSONValue:
    """Names of tables in an object that makes capsules, and those looked for in one that imports.

    None where there are neither.
    """
    imported_names = opened.strings.imported_names
    made = (
        {word for word in opened.strings.words(_CUSTOM) if _CALLED_API.fullmatch(word)}
        if _MAKES in imported_names
        else set()
    )
    imports = {
        literal
        for name in (opened.looked_for if _IMPORTS in imported_names else ())
        for literal, is_whole in opened.strings.names(name)
        if is_whole and "." in literal and _CALLED_API.fullmatch(literal)
    }
    if not made and not imports:
        return None
    return {"made": [*sorted(made)], "imported": [*sorted(imports)]}


def accounts_for(seen: JSONValue) -> frozenset[str]:
    """The capsules imported by name: what is to be asked about them is asked here."""
    return frozenset(get_str_list(as_object(seen, NAME), "imported", NAME))


def provides(wheel: InspectedWheel) -> Facts | None:
    """The capsules that its objects name and make, and all last words of such names in them.

    A capsule counts whose name begins with a package or module of the wheel.
    """
    words = {
        word
        for _, found in wheel.seen(NAME)
        for word in get_str_list(as_object(found, NAME), "made", NAME)
    }
    own = {re.split(r"[/.]", installed_path(each.path))[0] for each in wheel.objects}
    capsules = {word for word in words if "." in word and word.split(".")[0] in own}
    if not capsules:
        return None
    return Facts(
        {
            "capsules": sorted(capsules),
            "last_words": sorted(set(map(_last_word, words))),
            "is_complete": wheel.is_complete,
        }
    )


def _last_word(name: str) -> str:
    return name.rpartition(".")[2]


def requires(wheel: InspectedWheel) -> Facts | None:
    """The capsules of the distributions looked for that its objects import."""
    names = {
        name
        for _, found in wheel.seen(NAME)
        for name in get_str_list(as_object(found, NAME), "imported", NAME)
    }
    return Facts({"imports": sorted(names)}) if names else None


def is_satisfied(required: Facts, old: Provider, new: Provider) -> tuple[Binding, ...]:
    """A binding for each capsule of the old provider, and what its name says of any other."""
    names = get_str_list(required.thaw(), "imports", f"$.{NAME}")
    offered = _capsules(old)
    capsules = [name for name in names if name in offered]
    others = [name for name in names if name not in offered]
    return (
        *(_binding(name, old, new) for name in capsules),
        *(replace(each, interface=NAME) for each in import_name.bindings(others, (), old, new)),
    )


def _capsules(provider: Provider) -> frozenset[str]:
    facts = provider.provided.get(NAME)
    if facts is None:
        return frozenset()
    return frozenset(get_str_list(facts.thaw(), "capsules", f"$.{NAME}"))


def _binding(name: str, old: Provider, new: Provider) -> Binding:
    if name not in _capsules(new):
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
