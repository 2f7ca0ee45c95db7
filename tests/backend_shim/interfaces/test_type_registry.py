"""Types that two wheels may share without naming each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend_shim.errors import InvalidRecord
from backend_shim.interfaces import type_registry
from backend_shim.interfaces.type_registry import read_object
from backend_shim.record.facts import Facts
from tests.support.binding_factory import (
    fingerprinted,
    kinds,
    literals,
    opened,
    provider,
    provider_of,
    required,
)

V4 = "__pybind11_internals_v4_gcc_libstdcpp_cxxabi1011__"
V11 = "__pybind11_internals_v11_system_libstdcpp_gxx_abi_1xxx_use_cxx11_abi_1__"


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (("hello",), None),
        ((V4,), [V4.removesuffix("__")]),
        ((V4, V11), [V11.removesuffix("__"), V4.removesuffix("__")]),
        (("__nb_internals_%s_%s__",), ["nanobind"]),
        (("swig_runtime_data4.type_pointer_capsule",), ["swig"]),
        (("__pybind11_internals_%s",), ["pybind11"]),
    ],
)
def test_a_registry_is_known_by_its_literal(texts: tuple[str, ...], found: object) -> None:
    assert read_object(opened(literals(*texts))) == found


def test_two_wheels_with_the_same_library_may_share_types_whatever_the_ids(tmp_path: Path) -> None:
    ours = required(fingerprinted(tmp_path, {"c.so": literals(V4)}), "type-registry")
    theirs = provider_of(tmp_path, {"p.so": literals(V11)})
    (found,) = type_registry.is_satisfied(ours, theirs, theirs)
    assert kinds([found]) == ["types-may-be-shared"]
    assert found.declarations == ()


def test_it_is_enough_that_the_old_or_the_new_provider_has_it(tmp_path: Path) -> None:
    ours = Facts({"registries": ["nanobind"]})
    theirs = provider_of(tmp_path, {"p.so": literals("__nb_internals_%s_%s__")})
    assert kinds(type_registry.is_satisfied(ours, theirs, provider())) == ["types-may-be-shared"]
    assert kinds(type_registry.is_satisfied(ours, provider(), theirs)) == ["types-may-be-shared"]


def test_other_libraries_share_nothing(tmp_path: Path) -> None:
    theirs = provider_of(tmp_path, {"p.so": literals("__nb_internals_%s_%s__")})
    for registry in ("swig", "pybind11", V4):
        ours = Facts({"registries": [registry]})
        assert type_registry.is_satisfied(ours, theirs, theirs) == ()
    assert type_registry.is_satisfied(Facts({"registries": [V4]}), provider(), provider()) == ()


def test_wrong_facts_are_refused() -> None:
    with pytest.raises(InvalidRecord):
        type_registry.is_satisfied(Facts({"registries": [1]}), provider(), provider())
