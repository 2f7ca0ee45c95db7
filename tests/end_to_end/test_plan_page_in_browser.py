"""The page of a plan in a real browser: by keyboard, with and without scripts, in print."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from resolver_check.plan_model import RebuildPlan
from resolver_check.report.plan_page import plan_page
from tests.resolver_check.report.test_plan_page import HOSTILE, hostile_plan
from tests.support import browser
from tests.support.synthetic_plan import synthetic_plan

pytestmark = pytest.mark.end_to_end

SIZE = 60
FOUND = "document.getElementById('found').textContent"
NAMES = "Array.from(document.querySelectorAll('tbody tr:not([hidden]) th')).map(e => e.textContent)"
FOCUS = "document.activeElement"
SETTLED = "new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))"


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[browser.Page]:
    program = browser.installed()
    if program is None:
        # Where CI runs, the tools are there: a page that nobody opened was not tested.
        if os.environ.get("CI"):
            pytest.fail("there is no Chromium", pytrace=False)
        pytest.skip("no Chromium")
    profile = tmp_path / "profile"
    profile.mkdir()
    with browser.open_browser(program, profile) as page:
        yield page


@pytest.fixture(scope="module")
def plan() -> RebuildPlan:
    return synthetic_plan(SIZE)


@pytest.fixture(scope="module")
def file(plan: RebuildPlan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _written(plan, tmp_path_factory.mktemp("page"))


def _written(plan: RebuildPlan, directory: Path) -> Path:
    path = directory / "plan.html"
    path.write_bytes(plan_page(plan).encode())
    return path


def _assert_quiet(tab: browser.Page, file: Path) -> None:
    """Nobody was asked for anything, and nothing went wrong."""
    assert tab.complaints == []
    assert {url.partition("#")[0] for url in tab.requests} == {file.as_uri()}


def test_search_by_keyboard(tab: browser.Page, file: Path, plan: RebuildPlan) -> None:
    tab.open(file)
    assert tab.js(FOUND) == f"{SIZE} of {SIZE} wheels"
    tab.press("/")
    tab.write("GEO core")
    wanted = [
        each.reference.name
        for each in plan.wheels
        if "geo" in each.reference.name and "core" in each.reference.name
    ]
    shown = tab.js(NAMES)
    assert set(wanted) <= set(shown) != set(tab.js(NAMES.replace(":not([hidden])", "")))
    assert tab.js(FOUND) == f"{len(shown)} of {SIZE} wheels"
    tab.press("Escape")
    assert tab.js(FOUND) == f"{SIZE} of {SIZE} wheels"
    tab.write("section table ends early")
    assert 0 < len(tab.js(NAMES)) < SIZE
    _assert_quiet(tab, file)


def test_filter_by_state(tab: browser.Page, file: Path) -> None:
    tab.open(file)
    tab.js("document.getElementById('state').focus()")
    tab.press("r")
    assert tab.js("document.getElementById('state').value") == "rebuild"
    assert tab.js(FOUND) == f"7 of {SIZE} wheels"
    _assert_quiet(tab, file)


def test_sort_by_keyboard(tab: browser.Page, file: Path, plan: RebuildPlan) -> None:
    tab.open(file)
    tab.js("document.querySelector('#state').focus()")
    tab.press("Tab")
    assert tab.js(f"{FOCUS}.textContent") == "Name"
    sort = "Array.from(document.querySelectorAll('thead th')).map(e => e.getAttribute('aria-sort'))"
    names = sorted(each.reference.name for each in plan.wheels)
    assert tab.js(sort) == ["none"] * 6
    tab.press("Enter")
    assert tab.js(NAMES) == names
    assert tab.js(sort) == ["ascending", *["none"] * 5]
    tab.press("Space")
    assert tab.js(NAMES) == names[::-1]
    tab.press("Tab", "Enter")
    by_version = sorted(plan.wheels, key=lambda each: each.reference.version)
    assert tab.js(NAMES) == [each.reference.name for each in by_version]
    assert tab.js(sort) == ["none", "ascending", *["none"] * 4]
    _assert_quiet(tab, file)


def test_a_wheel_opens_by_keyboard(tab: browser.Page, file: Path, plan: RebuildPlan) -> None:
    at, wheel = next((at, each) for at, each in enumerate(plan.wheels) if each.waits_for)
    tab.open(file)
    tab.press("/")
    tab.write(wheel.reference.name)
    tab.press("Enter")
    assert tab.js(f"{FOCUS}.tagName") == "SUMMARY"
    assert tab.js(f"getComputedStyle({FOCUS}).outlineStyle") == "solid"
    tab.js(SETTLED)
    assert tab.js(f"document.getElementById('w{at}').checkVisibility()")
    assert wheel.reference.filename in tab.js(f"document.getElementById('w{at}').innerText")
    labels = {
        f"{each.reference.name} {each.reference.version}"
        for each in plan.wheels
        if each is wheel
        or each.reference.filename in {*wheel.requires, *wheel.waits_for}
        or wheel.reference.filename in {*each.requires, *each.waits_for}
    }
    boxes = "Array.from(document.querySelectorAll('svg title')).map(e => e.textContent)"
    drawn = tab.js(boxes)
    assert {each.partition(":")[0] for each in drawn} == labels
    assert len(drawn) == len(labels) > 2
    assert tab.js("document.querySelectorAll('svg path.waits').length") >= len(wheel.waits_for)
    tab.press("Enter")
    assert not tab.js(f"document.getElementById('w{at}').checkVisibility()")
    tab.press("Space")
    assert tab.js(f"document.getElementById('w{at}').checkVisibility()")
    _assert_quiet(tab, file)


def test_a_box_of_a_wave_and_of_the_picture_leads_to_its_wheel(
    tab: browser.Page, file: Path
) -> None:
    tab.open(file)
    # Filtered away, it still has to be found.
    tab.press("/")
    tab.write("nothing is called so")
    assert tab.js(NAMES) == []
    tab.js("document.querySelector('.waves a').focus()")
    target = tab.js(f"{FOCUS}.getAttribute('href').slice(1)")
    tab.press("Enter")
    tab.js(SETTLED)
    assert tab.js(f"document.getElementById('{target}').checkVisibility()")
    assert tab.js(f"{FOCUS}.tagName") == "SUMMARY"
    assert tab.js(FOUND) == f"{SIZE} of {SIZE} wheels"
    # Followed once more, the link is that of the address already.
    tab.press("/")
    tab.write("nothing is called so")
    tab.js("document.querySelector('.waves a').focus()")
    tab.press("Enter")
    assert tab.js(FOUND) == f"{SIZE} of {SIZE} wheels"
    tab.js("document.querySelector('svg a.other').focus()")
    other = tab.js(f"{FOCUS}.getAttribute('href').slice(1)")
    tab.press("Enter")
    tab.js(SETTLED)
    assert other != target
    assert tab.js(f"document.getElementById('{other}').checkVisibility()")
    _assert_quiet(tab, file)


def test_reads_without_scripts(tab: browser.Page, file: Path, plan: RebuildPlan) -> None:
    tab.do("Emulation.setScriptExecutionDisabled", value=True)
    tab.open(file, fragment="#w5")
    assert tab.js(FOUND) == ""
    assert not tab.js("document.querySelector('.controls').checkVisibility()")
    assert tab.js(NAMES) == [each.reference.name for each in plan.wheels]
    # A link opens the wheel all the same.
    assert tab.js("document.getElementById('w5').checkVisibility()")
    assert not tab.js("document.getElementById('w6').checkVisibility()")
    _assert_quiet(tab, file)


def test_dark_and_printed(tab: browser.Page, file: Path) -> None:
    tab.open(file)
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    assert tab.js(paper) == "rgb(255, 255, 255)"
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    tab.do("Emulation.setEmulatedMedia", features=dark)
    assert tab.js(paper) != "rgb(255, 255, 255)"
    tab.do("Emulation.setEmulatedMedia", media="print", features=dark)
    assert tab.js(paper) == "rgb(255, 255, 255)"
    assert not tab.js("document.querySelector('.controls').checkVisibility()")
    assert tab.js("getComputedStyle(document.querySelector('.waves ul')).maxHeight") == "none"
    tab.do("Emulation.setEmulatedMedia", media="", features=[])
    printed = base64.b64decode(tab.do("Page.printToPDF")["data"])
    assert printed.startswith(b"%PDF-")
    _assert_quiet(tab, file)


def test_narrow_pages_do_not_scroll_sideways(tab: browser.Page, file: Path) -> None:
    tab.do("Emulation.setDeviceMetricsOverride",
           width=360, height=740, deviceScaleFactor=1, mobile=False)  # fmt: skip
    tab.open(file, fragment="#w20")
    tab.js(SETTLED)
    assert tab.js("document.documentElement.scrollWidth") == 360
    _assert_quiet(tab, file)


def test_what_wheels_say_runs_nothing(tab: browser.Page, tmp_path: Path) -> None:
    file = _written(hostile_plan(HOSTILE), tmp_path)
    tab.open(file, fragment="#w0")
    tab.press("/")
    tab.write("</script>")
    assert tab.js(NAMES) == [HOSTILE]
    _assert_quiet(tab, file)
    tab.js(
        "{ window.ran = []; document.body.insertAdjacentHTML('beforeend', "
        "'<img src=x onerror=\"ran.push(1)\">'); const script = document.createElement('script'); "
        "script.textContent = 'ran.push(2)'; document.body.append(script); }"
    )
    tab.js(SETTLED)
    assert tab.js("window.ran") == []
    assert len(tab.complaints) >= 2
    assert all("Content Security Policy" in each for each in tab.complaints)


def test_five_thousand_wheels(tab: browser.Page, tmp_path: Path) -> None:
    file = _written(synthetic_plan(5000), tmp_path)
    tab.open(file)
    assert tab.js(FOUND) == "5000 of 5000 wheels"
    tab.press("/")
    tab.write("core-geo3 ")
    shown = tab.js(NAMES)
    assert "core-geo3" in shown
    assert tab.js(FOUND) == f"{len(shown)} of 5000 wheels"
    tab.press("Enter")
    tab.js(SETTLED)
    assert tab.js("document.querySelectorAll('svg a').length") > 2
    _assert_quiet(tab, file)
