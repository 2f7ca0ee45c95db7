"""What an imported module says of itself takes the place of what its binary said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from backend_shim.errors import InvalidRecord
from backend_shim.interfaces import cython_imported
from backend_shim.interfaces.cython_imported import ImportedModule
from backend_shim.record.facts import Facts

PXD = b"""\
cdef class Pool(tuple):
    cdef int a
cdef class Other(elsewhere.Base):
    pass
cdef int add(int a)
"""
CAPSULES = {
    "add": "int (int)",
    "call": "void (int (*)(int), void *)",
    "pointer": "int (*)(int)",
    "counter": "int",
    "__pyx_fuse_0f": "float (float)",
}


def answer(**more: object) -> bytes:
    types = {
        "Pool": {"basic": 48, "item": 8, "is_own": True},
        "Other": {"basic": 32, "item": 0, "is_own": False},
        "Enum": {"basic": 16, "item": 0, "is_own": True},
    }
    return json.dumps({"capsules": CAPSULES, "types": types, **more}).encode()


def decoded() -> ImportedModule:
    found = cython_imported.decode(answer())
    assert isinstance(found, ImportedModule)
    return found


def module(name: str) -> dict[str, Any]:
    return {
        "module": name, "functions": None, "uncertain": ["add"], "types": None, "sizes": {},
        "variables": None, "is_imported": False,
    }  # fmt: skip


FACTS = Facts({"modules": [module("prov"), module("other")]})


def replaced(declared: bytes = PXD) -> list[Any]:
    found = cython_imported.with_imported(FACTS, {"prov": (decoded(), declared)})
    modules = found.thaw()["modules"]
    assert isinstance(modules, list)
    return modules


def test_an_imported_module_is_exact_and_others_stay() -> None:
    assert cython_imported.module_names(FACTS) == ("prov", "other")
    assert replaced() == [
        {
            "module": "prov",
            "functions": {name: CAPSULES[name] for name in ("__pyx_fuse_0f", "add", "call")},
            "uncertain": [],
            "types": ["Other", "Pool"],
            "sizes": {
                "Other": {"basic": 32, "item": 0, "is_strict": False},
                "Pool": {"basic": 48, "item": 8, "is_strict": False},
            },
            "variables": ["counter", "pointer"],
            "is_imported": True,
        },
        module("other"),
    ]


def test_types_of_an_included_text_may_have_any_name() -> None:
    (found, _) = replaced(b'include "types.pxi"\n')
    assert found["types"] == ["Enum", "Pool"]
    assert found["sizes"] == {}


def test_why_a_module_was_not_imported_is_passed_on() -> None:
    assert cython_imported.decode(b'{"error": "ImportError: no"}') == "ImportError: no"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"error": 3}',
        answer(capsules={"f": 3}),
        answer(types={"T": 3}),
        answer(types={"T": {"basic": "1", "item": 0, "is_own": True}}),
        answer(types={"T": {"basic": 1, "item": None, "is_own": True}}),
        answer(types={"T": {"basic": 1, "item": 0}}),
        answer()[:-1],
    ],
)
def test_any_other_answer_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidRecord):
        cython_imported.decode(data)
