"""What a wheel needs of the platform: how new a libc and C++ library, and which `std::string`.

The newest version nodes that its ELF objects need of the platform's libraries say how old a system
may be (PEP 513, 571, 599, 600); musl's libc has none. libstdc++ has two ABIs of `std::string` and
`std::list` (GCC manual, "Dual ABI"), told apart by the inline namespace `__cxx11`: code of the one
links to code of the other where no such type stands in a signature, and then reads it wrongly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from backend_shim.binary.shared_object import SharedObject
from backend_shim.errors import InvalidRecord
from backend_shim.interfaces.inspected_wheel import InspectedWheel, OpenObject
from backend_shim.interfaces.provider import Provider
from backend_shim.interfaces.reasons import Binding
from backend_shim.record.canonical import JSONValue
from backend_shim.record.decoding import get_list, get_str, get_str_list
from backend_shim.record.facts import Facts

NAME: Final = "platform"

GLIBC, MUSL = "glibc", "musl"

# Nodes of libc, libstdc++ and libgcc; the symbol GLIBC_ABI_DT_RELR came with glibc 2.36 (its NEWS)
# and stands for packed relocations, which no older one reads.
_NODE: Final = re.compile(r"(GLIBCXX|GLIBC|CXXABI|GCC)_(\d{1,4}(?:\.\d{1,4}){0,3})", re.ASCII)
_PACKED_RELOCATIONS: Final = ("GLIBC_ABI_DT_RELR", "GLIBC_2.36")
_NEW_STRING: Final = ("St7__cxx11", "B5cxx11")
# Members of `std::basic_string<char>` of the old ABI; `Ss` elsewhere may be part of an identifier.
_OLD_STRING: Final = ("\n_ZNSs", "\n_ZNKSs")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformFloor:
    """What is needed of the platform."""

    libc: str | None
    """`glibc` or `musl`; None for other systems and where nothing tells."""
    versions: tuple[tuple[str, str], ...]
    """Newest version needed of each of GLIBC, GLIBCXX, CXXABI and GCC."""
    string_abi: tuple[str, ...]
    """`cxx11` and `old`, as far as the wheel's own objects use either."""


def read_object(opened: OpenObject) -> JSONValue:
    """The version nodes that it needs of the platform, its libc and its `std::string`."""
    shared = opened.shared
    if shared.format != "elf":
        return None
    nodes = sorted({node for _, versions in shared.version_needs for node in _known(versions)})
    libc = _libc(shared)
    strings = [*_string_abis(shared)]
    if not (nodes or libc or strings):
        return None
    return {"nodes": [*nodes], "libc": [libc] if libc else [], "string_abi": [*strings]}


def _known(versions: Iterable[str]) -> Iterator[str]:
    for version in versions:
        if version == _PACKED_RELOCATIONS[0]:
            yield _PACKED_RELOCATIONS[1]
        elif _NODE.fullmatch(version):
            yield version


def is_for_musl(objects: Iterable[SharedObject]) -> bool:
    """Whether the objects of a wheel are linked to musl.

    Its loader looks at no names of versions, and never binds to a hidden definition
    (ldso/dynlink.c, gnu_lookup).
    """
    return any(
        name.startswith(("libc.musl", "ld-musl")) for each in objects for name in each.needed
    )


def _libc(shared: SharedObject) -> str | None:
    if is_for_musl([shared]):
        return MUSL
    return GLIBC if "libc.so.6" in shared.needed else None


def _string_abis(shared: SharedObject) -> Iterator[str]:
    # Without the shared library of C++ none is imported.
    needs_cxx = any(name.startswith("libstdc++.") for name in shared.needed)
    names = shared.exported.text + (shared.imported.text if needs_cxx else "")
    if any(mark in names for mark in _NEW_STRING):
        yield "cxx11"
    if any(mark in names for mark in _OLD_STRING):
        yield "old"


def provides(_wheel: InspectedWheel) -> Facts | None:
    """Nothing: the provider is the system."""
    return None


def requires(wheel: InspectedWheel) -> Facts | None:
    """The newest of each kind of version node over all objects."""
    nodes: set[str] = set()
    libcs: set[str] = set()
    strings: set[str] = set()
    for each, found in wheel.seen(NAME):
        assert isinstance(found, dict)
        nodes.update(get_str_list(found, "nodes", "$"))
        libcs.update(get_str_list(found, "libc", "$"))
        if not each.is_grafted:
            strings.update(get_str_list(found, "string_abi", "$"))
    if not (nodes or libcs or strings):
        return None
    newest: dict[str, tuple[int, ...]] = {}
    for node in nodes:
        kind, _, version = node.rpartition("_")
        newest[kind] = max(newest.get(kind, ()), numbers(version))
    return Facts(
        {
            "libc": libcs.pop() if len(libcs) == 1 else None,
            "versions": [[kind, ".".join(map(str, newest[kind]))] for kind in sorted(newest)],
            "string_abi": sorted(strings),
        }
    )


def numbers(version: str) -> tuple[int, ...]:
    """`2.17` as numbers."""
    return tuple(int(part) for part in version.split("."))


def decode(required: Facts) -> PlatformFloor:
    """What the facts say; raises InvalidRecord."""
    table = required.thaw()
    return PlatformFloor(
        libc=get_str(table, "libc", f"$.{NAME}", optional=True),
        versions=tuple(_version(row) for row in get_list(table, "versions", f"$.{NAME}")),
        string_abi=get_str_list(table, "string_abi", f"$.{NAME}"),
    )


def _version(row: JSONValue) -> tuple[str, str]:
    match row:
        case [str(kind), str(version)]:
            return kind, version
    raise InvalidRecord(f"$.{NAME}.versions", "must hold [kind, version] pairs")


def is_satisfied(_required: Facts, _old: Provider, _new: Provider) -> tuple[Binding, ...]:
    """No other distribution takes part; the provider's `std::string` is asked for by linking."""
    return ()


def string_abi(provider: Provider) -> tuple[str, ...]:
    """Which `std::string` the provider's objects use; raises InvalidRecord."""
    facts = provider.required.get(NAME)
    return () if facts is None else decode(facts).string_abi
