"""The page of a plan, read as a browser without scripts would."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

import pytest
from packaging.utils import NormalizedName

from resolver_check.model import (
    Derived,
    Judgement,
    NoNewWheel,
    PureConsumer,
    Verdict,
    WheelUnreadable,
)
from resolver_check.plan_model import Action, PlannedWheel, RebuildPlan
from resolver_check.report.explain import explain
from resolver_check.report.plan_page import plan_page
from tests.architecture.modules_of_tree import ROOT
from tests.support.synthetic_plan import NUMPY, judgement, plan_of, reference, synthetic_plan

HOSTILE = "</script><img src=x onerror=alert(1)>\"'<!--<script>"
_EMPTY = frozenset({"meta", "input", "link", "img", "br"})


@dataclass(eq=False, repr=False)
class Element:
    """An element and all text below it."""

    tag: str
    attributes: dict[str, str | None]
    inside: tuple[Element, ...]
    """From the root down to its parent."""
    text: str = ""
    children: list[Element] = field(default_factory=list)


class Page(HTMLParser):
    """All elements in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(html)
        self.close()
        assert self._open == [], "an element was never closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs), tuple(self._open))
        self.elements.append(element)
        if self._open:
            self._open[-1].children.append(element)
        if tag not in _EMPTY:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def all(self, tag: str, inside: Element | None = None) -> list[Element]:
        return [
            each
            for each in self.elements
            if each.tag == tag and (inside is None or inside in each.inside)
        ]

    def with_id(self, name: str) -> Element:
        (found,) = (each for each in self.elements if each.attributes.get("id") == name)
        return found

    def rows(self) -> list[list[str]]:
        """The table's cells; of the last one what is seen while it is closed."""
        (body,) = self.all("tbody")
        return [
            [*(cell.text for cell in row.children[:5]), self.all("summary", row)[0].text]
            for row in body.children
        ]


@pytest.fixture(scope="module")
def plan() -> RebuildPlan:
    return synthetic_plan(60)


@pytest.fixture(scope="module")
def page(plan: RebuildPlan) -> Page:
    return Page(plan_page(plan))


def _wheel(name: str, **fields: object) -> PlannedWheel:
    defaults: dict[str, object] = {
        "action": Action.KEEP,
        "judgements": ((NUMPY, judgement(Verdict.VALID, general=(PureConsumer(),))),),
    }
    return PlannedWheel(reference=reference(name, "1.0"), **{**defaults, **fields})  # type: ignore[arg-type]


def test_the_head_tells_the_bump_and_the_totals(page: Page) -> None:
    assert page.all("h1")[0].text == "Rebuild plan: numpy: 1.26.4 -> 2.0.2"
    assert page.all("title")[0].text == page.all("h1")[0].text
    totals = next(each for each in page.all("ul") if each.attributes.get("class") == "totals")
    found = {each.attributes["class"]: page.all("strong", each)[0].text for each in totals.children}
    assert found == {"keep": "48", "rebuild": "7", "unknown": "4", "conditional": "1"}


def test_every_wheel_has_a_row(page: Page, plan: RebuildPlan) -> None:
    states = {Verdict.INVALID: "rebuild", Verdict.UNKNOWN: "unknown"}
    assert [row[:5] for row in page.rows()] == [
        [
            each.reference.name,
            str(each.reference.version),
            states[each.verdict] if each.action is Action.REBUILD else each.action.value,
            each.verdict.value,
            str(each.wave or ""),
        ]
        for each in plan.wheels
    ]
    assert all(row[5] for row in page.rows())


def test_reasons_and_neighbours_stand_in_plain_html(page: Page, plan: RebuildPlan) -> None:
    place = {each.reference.filename: at for at, each in enumerate(plan.wheels)}
    for at, each in enumerate(plan.wheels):
        details = page.with_id(f"w{at}")
        assert each.reference.filename in details.text
        for _, reason in each.judgements[0][1].reasons:
            assert explain(reason) in details.text
            if reason.evidence:
                assert f"evidence: {reason.evidence.value}" in details.text
        linked = [link.attributes["href"] for link in page.all("a", details)]
        assert linked == [f"#w{place[name]}" for name in (*each.waits_for, *each.requires)]


def test_the_waves_are_a_table_of_levels(page: Page, plan: RebuildPlan) -> None:
    (levels,) = (each for each in page.all("ol") if each.attributes.get("class") == "waves")
    assert [page.all("h3", wave)[0].text for wave in levels.children] == [
        f"Wave {number} {sum(map(len, wave))} wheels" for number, wave in enumerate(plan.waves, 1)
    ]
    linked = [
        [plan.wheels[int(link.attributes["href"][2:])].reference.filename  # type: ignore[index]
         for link in page.all("a", wave)]
        for wave in levels.children
    ]  # fmt: skip
    assert linked == [[name for unit in wave for name in unit] for wave in plan.waves]
    (unit,) = (each for each in page.all("li") if each.attributes.get("class") == "unit")
    assert "built as one" in unit.text
    assert len(page.all("a", unit)) == 2


def test_a_plan_without_work_says_so() -> None:
    text = plan_page(plan_of(_wheel("plain")))
    assert "Nothing is to be rebuilt." in text
    assert 'class="waves"' not in text


def test_every_link_leads_somewhere(page: Page) -> None:
    ids = [each.attributes["id"] for each in page.elements if "id" in each.attributes]
    assert len(ids) == len(set(ids))
    links = {link.attributes["href"] for link in page.all("a")}
    assert links <= {f"#{name}" for name in ids}
    assert {"#waves", "#wheels"} <= links


def test_controls_are_labelled_and_wait_for_the_script(page: Page) -> None:
    labelled = {each.attributes["for"] for each in page.all("label")}
    assert labelled == {each.attributes["id"] for each in page.all("input") + page.all("select")}
    (controls,) = (each for each in page.elements if each.attributes.get("role") == "search")
    assert "hidden" in controls.attributes
    assert page.all("button") == []


def test_the_worst_judgement_gives_the_first_reason() -> None:
    missing = NoNewWheel(name="gift", version="2")
    wheel = _wheel(
        "both",
        action=Action.REBUILD,
        judgements=(
            (NUMPY, judgement(Verdict.VALID, general=(PureConsumer(),))),
            (NormalizedName("gift"), judgement(Verdict.UNKNOWN, general=(missing,))),
        ),
        inputs=Judgement(verdict=Verdict.VALID),
    )
    page = Page(plan_page(plan_of(wheel)))
    assert page.rows()[0][5] == explain(missing)
    assert [each.text for each in page.all("h4")] == [
        "numpy: valid", "gift: unknown", "build inputs: valid",
    ]  # fmt: skip


def test_what_became_of_builds_is_shown() -> None:
    broken = _wheel("broken", action=Action.FAILED, log="logs/broken.txt")
    after = _wheel("after", action=Action.REBUILD, blocked_by=(broken.reference.filename,))
    after = replace(
        after, judgements=((NUMPY, Judgement(verdict=Verdict.UNKNOWN)),),
        requires=(broken.reference.filename,),
    )  # fmt: skip
    page = Page(plan_page(plan_of(broken, after, _wheel("made", action=Action.BUILT))))
    rows = page.rows()
    assert [row[2] for row in rows] == ["failed", "unknown", "built"]
    assert rows[0][5] == "logs/broken.txt"
    assert rows[1][5].startswith("blocked by broken 1.0, ")
    assert "Blocked by\nbroken 1.0" in page.with_id("w1").text


def test_what_is_noted_on_the_bumped_wheels_is_said_once() -> None:
    new = Derived(wheel=reference("numpy", "2.0.2").filename, why="it carries no record")
    own = Derived(wheel=reference("a", "1.0").filename, why="it carries no record")
    found = judgement(Verdict.VALID, general=(PureConsumer(), new, own))
    text = plan_page(plan_of(*(_wheel(name, judgements=((NUMPY, found),)) for name in "abc")))
    page = Page(text)
    assert text.count(explain(new)) == 1
    assert explain(new) in page.all("header")[0].text
    assert explain(own) in page.with_id("w0").text


def test_versions_are_ranked_as_versions() -> None:
    wheels = [replace(_wheel("a"), reference=reference("a", each)) for each in ("1.10", "1.9", "2")]
    page = Page(plan_page(plan_of(*wheels)))
    ranks = [row.children[1].attributes["data-rank"] for row in page.all("tbody")[0].children]
    assert ranks == ["1", "0", "2"]


def test_long_lists_of_wheels_are_cut_and_say_so() -> None:
    many = [_wheel(f"p{number}") for number in range(70)]
    user = _wheel("user", requires=tuple(each.reference.filename for each in many))
    page = Page(plan_page(plan_of(*many, user)))
    assert len(page.all("a", page.with_id("w70"))) == 50
    assert "and 20 more" in page.with_id("w70").text
    assert len(_graph(page)[70]["requires"]) == 70


def test_what_was_not_judged_is_listed() -> None:
    page = Page(plan_page(plan_of(_wheel("a"), skipped=(("odd.whl", "no version"),))))
    assert [each.text for each in page.all("dt") + page.all("dd")] == ["odd.whl", "no version"]


def _graph(page: Page) -> list[dict[str, list[int]]]:
    return json.loads(page.with_id("graph").text)  # type: ignore[no-any-return]


def test_the_script_gets_the_edges(page: Page, plan: RebuildPlan) -> None:
    names = [each.reference.filename for each in plan.wheels]
    for each, edges in zip(plan.wheels, _graph(page), strict=True):
        assert tuple(names[at] for at in edges["requires"]) == each.requires
        assert tuple(names[at] for at in edges["waits_for"]) == each.waits_for


def hostile_plan(text: str) -> RebuildPlan:
    """`text` wherever a wheel, its record or a source has a say."""
    unread = WheelUnreadable(wheel=text, why=text)
    wheel = replace(
        _wheel("a", action=Action.FAILED, log=text),
        reference=replace(reference("a", "1.0"), name=NormalizedName(text), filename=text),
        judgements=((NormalizedName(text), judgement(Verdict.UNKNOWN, unread)),),
    )
    return plan_of(wheel, skipped=((text, text),))


def test_nothing_a_wheel_says_is_markup(page: Page) -> None:
    hostile = Page(plan_page(hostile_plan(HOSTILE)))
    assert {each.tag for each in hostile.elements} <= {
        *(each.tag for each in page.elements), "dl", "dt", "dd",
    }  # fmt: skip
    assert len(hostile.all("script")) == 2
    assert hostile.rows()[0][0] == HOSTILE
    assert hostile.all("dt")[0].text == HOSTILE
    assert HOSTILE in hostile.with_id("w0").text
    assert _graph(hostile) == [{"requires": [], "waits_for": []}]


def test_nothing_a_wheel_says_controls_the_reader() -> None:
    text = plan_page(hostile_plan("\x1b[31m\ud800\u202e\x00\u2028"))
    assert text.encode().decode() == text
    assert not set(text) & set("\x1b\ud800\u202e\x00\u2028")


def _inline(page: Page) -> tuple[Element, Element]:
    (style,) = page.all("style")
    (script,) = (each for each in page.all("script") if "type" not in each.attributes)
    return style, script


def test_nothing_but_its_own_style_and_script_may_run(page: Page) -> None:
    (policy,) = (each for each in page.all("meta") if "http-equiv" in each.attributes)
    assert policy.attributes["http-equiv"] == "Content-Security-Policy"
    assert policy.attributes["content"] is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.attributes["content"].split(";"))
    style, script = (
        f"'sha256-{base64.b64encode(hashlib.sha256(each.text.encode()).digest()).decode()}'"
        for each in _inline(page)
    )
    assert rules == {
        "default-src": "'none'",
        "style-src": style,
        "script-src": script,
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert page.elements.index(policy) < page.elements.index(page.all("style")[0])


def test_nothing_is_fetched(page: Page) -> None:
    for element in page.elements:
        for name, value in element.attributes.items():
            assert not name.startswith("on")
            assert name not in {"src", "style", "srcset", "action", "data", "ping"}
            assert name != "href" or (value or "").startswith("#")
    style, script = _inline(page)
    assert not re.search(r"url\(|@import|//", style.text)
    assert re.findall(r"https?:[^\"']*", script.text) == ["http://www.w3.org/2000/svg"]


def test_the_same_plan_makes_the_same_page() -> None:
    program = (
        "import hashlib; from resolver_check.report.plan_page import plan_page; "
        "from tests.support.synthetic_plan import synthetic_plan; "
        "print(hashlib.sha256(plan_page(synthetic_plan(60)).encode()).hexdigest())"
    )
    made = {
        subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, timeout=60,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }  # fmt: skip
    assert len(made) == 1


def test_five_thousand_wheels_are_less_than_five_megabytes() -> None:
    assert len(plan_page(synthetic_plan(5000)).encode()) < 5_000_000
