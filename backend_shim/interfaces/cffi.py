"""cffi: C modules that hand their tables to `_cffi_backend` and take functions from it by number.

A module made by `ffi.set_source()` calls `_cffi_backend._init_cffi_1_0_external_module` with a
version tag, its type tables and an empty array that the backend fills with functions
(cffi/_cffi_include.h, c/cffi1_module.c). The backend refuses a tag outside of its
CFFI_VERSION_MIN … CFFI_VERSION_MAX. What the tables mean and at which number each function stands
is said by two headers, which a wheel of cffi ships together with the generator that writes the
tags. In all releases from 1.0 to 2.0, CFFI_VERSION_MIN is the lowest tag of the generator and
CFFI_VERSION_MAX its highest with 0xFF as the last byte, and the numbers were only added to.

So a cffi that has every tag, number and structure of the old one takes what the old one took.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from backend_shim.binary.code_references import can_find_references, loads_into
from backend_shim.interfaces.inspected_wheel import InspectedWheel, OpenObject
from backend_shim.interfaces.provider import Declaration, Provider
from backend_shim.interfaces.reasons import Binding, Effect, Evidence, Reason
from backend_shim.record.canonical import JSONValue
from backend_shim.record.decoding import as_int, as_object, get_list, get_str_list
from backend_shim.record.facts import Facts

NAME: Final = "cffi"
PROVIDER: Final = "cffi"

_GENERATOR: Final = "cffi/recompiler.py"
_TABLES: Final = "cffi/parse_c_type.h"
_FUNCTIONS: Final = "cffi/_cffi_include.h"
WANTED_TEXT: Final = (_GENERATOR, _TABLES, _FUNCTIONS)

_BACKEND: Final = "_cffi_backend"
_ENTRY: Final = b"_init_cffi_1_0_external_module\0"
# What the generated code wraps its tables in for the call; spares the search in other objects.
_WRAPS_TABLES: Final = "PyLong_FromVoidPtr"
# `_C_API` is how modules of cffi 0.x (`ffi.verify()`) take the functions, with no tag.
_UNTAGGED: Final = b"_C_API\0"

_TAG: Final = re.compile(rb"^VERSION\w*[ \t]*=[ \t]*\"?(0x[0-9A-Fa-f]{1,8})\b", re.MULTILINE)
_NUMBER: Final = re.compile(
    rb"^[ \t]*#[ \t]*define[ \t]+_CFFI_(_?[A-Z]\w*)[ \t]+\(?(-?\w+)\)?", re.MULTILINE
)
# How many there are changes with every one that is added.
_COUNTS: Final = frozenset({b"_NUM_PRIM", b"NUM_EXPORTS"})
_FUNCTION: Final = re.compile(
    rb"#[ \t]*define[ \t]+(_cffi_\w+)\s+\(\((.*?)\)_cffi_exports\[(\w+)\]"
)
_STRUCTURE: Final = re.compile(rb"struct[ \t]+(_cffi_\w+)[ \t]*\{(.*?)\};", re.DOTALL)
_COMMENT: Final = re.compile(rb"//[^\n]*|/\*.*?\*/", re.DOTALL)
_SPLICE: Final = re.compile(rb"\\\r?\n")

# `mov qword [rsp + …], imm32` (REX.W C7 /0) and `mov r32, imm32` (B8 + r) of Intel SDM, volume 2;
# the tags that there are end in 01.
_TAG_IN_CODE: Final = re.compile(
    rb"(?:\x48\xc7[\x00-\x07\x40-\x47\x80-\x87].{0,5}?|[\xb8-\xbf])(\x01[\x26-\x2f])\0\0", re.DOTALL
)
# `PyImport_ImportModule("_cffi_backend")` follows the array that holds the tag in one function.
_FIRST_ARGUMENT: Final = 7  # rdi
_AROUND: Final = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class CffiTakesAll(Reason):
    """The new cffi has every version tag, table number and function of the old one."""

    kind: ClassVar[str] = "cffi-takes-all"
    effect: ClassVar[Effect] = Effect.SUPPORTS
    evidence: ClassVar[Evidence | None] = Evidence.PROMISE
    old_release: str
    release: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CffiTagRefused(Reason):
    """The consumer's modules carry a version tag that is newer than the new cffi."""

    kind: ClassVar[str] = "cffi-tag-refused"
    effect: ClassVar[Effect] = Effect.REFUSES
    tag: int
    newest: int
    release: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CffiTakesLess(Reason):
    """The new cffi lacks some of what the old one has, and the consumer may use it."""

    kind: ClassVar[str] = "cffi-takes-less"
    effect: ClassVar[Effect] = Effect.OPEN
    missing: tuple[str, ...]
    release: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CffiTablesUnknown(Reason):
    """Nothing tells what one of the two releases of cffi takes."""

    kind: ClassVar[str] = "cffi-tables-unknown"
    effect: ClassVar[Effect] = Effect.OPEN
    release: str | None
    """None: there is no older one to compare with."""


def read_object(opened: OpenObject) -> JSONValue:
    """The version tag of a module made by cffi, as far as its code tells; None for any other."""
    strings = opened.strings
    if _WRAPS_TABLES not in strings.imported_names or not strings.contain(_ENTRY):
        return None
    if strings.contain(_UNTAGGED):
        return None
    tags = sorted(set(_tags_in_code(opened)))
    return {"tag": tags[0] if len(tags) == 1 else None}


def _tags_in_code(opened: OpenObject) -> Iterator[int]:
    if not can_find_references(opened.shared):
        return
    backend = _BACKEND.encode()
    names = {at for text, at in opened.strings.literals(backend) if text == backend}
    for load in loads_into(opened.data, opened.shared, _FIRST_ARGUMENT):
        if load.target in names:
            start = max(0, load.position - _AROUND)
            around = opened.data[start : load.position + _AROUND]
            yield from (int.from_bytes(tag, "little") for tag in _TAG_IN_CODE.findall(around))


def accounts_for(_seen: JSONValue) -> frozenset[str]:
    """The backend's name: such a module imports it to call the one function."""
    return frozenset({_BACKEND})


def explains(module: str) -> bool:
    """Whether a binary that names `module` is bound by Python's rules only.

    So it is for the package, which has been pure Python in every release; not for the backend.
    """
    return f"{module}.".startswith("cffi.")


def provides(wheel: InspectedWheel) -> Facts | None:
    """The tags that cffi's own generator writes, and what its headers number; of cffi only."""
    if wheel.name != PROVIDER:
        return None
    text = {
        wanted: content
        for path, content in wheel.text.items()
        for wanted in WANTED_TEXT
        if path == wanted or path.endswith("/" + wanted)
    }
    tags = sorted({int(tag, 16) for tag in _TAG.findall(text.get(_GENERATOR, b""))})
    tables = sorted(_tables(text.get(_TABLES, b"")))
    functions = sorted(_functions(text.get(_FUNCTIONS, b"")))
    if not tags or not tables or not functions:
        return None
    return Facts({"tags": tags, "tables": [*tables, *functions]})


def _tables(header: bytes) -> Iterator[str]:
    """A line for each number and each structure that `header` defines."""
    text = _COMMENT.sub(b" ", header)
    for name, value in _NUMBER.findall(text):
        if name not in _COUNTS:
            yield _line(name, value)
    for name, members in _STRUCTURE.findall(text):
        yield _line(b"struct " + name, members)


def _functions(header: bytes) -> Iterator[str]:
    """A line for each function that the backend hands out: its name, number and type."""
    text = _SPLICE.sub(b" ", _COMMENT.sub(b" ", header))
    numbers = dict(_NUMBER.findall(text))
    for name, kind, index in _FUNCTION.findall(text):
        number = numbers.get(index.removeprefix(b"_CFFI_"), index)
        yield _line(name, number, kind)


def _line(*parts: bytes) -> str:
    return b" ".join(b" ".join(parts).split()).decode("utf-8", "replace")


def requires(wheel: InspectedWheel) -> Facts | None:
    """The version tags of its modules made by cffi, where the code tells; None without any."""
    seen = [as_object(found, NAME)["tag"] for _, found in wheel.seen(NAME)]
    if not seen or wheel.name == PROVIDER:
        return None
    return Facts({"tags": sorted({as_int(tag, NAME) for tag in seen if tag is not None})})


def is_satisfied(required: Facts, old: Provider, new: Provider) -> tuple[Binding, ...]:
    """One binding; it would be proved as well by unchanged headers that name the backend."""
    if new.name != PROVIDER:
        return ()
    backend = Declaration(module=_BACKEND, name=_BACKEND)
    reasons = (_judge(_tags(required), old, new),)
    return (Binding(interface=NAME, reasons=reasons, declarations=(backend,)),)


def _judge(needed: set[int], old: Provider, new: Provider) -> Reason:
    offered, before = new.provided.get(NAME), old.provided.get(NAME)
    if offered is None:
        return CffiTablesUnknown(release=new.version)
    newest = max(_tags(offered), default=0)
    # Tags that differ in their last byte only are taken alike.
    refused = [tag for tag in needed if tag >> 8 > newest >> 8]
    if refused:
        return CffiTagRefused(tag=max(refused), newest=newest, release=new.version)
    if before is None:
        return CffiTablesUnknown(release=old.version or None)
    missing = _all_of(before) - _all_of(offered)
    if missing:
        return CffiTakesLess(missing=tuple(sorted(missing)), release=new.version)
    return CffiTakesAll(old_release=old.version, release=new.version)


def _tags(facts: Facts) -> set[int]:
    path = f"$.{NAME}"
    return {as_int(tag, f"{path}.tags") for tag in get_list(facts.thaw(), "tags", path)}


def _all_of(offer: Facts) -> set[str]:
    tables = get_str_list(offer.thaw(), "tables", f"$.{NAME}")
    return {*(f"version tag {tag:#x}" for tag in _tags(offer)), *tables}
