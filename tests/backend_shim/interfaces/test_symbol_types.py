"""Which digests count, and which declarations types answer for."""

from __future__ import annotations

import pytest

from backend_shim.interfaces import c_declarations
from backend_shim.interfaces.provider import Provider
from backend_shim.interfaces.symbol_types import (
    answers_for,
    compare_digests,
    digests_of,
    exporters,
)
from backend_shim.record.fingerprint import ExportingObject, SymbolTables
from backend_shim.record.type_tables import TypedObject, TypedSymbol, TypeTables
from tests.support.binding_factory import provider, symbol


def exporting(**libraries: str) -> Provider:
    """A provider whose libraries export the symbols listed, one letter each."""
    objects = tuple(
        ExportingObject(path=path, soname=path, machine="x86_64", symbols=tuple(map(symbol, names)))
        for path, names in libraries.items()
    )
    return provider(symbols=SymbolTables(objects=objects))


def typed(path: str, *symbols: TypedSymbol, method: str = "m") -> TypedObject:
    return TypedObject(
        path=path, digest=None, size=0, crc32=0, build_id=None, method=method, symbols=symbols
    )


F, OTHER_F, G = (
    TypedSymbol("f", "1", True),
    TypedSymbol("f", "2", True),
    TypedSymbol("g", "3", False),
)


def test_the_libraries_that_export_a_symbol_are_found() -> None:
    assert exporters("fgh", exporting(a="fg", b="f")) == {"f": ("a", "b"), "g": ("a",), "h": ()}


@pytest.mark.parametrize(
    ("libraries", "tables", "found"),
    [
        ({"a": "fg"}, [typed("a", F, G)], {"f": F, "g": G}),
        ({"a": "fg"}, [typed("a", F)], {"f": F}),
        ({"a": "f", "b": "f"}, [typed("a", F), typed("b", F)], {"f": F}),
        ({"a": "f", "b": "f"}, [typed("a", F), typed("b", OTHER_F)], {}),
        ({"a": "f", "b": "f"}, [typed("a", F)], {}),
        ({"a": "f"}, [typed("b", F)], {}),
        ({"a": "f"}, [typed("a", F, method="other")], {}),
        ({}, [typed("a", F)], {}),
    ],
)
def test_a_digest_counts_where_every_library_that_exports_the_symbol_has_it(
    libraries: dict[str, str], tables: list[TypedObject], found: dict[str, TypedSymbol]
) -> None:
    read = TypeTables(objects=tuple(tables))
    assert digests_of(("f", "g"), exporting(**libraries), read, "m") == found


def test_what_is_missing_on_either_side_is_unknown() -> None:
    compared = compare_digests("hgf", {"f": F, "g": G}, {"f": OTHER_F, "h": F})
    assert (compared.changed, compared.unknown, compared.is_closed) == (("f",), ("g", "h"), True)
    assert not compare_digests("g", {"g": G}, {"g": G}).is_closed


@pytest.mark.parametrize(
    ("old", "new", "answered"),
    [
        ("int f(int a);", "int f(int renamed);", True),
        ("int f(struct s *p);", "extern int f ( s_t *p );", True),
        ("extern int v;", "extern long v;", True),
        ("int f(int a);", "", True),
        ("int f(int a[3]);", "int f(int a[4]);", False),
        ("int f(int a);", "int f(int a) __attribute__((ms_abi));", False),
        ("int f(int a) __attribute__((ms_abi));", "int f(int a);", False),
        ("int f();", "int f(int a);", False),
        ("int f(int a);", "int f(int a = 3);", False),
        ("int f(int a);", "static inline int f(int a) { return a; }", False),
        ("static inline int f(int a) { return a; }", "int f(int a);", False),
        ("#define f(a) 1", "#define f(a) 2", False),
        ("enum e { A };", "enum e { A, B };", False),
        ("static const int c = 1;", "static const int c = 2;", False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_closed", [False, True])
def test_types_answer_for_plain_declarations(
    old: str, new: str, answered: bool, is_closed: bool
) -> None:
    (before,) = c_declarations.split(old.encode())
    after = c_declarations.split(new.encode())
    assert answers_for(before, after, is_closed=is_closed) is answered


@pytest.mark.parametrize(
    ("old", "new", "answered"),
    [
        ("struct s { int a; };", "struct s { int a; int b; };", True),
        ("typedef struct { char a; } s;", "typedef struct { char a, b; } s;", True),
        ("struct s { struct s *next; };", "struct s { struct s *next; int b : 3; };", True),
        ("struct s { int a; };", "struct s { int a; union { int x; } u; };", True),
        ("typedef int t;", "typedef long t;", True),
        ("struct s { int a; };", "", True),
        # A pointer to it may be passed as one to its first member.
        ("struct s { struct base b; };", "struct s { struct base b; int c; };", False),
        ("struct s { base_t b; };", "struct s { base_t b; int c; };", False),
        ("struct s { HEAD int c; };", "struct s { HEAD long c; };", False),
        ("struct s { int a; };", "struct s { int a; } __attribute__((packed));", False),
        ("struct s { int a; enum { X } e; };", "struct s { int a; enum { Y } e; };", False),
        ("struct s { int a; };", "struct s { int a; int f() { return a; } };", False),
        ("struct s { int a; };", "class s { int a; };", False),
        ("struct s { int a;\n#ifdef X\nint b;\n#endif\n};", "struct s { int a; };", False),
        ("template <class T> struct s { T a; };", "template <class T> struct s { int a; };", False),
    ],
)
def test_types_answer_for_layouts_only_where_all_data_have_one(
    old: str, new: str, answered: bool
) -> None:
    (before,) = c_declarations.split(old.encode())
    after = c_declarations.split(new.encode())
    assert answers_for(before, after, is_closed=True) is answered
    assert not answers_for(before, after, is_closed=False)
