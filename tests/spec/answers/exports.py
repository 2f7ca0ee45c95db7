"""Answers about exports: CycloneDX, in-toto, and properties of wheel variants."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from backend_shim.errors import InvalidRecord
from backend_shim.exports.abi_dependency import Why, project, property_of
from backend_shim.exports.cyclonedx import bill_of_materials
from backend_shim.exports.in_toto import is_builder_id, is_wheel_name, provenance_statement
from backend_shim.fingerprinting import recorded_build_inputs
from backend_shim.record.build_inputs import BuildInputs
from backend_shim.record.fingerprint import AbiFingerprint
from tests.spec.answers.loop import Failure
from tests.spec.answers.records import opened


@contextmanager
def _faults(document: str) -> Iterator[None]:
    """InvalidRecord as a failure at the place in the input's `document`."""
    try:
        yield
    except InvalidRecord as error:
        raise Failure(f"{document}{error.path.removeprefix('$')}", error.wrong) from error


def project_wheel(given: Any) -> Any:
    """The properties of a wheel with these records, or of one provider's specifiers."""
    if "specifiers" in given:
        found = property_of(given["provider"], given["specifiers"])
        return {"why": found.value} if isinstance(found, Why) else {"property": found}
    with _faults("fingerprint"):
        fingerprint = AbiFingerprint.from_json(json.dumps(given["fingerprint"]).encode())
    inputs = None if given["build_inputs"] is None else _build_inputs(given["build_inputs"])
    try:
        return project(fingerprint, inputs).as_json()
    except InvalidRecord as error:  # an interface knows its own facts, and not where they stand
        raise Failure("fingerprint.requires", str(error)) from error


def export(given: Any) -> Any:
    """The build inputs, or those in a wheel, in the form that is asked for."""
    if "members" in given:
        with _faults("members"), opened(given["members"]) as wheel:
            inputs = recorded_build_inputs(wheel)
        if inputs is None:
            raise Failure("members", "there are no build inputs")
        return bill_of_materials(inputs)
    inputs = _build_inputs(given["build_inputs"])
    if given["format"] == "cyclonedx":
        return bill_of_materials(inputs)
    if not is_wheel_name(given["wheel"]["name"]):
        raise Failure("wheel.name", "is not the file name of a wheel")
    if not is_builder_id(given.get("builder_id", "")):
        raise Failure("builder_id", "is not an absolute URI")
    return provenance_statement(
        given["build_inputs"]["build_definition"],
        wheel=given["wheel"]["name"],
        sha256=given["wheel"]["sha256"],
        builder_id=given["builder_id"],
    )


def _build_inputs(document: Any) -> BuildInputs:
    with _faults("build_inputs"):
        return BuildInputs.from_json(json.dumps(document).encode())
