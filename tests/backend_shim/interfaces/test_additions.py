"""What was declared still is, and what was added gives none of it another meaning."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.support.interface_files import header_compared, pxd_compared

HEADER = """\
#ifndef GIFT_H
#define GIFT_H
#include <stddef.h>
#ifdef __cplusplus
extern "C" {
#endif
#define GIFT_SIZE 3
#define GIFT_MAX(a, b) ((a) > (b) ? (a) : (b))
typedef struct gift { int size; char *name; } gift_t;
struct gift_box;
#pragma pack(push, 1)
struct gift_tag { char kind; int number; };
#pragma pack(pop)
enum gift_kind { GIFT_SMALL, GIFT_LARGE = 3 };
#if GIFT_SIZE > 2
GIFT_EXPORT gift_t *gift_open(const char *path, int flags);
#else
GIFT_EXPORT gift_t *gift_open(char *path);
#endif
extern int gift_count;
static inline int gift_size(gift_t *g) { return g->size * GIFT_MAX(GIFT_SIZE, 1); }
static const int GIFT_ALL[] = { GIFT_SMALL, GIFT_LARGE };
#ifdef __cplusplus
}
#endif
#endif
"""


@pytest.mark.parametrize(
    "added",
    [
        "#define GIFT_NEW 1",
        "#define GIFT_NEW(x) (x)",
        "int gift_close(gift_t *g);",
        "extern gift_t gift_last;",
        "struct gift_more { int size; };",
        "struct gift_more;",
        "struct gift_box;",
        "typedef struct gift_more { int a; } gift_more_t;",
        "typedef int (*gift_callback)(gift_t *g);",
        "enum gift_more { GIFT_RED, GIFT_BLUE };",
        "static inline int gift_twice(gift_t *g) { return 2 * gift_size(g); }",
        "static const int GIFT_NONE = 0;",
        "#ifdef GIFT_OTHER\nint gift_other(void);\n#else\nint gift_same(void);\n#endif",
        "namespace gifts { class Gift { int size; }; }",
        "template <class T> class gift_of { T size; };",
    ],
)
def test_what_is_new_changes_nothing(added: str) -> None:
    for place in ("typedef struct gift {", "extern int gift_count;"):
        new = HEADER.replace(place, f"{added}\n{place}")
        assert header_compared(HEADER, new).startswith("grown")
        assert header_compared(new, HEADER) == "changed"


@pytest.mark.parametrize(
    "added",
    [
        # Another meaning for what was there.
        "#define gift_open gift_open_v2", "#define GIFT_EXPORT", "#define int long",
        "#define __cplusplus 1", "#define path", "#undef GIFT_SIZE",
        "#undef GIFT_SIZE\n#define GIFT_SIZE 4", "#define GIFT_SIZE 3",
        "#ifndef GIFT_SIZE\n#define GIFT_SIZE 4\n#endif",
        "int gift_open(void);", "typedef long gift_t;", "struct gift_box { int a; };",
        "enum { GIFT_SMALL = 7 };", "struct gift { long size; };",
        # What else may reach it.
        "#pragma pack(2)", "#pragma once", '_Pragma("pack(2)")', "PACK(2);", "GIFT_PACK",
        "#include <stdbool.h>", '#include "config.h"', "#include GIFT_CONFIG",
        "using namespace std;", "using std::size_t;", "#error no",
        "template <> struct hash<gift_t> { };", "bool operator<(gift_t a, gift_t b);",
        "int gift_alias(void) __asm__(\"gift_open\");",
        # A switch for headers of others.
        "#define _FILE_OFFSET_BITS 64", "#define NDEBUG", "#define Py_LIMITED_API 0x03080000",
        "#ifndef NDEBUG\n#define NDEBUG\n#endif",
    ],
)  # fmt: skip
def test_what_is_new_may_change_what_was_there(added: str) -> None:
    for place in ("typedef struct gift {", "extern int gift_count;"):
        assert header_compared(HEADER, HEADER.replace(place, f"{added}\n{place}")) == "changed"


@pytest.mark.parametrize("kind", ["enum gift_kind { %s };", "typedef enum { %s } gift_kind;"])
@pytest.mark.parametrize(
    ("old", "new", "outcome"),
    [
        ("A, B", "A, B, C", "grown: C"),
        ("A, B,", "A, B, C, D", "grown: C D"),
        ("A = 1", "A = 1, B = 2", "grown: B"),
        ("A = 1", "A = 1, B = 0x10,", "grown: B"),
        ("A = F(1, 2)", "A = F(1, 2), B = 2", "changed"),
        ("A, B", "B, A", "changed"),
        ("A, B", "A, C, B", "changed"),
        ("A, B", "A, B = 2, C", "changed"),
        ("A, B", "A", "changed"),
        ("A, N", "A, B, N", "changed"),
        ("A", "A, B = -1", "changed"),
        ("A", "A, B = 0x7fffffff", "changed"),
        ("A", "A, B = A + 1", "changed"),
        ("A = MOST", "A = MOST, B", "changed"),
        ("A = 0x7fffffff", "A = 0x7fffffff, B", "changed"),
        ("A", "A, gift_open", "changed"),
    ],
)
def test_an_enumeration_may_grow_at_its_end(kind: str, old: str, new: str, outcome: str) -> None:
    rest = "int gift_open(void);"
    assert header_compared(kind % old + rest, kind % new + rest) == outcome


def test_an_enumeration_with_conditions_may_not_grow() -> None:
    old = "enum e { A,\n#ifdef X\nB\n#endif\n};"
    assert header_compared(old, old.replace("B", "B, C")) == "changed"


@pytest.mark.parametrize(
    ("old", "new", "outcome"),
    [
        ("int f(char *a, S *b);", "int f(const char *a, const S *b);", "grown:"),
        ("int f(const char *a);", "int f(char *a);", "changed"),
        ("int f(char **a);", "int f(const char **a);", "changed"),
        ("int f(char *a[]);", "int f(const char *a[]);", "changed"),
        ("int f(void (*g)(char *));", "int f(void (*g)(const char *));", "changed"),
        ("char *f(void);", "const char *f(void);", "changed"),
        ("typedef int f(char *a);", "typedef int f(const char *a);", "changed"),
        ("extern char *f;", "extern const char *f;", "changed"),
        ("struct s { char *a; };", "struct s { const char *a; };", "changed"),
        ("int f(char *a);", "int f(const wchar_t *a);", "changed"),
        ("int f(int a);", "int f(const int a);", "changed"),
        ("int f(char *a);", "int f(const char *a, int b);", "changed"),
    ],
)
def test_a_parameter_may_become_a_pointer_to_const(old: str, new: str, outcome: str) -> None:
    assert header_compared(old, new).startswith(outcome)


@pytest.mark.parametrize(
    ("old", "new", "outcome"),
    [
        ("cdef int f(int a) nogil", "cdef int f(int a) noexcept nogil", "grown:"),
        ("cdef int f(int a)", "cdef int f(int a) noexcept", "grown:"),
        ("cdef int f(int a) noexcept", "cdef int f(int a)", "changed"),
        ("cdef int f(int a) except -1", "cdef int f(int a) noexcept", "changed"),
        ("cdef int f(int a) nogil", "cdef int f(int a) noexcept", "changed"),
        ("cdef int f(int a)", "cdef int f(long a) noexcept", "changed"),
        ("ctypedef int (*f)(int)", "ctypedef int (*f)(int) noexcept", "changed"),
        ("cdef class A:\n f(self)", "cdef class A:\n f(self) noexcept", "changed"),
        ("cdef inline int f(int a): pass", "cdef inline int f(int a) noexcept: pass", "changed"),
        ("cdef extern from *:\n f(int)", "cdef extern from *:\n f(int) noexcept", "changed"),
    ],
)  # fmt: skip
def test_a_function_of_cython_may_raise_nothing_any_more(old: str, new: str, outcome: str) -> None:
    assert pxd_compared(old, new).startswith(outcome)


PXD = """\
from libc.stdint cimport int64_t
DEF SIZE = 3
cdef extern from "gift.h":
    ctypedef struct gift_t:
        int size
    int gift_open(const char *path)
cdef class Gift:
    cdef gift_t *gift
    cdef int size(self)
cdef inline int twice(int64_t a) nogil:
    return 2 * a
cdef enum Kind:
    SMALL
cdef int wrap(gift_t *gift, Kind kind) except -1
"""


@pytest.mark.parametrize(
    "added",
    [
        "cdef int unwrap(Gift gift)", "cdef inline int thrice(int a): return a",
        "cdef class Box:\n    cdef Gift gift", "ctypedef int number", "DEF COUNT = 4",
        "from libc.stdint cimport int8_t", "cimport cython", "cdef int *counts",
        'cdef extern from "box.h":\n    int box_open(int a)', "cdef enum Colour:\n    RED",
    ],
)  # fmt: skip
def test_what_is_new_in_a_pxd_changes_nothing(added: str) -> None:
    new = PXD.replace("cdef class Gift", f"{added}\ncdef class Gift")
    assert pxd_compared(PXD, new).startswith("grown")
    assert pxd_compared(new, PXD) == "changed"


@pytest.mark.parametrize(
    "added",
    [
        "from libc.stdint cimport *", "from elsewhere cimport int64_t", "ctypedef long int64_t",
        "DEF SIZE = 4", "DEF size = 4", 'include "more.pxi"', "cdef gift_t gift",
        "# cython: legacy_implicit_noexcept=True", "x = 1",
        'cdef extern from *:\n    """\n    #define gift_t int\n    """',
    ],
)  # fmt: skip
def test_what_is_new_in_a_pxd_may_change_what_was_there(added: str) -> None:
    place = "cdef class Gift"
    assert pxd_compared(PXD, PXD.replace(place, f"{added}\n{place}")) == "changed"


def test_functions_of_c_may_be_declared_by_a_new_block_only() -> None:
    old, more = "    int gift_open(const char *path)\n", "    int gift_close(int a)\n"
    assert pxd_compared(PXD, PXD.replace(old, old + more)) == "grown: gift_close"
    code = '    """\n    #define GIFT 1\n    """\n'
    assert pxd_compared(PXD, PXD.replace(old, code + old)) == "changed"


_LEXEME = re.compile(r"[\w.]+|->|\S")
_WORDS = ("int", "long", "gift_t", "a", "7", "*", "(", ")", "{", "}", ".", "=", "#", "GIFT_SIZE")


def _places(text: str) -> list[re.Match[str]]:
    return list(_LEXEME.finditer(text))


@given(st.sampled_from(_places(HEADER)), st.sampled_from(_WORDS))
@example(_places(HEADER)[-1], "7")
def test_no_token_of_a_header_can_be_replaced(place: re.Match[str], word: str) -> None:
    assume(place[0] != word)
    new = HEADER[: place.start()] + f" {word} " + HEADER[place.end() :]
    assert header_compared(HEADER, new) == "changed"


@given(st.sampled_from(_places(HEADER)))
def test_no_token_of_a_header_can_be_left_out(place: re.Match[str]) -> None:
    new = HEADER[: place.start()] + " " + HEADER[place.end() :]
    assert header_compared(HEADER, new) == "changed"


@given(st.sampled_from(_places(HEADER)), st.sampled_from(_WORDS))
def test_no_token_can_be_put_into_a_header(place: re.Match[str], word: str) -> None:
    new = HEADER[: place.start()] + f" {word} " + HEADER[place.start() :]
    assert header_compared(HEADER, new) == "changed"


@given(st.lists(st.sampled_from(HEADER.splitlines()), min_size=1, max_size=3), st.data())
def test_no_line_of_a_header_can_be_repeated(lines: list[str], data: st.DataObject) -> None:
    # What is said twice by a correct header is said under conditions or is no more than a name.
    harmless = {"#endif", "#else", "struct gift_box;", "", "#pragma pack(pop)", "}"}
    assume(harmless.isdisjoint(lines))
    old = HEADER.splitlines()
    place = data.draw(st.integers(min_value=0, max_value=len(old)))
    new = "\n".join([*old[:place], *lines, *old[place:]])
    assert header_compared(HEADER, new) == "changed"


@given(st.sampled_from(_places(PXD)), st.sampled_from(("int", "a", "7", "*", "(", ":", "@")))
def test_no_token_of_a_pxd_can_be_replaced(place: re.Match[str], word: str) -> None:
    assume(place[0] != word)
    new = PXD[: place.start()] + word + PXD[place.end() :]
    assert pxd_compared(PXD, new) in ("changed", "not declared: p.m")
