"""The types that the signature of a C function of Cython names, and which module declares them.

Cython's names of what a module declares are made of a prefix and the lengths and names of the
module's parts: `__pyx_t_5scipy_6linalg_name` (Cython/Compiler/Naming.py, Symtab.py
"mangle"; PyrexTypes.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_TOKEN: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
# Types of C, of Python's and of Cython's own runtime, whose meaning no `.pxd` of others changes.
_BUILT_IN: Final = frozenset(
    """
    void char short int long float double signed unsigned const volatile struct enum union bool
    _Bool size_t ssize_t ptrdiff_t Py_ssize_t Py_hash_t Py_UCS4 Py_UNICODE PyObject PyTypeObject
    PyThreadState int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t intptr_t
    uintptr_t noexcept nogil __pyx_skip_dispatch __pyx_t_float_complex __pyx_t_double_complex
    """.split()  # noqa: SIM905 - a table of words
)
_MANGLED: Final = re.compile(r"__pyx_(?:[a-z]+_)+?(?=\d)", re.ASCII)
_PART: Final = re.compile(r"(\d+)", re.ASCII)


def types_in(signature: str) -> Iterator[tuple[str | None, str | None]]:
    """(module, name) of each type that another file declares; None for what cannot be told."""
    for token in dict.fromkeys(_TOKEN.findall(signature)):
        if token not in _BUILT_IN:
            yield _demangled(token)


def _demangled(token: str) -> tuple[str | None, str | None]:
    head = _MANGLED.match(token)
    if head is None:
        # Declared from a header: the `.pxd` names it as it is.
        return (None, None) if token.startswith(("__pyx", "__Pyx")) else (None, token)
    parts: list[str] = []
    at = head.end()
    while match := _PART.match(token, at):
        end = match.end() + int(match[1])
        if end >= len(token) or token[end] != "_":
            return None, None
        parts.append(token[match.end() : end])
        at = end + 1
    return ".".join(parts), token[at:] or None
