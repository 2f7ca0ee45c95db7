"""`resolver-check plan --build-order FILE`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from resolver_check.report.build_tags import read_segments
from tests.resolver_check.cli.conftest import NEW, Run, assert_refused
from tests.resolver_check.conftest import Factory

ENTRIES = [
    {"req": name, "constraint": "", "dist": name, "version": version, "prebuilt": False}
    for name, version in (("NumPy", "2.0.2"), ("gift", "1.0"), ("taker", "1.0"), ("new", "3"))
]


@pytest.fixture
def build_order(tmp_path: Path) -> Path:
    path = tmp_path / "build-order.json"
    path.write_text(json.dumps(ENTRIES, indent=2))
    return path


def dists(path: Path) -> list[str]:
    return [each["dist"] for each in json.loads(path.read_bytes())]


def test_the_order_is_written_in_two_parts_with_the_tags(
    farm: Factory, build_order: Path, run: Run
) -> None:
    asked = ("--source", farm.directory, "--bump", "numpy==2.0.2", *NEW)
    usual = run("plan", *asked)
    assert run("plan", *asked, "--build-order", build_order) == usual
    assert dists(build_order.with_name("rebuild-order.json")) == ["gift", "taker", "new"]
    assert json.loads(build_order.with_name("keep-order.json").read_bytes()) == ENTRIES[:1]
    tags = read_segments(build_order.with_name("build-tags.json").read_bytes())
    assert set(tags) == {"gift==1.0", "taker==1.0", "new==3"}


def test_a_plan_from_a_catalog_prunes_alike(
    farm: Factory, build_order: Path, run: Run, tmp_path: Path
) -> None:
    farm.pure("plain")
    build_order.write_text(json.dumps([*ENTRIES, {"dist": "plain", "version": "1.0"}]))
    catalog = tmp_path / "catalog.sqlite"
    assert run("scan", farm.directory, "--catalog", catalog).status == 0
    asked = ("--catalog", catalog, "--bump", "numpy==2.0.2", *NEW)
    assert run("plan", *asked, "--build-order", build_order).status in (1, 3)
    assert dists(build_order.with_name("rebuild-order.json")) == ["gift", "taker", "new"]
    assert dists(build_order.with_name("keep-order.json")) == ["NumPy", "plain"]


def test_what_is_no_build_order_leaves_the_files_of_before(
    farm: Factory, build_order: Path, run: Run
) -> None:
    build_order.with_name("rebuild-order.json").write_text("[]")
    build_order.write_text('[{"dist": "gift"}]')
    asked = ("--source", farm.directory, "--bump", "numpy==2.0.2", *NEW)
    assert "$[0].version" in assert_refused(run("plan", *asked, "--build-order", build_order))
    assert build_order.with_name("rebuild-order.json").read_text() == "[]"


def test_a_part_of_an_order_is_not_pruned_over_itself(
    farm: Factory, build_order: Path, run: Run
) -> None:
    part = build_order.rename(build_order.with_name("rebuild-order.json"))
    asked = ("--source", farm.directory, "--bump", "numpy==2.0.2", *NEW)
    assert "not a whole order" in assert_refused(run("plan", *asked, "--build-order", part))
    assert json.loads(part.read_bytes()) == ENTRIES
