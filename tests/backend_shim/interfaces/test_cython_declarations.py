"""`.pxd` files are taken apart into declarations, or not at all."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend_shim.interfaces.cython_declarations import split
from backend_shim.interfaces.declarations import Kind, NotSplit

FUNCTION, ENUM, MACRO, INCLUDE, DECLARED, OTHER = Kind

FILE = b'''\
"""What it is for."""
# cython: language_level=3
from libc.stdint cimport int64_t, uint8_t as byte
cimport numpy as np

ctypedef fused real:
    float
    double

cdef extern from "gift.h" nogil:
    """
    #define GIFT 1
    """
    ctypedef struct gift_t:
        int size
    int gift_open(const char *path) except -1
    enum: GIFT_SMALL

@final
cdef class Gift(Base):  # wrapped
    cdef gift_t *gift
    cdef int size(self) except -1

cdef inline int twice(int a) nogil:
    return 2 * a

IF UNAME == "Linux":
    cdef int on_linux(
        int a,
    )
ELSE:
    cdef int elsewhere(int a)
'''


def test_a_file_is_its_declarations_in_order() -> None:
    items = split(FILE)
    assert [(each.kind, set(each.names)) for each in items] == [
        (OTHER, set()),  # the setting
        (INCLUDE, {"int64_t", "byte"}),
        (INCLUDE, {"np"}),
        (FUNCTION, {"real"}),  # compiled away, but for the functions that it makes
        (OTHER, set()),  # code of C
        (DECLARED, {"gift_t"}),
        (DECLARED, {"gift_open"}),
        (DECLARED, set()),
        (DECLARED, {"Gift"}),
        (DECLARED, {"twice"}),
        (FUNCTION, {"on_linux"}),
        (FUNCTION, {"elsewhere"}),
    ]
    assert items[6].where == ('cdef extern from "gift.h" nogil :',)
    assert items[-1].where == ('IF UNAME == "Linux" : ELSE :',)
    assert items[8].text[:4] == ("@", "final", "\n0", "cdef")


@pytest.mark.parametrize(
    ("source", "kind", "names"),
    [
        ("cdef int f(int a)", FUNCTION, "f"),
        ("cpdef object f(a, b=*)", FUNCTION, "f"),
        ("cdef vector[int] f() except +", FUNCTION, "f"),
        ("cdef:\n    int f(int a)", FUNCTION, "f"),
        ("cdef public:\n    int f(int a)", FUNCTION, "f"),
        ("cdef inline int f(int a): return a", DECLARED, "f"),
        ("cdef int a, *b", DECLARED, "a b"),
        ("cdef struct s:\n    int a", DECLARED, "s"),
        ("cdef packed struct s:\n    int a", DECLARED, "s"),
        ("cpdef enum class e(int):\n    A", DECLARED, "e A"),
        ("ctypedef int t", DECLARED, "t"),
        ("ctypedef int t[3]", DECLARED, "t"),
        ("ctypedef int (*t)(int) noexcept", DECLARED, "t"),
        ("ctypedef class m.n.C [object S]:\n    cdef int a", DECLARED, "C"),
        ("from m cimport a, b as c", INCLUDE, "a c"),
        ("cimport m.n", INCLUDE, "m"),
        ("DEF A = 1", MACRO, "A"),
        ("from m cimport *", OTHER, ""),
        ('include "a.pxi"', OTHER, ""),
        ("import m", OTHER, ""),
        ("cdef int f(int a); cdef int g(int a)", OTHER, ""),
        ("cdef int (*f)(int)", OTHER, ""),
        ("a = 1", OTHER, ""),
        ("@a\ncdef int f(int a)", OTHER, ""),
    ],
)
def test_a_declaration_is_known_by_its_form(source: str, kind: Kind, names: str) -> None:
    (item,) = split(source.encode())
    assert (item.kind, item.names) == (kind, set(names.split()))


@pytest.mark.parametrize(
    ("source", "same", "other"),
    [
        ("cdef int f(int a)  # b", "cdef int f(\n  int a\n)", "cdef int f(long a)"),
        ("cdef class A:\n  int a", "cdef class A:\n\n    int a  # b", "cdef class A: pass"),
        ("cdef int \\\n  a", "cdef int a", "cdef int\na"),
        ("pass", "", "cdef int a"),
        ("class A:\n  a\n    b\n  c", "class A:\n a\n  b\n c", "class A:\n a\n b\n c"),
    ],
)  # fmt: skip
def test_lines_count_and_not_how_they_are_written(source: str, same: str, other: str) -> None:
    found = [split(each.encode()) for each in (source, same, other)]
    assert found[0] == found[1]
    assert found[0] != found[2]


@pytest.mark.parametrize(
    "source",
    [
        "cdef int f(", "cdef int f)", '"""', "@final",
        "cdef:\n  int b\n int c",
        "cdef class A:\n\tcdef int a\ncdef class B:\n    cdef int b",
        "".join(f"{' ' * depth}IF A:\n" for depth in range(30)) + " " * 30 + "cdef int a",
    ],
)  # fmt: skip
def test_what_does_not_fit_is_not_taken_apart(source: str) -> None:
    with pytest.raises(NotSplit):
        split(source.encode())


def test_every_beginning_of_a_file_is_split_or_refused() -> None:
    for length in range(len(FILE)):
        with contextlib.suppress(NotSplit):
            split(FILE[:length])


@given(st.binary(max_size=60), st.integers(min_value=0, max_value=len(FILE)))
def test_any_bytes_are_split_or_refused(data: bytes, place: int) -> None:
    with contextlib.suppress(NotSplit):
        split(FILE[:place] + data + FILE[place:])


@given(st.text(alphabet="()[]:,=*@.;#\"' \n\\acdefIFcimport1", max_size=40))
def test_any_signs_are_split_or_refused(text: str) -> None:
    with contextlib.suppress(NotSplit):
        split(text.encode())
