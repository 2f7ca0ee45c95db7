"""Names of C++ types in a binary: what `std::type_info::name()` returns at run time.

The compiler writes the mangled name of each type whose `typeid` is used, and of each class with
virtual functions, as a constant that ends with NUL (Itanium C++ ABI, 2.9.5 "RTTI Layout"). Two
binaries mean the same type only if their names are equal: so compare libstdc++ itself, and pybind11
and nanobind where the C++ library compares addresses.

Other bytes may stand directly before a name, so one is assumed wherever it may begin; what is no
name after all is one name more. None is missed, unless the bytes before it make it a longer name.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Final

from backend_shim.binary.shared_object import SharedObject
from backend_shim.interfaces.inspected_wheel import Buffer
from backend_shim.interfaces.mangled_type import (
    Owner,
    after_identifier,
    is_function,
    is_type,
    owner,
)

# Microsoft's compiler has other names.
_FORMATS: Final = ("elf", "macho")
# The constants of larger objects are not searched: a whole program was linked into them.
_MOST_CONSTANTS: Final = 16 << 20
_SYMBOLS: Final = ("_ZTI", "_ZTS")
_LONGEST: Final = 1 << 14

_WORD: Final = b"$*.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
# Every name of a class or an enumeration holds the length of an identifier and the identifier.
_ANY_LENGTH: Final = re.compile(rb"[1-9][A-Za-z_]")
_TO_THE_END: Final = re.compile(_ANY_LENGTH.pattern + rb"[^\0]*")
# `pybind11::detail::cpp_conduit_method` goes by this name, which ends like the class `_`.
_NO_NAME: Final = b"_pybind11_conduit_v1_"

# Itanium C++ ABI, 5.1.2: <unscoped-name>, <nested-name>, <local-name>. A type of one file only has
# a `*` before it (GCC).
_BEGINNING: Final = re.compile(r"(?=[1-9]|N[rVK]*[RO]?[1-9SZ]|St[1-9]|Z[1-9NSKL])")
_MOST_ENDS: Final = 16
_NESTED: Final = re.compile(r"N[rVK]*[RO]?")

# In every object with libstdc++ linked in (src/c++11/system_error.cc), of no named namespace.
_OF_LIBSTDCXX: Final = frozenset(
    {"N12_GLOBAL__N_121system_error_categoryE", "N12_GLOBAL__N_122generic_error_categoryE"}
)

_KEPT: Final = (Owner.OTHERS, Owner.UNKNOWN)


def type_names(data: Buffer, shared: SharedObject) -> Iterator[str] | None:
    """The types that the object may know and the C++ library does not; None where that is open.

    A name may come more than once.
    """
    size = sum(each.size for each in shared.constants)
    if shared.format not in _FORMATS or size > _MOST_CONSTANTS:
        return None
    words = chain(
        _of_symbols((*shared.exported.names, *shared.imported.names)), _of_constants(data, shared)
    )
    return chain.from_iterable(map(_names_at_end, words))


def _of_symbols(names: Iterable[str]) -> Iterator[bytes]:
    return (each[4:].encode() for each in names if each.startswith(_SYMBOLS))


def _of_constants(data: Buffer, shared: SharedObject) -> Iterator[bytes]:
    """The end of each string of C that may hold the name of a class."""
    for section in shared.constants:
        start, stop = section.offset, section.offset + section.size
        # Tables of numbers look like many short strings, few of which hold a length.
        for at, end in (each.span() for each in _TO_THE_END.finditer(data, start, stop)):
            if data[end - 1] in _WORD:
                string = data[max(start, data.rfind(b"\0", start, at) + 1) : end]
                word = string[len(string.rstrip(_WORD)) :]
                if _ANY_LENGTH.search(word) and word != _NO_NAME:
                    yield word[-_LONGEST:]


@functools.lru_cache(maxsize=8192)  # the same in all objects with one version of a binding
def _names_at_end(ending: bytes) -> tuple[str, ...]:
    """Each end of `ending` that may be a class or enumeration known to other programs.

    The longest one that is a name from end to end, and what looks longer.
    """
    word = ending.decode("ascii", "replace")
    if is_function(word):
        return ()  # the classes in it have names of their own
    found: list[str] = []
    begins = (each.start() for each in _BEGINNING.finditer(word))
    for name in islice((word[at:] for at in begins if _may_begin(word, at)), _MOST_ENDS):
        is_kept = name not in _OF_LIBSTDCXX and owner(name) in _KEPT
        found += [name] if is_kept else ()
        if not is_kept or is_type(name):
            break
    return tuple(found)


def _may_begin(word: str, at: int) -> bool:
    """Whether the name of a class may reach from `at` to the end of `word`, by these two ends."""
    if word[at] == "Z":
        return True
    if nested := _NESTED.match(word, at):
        root = nested.end()
        return word[-1] == "E" and (word[root] in "SZ" or after_identifier(word, root) > 0)
    end = after_identifier(word, at + 2 if word[at] == "S" else at)
    # Behind a class come the arguments of a template, or an ABI tag (5.1.4).
    return end == len(word) or (end > 0 and word[end] + word[-1] in ("IE", f"B{word[-1]}"))
