"""Build inputs as CycloneDX: its own validator takes them, and no digest is taken for another."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from backend_shim.errors import InvalidRecord
from backend_shim.exports.cyclonedx import bill_of_materials
from backend_shim.record.build_inputs import BuildInputs, BuildRequirement
from backend_shim.record.read_set import Capture
from tests.backend_shim.record.example_inputs import INPUTS

VECTORS = Path(__file__).parents[3] / "spec" / "vectors" / "exports.json"

_BARE = replace(
    INPUTS,
    build_tag=None,
    config_settings=(),
    patches=(),
    toolchain=None,
    environment=(),
    requirements=(),
    capture=Capture(why_incomplete=("no-inotify",)),
    system_packages=(),
    system_libraries=(),
    commands=(),
)


@functools.cache
def _validator(version: str) -> JsonStrictValidator:
    return JsonStrictValidator(SchemaVersion.from_version(version))


def validated(inputs: BuildInputs, version: str = "1.6") -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(bill_of_materials(inputs)))
    if version != document["specVersion"]:
        document["specVersion"] = version
        document["$schema"] = document["$schema"].replace("1.6", version)
    assert _validator(version).validate_str(json.dumps(document)) is None
    return document


def formula(inputs: BuildInputs) -> dict[str, Any]:
    [only] = validated(inputs)["formulation"]
    return only  # type: ignore[no-any-return]


@pytest.mark.parametrize("inputs", [INPUTS, _BARE], ids=["every-field", "no-field"])
@pytest.mark.parametrize("version", ["1.6", "1.7"])
def test_the_official_strict_validator_takes_it(inputs: BuildInputs, version: str) -> None:
    validated(inputs, version)


def test_the_official_strict_validator_takes_what_the_vectors_expect() -> None:
    tests = json.loads(VECTORS.read_text("utf-8"))["tests"]
    expected = [each.get("expected_output", {}) for each in tests]
    documents = [each for each in expected if each.get("bomFormat") == "CycloneDX"]
    assert len(documents) >= 8
    for each in documents:
        assert _validator("1.6").validate_str(json.dumps(each)) is None


def test_the_validator_would_refuse_a_key_that_it_does_not_know() -> None:
    document = {**validated(_BARE), "unknown": 1}
    wrong = _validator("1.6").validate_str(json.dumps(document))
    assert wrong is not None


def _leaves(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if not isinstance(value, (dict, list)):
        return [place]
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    return [leaf for key, part in parts for leaf in _leaves(part, (*place, key))]


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_whatever_is_read_as_build_inputs_can_be_written(data: st.DataObject) -> None:
    record = json.loads(INPUTS.to_json())
    *outer, last = data.draw(st.sampled_from(_leaves(record)))
    part = record
    for key in outer:
        part = part[key]
    part[last] = data.draw(st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=5))
    try:
        inputs = BuildInputs.from_json(json.dumps(record).encode())
    except InvalidRecord:
        return
    validated(inputs)


def test_nothing_in_it_is_of_this_moment() -> None:
    document = validated(INPUTS)
    assert "serialNumber" not in document
    assert "timestamp" not in document["metadata"]
    assert bill_of_materials(INPUTS) == bill_of_materials(INPUTS)


def test_it_is_about_the_distribution_by_its_purl() -> None:
    component = validated(INPUTS)["metadata"]["component"]
    assert component["purl"] == "pkg:pypi/bottleneck@1.6.0"
    assert (component["name"], component["version"]) == ("bottleneck", "1.6.0")


def test_every_component_goes_into_the_build_under_a_name_of_its_own() -> None:
    # A project can be built with an older self: the purls are the same then.
    itself = BuildRequirement(name="bottleneck", version="1.6.0", digests=())
    found = formula(replace(INPUTS, requirements=(itself, itself)))
    names = [each["bom-ref"] for each in found["components"]]
    assert len({*names, "wheel"}) == len(names) + 1
    [workflow] = found["workflows"]
    taken = [each["resource"]["ref"] for each in workflow["inputs"] if "resource" in each]
    assert taken == names
    assert workflow["outputs"] == [{"type": "artifact", "resource": {"ref": "wheel"}}]


def test_only_digests_of_archives_and_files_are_hashes() -> None:
    by_name = {each["name"]: each for each in formula(INPUTS)["components"]}
    assert [each["alg"] for each in by_name["setuptools"]["hashes"]] == ["SHA-256"]
    assert "hashes" in by_name["patches/0001-fix.patch"]
    for name in ("source", "numpy", "libc6-dev:amd64"):
        assert "hashes" not in by_name[name]
        assert any(
            "sha256" in p["name"] or "digest" in p["name"] for p in by_name[name]["properties"]
        )


def test_a_digest_that_is_none_becomes_no_hash() -> None:
    odd = BuildRequirement(name="odd", version="1", digests=(("sha256", "no digest"),))
    component = formula(replace(_BARE, requirements=(odd,)))["components"][-1]
    assert component["properties"] == [{"name": "wheel-abi:digest:sha256", "value": "no digest"}]


def test_a_setting_given_twice_alike_keeps_both_values() -> None:
    options = (("--option", ("-O2", "-O2")), ("--other", "-O2"))
    [workflow] = formula(replace(_BARE, config_settings=options))["workflows"]
    [parameters] = [each["parameters"] for each in workflow["inputs"] if "parameters" in each]
    assert parameters[1:] == [
        {"name": "config_settings.--option", "value": '["-O2","-O2"]', "dataType": "json"},
        {"name": "config_settings.--other", "value": "-O2", "dataType": "string"},
    ]


def test_it_says_whether_all_that_was_read_was_seen() -> None:
    def capture(inputs: BuildInputs) -> str:
        [workflow] = formula(inputs)["workflows"]
        told = {each["name"]: each["value"] for each in workflow["properties"]}
        return told["wheel-abi:capture"]  # type: ignore[no-any-return]

    assert capture(INPUTS) == "complete"
    assert capture(_BARE) == "incomplete,no-inotify"


def test_a_pre_release_of_the_interpreter_is_named_as_such() -> None:
    version = replace(INPUTS.interpreter.implementation_version, releaselevel="candidate", serial=2)
    interpreter = replace(INPUTS.interpreter, implementation_version=version)
    components = formula(replace(_BARE, interpreter=interpreter))["components"]
    [found] = [each for each in components if each["bom-ref"] == "interpreter"]
    assert found["version"] == "3.11.7rc2"
