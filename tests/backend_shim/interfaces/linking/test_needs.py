"""What a wheel needs of others: all that neither it, nor the platform, nor the interpreter has."""

from __future__ import annotations

from pathlib import Path

from backend_shim.binary.shared_object import SharedObject, Symbol, SymbolTable
from backend_shim.interfaces import linking
from backend_shim.interfaces.inspected_wheel import InspectedObject, InspectedWheel
from backend_shim.interfaces.linking.facts import Import, Need
from backend_shim.interfaces.linking.needs import needs_of
from tests.support.binding_factory import compiled, fingerprinted, kinds, library, provider_of
from tests.support.binding_factory import required as facts_of


def exported(name: str, **changed: str | None) -> Symbol:
    return Symbol(name, None, "function", "global", 0, **changed)  # type: ignore[arg-type]


def imported(
    name: str, library: str | None = None, binding: str = "global", version: str | None = None
) -> Symbol:
    return Symbol(name, version, "notype", binding, 0, library=library)


def wheel_of(binary_format: str, **objects: dict[str, object]) -> InspectedWheel:
    """A wheel with an object for each keyword, `.` being written as `_`."""
    found = []
    for key, facts in objects.items():
        path = str(facts.pop("path", key))
        blank: dict[str, object] = {
            "format": binary_format, "machine": "x86_64", "bits": 64, "soname": None,
            "needed": (), "run_path": (), "version_needs": (), "version_definitions": (),
            "exported": (), "imported": (), "constants": (), "code": (), "is_executable": False,
        }  # fmt: skip
        row = {**blank, **facts}
        tables = {key: SymbolTable.of(row[key]) for key in ("exported", "imported")}  # type: ignore[arg-type]
        shared = SharedObject(**{**row, **tables})  # type: ignore[arg-type]
        found.append(
            InspectedObject(path=path, kind="library", is_grafted=False, shared=shared, seen={})
        )
    return InspectedWheel(
        name="c", version="1", objects=tuple(found), looked_for=frozenset(), text={},
        interface_files={},
    )  # fmt: skip


def rows(needs: tuple[Need, ...]) -> list[tuple[object, ...]]:
    return [(each.path, each.needed, each.imports) for each in needs]


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
    linked = (("libown.so", own), ("libz-0123.so.1", grafted))
    module = compiled(source, libraries=linked)
    files = {"c/c.so": module, "c/libown.so": own, "c.libs/libz-0123.so.1": grafted}
    facts = facts_of(fingerprinted(tmp_path, files), "linking")
    assert facts.thaw() == {
        "objects": [
            {
                "path": "c/c.so",
                "format": "elf",
                "machine": "x86_64",
                "needed": [],
                "compatibility": [],
                "imports": [["foreign", None, None]],
                "optional": [["optional", None, None]],
            }
        ]
    }


def test_names_like_the_interpreters_count_where_another_wheel_is_linked(tmp_path: Path) -> None:
    theirs = compiled("int PyFoo_Make(void) { return 1; }", "-Wl,-soname,libp.so.1")
    source = "int PyFoo_Make(void); int use(void) { return PyFoo_Make(); }"
    module = compiled(source, libraries=(("libp.so.1", theirs),))
    facts = facts_of(fingerprinted(tmp_path, {"c.so": module}), "linking")
    assert facts.thaw()["objects"][0]["imports"] == [["PyFoo_Make", None, None]]  # type: ignore[index, call-overload]


def test_a_symbol_that_a_module_out_of_reach_defines_comes_from_the_provider(
    tmp_path: Path,
) -> None:
    theirs = compiled("int f(void) { return 1; }", "-Wl,-soname,libp.so.1")
    module = compiled(
        "int f(void); int use(void) { return f(); }", libraries=(("libp.so.1", theirs),)
    )
    other = compiled("int f(void) { return 2; } int PyInit_other(void) { return 0; }")
    facts = facts_of(fingerprinted(tmp_path, {"c.so": module, "other.so": other}), "linking")
    old = provider_of(tmp_path, {"p/libp.so.1": theirs})
    assert kinds(linking.is_satisfied(facts, old, library())) == ["symbol-missing"]


def test_an_extension_module_that_others_link_to_is_a_library(tmp_path: Path) -> None:
    source = "int PyInit_p(void) { return 0; } int api(void) { return 1; }"
    shared = provider_of(tmp_path, {"p/p.abi3.so": compiled(source)})
    closed = provider_of(
        tmp_path, {"p/p.abi3.so": compiled("int PyInit_p(void) { return 0; }")}, version="2.0"
    )
    linked = (("p.abi3.so", compiled(source, "-Wl,-soname,p.abi3.so")),)
    module = compiled("int api(void); int f(void) { return api(); }", libraries=linked)
    facts = facts_of(fingerprinted(tmp_path, {"c.so": module}), "linking")
    assert kinds(linking.is_satisfied(facts, shared, closed)) == ["soname-missing"]


def test_elf_needs_are_those_of_all_that_is_loaded() -> None:
    wheel = wheel_of(
        "elf",
        module={"needed": ("libown.so", "libc.so.6"), "imported": (imported("f"),)},
        own={"path": "libown.so", "needed": ("libp.so",), "imported": (imported("f"),)},
    )
    f = (Import("f", None, None),)
    # The second one would say the same again.
    assert rows(needs_of(wheel)) == [
        ("module", ("libp.so",), f),
        ("libown.so", ("libp.so",), ()),
    ]


def test_the_interpreters_names_are_known_where_only_libraries_of_a_platform_are_needed() -> None:
    symbols = (imported("PyList_New"), imported("inflate"))
    wheel = wheel_of("elf", module={"needed": ("libz.so.1",), "imported": symbols})
    assert rows(needs_of(wheel)) == [("module", ("libz.so.1",), (Import("inflate", None, None),))]


def test_elf_versions_name_their_library() -> None:
    symbols = (
        imported("f", "libp.so", version="V1"),
        imported("g", "libc.so.6", version="GLIBC_2.2"),
    )
    versions = (("libp.so", ("V1",)), ("libc.so.6", ("GLIBC_2.2",)))
    facts = {"needed": ("libp.so",), "imported": symbols, "version_needs": versions}
    wheel = wheel_of("elf", module=facts)
    assert needs_of(wheel)[0].imports == (Import("f", "V1", "libp.so"),)


def test_the_loader_of_musl_knows_no_versions() -> None:
    symbols = (imported("f", "libp.so", version="V1"),)
    needed = ("libp.so", "libc.musl-x86_64.so.1")
    wheel = wheel_of("elf", module={"needed": needed, "imported": symbols})
    assert rows(needs_of(wheel)) == [("module", ("libp.so",), (Import("f", None, None),))]


def test_a_hidden_definition_is_not_offered_to_musl() -> None:
    hidden = Symbol("f", "V1", "function", "global", 8, is_hidden=True, version_index=2)
    for libc, offered in (("libc.musl-x86_64.so.1", 0), ("libc.so.6", 1)):
        wheel = wheel_of("elf", own={"needed": (libc,), "exported": (hidden,)})
        (tables,) = linking.exported_tables(wheel).objects
        assert len(tables.symbols) == offered


def test_references_of_the_toolchain_are_nobodys() -> None:
    symbols = (imported("__gmon_start__", binding="weak"), imported("_ITM_x", binding="weak"))
    assert needs_of(wheel_of("elf", module={"imported": symbols})) == ()


def test_windows_names_the_library_of_each_symbol() -> None:
    symbols = (
        imported("PyList_New", "python311.dll"),
        imported("PyFoo_Make", "P.dll"),
        imported("own", "OWN-abc.dll"),
        imported("own", "KERNEL32.dll"),
        imported("#7", "P.dll"),
    )
    needed = ("python311.dll", "P.dll", "OWN-abc.dll", "KERNEL32.dll")
    wheel = wheel_of(
        "pe",
        module={"path": "c/c.pyd", "needed": needed, "imported": symbols},
        own={"path": "c.libs/own-ABC.dll", "exported": (exported("own"),)},
    )
    expected = (Import("PyFoo_Make", None, "P.dll"), Import("#7", None, "P.dll"))
    assert rows(needs_of(wheel)) == [("c/c.pyd", ("P.dll",), expected)]


def test_a_forwarder_needs_what_it_leads_to() -> None:
    symbols = (
        exported("f", forwards_to="P.g"),
        exported("h", forwards_to="own.h"),
        exported("k", forwards_to="NTDLL.k"),
    )
    wheel = wheel_of("pe", own={"path": "c/own.dll", "exported": symbols})
    assert rows(needs_of(wheel)) == [("c/own.dll", ("P.dll",), (Import("g", None, "P.dll"),))]


def test_macos_names_the_library_of_nearly_each_symbol() -> None:
    symbols = (
        imported("PyList_New"),
        imported("PyFoo_Make", "@rpath/libp.dylib"),
        imported("malloc", "/usr/lib/libSystem.B.dylib"),
        imported("own", "@loader_path/.dylibs/libown.1.dylib"),
        imported("anywhere"),
        imported("perhaps", "@rpath/libp.dylib", "weak"),
    )
    needed = (
        "@rpath/libp.dylib",
        "/usr/lib/libSystem.B.dylib",
        "@loader_path/.dylibs/libown.1.dylib",
    )
    wheel = wheel_of(
        "macho",
        module={
            "path": "c/c.so",
            "needed": needed,
            "imported": symbols,
            "version_needs": tuple((name, ("1.2.0",)) for name in needed),
        },
        own={"path": "c/.dylibs/libown.1.dylib", "exported": (exported("own"),)},
    )
    (need,) = needs_of(wheel)
    assert need.needed == ("@rpath/libp.dylib",)
    assert need.compatibility == (("@rpath/libp.dylib", "1.2.0"),)
    assert need.imports == (
        Import("PyFoo_Make", None, "@rpath/libp.dylib"),
        Import("anywhere", None, None),
    )
    assert need.optional == (Import("perhaps", None, "@rpath/libp.dylib"),)


def test_a_dylib_with_weak_symbols_only_is_linked_weakly() -> None:
    name = "@rpath/libp.dylib"
    wheel = wheel_of(
        "macho", module={"needed": (name,), "imported": (imported("f", name, "weak"),)}
    )
    (need,) = needs_of(wheel)
    assert need.needed == ()
    assert need.optional == (Import("f", None, name),)


def test_what_an_own_library_passes_on_is_needed_of_the_other_one() -> None:
    wheel = wheel_of(
        "macho",
        module={
            "path": "c/c.so",
            "needed": ("@rpath/libown.dylib",),
            "imported": (imported("f", "@rpath/libown.dylib"),),
        },
        own={
            "path": "c/libown.dylib",
            "needed": ("@rpath/libp.dylib",),
            "reexported": ("@rpath/libp.dylib",),
        },
    )
    assert rows(needs_of(wheel)) == [
        ("c/c.so", (), (Import("f", None, "@rpath/libp.dylib"),)),
        ("c/libown.dylib", ("@rpath/libp.dylib",), ()),
    ]


def test_slices_of_a_universal_file_need_each_for_itself() -> None:
    needed = ("@rpath/libp.dylib",)
    wheel = wheel_of(
        "macho",
        arm={
            "path": "c/c.so",
            "machine": "aarch64",
            "needed": needed,
            "imported": (imported("f", needed[0]),),
        },
        intel={"path": "c/c.so", "needed": needed, "imported": (imported("g", needed[0]),)},
    )
    assert [(each.machine, each.imports[0].name) for each in needs_of(wheel)] == [
        ("aarch64", "f"),
        ("x86_64", "g"),
    ]
