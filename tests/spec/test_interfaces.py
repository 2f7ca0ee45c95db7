"""The text of the interfaces has all that the code of the interfaces answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend_shim.interfaces.reasons import Reason
from backend_shim.interfaces.table import INTERFACES
from tests.spec.answers import interfaces as _answers  # noqa: F401 - imports all reasons

SPEC = Path(__file__).parents[2] / "spec"
TEXT = (SPEC / "companion" / "interfaces.rst").read_text("utf-8")
FILES = sorted((SPEC / "vectors").glob("compare_*.json"))
# What types say of symbols stands in another text.
_ELSEWHERE = ("symbol_types",)


def _reasons(base: type[Reason] = Reason) -> Iterator[type[Reason]]:
    for each in base.__subclasses__():
        if hasattr(each, "kind"):
            yield each
        yield from _reasons(each)


def _kinds() -> set[str]:
    return {
        each.kind
        for each in _reasons()
        if each.__module__.startswith("backend_shim.interfaces.")
        and not each.__module__.endswith(_ELSEWHERE)
    }


def _told(path: Path) -> list[dict[str, Any]]:
    tests: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["tests"]
    return tests


def test_every_interface_has_its_section() -> None:
    titles = re.findall(r"^(.+)\n-{3,}$", TEXT, re.MULTILINE)
    named = {name for title in titles for name in title.split(", ")}
    assert {each.name for each in INTERFACES} <= named


def test_every_interface_has_its_vectors() -> None:
    assert {path.stem.removeprefix("compare_") for path in FILES} == {
        each.name for each in INTERFACES
    }


def test_every_reason_of_an_interface_is_in_the_text_and_in_a_vector() -> None:
    shown = {
        reason["kind"]
        for path in FILES
        for test in _told(path)
        for reason in test.get("expected_output", {"reasons": []})["reasons"]
    }
    assert {kind for kind in _kinds() if f"``{kind}``" not in TEXT} == set()
    assert _kinds() - shown == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.stem))
def test_an_interface_is_shown_to_fit_and_not_to(path: Path) -> None:
    verdicts = {test.get("expected_output", {}).get("verdict") for test in _told(path)}
    assert "valid" in verdicts
    assert "unknown" in verdicts or path.stem == "compare_platform"
