"""SWIG's type table and the types in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend_shim.interfaces import swig
from backend_shim.interfaces.swig import read_object
from tests.support.binding_factory import (
    compiled,
    fingerprinted,
    kinds,
    literals,
    opened,
    provider_of,
    required,
)

V4 = "swig_runtime_data4.type_pointer_capsule"
V5 = "swig_runtime_data5.type_pointer_capsule"


@pytest.mark.parametrize(
    ("texts", "ids"),
    [
        (("swig_runtime_data4", V4), ["swig_runtime_data4"]),
        ((V4 + "_gift",), ["swig_runtime_data4_gift"]),
        ((V4, V5), ["swig_runtime_data4", "swig_runtime_data5"]),
        (("swig_runtime_data4",), ["*"]),
    ],
)
def test_a_type_table_is_known_by_its_capsule(texts: tuple[str, ...], ids: list[str]) -> None:
    assert read_object(opened(literals(*texts))) == {"ids": ids, "types": []}


def test_other_objects_have_none() -> None:
    assert read_object(opened(literals("hello", "_p_Box"))) is None
    assert read_object(opened(compiled(f'const char *f(void) {{ return "{V4}"; }}'))) is None


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("_p_Box", ["_p_Box"]),
        ("_p_gift__Box", ["_p_gift__Box"]),
        ("_p_p_Box", ["_p_Box", "_p_p_Box"]),
        ("_p_std__vectorT_gift__Box_t", ["_p_std__vectorT_gift__Box_t"]),
        ("_p_std__vectorT_std__vectorT_int_t_t", ["_p_std__vectorT_std__vectorT_int_t_t"]),
        ("_p_f_int__Box", ["_p_f_int__Box"]),
        ("_m_Box__f_int__int", ["_m_Box__f_int__int"]),
        ("_p_char", []),
        ("_p_p_char", []),
        ("_p_unsigned_long_long", []),
        ("_p_uint8_t", []),
        ("_p_void", []),
        ("_p_p_PyObject", []),
        ("_p_size_type", []),
        ("_p_std__string", []),
        ("_p_std__vectorT_double_t", []),
        ("_p_std__vectorT_double_std__allocatorT_double_t_t", []),
        ("_p_std__allocatorT_std__string_t", []),
        ("_p_std__runtime_error", []),
        ("_p_swig__SwigPyIterator", []),
    ],
)
def test_types_of_the_language_and_its_library_do_not_count(text: str, types: list[str]) -> None:
    assert read_object(opened(literals(V4, text))) == {
        "ids": ["swig_runtime_data4"], "types": types,
    }  # fmt: skip


def judged(directory: Path, ours: tuple[str, ...], theirs: tuple[str, ...]) -> list[str]:
    facts = required(fingerprinted(directory, {"c.so": literals(*ours)}), "swig")
    other = provider_of(directory, {"p.so": literals(*theirs)})
    return kinds(swig.is_satisfied(facts, other, other))


def test_two_wheels_share_what_both_know_where_they_meet(tmp_path: Path) -> None:
    assert judged(tmp_path, (V4, "_p_Box"), (V4, "_p_Box")) == ["types-may-be-shared"]
    assert judged(tmp_path, (V4, "_p_Box", "_p_int"), (V4, "_p_Bag", "_p_int")) == [
        "no-type-in-common"
    ]
    assert judged(tmp_path, (V4, "_p_Box"), (V5, "_p_Box")) == []
    assert judged(tmp_path, (V4, "_p_Box"), (V4 + "_gift", "_p_Box")) == []
