"""SWIG: wheels whose run-time has the same version and type table share their types.

Every module puts its types into the list that hangs on the capsule
`swig_runtime_data<version>.type_pointer_capsule<table>`, and takes those that are there already by
their mangled names: `_p_Foo` for `Foo *` (Lib/python/pyrun.swg, Lib/swiginit.swg). The names are
constants of the module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from backend_shim.interfaces import shared_types
from backend_shim.interfaces.inspected_wheel import InspectedWheel, OpenObject
from backend_shim.interfaces.provider import Provider
from backend_shim.interfaces.reasons import Binding
from backend_shim.record.canonical import JSONValue
from backend_shim.record.facts import Facts

NAME: Final = "swig"

MARK: Final = b"swig_runtime_data"
_ID: Final = re.compile(r"(swig_runtime_data\d+)\.type_pointer_capsule(\w*)", re.ASCII)
# Pointers, and pointers to members. A linker may keep `_p_Foo` as the end of `_p_p_Foo` only.
_BEGINNINGS: Final = (b"_p_", b"_m_")
_TYPE: Final = re.compile(r"(?=(_[pm]_\w+))", re.ASCII)
# Types of C, of the C++ library over these, and of SWIG itself: not the provider's business.
_PLAIN: Final = (
    r"(?:(?:unsigned|signed)_)?(?:char|short|int|long_long|long)|float|double|bool|void|wchar_t"
    r"|size_t|ssize_t|ptrdiff_t|u?int(?:8|16|32|64|ptr)_t|FILE|PyObject|std__string"
)
_OF_LIBRARIES: Final = re.compile(
    rf"_(?:p_)+(?:{_PLAIN}|(?:allocator|difference|first|key|mapped|second|size|value)_type"
    rf"|std__(?:allocator|vector)T_(?:{_PLAIN})(?:_std__allocatorT_(?:{_PLAIN})_t)?_t"
    r"|std__\w*?(?:error|exception|invalid_argument)|swig__SwigPyIterator)",
    re.ASCII,
)


def read_object(opened: OpenObject) -> JSONValue:
    """The type table and the types of an object made with SWIG."""
    if not opened.strings.ask_the_interpreter or not opened.strings.contain(MARK):
        return None
    found = (_ID.fullmatch(word) for word in opened.strings.words(MARK))
    tables = {match[1] + match[2] for match in found if match}
    return shared_types.registered(tables, _types(opened))


def _types(opened: OpenObject) -> Iterator[str]:
    for beginning in _BEGINNINGS:
        for word in opened.strings.words(beginning):
            for match in _TYPE.finditer(word):
                if not _OF_LIBRARIES.fullmatch(match[1]):
                    yield match[1]


def provides(wheel: InspectedWheel) -> Facts | None:
    """The type tables and types of its modules."""
    return shared_types.facts_of(wheel, NAME)


def requires(wheel: InspectedWheel) -> Facts | None:
    """The same: whoever wraps a type may take it from others."""
    return shared_types.facts_of(wheel, NAME)


def is_satisfied(required: Facts, old: Provider, new: Provider) -> tuple[Binding, ...]:
    """At most one binding: through the type table."""
    return shared_types.bindings(NAME, required, old, new)
