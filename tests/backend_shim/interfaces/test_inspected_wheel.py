"""Strings among the constants of a binary; for Windows or macOS any occurrence of a name counts."""

from __future__ import annotations

from typing import Any

import pytest

from backend_shim.binary import read_shared_objects
from backend_shim.interfaces.inspected_wheel import ConstantStrings
from tests.support import macho_factory
from tests.support.binding_factory import opened
from tests.support.macho_factory import FLAT, Import
from tests.support.pe_factory import Image

PYTHON = {"python311.dll": ("PyLong_FromLong",)}


def windows(constants: bytes = b"x\0", **changes: Any) -> ConstantStrings:
    return opened(bytes(Image(constants=constants, **{"imports": PYTHON, **changes}))).strings


def macos(constants: bytes = b"x\0", *imports: str, **changes: Any) -> ConstantStrings:
    bound = [Import(f"_{name}", FLAT) for name in imports or ("PyLong_FromLong",)]
    return opened(bytes(macho_factory.Image(constants=constants, imports=bound, **changes))).strings


@pytest.mark.parametrize("make", [windows, macos])
@pytest.mark.parametrize(
    ("constants", "expected"),
    [
        (b"\0numpy\0", {("numpy", True)}),
        (b"numpy.random.mtrand\0", {("numpy.random.mtrand", True)}),
        (b"my_numpy\0", {("numpy", False)}),
        (b"importnumpyandscipy", {("numpy", False)}),  # as Rust lays its literals down
        (b"No module named numpy, sorry\0", {("numpy", True)}),
        (b"numpy.%s\0", {("numpy.*", False)}),
        (b"num\0py\0", set()),
    ],
)
def test_any_occurrence_is_a_name(make: Any, constants: bytes, expected: set[Any]) -> None:
    assert make(constants).names("numpy") == expected


def test_a_section_that_is_called_like_the_compilers_remark_is_no_remark() -> None:
    image = bytes(Image(constants=b"GCC: (GNU) numpyish\0", imports=PYTHON))
    renamed = image.replace(b".rdata\0\0", b".comment")
    assert opened(renamed).strings.names("numpy") == {("numpy", True)}
    assert opened(renamed).strings.contain(b"GCC: (")


@pytest.mark.parametrize("make", [windows, macos])
def test_strings_of_cython_are_names_like_others(make: Any) -> None:
    row = b"\0".join([b"numpy", b"__main__", b"__name__", b"__test__", b"cython_runtime", b""])
    assert make(row).names("numpy") == {("numpy", True)}
    assert make(row).python_strings == ()


@pytest.mark.parametrize(
    ("imports", "asks"),
    [
        (PYTHON, True),
        ({"python3.dll": ("_Py_Dealloc",)}, True),
        ({"PYTHON311.dll": (7,)}, True),
        ({"KERNEL32.dll": ("GetProcAddress", "Sleep"), "WS2_32.dll": (7,)}, False),
        ({}, False),
    ],
)
def test_windows_tells_who_calls_the_interpreter(imports: dict[str, Any], asks: bool) -> None:
    assert windows(imports=imports).ask_the_interpreter is asks


def test_macos_tells_who_calls_the_interpreter() -> None:
    assert macos(b"x\0", "PyLong_FromLong").ask_the_interpreter
    assert macos(b"x\0", "_Py_NoneStruct").ask_the_interpreter
    assert not macos(b"x\0", "dlopen", "malloc").ask_the_interpreter


# An immediate of four bytes, as a compiler makes it of a short string.
TAKEN_APART = b"\x81\x38nump\x66\x81\x78\x04y\0"


@pytest.mark.parametrize("function", ["dlopen", "NSAddImage", "PyLong_FromLong"])
def test_who_can_load_a_library_on_macos_is_searched_for_names_in_pieces(function: str) -> None:
    assert macos(b"x\0", function, code=TAKEN_APART).names("numpy") == {("numpy", False)}
    assert macos(b"x\0", "malloc", code=TAKEN_APART).names("numpy") == set()


@pytest.mark.parametrize(
    "function",
    ["LoadLibraryA", "LoadLibraryW", "LoadLibraryExW", "GetModuleHandleA", "GetModuleHandleExW"],
)
def test_who_can_load_a_library_on_windows_is_searched_for_names_in_pieces(function: str) -> None:
    imports = {"KERNEL32.dll": (function,)}
    assert windows(imports=imports, code=TAKEN_APART).names("numpy") == {("numpy", False)}
    delayed = windows(imports={}, delayed=imports, code=TAKEN_APART)
    assert delayed.names("numpy") == {("numpy", False)}
    other = windows(imports={"KERNEL32.dll": ("Sleep",)}, code=TAKEN_APART)
    assert other.names("numpy") == set()


@pytest.mark.parametrize(
    ("function", "found"), [("LoadLibraryExW", True), ("LoadLibraryA", False), ("Sleep", False)]
)
def test_a_wide_name_is_found_where_windows_takes_it(function: str, found: bool) -> None:
    constants = "C:\\numpy\\core\0".encode("utf-16-le")
    strings = windows(constants, imports={"KERNEL32.dll": (function,)})
    assert bool(strings.names("numpy")) is found


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
@pytest.mark.parametrize(
    ("literal", "found"),
    [("arrow", True), ("ARROW", True), ("Arrow.DLL", True), ("arrows", False), ("arro", False)],
)
def test_windows_loads_a_dll_without_its_suffix_and_in_any_case(
    literal: str, found: bool, encoding: str
) -> None:
    constants = f"{literal}\0".encode(encoding)
    for function, loads in (("LoadLibraryW", True), ("Sleep", False)):
        strings = windows(constants, imports={"KERNEL32.dll": (function,)})
        assert bool(strings.names("arrow.dll")) is (found and loads)


def test_the_slices_of_a_universal_file_are_searched_apart() -> None:
    slices = [
        bytes(macho_factory.Image(cpu=cpu, constants=constants))
        for cpu, constants in (
            (macho_factory.X86_64, b"numpy.a\0"),
            (macho_factory.ARM64, b"numpy.b\0"),
        )
    ]
    data = macho_factory.universal(
        (macho_factory.X86_64, 3, slices[0]), (macho_factory.ARM64, 0, slices[1])
    )
    first, second = (ConstantStrings(data, each) for each in read_shared_objects(data))
    assert first.names("numpy") == {("numpy.a", True)}
    assert second.names("numpy") == {("numpy.b", True)}


def test_a_word_reaches_as_far_as_letters_digits_and_dots() -> None:
    strings = windows(b"x gift._C_API\0(_C_API)\0a_C_APIs.b2\0_C_API \0")
    assert list(strings.words(b"_C_API")) == ["gift._C_API", "a_C_APIs.b2"]
    assert list(strings.words(b"C_APIs")) == ["a_C_APIs.b2"]
    assert list(windows(b"a" * 1000 + b"_API\0").words(b"_API")) == ["a" * 256 + "_API"]
    assert list(windows(b"_API" + b"a" * 1000 + b"\0").words(b"_API")) == []


def test_what_is_imported_is_known_by_name() -> None:
    assert windows().imported_names == {"PyLong_FromLong"}
    assert macos(b"x\0", "malloc", "PyLong_FromLong").imported_names == {
        "malloc", "PyLong_FromLong",
    }  # fmt: skip
