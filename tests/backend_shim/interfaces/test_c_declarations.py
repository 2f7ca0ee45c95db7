"""Headers are taken apart into declarations and directives, or not at all."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend_shim.interfaces.c_declarations import split
from backend_shim.interfaces.declarations import Kind, NotSplit

FUNCTION, ENUM, MACRO, INCLUDE, DECLARED, OTHER = Kind

HEADER = b"""\
#ifndef GIFT_H
#define GIFT_H
#include <stddef.h>
#ifdef __cplusplus
extern "C" {
#endif
#define GIFT_MAX(a, b) \\
    ((a) > (b) ? (a) : (b))  /* of two */
typedef struct gift {
    int size;
#if defined(GIFT_NAMES)
    char *name;
#endif
} gift_t;
enum gift_kind { GIFT_SMALL, GIFT_LARGE = 3, };
GIFT_EXPORT gift_t *gift_open(const char *path, int flags);
extern int gift_count;
static inline int gift_size(gift_t *g) { return g->size; }
static const gift_t GIFT_EMPTY = { 0 };
#ifdef __cplusplus
}
#endif
#endif
"""


def texts(source: str) -> list[str]:
    return [" ".join(each.text) for each in split(source.encode())]


def test_a_header_is_its_directives_and_declarations_in_order() -> None:
    items = split(HEADER)
    assert [(each.kind, set(each.names)) for each in items] == [
        (MACRO, {"GIFT_H"}),
        (INCLUDE, set()),
        (MACRO, {"GIFT_MAX"}),
        (OTHER, set()),  # a condition within it
        (ENUM, {"gift_kind", "GIFT_SMALL", "GIFT_LARGE"}),
        (FUNCTION, {"gift_open"}),
        (FUNCTION, {"gift_count"}),
        (DECLARED, {"gift_size"}),
        (DECLARED, {"GIFT_EMPTY"}),
    ]
    block = '#ifndef GIFT_H #ifdef __cplusplus extern "C" {'
    assert {each.where for each in items[2:]} == {("#ifndef GIFT_H", block)}
    assert "GIFT_NAMES" in items[3].words
    assert "__cplusplus" in items[4].words
    assert str(items[6]) == "extern int gift_count ;"


@pytest.mark.parametrize(
    ("source", "kind", "names"),
    [
        ("int f(void);", FUNCTION, "f"),
        ("EXPORT char *f(int (*g)(int), char);", FUNCTION, "f"),
        ("__attribute__((cold)) int f(void);", FUNCTION, "f"),
        ("extern T t;", FUNCTION, "t"),
        ('extern "C" int f(int);', FUNCTION, "f"),
        ("int f(void) { return 1; }", DECLARED, "f"),
        ("static int f(void);", DECLARED, "f"),
        ("template <class T> T f(T, int = 3);", DECLARED, "f"),
        ("template <class A, class B = C<D<E>>> struct S { };", DECLARED, "S"),
        ("constexpr int f(int a) { return a; }", DECLARED, "f"),
        ("struct s { int a; };", DECLARED, "s"),
        ("struct s;", DECLARED, ""),
        ("namespace n { class s; }", DECLARED, "s"),
        ("class EXPORT s final : public b<t> { };", DECLARED, "s"),
        ("typedef struct s { int a; } t, *u;", DECLARED, "s t u"),
        ("typedef int t[3];", DECLARED, "t"),
        ("typedef int (*t)(int);", DECLARED, "t"),
        ("static const int c = f(1);", DECLARED, "c"),
        ("typedef enum { A, B = (1, 2) } e;", ENUM, "A B e"),
        ("enum class e : char { A };", ENUM, "A e"),
        ("#define A", MACRO, "A"),
        ("#define A(x) x", MACRO, "A"),
        ("#include_next <a.h>", INCLUDE, ""),
        # What these do depends on more than how they look.
        ("PACK(1);", OTHER, ""),
        ("#pragma pack(1)", OTHER, ""),
        ("#undef A", OTHER, ""),
        ('#error "no"', OTHER, ""),
        ("using namespace n;", OTHER, ""),
        ("using n::a;", OTHER, ""),
        ("template <> struct S<int> { };", OTHER, ""),
        ("template <class T> struct S<T *> { };", OTHER, ""),
        ("template struct S<int>;", OTHER, ""),
        ("bool operator==(a, b);", OTHER, ""),
        ("int s::f() { }", OTHER, ""),
        ("int NAME(f, F)(int);", OTHER, ""),
        ('int f(void) __asm__("g");', OTHER, ""),
        ("int f(void) ALIAS(g);", OTHER, ""),
        ("int f(void), g(void);", OTHER, ""),
        ("int f(void) = delete;", OTHER, ""),
        ("struct s t;", OTHER, ""),
        ("static_assert(A == 1);", OTHER, ""),
        ("END_DECLS", OTHER, ""),
    ],
)  # fmt: skip
def test_a_declaration_is_known_by_its_form(source: str, kind: Kind, names: str) -> None:
    (item,) = split(source.encode())
    assert (item.kind, item.names) == (kind, set(names.split()))


@pytest.mark.parametrize(
    ("source", "items"),
    [
        ("int f(void); int g(void);", 2),
        ("int f(void) { if (1) { } } int g(void);", 2),
        ("struct s f(void) { } int g;", 2),
        ("struct { int a; } s; int g;", 2),
        ("int a[] = { 1, 2 }; int b;", 2),
        ("template <class T = int> void f() { } int g;", 2),
        ("namespace a::b { int f(); namespace { int g(); } }", 2),
        ("inline namespace v1 { int f(); }", 1),
        ("int f(void);;", 1),
        ("BEGIN int f(void);", 1),
        ("int f(\n#ifdef A\nint a);\n#else\nlong a);\n#endif\nint g;", 1),
    ],
)
def test_a_declaration_ends_where_it_ends(source: str, items: int) -> None:
    assert len(split(source.encode())) == items


def test_a_branch_stands_under_all_conditions_before_it() -> None:
    source = b"#if A\nint a;\n#elif B\nint b;\n#else\nint c;\n#endif\nint d;"
    assert [each.where for each in split(source)] == [
        ("#if A",), ("#if A #elif B",), ("#if A #elif B #else",), (),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "same", "other"),
    [
        ("#define A(x) x", "#  define A( x )  x", "#define A (x) x"),
        ("int a = b - - c;", "int a=b - -c;", "int a = b -- c;"),
        ("T<U<V> > a;", "T< U<V> > a;", "T<U<V>> a;"),
        ("int a; // b\\\nc", "int a;", "int a; // b\nc"),
        ("int n = 1'000;", "int n=1'000;", "int n = 1 '000';"),
        ("#include <a/b.h>", "# include  < a/b.h >", "#include <a/c.h>"),
        ("%:define A 1", "#define A 1", "%:define A 2"),
    ],
)
def test_white_space_counts_where_it_separates(source: str, same: str, other: str) -> None:
    assert texts(source.replace("%:", "#")) == texts(same)
    assert texts(source) != texts(other)


@pytest.mark.parametrize(
    "source",
    [
        "int f(void) {", "}", "int a[3);", "#if A\nint a;", "#endif", "#else",
        "int f(a) int a; { return a; }",
        "BEGIN { int a; }",
        "a;",
        ", int b;",
        "#if A\nstruct s {\n#else\nstruct t {\n#endif\nint a; };",
        "#if A\nint f(int a\n#endif\n);",
        "int f(\n#if A\nint a\n#else\nint a);\n#endif\n",
        "int a; /* b",
        'char *a = R"x(b',
        "int a; // b \\ \nint c;",
        "int a; // b ?" + "?/\nint c;",
        'char *a = R"(\\\n)";',
        "#include <a//b.h>",
        "int a[] " + "{ } " * 300 + ";",
    ],
)  # fmt: skip
def test_what_does_not_fit_is_not_taken_apart(source: str) -> None:
    with pytest.raises(NotSplit):
        split(source.encode())


def test_every_beginning_of_a_header_is_split_or_refused() -> None:
    for length in range(len(HEADER)):
        with contextlib.suppress(NotSplit):
            split(HEADER[:length])


@given(st.binary(max_size=80))
def test_any_bytes_are_split_or_refused(data: bytes) -> None:
    with contextlib.suppress(NotSplit):
        split(HEADER[:60] + data + HEADER[60:])


@given(st.text(alphabet="(){}[]<>;,=#:\"'/*\\\n aA1", max_size=40))
def test_any_signs_are_split_or_refused(text: str) -> None:
    with contextlib.suppress(NotSplit):
        split(text.encode())
