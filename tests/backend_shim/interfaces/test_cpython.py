"""What a wheel takes of the interpreter: the names of its modules, their hooks, their symbols."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pytest

from backend_shim.binary.shared_object import SharedObject, Symbol, SymbolTable
from backend_shim.errors import InvalidRecord
from backend_shim.interfaces import cpython
from backend_shim.interfaces.cpython import ModuleTarget, module_target
from backend_shim.interfaces.inspected_wheel import InspectedObject, InspectedWheel
from backend_shim.record.facts import Facts
from tests.support.binding_factory import fingerprinted, provider
from tests.support.elf_factory import WEAK, Image, ImageSymbol

SUFFIX = ".cpython-311-x86_64-linux-gnu.so"


def _module(*imported: str, hook: str = "PyInit_a", weak: tuple[str, ...] = ()) -> bytes:
    symbols = [ImageSymbol(hook)]
    symbols += [ImageSymbol(name, is_defined=False) for name in imported]
    symbols += [ImageSymbol(name, is_defined=False, binding=WEAK) for name in weak]
    return bytes(Image(symbols=symbols))


def _facts(tmp_path: Path, files: Mapping[str, bytes]) -> Facts | None:
    found = fingerprinted(tmp_path, files).fingerprint.required("cpython")
    assert found is None or found.provider == "python"
    return found.facts if found else None


def _use(tmp_path: Path, files: Mapping[str, bytes]) -> cpython.InterpreterUse:
    facts = _facts(tmp_path, files)
    assert facts is not None
    return cpython.decode(facts)


@pytest.mark.parametrize(
    ("path", "suffixes"),
    [
        (f"p/a{SUFFIX}", (SUFFIX,)),
        ("a.abi3.so", (".abi3.so",)),
        ("a.so", (".so",)),
        ("a.cp311-win_amd64.pyd", (".cp311-win_amd64.pyd",)),
        ("liba.so.1", ()),
        ("a.b.c.so", ()),
    ],
)
def test_the_suffix_of_an_extension_module(
    tmp_path: Path, path: str, suffixes: tuple[str, ...]
) -> None:
    assert _use(tmp_path, {path: _module("PyList_New")}).suffixes == suffixes


@pytest.mark.parametrize(
    ("suffix", "target"),
    [
        (SUFFIX, ModuleTarget((3, 11), "")),
        (".cpython-313t-x86_64-linux-gnu.so", ModuleTarget((3, 13), "t")),
        (".cpython-313td-darwin.so", ModuleTarget((3, 13), "dt")),
        (".cpython-37m-x86_64-linux-gnu.so", ModuleTarget((3, 7), "")),
        (".cp313t-win_amd64.pyd", ModuleTarget((3, 13), "t")),
        (".abi3.so", None),
        (".abi3t.so", None),
        (".so", None),
        (".pyd", None),
        (".pypy310-pp73-x86_64-linux-gnu.so", None),
    ],
)
def test_the_python_that_a_suffix_names(suffix: str, target: ModuleTarget | None) -> None:
    assert module_target(suffix) == target


def test_an_object_without_an_entry_point_is_no_module(tmp_path: Path) -> None:
    assert _facts(tmp_path, {"a.abi3.so": bytes(Image())}) is None
    assert _facts(tmp_path, {"p/libp.so": bytes(Image())}) is None


def test_a_library_that_calls_the_interpreter_counts_too(tmp_path: Path) -> None:
    library = bytes(Image(symbols=[ImageSymbol("PyObject_Vectorcall", is_defined=False)]))
    use = _use(tmp_path, {"p/libp.so.1": library})
    assert (use.suffixes, use.hooks) == ((), ())
    assert use.stable_abi is not None
    assert use.stable_abi.floor == (3, 12)


def test_symbols_of_the_stable_abi_by_the_release_that_added_them(tmp_path: Path) -> None:
    files = {
        "a.abi3.so": _module("PyList_New", "PyType_GetModule", "PyType_GetName"),
        "b.abi3.so": _module("PyBuffer_Release", "PyModule_AddObjectRef"),
    }
    stable = _use(tmp_path, files).stable_abi
    assert stable is not None
    assert stable.added == (
        ((3, 10), ("PyModule_AddObjectRef", "PyType_GetModule")),
        ((3, 11), ("PyBuffer_Release", "PyType_GetName")),
    )
    assert (stable.floor, stable.outside) == ((3, 11), ())


def test_symbols_outside_of_it(tmp_path: Path) -> None:
    use = _use(tmp_path, {"a.abi3.so": _module("_PyObject_NextNotImplemented", "PyTuple_New")})
    assert use.stable_abi is not None
    assert use.stable_abi.outside == ("_PyObject_NextNotImplemented",)
    assert use.stable_abi.floor == (3, 2)


@pytest.mark.parametrize("name", ["PyErr_SetFromWindowsErr", "_Py_RefTotal", "PyOS_CheckStack"])
def test_what_other_builds_have_is_outside(tmp_path: Path, name: str) -> None:
    use = _use(tmp_path, {"a.abi3.so": _module(name)})
    assert use.stable_abi is not None
    assert use.stable_abi.outside == (name,)


def test_what_the_wheel_defines_itself_or_may_do_without_is_not_asked_of_the_interpreter(
    tmp_path: Path,
) -> None:
    files = {
        "a.abi3.so": _module("PyGift_Open", weak=("PyUnstable_Thing",)),
        "libgift.so": bytes(Image(symbols=[ImageSymbol("PyGift_Open")])),
    }
    use = _use(tmp_path, files)
    assert use.stable_abi is not None
    assert use.stable_abi.outside == ()


def test_a_program_that_embeds_one_python_need_not_keep_to_the_stable_abi(tmp_path: Path) -> None:
    called = [ImageSymbol("PyMem_RawFree", is_defined=False)]
    library = "libpython3.11.so.1.0"
    use = _use(tmp_path, {"p/program": bytes(Image(symbols=called, needed=[library]))})
    assert (use.stable_abi, use.versioned_libraries) == (None, (library,))
    use = _use(tmp_path, {"p/program": bytes(Image(symbols=called, needed=["libpython3.so"]))})
    assert use.stable_abi is not None
    assert use.stable_abi.floor == (3, 13)


def test_a_module_for_one_version_need_not_keep_to_the_stable_abi(tmp_path: Path) -> None:
    assert _use(tmp_path, {f"a{SUFFIX}": _module("_PyRuntime")}).stable_abi is None
    both = {f"a{SUFFIX}": _module("_PyRuntime"), "b.abi3.so": _module("PyType_GetName")}
    use = _use(tmp_path, both)
    assert use.stable_abi is not None
    assert use.stable_abi.outside == ()


@pytest.mark.parametrize(
    ("hook", "name"),
    [
        ("PyInit_a", "PyInit"),
        ("PyInitU_tda", "PyInit"),
        ("PyModExport_a", "PyModExport"),
        ("PyModExportU_tda", "PyModExport"),
    ],
)
def test_how_a_module_is_loaded(tmp_path: Path, hook: str, name: str) -> None:
    assert _use(tmp_path, {"a.abi3t.so": _module(hook=hook)}).hooks == (name,)


def test_the_flags_of_the_builds_that_it_is_for(tmp_path: Path) -> None:
    facts = _facts(tmp_path, {"a.cpython-313td-x86_64-linux-gnu.so": _module()})
    assert facts is not None
    assert facts["abi_flags"] == ("d", "t")


# Windows and macOS: the library of a symbol is known.


def _wheel(path: str, format_: str, needed: tuple[str, ...], *imported: Symbol) -> InspectedWheel:
    shared = SharedObject(
        **{
            **{field.name: () for field in dataclasses.fields(SharedObject)},
            "format": format_,
            "machine": "x86_64",
            "bits": 64,
            "soname": None,
            "is_executable": False,
            "needed": needed,
            "imported": SymbolTable.of(imported),
            "exported": SymbolTable.of([Symbol("PyInit_a", None, "function", "global", 0)]),
        }
    )
    module = InspectedObject(
        path=path, kind="extension-module", is_grafted=False, shared=shared, seen={}
    )
    return InspectedWheel(
        name="a", version="1", objects=(module,), looked_for=frozenset(), text={},
        interface_files={},
    )  # fmt: skip


def _imported(name: str, library: str | None) -> Symbol:
    return Symbol(name, None, "notype", "global", 0, library=library)


@pytest.mark.parametrize(
    ("library", "versioned", "flags"),
    [
        ("python3.dll", (), ()),
        ("python311.dll", ("python311.dll",), ()),
        ("python313t.dll", ("python313t.dll",), ("t",)),
        ("python313_d.dll", ("python313_d.dll",), ("d",)),
        ("python3t.dll", (), ("t",)),
        ("python3_d.dll", (), ("d",)),
    ],
)
def test_the_library_of_the_interpreter_on_windows(
    library: str, versioned: tuple[str, ...], flags: tuple[str, ...]
) -> None:
    facts = cpython.requires(_wheel("a.pyd", "pe", (library, "KERNEL32.dll")))
    assert facts is not None
    assert (facts["versioned_libraries"], facts["abi_flags"]) == (versioned, flags)


def test_only_what_comes_from_the_interpreter_s_library_is_its_symbol() -> None:
    wheel = _wheel(
        "a.pyd", "pe", ("python3.dll", "gift.dll"),
        _imported("PyGift_Open", "gift.dll"),
        _imported("PyErr_SetFromWindowsErr", "python3.dll"),
        _imported("PyOS_AfterFork", "python3.dll"),
    )  # fmt: skip
    facts = cpython.requires(wheel)
    assert facts is not None
    stable = cpython.decode(facts).stable_abi
    assert stable is not None
    assert stable.added == (((3, 7), ("PyErr_SetFromWindowsErr",)),)
    assert stable.outside == ("PyOS_AfterFork",)


@pytest.mark.parametrize(
    ("library", "outside"),
    [
        (None, ("_PyRuntime",)),
        ("/Library/Frameworks/Python.framework/Versions/3.11/Python", ("_PyRuntime",)),
        ("@rpath/libpython3.11.dylib", ("_PyRuntime",)),
        ("@rpath/libgift.dylib", ()),
    ],
)
def test_a_library_of_macos(library: str | None, outside: tuple[str, ...]) -> None:
    facts = cpython.requires(_wheel("a.abi3.so", "macho", (), _imported("_PyRuntime", library)))
    assert facts is not None
    stable = cpython.decode(facts).stable_abi
    assert stable is not None
    assert stable.outside == outside


# The record


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("extension_suffixes", ".so"),
        ("export_hooks", None),
        ("versioned_libraries", [1]),
        ("stable_abi", []),
        ("stable_abi", {"outside": []}),
        ("stable_abi", {"added": [], "outside": [1]}),
        ("stable_abi", {"added": [{"symbols": []}], "outside": []}),
        ("stable_abi", {"added": [{"version": "3", "symbols": []}], "outside": []}),
        ("stable_abi", {"added": [{"version": "3.²", "symbols": []}], "outside": []}),
        ("stable_abi", {"added": [{"version": "3.1111", "symbols": []}], "outside": []}),
    ],
)
def test_facts_of_another_shape_are_refused(tmp_path: Path, key: str, value: object) -> None:
    facts = _facts(tmp_path, {"a.abi3.so": _module("PyType_GetName")})
    assert facts is not None
    with pytest.raises(InvalidRecord, match=r"^\$\.cpython\." + key):
        cpython.decode(Facts({**facts, key: value}))


def test_no_other_distribution_takes_part() -> None:
    assert cpython.is_satisfied(Facts({"odd": 1}), provider(), provider()) == ()
