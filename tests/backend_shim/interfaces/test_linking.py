"""What the loader takes from a provider's libraries, judged as the loader would."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from backend_shim.binary import read_shared_object
from backend_shim.errors import InvalidRecord
from backend_shim.interfaces import linking
from backend_shim.interfaces.linking import _source_name, matching
from backend_shim.interfaces.provider import nothing_of
from backend_shim.record.facts import Facts
from backend_shim.record.fingerprint import ExportedSymbol
from tests.support.binding_factory import (
    compiled,
    fingerprinted,
    kinds,
    library,
    provider,
    provider_of,
    required,
    symbol,
)


def needs(*imports: tuple[str, str | None], needed: tuple[str, ...] = ("libp.so.1",)) -> Facts:
    rows = [list(each) for each in imports]
    return Facts({"objects": [{"path": "c.so", "needed": list(needed), "imports": rows}]})


@pytest.mark.parametrize(
    ("reference", "definition", "binds"),
    [
        ("VERSION_1.0", symbol("f"), True),
        (None, symbol("f", "VERSION_2.0", is_hidden=True, index=3), False),
        ("V3", symbol("f", "V3", is_hidden=True), True),
        ("V2", symbol("f", "V3"), False),
        (None, symbol("f"), True),
        (None, symbol("f", "V1"), True),
        (None, symbol("f", "V9", index=9), True),
        (None, symbol("f", "V1", is_hidden=True, index=2), True),
        ("V1", symbol("f", is_hidden=True), False),
        ("V1", symbol("f", "V1", index=7), True),
    ],
)
def test_a_reference_binds_as_the_loader_would(
    reference: str | None, definition: ExportedSymbol, binds: bool
) -> None:
    assert bool(matching(reference, [definition])) is binds


_MAIN = "int f(void); int main(void) { return f() != 1; }"
# Needs a version itself and so has `.gnu.version`: an object that has none makes the loader stop
# with a failed assertion (glibc elf/dl-lookup.c, check_match), a fault of that object.
_PLAIN = 'int puts(const char *); int f(void) { puts(""); return 1; }'
_HIDDEN = '__asm__(".symver g,f@V2"); int g(void) { return 1; } int h(void) { return 0; }'


@pytest.mark.parametrize(
    ("first", "script", "second", "second_script"),
    [
        (_PLAIN, "V1 { f; };", _PLAIN, None),
        (_PLAIN, None, _HIDDEN, "V1 { h; }; V2 { f; } V1;"),
        (_PLAIN, None, _HIDDEN, "V2 { f; };"),
        (_PLAIN, "V2 { f; };", _HIDDEN, "V2 { f; };"),
        (_PLAIN, "V1 { f; };", _PLAIN, "V2 { f; };"),
        (_PLAIN, None, _PLAIN, "V2 { f; };"),
        (_PLAIN, None, "int h(void) { return 1; }", None),
    ],
)
def test_the_judgement_is_that_of_the_real_loader(
    tmp_path: Path, first: str, script: str | None, second: str, second_script: str | None
) -> None:
    old = compiled(first, "-Wl,-soname,libp.so.1", script=script)
    new = compiled(second, "-Wl,-soname,libp.so.1", script=second_script)
    program = compiled(_MAIN, is_program=True, libraries=(("libp.so.1", old),))
    consumer = compiled(_MAIN, libraries=(("libp.so.1", old),))
    (tmp_path / "run").write_bytes(program)
    (tmp_path / "run").chmod(0o755)
    (tmp_path / "libp.so.1").write_bytes(new)
    done = subprocess.run(
        [str(tmp_path / "run")],
        env={"LD_LIBRARY_PATH": str(tmp_path), "LD_BIND_NOW": "1"},
        capture_output=True,
        check=False,
    )
    read = fingerprinted(tmp_path, {"c.so": consumer})
    before = provider_of(tmp_path, {"p/libp.so.1": old})
    after = provider_of(tmp_path, {"p/libp.so.1": new}, version="2.0")
    bindings = linking.is_satisfied(required(read, "linking"), before, after)
    assert (kinds(bindings) == ["symbols-present"]) is (done.returncode == 0)


def test_a_soname_that_is_gone_is_refused() -> None:
    old = library(symbol("f"))
    new = library(symbol("f"), path="p/libp.so.2", soname="libp.so.2")
    assert kinds(linking.is_satisfied(needs(("f", None)), old, new)) == ["soname-missing"]


def test_a_library_without_a_symbol_taken_is_a_binding() -> None:
    old = library(symbol("f"))
    assert kinds(linking.is_satisfied(needs(), old, old)) == ["symbols-present"]
    assert "soname-missing" in kinds(linking.is_satisfied(needs(), old, provider()))


def test_a_library_counts_by_its_file_name_too() -> None:
    old = library(path="p/libp-1.2.so", soname="libp.so.1")
    found = linking.is_satisfied(needs(needed=("libp-1.2.so",)), old, provider())
    assert kinds(found)[0] == "soname-missing"


def test_a_missing_symbol_is_refused() -> None:
    found = linking.is_satisfied(needs(("f", "V1")), library(symbol("f", "V1")), library())
    assert kinds(found) == ["symbol-missing"]
    assert found[0].reasons[0].data() == {"object": "c.so", "symbol": "f", "version": "V1"}


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (symbol("v", kind="object", size=4), symbol("v", kind="object", size=8), "symbol-changed"),
        (symbol("_ZTV1A", kind="object", size=24), symbol("_ZTV1A", kind="object", size=32),
         "symbol-changed"),
        (symbol("v", kind="tls", size=4), symbol("v", kind="object", size=4), "symbol-changed"),
        (symbol("v"), symbol("v", kind="object"), "symbol-changed"),
        (symbol("v", size=10), symbol("v", size=99), "symbols-present"),
        (symbol("v"), symbol("v", kind="ifunc"), "symbols-present"),
        (symbol("v", kind="tls"), symbol("v", kind="tls"), "symbols-present"),
    ],
)  # fmt: skip
def test_data_must_keep_their_size_and_everything_its_kind(
    old: ExportedSymbol, new: ExportedSymbol, kind: str
) -> None:
    found = linking.is_satisfied(needs((old.name, None)), library(old), library(new))
    assert kinds(found) == [kind]


def test_symbols_that_the_old_provider_never_gave_are_no_binding() -> None:
    old, new = library(symbol("f", "V1")), library(symbol("g"))
    assert linking.is_satisfied(needs(("g", None), needed=()), old, new) == ()


def test_a_reference_that_the_old_provider_does_not_satisfy_comes_from_elsewhere() -> None:
    old = library(symbol("f", "V1"))
    assert kinds(linking.is_satisfied(needs(("f", "V9")), old, old)) == ["symbols-present"]


def test_a_library_that_only_the_new_provider_has_is_open() -> None:
    new = library(symbol("f"))
    assert kinds(linking.is_satisfied(needs(("f", None)), provider(), new)) == ["newly-provided"]
    before = nothing_of(new)
    assert "newly-provided" in kinds(linking.is_satisfied(needs(("f", None)), before, new))


def test_headers_may_prove_what_the_imported_symbols_are_called() -> None:
    old = library(symbol("f"), symbol("_ZN1a1bEv"))
    (found,) = linking.is_satisfied(needs(("f", None), ("_ZN1a1bEv", None)), old, old)
    assert [tuple(each) for each in found.declarations] == [(None, "b"), (None, "f")]


@pytest.mark.parametrize(
    ("mangled", "name"),
    [
        ("deflate", "deflate"),
        ("_Zfoo", "_Zfoo"),
        ("_ZN5torch3jit6ModuleC1Ev", "Module"),
        ("_ZN5torch3jit6Module4loadEv", "load"),
        ("_ZNK3foo3barEv", "bar"),
        ("_Z3addii", "add"),
        ("_ZTVN5arrow6BufferE", "Buffer"),
        ("_ZTV6Buffer", "Buffer"),
        ("_ZTI6Buffer", "Buffer"),
        ("_ZTHN3foo7counterE", "counter"),
        ("_ZTW7counter", "counter"),
        ("_ZN3Foo3getB5cxx11Ev", "get"),
        ("_ZN3FooplERKS_", "Foo"),
        ("_ZNSt6vectorIiSaIiEE9push_backEOi", "vector"),
        ("_ZStlsRSo", "_ZStlsRSo"),
        ("_ZN9999x", "_ZN9999x"),
    ],
)
def test_a_symbol_is_declared_by_its_source_name(mangled: str, name: str) -> None:
    assert _source_name(mangled) == name


def test_source_names_are_those_of_a_real_compiler() -> None:
    source = """
    struct Shape { virtual ~Shape(); virtual int area(); static int count; };
    thread_local int depth = Shape::count;
    int Shape::area() { return depth; } Shape::~Shape() {} int Shape::count = 3;
    namespace inner { template <class T> T twice(T x) { return x + x; }
                      template int twice<int>(int); }
    """
    read = compiled(source, suffix=".cc")
    names = {_source_name(each.name) for each in read_shared_object(read).exported}
    assert {"Shape", "area", "count", "depth", "twice"} <= names


def test_what_the_platform_the_interpreter_and_the_wheel_define_is_left_out(tmp_path: Path) -> None:
    own = compiled("int own(void) { return 1; }", "-Wl,-soname,libown.so")
    grafted = compiled("int gr(void) { return 1; }", "-Wl,-soname,libz-0123.so.1")
    source = """
    #include <stdio.h>
    int own(void); int gr(void); int foreign(void);
    __attribute__((weak)) int optional(void);
    void *PyLong_FromLong(long); extern void *_Py_NoneStruct;
    void *PyInit_c(void) {
        if (optional) optional();
        printf("%d", own() + gr() + foreign());
        return _Py_NoneStruct ? PyLong_FromLong(1) : 0;
    }"""
    libraries = (("libown.so", own), ("libz-0123.so.1", grafted))
    module = compiled(source, libraries=libraries)
    files = {"c/c.so": module, "c/libown.so": own, "c.libs/libz-0123.so.1": grafted}
    facts = required(fingerprinted(tmp_path, files), "linking")
    assert facts.thaw() == {
        "objects": [{"path": "c/c.so", "needed": [], "imports": [["foreign", None]]}]
    }


def test_names_like_the_interpreters_count_where_another_wheel_is_linked(tmp_path: Path) -> None:
    theirs = compiled("int PyFoo_Make(void) { return 1; }", "-Wl,-soname,libp.so.1")
    source = "int PyFoo_Make(void); int use(void) { return PyFoo_Make(); }"
    module = compiled(source, libraries=(("libp.so.1", theirs),))
    facts = required(fingerprinted(tmp_path, {"c.so": module}), "linking")
    assert facts.thaw() == {
        "objects": [{"path": "c.so", "needed": ["libp.so.1"], "imports": [["PyFoo_Make", None]]}]
    }


def test_a_symbol_that_a_module_out_of_reach_defines_comes_from_the_provider(
    tmp_path: Path,
) -> None:
    theirs = compiled("int f(void) { return 1; }", "-Wl,-soname,libp.so.1")
    module = compiled(
        "int f(void); int use(void) { return f(); }", libraries=(("libp.so.1", theirs),)
    )
    other = compiled("int f(void) { return 2; } int PyInit_other(void) { return 0; }")
    facts = required(fingerprinted(tmp_path, {"c.so": module, "other.so": other}), "linking")
    old = provider_of(tmp_path, {"p/libp.so.1": theirs})
    new = library(path="p/libp.so.1")
    assert kinds(linking.is_satisfied(facts, old, new)) == ["symbol-missing"]


def test_an_extension_module_that_others_link_to_is_a_library(tmp_path: Path) -> None:
    source = "int PyInit_p(void) { return 0; } int api(void) { return 1; }"
    shared = provider_of(tmp_path, {"p/p.abi3.so": compiled(source)})
    closed = provider_of(
        tmp_path, {"p/p.abi3.so": compiled("int PyInit_p(void) { return 0; }")}, version="2.0"
    )
    found = linking.is_satisfied(needs(needed=("p.abi3.so",)), shared, closed)
    assert kinds(found)[0] == "soname-missing"


@pytest.mark.parametrize(
    "facts",
    [{}, {"objects": {}}, {"objects": [{"path": 1, "needed": [], "imports": []}]},
     {"objects": [{"path": "", "needed": [], "imports": [["f"]]}]},
     {"objects": [{"path": "", "needed": [], "imports": [["f", 1]]}]}],
)  # fmt: skip
def test_wrong_facts_are_refused(facts: dict[str, object]) -> None:
    with pytest.raises(InvalidRecord):
        linking.is_satisfied(Facts(facts), library(), library())
