"""Digests of types, from what GCC writes."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from backend_shim.binary import read_elf
from backend_shim.binary.type_digests import TypeDigest, type_digests
from backend_shim.errors import InvalidBinary
from tests.support.binding_factory import compiled

pytest.importorskip("elftools")

STRUCTS = """
struct inner { long value; struct outer *back; };
struct outer { int a; unsigned b : 3; struct inner *first; enum { RED, BLUE = 5 } colour;
               int row[4]; int (*call)(struct inner *, int); union { int x; float y; } both; };
"""
FUNCTIONS = (
    "int take(struct outer *p) { return p != 0; } struct inner give; int plain(int n) { return n; }"
)


def digests(source: str, *options: str, suffix: str = ".c") -> dict[str, TypeDigest]:
    data = compiled(source, "-g", *options, suffix=suffix)
    return type_digests(data, data, {each.name for each in read_elf(data).exported})


def changed(before: str, after: str, suffix: str = ".c") -> set[str]:
    """The symbols whose digest differs; both sources export the same."""
    old, new = digests(before, suffix=suffix), digests(after, suffix=suffix)
    assert old.keys() == new.keys()
    return {name for name in old if old[name].digest != new[name].digest}


def test_functions_and_variables_have_one() -> None:
    assert digests(STRUCTS + FUNCTIONS).keys() == {"take", "give", "plain"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("int a;", "long a;"),
        ("int a;", "int renamed;"),
        ("int a;", "int a; int more;"),
        ("unsigned b : 3", "unsigned b : 4"),
        ("unsigned b : 3", "int b : 3"),
        ("BLUE = 5", "BLUE = 6"),
        ("RED, ", "RED, GREEN, "),
        ("row[4]", "row[5]"),
        ("inner *, int)", "inner *, long)"),
        ("int (*call)", "void (*call)"),
        ("float y", "double y"),
        ("union { int x;", "struct { int x;"),
        ("long value;", "double value;"),
        ("long value;", "const long value;"),
        ("struct outer *back;", "void *back;"),
    ],
)
def test_whatever_is_reached_counts(before: str, after: str) -> None:
    assert before in STRUCTS
    assert changed(STRUCTS + FUNCTIONS, STRUCTS.replace(before, after) + FUNCTIONS) == {
        "take", "give",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("int plain(int n)", "int plain(const int n)"),
        ("int plain(int n)", "int plain(int other_name_of_n)"),
        ("int plain(int n)", "typedef int number; number plain(number n)"),
        ("long value;", "long long value;"),
        ("struct outer {", "\n\n\nstruct outer {"),
        ("int plain(int n)", "struct unused { int u; }; int plain(int n)"),
    ],
)  # fmt: skip
def test_what_bears_on_no_layout_and_no_call_does_not_count(before: str, after: str) -> None:
    source = STRUCTS + FUNCTIONS
    text = source.replace(before, after).replace("return n;", "return 0;")
    assert changed(source.replace("return n;", "return 0;"), text) == set()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("int f(char *p)", "int f(const char *p)"),
        ("int f(int n)", "int f(int n, ...)"),
        ("int f(int n)", "int f()"),
        ("int f(int n)", "long f(int n)"),
        ("int f(int *a, int *b)", "int f(int *restrict a, int *restrict b)"),
        ("int f(long double n)", "int f(__float128 n)"),
        ("int f(char n)", "int f(unsigned char n)"),
        ("struct s { int a; }; int f(struct s n)", "union s { int a; }; int f(union s n)"),
    ],
)
def test_a_signature_counts(before: str, after: str) -> None:
    assert changed(before + " { return 0; }", after + " { return 0; }") == {"f"}


def test_a_struct_that_is_not_reached_does_not_count() -> None:
    text = "struct s {{ int a; }}; struct t {{ {} b; }}; int f(struct s *p) {{ return 0; }}" \
           "int g(struct t *p) {{ return 0; }}"  # fmt: skip
    assert changed(text.format("int"), text.format("long")) == {"g"}


@pytest.mark.parametrize(
    ("source", "is_closed"),
    [
        ("int f(int n)", True),
        ("struct s { int *a; struct s *next; }; int f(struct s *n)", True),
        ("int f(void *n)", False),
        ("int f(const void *n)", False),
        ("struct s { void (*call)(void *); }; int f(struct s *n)", False),
        ("int f(int n, ...)", False),
        ("int f(int (*call)())", False),
        ("struct never_defined; int f(struct never_defined *n)", False),
    ],
)
def test_it_is_known_whether_all_data_have_a_type(source: str, is_closed: bool) -> None:
    assert digests(source + " { return 0; }")["f"].is_closed is is_closed


CLASSES = """
struct Base { virtual int first(int); virtual ~Base(); int kept; };
struct Second { int other; };
class Derived : public Base, public Second { public: int first(int) override; private: int own; };
int Base::first(int) { return 0; } Base::~Base() {} int Derived::first(int) { return own; }
extern "C" int take(Derived *d) { return d->kept; }
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("virtual int first(int);", "virtual int added() { return 0; } virtual int first(int);"),
        ("public Base, public Second", "public Second, public Base"),
        ("public Base, public Second", "public Base, public virtual Second"),
        ("int kept;", "int kept; int more;"),
        ("int own;", "long own;"),
    ],
)
def test_bases_vtables_and_private_members_count(before: str, after: str) -> None:
    assert before in CLASSES
    old = digests(CLASSES, suffix=".cpp")
    new = digests(CLASSES.replace(before, after), suffix=".cpp")
    assert old["take"].digest != new["take"].digest


def test_access_static_members_and_plain_methods_do_not_count() -> None:
    text = CLASSES.replace("private: int own;", "int own; static int shared; void method();")
    old, new = digests(CLASSES, suffix=".cpp"), digests(text, suffix=".cpp")
    assert old["take"] == new["take"]


def units(folder: Path, *names: str, options: tuple[str, ...] = ()) -> dict[str, TypeDigest]:
    """The digests of one library of several units, linked in the order given."""
    folder.mkdir()
    texts = {
        "a": "struct s; int f(struct s *p) { return p != 0; }",
        "b": "struct s { int a; struct t { long q; } *t; }; int g(struct s *p) { return p->a; }",
        "c": "struct t { long q; }; int h(struct t *p) { return p->q; }",
    }
    for name in names:
        (folder / f"{name}.c").write_text(texts[name])
    command = ["gcc", "-g", "-O2", "-shared", "-fPIC", *options, "-o", "x.so"]
    subprocess.run([*command, *(f"{name}.c" for name in names)], check=True, cwd=folder)
    data = (folder / "x.so").read_bytes()
    return type_digests(data, data, {"f", "g", "h"})


@pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc")
def test_order_place_and_form_of_the_debug_information_do_not_matter(tmp_path: Path) -> None:
    expected = units(tmp_path / "one", "a", "b", "c")
    assert expected.keys() == {"f", "g", "h"}
    assert units(tmp_path / "of_another_name", "c", "b", "a") == expected
    assert units(tmp_path / "dwarf4", "b", "a", "c", options=("-gdwarf-4",)) == expected
    assert units(tmp_path / "zlib", "b", "a", "c", options=("-gz=zlib",)) == expected
    assert units(tmp_path / "unoptimized", "b", "a", "c", options=("-O0",)) == expected


@pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc")
def test_a_declared_struct_is_what_another_unit_defines(tmp_path: Path) -> None:
    alone, beside = units(tmp_path / "alone", "a"), units(tmp_path / "beside", "a", "b")
    assert not alone["f"].is_closed
    assert beside["f"].is_closed
    assert alone["f"].digest != beside["f"].digest


def test_separate_debug_information_gives_the_same(tmp_path: Path) -> None:
    if not shutil.which("objcopy"):
        pytest.skip("no binutils")
    data = compiled(STRUCTS + FUNCTIONS, "-g")
    whole, bare, debug = (tmp_path / name for name in ("whole", "bare", "debug"))
    whole.write_bytes(data)
    for option, path in (("--strip-all", bare), ("--only-keep-debug", debug)):
        subprocess.run(["objcopy", option, str(whole), str(path)], check=True)
    names = {"take", "give", "plain"}
    found = type_digests(bare.read_bytes(), debug.read_bytes(), names)
    assert found == type_digests(data, data, names)
    with pytest.raises(InvalidBinary, match="no debug information"):
        type_digests(bare.read_bytes(), bare.read_bytes(), names)


def test_what_is_not_defined_under_its_name_and_address_has_none() -> None:
    source = """
    int real(int n) { return n; }
    int other_name(int n) __attribute__((alias("real")));
    __asm__(".globl by_hand\\nby_hand: ret\\n.type by_hand, @function");
    """
    assert digests(source).keys() == {"real"}


def test_two_versions_of_one_name_have_none() -> None:
    source = """
    int new_one(long n) { return n; } int old_one(int n) { return n; }
    __asm__(".symver new_one,f@@V2"); __asm__(".symver old_one,f@V1");
    """
    data = compiled(source, "-g", script="V1 { global: f; local: *; }; V2 { global: f; } V1;")
    assert type_digests(data, data, {"f"}) == {}


def test_hot_and_cold_parts_are_one_function() -> None:
    source = """
    void fail(const char *) __attribute__((cold, noreturn));
    int f(int n) { if (n == 3) fail("x"); return n; }
    """
    assert "f" in digests(source, "-O2", "-freorder-blocks-and-partition")


def test_a_type_unit_leaves_a_symbol_without() -> None:
    assert "plain" in digests(STRUCTS + FUNCTIONS, "-fdebug-types-section")


def test_link_time_optimization_is_read_or_left_out() -> None:
    found = digests(STRUCTS + FUNCTIONS, "-flto")
    assert found.items() <= digests(STRUCTS + FUNCTIONS).items()


def test_damaged_debug_information_is_invalid_or_says_no_more() -> None:
    """Every byte that is changed lies in a debug section."""
    data = compiled("struct s { int a; }; int f(struct s *p) { return 0; }", "-g")
    right = type_digests(data, data, {"f"})
    start = data.index(b"GNU C")  # .debug_str; the sections around it are those of DWARF
    source = random.Random(0)
    for _ in range(150):
        place = source.randrange(max(start - 1500, 0), min(start + 600, len(data)))
        damaged = data[:place] + bytes([source.randrange(256)]) + data[place + 1 :]
        try:
            found = type_digests(data, damaged, {"f"})
        except InvalidBinary:
            continue
        assert found.keys() <= right.keys()


def test_every_prefix_is_invalid_or_says_no_more() -> None:
    data = compiled("int f(int n) { return n; }", "-g")
    for end in range(0, len(data), 61):
        with pytest.raises(InvalidBinary):
            type_digests(data[:end], data[:end], {"f"})
