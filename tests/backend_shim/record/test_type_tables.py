"""The member of types."""

from __future__ import annotations

import json

import pytest

from backend_shim.errors import InvalidRecord, UnknownSchema
from backend_shim.record.type_tables import TypedObject, TypedSymbol, TypeTables

TABLES = TypeTables(
    objects=(
        TypedObject(
            path="p/libp.so.1",
            digest="sha256=" + "a" * 43,
            size=7,
            crc32=9,
            build_id="00ff" * 10,
            method="dwarf-1",
            symbols=(TypedSymbol("f", "0123456789abcdef", True), TypedSymbol("g", "00" * 8, False)),
        ),
        TypedObject(
            path="p/q.so", digest=None, size=0, crc32=0, build_id=None, method="m", symbols=()
        ),
    )
)


def test_what_is_written_is_read_back() -> None:
    assert TypeTables.from_json(TABLES.to_json()) == TABLES
    assert TypeTables.from_json(TypeTables().to_json()) == TypeTables()


def test_every_prefix_is_refused() -> None:
    data = TABLES.to_json()
    for end in range(len(data) - 1):
        with pytest.raises(InvalidRecord):
            TypeTables.from_json(data[:end])


@pytest.mark.parametrize(
    "row",
    [["f", "00"], ["f", "00", 1], ["f", None, True], [1, "00", True], ["f", "00", True, 0], "f"],
)
def test_a_row_has_one_shape(row: object) -> None:
    document = json.loads(TABLES.to_json())
    document["objects"][0]["symbols"] = [row]
    with pytest.raises(InvalidRecord, match=r"objects\[0\].symbols\[0\]"):
        TypeTables.from_json(json.dumps(document).encode())


def test_another_schema_is_not_understood() -> None:
    document = {**json.loads(TABLES.to_json()), "schema_version": "0.2"}
    with pytest.raises(UnknownSchema):
        TypeTables.from_json(json.dumps(document).encode())
