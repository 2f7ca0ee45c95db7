"""nanobind: wheels with the same ABI tag and domain see each other's C++ types.

Modules find their shared internals under the key `__nb_internals_<tag>_<domain>__`, made when they
are loaded (src/nb_internals.cpp), and in it the types by the name of their `std::type_info`
(src/nb_internals.h, `std_typeinfo_eq`). The tag stands in the binary. What else is spelled like a
domain does not tell, so all count as one.
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

NAME: Final = "nanobind"

# In its messages and in the names of its own types, whatever the key is made of.
MARK: Final = b"nanobind"
_KEY: Final = b"__nb_internals_%s_%s__"
_STANDARD_LIBRARY: Final = b"_lib"
_TAG: Final = re.compile(r"v\d+_\w*lib(?:std)?cp+\w*", re.ASCII)


def read_object(opened: OpenObject) -> JSONValue:
    """The ABI tag and the C++ types of an object made with nanobind."""
    if not opened.strings.ask_the_interpreter or not opened.strings.contain(MARK):
        return None
    words = opened.strings.words(_STANDARD_LIBRARY) if opened.strings.contain(_KEY) else ()
    tags = {word for word in words if _TAG.fullmatch(word)}
    return shared_types.registered(tags, type_names(opened.data, opened.shared))


def provides(wheel: InspectedWheel) -> Facts | None:
    """The tags and types of its modules."""
    return shared_types.facts_of(wheel, NAME)


def requires(wheel: InspectedWheel) -> Facts | None:
    """The same: whoever wraps a type may take it from others."""
    return shared_types.facts_of(wheel, NAME)


def is_satisfied(required: Facts, old: Provider, new: Provider) -> tuple[Binding, ...]:
    """At most one binding: through the internals."""
    return shared_types.bindings(NAME, required, old, new)
