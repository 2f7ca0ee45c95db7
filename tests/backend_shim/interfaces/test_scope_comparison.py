"""Files that differ are compared with regard to the other files of the scope."""

from __future__ import annotations

import pytest

from backend_shim.interfaces.provider import Declaration
from tests.support.interface_files import API, CAPSULE, compared

HEADER = API + b'#include "b.h"\nint f(void);\n'
FILES = {"p/m.h": HEADER, "p/b.h": b"struct s { int a; };\n#define B_SIZE 1\n"}


def grown(path: str, more: bytes, **others: bytes) -> str:
    """How it ends where the file at `path` has `more`, and there are `others`."""
    new = {**FILES, path: FILES[path] + more, **{f"p/{k}.h": v for k, v in others.items()}}
    return compared(FILES, new, CAPSULE)


def test_an_included_file_may_grow() -> None:
    assert grown("p/b.h", b"int g(void);") == "grown: g"
    assert grown("p/m.h", b"int g(void);") == "grown: g"


def test_a_name_must_be_new_in_all_files() -> None:
    assert grown("p/b.h", b"#define f f2") == "changed: p/b.h"
    assert grown("p/m.h", b"#define a a2") == "changed: p/m.h"
    assert grown("p/m.h", b"#define B_NEW 1") == "changed: p/m.h"  # no macro of p/m.h begins so
    assert grown("p/b.h", b"#define B_NEW 1") == "grown: B_NEW"


def test_a_file_that_is_new_may_be_included() -> None:
    new = b"#ifndef P_C_H\n#define P_C_H\nint g(void);\n#endif\n"
    assert grown("p/m.h", b'#include "c.h"', c=new) == "grown: P_C_H g"
    assert grown("p/m.h", b'#include "c.h"', c=b"#define a 1") == "changed: p/c.h"
    assert grown("p/m.h", b'#include "c.h"', c=b"#pragma pack(1)") == "changed: p/c.h"
    assert grown("p/m.h", b'#include "c.h"', c=b"#include <stdint.h>") == "changed: p/c.h"
    assert grown("p/m.h", b'#include "c.h"', c=b'#include "b.h"') == "changed: p/c.h"
    assert grown("p/m.h", b"#include <c.h>") == "changed: p/m.h"


def test_a_file_that_was_there_before_may_not_be_included_now() -> None:
    # Its macros were not seen by what stands behind it.
    old = {**FILES, "p/c.h": b""}
    assert compared(old, {**old, "p/m.h": HEADER + b'#include "c.h"'}, CAPSULE) == "changed: p/m.h"
    assert compared(old, {**old, "p/b.h": b'#include "m.h"\n' + FILES["p/b.h"]}, CAPSULE) == (
        "changed: p/b.h"
    )


def test_an_include_may_not_mean_another_file() -> None:
    grown_too = {**FILES, "p/b.h": FILES["p/b.h"] + b"int g(void);", "b.h": b""}
    assert compared(FILES, grown_too, CAPSULE) == "changed: p/m.h"
    assert compared(FILES, {**FILES, "x/b.h": FILES["p/b.h"]}, CAPSULE) == "changed: p/m.h"


def test_another_file_that_declares_it_may_be_the_true_one() -> None:
    assert compared(FILES, {**FILES, "p/n.h": API}, CAPSULE) == "changed: p/n.h"


def test_a_new_file_may_use_a_symbol_and_not_declare_it_again() -> None:
    old = {"a.h": b"int f(void);\n#define A_SIZE 1"}
    for more, outcome in (
        (b"static inline int g(void) { return f(); }", "grown: g"),
        (b"int f(void);", "changed: b.h"),
        (b"#define A_F f", "grown: A_F"),
        (b"#define f A_F", "changed: b.h"),
    ):
        new = {"a.h": old["a.h"] + b'\n#include "b.h"', "b.h": more}
        assert compared(old, new, Declaration(None, "f")) == outcome


@pytest.mark.parametrize(
    "header",
    [
        API + b'struct t {\n#include "b.h"\n};',
        API + b'int a[] = {\n#include "b.h"\n};',
        API + b'BEGIN\n#include "b.h"\nEND int a;',
        API + b'#include "b.h"\nstruct t {\n#include "b.h"\n};',
        API + b'#include "b.h"\nint f(a) int a; { }',
        API + b"#define NAME <b.h>\n#include NAME",
    ],
)
def test_a_file_that_is_part_of_a_declaration_may_not_grow(header: bytes) -> None:
    old = {"p/m.h": header, "p/b.h": b"int b;"}
    found = compared(old, {**old, "p/b.h": b"int b; int c;"}, CAPSULE)
    assert found.startswith("changed: p/")


def test_what_packs_by_a_macro_is_not_seen_where_it_is_used() -> None:
    packing = API + b'#define PACKED _Pragma("pack(1)")\n'
    more = packing + b"int f(void);"
    assert compared({"p/m.h": packing}, {"p/m.h": more}, CAPSULE) == "changed: p/m.h"


@pytest.mark.parametrize("path", ["a.a", "a.lib", "a.cmake", "a.pxi", "a.sip"])
def test_other_files_count_as_a_whole(path: str) -> None:
    files = {"m.h": b"int f(void);", path: b"int a;"}
    assert compared(files, {**files, path: b"int a; int b;"}, Declaration(None, "f")) == (
        f"changed: {path}"
    )


F, G = (Declaration(None, name) for name in "fg")
SYMBOLS = """\
#define EXPORT extern
typedef struct { int a; } s;
EXPORT int f(s *);
EXPORT int g(s *);
extern s h;
"""


@pytest.mark.parametrize(
    ("old", "new", "outcome"),
    [
        # Functions and variables: only those that it imports.
        ("EXPORT int g(s *);", "EXPORT int g(s *, int);", "grown: g"),
        ("EXPORT int g(s *);", "", "grown:"),
        ("extern s h;", "extern s h[2];", "grown: h"),
        ("EXPORT int f(s *);", "EXPORT int f(s *, int);", "changed: a.h"),
        ("EXPORT int f(s *);", "", "changed: a.h"),
        # All else may have been compiled in, or passed through `void *`.
        ("int a;", "long a;", "changed: a.h"),
        ("EXPORT extern", "EXPORT __stdcall", "changed: a.h"),
        ("EXPORT int g(s *);", "#define f g\nEXPORT int g(s *);", "changed: a.h"),
    ],
)
def test_a_function_that_is_not_imported_may_change(old: str, new: str, outcome: str) -> None:
    texts = [{"a.h": each.encode()} for each in (SYMBOLS, SYMBOLS.replace(old, new))]
    assert compared(*texts, F) == outcome
    both = [{"a.h": API + each["a.h"]} for each in texts]
    assert compared(*both, CAPSULE) == "changed: a.h"  # which ones it takes is not known


@pytest.mark.parametrize(
    "declared",
    [
        "#define g f\nint g(int);",
        "#define h f\n#define g h\nint g(int);",
        "#define g NAME(f)\nint g(int);",
        "int NAME(g)(int); /* f */ enum { f };",
        'int g(int) __asm__("f");',
        "int g(int) FROM(f);",
        "static inline int g(int a) { return f(a); }",
    ],
)
def test_a_function_may_be_called_otherwise_in_a_header(declared: str) -> None:
    old = {"a.h": declared.encode() + b"\n", "b.h": b"int f(int);"}
    new = {**old, "a.h": old["a.h"].replace(b"g(int", b"g(long").replace(b"(g)(int", b"(g)(long")}
    assert compared(old, new, F) == "changed: a.h"


PXD = """\
cdef class T:
    cdef int a
cdef int f(T t)
cdef int g(T t)
cdef inline int i(T t): return 1
cdef int *v
cdef extern from "a.h":
    int c(int)
"""


def exactly(*names: str) -> list[Declaration]:
    return [Declaration("p.m", f"p.m.{name}", is_exact=True) for name in names]


@pytest.mark.parametrize(
    ("old", "new", "outcome"),
    [
        ("cdef int g(T t)", "cdef int g(T t, int a)", "grown: g"),
        ("cdef int g(T t)\n", "", "grown:"),
        ("cdef int f(T t)", "cdef int f(T t, int a)", "changed: p/m.pxd"),
        # Cython imports all types and variables of a module, and compiles in what is inline.
        ("cdef int a", "cdef long a", "changed: p/m.pxd"),
        ("cdef int *v", "cdef long *v", "changed: p/m.pxd"),
        ("return 1", "return 2", "changed: p/m.pxd"),
        # A function of C is linked, and leaves no name here.
        ("int c(int)", "int c(long)", "changed: p/m.pxd"),
    ],
)
def test_a_function_that_is_not_imported_may_change_in_a_pxd(
    old: str, new: str, outcome: str
) -> None:
    texts = [{"p/m.pxd": each.encode()} for each in (PXD, PXD.replace(old, new))]
    assert compared(*texts, *exactly("f", "T")) == outcome
    assert compared(*texts, *exactly("f"), Declaration("p.m", "p.m.T")) == "changed: p/m.pxd"


def test_the_headers_behind_a_pxd_count_whatever_is_imported() -> None:
    old = {"p/m.pxd": PXD.encode(), "p/a.h": b"int c(int);"}
    assert compared(old, {**old, "p/a.h": b"int c(long);"}, *exactly("f")) == "changed: p/a.h"
    assert compared(old, {**old, "p/a.h": b"int c(int); int d(int);"}, *exactly("f")) == "grown: d"
