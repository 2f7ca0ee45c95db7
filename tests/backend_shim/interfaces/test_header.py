"""Interface files prove a binding if all that declares it is the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from backend_shim.interfaces.header import (
    InterfaceFilesChanged,
    InterfaceFilesUnchanged,
    NotDeclared,
    compare_scope,
    installed_path,
    is_interface_file,
    read_tree,
)
from backend_shim.interfaces.provider import Declaration
from tests.support.binding_factory import provider_of

MODULE = Declaration("p.m", "p.m")
CAPSULE = Declaration("p.m", "p.m._C_API")
API = b'#define API "p.m._C_API"\n'


def compared(
    old: Mapping[str, bytes], new: Mapping[str, bytes] | None = None, *names: Declaration
) -> str:
    """`unchanged` with the files of the scope, `changed` with those, or `not declared`."""
    wanted = names or (MODULE,)
    words = frozenset(name for module, name in wanted if module is None)
    trees = [read_tree(each.items(), words) for each in (old, old if new is None else new)]
    reason = compare_scope(wanted, *trees)
    if isinstance(reason, InterfaceFilesUnchanged):
        return f"unchanged by {reason.equal_by}: {' '.join(reason.files)}"
    if isinstance(reason, InterfaceFilesChanged):
        return f"changed: {' '.join(reason.files)}"
    assert isinstance(reason, NotDeclared)
    return f"not declared: {' '.join(reason.names)}"


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("p/a.h", True), ("p/a.HPP", True), ("p/a.pxd", True), ("p/lib/liba.a", True),
        ("p/include/QtCore/QString", True), ("p/include/Eigen/Core", True),
        ("p-1.0.data/headers/p.h", True), ("p/include/a.cu", True),
        ("p/a.py", False), ("p/include/__init__.py", False), ("p/README", False),
        ("p.libs/a.h", False), ("include/", False),
    ],
)  # fmt: skip
def test_interface_files_are_what_others_build_with(path: str, is_one: bool) -> None:
    assert is_interface_file(path) is is_one


@pytest.mark.parametrize(
    ("path", "installed"),
    [
        ("p/a.h", "p/a.h"),
        ("p-1.0.data/headers/a.h", "headers/a.h"),
        ("p-1.0.data/data/include/a.h", "data/include/a.h"),
        ("p-1.0.data/purelib/p/m.pxd", "p/m.pxd"),
        ("p-1.0.data/platlib/p/m.pxd", "p/m.pxd"),
    ],
)
def test_paths_do_not_hold_the_version(path: str, installed: str) -> None:
    assert installed_path(path) == installed


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


def test_a_symbol_is_proven_by_all_headers_together() -> None:
    # Which of them a consumer of C compiled in beside the declaration, nothing tells.
    files = {"a.h": b"int f(void);", "b.h": b"struct s { int a; };"}
    changed = {**files, "b.h": b"struct s { int b, a; };"}
    assert compared(files, None, Declaration(None, "f")) == "unchanged by digest: a.h b.h"
    assert compared(files, changed, Declaration(None, "f")) == "changed: b.h"
    assert compared(files, {**files, "c.h": b""}, Declaration(None, "f")) == (
        "unchanged by digest: a.h b.h"
    )


def test_a_symbol_that_only_a_comment_has_is_not_declared() -> None:
    files = {"b.h": b"int g(void); /* f */"}
    assert compared(files, None, Declaration(None, "f")) == "not declared: f"


def test_one_name_without_a_declaration_leaves_all_unproven() -> None:
    assert (
        compared({"p/m.pxd": b""}, None, MODULE, Declaration("p.x", "p.x")) == "not declared: p.x"
    )


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


def test_a_change_anywhere_in_the_scope_proves_nothing() -> None:
    old = {"p/m.pxd": b"from p cimport a", "p/a.pxd": b'cdef extern from "a.h"', "p/a.h": b"int f;"}
    assert compared(old, {**old, "p/a.h": b"long f;"}) == "changed: p/a.h"
    assert compared(old, {"p/m.pxd": old["p/m.pxd"]}) == "changed: p/a.h p/a.pxd"
    assert compared({"p/m.pxd": old["p/m.pxd"]}, old) == "changed: p/a.h p/a.pxd"
    assert compared(old, {**old, "p/z.h": b""}).startswith("unchanged by digest")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"int f(void);", b"/* new */ int   f(void);  // and newer\n\n"),
        (b"int f(void);\n", b"int f(void);\r\n"),
        (b'char *s = "//";', b'char *s = "//"; // it'),
        (b"int a; /* 1\n2 */ int b;", b"int a;   int b;"),
        (b"#define A \\\n  1", b"#define A 1"),
        (b"int f(void);", b"int f(void); // goes \\\non"),
    ],
)
def test_comments_and_white_space_change_nothing_in_a_header(old: bytes, new: bytes) -> None:
    found = compared({"p/m.h": API + old}, {"p/m.h": API + new}, CAPSULE)
    assert found == "unchanged by tokens: p/m.h"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"int f(void);", b"long f(void);"),
        (b'char *s = "http://a";', b'char *s = "http://b";'),
        (b'char *s = "a  b";', b'char *s = "a b";'),
        (b"char c = '\"'; int a; // \"", b"char c = '\"'; int b; // \""),
        (b'char *s = "\\"//a";', b'char *s = "\\"//b";'),
        (b'char *s = R"(a "// b)"; int x;', b'char *s = R"(a "// c)"; int x;'),
        (b'char *s = R"x(\n/* " )x"; int a; /* */', b'char *s = R"x(\n/* " )x"; int b; /* */'),
        (b"int n = 1'000; int a; // it's", b"int n = 1'000; int b; // it's"),
        (b"#define A 1\nint a;", b"#define A 1 int a;"),
        (b"int a; /* */ int b; /* */", b"int a; /* int b; */"),
    ],
)  # fmt: skip
def test_a_real_change_of_a_header_is_seen(old: bytes, new: bytes) -> None:
    found = compared({"p/m.h": API + old}, {"p/m.h": API + new}, CAPSULE)
    assert found == "changed: p/m.h"


def test_cython_files_are_compared_without_comments_but_with_indentation() -> None:
    old = b"cdef class A:\n    cdef int x  # first\n"
    assert compared({"p/m.pxd": old}, {"p/m.pxd": b"# new\n" + old.replace(b"first", b"")}) == (
        "unchanged by tokens: p/m.pxd"
    )
    for new in (old.replace(b"    ", b""), old.replace(b"int", b"long"), old + b"    cdef int y"):
        assert compared({"p/m.pxd": old}, {"p/m.pxd": new}) == "changed: p/m.pxd"
    text = b'cdef extern from "#a.h": pass'
    assert compared({"p/m.pxd": text}, {"p/m.pxd": text.replace(b"#a", b"#b")}) == (
        "changed: p/m.pxd"
    )


def test_other_files_are_compared_byte_by_byte() -> None:
    files = {"p/m.pxd": b'cdef extern from "x.i"', "p/x.i": b"a // b"}
    assert compared(files, {**files, "p/x.i": b"a // c"}) == "changed: p/x.i"


def test_a_wheel_says_how_many_there_are_and_their_digest(tmp_path: Path) -> None:
    def facts(version: str, **changes: bytes) -> dict[str, object]:
        files = {f"p-{version}.data/headers/p.h": b"int a;", "p/m.pxd": b"", **changes}
        found = provider_of(tmp_path, files, name="p", version=version).provided["header"]
        return dict(found.thaw())

    assert facts("1.0")["files"] == 2
    assert facts("1.0") == facts("2.0")
    assert facts("1.0") != facts("2.0", **{"p/m.pxd": b"cdef int x"})
    assert "header" not in provider_of(tmp_path, {"p.py": b""}).provided
