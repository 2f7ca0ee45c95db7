"""`resolver-check publish`, and plans by what it published."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend_shim.embed import embed
from resolver_check.sources import pack_writing
from resolver_check.sources.record_packs import INDEX
from resolver_check.sources.repository_pages import JSON_PAGE
from tests.resolver_check.cli.conftest import NEW, Run, assert_refused
from tests.resolver_check.conftest import Factory
from tests.support.served_index import Reply, ServedIndex
from tests.support.static_site import StaticSite
from tests.support.wheel_factory import make_wheel

BUMP = ("--bump", "numpy==2.0.2", *NEW, "--format", "json", "--versions", "all")


@pytest.fixture
def wheels(make: Factory) -> Path:
    """NumPys and consumers, without records."""
    make.numpy_1()
    make.numpy_2()
    make.for_numpy_1("old")
    make.for_both("both", requires=("old",))
    make.extension("behind", strings=("old",), requires=["old"])
    make.extension("alone")
    make.pure("plain", requires=["numpy"])
    return make.directory


@pytest.fixture
def recorded(wheels: Path) -> Path:
    """The same, with records that say all that the plan asks for."""
    for wheel in wheels.iterdir():
        embed(wheel, build_inputs=None, looked_for=("numpy", "old"))
    return wheels


@pytest.fixture
def served(tmp_path: Path) -> Iterator[StaticSite]:
    with StaticSite(tmp_path / "site") as site:
        yield site


def planned(text: str) -> Any:
    """What a plan says beside the notes on how it was read."""
    table = json.loads(text)
    for judgement in judgements(table):
        judgement["reasons"] = [each for each in judgement["reasons"] if each["kind"] != "derived"]
    return table


def judgements(table: Any) -> list[Any]:
    """All judgements of a plan."""
    return [each for wheel in table["wheels"] for each in wheel["providers"].values()]


def test_plan_by_sidecars_opens_providers_only(
    recorded: Path, run: Run, served: StaticSite
) -> None:
    assert run("publish", recorded, "--to", served.root).status == 0
    whole = run("plan", "--source", recorded, *BUMP)
    made = run("plan", "--source", served.url, *BUMP)
    assert (made.status, planned(made.out)) == (whole.status, planned(whole.out))
    assert {name.split("-")[0] for name in served.asked(".whl")} == {"numpy", "old"}
    assert {name.split("-")[0] for name in served.asked(".abi.json")} >= {"both", "alone", "plain"}


def test_plan_by_packs_asks_for_no_wheel(wheels: Path, run: Run, served: StaticSite) -> None:
    """The wheels lie on a server that speaks HTML and knows no records, the packs elsewhere."""
    assert run("publish", wheels, "--to", served.root, "--only-packs").status == 0
    assert not (served.root / "simple").exists()
    whole = run("plan", "--source", wheels, *BUMP)
    with ServedIndex(wheels) as index:
        records = ("--records", f"{served.origin}/records/")
        made = run("plan", "--source", index.url, *records, *BUMP)
        # Neither of consumers, nor of who is rebuilt or bumped: nobody was compiled from its files.
        assert index.file_requests == []
        asked = len(index.requests), len(served.requests)
        assert run("plan", "--source", index.url, *records, *BUMP, "--offline") == made
        assert (len(index.requests), len(served.requests)) == asked
        without = run("plan", "--source", index.url, *BUMP)
    assert (made.status, planned(made.out)) == (whole.status, planned(whole.out))
    assert (without.status, planned(without.out)) == (whole.status, planned(whole.out))


def test_what_is_not_the_wheels_own_stays_derived(
    wheels: Path, run: Run, served: StaticSite
) -> None:
    run("publish", wheels, "--to", served.root, "--packs")
    with ServedIndex(wheels) as index:
        made = json.loads(
            run("plan", "--source", index.url, "--records", served.root / "records", *BUMP).out
        )
    for judgement in judgements(made):
        notes = [each["text"] for each in judgement["reasons"] if each["kind"] == "derived"]
        assert any("whoever published its record" in note for note in notes)


def test_wheels_that_are_in_no_pack_are_read(wheels: Path, run: Run, served: StaticSite) -> None:
    whole = run("plan", "--source", wheels, *BUMP)
    for consumer in ("both", "old"):
        (wheel,) = wheels.glob(f"{consumer}-*")
        run("publish", wheel, "--to", served.root, "--only-packs")
        with ServedIndex(wheels) as index:
            records = ("--records", served.root / "records")
            made = run("plan", "--source", index.url, *records, *BUMP)
        assert planned(made.out) == planned(whole.out)


def test_of_damaged_packs_the_wheel_is_read_and_that_is_said(
    wheels: Path, run: Run, served: StaticSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack_writing, "_WHEELS_PER_SHARD", 1)
    run("publish", wheels, "--to", served.root, "--only-packs")
    shards = json.loads((served.root / "records" / INDEX).read_text())["shards"]
    with ServedIndex(wheels) as index:
        options = ("--source", index.url, "--records", served.root / "records")
        expected = verdicts_of(run("plan", *options, *BUMP).out)
        assert expected
        for wheel in wheels.iterdir():
            name = shards[hashlib.sha256(wheel.read_bytes()).hexdigest()[:1]]["sha256"]
            shard = served.root / "records" / f"{name}.jsonl.gz"
            whole = shard.read_bytes()
            shard.write_bytes(whole[:-20])
            ran = run("plan", *options, *BUMP)
            shard.write_bytes(whole)
            assert verdicts_of(ran.out) == expected
            assert shard.name in ran.out


def verdicts_of(plan: str) -> dict[str, str]:
    return {each["wheel"]: each["verdict"] for each in json.loads(plan)["wheels"]}


@pytest.mark.parametrize("place", ["nowhere", "empty"])
def test_a_place_without_packs_is_refused(
    wheels: Path, run: Run, tmp_path: Path, place: str
) -> None:
    (tmp_path / "empty").mkdir()
    refused = run("plan", "--source", wheels, "--records", tmp_path / place, *BUMP)
    assert "has no record packs" in assert_refused(refused)


def test_a_url_without_packs_is_refused(wheels: Path, run: Run, served: StaticSite) -> None:
    refused = run("plan", "--source", wheels, "--records", f"{served.origin}/none", *BUMP)
    assert "has no record packs" in assert_refused(refused)


def test_says_what_it_published(recorded: Path, make: Factory, run: Run, tmp_path: Path) -> None:
    make.extension("bare")
    (recorded / "half-1.0-py3-none-any.whl").write_bytes(b"PK")
    ran = run("publish", recorded, "--to", tmp_path / "site")
    assert ran.status == 2
    assert "published 8 wheels, 8 of them new, 7 with their own record beside them" in ran.out
    assert "without record: bare-1.0" in ran.out
    assert "unreadable: half-1.0-py3-none-any.whl: " in ran.out
    table = json.loads(run("publish", recorded, "--to", tmp_path / "site", "--format", "json").out)
    assert (table["published"], table["new"], table["packed"]) == (8, 0, None)


def test_packs_of_an_index(wheels: Path, run: Run, tmp_path: Path) -> None:
    """A farm makes packs for somebody else's index."""
    with ServedIndex(wheels) as index:
        assert "--packs" in assert_refused(run("publish", index.url, "--to", tmp_path / "site"))
        ran = run("publish", index.url, "--packs", "--to", tmp_path / "site")
        index.manners = type(index.manners)(states_hashes=False)
        unstated = run("publish", index.url, "--packs", "--to", tmp_path / "other")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("packed 7 records, 0 of them as the wheels have them")
    assert not (tmp_path / "site" / "simple").exists()
    assert unstated.out.count("does not state its sha256") == 7
    assert unstated.status == 2


@pytest.mark.parametrize(("status", "ended"), [(404, 0), (403, 2)])
def test_a_project_without_a_page_costs_no_other(
    wheels: Path, run: Run, tmp_path: Path, status: int, ended: int
) -> None:
    """One that is gone is no wheel, and one that cannot be listed is told."""
    with ServedIndex(wheels) as index:
        index.say("/simple/alone/", Reply(status=status))
        ran = run("publish", index.url, "--packs", "--to", tmp_path / "site")
    assert ran.status == ended
    assert ran.out.startswith("packed 6 records, ")
    assert (f"unreadable: {index.url}alone/: " in ran.out) == (ended == 2)
    assert (tmp_path / "site" / "records" / INDEX).is_file()


@pytest.mark.parametrize("option", ["--packs", "--only-packs"])
def test_a_name_that_no_wheel_has_costs_no_other(
    wheels: Path, run: Run, tmp_path: Path, option: str
) -> None:
    (wheels / "six-1.17.0-py3-none.whl").write_bytes(b"PK")
    ran = run("publish", wheels, option, "--to", tmp_path / "site")
    assert (ran.status, ran.err) == (2, "")
    assert "packed 7 records, " in ran.out
    assert ran.out.count("unreadable: six-1.17.0-py3-none.whl: ") == 1


@pytest.mark.parametrize("is_recorded", [True, False], ids=["recorded", "derived"])
def test_scans_by_packs_as_by_wheels(
    wheels: Path,
    make: Factory,
    run: Run,
    served: StaticSite,
    tmp_path: Path,
    is_recorded: bool,
) -> None:
    make.extension("odd", strings=("numpy.core",), requires=["Some.Where"])
    for wheel in wheels.iterdir() if is_recorded else ():
        embed(wheel, build_inputs=None, looked_for=("numpy", "old"))
    run("publish", wheels, "--to", served.root, "--only-packs")
    with ServedIndex(wheels) as index:
        records = ("--records", f"{served.origin}/records")
        assert run("scan", index.url, "--catalog", tmp_path / "by-packs", *records).status == 0
        assert index.file_requests == []
        run("scan", index.url, "--catalog", tmp_path / "by-wheels")
    # Of what packs were searched for beyond a wheel's own requirements a scan knows nothing.
    to_project = [("--binds-to", "old")] if is_recorded else []
    for question in (("--without-records",), ("--imports", "PyImport_Import"), *to_project):
        by_packs, by_wheels = (
            run("catalog", tmp_path / name, *question) for name in ("by-packs", "by-wheels")
        )
        assert by_packs == by_wheels
        assert by_packs.status == 0


@pytest.mark.parametrize("wrong", [["nothing.whl"], ["https://x.invalid/simple"]])
def test_refuses_what_it_cannot_publish(run: Run, tmp_path: Path, wrong: list[str]) -> None:
    assert_refused(run("publish", *wrong, "--to", tmp_path / "site"))
    assert not (tmp_path / "site").exists()


def test_a_wheel_of_other_bytes_loses_nothing(wheels: Path, run: Run, tmp_path: Path) -> None:
    site = tmp_path / "site"
    run("publish", wheels, "--to", site, "--packs")
    before = {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}
    other = tmp_path / "other"
    other.mkdir()
    make_wheel(other, name="plain", files={"plain.py": b"x = 2\n"})
    make_wheel(other, name="unheard_of", files={"unheard_of.py": b""})
    assert "nothing was changed" in assert_refused(run("publish", other, "--to", site))
    assert {path: path.read_bytes() for path in site.rglob("*") if path.is_file()} == before


@pytest.mark.end_to_end
@pytest.mark.parametrize("program", ["pip", "uv"])
@pytest.mark.parametrize("speaks_json", [True, False], ids=["json", "html"])
def test_installers_install_from_it(
    tmp_path: Path, run: Run, program: str, speaks_json: bool
) -> None:
    wheels, site = tmp_path / "wheels", tmp_path / "site"
    wheels.mkdir()
    make_wheel(wheels, name="upper", requires=["lower>=1"], files={"upper.py": b"import lower\n"})
    for version in ("1.0", "2.0"):
        make_wheel(wheels, name="lower", version=version, files={"lower.py": b""})
    run("publish", wheels, "--to", site)
    target = ("--target", str(tmp_path / "installed"))
    pip = [sys.executable, "-m", "pip", "install", "--no-cache-dir"]
    command = pip if program == "pip" else [sys.executable, "-m", "uv", "pip", "install"]
    with StaticSite(site, speaks_json=speaks_json) as served:
        subprocess.run(
            [*command, "--index-url", served.url, *target, "upper"], check=True, timeout=120,
            capture_output=True,
        )  # fmt: skip
        # PEP 658: of the older one nothing is needed.
        assert served.asked(".metadata") >= {"upper-1.0-py3-none-any.whl.metadata"}
        assert "lower-1.0-py3-none-any.whl" not in served.asked(".whl")
    names = {path.name for path in (tmp_path / "installed").iterdir()}
    assert {"upper.py", "lower.py", "lower-2.0.dist-info"} <= names


def test_pages_say_what_is_there(recorded: Path, run: Run, tmp_path: Path) -> None:
    site = tmp_path / "site"
    run("publish", recorded, "--to", site)
    page = json.loads((site / "simple" / "both" / JSON_PAGE).read_text())
    (entry,) = page["files"]
    assert entry["_abi-build-inputs"] is False
    assert entry["_abi-names"] == ["both"]
    assert (site / "simple" / "both" / entry["url"]).resolve().is_file()
