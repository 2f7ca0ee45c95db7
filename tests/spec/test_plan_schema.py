"""The schema of a rebuild plan says what is printed: nothing may be missing or unknown."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from resolver_check.report.plan_report import plan_json
from tests.support.plan_schema import PLAN_SCHEMA
from tests.support.synthetic_plan import synthetic_plan


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(plan_json(synthetic_plan(60))))
    return found


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where objects stand, of lists in the first entry only; not what a reason holds."""
    if isinstance(value, dict):
        yield path
        for key, inner in value.items():
            if key != "data":
                yield from places(inner, (*path, key))
    elif isinstance(value, list) and value:
        yield from places(value[0], (*path, 0))


def at(document: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


def test_the_schema_is_one_and_takes_what_is_printed(document: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(PLAN_SCHEMA.schema)
    PLAN_SCHEMA.validate(document)


def test_no_object_may_lack_a_key_or_have_another(document: dict[str, Any]) -> None:
    found = list(places(document))
    assert {path[-1] for path in found if path} >= {"target", "summary", "providers"}
    for path in found:
        changed = copy.deepcopy(document)
        at(changed, path)["Other Key"] = 1
        assert not PLAN_SCHEMA.is_valid(changed), path
        for key in at(document, path):
            changed = copy.deepcopy(document)
            del at(changed, path)[key]
            assert PLAN_SCHEMA.is_valid(changed) == ("providers" in path[-1:]), (path, key)


@pytest.mark.parametrize(
    ("action", "key", "value"),
    [
        ("keep", "verdict", "unknown"),
        ("keep", "wave", 1),
        ("keep", "blocked_by", ["a-1-py3-none-any.whl"]),
        ("built", "verdict", "invalid"),
        ("built", "wave", 1),
        ("rebuild", "wave", None),
        ("rebuild", "waits_for", ["a-1-py3-none-any.whl"]),
        ("rebuild", "log", "a.txt"),
        ("conditional", "verdict", "invalid"),
        ("conditional", "waits_for", []),
        ("conditional", "wave", None),
        ("failed", "log", None),
        ("failed", "wave", None),
    ],
)
def test_what_a_state_does_not_allow_is_refused(
    document: dict[str, Any], action: str, key: str, value: object
) -> None:
    planned = {each["action"]: each for each in document["wheels"]}
    planned["built"] = {**planned["keep"], "action": "built"}
    planned["failed"] = {**planned["rebuild"], "action": "failed", "log": "a.txt"}
    assert PLAN_SCHEMA.is_valid({**document, "wheels": [planned[action]]})
    changed = {**planned[action], key: value}
    assert not PLAN_SCHEMA.is_valid({**document, "wheels": [changed]})


@pytest.mark.parametrize("effect", ["supports", "refuses", "open", "note"])
def test_evidence_is_of_what_supports_and_of_nothing_else(
    document: dict[str, Any], effect: str
) -> None:
    wheel = copy.deepcopy(document["wheels"][0])
    (reason, *_) = next(iter(wheel["providers"].values()))["reasons"]
    for evidence in ("pure", None):
        reason |= {"effect": effect, "evidence": evidence}
        valid = PLAN_SCHEMA.is_valid({**document, "wheels": [wheel]})
        assert valid is ((effect == "supports") is (evidence is not None))
