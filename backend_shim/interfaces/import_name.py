"""Names of another distribution in a binary: the trace that binding at run time leaves.

Every way in which C code reaches another extension module begins with a name:
`PyImport_ImportModule`, `PyCapsule_Import("package.module._C_API")`, Cython's type and function
imports, `dlopen("libname.so")`. So a binary that holds no name of a provider, and does not link to
it either, is bound to it by nothing; and a name that no other interface explains is a binding that
nobody has judged: it stays open, unless the interface files that declare it are unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

from backend_shim.interfaces.compiled_strings import CUT
from backend_shim.interfaces.inspected_wheel import InspectedWheel, OpenObject
from backend_shim.interfaces.provider import Declaration, Provider
from backend_shim.interfaces.reasons import Binding, Effect, Reason
from backend_shim.record.canonical import JSONValue
from backend_shim.record.decoding import get_object, get_str_list
from backend_shim.record.facts import Facts
from backend_shim.record.fingerprint import AbiFingerprint

NAME: Final = "import-name"

# More distinct names than this in one object are a generated table, not references; what is kept
# is that the name occurs.
MAX_NAMES: Final = 512

_MODULE_FILE: Final = re.compile(
    r"(?P<stem>[A-Za-z_]\w*)(?:\.py|(?:\.[\w-]+)*\.(?:so|pyd))", re.ASCII
)
_LIBRARY_FILE: Final = re.compile(
    r"(?:lib[^/]+?\.so(?:\.\d+)*|[^/]+\.(?:dylib|dll))", re.IGNORECASE
)
_IDENTIFIER: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
# `module.h` among the strings of a binary is the name of a source file in a traceback, not an
# attribute.
_SOURCE_SUFFIXES: Final = frozenset(
    {"h", "hpp", "c", "cc", "cpp", "cxx", "py", "pyx", "pxd", "pxi", "pyi", "so", "f", "f90"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedInBinary(Reason):
    """A binary of the consumer names a module or library of the provider; no rule says why."""

    kind: ClassVar[str] = "named-in-binary"
    effect: ClassVar[Effect] = Effect.OPEN
    names: tuple[str, ...]


def looked_for_in(fingerprint: AbiFingerprint) -> frozenset[str]:
    """The names that the binaries were searched for; raises InvalidRecord."""
    found = fingerprint.required(NAME)
    table = found.facts.thaw() if found else {}
    return frozenset(get_str_list(table, "looked_for", "$", optional=True))


def module_names(paths: Iterable[str]) -> frozenset[str]:
    """Dotted names of the modules and packages that the members `paths` of a wheel install."""
    names: set[str] = set()
    for path in paths:
        *directories, file = _in_site_packages(path).split("/")
        match = _MODULE_FILE.fullmatch(file)
        if not match or not all(map(_IDENTIFIER.fullmatch, directories)):
            continue
        for depth in range(1, len(directories) + 1):
            names.add(".".join(directories[:depth]))
        if match["stem"] != "__init__":
            names.add(".".join([*directories, match["stem"]]))
    return frozenset(names)


def module_of(path: str) -> str | None:
    """The dotted name of the module that is the file `path` of a wheel; None if it is none."""
    return max(module_names([path]), key=len, default=None)


def binding_names(paths: Iterable[str]) -> frozenset[str]:
    """The names that a binary must hold in order to reach what the members `paths` install.

    Import names of the top level (below a namespace package, which many distributions share, the
    names in it), and file names of shared libraries that are not extension modules.
    """
    members = [_in_site_packages(path) for path in paths]
    modules = module_names(members)
    outer = {package for name in modules for package in _packages_around(name)}
    regular = {
        path.removesuffix("/__init__.py").replace("/", ".")
        for path in members
        if path.endswith("/__init__.py")
    } | (modules - outer)
    names = {name for name in regular & modules if regular.isdisjoint(_packages_around(name))}
    for path in members:
        directory, _, file = path.rpartition("/")
        if _LIBRARY_FILE.fullmatch(file) and not directory.endswith((".libs", ".dylibs")):
            names.add(file)
    return frozenset(names)


def _packages_around(name: str) -> list[str]:
    """`a`, `a.b` of `a.b.c`."""
    parts = name.split(".")
    return [".".join(parts[:depth]) for depth in range(1, len(parts))]


def _is_within(name: str, outer: str) -> bool:
    return name.startswith(outer + ".")


def _is_or_within(name: str, outer: str) -> bool:
    return name == outer or _is_within(name, outer)


def _in_site_packages(path: str) -> str:
    """`path` below site-packages, where `{name}-{version}.data/purelib` and `platlib` go."""
    head, _, rest = path.partition("/")
    if head.endswith(".data"):
        scheme, _, below = rest.partition("/")
        return below if scheme in ("purelib", "platlib") else ""
    return path


def read_object(opened: OpenObject) -> JSONValue:
    """By name looked for: the literals that are it or begin with it, and those that only end so."""
    seen: dict[str, JSONValue] = {}
    for name in sorted(opened.looked_for):
        whole: set[str] = set()
        tails: set[str] = set()
        for literal, is_whole in opened.strings.names(name):
            if len(whole) + len(tails) > MAX_NAMES:
                whole, tails = set(), {name + CUT}
                break
            (whole if is_whole else tails).add(literal)
        if whole or tails:
            seen[name] = {"whole": [*sorted(whole)], "tails": [*sorted(tails - whole)]}
    return seen or None


def provides(_wheel: InspectedWheel) -> Facts | None:
    """Nothing: what names a wheel has is said by its RECORD."""
    return None


def requires(wheel: InspectedWheel) -> Facts | None:
    """Which names were looked for, and the literals that no other interface answers for.

    Over all objects of the wheel.
    """
    whole: set[str] = set()
    tails: set[str] = set()
    for each, found in wheel.seen(NAME):
        assert isinstance(found, dict)
        for name in found:
            literals = get_object(found, name, "$")
            whole |= set(get_str_list(literals, "whole", "$")) - each.accounted
            tails |= set(get_str_list(literals, "tails", "$")) - each.accounted
    if not wheel.looked_for:
        return None
    return Facts(
        {
            "looked_for": sorted(wheel.looked_for),
            "whole": sorted(whole),
            "tails": sorted(tails - whole),
        }
    )


def is_satisfied(required: Facts, old: Provider, new: Provider) -> tuple[Binding, ...]:
    """One open binding for each module, attribute or library of the provider that is named."""
    table, path = required.thaw(), f"$.{NAME}"
    return bindings(
        get_str_list(table, "whole", path), get_str_list(table, "tails", path), old, new
    )


def bindings(
    whole: Iterable[str], tails: Iterable[str], old: Provider, new: Provider
) -> tuple[Binding, ...]:
    """The bindings of literals in a binary, of which `tails` may be the end of longer ones.

    What may be named by a literal that is cut is one binding more, which no file can prove.
    """
    modules = old.modules | new.modules
    ours = old.binding_names | new.binding_names
    explained = old.explained_modules | new.explained_modules
    named: dict[Declaration, set[str]] = {}
    cut: set[str] = set()
    for literals, is_whole in ((whole, True), (tails, False)):
        for literal in literals:
            stem = literal.removesuffix(CUT)
            if not any(_is_or_within(stem.removesuffix("."), name) for name in ours):
                continue
            if literal != stem:
                if not _meant_by(stem, modules) <= explained:
                    cut.add(literal)
                continue
            module = longest_module(literal, modules)
            if module in explained:
                continue
            name = literal if is_whole and _is_attribute(literal, module) else module
            named.setdefault(Declaration(module=module, name=name), set()).add(literal)
    found = [
        _binding(names, declaration)
        for declaration, names in sorted(named.items(), key=lambda item: item[0].name)
    ]
    return (*found, _binding(cut)) if cut else tuple(found)


def _binding(literals: Iterable[str], *declarations: Declaration) -> Binding:
    return Binding(
        interface=NAME,
        reasons=(NamedInBinary(names=tuple(sorted(literals))),),
        declarations=declarations,
    )


def _meant_by(stem: str, modules: frozenset[str]) -> set[str]:
    """The modules that a name beginning with `stem` may belong to."""
    return {longest_module(stem.removesuffix("."), modules)} | {
        module for module in modules if module.startswith(stem)
    }


def longest_module(literal: str, modules: frozenset[str]) -> str:
    """The longest module that `literal` begins with; for a library's file name `literal` itself."""
    parts = literal.split(".")
    candidates = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((each for each in candidates if each in modules), literal)


def _is_attribute(literal: str, module: str) -> bool:
    rest = literal[len(module) + 1 :]
    return bool(rest) and rest not in _SOURCE_SUFFIXES
