"""The schema of the types says what is written, no less and no more."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from backend_shim.embed import embed
from backend_shim.record.names import TYPES
from backend_shim.record.type_tables import TypeTables
from backend_shim.wheel.archive import WheelArchive
from tests.support.binding_factory import TAG, compiled
from tests.support.wheel_factory import make_wheel

SPEC = Path(__file__).parents[2] / "spec"
SCHEMA = json.loads((SPEC / "schemas" / "abi_types-0.1.schema.json").read_text("utf-8"))
EXAMPLE = SPEC / "examples" / "abi_types.json"
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_example_is_valid_and_canonical() -> None:
    VALIDATOR.validate(json.loads(EXAMPLE.read_bytes()))
    assert TypeTables.from_json(EXAMPLE.read_bytes()).to_json() == EXAMPLE.read_bytes()


@pytest.mark.parametrize("option", ["-Wl,--build-id", "-Wl,--build-id=none"])
def test_what_is_written_is_valid(tmp_path: Path, option: str) -> None:
    pytest.importorskip("elftools")
    data = compiled("int f(void *p) { return 0; } int g(int n) { return n; }", "-g", option)
    wheel = make_wheel(tmp_path, tag=TAG, files={"demo/libdemo.so": data})
    embed(wheel, build_inputs=None, looked_for=())
    with WheelArchive.open(wheel) as archive:
        document = json.loads(archive.read(f"{archive.dist_info}/{TYPES}"))
    VALIDATOR.validate(document)
    assert [row[0] for row in document["objects"][0]["symbols"]] == ["f", "g"]


def test_no_object_may_have_a_key_more_or_less() -> None:
    document = json.loads(EXAMPLE.read_bytes())
    for place in ((), ("objects", 0)):
        changed = copy.deepcopy(document)
        target: Any = changed
        for key in place:
            target = target[key]
        for key in list(target):
            value = target.pop(key)
            assert not VALIDATOR.is_valid(changed), key
            target[key] = value
        target["moon"] = 1
        assert not VALIDATOR.is_valid(changed)


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("digest", "md5=x"),
        ("size", -1),
        ("crc32", 2**32),
        ("build_id", "1234"),
        ("path", "/absolute"),
        ("method", ""),
        ("symbols", []),
        ("symbols", [["f", "short", True]]),
        ("symbols", [["f", "0" * 16]]),
    ],
)
def test_values_are_bounded(key: str, wrong: object) -> None:
    document = json.loads(EXAMPLE.read_bytes())
    document["objects"][0][key] = wrong
    assert not VALIDATOR.is_valid(document)
