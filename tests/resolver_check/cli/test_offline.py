"""`--offline`: the plan of the last time, and unknown where something was never read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from resolver_check.sources import open_source
from tests.resolver_check.cli.conftest import NEW
from tests.resolver_check.conftest import Factory
from tests.support.served_index import Manners, ServedIndex


@pytest.fixture
def index(farm: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WHEEL_ABI_CACHE", str(tmp_path / "cache"))
    with ServedIndex(farm.directory, Manners(form="json", validators="etag")) as served:
        yield served


def verdicts(out: str) -> dict[str, str]:
    return {each["name"]: each["verdict"] for each in json.loads(out)["wheels"]}


def test_the_plan_is_the_same_and_nothing_is_sent(index: ServedIndex, run) -> None:
    options = ("plan", "--source", index.url, "--bump", "numpy==2.0.2", *NEW, "--format", "json")
    online = run(*options)
    sent = len(index.requests)
    offline = run(*options, "--offline")
    assert (offline.status, offline.out) == (online.status, online.out)
    assert len(index.requests) == sent
    assert "invalid" in verdicts(online.out).values()
    again = run(*options)
    assert again.out == online.out
    assert {each.status for each in index.requests[sent:]} == {304}  # nor is a wheel read again


def test_a_wheel_that_was_never_read_is_unknown(index: ServedIndex, farm: Factory, run) -> None:
    options = ("plan", "--source", index.url, "--bump", "numpy==2.0.2", *NEW, "--format", "json")
    run(*options)
    farm.linked("late")
    source = open_source(index.url)
    assert canonicalize_name("late") in source.projects()
    source.wheels(canonicalize_name("late"))
    source.close()
    offline = run(*options, "--offline")
    late = next(each for each in json.loads(offline.out)["wheels"] if each["name"] == "late")
    assert late["verdict"] == "unknown"
    assert "offline, and not in the cache" in json.dumps(late)


def test_an_index_that_was_never_asked_gives_no_plan(index: ServedIndex, run) -> None:
    options = ("plan", "--source", index.url, "--bump", "numpy==2.0.2", *NEW, "--offline")
    ran = run(*options)
    assert (ran.status, ran.out) == (2, "")
    assert "offline, and not in the cache" in ran.err
    assert index.requests == []


def test_a_wheel_by_its_url_is_not_asked_for(index: ServedIndex, run) -> None:
    name = "gift-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"
    ran = run("show", f"{index.origin}/files/{name}", "--offline")
    assert (ran.status, index.requests) == (2, [])
