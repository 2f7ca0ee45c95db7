"""`resolver-check plan --html FILE`."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from tests.resolver_check.cli.conftest import Run, assert_refused
from tests.resolver_check.conftest import Compile, Factory

_ROW = re.compile(r'<th scope="row">(\w+)</th>\n<td .*</td>\n<td class="state">(\w+)</td>')
BUMP = ("--bump", "numpy==2.0.2", "--python", "3.11", "--platform", "manylinux_2_28_x86_64")


@pytest.fixture
def wheelhouse(make: Factory) -> Path:
    make.numpy_1()
    make.numpy_2()
    make.for_numpy_1("low")
    make.for_both("both", requires=("low",))
    make.pure("plain", requires=["numpy"])
    return make.directory


@pytest.fixture
def site(tmp_path: Path) -> Path:
    directory = tmp_path / "site"
    directory.mkdir()
    return directory


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_page_is_written_beside_the_usual_answer(
    wheelhouse: Path, site: Path, run: Run, form: str
) -> None:
    usual = run("plan", "--source", wheelhouse, *BUMP, "--format", form)
    assert (
        run("plan", "--source", wheelhouse, *BUMP, "--format", form, "--html", site / "p.html")
        == usual
    )
    assert [path.name for path in site.iterdir()] == ["p.html"]
    page = (site / "p.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert page.endswith("</html>\n")
    for name in ("low", "both", "plain"):
        assert f'<th scope="row">{name}</th>' in page


def test_the_page_lists_what_a_wheel_requires(wheelhouse: Path, site: Path, run: Run) -> None:
    arguments = ("plan", "--source", wheelhouse, *BUMP, "--html", site / "p.html")
    table = json.loads(run(*arguments, "--format", "json").out)
    requires = {each["name"]: each["requires"] for each in table["wheels"]}
    (low,) = (path.name for path in wheelhouse.glob("low-*"))
    assert requires == {"both": [low], "low": [], "plain": []}
    page = (site / "p.html").read_text(encoding="utf-8")
    assert '{"requires":[1],"waits_for":[]}' in page
    both = page[page.index('<th scope="row">both</th>') :]
    assert "low 1.0</a>" in both[: both.index("</tr>")]


def test_the_page_shows_what_became_of_builds(
    wheelhouse: Path, site: Path, run: Run, compile_shared: Compile
) -> None:
    state, page = site / "state.json", site / "p.html"

    def states(*arguments: object) -> dict[str, str]:
        run("plan", "--state", state, *arguments, "--html", page)
        return dict(_ROW.findall(page.read_text(encoding="utf-8")))

    first = states("--source", wheelhouse, *BUMP)
    assert first == {"both": "keep", "low": "rebuild", "plain": "keep"}
    assert states("--failed", "low=logs/low.txt")["low"] == "failed"
    assert "<summary>logs/low.txt</summary>" in page.read_text(encoding="utf-8")
    made = Factory(site / "built", compile_shared)
    made.directory.mkdir()
    made.for_both("low")
    assert states("--built", made.directory)["low"] == "built"


def test_an_old_page_is_replaced(wheelhouse: Path, site: Path, run: Run) -> None:
    (site / "p.html").write_text("old")
    assert run("plan", "--source", wheelhouse, *BUMP, "--html", site / "p.html").status == 1
    assert "Rebuild plan" in (site / "p.html").read_text(encoding="utf-8")


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_the_page_is_for_whom_the_umask_lets_read(wheelhouse: Path, site: Path, run: Run) -> None:
    before = os.umask(0o027)
    try:
        run("plan", "--source", wheelhouse, *BUMP, "--html", site / "p.html")
    finally:
        os.umask(before)
    assert (site / "p.html").stat().st_mode & 0o777 == 0o640


def test_half_a_page_is_never_seen(
    wheelhouse: Path, site: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site / "p.html").write_text("old")

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "replace", full)
    refused = run("plan", "--source", wheelhouse, *BUMP, "--html", site / "p.html")
    assert "No space left" in assert_refused(refused)
    assert [(path.name, path.read_text()) for path in site.iterdir()] == [("p.html", "old")]


@pytest.mark.parametrize("place", ["nowhere/p.html", ".", os.devnull])
def test_a_place_for_no_file_is_refused_before_the_work(site: Path, run: Run, place: str) -> None:
    ran = run("plan", "--source", "/nowhere/at/all", *BUMP, "--html", site / place)
    assert "--html" in assert_refused(ran)


def test_help_tells_of_it(run: Run) -> None:
    assert "--html FILE" in run("plan", "--help").out
