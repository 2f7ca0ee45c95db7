"""Whose classes a mangled C++ type is made of (Itanium C++ ABI, 5.1 "External Names").

The name is gone through token by token, once. What is not understood counts as unknown, which is
treated as somebody's.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from typing import ClassVar, Final

_LENGTH: Final = re.compile(r"([1-9]\d{0,3})(?=[A-Za-z_])", re.ASCII)
_TOKEN: Final = re.compile(
    r"(?P<length>[1-9]\d{0,3}(?=[A-Za-z_]))"  # 5.1.2 <source-name>: of an identifier behind it
    r"|(?P<scope>S(?:[absdiot]|[0-9A-Z]*_))"  # 5.1.10 <substitution>; `St` is std, `Ss` its string
    r"|(?P<nested>N[rVK]*[RO]?)"  # 5.1.3 <nested-name>
    r"|(?P<closure>Ul)"  # 5.1.7 <closure-type-name>
    r"|(?P<group>[IJFZ]|L(?=[NS]))"  # arguments, functions, local names, literals of a class
    r"|(?P<end>E)"
    # 5.1.5 <type>: builtin types, qualifiers, pointers; 5.1.6.1 literals of builtin types
    r"|(?P<plain>[vwbcahstijlmxynofdegzrVKPROCGM]|A\d*_|D[adefhinopsu]|T\d*_|L[a-z]n?\d+E)",
    re.ASCII,
)
_POINTER_TO_FUNCTION: Final = re.compile(r"[PRK]*F")
_VALUE: Final = re.compile(r"n?\d+", re.ASCII)
_CLOSURE_NUMBER: Final = re.compile(r"\d*_", re.ASCII)
# What is the business of the compiler's C++ library or of the binding itself.
_LIBRARIES: Final = frozenset({"__cxxabiv1", "__gnu_cxx", "nanobind", "pybind11", "swig"})
# [lex.name] reserves such identifiers for the C++ library: `std::_Sp_counted_ptr`.
_RESERVED: Final = re.compile(r"_[A-Z]")
_OF_C: Final = frozenset({"_IO_FILE", "__mbstate_t"})


class Owner(enum.Enum):
    """Whose classes occur in a name."""

    LIBRARIES = enum.auto()
    """Of the C++ library or of the binding only, if any."""
    NOBODY = enum.auto()
    """Among them one that no other program can name: of a lambda expression, or an inner class of
    the C++ library."""
    OTHERS = enum.auto()
    UNKNOWN = enum.auto()
    """It is not the name of one type, or not understood."""


def after_identifier(name: str, at: int) -> int:
    """Where the identifier ends whose length stands at `at`; 0 if there is none."""
    length = _LENGTH.match(name, at)
    end = length.end() + int(length[1]) if length else 0
    return end if end <= len(name) else 0


def owner(name: str) -> Owner:
    """Whose classes the type `name` is made of; read until one tells."""
    if _ends_in_closure(name):
        return Owner.NOBODY
    walk = _Walk(name)
    while walk.at < len(name) and walk.owner is Owner.LIBRARIES:
        if not walk.step():
            return Owner.UNKNOWN
    return walk.owner if walk.is_whole or walk.owner is not Owner.LIBRARIES else Owner.UNKNOWN


def is_type(name: str) -> bool:
    """Whether `name` is the name of one type from end to end, as far as that is understood."""
    return _Walk(name).goes_through()


def is_function(name: str) -> bool:
    """Whether `name` is the type of a function, or of a pointer to one."""
    start = _POINTER_TO_FUNCTION.match(name)
    return start is not None and _Walk(name[start.end() - 1 :]).goes_through()


def _ends_in_closure(name: str) -> bool:
    """Whether `name` is that of a lambda expression in a function."""
    walk = _Walk(name[name.rfind("EUl") + 1 :]) if name.endswith("_") and "EUl" in name else None
    return walk is not None and walk.goes_through()


_OUTERMOST: Final = 2  # in the name itself, or in its nested name; not in an argument


class _Walk:
    """A way through one name; each step returns whether it was understood."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.at = 0
        self.owner = Owner.LIBRARIES
        self.is_complete = False
        """At the outermost depth, one type has begun; behind it only arguments may follow."""
        # What each `E` to come will end: a nested name of which the outermost scope was not read
        # yet ("N") or was ("n"), or a group by its letter.
        self._opened = [""]
        self._is_in_std = False
        self._is_local = False

    @property
    def depth(self) -> int:
        return len(self._opened)

    @property
    def is_whole(self) -> bool:
        return self.is_complete and self.depth == 1

    def goes_through(self) -> bool:
        while self.at < len(self.name):
            if not self.step():
                return False
        return self.is_whole

    def step(self) -> bool:
        if self._opened[-1] == "L" and (value := _VALUE.match(self.name, self.at)):
            self.at = value.end()
            return True
        token = _TOKEN.match(self.name, self.at)
        if token is None:
            return False
        self.at = token.end()
        return self._kinds[token.lastgroup or ""](self, token[0])

    def _begin(self) -> bool:
        is_first = not self.is_complete
        self.is_complete = True
        return is_first or self.depth > 1

    def _identifier(self, length: str) -> bool:
        start = self.at
        self.at += int(length)
        identifier = self.name[start : self.at]
        is_understood = self.at <= len(self.name)
        if self._opened[-1] == "N":
            self._opened[-1] = "n"
            self._see(identifier in _LIBRARIES)
        elif self._opened[-1] != "n" and not self._is_in_std:
            is_understood = self._begin() and is_understood
            self._see(self._is_local or identifier in _OF_C)
        elif self.depth <= _OUTERMOST and _RESERVED.match(identifier):
            self.owner = Owner.NOBODY
        self._is_in_std = self._is_local = False
        return is_understood

    def _see(self, is_of_library: bool) -> None:
        if not is_of_library and self.owner is Owner.LIBRARIES:
            self.owner = Owner.OTHERS

    def _scope(self, text: str) -> bool:
        self._is_in_std = text == "St"
        if self._opened[-1] == "N":
            self._opened[-1] = "n"
            return True
        return self._begin()

    def _nested(self, _text: str) -> bool:
        is_understood = self._begin()
        self._opened.append("N")
        return is_understood

    def _closure(self, _text: str) -> bool:
        is_understood = self._begin()
        self.owner = Owner.NOBODY
        self._opened.append("U")
        return is_understood

    def _group(self, letter: str) -> bool:
        is_understood = self.is_complete if letter == "I" else self._begin()
        self._opened.append(letter)
        return is_understood

    def _end(self, _text: str) -> bool:
        ended = self._opened.pop()
        if ended == "U" and (number := _CLOSURE_NUMBER.match(self.name, self.at)):
            self.at = number.end()
        if ended == "Z":
            self._is_local = True
            self.is_complete = self.depth > 1
        return self.depth > 0

    def _plain(self, _text: str) -> bool:
        return self.depth > 1

    _kinds: ClassVar[dict[str, Callable[[_Walk, str], bool]]] = {
        "length": _identifier,
        "scope": _scope,
        "nested": _nested,
        "closure": _closure,
        "group": _group,
        "end": _end,
        "plain": _plain,
    }
