"""Cython's `cimport`: C functions and extension types that one module takes from another.

A module exports its C functions in a dictionary `__pyx_capi__` of capsules, each named by the
signature; who imports one compares the signature as text and fails if it differs. Extension types
are imported by name; only their size is compared (see `cython_types`), while the order of methods
in their vtable is what the `.pxd` says (Cython/Utility/ImportExport.c). Exact for functions on
x86-64; elsewhere, and for types and variables, the `.pxd` has to be unchanged.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from backend_shim.interfaces import (
    cython_module,
    cython_signature,
    cython_types,
    import_name,
    numpy_c_api,
)
from backend_shim.interfaces.compiled_strings import CUT
from backend_shim.interfaces.inspected_wheel import InspectedWheel, OpenObject
from backend_shim.interfaces.interface_file import installed_path
from backend_shim.interfaces.provider import Declaration, Provider
from backend_shim.interfaces.reasons import Binding, Effect, Evidence, Reason
from backend_shim.record.canonical import JSONValue
from backend_shim.record.decoding import (
    JSONObject,
    get_bool,
    get_int,
    get_object,
    get_objects,
    get_str,
    get_str_list,
)
from backend_shim.record.facts import Facts

NAME: Final = "cython"

WANTED_TEXT: Final = (".pxd",)

_CAPSULE_IMPORT: Final = "PyCapsule_Import"


@dataclass(frozen=True, slots=True, kw_only=True)
class CythonFunctionsPresent(Reason):
    """Every C function that the consumer may import is exported with the same signature."""

    kind: ClassVar[str] = "cython-functions-present"
    effect: ClassVar[Effect] = Effect.SUPPORTS
    evidence: ClassVar[Evidence | None] = Evidence.TYPES
    module: str
    functions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CythonFunctionMissing(Reason):
    """A C function that the consumer imports is no longer exported; its import fails."""

    kind: ClassVar[str] = "cython-function-missing"
    effect: ClassVar[Effect] = Effect.REFUSES
    module: str
    function: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CythonSignatureChanged(Reason):
    """A C function that the consumer imports has another signature; its import fails."""

    kind: ClassVar[str] = "cython-signature-changed"
    effect: ClassVar[Effect] = Effect.REFUSES
    module: str
    function: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CythonDeclarationsUsed(Reason):
    """The consumer was compiled with what a module declares: types, constants, inline functions.

    No signature tells of these, nor what is in a type that one names.
    """

    kind: ClassVar[str] = "cython-declarations-used"
    effect: ClassVar[Effect] = Effect.OPEN
    module: str
    types: tuple[str, ...]
    """Those that it imports, or that signatures of functions name which it imports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CythonModuleUsed(Reason):
    """The consumer imports from a module at the C level, and what cannot be told exactly."""

    kind: ClassVar[str] = "cython-module-used"
    effect: ClassVar[Effect] = Effect.OPEN
    module: str


def read_object(opened: OpenObject) -> JSONValue:
    """Of a module made by Cython: what it imports at the C level, and what it exports."""
    if not opened.strings.is_made_by_cython:
        return None
    seen: dict[str, JSONValue] = {}
    module = import_name.module_of(opened.path)
    declared = None if module is None else opened.text.get(declaring_file(module))
    if module is not None and declared is not None:
        tables = cython_module.tables_of(opened)
        may_declare_types = cython_types.may_declare(declared)
        types = cython_module.types_of(opened, module) if may_declare_types else ()
        seen["exports"] = {
            "module": module,
            "types": None if types is None else list(types),
            "sizes": dict(cython_types.basic_sizes(opened, module)) if may_declare_types else {},
            "functions": None if tables is None else dict(tables.functions),
            "blocks": None
            if tables is None
            else [[[*row] for row in block] for block in tables.blocks],
        }
    named = _named(opened)
    imports = cython_module.imports_of(opened) if named else None
    if imports is not None:
        seen["imports"] = {
            "named": [*sorted(named)],
            "names": list(imports.names),
            "signatures": list(imports.signatures),
            "has_variables": imports.has_variables,
            "is_partial": imports.is_partial,
            # There a name may as well be that of a capsule.
            "is_exclusive": not any(
                each.name == _CAPSULE_IMPORT for each in opened.shared.imported
            ),
        }
    return seen or None


def declaring_file(module: str) -> str:
    """The path of the `.pxd` that declares what `module` exports."""
    return module.replace(".", "/") + ".pxd"


def _named(opened: OpenObject) -> set[str]:
    """Names of others among the literals; NumPy's own C API is another interface's."""
    return {
        literal
        for name in opened.looked_for
        for literal, is_whole in opened.strings.names(name)
        if is_whole and not literal.endswith(CUT) and not numpy_c_api.explains(literal)
    }


def accounts_for(seen: JSONValue) -> frozenset[str]:
    """The names of modules that it imports from at the C level."""
    imports = seen.get("imports") if isinstance(seen, dict) else None
    if not isinstance(imports, dict) or not imports["is_exclusive"]:
        return frozenset()
    return frozenset(get_str_list(imports, "named", "$"))


def provides(wheel: InspectedWheel) -> Facts | None:
    """Per module with a `.pxd`, the functions that it exports and its extension types."""
    texts = {installed_path(path): text for path, text in wheel.text.items()}
    files = cython_types.PxdFiles(
        text for path, text in texts.items() if path.endswith(WANTED_TEXT)
    )
    modules: list[JSONValue] = [
        _with_declarations(
            dict(exports), texts.get(declaring_file(get_str(exports, "module", "$")), b""), files
        )
        for _, found in wheel.seen(NAME)
        if isinstance(found, dict) and isinstance(exports := found.get("exports"), dict)
    ]
    return Facts({"modules": modules}) if modules else None


def _with_declarations(
    seen: JSONObject, declared: bytes, files: cython_types.PxdFiles
) -> dict[str, JSONValue]:
    """What was seen of exports, with what the text of the `.pxd` adds."""
    functions, blocks = seen["functions"], seen["blocks"]
    exports = None
    if isinstance(functions, dict) and isinstance(blocks, list):
        tables = cython_module.CTables(
            functions=tuple((name, str(signature)) for name, signature in functions.items()),
            blocks=tuple(tuple((str(row[0]), str(row[1])) for row in block) for block in blocks),  # type: ignore[union-attr, index]
        )
        exports = cython_module.exports_of(tables, declared)
    variables = cython_module.variables_in(declared)
    basic = get_object(seen, "sizes", "$")
    sizes = {name: get_int(basic, name, "$.sizes") for name in basic}
    return {
        "module": seen["module"],
        "functions": None if exports is None else dict(exports.functions),
        "uncertain": [] if exports is None else list(exports.uncertain),
        "types": seen["types"],
        "sizes": cython_types.recorded_sizes(sizes, declared, files),
        "variables": None if variables is None else list(variables),
        "is_imported": False,
    }


def requires(wheel: InspectedWheel) -> Facts | None:
    """Per module that imports at the C level, all names and signatures that it may ask for."""
    objects: list[JSONValue] = []
    for each, found in wheel.seen(NAME):
        if isinstance(found, dict) and isinstance(found.get("imports"), dict):
            imports = get_object(found, "imports", "$")
            objects.append({"path": each.path, **imports})
    return Facts({"objects": objects}) if objects else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Module:
    """What one version of a provider says of one of its modules."""

    functions: dict[str, str] | None
    uncertain: tuple[str, ...]
    types: tuple[str, ...] | None
    sizes: cython_types.Sizes
    variables: tuple[str, ...] | None


def _decode_modules(provider: Provider) -> dict[str, _Module]:
    facts = provider.provided.get(NAME)
    found: dict[str, _Module] = {}
    for each, path in get_objects(facts.thaw(), "modules", f"$.{NAME}") if facts else ():
        known = each.get("functions") is not None
        functions = get_object(each, "functions", path) if known else {}
        found[get_str(each, "module", path)] = _Module(
            functions={name: get_str(functions, name, path) for name in functions}
            if known
            else None,
            uncertain=get_str_list(each, "uncertain", path),
            types=_optional_list(each, "types", path),
            sizes=cython_types.decode_sizes(each, path),
            variables=_optional_list(each, "variables", path),
        )
    return found


def _optional_list(table: JSONObject, key: str, path: str) -> tuple[str, ...] | None:
    return get_str_list(table, key, path) if table.get(key) is not None else None


def is_satisfied(required: Facts, old: Provider, new: Provider) -> tuple[Binding, ...]:
    """For each module that is imported from: its functions, and what the `.pxd` has to say."""
    before, after = _decode_modules(old), _decode_modules(new)
    modules = (old.modules | new.modules) - old.explained_modules - new.explained_modules
    found: list[Binding] = []
    for use in _uses(required):
        for module in use.named:
            if module in modules:
                found += _judge(module, use, before.get(module), after.get(module))
        if use.is_exclusive:
            found += _other_names(set(use.named) - modules, old, new)
    return tuple(dict.fromkeys(found))


@functools.lru_cache(maxsize=4)
def _uses(required: Facts) -> tuple[_Use, ...]:
    """The facts decoded: once for all providers that one consumer is held against."""
    return tuple(
        _Use(
            named=get_str_list(each, "named", path),
            is_exclusive=get_bool(each, "is_exclusive", path),
            names=get_str_list(each, "names", path),
            signatures=get_str_list(each, "signatures", path),
            has_variables=get_bool(each, "has_variables", path),
            is_partial=get_bool(each, "is_partial", path),
        )
        for each, path in get_objects(required.thaw(), "objects", f"$.{NAME}")
    )


def _other_names(names: set[str], old: Provider, new: Provider) -> tuple[Binding, ...]:
    """What is no module, by the rule for names that no interface knows."""
    return import_name.bindings(sorted(names), (), old, new)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Use:
    """What one object imports."""

    named: tuple[str, ...]
    is_exclusive: bool
    names: tuple[str, ...]
    signatures: tuple[str, ...]
    has_variables: bool
    is_partial: bool

    def may_import(self, function: str, signature: str) -> bool:
        """Whether both stand in the consumer; one of either may go on or begin earlier."""
        return any(each.endswith(signature) for each in self.signatures) and self.may_name(function)

    def has(self, name: str) -> bool:
        return any(each.endswith(name) for each in self.names)

    def is_told_by(self, module: _Module) -> bool:
        """Whether it can be told exactly what of `module` is used."""
        if self.is_partial or module.functions is None or module.types is None:
            return False
        if self.has_variables and module.variables is None:
            return False
        return not any(map(self.may_name, module.uncertain))

    def may_name(self, name: str) -> bool:
        return any(each.endswith(name) or each.startswith(name) for each in self.names)


def _judge(module: str, use: _Use, old: _Module | None, new: _Module | None) -> Iterator[Binding]:
    if old is not None and new is not None:
        reasons = tuple(cython_types.size_reasons(module, old.sizes, new.sizes, use.names, use.has))
        if reasons:
            yield Binding(interface=NAME, reasons=reasons)
    if old is None or not use.is_told_by(old):
        yield _open_module(module)
        return
    assert old.functions is not None
    wanted = {
        name: signature
        for name, signature in old.functions.items()
        if use.may_import(name, signature)
    }
    types = {each for each in old.types or () if each not in old.functions and use.has(each)}
    if use.has_variables:
        types |= {each for each in old.variables or () if use.may_name(each)}
    if wanted:
        found = tuple(_judge_functions(module, wanted, new))
        declared = tuple(_exactly(module, name) for name in sorted(wanted))
        yield Binding(interface=NAME, reasons=found, declarations=declared)
    foreign = {
        each for signature in wanted.values() for each in cython_signature.types_in(signature)
    }
    declarations = {_exactly(module, name) for name in types}
    declarations |= {
        _exactly(owner or module, name) if name else Declaration(module, module)
        for owner, name in foreign
    }
    if wanted or declarations:
        yield _compiled_in(module, declarations)
    else:
        yield _open_module(module)


def _judge_functions(module: str, wanted: dict[str, str], new: _Module | None) -> Iterator[Reason]:
    if new is None or new.functions is None:
        yield CythonModuleUsed(module=module)
        return
    changed = False
    for name, signature in sorted(wanted.items()):
        now = new.functions.get(name)
        if now == signature:
            continue
        changed = True
        if now is not None:
            yield CythonSignatureChanged(module=module, function=name, old=signature, new=now)
        elif any(each.startswith(name) for each in new.uncertain):
            yield CythonModuleUsed(module=module)
        else:
            yield CythonFunctionMissing(module=module, function=name)
    if not changed:
        yield CythonFunctionsPresent(module=module, functions=tuple(sorted(wanted)))


def _compiled_in(module: str, types: Iterable[Declaration]) -> Binding:
    ordered = tuple(sorted(types, key=lambda each: each.name))
    reason = CythonDeclarationsUsed(module=module, types=tuple(each.name for each in ordered))
    # Of the functions their signatures tell all, so none of them has to be declared as it was.
    whole = Declaration(module, module, is_exact=True)
    return Binding(interface=NAME, reasons=(reason,), declarations=(whole, *ordered))


def _exactly(module: str, name: str) -> Declaration:
    return Declaration(module, f"{module}.{name}", is_exact=True)


def _open_module(module: str) -> Binding:
    return Binding(
        interface=NAME,
        reasons=(CythonModuleUsed(module=module),),
        declarations=(Declaration(module, module),),
    )
