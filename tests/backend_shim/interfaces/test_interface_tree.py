"""Which interface files belong to what a consumer uses."""

from __future__ import annotations

import pytest

from backend_shim.interfaces.interface_tree import attribute_of, without_twins
from backend_shim.interfaces.provider import Declaration
from tests.support.interface_files import API, CAPSULE, MODULE, compared, tree_of


def test_a_module_is_declared_by_its_pxd() -> None:
    assert compared({"p/m.pxd": b"cdef int f()"}) == "unchanged by digest: p/m.pxd"
    assert compared({"p/m/__init__.pxd": b""}) == "unchanged by digest: p/m/__init__.pxd"
    assert compared({"p-1.0.data/platlib/p/m.pxd": b""}) == "unchanged by digest: p/m.pxd"
    assert compared({"p/n.pxd": b""}) == "not declared: p.m"
    assert compared({}) == "not declared: p.m"


def test_a_capsule_is_declared_by_the_header_that_imports_it() -> None:
    header = b'static int import_m(void) { api = PyCapsule_Import("p.m._C_API", 0); }'
    assert compared({"p/m.h": header}, None, CAPSULE) == "unchanged by digest: p/m.h"
    assert compared({"p/m.h": API}, None, CAPSULE) == "unchanged by digest: p/m.h"
    assert compared({"p/m.h": API}, None, MODULE) == "unchanged by digest: p/m.h"
    other = header.replace(b"_C_API", b"_D_API")
    assert compared({"p/m.h": other}, None, CAPSULE) == "not declared: p.m._C_API"


def test_a_pxd_that_does_not_have_the_attribute_does_not_declare_it() -> None:
    assert compared({"p/m.pxd": b"cdef int f()"}, None, CAPSULE) == "not declared: p.m._C_API"
    declared = {"p/m.pxd": b"cdef int f()"}
    assert compared(declared, None, Declaration("p.m", "p.m.f")) == "unchanged by digest: p/m.pxd"


def test_a_symbol_that_only_a_comment_has_is_not_declared() -> None:
    files = {"b.h": b"int g(void); /* f */"}
    assert compared(files, None, Declaration(None, "f")) == "not declared: f"


def test_a_function_of_several_types_is_declared_once() -> None:
    # What Cython calls the variants of `f(fused_type)`.
    for name in ("__pyx_fuse_0f", "__pyx_fuse_0_1f", "f"):
        declaration = Declaration("p.m", f"p.m.{name}")
        assert attribute_of(declaration) == "f"
        assert compared({"p/m.pxd": b"cdef void f(t x)"}, None, declaration).startswith("unchanged")
    assert attribute_of(MODULE) == ""


A_B = {"p/m.pxd": b"", "p/a.pxd": b"", "p/b.pxd": b"", "p/a.pxi": b"", "p/a.h": b"", "q.pxd": b""}


@pytest.mark.parametrize(
    ("text", "included"),
    [
        (b"cimport q", "q.pxd"),
        (b"cimport p.a as a, p.b", "p/a.pxd p/b.pxd"),
        (b"from p.a cimport T", "p/a.pxd"),
        (b"from p cimport a, b", "p/a.pxd p/b.pxd"),
        (b"from . cimport a", "p/a.pxd"),
        (b"from .a cimport T", "p/a.pxd"),
        (b"from .. cimport q", "q.pxd"),
        (b"from ..q cimport T", "q.pxd"),
        (b"from p cimport (\n    a,\n    b as c,\n)", "p/a.pxd p/b.pxd"),
        (b"from p cimport a, \\\n    b", "p/a.pxd p/b.pxd"),
        (b'include "a.pxi"', "p/a.pxi"),
        (b'cdef extern from "a.h" namespace "x":\n    int f()', "p/a.h"),
        (b'cdef extern from "<a.h>":\n    int f()', "p/a.h"),
        (b'cdef extern from *:\n    """\n    #include "a.h"\n    """\n    int f()', "p/a.h"),
        (b"# cimport q", ""),
        (b"cimport elsewhere", ""),
    ],
)
def test_what_a_pxd_takes_in_belongs_to_the_scope(text: bytes, included: str) -> None:
    files = {**A_B, "p/m.pxd": text}
    scope = compared(files).removeprefix("unchanged by digest: ").split()
    assert sorted(scope) == sorted(["p/m.pxd", *included.split()])


@pytest.mark.parametrize(
    ("text", "included"),
    [
        (b'#include "x/b.h"', "i/x/b.h"),
        (b"#include <x/b.h>", "i/x/b.h"),
        (b'  #  include "b.h"', "i/b.h i/x/b.h"),
        (b'#include "../x/b.h"', "i/x/b.h"),
        (b'#include "./x/../x/b.h"', "i/x/b.h"),
        (b"#include_next <x/b.h>", "i/x/b.h"),
        (b'#import "x/b.h"', "i/x/b.h"),
        (b'%:include "x/b.h"', "i/x/b.h"),
        (b'#include \\\n"x/b.h"', "i/x/b.h"),
        (b'#/* why */include "x/b.h"', "i/x/b.h"),
        (b"#include <Core>", "i/include/Core"),
        (b'#define B <x/b.h>\n#include B', "i/b.h i/x/b.h i/include/Core i/other.h"),
        (b'// #include "x/b.h"', ""),
        (b'/* #include "x/b.h" */', ""),
        (b"#include <stdio.h>", ""),
    ],
)  # fmt: skip
def test_what_a_header_includes_belongs_to_the_scope(text: bytes, included: str) -> None:
    files = {"i/m.h": API + text, "i/b.h": b"", "i/x/b.h": b"", "i/include/Core": b"",
             "i/other.h": b""}  # fmt: skip
    scope = compared(files, None, CAPSULE).removeprefix("unchanged by digest: ").split()
    assert sorted(scope) == sorted(["i/m.h", *included.split()])


@pytest.mark.parametrize(
    "text",
    [b'#if __has_include("x/b.h")\n#endif', b"#if defined A && __has_include( <x/b.h> )\n#endif"],
)
def test_a_file_that_is_asked_for_belongs_to_the_scope(text: bytes) -> None:
    files = {"i/m.h": API + text, "i/x/b.h": b""}
    assert compared(files, None, CAPSULE) == "unchanged by digest: i/m.h i/x/b.h"
    assert compared({"i/m.h": files["i/m.h"]}, files, CAPSULE) == "changed: i/m.h"


def test_a_static_library_beside_its_shared_one_is_left_out() -> None:
    members = ["lib/liba.a", "lib/liba.so.1.2", "lib/libb.a", "other/libb.so", "a.h"]
    assert without_twins(["lib/liba.a", "lib/libb.a", "a.h"], members) == ["lib/libb.a", "a.h"]


def test_content_is_read_by_the_path_in_the_wheel() -> None:
    tree = tree_of({"p-1.0.data/headers/p.h": b"int a;"})
    assert tree.content("headers/p.h") == b"int a;"
