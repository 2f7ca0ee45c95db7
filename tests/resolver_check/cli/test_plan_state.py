"""`plan --state`: the loop of a farm, one command at a time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend_shim.wheel import whole_files
from tests.resolver_check.cli.conftest import NEW
from tests.resolver_check.conftest import Factory, gift
from tests.support.served_index import Manners, ServedIndex
from tests.support.wheel_factory import make_wheel


def built(begun: Path, compile_shared: object, **library: str) -> Path:
    made = Factory(begun.parent / "built", compile_shared)  # type: ignore[arg-type]
    made.directory.mkdir(exist_ok=True)
    return gift(made, numpy=2, **library).parent


def test_the_first_time_says_what_is_planned_and_the_next_goes_on(
    begun: Path, run, compile_shared
) -> None:
    directory = built(begun, compile_shared)
    status, out, _ = run("plan", "--state", begun, "--built", directory, "--format", "json")
    assert status == 0
    assert json.loads(out)["summary"]["built"] == 1
    assert run("plan", "--state", begun)[0] == 0  # what was built is remembered


def test_a_built_wheel_that_is_another_by_now_was_not_built(
    begun: Path, run, compile_shared
) -> None:
    directory = built(begun, compile_shared)
    run("plan", "--state", begun, "--built", directory)
    (wheel,) = directory.iterdir()
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    assert run("plan", "--state", begun)[0] == 1
    wheel.unlink()
    assert run("plan", "--state", begun)[0] == 1


def test_a_failure_stands_until_the_wheel_is_built(begun: Path, run, compile_shared) -> None:
    status, out, _ = run("plan", "--state", begun, "--failed", "Gift=/logs/gift.txt")
    assert (status, "/logs/gift.txt" in out, "blocked by gift-1.0" in out) == (1, True, True)
    assert "failed 1" in run("plan", "--state", begun)[1]
    directory = built(begun, compile_shared)
    assert run("plan", "--state", begun, "--built", directory)[0] == 0


def test_whoever_is_killed_while_writing_loses_nothing(
    begun: Path, run, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = begun.read_bytes()

    def killed(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(whole_files.Path, "replace", killed)
    assert run("plan", "--state", begun, "--failed", "gift=log")[0] == 2
    assert begun.read_bytes() == before
    assert list(begun.parent.glob(".*")) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--bump", "numpy==2.2.0"), "keeps a plan with another --bump"),
        (("--python", "3.12"), "keeps a plan with another --python"),
        (("--evidence", "symbols"), "keeps a plan with another --evidence"),
        (("--failed", "gift"), "--failed wants NAME=LOG"),
        (("--failed", "stranger=log"), "no wheel 'stranger'"),
    ],
)
def test_what_does_not_fit_the_kept_plan_is_refused(
    begun: Path, run, arguments: tuple[str, ...], said: str
) -> None:
    before = begun.read_bytes()
    status, _, line = run("plan", "--state", begun, *arguments)
    assert status == 2
    assert said in line
    assert begun.read_bytes() == before


def test_the_kept_source_is_found_from_anywhere(
    begun: Path, farm: Factory, run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(farm.directory.parent)
    assert run("plan", "--state", begun, "--source", farm.directory.name)[0] == 1
    monkeypatch.chdir("/")
    assert run("plan", "--state", begun)[0] == 1


def test_credentials_are_not_kept(farm: Factory, run, tmp_path: Path) -> None:
    state = tmp_path / "of-index.json"
    with ServedIndex(farm.directory, Manners(login=("me", "secret"))) as index:
        url = index.url.replace("http://", "http://me:secret@")
        options = ("--bump", "numpy==2.0.2", *NEW, "--state", state)
        assert run("plan", "--source", url, *options)[0] == 1
        assert "secret" not in state.read_text()
        assert run("plan", "--state", state)[0] == 2  # nobody else knows them
        assert run("plan", "--state", state, "--source", url)[0] == 1


def test_several_sources_are_kept_in_their_order(farm: Factory, run, tmp_path: Path) -> None:
    state, new = tmp_path / "of-two.json", tmp_path / "new"
    new.mkdir()
    for path in farm.directory.glob("numpy-2*"):
        path.rename(new / path.name)
    sources = ("--source", farm.directory, "--source", new)
    options = ("--bump", "numpy==2.0.2", *NEW, "--state", state)
    assert run("plan", *sources, *options)[0] == 1
    assert json.loads(state.read_text())["sources"] == [str(farm.directory), str(new)]
    assert run("plan", "--state", state)[0] == 1
    assert run("plan", "--state", state, *sources)[0] == 1
    swapped = run("plan", "--state", state, *sources[2:], *sources[:2])
    assert (swapped.status, "another --source" in swapped.err) == (2, True)


def test_a_newer_version_elsewhere_does_not_hide_ones_own_wheel(
    farm: Factory, run, tmp_path: Path
) -> None:
    strange = tmp_path / "strange"
    strange.mkdir()
    make_wheel(strange, name="gift", version="99.0", files={"gift.py": b""})
    sources = ("--source", farm.directory, "--source", strange)
    options = ("--bump", "numpy==2.0.2", *NEW, "--versions", "newest", "--format", "json")
    ran = run("plan", *sources, *options)
    gifts = {
        each["version"]: each["verdict"]
        for each in json.loads(ran.out)["wheels"]
        if each["name"] == "gift"
    }
    assert gifts == {"1.0": "invalid", "99.0": "valid"}
    assert ran.status == 1


def test_a_state_of_when_there_was_one_source_goes_on(begun: Path, run) -> None:
    table = json.loads(begun.read_text())
    (table["source"],) = table.pop("sources")
    begun.write_text(json.dumps(table))
    assert run("plan", "--state", begun)[0] == 1
    table["sources"] = []
    begun.write_text(json.dumps(table))
    assert run("plan", "--state", begun)[0] == 2


@pytest.mark.parametrize("text", ["", "{}", '{"schema_version": "9"}', "[]", "{"])
def test_a_file_that_keeps_no_plan_is_refused(begun: Path, run, text: str) -> None:
    begun.write_text(text)
    status, _, line = run("plan", "--state", begun)
    assert status == 2
    assert str(begun) in line
    assert begun.read_text() == text


def test_results_without_a_plan_are_refused(run, tmp_path: Path) -> None:
    assert run("plan", "--state", tmp_path / "none.json", "--failed", "a=b")[0] == 2
