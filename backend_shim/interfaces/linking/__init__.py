"""Dynamic linking: what the loader resolves, by the loader's own rules.

A consumer requires the libraries that are not in its own wheel, and the symbols that nothing in its
own wheel, no library of the platform and no interpreter defines. A provider offers the exported
symbols of its libraries. ELF has one name space for all that is loaded; PE and Mach-O name the
library of nearly every symbol.
"""

from __future__ import annotations

from backend_shim.interfaces.inspected_wheel import InspectedWheel, OpenObject
from backend_shim.interfaces.linking.exports import (
    ENTRY_POINTS,
    exported_tables,
    libraries_of,
)
from backend_shim.interfaces.linking.facts import NAME, library_facts, need_facts, needs_in
from backend_shim.interfaces.linking.needs import needs_of
from backend_shim.interfaces.linking.platform_libraries import is_runtime_symbol
from backend_shim.interfaces.linking.provided import ProvidedLibraries
from backend_shim.interfaces.linking.reasons import StringAbiChanged, SymbolsPresent
from backend_shim.interfaces.linking.rules import NeedJudgement
from backend_shim.interfaces.linking.source_name import source_name
from backend_shim.interfaces.platform_floor import string_abi
from backend_shim.interfaces.provider import Declaration, Provider
from backend_shim.interfaces.reasons import Binding, Reason
from backend_shim.record.canonical import JSONValue
from backend_shim.record.facts import Facts

__all__ = [
    "ENTRY_POINTS",
    "NAME",
    "exported_tables",
    "is_satisfied",
    "provides",
    "read_object",
    "requires",
]


def read_object(_opened: OpenObject) -> JSONValue:
    """Nothing beyond the tables that were read already."""
    return None


def provides(wheel: InspectedWheel) -> Facts | None:
    """The libraries by which others can name this wheel; their symbols stand in another member."""
    return library_facts(libraries_of(wheel))


def requires(wheel: InspectedWheel) -> Facts | None:
    """Per object, the needed libraries and imported symbols that come from elsewhere."""
    return need_facts(needs_of(wheel))


def is_satisfied(required: Facts, old: Provider, new: Provider) -> tuple[Binding, ...]:
    """At most one binding: all that the loader takes from the provider's libraries."""
    before, after = old.made_by(ProvidedLibraries), new.made_by(ProvidedLibraries)
    if not before.rows and not after.rows:
        return ()
    judged = [NeedJudgement(need, before, after) for need in needs_in(required)]
    libraries = tuple(sorted({name for each in judged for name in each.libraries}))
    taken = frozenset().union(*(each.taken for each in judged))
    if not libraries and not taken:
        return ()
    reasons: list[Reason] = list(dict.fromkeys(r for each in judged for r in each.reasons))
    then, now = string_abi(old), string_abi(new)
    if then and now and not set(then) & set(now) and any(map(_is_cxx, taken)):
        reasons.append(StringAbiChanged(old=then, new=now))
    if reasons:
        # Whatever the headers say, the loader may not get that far.
        return (Binding(interface=NAME, reasons=tuple(reasons)),)
    present = SymbolsPresent(libraries=libraries, symbols=len(taken))
    # Copies of the C++ run time are declared by the compiler's headers.
    declared = sorted({source_name(name) for name in taken if not is_runtime_symbol(name)})
    return (
        Binding(
            interface=NAME,
            reasons=(present,),
            declarations=tuple(Declaration(None, name) for name in declared),
            symbols=tuple(sorted(taken)),
        ),
    )


def _is_cxx(symbol: str) -> bool:
    return symbol.startswith("_Z") and not is_runtime_symbol(symbol)
