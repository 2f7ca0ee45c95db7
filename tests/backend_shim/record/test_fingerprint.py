"""Fingerprints and symbol tables survive their JSON, and nothing else passes for them."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend_shim.errors import InvalidRecord, UnknownSchema
from backend_shim.record.facts import Facts
from backend_shim.record.fingerprint import (
    AbiFingerprint,
    Basis,
    ExportedSymbol,
    ExportingObject,
    Generator,
    InterfaceFacts,
    ObjectRecord,
    SymbolTables,
    UnreadObject,
)

OBJECT = ObjectRecord(
    path="p/é.so", digest="sha256=x", size=9, crc32=2**32 - 1, format="elf", machine="x86_64",
    kind="library", is_grafted=True, soname=None, needed=("libc.so.6",), run_path=("$ORIGIN",),
    version_needs=(("libc.so.6", ("GLIBC_2.17", "GLIBC_2.34")),), exported=0, imported=0,
)  # fmt: skip
FACTS = InterfaceFacts(
    interface="linking", basis=Basis.OBSERVED, facts=Facts({"a": [1, None, {"b": True}]})
)
FULL = AbiFingerprint(
    generator=Generator(name="x", version="1"),
    is_purelib=False,
    objects=(OBJECT,),
    unread=(UnreadObject(path="q.so", why="cut off"),),
    provides=(FACTS,),
    requires=(InterfaceFacts(interface="numpy-c-api", basis=Basis.DERIVED, facts=Facts({}),
                             provider="numpy"),),
    series=(replace(FACTS, basis=Basis.DECLARED),),
)  # fmt: skip
TABLES = SymbolTables(
    objects=(
        ExportingObject(
            path="p/libp.so",
            soname="libp.so.1",
            machine="x86_64",
            forwards=(("f", "OTHER.g"),),
            symbols=(
                ExportedSymbol(name="f", version=None, kind="function", size=0),
                ExportedSymbol(name="v", version="V1", kind="object", size=8, is_hidden=True,
                               version_index=2),
            ),
        ),
    )
)  # fmt: skip


@cache
def document() -> bytes:
    return FULL.to_json()


def test_they_survive_their_json_and_pickling() -> None:
    assert AbiFingerprint.from_json(FULL.to_json()) == FULL
    assert SymbolTables.from_json(TABLES.to_json()) == TABLES
    for each in (FULL, TABLES):
        again = pickle.loads(pickle.dumps(each))
        assert again == each
        assert hash(again) == hash(each)


def test_the_same_value_gives_the_same_bytes() -> None:
    assert AbiFingerprint.from_json(document()).to_json() == document()
    assert "é".encode() in document()
    assert document().endswith(b"}\n")


def test_an_interface_is_found_by_its_name() -> None:
    assert FULL.provided("linking") is FACTS
    assert FULL.provided("numpy-c-api") is None
    assert FULL.required("linking") is None


def test_keys_that_are_not_known_are_passed_over() -> None:
    table = json.loads(document())
    table["moon"] = table["objects"][0]["moon"] = {"phase": "new"}
    assert AbiFingerprint.from_json(json.dumps(table).encode()) == FULL


@pytest.mark.parametrize("name", sorted(json.loads(document())))
def test_no_name_of_the_top_level_may_be_missing(name: str) -> None:
    table = json.loads(document())
    del table[name]
    with pytest.raises(InvalidRecord, match="is missing") as caught:
        AbiFingerprint.from_json(json.dumps(table).encode())
    assert caught.value.path == f"$.{name}"


@pytest.mark.parametrize("version", ["0.2", "1.0", "0.10", ""])
def test_another_schema_version_is_not_understood(version: str) -> None:
    for data in (document(), TABLES.to_json()):
        table = {**json.loads(data), "schema_version": version}
        with pytest.raises(UnknownSchema):
            (AbiFingerprint if data == document() else SymbolTables).from_json(
                json.dumps(table).encode()
            )


@pytest.mark.parametrize(
    ("place", "wrong", "path"),
    [
        (("objects", 0, "size"), True, "$.objects[0].size"),
        (("objects", 0, "needed", 0), None, "$.objects[0].needed[0]"),
        (("objects", 0, "version_needs", 0, "file"), {}, "$.objects[0].version_needs[0].file"),
        (("objects", 0, "size"), 0, "$.objects[0].size"),
        (("objects", 0, "crc32"), 2**32, "$.objects[0].crc32"),
        (("objects", 0, "exported", "count"), -1, "$.objects[0].exported.count"),
        (("objects", 0, "kind"), "plug-in", "$.objects[0].kind"),
        (("objects", 0, "format"), "ELF", "$.objects[0].format"),
        (("provides", 0, "basis"), "guessed", "$.provides[0].basis"),
        (("series", 0, "basis"), "derived", "$.series[0].basis"),
        (("provides", 0, "facts"), [], "$.provides[0].facts"),
        (("is_purelib",), 0, "$.is_purelib"),
        (("is_purelib",), True, "$.is_purelib"),
        (("generator",), None, "$.generator"),
    ],
)  # fmt: skip
def test_a_fault_is_named_by_its_path(place: tuple[Any, ...], wrong: object, path: str) -> None:
    table = json.loads(document())
    target = table
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = wrong
    with pytest.raises(InvalidRecord) as caught:
        AbiFingerprint.from_json(json.dumps(table).encode())
    assert path in str(caught.value)


def test_an_interface_may_not_stand_there_twice() -> None:
    table = json.loads(document())
    table["provides"] *= 2
    with pytest.raises(InvalidRecord, match="twice"):
        AbiFingerprint.from_json(json.dumps(table).encode())


@pytest.mark.parametrize(
    "row",
    [[], ["f"], ["f", None, "function", 0, False], ["f", None, "function", True, False, 1],
     ["f", None, "function", 0, False, True], ["f", None, "function", 0, 0, 1],
     [None, None, "function", 0, False, 1], ["f", 1, "function", 0, False, 1], "f", None],
)  # fmt: skip
def test_a_symbol_is_six_values_of_their_types(row: object) -> None:
    table = json.loads(TABLES.to_json())
    table["objects"][0]["symbols"] = [row]
    with pytest.raises(InvalidRecord):
        SymbolTables.from_json(json.dumps(table).encode())


def test_no_prefix_of_a_document_is_one() -> None:
    for reader, data in ((AbiFingerprint, document()), (SymbolTables, TABLES.to_json())):
        for size in range(len(data) - 2):
            with pytest.raises(InvalidRecord):
                reader.from_json(data[:size])


@given(at=st.integers(0, 2000), byte=st.integers(0, 255), how=st.sampled_from(["set", "in", "cut"]))
@settings(max_examples=300, deadline=None)
def test_a_damaged_document_is_a_value_or_invalid(at: int, byte: int, how: str) -> None:
    for reader, data in ((AbiFingerprint, document()), (SymbolTables, TABLES.to_json())):
        place = at % len(data)
        middle = b"" if how == "cut" else bytes((byte,))
        damaged = data[:place] + middle + data[place + (how != "in") :]
        try:
            found = reader.from_json(damaged)
        except InvalidRecord:
            continue
        assert reader.from_json(found.to_json()) == found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_any_json_in_any_place_is_a_value_or_invalid(data: st.DataObject) -> None:
    for reader, text in ((AbiFingerprint, document()), (SymbolTables, TABLES.to_json())):
        table = json.loads(text)
        target = table
        while True:
            keys = sorted(target) if isinstance(target, dict) else range(len(target))
            key = data.draw(st.sampled_from(list(keys)))
            child = target[key]
            if not isinstance(child, (dict, list)) or not child or data.draw(st.booleans()):
                target[key] = data.draw(JSON)
                break
            target = child
        try:
            found = reader.from_json(json.dumps(table).encode())
        except InvalidRecord:
            continue
        assert reader.from_json(found.to_json()) == found


def test_the_examples_of_the_specification_are_read() -> None:
    folder = Path(__file__).parents[3] / "spec" / "examples"
    for path in folder.glob("abi_fingerprint*.json"):
        assert AbiFingerprint.from_json(path.read_bytes())
