"""The table of the stable ABI, held against the one it was taken from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from abi3info import DATAS, FUNCTIONS

from backend_shim.interfaces import stable_abi
from tests.support.stable_abi_of_abi3info import stable_abi as generated

TABLE = json.loads(Path(stable_abi.__file__).with_name("stable_abi.json").read_text("utf-8"))


def test_the_file_is_what_the_script_writes() -> None:
    """A newer abi3info may know more; what it knows of these symbols stays as it is."""
    now = generated()
    if TABLE["source"] == now["source"]:
        assert now == TABLE
    for kind in ("functions", "data"):
        for version, names in TABLE[kind].items():
            assert set(names) <= set(now[kind][version])


def test_each_symbol_is_one_of_abi3info_with_its_version() -> None:
    known = {
        symbol.name: (item.added.major, item.added.minor)
        for table in (FUNCTIONS, DATAS)
        for symbol, item in table.items()
    }
    found = {**stable_abi.symbols("elf"), **stable_abi.symbols("pe")}
    assert len(found) > 900
    assert {name: known[name] for name in found} == found


@pytest.mark.parametrize(
    ("name", "elf", "pe"),
    [
        ("PyList_New", (3, 2), (3, 2)),
        ("PyType_GetName", (3, 11), (3, 11)),
        ("PyErr_SetFromWindowsErr", None, (3, 7)),
        ("PyOS_AfterFork_Child", (3, 7), None),
        ("PyOS_CheckStack", None, (3, 7)),
        ("_Py_RefTotal", None, None),
        ("PyThread_get_thread_native_id", (3, 2), (3, 2)),
        ("PyExc_BaseExceptionGroup", (3, 11), (3, 11)),
        ("_PyRuntime", None, None),
    ],
)
def test_builds_without_a_feature_lack_its_symbols(
    name: str, elf: tuple[int, int] | None, pe: tuple[int, int] | None
) -> None:
    assert stable_abi.symbols("elf").get(name) == elf
    assert stable_abi.symbols("macho").get(name) == elf
    assert stable_abi.symbols("pe").get(name) == pe


def test_the_file_holds_facts_only() -> None:
    assert set(TABLE) == {"source", "functions", "data", "only_with"}
    names = [
        name for kind in ("functions", "data") for each in TABLE[kind].values() for name in each
    ]
    assert len(set(names)) == len(names)
    assert all(name.startswith(("Py", "_Py")) for name in names)
