"""Whose classes a mangled name is made of, as the compiler mangles it."""

from __future__ import annotations

import random

import pytest

from backend_shim.interfaces.mangled_type import Owner, after_identifier, is_function, owner
from tests.support.binding_factory import compiled

OURS, NOBODY, OTHERS, UNKNOWN = Owner.LIBRARIES, Owner.NOBODY, Owner.OTHERS, Owner.UNKNOWN


@pytest.mark.parametrize(
    ("name", "whose"),
    [
        ("3Foo", OTHERS),
        ("N3foo3BarE", OTHERS),
        ("NK3foo3BarE", OTHERS),
        ("N12_GLOBAL__N_13FooE", OTHERS),
        ("St9exception", OURS),
        ("Ss", OURS),
        ("St6vectorIiSaIiEE", OURS),
        ("NSt6vectorIiSaIiEE8iteratorE", OURS),
        ("NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE", OURS),
        ("St6vectorI3FooSaIS0_EE", OTHERS),
        ("St6vectorIN3foo3BarESaIS1_EE", OTHERS),
        ("St4pairISt9exception3FooE", OTHERS),
        ("St4pairI3FooSt9exceptionE", OTHERS),
        ("NSt7__cxx114listIN3foo3BarESaIS2_EEE", OTHERS),
        ("N8pybind116objectE", OURS),
        ("N8nanobind6objectE", OURS),
        ("8pybind11", OTHERS),
        ("N3foo8pybind11E", OTHERS),
        ("N8pybind1110class_testIN3foo3BarEEE", OTHERS),
        ("St7codecvtIwc11__mbstate_tE", OURS),
        ("St16_Sp_counted_baseILN9__gnu_cxx12_Lock_policyE2EE", NOBODY),
        ("N9__gnu_cxx4FakeILNS_12_Lock_policyE2ELb1ELin5EEE", OURS),
        ("N3foo3BarILNS_4KindE2EEE", OTHERS),
        ("St15_Sp_counted_ptrIP3FooLN9__gnu_cxx12_Lock_policyE2EE", NOBODY),
        ("Z4mainE3Foo", OTHERS),
        ("ZN3foo3barEvE3Baz", OTHERS),
        ("ZNSt10filesystem4pathEvE3Baz", OURS),
        ("ZN3foo3barEvEUlvE_", NOBODY),
        ("ZN3foo3barEvEUlRKN3foo3BazEiE12_", NOBODY),
        ("FvvE", OURS),
        ("FvRN3foo3BarEE", OTHERS),
        ("", UNKNOWN),
        ("i", UNKNOWN),
        ("E", UNKNOWN),
        ("xyz3Foo", UNKNOWN),
        ("3Foo3Bar", OTHERS),
        ("St9exception3Bar", UNKNOWN),
        ("Ss3Foo", UNKNOWN),
        ("ISt9exceptionE", UNKNOWN),
        ("NSt9exception", UNKNOWN),
        ("St9exceptio", UNKNOWN),
        ("NSt9exceptionEE", UNKNOWN),
        ("St9exceptionDT", UNKNOWN),
    ],
)
def test_a_name_belongs_to_whose_classes_occur_in_it(name: str, whose: Owner) -> None:
    assert owner(name) is whose


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("FvvE", True),
        ("PFvRN3foo3BarEE", True),
        ("PKFiSt6vectorIiSaIiEEE", True),
        ("F3FooE", True),
        ("FN3foo3BarE", False),
        ("F3Foo", False),
        ("P3Foo", False),
        ("3Foo", False),
        ("", False),
    ],
)
def test_a_function_is_told_from_a_class_behind_an_f(name: str, is_one: bool) -> None:
    assert is_function(name) == is_one


def test_an_identifier_is_as_long_as_it_says() -> None:
    assert after_identifier("3Foo", 0) == 4
    assert after_identifier("x3Foo", 1) == 5
    assert after_identifier("4Foo", 0) == 0
    assert after_identifier("03Foo", 0) == 0
    assert after_identifier("11", 0) == 0
    assert after_identifier("", 0) == 0


SOURCE = """
#include <map>
#include <memory>
#include <string>
#include <typeinfo>
#include <vector>
namespace foo {
enum class Kind { A };
template <class... T> struct Box { virtual ~Box() {} };
template <Kind K, int N> struct Of {};
}
struct Plain {};
template <class T> const char *name() { return typeid(T).name(); }
extern "C" const char *const *all() {
    static const char *const names[] = {
        name<std::string>(), name<std::vector<std::string>>(),
        name<std::map<int, std::unique_ptr<double[]>>>(), name<std::shared_ptr<void>>(),
        "|",
        name<Plain>(), name<foo::Kind>(), name<foo::Box<>>(), name<foo::Box<int, std::string>>(),
        name<foo::Of<foo::Kind::A, -3>>(), name<std::vector<Plain>>(),
        name<std::map<std::string, std::vector<foo::Box<Plain *, const Plain &>>>>(),
        name<std::shared_ptr<foo::Box<void (*)(Plain)>>>(), name<foo::Box<int Plain::*>>(),
        name<foo::Box<Plain[3]>>(),
        0};
    return names;
}
"""


def test_names_of_a_compiler_are_understood() -> None:
    """The names are read from the library's own constants, each ended by NUL."""
    data = compiled(SOURCE, suffix=".cpp")
    names = {each.decode("ascii", "replace") for each in data.split(b"\0")}
    std = {name for name in names if name.startswith(("St", "NSt")) and owner(name) is OURS}
    assert len(std) >= 4
    for name in ("5Plain", "N3foo4KindE", "N3foo3BoxIJEEE", "N3foo2OfILNS_4KindE0ELin3EEE",
                 "St6vectorI5PlainSaIS0_EE", "N3foo3BoxIJPFv5PlainEEEE"):  # fmt: skip
        assert owner(name) is OTHERS, name
        assert name in names or name.startswith("N3foo3BoxIJPFv")
    assert not any("Plain" in name or "foo" in name for name in std)


def test_whatever_stands_there_the_walk_ends() -> None:
    chance = random.Random(5)
    names = ["ZN3foo3barEvEUlRKN3foo3BazEiE12_", "St4pairI3FooSt9exceptionE", "FvRN3foo3BarEE"]
    for name in names:
        for end in range(len(name)):
            assert isinstance(owner(name[:end]), Owner)
    for _ in range(3000):
        letters = [*chance.choice(names)]
        for _ in range(chance.randrange(1, 6)):
            letters[chance.randrange(len(letters))] = chance.choice("NSZEILFUlv_1239tsa0K")
        name = "".join(letters)
        assert isinstance(owner(name), Owner)
        assert is_function(name) in (True, False)
