"""pybind11: wheels with the same internals see each other's C++ types.

All modules whose `PYBIND11_INTERNALS_ID` is equal share one `internals`, which holds the types by
`std::type_index` (detail/internals.h); types of one module only carry the same id in the name of an
attribute. Since 2.11.2, 2.12.1 and 2.13.6 the method `_pybind11_conduit_v1_` crosses different ids,
for types with equal `std::type_info` (detail/cpp_conduit.h); who has it on both sides meets there.
"""

from __future__ import annotations

import re
from typing import Final

from backend_shim.interfaces import shared_types
from backend_shim.interfaces.cpp_type_names import type_names
from backend_shim.interfaces.inspected_wheel import InspectedWheel, OpenObject
from backend_shim.interfaces.provider import Provider
from backend_shim.interfaces.reasons import Binding
from backend_shim.record.canonical import JSONValue
from backend_shim.record.facts import Facts

NAME: Final = "pybind11"

# In the id of every release and in the conduit's name, which other bindings may take up.
MARK: Final = b"_pybind11_"
_ID: Final = re.compile(r"_?(_pybind11_(?:internals|conduit)_v\w+?)_*")


def read_object(opened: OpenObject) -> JSONValue:
    """The ids of the internals and of the conduit, and the C++ types of an object with either."""
    if not opened.strings.ask_the_interpreter or not opened.strings.contain(MARK):
        return None
    found = (_ID.fullmatch(word) for word in opened.strings.words(MARK))
    ids = {match[1] for match in found if match}
    # An id that could not be read may be any, beside that of the conduit.
    if not any("internals" in each for each in ids):
        ids.add(shared_types.ANY_ID)
    return shared_types.registered(ids, type_names(opened.data, opened.shared))


def provides(wheel: InspectedWheel) -> Facts | None:
    """The ids and types of its modules."""
    return shared_types.facts_of(wheel, NAME)


def requires(wheel: InspectedWheel) -> Facts | None:
    """The same: whoever wraps a type may take it from others."""
    return shared_types.facts_of(wheel, NAME)


def is_satisfied(required: Facts, old: Provider, new: Provider) -> tuple[Binding, ...]:
    """At most one binding: through the internals or the conduit."""
    return shared_types.bindings(NAME, required, old, new)
