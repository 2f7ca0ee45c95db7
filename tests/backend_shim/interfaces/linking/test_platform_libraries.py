"""What is there without any wheel."""

from __future__ import annotations

import pytest

from backend_shim.interfaces.linking.platform_libraries import (
    is_interpreter_symbol,
    is_platform_library,
    is_runtime_symbol,
    is_toolchain_symbol,
    library_key,
    may_be_platform_library,
)


@pytest.mark.parametrize(
    ("name", "binary_format"),
    [
        ("libc.so.6", "elf"),
        ("libstdc++.so.6", "elf"),
        ("ld-linux-x86-64.so.2", "elf"),
        ("libc.musl-x86_64.so.1", "elf"),
        ("libpython3.11.so.1.0", "elf"),
        ("KERNEL32.dll", "pe"),
        ("api-ms-win-crt-runtime-l1-1-0.dll", "pe"),
        ("VCRUNTIME140_1.dll", "pe"),
        ("MSVCP140.dll", "pe"),
        ("python311.dll", "pe"),
        ("python3.dll", "pe"),
        ("python313t.dll", "pe"),
        ("WS2_32.DLL", "pe"),
        ("/usr/lib/libSystem.B.dylib", "macho"),
        ("/System/Library/Frameworks/Accelerate.framework/Versions/A/Accelerate", "macho"),
        ("@rpath/libpython3.11.dylib", "macho"),
        ("/Library/Frameworks/Python.framework/Versions/3.11/Python", "macho"),
        ("/Library/Frameworks/PythonT.framework/Versions/3.13/PythonT", "macho"),
    ],
)
def test_the_platform_has_it(name: str, binary_format: str) -> None:
    assert is_platform_library(name, binary_format)
    assert may_be_platform_library(name, binary_format)


@pytest.mark.parametrize(
    ("name", "binary_format"),
    [
        ("libtorch.so", "elf"),
        ("libmkl_rt.so.2", "elf"),
        ("libcoal.so", "elf"),
        ("pythoncom311.dll", "pe"),
        ("pywintypes311.dll", "pe"),
        ("Qt6Core.dll", "pe"),
        ("kernel32.dll.x", "pe"),
        ("@rpath/libtorch.dylib", "macho"),
        ("/opt/homebrew/lib/libomp.dylib", "macho"),
        ("@rpath/QtCore.framework/Versions/A/QtCore", "macho"),
    ],
)
def test_a_wheel_has_to_bring_it(name: str, binary_format: str) -> None:
    assert not is_platform_library(name, binary_format)
    assert not may_be_platform_library(name, binary_format)


@pytest.mark.parametrize("name", ["libz.so.1", "libgomp.so.1", "libGL.so.1", "libX11.so.6"])
def test_some_platforms_have_it(name: str) -> None:
    assert not is_platform_library(name, "elf")
    assert may_be_platform_library(name, "elf")


def test_names_are_compared_as_the_loader_does() -> None:
    assert library_key("QT6Core.DLL", "pe") == library_key("qt6core.dll", "pe")
    assert library_key("@rpath/libtorch.dylib", "macho") == "libtorch.dylib"
    assert library_key("libA.so", "elf") != library_key("liba.so", "elf")


@pytest.mark.parametrize(
    "name",
    [
        "_ZNSt6vectorIiSaIiEE9push_backEOi",
        "_ZNKSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE4sizeEv",
        "_ZNKRSt7__cxx1115basic_stringbufIcSt11char_traitsIcESaIcEE3strEv",
        "_ZNSs4_Rep20_S_empty_rep_storageE",
        "_ZSt21ios_base_library_initv",
        "_ZTVSt9exception",
        "_ZTINSt7__cxx1112basic_stringE",
        "_ZGVNSt5ctypeIcE2idE",
        "_ZN9__gnu_cxx18stdio_filebufIcE",
        "_ZTVN10__cxxabiv120__si_class_type_infoE",
        "_Znwm",
        "_ZdlPvm",
        "_ZStlsRSo",
        "_ZNSolsEi",
        "__cxa_throw",
        "_Unwind_Resume",
        "GOMP_parallel",
        "omp_get_max_threads",
    ],
)
def test_any_library_may_have_a_copy_of_the_run_time(name: str) -> None:
    assert is_runtime_symbol(name)


@pytest.mark.parametrize(
    "name",
    [
        "_ZN3c104cuda9SetDeviceEab",
        "_ZN5SunosC1Ev",
        "_ZTV6Stable",
        "_Z3foov",
        "_Znot",
        "std_thing",
        "omp_x",
        "deflate",
    ],
)
def test_other_symbols_are_their_librarys_own(name: str) -> None:
    assert not is_runtime_symbol(name)


def test_the_interpreter_and_the_toolchain_have_names_of_their_own() -> None:
    assert is_interpreter_symbol("PyList_New")
    assert is_interpreter_symbol("_PyObject_GC_New")
    assert not is_interpreter_symbol("Pyramid")
    assert is_toolchain_symbol("_ITM_deregisterTMCloneTable")
    assert is_toolchain_symbol("__gmon_start__")
    assert not is_toolchain_symbol("item")
