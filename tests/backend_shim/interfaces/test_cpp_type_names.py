"""Names of C++ types, found wherever a compiler puts them and whatever stands before them."""

from __future__ import annotations

import dataclasses

import pytest

from backend_shim.binary import read_shared_objects
from backend_shim.binary.shared_object import Section, SharedObject
from backend_shim.interfaces.cpp_type_names import type_names
from tests.support.binding_factory import compiled, literals
from tests.support.elf_factory import Image, ImageSymbol


def read(data: bytes) -> SharedObject:
    (shared,) = read_shared_objects(data)
    return shared


def names(data: bytes) -> set[str]:
    found = type_names(data, read(data))
    assert found is not None
    return set(found)


SOURCE = """
#include <functional>
#include <memory>
#include <stdexcept>
#include <typeinfo>
#include <vector>
namespace other {
struct Plain { int x; };
enum class Kind { A };
template <class T> struct Box { T value; };
struct Base { virtual ~Base(); };
Base::~Base() {}
struct Error : std::runtime_error { using runtime_error::runtime_error; };
}
namespace { struct Hidden { virtual void f(); }; void Hidden::f() {} }
struct A {};
extern "C" const std::type_info *ask(int which) {
    switch (which) {
        case 0: return &typeid(other::Plain);
        case 1: return &typeid(other::Kind);
        case 2: return &typeid(other::Box<double>);
        case 3: return &typeid(std::vector<other::Plain>);
        case 4: return &typeid(A);
        case 5: return &typeid(std::vector<int>);
        case 6: return &typeid(void (*)(other::Box<int> &));
        default: throw other::Error("no");
    }
}
extern "C" void *make(int which) { if (which) return new Hidden; return new other::Base; }
extern "C" std::function<int(int)> closure(int y) { return [y](int x) { return x + y; }; }
extern "C" std::shared_ptr<other::Plain> shared() { return std::make_shared<other::Plain>(); }
"""
KNOWN = {
    "N5other5PlainE", "N5other4KindE", "N5other3BoxIdEE", "St6vectorIN5other5PlainESaIS1_EE", "1A",
    "N5other4BaseE", "N5other5ErrorE", "N12_GLOBAL__N_16HiddenE",
}  # fmt: skip


@pytest.mark.parametrize("options", [("-O0",), ("-O2", "-s"), ("-O3", "-fvisibility=hidden", "-s")])
def test_each_type_that_others_may_know_is_found(options: tuple[str, ...]) -> None:
    found = names(compiled(SOURCE, *options, suffix=".cpp"))
    assert found >= KNOWN
    assert not {each for each in found if each.startswith(("St", "NSt"))} - KNOWN
    assert not any("Ul" in each or "Sp_counted" in each for each in found)
    # A function's type counts by the classes in it, if they are types of their own.
    assert not any("BoxIiE" in each for each in found)


def test_a_stripped_object_tells_the_same() -> None:
    assert names(compiled(SOURCE, "-O2", suffix=".cpp")) == names(
        compiled(SOURCE, "-O2", "-s", suffix=".cpp")
    )


@pytest.mark.parametrize("before", ["", "A", "zz", "7", "0", "F", "P", "N", "I", "3.", "*", "?"])
@pytest.mark.parametrize("name", ["3Foo", "N5other4TypeE", "St6vectorI3FooSaIS0_EE", "3BoxI3FooE"])
def test_bytes_before_a_name_do_not_hide_it(before: str, name: str) -> None:
    assert name in names(literals(before + name))


@pytest.mark.parametrize(
    "text",
    ["hello", "float64", "3.11", "4Foo", "N5otherE5", "_pybind11_conduit_v1_", "St9exception",
     "N8pybind116objectE", "PFvRN5other4TypeEE", "ZN5other1fEvEUlvE_", "9", "3Foo bar",
     "N12_GLOBAL__N_121system_error_categoryE"],
)  # fmt: skip
def test_what_is_no_type_or_not_the_providers_does_not_count(text: str) -> None:
    assert names(literals(text)) == set()


def test_a_type_that_is_defined_elsewhere_is_told_by_its_symbol() -> None:
    symbols = [
        ImageSymbol("_ZTIN5other4TypeE", is_defined=False),
        ImageSymbol("_ZTS3Foo", size=4),
        ImageSymbol("_ZTISt9exception", is_defined=False),
        ImageSymbol("_ZTVN5other5OtherE", is_defined=False),
    ]
    assert names(bytes(Image(symbols=symbols))) == {"N5other4TypeE", "3Foo"}


def test_what_cannot_be_searched_is_open() -> None:
    data = literals("3Foo")
    shared = read(data)
    assert type_names(data, dataclasses.replace(shared, format="pe")) is None
    large = Section(".rodata", 0, 1 << 30, 0)
    assert type_names(data, dataclasses.replace(shared, constants=(large,))) is None


def test_a_section_is_read_from_end_to_end_and_nothing_beside_it() -> None:
    data = literals("x")
    sections = []
    for text in (b"zz3Foo", b"N5other4TypeE", b"3Bar\x003Baz", b"3QuxE"):
        data += b"N1a"
        sections.append(Section(".rodata", len(data), len(text), 0))
        data += text + b"B"
    shared = dataclasses.replace(read(data), constants=tuple(sections))
    assert set(type_names(data, shared) or ()) == {"3Foo", "N5other4TypeE", "3Bar", "3Baz"}


def test_long_words_take_no_time_to_speak_of() -> None:
    """Quadratic in the length of a word, this would run for hours."""
    for word in (b"1a" * 500_000, b"N1aE" * 250_000, b"Z1a" * 300_000, b"St" * 500_000,
                 b"FFFF" * 250_000, b"3Foo" * 250_000, b"9" * 1_000_000):  # fmt: skip
        data = literals("x") + word + b"\0"
        shared = read(data)
        section = Section(".rodata", 0, len(data), 0)
        found = type_names(data, dataclasses.replace(shared, constants=(section,)))
        assert found is not None
        assert len(list(found)) < 100
