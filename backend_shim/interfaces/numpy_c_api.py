"""NumPy's C API: a capsule that every user imports, with an ABI version and a feature version.

Rules and evidence measured on 1,252 (module × NumPy version) trials: `import_array()` of the
headers leaves in each object the module path that it imports and, since NumPy 1.25, the release
that it targets. One file for one project, since the two numbers and the messages are NumPy's own
(numpy/_core/code_generators/generate_numpy_api.py).

- Headers before 2.0 import `numpy.core._multiarray_umath` and demand the very ABI version 1
  (`NPY_VERSION != PyArray_GetNDArrayCVersion()`). Headers from 2.0 on try
  `numpy._core._multiarray_umath` first, then the old path, and accept ABI 1 and 2
  (`NPY_VERSION < …`).
- Either refuses a NumPy whose feature version is lower than the targeted one.
- pybind11, nanobind and Rust look `_ARRAY_API` up by name at run time. That finds the functions of
  any NumPy, but the layout of `PyArray_Descr` changed with ABI 2: a module with pybind11 2.11
  imports under NumPy 2.0.2 and then reads 0 for every `dtype.itemsize()` (measured). Only code
  that knows `numpy._core` knows the new layout.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Final

from backend_shim.interfaces.inspected_wheel import InspectedWheel, OpenObject
from backend_shim.interfaces.numpy_feature_version import compiled_feature_version
from backend_shim.interfaces.provider import Declaration, Provider
from backend_shim.interfaces.reasons import Binding, Effect, Evidence, Reason
from backend_shim.record.canonical import JSONValue
from backend_shim.record.decoding import (
    as_int,
    as_object,
    get_bool,
    get_int,
    get_list,
    get_str,
)
from backend_shim.record.facts import Facts

NAME: Final = "numpy-c-api"
PROVIDER: Final = "numpy"

WANTED_TEXT: Final = ("_numpyconfig.h",)

_CAPSULE: Final = b"_ARRAY_API"
_UFUNC_CAPSULE: Final = b"_UFUNC_API"
_NEW_PATH: Final = b"numpy._core"
_NEW_MODULE: Final = b"numpy._core._multiarray_umath"
_OLD_MODULE: Final = b"numpy.core._multiarray_umath"
# `import_array()` of every release has this check; before NumPy 1.16 it imported other modules.
_IMPORTS_NEW: Final = Declaration(_NEW_MODULE.decode(), _NEW_MODULE.decode())
_IMPORTS_OLD: Final = Declaration(_OLD_MODULE.decode(), _OLD_MODULE.decode())
_VERSION_CHECK: Final = b"module compiled against ABI version"
_RUST: Final = b"/rustc/"
# Defined in another object (PY_ARRAY_UNIQUE_SYMBOL); a project gives it a name of its own.
_SHARED_TABLE: Final = re.compile(r"^(?:\w+_)?(?:Py)?(?:ARRAY|Array)_API$", re.ASCII | re.MULTILINE)
_TABLE_ENDS: Final = ("ARRAY_API", "Array_API")
# pybind11/numpy.h takes only what NumPy has since 1.7 (`API_PyArray_SetBaseObject_`).
_PYBIND11: Final = b"_pybind11_internals_"
_SIZE_CHECK: Final = b"size changed, may indicate binary incompatibility"
_TARGET: Final = re.compile(rb"\(NumPy (\d{1,4}\.\d{1,4})\)")
_DEFINE: Final = re.compile(
    rb"^[ \t]*#[ \t]*define[ \t]+(NPY_ABI_VERSION|NPY_API_VERSION)[ \t]+(0x[0-9A-Fa-f]{1,8})\b",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumpySeriesFits(Reason):
    """The new NumPy's ABI version is accepted and it has all that the consumer targets."""

    kind: ClassVar[str] = "numpy-c-api-fits"
    effect: ClassVar[Effect] = Effect.SUPPORTS
    evidence: ClassVar[Evidence | None] = Evidence.PROMISE
    accepts: tuple[int, ...]
    offered: int
    target: str | None
    """Oldest release with every function compiled in; None: no newer than the old NumPy."""
    release: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumpyAbiRefused(Reason):
    """The consumer was compiled for an ABI version that the new NumPy does not have."""

    kind: ClassVar[str] = "numpy-abi-refused"
    effect: ClassVar[Effect] = Effect.REFUSES
    accepts: tuple[int, ...]
    offered: int
    release: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumpyTooOld(Reason):
    """The consumer targets a newer NumPy than the new one."""

    kind: ClassVar[str] = "numpy-too-old"
    effect: ClassVar[Effect] = Effect.REFUSES
    target: str
    release: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumpyTargetUnknown(Reason):
    """Nothing tells what the consumer targets, and the new NumPy offers less than the old one."""

    kind: ClassVar[str] = "numpy-target-unknown"
    effect: ClassVar[Effect] = Effect.OPEN
    old_release: str
    release: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumpyFoundByName(Reason):
    """Objects that look the API up by name find it, but may hold struct layouts of another ABI."""

    kind: ClassVar[str] = "numpy-found-by-name"
    effect: ClassVar[Effect] = Effect.SUPPORTS
    evidence: ClassVar[Evidence | None] = Evidence.SYMBOLS
    offered: int
    release: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumpyLayoutUnknown(Reason):
    """The consumer uses NumPy's types, and nothing tells for which ABI it was compiled."""

    kind: ClassVar[str] = "numpy-layout-unknown"
    effect: ClassVar[Effect] = Effect.OPEN
    offered: int
    release: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumpyVersionsUnknown(Reason):
    """The provider does not say its ABI and feature version."""

    kind: ClassVar[str] = "numpy-versions-unknown"
    effect: ClassVar[Effect] = Effect.OPEN
    release: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumpyUse:
    """How the objects of a wheel use the API."""

    accepts: tuple[int, ...]
    """ABI versions that every compiled-in `import_array()` accepts; empty where there is none."""
    target: tuple[int, ...] | None
    """Newest target named."""
    feature_version: int | None
    """Newest feature version that the code of objects without a named target demands."""
    is_target_partial: bool
    """Some object tells neither: headers before 1.25 and another machine than x86-64."""
    by_name_knows: tuple[int, ...]
    """ABI versions known to all objects that look the API up by name; empty without any."""
    is_by_name_partial: bool
    """Some of these does not tell which functions it takes from the table."""
    types_only: bool
    """Some object uses NumPy's types and none imports the API: nothing tells the ABI."""


def read_object(opened: OpenObject) -> JSONValue:
    """How this object reaches the API: `compiled`, `by-name`, `types-only` or not at all (None)."""
    strings = opened.strings
    reaches = strings.ask_the_interpreter
    if not reaches or not (strings.contain(_CAPSULE) or strings.contain(_UFUNC_CAPSULE)):
        # Cython's `cimport numpy` without `import_array()` still checks the sizes of NumPy's types.
        checks_sizes = reaches and strings.contain(_SIZE_CHECK)
        names_numpy = checks_sizes and any(name == PROVIDER for name, _ in strings.names(PROVIDER))
        if names_numpy or _takes_shared_table(opened.shared.imported.text):
            return {"use": "types-only", "knows_new": strings.contain(_NEW_PATH)}
        return None
    knows_new = strings.contain(_NEW_PATH)
    compiled = any(map(strings.contain, (_NEW_MODULE, _OLD_MODULE))) or (
        # Rust's crate `numpy` has the check as well, and asks which NumPy there is before.
        strings.contain(_VERSION_CHECK) and not (knows_new and strings.contain(_RUST))
    )
    if compiled:
        # pybind11 in the same object may know the new path while `import_array()` does not.
        knows_new = strings.contain(_NEW_MODULE)
    targets = sorted({_release(found) for found in strings.matches(b"(NumPy ", _TARGET)})
    return {
        "use": "compiled" if compiled else "by-name",
        "knows_new": knows_new,
        "is_pybind11": not compiled and strings.contain(_PYBIND11),
        "target": list(targets[-1]) if targets else None,
        "feature_version": None
        if targets or not compiled
        else compiled_feature_version(opened.data, opened.shared),
    }


def _takes_shared_table(imported: str) -> bool:
    # The expression alone would try each of the names from each of its letters.
    return any(end in imported for end in _TABLE_ENDS) and bool(_SHARED_TABLE.search(imported))


def _release(text: bytes) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(b"."))


def provides(wheel: InspectedWheel) -> Facts | None:
    """ABI and feature version of a NumPy wheel, from its `_numpyconfig.h`; else None."""
    if wheel.name != PROVIDER:
        return None
    defined: dict[str, set[int]] = {}
    for text in wheel.text.values():
        for name, value in _DEFINE.findall(text):
            defined.setdefault(name.decode(), set()).add(int(value, 16))
    abi, api = defined.get("NPY_ABI_VERSION", set()), defined.get("NPY_API_VERSION", set())
    if len(abi) != 1 or len(api) != 1:
        return None
    return Facts({"abi_version": abi.pop(), "api_version": api.pop(), "release": wheel.version})


def requires(wheel: InspectedWheel) -> Facts | None:
    """Accepted ABI versions and target over all objects; None where none uses the API."""
    uses = [as_object(found, NAME) for _, found in wheel.seen(NAME)]
    if not uses or wheel.name == PROVIDER:
        return None
    compiled = [use for use in uses if use["use"] == "compiled"]
    by_name = [use for use in uses if use["use"] == "by-name"]
    targets = [use["target"] for use in compiled]
    known = [
        [as_int(part, NAME) for part in target] for target in targets if isinstance(target, list)
    ]
    features = [as_int(use["feature_version"], NAME) for use in compiled if use["feature_version"]]
    return Facts(
        {
            "accepts": _common_abi(compiled),
            "target": max(known) if known else None,
            "feature_version": max(features) if features else None,
            "is_target_partial": len(known) + len(features) < len(compiled),
            "by_name_knows": _common_abi(by_name),
            "is_by_name_partial": any(not use["is_pybind11"] for use in by_name),
            # One build makes all objects of a wheel, so those that import the API tell for the
            # others.
            "types_only": not compiled and any(use["use"] == "types-only" for use in uses),
        }
    )


def _common_abi(uses: list[dict[str, JSONValue]]) -> list[JSONValue]:
    if not uses:
        return []
    return [1, 2] if all(use["knows_new"] for use in uses) else [1]


def decode(required: Facts) -> NumpyUse:
    """What `requires` wrote. Raises InvalidRecord."""
    table, path = required.thaw(), f"$.{NAME}"

    def integers(key: str) -> tuple[int, ...]:
        return tuple(as_int(each, f"{path}.{key}") for each in get_list(table, key, path))

    return NumpyUse(
        accepts=integers("accepts"),
        target=integers("target") if table.get("target") is not None else None,
        feature_version=get_int(table, "feature_version", path, optional=True),
        is_target_partial=get_bool(table, "is_target_partial", path),
        by_name_knows=integers("by_name_knows"),
        is_by_name_partial=get_bool(table, "is_by_name_partial", path),
        types_only=get_bool(table, "types_only", path),
    )


def is_satisfied(required: Facts, old: Provider, new: Provider) -> tuple[Binding, ...]:
    """The binding of compiled-in users and that of those that look up by name, each by its rule."""
    if new.name != PROVIDER:
        return ()
    use, offer = decode(required), new.provided.get(NAME)
    if offer is None:
        reasons: tuple[Reason, ...] = (NumpyVersionsUnknown(release=new.version),)
        return (Binding(interface=NAME, reasons=reasons),)
    found = []
    if use.accepts:
        header = _IMPORTS_NEW if 2 in use.accepts else _IMPORTS_OLD
        judged = _judge_compiled(use, old, offer)
        found.append(Binding(interface=NAME, reasons=(judged,), compiled_from=(header,)))
    if use.by_name_knows:
        found.append(Binding(interface=NAME, reasons=(_judge_by_name(use, old, offer),)))
    if use.types_only:
        # `cimport numpy` includes arrayobject.h, and with the types comes the table.
        judged = _judge_types(old, offer)
        found.append(Binding(interface=NAME, reasons=(judged,), compiled_from=(_IMPORTS_OLD,)))
    return tuple(found)


def _abi_generation(offer: Facts) -> int:
    # NPY_ABI_VERSION is 0x01000009 for NumPy 1 and 0x02000000 for NumPy 2: the generation is in
    # the top byte.
    return get_int(offer.thaw(), "abi_version", f"$.{NAME}") >> 24


def _judge_compiled(use: NumpyUse, old: Provider, offer: Facts) -> Reason:
    offered = _abi_generation(offer)
    release = get_str(offer.thaw(), "release", f"$.{NAME}")
    if offered not in use.accepts:
        return NumpyAbiRefused(accepts=use.accepts, offered=offered, release=release)
    target = ".".join(map(str, use.target)) if use.target else None
    if use.target is not None and _numbers(release) < use.target:
        return NumpyTooOld(target=str(target), release=release)
    offered_features = get_int(offer.thaw(), "api_version", f"$.{NAME}")
    if use.feature_version is not None and offered_features < use.feature_version:
        return NumpyTooOld(target=f"with feature version {use.feature_version:#x}", release=release)
    # The unnamed target of older headers is that of the NumPy built with; a NumPy that offers no
    # less than the old one, with which the wheel works, has it.
    if use.is_target_partial and not _offers_as_much(old, offer):
        return NumpyTargetUnknown(old_release=old.version, release=release)
    return NumpySeriesFits(accepts=use.accepts, offered=offered, target=target, release=release)


def _judge_by_name(use: NumpyUse, old: Provider, offer: Facts) -> Reason:
    offered = _abi_generation(offer)
    release = get_str(offer.thaw(), "release", f"$.{NAME}")
    if offered not in use.by_name_knows and not _is_same_generation(old, offer):
        return NumpyFoundByName(offered=offered, release=release)
    # Nothing checks whether the functions that it takes from the table are there.
    if use.is_by_name_partial and not _offers_as_much(old, offer):
        return NumpyTargetUnknown(old_release=old.version, release=release)
    return NumpySeriesFits(accepts=use.by_name_knows, offered=offered, target=None, release=release)


def _judge_types(old: Provider, offer: Facts) -> Reason:
    offered = _abi_generation(offer)
    release = get_str(offer.thaw(), "release", f"$.{NAME}")
    # Within a generation the types only grow, and an older NumPy may have smaller ones.
    if _is_same_generation(old, offer) and _offers_as_much(old, offer):
        return NumpySeriesFits(accepts=(offered,), offered=offered, target=None, release=release)
    return NumpyLayoutUnknown(offered=offered, release=release)


def _is_same_generation(old: Provider, offer: Facts) -> bool:
    before = old.provided.get(NAME)
    return before is not None and _abi_generation(before) == _abi_generation(offer)


def _offers_as_much(old: Provider, offer: Facts) -> bool:
    before = old.provided.get(NAME)
    if before is None:
        return False
    path = f"$.{NAME}"
    return get_int(offer.thaw(), "api_version", path) >= get_int(before.thaw(), "api_version", path)


def _numbers(release: str) -> tuple[int, ...]:
    """`2.0` of `2.0.2`, `2.0.0rc1` or `2.0.2+local`: what a target is compared with."""
    match = re.match(r"(?:\d+!)?(\d+)\.(\d+)", release)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def explains(module: str) -> bool:
    """Whether this interface accounts for a binary that names `module` of NumPy.

    NumPy's manual knows two C interfaces ("NumPy C-API"; "Extending": C API for random): the
    capsules judged here, and `numpy.random`, which is bound by Cython. Every other module has only
    Python objects, so its name in a binary is an import by Python's rules.
    """
    return f"{module}.".startswith("numpy.") and not f"{module}.".startswith("numpy.random.")
