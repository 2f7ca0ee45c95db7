"""nanobind's ABI tag and the types behind it."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend_shim.interfaces import nanobind
from backend_shim.interfaces.nanobind import read_object
from tests.support.binding_factory import (
    fingerprinted,
    kinds,
    literals,
    opened,
    provider_of,
    required,
)

KEY, MESSAGE = "__nb_internals_%s_%s__", "nanobind: leaked %zu instances"
V15 = "v15_gcc_libstdcpp_cxxabi1014"
V16 = "v16_dev1_system_libstdcpp_gxx_abi_1xxx_use_cxx11_abi_1"
TYPE, OTHER = "N4gift3BoxE", "N5other3BagE"


@pytest.mark.parametrize(
    ("texts", "ids"),
    [
        ((KEY, MESSAGE, V15), [V15]),
        ((KEY, MESSAGE, V16), [V16]),
        ((KEY, MESSAGE, "v15_clang_libcpp_abi1"), ["v15_clang_libcpp_abi1"]),
        ((KEY, MESSAGE), ["*"]),
        ((MESSAGE, V15), ["*"]),
        ((KEY, MESSAGE, "libstdcpp"), ["*"]),
    ],
)
def test_a_registry_is_known_by_its_tag(texts: tuple[str, ...], ids: list[str]) -> None:
    assert read_object(opened(literals(*texts, TYPE))) == {"ids": ids, "types": [TYPE]}


def test_other_objects_have_none() -> None:
    assert read_object(opened(literals("hello", V15, TYPE))) is None


def judged(directory: Path, ours: tuple[str, ...], theirs: tuple[str, ...]) -> list[str]:
    facts = required(fingerprinted(directory, {"c.so": literals(KEY, MESSAGE, *ours)}), "nanobind")
    other = provider_of(directory, {"p.so": literals(KEY, MESSAGE, *theirs)})
    return kinds(nanobind.is_satisfied(facts, other, other))


def test_two_wheels_share_what_both_know_where_they_meet(tmp_path: Path) -> None:
    assert judged(tmp_path, (V15, TYPE), (V15, TYPE)) == ["types-may-be-shared"]
    assert judged(tmp_path, (V15, TYPE), (V15, OTHER)) == ["no-type-in-common"]
    assert judged(tmp_path, (V15, TYPE), (V16, TYPE)) == []
    assert judged(tmp_path, (V15, TYPE), (TYPE,)) == ["types-may-be-shared"]
