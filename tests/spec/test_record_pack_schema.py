"""The schema of record packs says what is written, and refuses what is not of it."""

from __future__ import annotations

import copy
import gzip
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource

from backend_shim.record.fingerprint import AbiFingerprint, Generator
from resolver_check.sources.pack_writing import write_packs
from resolver_check.sources.published_record import PublishedRecord
from tests.backend_shim.record.example_inputs import INPUTS

SCHEMAS = [
    json.loads(path.read_text("utf-8"))
    for path in (Path(__file__).parents[2] / "spec" / "schemas").glob("*-0.1.schema.json")
]
PACK = next(each for each in SCHEMAS if each["$id"].startswith("urn:wheel-abi:schema:record_pack:"))
REGISTRY: Registry[Any] = Registry().with_resources(
    (each["$id"], Resource.from_contents(each)) for each in SCHEMAS
)
INDEX = jsonschema.Draft202012Validator(PACK, registry=REGISTRY)
LINE = jsonschema.Draft202012Validator({"$ref": f"{PACK['$id']}#/$defs/line"}, registry=REGISTRY)

FINGERPRINT = AbiFingerprint(generator=Generator(), is_purelib=True)


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    shared = {
        "version": "1.0",
        "binding_names": frozenset({"demo", "libdemo.so"}),
        "modules": frozenset({"demo", "demo.inner"}),
    }
    records = {
        "0" * 64: PublishedRecord(
            name="own", requirements=("other>=1",), recorded=FINGERPRINT, build_inputs=INPUTS,
            **shared,  # type: ignore[arg-type]
        ),
        "1" * 64: PublishedRecord(
            name="derived", requirements=(), recorded=None, derived=FINGERPRINT,
            **shared,  # type: ignore[arg-type]
        ),
    }  # fmt: skip
    write_packs(tmp_path, records, None)
    return tmp_path


def lines(packs: Path) -> list[Any]:
    (shard,) = packs.glob("*.gz")
    return [json.loads(line) for line in gzip.decompress(shard.read_bytes()).splitlines()]


def test_what_is_written_is_of_the_schema(packs: Path) -> None:
    INDEX.validate(json.loads((packs / "index.json").read_text()))
    assert len(lines(packs)) == 2
    for line in lines(packs):
        LINE.validate(line)


def test_a_line_that_lacks_a_key_or_has_another_is_not(packs: Path) -> None:
    for line in lines(packs):
        for key in line[1]:
            lacking = copy.deepcopy(line)
            del lacking[1][key]
            assert not LINE.is_valid(lacking)
        assert not LINE.is_valid([line[0], {**line[1], "extra": 1}])
        assert not LINE.is_valid([line[0], {**line[1], "recorded": None, "derived": None}])
        assert not LINE.is_valid([line[0][1:], line[1]])
        assert not LINE.is_valid([*line, 1])
    own = lines(packs)[0]
    own[1]["recorded"]["is_purelib"] = "yes"
    assert not LINE.is_valid(own)


@pytest.mark.parametrize(
    "change",
    [{"schema_version": "1"}, {"prefix_length": 5}, {"shards": {"x": {}}}, {"extra": 1}],
    ids=str,
)
def test_an_index_of_another_form_is_not(packs: Path, change: dict[str, Any]) -> None:
    assert not INDEX.is_valid({**json.loads((packs / "index.json").read_text()), **change})
