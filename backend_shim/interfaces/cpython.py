"""The interpreter's own ABI: for which Pythons the modules of a wheel were made.

The tags of the wheel say for what it may be installed and stand in its file name, so a record does
not repeat them. It says what can be seen: the suffixes of extension modules, the hook by which they
are loaded, and of objects that are not for one version only, which symbols of the interpreter they
use: those of the stable ABI by the release that added them, and any others.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from backend_shim.errors import InvalidRecord
from backend_shim.interfaces import stable_abi
from backend_shim.interfaces.inspected_wheel import InspectedObject, InspectedWheel, OpenObject
from backend_shim.interfaces.provider import Provider
from backend_shim.interfaces.reasons import Binding
from backend_shim.record.canonical import JSONValue
from backend_shim.record.decoding import (
    JSONObject,
    get_object,
    get_objects,
    get_str,
    get_str_list,
)
from backend_shim.record.facts import Facts

NAME: Final = "cpython"
PROVIDER: Final = "python"

STABLE_SUFFIXES: Final = (".abi3.", ".abi3t.")
"""How suffixes of modules for the stable ABI begin, where the name says so: not on Windows."""

# importlib.machinery.EXTENSION_SUFFIXES on the three systems: `.cpython-311-x86_64-linux-gnu.so`,
# `.abi3.so`, `.abi3t.so` (PEP 803), `.cp311-win_amd64.pyd`, `.so`, `.pyd`.
_SUFFIX: Final = re.compile(r"[^.]+((?:\.[\w-]+)?\.(?:so|pyd))")
# PEP 3149 and its like on Windows: `cpython-313t-x86_64-linux-gnu`, `cp313t-win_amd64`; `d` is a
# debug build, `t` a free-threaded one, `m` and `u` are of Pythons before 3.8.
_VERSIONED: Final = re.compile(r"\.(?:cpython-|cp)(\d)(\d{1,3})([a-z]*)[-.].*", re.ASCII)
_ANY_VERSION: Final = re.compile(r"(?:\.abi3t?)?\.(?:so|pyd)", re.ASCII)
# PEP 489, "Export Hook Name", and PEP 793; the longer ones are for names that are not ASCII.
_HOOKS: Final = {
    "PyInit_": "PyInit",
    "PyInitU_": "PyInit",
    "PyModExport_": "PyModExport",
    "PyModExportU_": "PyModExport",
}
_INTERPRETER: Final = ("Py", "_Py")
# `python311.dll`, `libpython3.11.so.1.0`, `…/Python.framework/Versions/3.11/Python`; and those of
# the stable ABI: `python3.dll`, `python3t.dll`, `libpython3.so`.
_LIBRARY: Final = re.compile(
    r"(?:lib)?python\d[\w.]*?(?:\.dll|\.so[\d.]*|\.dylib)|Python", re.IGNORECASE | re.ASCII
)
_STABLE_LIBRARY: Final = re.compile(r"(?:lib)?python3t?(?:_d)?\.(?:dll|so|dylib)", re.IGNORECASE)

_WINDOWS_LIBRARY: Final = re.compile(r"python\d+(?P<t>t?)(?P<d>(?:_d)?)\.dll", re.IGNORECASE)


class ModuleTarget(NamedTuple):
    """The one CPython that a suffix names."""

    version: tuple[int, int]
    flags: str
    """`t` free-threaded, `d` debug."""


def module_target(suffix: str) -> ModuleTarget | None:
    """The CPython that the `suffix` of a module names; None where it names none."""
    match = _VERSIONED.fullmatch(suffix)
    if match is None:
        return None
    flags = "".join(sorted(set(match[3]) & {"d", "t"}))
    return ModuleTarget((int(match[1]), int(match[2])), flags)


def is_for_any_version(suffix: str) -> bool:
    """Whether CPythons of more than one version look for modules with that `suffix`."""
    return _ANY_VERSION.fullmatch(suffix) is not None


def read_object(_opened: OpenObject) -> JSONValue:
    """Nothing beyond the tables that were read already."""
    return None


def provides(_wheel: InspectedWheel) -> Facts | None:
    """Nothing: the provider is the interpreter."""
    return None


class _Calls(NamedTuple):
    """What one object takes of the interpreter."""

    format: str
    names: frozenset[str]


def requires(wheel: InspectedWheel) -> Facts | None:
    """What the modules are named and loaded by, and what they and libraries take of the stable ABI.

    None where no object is a module or calls the interpreter.
    """
    exported = (each.shared.exported.different_names for each in wheel.objects)
    own = frozenset[str]().union(*exported)
    suffixes: set[str] = set()
    hooks: set[str] = set()
    libraries: set[str] = set()
    calls: list[_Calls] = []
    for each in wheel.objects:
        suffix = _suffix(each)
        needed = set(filter(_LIBRARY.fullmatch, map(posixpath.basename, each.shared.needed)))
        if suffix is None or is_for_any_version(suffix):
            called = frozenset(_called(each, own))
            if suffix is None and not called:
                continue
            # A program that embeds one Python is for that one.
            if suffix is not None or not any(map(_is_for_one_version, needed)):
                calls.append(_Calls(each.shared.format, called))
        libraries |= needed
        if suffix is not None:
            suffixes.add(suffix)
            hooks |= set(_hooks(each))
    if not suffixes and not calls and not libraries:
        return None
    return Facts(
        {
            "extension_suffixes": sorted(suffixes),
            "export_hooks": sorted(hooks),
            "abi_flags": sorted(
                {flag for each in suffixes for flag in _flags(each)}
                | {flag for each in libraries for flag in _library_flags(each)}
            ),
            "versioned_libraries": sorted(filter(_is_for_one_version, libraries)),
            "stable_abi": _stable_abi(calls) if calls else None,
        }
    )


def _suffix(each: InspectedObject) -> str | None:
    """The extension suffix of a module; None of anything else."""
    match = _SUFFIX.fullmatch(posixpath.basename(each.path))
    return match[1] if match and each.kind == "extension-module" else None


def _flags(suffix: str) -> str:
    target = module_target(suffix)
    return target.flags if target else ""


def _library_flags(library: str) -> Iterator[str]:
    """Windows names no build in a suffix that it names in the interpreter's library."""
    match = _WINDOWS_LIBRARY.fullmatch(library)
    if match:
        yield from (flag for flag in ("t", "d") if match[flag])


def _hooks(each: InspectedObject) -> Iterator[str]:
    for name in each.shared.exported.names:
        for prefix, hook in _HOOKS.items():
            if name.startswith(prefix):
                yield hook


def _called(each: InspectedObject, own: frozenset[str]) -> Iterator[str]:
    """The symbols that the object takes from the interpreter."""
    imported = each.shared.imported
    for name, traits in zip(imported.names, imported.traits, strict=True):
        if (
            name.startswith(_INTERPRETER)
            and name not in own
            # A weak reference may stay undefined (gABI, "Symbol Table": STB_WEAK): whoever makes
            # one asks whether it is there.
            and traits.binding != "weak"
            and (traits.library is None or _LIBRARY.fullmatch(posixpath.basename(traits.library)))
        ):
            yield name


def _is_for_one_version(library: str) -> bool:
    return not _STABLE_LIBRARY.fullmatch(library)


def _stable_abi(calls: Iterable[_Calls]) -> dict[str, JSONValue]:
    """The names used of the stable ABI that it did not have from the first, and all others."""
    added: dict[stable_abi.Version, set[str]] = {}
    outside: set[str] = set()
    for each in calls:
        known = stable_abi.symbols(each.format)
        for name in each.names:
            if name not in known:
                outside.add(name)
            elif known[name] > stable_abi.OLDEST:
                added.setdefault(known[name], set()).add(name)
    return {
        "added": [
            {"version": "{}.{}".format(*version), "symbols": [*sorted(added[version])]}
            for version in sorted(added)
        ],
        "outside": [*sorted(outside)],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class StableAbiUse:
    """What objects that are not for one version only take of the interpreter."""

    added: tuple[tuple[stable_abi.Version, tuple[str, ...]], ...]
    """Symbols of the stable ABI by the release that added them, in the order of releases; without
    those that it had from the first."""
    outside: tuple[str, ...]
    """Symbols that the stable ABI does not have."""

    @property
    def floor(self) -> stable_abi.Version:
        """The oldest CPython that has all of the stable ABI that is used."""
        return self.added[-1][0] if self.added else stable_abi.OLDEST


@dataclass(frozen=True, slots=True, kw_only=True)
class InterpreterUse:
    """The facts of this interface, decoded."""

    suffixes: tuple[str, ...]
    hooks: tuple[str, ...]
    """`PyInit`, `PyModExport`."""
    versioned_libraries: tuple[str, ...]
    """Libraries of one Python only that objects need: `python311.dll`."""
    stable_abi: StableAbiUse | None
    """None where every object is for one version."""


def decode(required: Facts) -> InterpreterUse:
    """What `requires` said. Raises InvalidRecord."""
    table, path = required.thaw(), f"$.{NAME}"
    used = get_object(table, "stable_abi", path, optional=True)
    return InterpreterUse(
        suffixes=get_str_list(table, "extension_suffixes", path),
        hooks=get_str_list(table, "export_hooks", path),
        versioned_libraries=get_str_list(table, "versioned_libraries", path),
        stable_abi=None if used is None else _decode_stable_abi(used, f"{path}.stable_abi"),
    )


def _decode_stable_abi(table: JSONObject, path: str) -> StableAbiUse:
    added = [
        (_version(each, at), get_str_list(each, "symbols", at))
        for each, at in get_objects(table, "added", path)
    ]
    return StableAbiUse(added=tuple(sorted(added)), outside=get_str_list(table, "outside", path))


def _version(table: JSONObject, path: str) -> stable_abi.Version:
    text = get_str(table, "version", path)
    if not re.fullmatch(r"\d{1,3}\.\d{1,3}", text, re.ASCII):
        raise InvalidRecord(f"{path}.version", f"{text[:40]!r} is no version such as '3.11'")
    return stable_abi.as_version(text)


def is_satisfied(_required: Facts, _old: Provider, _new: Provider) -> tuple[Binding, ...]:
    """No other distribution takes part in this binding."""
    return ()
