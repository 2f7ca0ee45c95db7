"""What a module made by Cython says of itself once it is imported: exact, where a binary is not.

`imported_module` reads it in a process of its own. In `__pyx_capi__` functions and variables lie
side by side, each a capsule that is named by its signature or its C type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from backend_shim.interfaces import cython_types
from backend_shim.record.canonical import JSONValue
from backend_shim.record.decoding import (
    JSONObject,
    as_object,
    decode_json,
    get_bool,
    get_int,
    get_object,
    get_objects,
    get_str,
    path_to,
)
from backend_shim.record.facts import Facts

# `TYPE (TYPE, TYPE)`, and no pointer to a function: `TYPE (*)(TYPE)`.
_FUNCTION: Final = re.compile(r"[^()]*\((?!\*).*\)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedModule:
    """What one module offered when it was imported."""

    capsules: Mapping[str, str]
    """By name of the function or variable."""
    basic: Mapping[str, int]
    """`__basicsize__` of every type that it has a name for."""
    items: Mapping[str, int]
    """`__itemsize__` of these."""
    own: frozenset[str]
    """Those that say they are of this module."""


def decode(data: bytes) -> ImportedModule | str:
    """What the process wrote, or why it could not import the module. Raises InvalidRecord."""
    table = as_object(decode_json(data), "$")
    if "error" in table:
        return get_str(table, "error", "$")
    capsules, types = get_object(table, "capsules", "$"), get_object(table, "types", "$")
    rows = {name: (get_object(types, name, "$.types"), path_to("$.types", name)) for name in types}
    return ImportedModule(
        capsules={name: get_str(capsules, name, "$.capsules") for name in capsules},
        basic={name: get_int(row, "basic", path) for name, (row, path) in rows.items()},
        items={name: get_int(row, "item", path) for name, (row, path) in rows.items()},
        own=frozenset(name for name, (row, path) in rows.items() if get_bool(row, "is_own", path)),
    )


def module_names(facts: Facts) -> tuple[str, ...]:
    """The modules in what `cython` says that a wheel provides."""
    return tuple(get_str(each, "module", path) for each, path in _modules(facts))


def with_imported(facts: Facts, imported: Mapping[str, tuple[ImportedModule, bytes]]) -> Facts:
    """`facts` with those of the imported modules; with each comes the text of its `.pxd`."""
    modules = []
    for each, path in _modules(facts):
        found = imported.get(get_str(each, "module", path))
        modules.append({**each, **_facts_of(*found)} if found is not None else each)
    return Facts({"modules": modules})


def _modules(facts: Facts) -> tuple[tuple[JSONObject, str], ...]:
    return get_objects(facts.thaw(), "modules", "$.cython")


def _facts_of(module: ImportedModule, declared: bytes) -> dict[str, JSONValue]:
    functions = {name: text for name, text in module.capsules.items() if _FUNCTION.fullmatch(text)}
    # Who imports a type has it from the `.pxd`, unless that includes another text.
    words = cython_types.words_of(declared)
    types = module.own if "include" in words else module.basic.keys() & words
    return {
        "functions": dict(functions),
        "uncertain": [],
        "types": [*sorted(types)],
        "sizes": cython_types.recorded_sizes(
            module.basic, declared, cython_types.PxdFiles(), module.items
        ),
        "variables": [*sorted(module.capsules.keys() - functions.keys())],
        "is_imported": True,
    }
