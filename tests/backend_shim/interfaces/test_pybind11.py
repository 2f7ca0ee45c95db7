"""pybind11's ids and the types behind them."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend_shim.interfaces import pybind11
from backend_shim.interfaces.pybind11 import read_object
from tests.support.binding_factory import (
    compiled,
    fingerprinted,
    kinds,
    literals,
    opened,
    provider_of,
    required,
)

V4 = "__pybind11_internals_v4_gcc_libstdcpp_cxxabi1014__"
V11 = "__pybind11_internals_v11_system_libstdcpp_gxx_abi_1xxx_use_cxx11_abi_1__"
CONDUIT = "_pybind11_conduit_v1_"
ID4, ID11 = V4.strip("_"), V11.strip("_")
TYPE, OTHER = "N4gift3BoxE", "N5other3BagE"


@pytest.mark.parametrize(
    ("texts", "ids"),
    [
        ((V4,), [f"_{ID4}"]),
        ((V11,), [f"_{ID11}"]),
        ((V4, V11), [f"_{ID11}", f"_{ID4}"]),
        ((V4, CONDUIT), ["_pybind11_conduit_v1", f"_{ID4}"]),
        ((CONDUIT,), ["*", "_pybind11_conduit_v1"]),
        (("__pybind11_internals_%s",), ["*"]),
        ((V4, V4.replace("internals", "module_local")), [f"_{ID4}"]),
    ],
)
def test_a_registry_is_known_by_its_literals(texts: tuple[str, ...], ids: list[str]) -> None:
    assert read_object(opened(literals(*texts))) == {"ids": ids, "types": []}


def test_other_objects_have_none() -> None:
    assert read_object(opened(literals("hello", TYPE))) is None
    plain = compiled(f'const char *f(void) {{ return "{V4}"; }}')
    assert read_object(opened(plain)) is None


MODULE = """
#include <typeinfo>
#include <string>
#include <vector>
namespace gift { struct Box { int x; }; enum class Kind { A }; }
extern "C" int PyImport_Import(void);
extern "C" const char *id() { return "%s"; }
extern "C" const std::type_info *types(int which) {
    switch (which) {
        case 0: PyImport_Import(); return &typeid(gift::Box);
        case 1: return &typeid(gift::Kind);
        case 2: return &typeid(std::vector<std::string>);
        default: return &typeid(std::vector<gift::Box>);
    }
}
"""


@pytest.mark.parametrize("options", [("-O0",), ("-O2", "-fvisibility=hidden", "-s")])
def test_the_types_of_a_compiled_module_are_listed(options: tuple[str, ...]) -> None:
    found = read_object(opened(compiled(MODULE % V4, *options, suffix=".cpp")))
    assert found == {
        "ids": [f"_{ID4}"],
        "types": ["N4gift3BoxE", "N4gift4KindE", "St6vectorIN4gift3BoxESaIS1_EE"],
    }


def judged(directory: Path, ours: tuple[str, ...], theirs: tuple[str, ...]) -> list[str]:
    facts = required(fingerprinted(directory, {"c.so": literals(*ours)}), "pybind11")
    other = provider_of(directory, {"p.so": literals(*theirs)})
    return kinds(pybind11.is_satisfied(facts, other, other))


def test_two_wheels_share_what_both_know_where_they_meet(tmp_path: Path) -> None:
    assert judged(tmp_path, (V4, TYPE), (V4, TYPE)) == ["types-may-be-shared"]
    assert judged(tmp_path, (V4, TYPE), (V4, OTHER)) == ["no-type-in-common"]
    assert judged(tmp_path, (V4, TYPE), (V11, TYPE)) == []
    assert judged(tmp_path, (V4, TYPE, CONDUIT), (V11, TYPE, CONDUIT)) == ["types-may-be-shared"]
    assert judged(tmp_path, (V4, TYPE, CONDUIT), (V11, OTHER, CONDUIT)) == ["no-type-in-common"]
    assert judged(tmp_path, (V4, TYPE), ("nanobind", TYPE)) == []


def test_the_objects_of_a_wheel_count_together(tmp_path: Path) -> None:
    files = {"a.so": literals(V4, TYPE), "b.so": literals(V11, OTHER), "c.so": literals("3Foo")}
    facts = required(fingerprinted(tmp_path, files), "pybind11")
    assert facts.thaw() == {"ids": [f"_{ID11}", f"_{ID4}"], "types": [TYPE, OTHER]}
