"""Statements are what in-toto's and SLSA's own definitions take, and PyPI would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict, ParseError
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage

from backend_shim.exports.in_toto import is_builder_id, is_wheel_name, provenance_statement
from tests.backend_shim.record.example_inputs import INPUTS

VECTORS = Path(__file__).parents[3] / "spec" / "vectors" / "exports.json"

_DEFINITION = json.loads(INPUTS.to_json())["build_definition"]
_WHEEL = "bottleneck-1.6.0-2-cp311-cp311-linux_x86_64.whl"
_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_BUILDER = "https://example.org/farm"


def statement(**changed: Any) -> dict[str, Any]:
    given = {"wheel": _WHEEL, "sha256": _SHA256, "builder_id": _BUILDER, **changed}
    found: dict[str, Any] = provenance_statement(_DEFINITION, **given)  # type: ignore[assignment]
    return found


def test_the_official_bindings_take_the_statement() -> None:
    found = Statement.copy_from_pb(ParseDict(statement(), StatementMessage()))
    found.validate()
    assert found.pb.predicate_type == "https://slsa.dev/provenance/v1"
    assert [(each.name, dict(each.digest)) for each in found.pb.subject] == [
        (_WHEEL, {"sha256": _SHA256})
    ]


def test_the_official_bindings_take_what_the_vectors_expect() -> None:
    tests = json.loads(VECTORS.read_text("utf-8"))["tests"]
    statements = [
        each["expected_output"] for each in tests if "_type" in each.get("expected_output", {})
    ]
    assert len(statements) >= 3
    for each in statements:
        Statement.copy_from_pb(ParseDict(each, StatementMessage())).validate()
        ParseDict(each["predicate"], Provenance())


def test_the_message_of_slsa_takes_the_predicate() -> None:
    predicate = statement()["predicate"]
    found = ParseDict(predicate, Provenance())
    assert found.run_details.builder.id == _BUILDER
    assert found.build_definition.build_type == _DEFINITION["buildType"]
    assert [each.uri for each in found.build_definition.resolved_dependencies] == [
        "pkg:pypi/my-tool@1.0%2Blocal",
        "pkg:pypi/numpy@2.3.4",
        "pkg:pypi/setuptools@80.9.0",
    ]
    for each in found.build_definition.resolved_dependencies:
        ResourceDescriptor.copy_from_pb(each).validate()
    with pytest.raises(ParseError, match="no field named"):
        ParseDict({**predicate, "builder": {}}, Provenance())


def test_the_build_definition_is_that_of_the_record() -> None:
    assert statement()["predicate"]["buildDefinition"] == _DEFINITION


def test_it_says_of_the_run_who_built_and_nothing_else() -> None:
    assert statement()["predicate"]["runDetails"] == {"builder": {"id": _BUILDER}}


@pytest.mark.parametrize(
    "changed",
    [
        {"wheel": "bottleneck-1.6.0.tar.gz"},
        {"wheel": "dist/" + _WHEEL},
        {"sha256": _SHA256.upper()},
        {"sha256": ""},
        {"builder_id": "farm"},
        {"builder_id": "https://example.org/my farm"},
    ],
)
def test_what_no_index_would_take_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"is not"):
        statement(**changed)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("https://example.org/farm", True),
        ("urn:example:farm", True),
        ("/farm", False),
        ("://farm", False),
        ("https:", False),
        ("https://a\n", False),
        ("https://example.org/f\u00e4rm", False),
        ("https://example.org/\udcff", False),
        ('https://example.org/"farm"', False),
    ],
)
def test_a_builder_is_an_absolute_uri(text: str, is_one: bool) -> None:
    assert is_builder_id(text) is is_one


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("demo-1.0-py3-none-any.whl", True),
        ("demo-1.0-2b-cp312-abi3-macosx_11_0_arm64.manylinux_2_17_x86_64.whl", True),
        ("demo-1.0-b2-cp312-abi3-linux_x86_64.whl", False),
        ("demo-1.0-none-any.whl", False),
        ("demo-1.0-py3-none-any.WHL", False),
        ("a b-1.0-py3-none-any.whl", False),
    ],
)
def test_the_file_name_of_a_wheel_has_five_parts_or_six(text: str, is_one: bool) -> None:
    assert is_wheel_name(text) is is_one
