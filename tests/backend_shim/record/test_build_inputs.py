"""Build inputs survive their JSON, which is what the schema says."""

from __future__ import annotations

import dataclasses
import json
import pickle
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from backend_shim.errors import InvalidRecord, UnknownSchema
from backend_shim.record.build_inputs import BuildInputs, package_url
from tests.backend_shim.record.example_inputs import INPUTS

SPEC = Path(__file__).parents[3] / "spec"
SCHEMA = json.loads((SPEC / "schemas" / "build_inputs-0.1.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def document() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(INPUTS.to_json())
    return table


def test_they_survive_their_json_and_pickling() -> None:
    assert BuildInputs.from_json(INPUTS.to_json()) == INPUTS
    assert pickle.loads(pickle.dumps(INPUTS)) == INPUTS
    assert hash(INPUTS) == hash(BuildInputs.from_json(INPUTS.to_json()))


def test_a_pure_wheel_has_no_toolchain() -> None:
    pure = dataclasses.replace(INPUTS, toolchain=None, build_tag=None)
    assert BuildInputs.from_json(pure.to_json()) == pure
    VALIDATOR.validate(json.loads(pure.to_json()))


def test_the_schema_is_one_and_fits() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    VALIDATOR.validate(document())


def test_the_example_of_the_specification_is_what_is_written() -> None:
    example = json.loads((SPEC / "examples" / "build_inputs.json").read_text())
    assert example == document()
    VALIDATOR.validate(example)


def test_keys_that_are_not_known_are_passed_over() -> None:
    table = document()
    table["build_definition"]["internalParameters"]["moon"] = {"phase": "new"}
    assert BuildInputs.from_json(json.dumps(table).encode()) == INPUTS
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(table)


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        return found + [place for key in value for place in places(value[key], (*path, key))]
    if isinstance(value, list):
        return found + [p for i, each in enumerate(value) for p in places(each, (*path, i))]
    return found


@pytest.mark.parametrize("place", places(document()), ids=repr)
@pytest.mark.parametrize("wrong", [None, 1, True, "x", [], {}, [{}], {"x": 1}])
def test_a_wrong_value_anywhere_is_refused_or_harmless(
    place: tuple[str | int, ...], wrong: Any
) -> None:
    table = document()
    *outer, last = place
    parent: Any = table
    for key in outer:
        parent = parent[key]
    parent[last] = wrong
    try:
        read = BuildInputs.from_json(json.dumps(table).encode())
    except InvalidRecord as error:
        assert error.path.startswith("$")  # noqa: PT017 - either outcome is right
        return
    assert isinstance(read, BuildInputs)
    assert BuildInputs.from_json(read.to_json()) == read


@pytest.mark.parametrize("version", ["0.2", "1.0", "0.10", "0.1.0", ""])
def test_another_version_of_a_draft_is_not_understood(version: str) -> None:
    with pytest.raises(UnknownSchema):
        BuildInputs.from_json(json.dumps({**document(), "schema_version": version}).encode())


def test_a_fault_is_named_with_its_path() -> None:
    table = document()
    table["build_definition"]["resolvedDependencies"][1]["uri"] = "pkg:npm/x@1"
    with pytest.raises(InvalidRecord) as raised:
        BuildInputs.from_json(json.dumps(table).encode())
    assert raised.value.path == "$.build_definition.resolvedDependencies[1].uri"


def test_a_local_version_is_escaped_in_a_package_url() -> None:
    assert package_url("torch", "2.4.0+cu121") == "pkg:pypi/torch@2.4.0%2Bcu121"
