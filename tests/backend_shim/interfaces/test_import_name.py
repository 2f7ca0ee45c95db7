"""Names of another distribution in a binary, whatever the compiler made of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend_shim.errors import InvalidRecord
from backend_shim.interfaces import import_name
from backend_shim.interfaces.import_name import (
    MAX_NAMES,
    binding_names,
    is_satisfied,
    module_names,
    read_object,
)
from backend_shim.record.facts import Facts
from tests.support.binding_factory import (
    compiled,
    fingerprinted,
    kinds,
    literals,
    opened,
    provider,
    required,
)
from tests.support.elf_factory import Image


@pytest.mark.parametrize(
    ("paths", "modules"),
    [
        (("p/__init__.py", "p/a.py"), {"p", "p.a"}),
        (("p/_c.cpython-311-x86_64-linux-gnu.so",), {"p", "p._c"}),
        (("_top.abi3.so",), {"_top"}),
        (("q.cp311-win_amd64.pyd",), {"q"}),
        (("ns/p/m.py",), {"ns", "ns.p", "ns.p.m"}),
        (("p-1.0.data/purelib/p/a.py",), {"p", "p.a"}),
        (("p-1.0.data/platlib/p/a.so",), {"p", "p.a"}),
        (("p-1.0.data/scripts/p.py", "p-1.0.data/data/p/a.py"), set()),
        (("p-1.0.dist-info/METADATA", "p.libs/libz-1.so.1"), set()),
        (("p/a.pyi", "p/a.h", "1p/a.py"), set()),
    ],
)
def test_modules_are_what_is_imported_by_dotted_name(
    paths: tuple[str, ...], modules: set[str]
) -> None:
    assert module_names(paths) == modules


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (("p/__init__.py", "p/sub/__init__.py", "p/sub/a.so"), {"p"}),
        (("ns/p/__init__.py", "ns/p/a.py"), {"ns.p"}),
        (("ns/p/a.py", "ns/p/b.py"), {"ns.p.a", "ns.p.b"}),
        (("p-1.0.data/purelib/p/__init__.py",), {"p"}),
        (("_top.cpython-311-x86_64-linux-gnu.so", "top.py"), {"_top", "top"}),
        (("p/__init__.py", "p/lib/libp.so.1.2"), {"p", "libp.so.1.2"}),
        (("p/__init__.py", "p/q.dylib", "p/q.dll"), {"p", "q.dylib", "q.dll"}),
        (("p/__init__.py", "p.libs/libz-0123.so.1", "p/.dylibs/libz.dylib"), {"p"}),
        (("p-1.0.dist-info/METADATA",), set()),
    ],
)
def test_a_binary_must_hold_one_of_these_names(paths: tuple[str, ...], names: set[str]) -> None:
    assert binding_names(paths) == names


def found(data: bytes, name: str) -> tuple[set[str], set[str]]:
    seen = read_object(opened(data, looked_for={name}))
    if seen is None:
        return set(), set()
    assert isinstance(seen, dict)
    names = seen[name]
    assert isinstance(names, dict)
    assert isinstance(names["whole"], list)
    assert isinstance(names["tails"], list)
    return set(map(str, names["whole"])), set(map(str, names["tails"]))


@pytest.mark.parametrize(
    ("text", "whole", "tails"),
    [
        ("greenlet", {"greenlet"}, set()),
        ("greenlet._C_API", {"greenlet._C_API"}, set()),
        ("greenlet is dead", set(), set()),
        ("greenlets", set(), set()),
        ("my_greenlet", set(), set()),
        ("gevent.greenlet.Greenlet", set(), set()),
        ("import greenlet", {"greenlet"}, set()),
        ("pip install greenlet", {"greenlet"}, set()),
        ("path/greenlet", {"greenlet"}, set()),
        ("greenlet.%s", set(), {"greenlet.*"}),
        ("greenlet.sub.", set(), {"greenlet.sub.*"}),
    ],
)
def test_a_literal_of_c_counts_if_it_ends_with_the_name(
    text: str, whole: set[str], tails: set[str]
) -> None:
    assert found(literals(text), "greenlet") == (whole, tails)


def test_a_string_that_the_linker_put_into_the_tail_of_another_is_found() -> None:
    data = literals("xy_greenlet._C_API", "greenlet._C_API")
    assert data.count(b"greenlet._C_API") == 1
    assert found(data, "greenlet") == (set(), {"greenlet._C_API"})


def test_without_a_known_c_compiler_any_occurrence_counts() -> None:
    text = "greenlet_or not greenlet is dead"
    assert found(literals(text), "greenlet") == (set(), set())
    assert found(literals(text, language="rust"), "greenlet") == ({"greenlet"}, set())
    anonymous = compiled(f'const char a[] = "{text}";', "-fno-ident", "-nostdlib")
    assert found(anonymous, "greenlet") == ({"greenlet"}, set())


def test_a_binary_without_section_headers_is_searched_whole() -> None:
    data = literals("greenlet is dead")
    without = data[:40] + bytes(8) + data[48:58] + bytes(6) + data[64:]
    assert found(without, "greenlet") == ({"greenlet"}, set())


def asking(source: str, *options: str, suffix: str = ".c", function: str = "Import") -> bytes:
    """The object of `source`, which also calls one of the interpreter's functions."""
    linkage = 'extern "C" ' if suffix == ".cc" else ""
    call = f"{linkage}int Py{function}(void);\n{linkage}int asks(void) {{ return Py{function}(); }}"
    return compiled(f"{source}\n{call}\n", *options, suffix=suffix)


# One root each, so that all can be compiled at once.
SHORT = ("lxml", "numpy", "torch._C", "shapely.lib", "greenlet._C_API", "multidict",
         "scipy.linalg.cython_blas")  # fmt: skip


def copies(*names: str, level: str) -> bytes:
    """An object that copies `names` into buffers of its own."""
    functions = [
        f'void f{number}() {{ char b[sizeof "{name}"]; memcpy(b, "{name}", sizeof b); use(b); }}'
        for number, name in enumerate(names)
    ]
    head = ["#include <string.h>", "void use(const char *);"]
    return asking("\n".join([*head, *functions]), level)


def strings(*names: str, level: str) -> bytes:
    """An object that makes a `std::string` of each of `names`."""
    functions = [
        f'void f{number}() {{ std::string s("{name}"); use(s); }}'
        for number, name in enumerate(names)
    ]
    head = ["#include <string>", "void use(const std::string &);"]
    return asking("\n".join([*head, *functions]), level, suffix=".cc")


@pytest.mark.parametrize("level", ["-O1", "-O2", "-O3"])
@pytest.mark.parametrize("name", SHORT)
def test_a_short_string_that_the_compiler_took_apart_is_found(name: str, level: str) -> None:
    root = name.partition(".")[0]
    for data in (copies(*SHORT, level=level), strings(*SHORT, level=level)):
        if opened(data).shared.machine not in ("x86_64", "i386"):
            pytest.skip("immediates are found in x86 code only")
        assert found(data, root) != (set(), set())


def test_of_a_name_of_three_bytes_a_copy_with_its_nul_is_found() -> None:
    data = copies("PIL", level="-O2")
    if opened(data).shared.machine not in ("x86_64", "i386"):
        pytest.skip("immediates are found in x86 code only")
    assert found(data, "PIL") == (set(), {"PIL"})


def test_a_comparison_with_a_known_string_is_found() -> None:
    source = '#include <string.h>\nint is(const char *s) { return memcmp(s, "multidict", 9) == 0; }'
    data = asking(source)
    assert found(data, "multidict") != (set(), set())


def test_what_was_taken_apart_is_known_only_as_far_as_it_was_read() -> None:
    name = "scipy.linalg.cython_blas"
    data = copies(name, level="-O2")
    if opened(data).shared.machine != "x86_64":
        pytest.skip("vectors of 16 bytes are looked for in x86-64 objects")
    assert any(each.startswith("scipy.linalg.cyt") for each in set().union(*found(data, "scipy")))


@pytest.mark.parametrize("kind", ["u", "U", "L"])
def test_a_wide_string_is_found(kind: str) -> None:
    include = "#include <uchar.h>\n#include <wchar.h>\n"
    types = {"u": "char16_t", "U": "char32_t", "L": "wchar_t"}
    source = f'{include}const {types[kind]} a[] = {kind}"greenlet";'
    data = asking(source, function="Unicode_FromWideChar")
    assert found(data, "greenlet") == (set(), {"greenlet*"})
    assert found(asking(source), "greenlet") == (set(), set())


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ('__attribute__((section(".odd"))) const char a[] = "greenlet";', ()),
        ('char a[] = "greenlet";', ()),
        ('const char a[8] = "greenlet"; const int b = 7;', ()),
        ('#include <string.h>\nvoid f(char *b) { strcpy(b, "greenlet"); }', ()),
        ('void u(char *); void f(void) { char b[] = "greenlet"; u(b); }', ("-Os",)),
        ('void u(char *); void f(void) { char b[] = "greenlet"; u(b); }', ("-O0",)),
        ('const char *f(void) { return "greenlet"; }', ("-fuse-ld=gold",)),
        ('const char *f(void) { return "greenlet"; }', ("-fno-merge-constants",)),
        ('const char *f(void) { return "greenlet"; }', ("-mcmodel=large",)),
        ('const char *f(void) { return "greenlet"; }', ("-flto", "-O3")),
        ('__thread char a[] = "greenlet";', ()),
        ('__asm__(".text\\n.asciz \\"greenlet\\"");', ()),
    ],
)
def test_a_string_is_found_wherever_it_is_put(source: str, options: tuple[str, ...]) -> None:
    whole, tails = found(asking(source, *options), "greenlet")
    assert whole | tails


def test_a_library_that_asks_for_no_name_is_not_searched_for_pieces_of_one() -> None:
    source = '#include <string.h>\nvoid f(char *b) { strcpy(b, "greenlet"); }'
    assert found(compiled(source), "greenlet") == (set(), set())
    assert found(asking(source), "greenlet") != (set(), set())


def test_too_many_names_leave_that_there_are_some() -> None:
    names = [f"greenlet.a{number}" for number in range(MAX_NAMES + 2)]
    assert found(literals(*names), "greenlet") == (set(), {"greenlet*"})


def test_a_wheel_says_what_was_looked_for(tmp_path: Path) -> None:
    read = fingerprinted(
        tmp_path,
        {"a.so": literals("greenlet", "x_numpy"), "b.so": literals("greenlet._C_API", "numpy")},
        looked_for=("numpy", "greenlet", "torch"),
    )
    assert required(read, "import-name").thaw() == {
        "looked_for": ["greenlet", "numpy", "torch"],
        "whole": ["greenlet", "greenlet._C_API", "numpy"],
        "tails": [],
    }
    silent = fingerprinted(tmp_path, {"a.so": bytes(Image())})
    assert silent.fingerprint.required("import-name") is None


PROVIDER = provider(paths=("p/__init__.py", "p/m.py", "p/ex/__init__.py", "p/libp.so.1"))


def judged(
    *whole: str, tails: tuple[str, ...] = (), explained: tuple[str, ...] = ()
) -> list[object]:
    paths = ("p/__init__.py", "p/m.py", "p/ex/__init__.py", "p/ex/in.py", "p/libp.so.1")
    bumped = provider(paths=paths, explained=explained)
    facts = Facts({"looked_for": [], "whole": list(whole), "tails": list(tails)})
    bindings = is_satisfied(facts, bumped, bumped)
    assert all(kinds([each]) == ["named-in-binary"] for each in bindings)
    return [tuple(tuple(name[:2]) for name in each.declarations) for each in bindings]


def test_a_module_an_attribute_and_a_library_are_three_things() -> None:
    assert judged("p.m") == [(("p.m", "p.m"),)]
    assert judged("p.m._C_API") == [(("p.m", "p.m._C_API"),)]
    assert judged("libp.so.1") == [(("libp.so.1", "libp.so.1"),)]
    assert judged("p.m.h", "p.m.pyx") == [(("p.m", "p.m"),)]
    assert judged("p.m", "p") == [(("p", "p"),), (("p.m", "p.m"),)]


def test_of_a_tail_only_the_module_is_certain() -> None:
    assert judged(tails=("p.m._C_API",)) == [(("p.m", "p.m"),)]


def test_names_of_others_are_no_binding() -> None:
    assert judged("q", "pp", "p_m", "libq.so.1", tails=("x.p",)) == []


def test_what_another_interface_explains_is_left_to_it() -> None:
    assert judged("p.ex", "p.ex.attribute", explained=("p.ex",)) == []
    assert judged("p.ex.in", explained=("p.ex",)) == [(("p.ex.in", "p.ex.in"),)]


def test_a_name_that_is_cut_is_proven_by_no_file() -> None:
    assert judged(tails=("p.m*",)) == [()]
    assert judged(tails=("p*", "p.e*")) == [()]
    assert judged(tails=("q*",)) == []


def test_a_name_that_is_cut_is_explained_if_all_that_it_may_mean_is() -> None:
    assert judged(tails=("p.ex*",), explained=("p.ex",)) == [()]
    assert judged(tails=("p.e*",), explained=("p", "p.ex", "p.ex.in")) == []
    assert judged(tails=("p.ex.*",), explained=("p.ex", "p.ex.in")) == []


def test_a_module_that_only_one_of_the_two_has_counts() -> None:
    facts = Facts({"looked_for": [], "whole": ["p.gone"], "tails": []})
    old, new = provider(paths=("p/__init__.py", "p/gone.py")), provider(paths=("p/__init__.py",))
    (binding,) = is_satisfied(facts, old, new)
    assert [tuple(each[:2]) for each in binding.declarations] == [("p.gone", "p.gone")]


@pytest.mark.parametrize("facts", [{}, {"whole": [], "tails": [1]}, {"whole": "p", "tails": []}])
def test_wrong_facts_are_refused(facts: dict[str, object]) -> None:
    with pytest.raises(InvalidRecord):
        is_satisfied(Facts(facts), PROVIDER, PROVIDER)


def test_it_provides_nothing_of_its_own(tmp_path: Path) -> None:
    assert fingerprinted(tmp_path, {"a.so": bytes(Image())}).fingerprint.provided(
        import_name.NAME
    ) is None  # fmt: skip
