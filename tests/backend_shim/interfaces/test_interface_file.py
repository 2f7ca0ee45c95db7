"""What is an interface file, and what of it counts."""

from __future__ import annotations

import pytest

from backend_shim.interfaces.interface_file import installed_path, is_interface_file, read_file
from tests.support.interface_files import API, CAPSULE, compared

NOTHING: frozenset[str] = frozenset()


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


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"int f(void);", b"/* new */ int   f(void);  // and newer\n\n"),
        (b"int f(void);\n", b"int f(void);\r\n"),
        (b'char *s = "//";', b'char *s = "//"; // it'),
        (b"int a; /* 1\n2 */ int b;", b"int a;   int b;"),
        (b"#define A \\\n  1", b"#define A 1"),
        (b"int fo\\\no(void);", b"int foo(void);"),
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
        (b"int fo\\\no;", b"int fo o;"),
        # GCC goes on with the comment behind a backslash and blanks, others do not.
        (b"int a; // b \\ \nint c;", b"int a; // b\nint c;"),
        (b"int a; // b ?\x3f/\nint c;", b"int a; // b\nint c;"),
        (b'char *s = R"(a\\\nb)";', b'char *s = R"(ab)";'),
        (b"#include <a//b.h>", b"#include <a//c.h>"),
        (b"int a; /* 1", b"int a; /* 2"),
        (b'char *s = R"x(1', b'char *s = R"x(2'),
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


@pytest.mark.parametrize(
    "setting", ["cython: legacy_implicit_noexcept=True", "distutils: define_macros=A"]
)
def test_settings_in_the_comments_of_a_cython_file_count(setting: str) -> None:
    files = {"p/m.pxd": f"# {setting}\ncdef int f()".encode()}
    assert compared(files, {"p/m.pxd": b"cdef int f()"}) == "changed: p/m.pxd"
    assert compared({"p/m.pxd": b"# not cython\ncdef int f()"}, {"p/m.pxd": b"cdef int f()"}) == (
        "unchanged by tokens: p/m.pxd"
    )


def test_wanted_identifiers_are_found_outside_of_comments() -> None:
    file = read_file("a.h", b"int f(void); /* g */ // h", frozenset({"f", "g", "h", "i"}))
    assert file.words == {"f"}
    assert read_file("a.h", b"int f(void);", NOTHING).words == NOTHING
    assert read_file("a.pxd", b"cdef int f()  # g", NOTHING).words == {"cdef", "int", "f"}


def test_a_name_that_only_a_macro_gives_is_no_include() -> None:
    file = read_file("a.h", b"#include FT_FREETYPE_H\n", NOTHING)
    assert file.has_computed_include
    assert not read_file("a.h", b'#include "a.h"\n', NOTHING).has_computed_include


@pytest.mark.parametrize("start", ["/*", 'R"(', 'R"x(', '"', "'", '"""'])
def test_what_has_no_end_takes_no_time(start: str) -> None:
    for path in ("a.h", "a.pxd"):
        file = read_file(path, start.encode() * 50_000, NOTHING)
        assert file.tokens != read_file(path, start.encode() * 50_001, NOTHING).tokens
