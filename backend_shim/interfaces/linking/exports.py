"""What a wheel offers to be linked to: its libraries and their symbols."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from itertools import repeat
from operator import itemgetter
from typing import Final

from backend_shim.binary.shared_object import Symbol
from backend_shim.interfaces.inspected_wheel import InspectedObject, InspectedWheel
from backend_shim.interfaces.linking.facts import Library
from backend_shim.interfaces.linking.platform_libraries import is_platform_library
from backend_shim.interfaces.platform_floor import is_for_musl
from backend_shim.record.fingerprint import (
    ExportedSymbol,
    ExportingObject,
    SymbolTables,
)

_OFFERED: Final = itemgetter(*map(Symbol._fields.index, ExportedSymbol._fields))
# PEP 489, "Export Hook Name": PyInitU_ for names that are not ASCII; PEP 793: PyModExport_.
ENTRY_POINTS: Final = ("PyInit_", "PyInitU_", "PyModExport_", "PyModExportU_")


def exported_tables(wheel: InspectedWheel) -> SymbolTables:
    """What other wheels can bind to.

    That leaves out grafted copies, executables and the entry points for the interpreter.
    """
    is_musl = is_for_musl(each.shared for each in wheel.objects)
    found = []
    for each in wheel.objects:
        if each.is_grafted or each.kind == "executable":
            continue
        offered = [symbol for symbol in _offered(each) if not (is_musl and symbol.is_hidden)]
        if offered or each.kind == "library":
            found.append(_exporting_object(each, offered))
    return SymbolTables(objects=tuple(found))


def _exporting_object(each: InspectedObject, offered: Iterable[Symbol]) -> ExportingObject:
    return ExportingObject(
        path=each.path,
        soname=each.shared.soname,
        machine=each.shared.machine,
        # pyarrow has 100,000 of them, and ExportedSymbol(...) would take three times as long.
        symbols=tuple(map(tuple.__new__, repeat(ExportedSymbol), map(_OFFERED, offered))),
        forwards=tuple(
            (symbol.name, symbol.forwards_to) for symbol in offered if symbol.forwards_to
        ),
    )


def _offered(each: InspectedObject) -> list[Symbol]:
    return [symbol for symbol in each.shared.exported if not symbol.name.startswith(ENTRY_POINTS)]


def _offers_more(each: InspectedObject) -> bool:
    """Whether it exports anything but its entry points."""
    return not all(name.startswith(ENTRY_POINTS) for name in each.shared.exported.names)


def libraries_of(wheel: InspectedWheel) -> tuple[Library, ...]:
    """The libraries by which others can name the wheel.

    An extension module is one if it exports more than its entry points.
    """
    return tuple(
        _library(each)
        for each in wheel.objects
        if each.kind == "library" or (each.kind == "extension-module" and _offers_more(each))
    )


def _library(each: InspectedObject) -> Library:
    shared = each.shared
    # Whatever needs versions or defines them has `.gnu.version`.
    has_versions = shared.format != "elf" or shared.version_needs or shared.version_definitions
    return Library(
        path=each.path,
        name=shared.soname or posixpath.basename(each.path),
        format=shared.format,
        machine=shared.machine,
        is_grafted=each.is_grafted,
        needed=tuple(
            name for name in shared.needed if not is_platform_library(name, shared.format)
        ),
        reexported=shared.reexported,
        versions=shared.version_definitions if has_versions else None,
    )
