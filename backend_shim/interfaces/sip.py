"""sip's ABI: modules of PyQt and others that take their functions from one module named `sip`.

sip generates a module that imports `<package>.sip`, takes the capsule `<package>.sip._C_API` and
calls its first function with the ABI version that it was generated for (`SIP_ABI_MAJOR_VERSION`,
`SIP_ABI_MINOR_VERSION`). That function refuses another major version and a higher minor version
than its own: "the sip module implements ABI v%d.0 to v%d.%d but the %s module requires ABI v%d.%d"
(siplib.c, sip_api_export_module). "When incompatible changes are made then the major version number
of the ABI is increased", and the version of the `sip` module is that of the ABI (sip's manual,
"ABI Versions" and "Introduction").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

from backend_shim.binary.code_references import can_find_references, loads_into
from backend_shim.errors import InvalidRecord
from backend_shim.interfaces.inspected_wheel import InspectedWheel, OpenObject
from backend_shim.interfaces.provider import Declaration, Provider
from backend_shim.interfaces.reasons import Binding, Effect, Evidence, Reason
from backend_shim.record.canonical import JSONValue
from backend_shim.record.decoding import (
    as_object,
    get_bool,
    get_list,
    get_object,
    get_objects,
    get_str,
)
from backend_shim.record.facts import Facts

NAME: Final = "sip"

# As sip's tool `sip-module` and wxPython call it.
_MODULE_NAMES: Final = ("sip", "siplib")
_CAPSULE: Final = "_C_API"
MARKS: Final = tuple(f"{name}.{_CAPSULE}".encode() for name in _MODULE_NAMES)
# Its types that generated code names: what classes derive from (sip.h, `sipClassTypeDef`), and what
# its functions return.
_TYPES: Final = ("array", "enumtype", "simplewrapper", "voidptr", "wrapper", "wrappertype")
_TAKES_CAPSULE: Final = "PyCapsule_GetPointer"
_MAKES_CAPSULE: Final = "PyCapsule_New"
_REFUSAL: Final = b"the sip module implements A"

# x86-64, System V ABI, 3.2.3 "Parameter Passing": rdi, rsi, rdx, rcx, r8. Numbers of one byte.
_SECOND_ARGUMENT: Final = 6
_MOV_ESI: Final = re.compile(rb"\xbe(.)\0\0\0", re.DOTALL)
_MOV_EDX: Final = re.compile(rb"\xba(.)\0\0\0", re.DOTALL)
_MOV_ECX: Final = re.compile(rb"\xb9(.)\0\0\0", re.DOTALL)
_MOV_R8D: Final = re.compile(rb"\x41\xb8(.)\0\0\0", re.DOTALL)
# `call [register]`: the first function of the table (FF /2 without displacement).
_CALL: Final = re.compile(rb"(?:\x41)?\xff[\x10-\x13\x16\x17]", re.DOTALL)
# Measured from the load of the capsule's name to the call, and from its last argument before it.
_TO_CALL: Final = 96
_ARGUMENTS: Final = 32
_BEFORE_REFUSAL: Final = 40
_AFTER_REFUSAL: Final = 24
# The first ABI of modules made by sip 5, whose own version is that of the ABI.
_OLDEST_MAJOR: Final = 12


class _Abi(NamedTuple):
    major: int
    minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SipAbiFits(Reason):
    """The new module has the major version, and at least the minor one, that is asked for."""

    kind: ClassVar[str] = "sip-abi-fits"
    effect: ClassVar[Effect] = Effect.SUPPORTS
    evidence: ClassVar[Evidence | None] = Evidence.PROMISE
    module: str
    needed: tuple[str, ...]
    """Empty where the code does not tell: then the new module offers no less than the old one."""
    offered: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SipAbiRefused(Reason):
    """The new module refuses the version that the consumer asks for; its import fails."""

    kind: ClassVar[str] = "sip-abi-refused"
    effect: ClassVar[Effect] = Effect.REFUSES
    module: str
    needed: str
    offered: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SipAbiUnknown(Reason):
    """One of the two numbers to compare is not known."""

    kind: ClassVar[str] = "sip-abi-unknown"
    effect: ClassVar[Effect] = Effect.OPEN
    module: str
    offered: str | None


def read_object(opened: OpenObject) -> JSONValue:
    """The `sip` module that this object is, or the one that it asks, with the ABI versions."""
    imported = opened.strings.imported_names
    if _MAKES_CAPSULE in imported and opened.strings.contain(_REFUSAL):
        return _read_sip(opened)
    if _TAKES_CAPSULE in imported:
        return _read_client(opened)
    return None


def _read_sip(opened: OpenObject) -> JSONValue:
    suffix = f".{_CAPSULE}"
    names = {
        word.removesuffix(suffix)
        for word in opened.strings.words(suffix.encode())
        if word.endswith(suffix) and _is_sip(word.removesuffix(suffix))
    }
    if len(names) != 1:
        return None
    versions = {version for at in _loads(opened, _REFUSAL) for version in _offered_at(opened, at)}
    return {"offers": names.pop(), "abi": _only(versions)}


def _read_client(opened: OpenObject) -> JSONValue:
    asked: dict[str, JSONValue] = {}
    for name in sorted(opened.looked_for):
        for literal, is_whole in opened.strings.names(name):
            module, _, attribute = literal.rpartition(".")
            if is_whole and attribute == _CAPSULE and _is_sip(module):
                loads = _loads(opened, literal.encode() + b"\0")
                asked[module] = _only({v for at in loads for v in _asked_at(opened, at)})
    return {"asks": asked} if asked else None


def _is_sip(module: str) -> bool:
    return module.rpartition(".")[2] in _MODULE_NAMES


def _only(versions: set[_Abi] | set[_Abi | None]) -> JSONValue:
    """The one version among `versions`; None where there are several, or none is known."""
    only = next(iter(versions)) if len(versions) == 1 else None
    return None if only is None else list(only)


def _loads(opened: OpenObject, beginning: bytes) -> Iterator[int]:
    """Where in the file a literal with that beginning is made the second argument of a call."""
    if not can_find_references(opened.shared):
        return
    literals = {address for _, address in opened.strings.literals(beginning)}
    for load in loads_into(opened.data, opened.shared, _SECOND_ARGUMENT):
        if load.target in literals:
            yield load.position


def _asked_at(opened: OpenObject, at: int) -> Iterator[_Abi]:
    """The two numbers of the first call through the table whose capsule's name is loaded `at`."""
    code = bytes(opened.data[at : at + _TO_CALL])
    call = _CALL.search(code)
    if call:
        arguments = code[max(0, call.start() - _ARGUMENTS) : call.start()]
        yield from _versions(_MOV_ESI.findall(arguments), _MOV_EDX.findall(arguments))


def _offered_at(opened: OpenObject, at: int) -> Iterator[_Abi]:
    """The numbers that the refusal, loaded `at`, would print: "v%d.0 to v%d.%d"."""
    around = bytes(opened.data[max(0, at - _BEFORE_REFUSAL) : at + _AFTER_REFUSAL])
    majors = _MOV_ECX.findall(around)
    if majors == _MOV_EDX.findall(around):
        yield from _versions(majors, _MOV_R8D.findall(around))


def _versions(majors: list[bytes], minors: list[bytes]) -> Iterator[_Abi]:
    if len(majors) == len(minors) == 1:
        yield _Abi(majors[0][0], minors[0][0])


def accounts_for(seen: JSONValue) -> frozenset[str]:
    """The module, its capsule and its types, which a client names."""
    asked = get_object(as_object(seen, NAME), "asks", NAME, optional=True) or {}
    named = ("", f".{_CAPSULE}", *(f".{name}" for name in _TYPES))
    return frozenset(f"{module}{attribute}" for module in asked for attribute in named)


def provides(wheel: InspectedWheel) -> Facts | None:
    """The ABI version of each `sip` module in the wheel, in all its objects for all machines."""
    offered: dict[str, set[_Abi | None]] = {}
    for _, found in wheel.seen(NAME):
        table = as_object(found, NAME)
        if "offers" in table:
            read = table["abi"]
            abi = _version_of_wheel(wheel) if read is None else _abi(read, NAME)
            offered.setdefault(get_str(table, "offers", NAME), set()).add(abi)
    modules = [{"module": module, "abi": _only(offered[module])} for module in sorted(offered)]
    return Facts({"modules": modules}) if modules else None


def _version_of_wheel(wheel: InspectedWheel) -> _Abi | None:
    """The ABI version that a wheel with nothing but a `sip` module has by its own version."""
    match = re.match(r"(\d+)\.(\d+)", wheel.version)
    is_alone = len({each.path for each in wheel.objects}) == 1
    if match and is_alone and int(match[1]) >= _OLDEST_MAJOR:
        return _Abi(int(match[1]), int(match[2]))
    return None


def requires(wheel: InspectedWheel) -> Facts | None:
    """The ABI versions that its modules ask each `sip` module for."""
    asked: dict[str, list[JSONValue]] = {}
    for _, found in wheel.seen(NAME):
        for module, version in as_object(as_object(found, NAME).get("asks") or {}, NAME).items():
            asked.setdefault(module, []).append(version)
    if not asked:
        return None
    return Facts({"modules": [_need(module, asked[module]) for module in sorted(asked)]})


def _need(module: str, versions: list[JSONValue]) -> dict[str, JSONValue]:
    known = sorted({_abi(version, NAME) for version in versions if version is not None})
    return {
        "module": module,
        "asks": [list(each) for each in known],
        "is_partial": None in versions,
    }


def _abi(value: JSONValue, path: str) -> _Abi:
    match value:
        case [int(major), int(minor)]:
            return _Abi(major, minor)
    raise InvalidRecord(path, "must be [major, minor]")


def is_satisfied(required: Facts, old: Provider, new: Provider) -> tuple[Binding, ...]:
    """One binding for each `sip` module of the provider that the consumer asks."""
    found = []
    for need, path in get_objects(required.thaw(), "modules", f"$.{NAME}"):
        module = get_str(need, "module", path)
        if module in old.modules | new.modules:
            asked = [_abi(each, f"{path}.asks") for each in get_list(need, "asks", path)]
            is_partial = get_bool(need, "is_partial", path)
            reason = _judge(module, asked, is_partial, _offer(old, module), _offer(new, module))
            found.append(_binding(module, reason))
    return tuple(found)


def _binding(module: str, reason: Reason) -> Binding:
    header = Declaration(module=module, name=f"{module}.{_CAPSULE}")
    return Binding(interface=NAME, reasons=(reason,), declarations=(header,))


def _offer(provider: Provider, module: str) -> _Abi | None:
    facts = provider.provided.get(NAME)
    if facts is None:
        return None
    for offer, path in get_objects(facts.thaw(), "modules", f"$.{NAME}"):
        if get_str(offer, "module", path) == module and offer.get("abi") is not None:
            return _abi(offer["abi"], f"{path}.abi")
    return None


def _judge(
    module: str, asked: list[_Abi], is_partial: bool, old: _Abi | None, new: _Abi | None
) -> Reason:
    if new is None:
        return SipAbiUnknown(module=module, offered=None)
    for version in asked:
        if not _serves(new, version):
            return SipAbiRefused(module=module, needed=_text(version), offered=_text(new))
    # What the code does not tell is no more than the old module has, with which the wheel works.
    if is_partial and not (old and _serves(new, old)):
        return SipAbiUnknown(module=module, offered=_text(new))
    return SipAbiFits(module=module, needed=tuple(map(_text, asked)), offered=_text(new))


def _serves(offered: _Abi, asked: _Abi) -> bool:
    return offered.major == asked.major and offered.minor >= asked.minor


def _text(version: _Abi) -> str:
    return f"{version.major}.{version.minor}"
