"""A bump over a source: what is kept, what is rebuilt, in which waves."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from backend_shim.embed import embed
from backend_shim.errors import InvalidWheel
from resolver_check.errors import UsageError
from resolver_check.model import EvidenceLevel, Verdict
from resolver_check.plan import make_plan
from resolver_check.plan_model import ALL, Action, PlannedWheel, RebuildPlan, RequestedBump
from resolver_check.report.plan_report import plan_json, plan_lines
from resolver_check.sources import open_source
from resolver_check.target import target
from tests.resolver_check.conftest import SUFFIX, Factory
from tests.support.plan_schema import PLAN_SCHEMA
from tests.support.served_index import ServedIndex
from tests.support.wheel_factory import make_wheel

LINUX = target("3.11", "manylinux_2_28_x86_64")


@pytest.fixture(scope="module")
def executor() -> Iterator[Executor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def plan(make: Factory, executor: Executor):
    """Plan bumps `name==new` or `old->name==new` over the wheels made so far."""

    def run(
        *bumps: str,
        newest_only: bool = False,
        level: EvidenceLevel = EvidenceLevel.PROMISED,
        source: str | None = None,
        forced: tuple[str, ...] = (),
    ) -> RebuildPlan:
        requests = []
        for bump in bumps:
            old, _, pin = bump.rpartition("->")
            name, _, new = pin.partition("==")
            requests.append(
                RequestedBump(
                    name=canonicalize_name(name),
                    new=Version(new),
                    old=Version(old) if old else None,
                )
            )
        made = make_plan(
            open_source(source or str(make.directory)), requests,
            target=LINUX, level=level, executor=executor, newest_only=newest_only,
            forced=forced,
        )  # fmt: skip
        PLAN_SCHEMA.validate(plan_json(made))
        return made

    return run


def _by_name(plan: RebuildPlan) -> dict[str, PlannedWheel]:
    return {each.reference.name: each for each in plan.wheels}


def _actions(plan: RebuildPlan) -> dict[str, tuple[Action, Verdict, int | None]]:
    return {name: (each.action, each.verdict, each.wave) for name, each in _by_name(plan).items()}


def _reasons(each: PlannedWheel) -> set[str]:
    return {reason.kind for _, judgement in each.judgements for _, reason in judgement.reasons}


KEPT = (Action.KEEP, Verdict.VALID, None)


@pytest.fixture
def numpys(make: Factory) -> None:
    make.numpy_1()
    make.numpy_2()


def test_keeps_what_is_valid_and_orders_the_rest(make: Factory, plan, numpys: None) -> None:
    make.for_numpy_1("low")
    make.for_numpy_1("high", requires=("between",))
    make.pure("between", requires=["low"])
    make.for_both("both", requires=("low",))
    make.extension("alone")
    made = plan("numpy==2.0.2")
    assert _actions(made) == {
        "alone": KEPT,
        "between": KEPT,
        "both": KEPT,
        "high": (Action.REBUILD, Verdict.INVALID, 2),
        "low": (Action.REBUILD, Verdict.INVALID, 1),
    }
    assert [[unit[0].split("-")[0] for unit in wave] for wave in made.waves] == [["low"], ["high"]]


def test_wheels_that_require_each_other_are_one_unit(make: Factory, plan, numpys: None) -> None:
    make.for_numpy_1("egg", requires=("hen",))
    make.for_numpy_1("hen", requires=("egg",))
    make.for_numpy_1("farm", requires=("hen",))
    made = plan("numpy==2.0.2")
    assert [len(unit) for wave in made.waves for unit in wave] == [2, 1]
    assert "  as one, for they require each other: egg-1.0" in "\n".join(plan_lines(made))


def test_whoever_binds_to_what_is_rebuilt_is_conditional(make: Factory, plan, numpys: None) -> None:
    low = make.for_numpy_1("low")
    first = make.extension("first", strings=("low", "low._C_API"), requires=["low"])
    make.extension("second", strings=("first", "low"), requires=["first"])
    make.extension("beside", requires=["low"])
    make.extension("stranger", strings=("low",))
    make.pure("plain", requires=["low", "first"])
    made = _by_name(plan("numpy==2.0.2"))
    assert {name: each.action for name, each in made.items()} == {
        "low": Action.REBUILD,
        "first": Action.CONDITIONAL,
        "second": Action.CONDITIONAL,
        "beside": Action.KEEP,
        # It does not require what it names: nothing else would be known of any wheel.
        "stranger": Action.KEEP,
        "plain": Action.KEEP,
    }
    assert [made[name].wave for name in ("low", "first", "second")] == [1, 2, 3]
    assert made["first"].waits_for == (low.name,)
    assert made["second"].waits_for == (first.name, low.name)
    assert made["first"].verdict is Verdict.VALID


def test_whoever_links_to_what_is_rebuilt_is_conditional(make: Factory, plan, numpys: None) -> None:
    gift = make.library("1.0")
    files = {f"gift/_gift{SUFFIX}": make.module("gift", "numpy.core._multiarray_umath",
                                                "_ARRAY_API")}  # fmt: skip
    with zipfile.ZipFile(gift) as archive:
        files |= {n: archive.read(n) for n in archive.namelist() if ".dist-info/" not in n}
    make_wheel(
        make.directory, name="gift", version="1.0", files=files, requires=["numpy"],
        tag="cp311-cp311-manylinux_2_17_x86_64",
    )  # fmt: skip
    make.linked()
    made = _by_name(plan("numpy==2.0.2"))
    assert made["gift"].verdict is Verdict.INVALID
    assert made["taker"].action is Action.CONDITIONAL
    assert made["taker"].waits_for == (gift.name,)


def test_several_bumps_are_judged_one_by_one(make: Factory, plan, numpys: None) -> None:
    make.library("1.0")
    make.library("2.0", soname="libgift.so.2")
    make.linked()
    make.for_numpy_1("low")
    made = plan("numpy==2.0.2", "gift==2.0")
    assert {name: each.verdict for name, each in _by_name(made).items()} == {
        "low": Verdict.INVALID,
        "taker": Verdict.INVALID,
    }
    taker = dict(_by_name(made)["taker"].judgements)
    assert {name: each.verdict.value for name, each in taker.items()} == {
        "numpy": "valid", "gift": "invalid"
    }  # fmt: skip
    assert any("gift: taker/_taker" in line for line in plan_lines(made))


def test_without_the_new_wheel_only_pure_ones_are_kept(make: Factory, plan) -> None:
    make.numpy_1()
    make.extension("alone")
    make.pure("plain")
    made = plan("numpy==2.0.2")
    assert _actions(made) == {"alone": (Action.REBUILD, Verdict.UNKNOWN, 1), "plain": KEPT}
    assert "no-new-wheel" in _reasons(_by_name(made)["alone"])
    assert plan_json(made)["bumps"][0]["new"] is None  # type: ignore[index,call-overload]
    assert next(iter(plan_lines(made))).endswith("(no wheel of it for this target)")


def test_a_new_wheel_for_another_target_is_none(make: Factory, plan) -> None:
    make.numpy_1()
    make.numpy("2.0.2", abi=0x02000000, tag="cp311-cp311-win_amd64")
    make.extension("alone")
    assert _by_name(plan("numpy==2.0.2"))["alone"].verdict is Verdict.UNKNOWN


def test_without_an_old_wheel_only_what_needs_no_comparison_counts(make: Factory, plan) -> None:
    make.numpy_2()
    make.for_numpy_1("low")
    make.for_both("both")
    make.extension("alone")
    made = plan("numpy==2.0.2")
    assert {name: each.verdict for name, each in _by_name(made).items()} == {
        "alone": Verdict.VALID,
        "both": Verdict.VALID,
        "low": Verdict.INVALID,
    }
    assert next(iter(plan_lines(made))) == "numpy: nothing older -> 2.0.2"


@pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\x05\x06" + b"\0" * 18])
def test_a_wheel_that_cannot_be_read_is_unknown_and_the_others_are_planned(
    make: Factory, plan, numpys: None, data: bytes
) -> None:
    (make.directory / "broken-1.0-py3-none-any.whl").write_bytes(data)
    make.extension("alone", requires=["broken"])
    made = plan("numpy==2.0.2")
    assert _by_name(made)["broken"].verdict is Verdict.UNKNOWN
    assert _reasons(_by_name(made)["broken"]) == {"wheel-unreadable"}
    # What `alone` takes from it is not known either.
    assert _by_name(made)["alone"].action is Action.CONDITIONAL


def test_a_wheel_that_calls_itself_by_the_bumped_name_stops_nothing(
    make: Factory, plan, numpys: None
) -> None:
    numpy = make.numpy_1("1.0")
    numpy.rename(make.directory / "other-1.0-cp311-cp311-manylinux_2_17_x86_64.whl")
    make.extension("alone")
    made = _by_name(plan("numpy==2.0.2"))
    assert made["other"].verdict is Verdict.UNKNOWN
    assert made["alone"].verdict is Verdict.VALID


def test_a_bumped_wheel_that_cannot_be_read_is_an_error(make: Factory, plan) -> None:
    make.numpy_1()
    (make.directory / "numpy-2.0.2-cp311-cp311-manylinux_2_17_x86_64.whl").write_bytes(b"PK")
    make.extension("alone")
    with pytest.raises(InvalidWheel):
        plan("numpy==2.0.2")


def test_the_old_version_is_the_newest_older_one_or_the_one_named(
    make: Factory, plan, numpys: None
) -> None:
    make.numpy_1("1.25.0")
    make.numpy_2("2.1.0")

    def old(*bumps: str) -> str:
        (bump,) = plan(*bumps).bumps
        assert bump.old is not None
        return str(bump.old.version)

    assert old("numpy==2.0.2") == "1.26.4"
    assert old("numpy==2.1.0") == "2.0.2"
    assert old("1.25.0->numpy==2.1.0") == "1.25.0"
    # Down to the oldest: from the next newer.
    assert old("numpy==1.25.0") == "1.26.4"


@pytest.mark.parametrize(
    ("bump", "said"),
    [
        ("nobody==1.0", "the source has no project nobody"),
        ("1.0->numpy==2.0.2", r"the source has no wheel of numpy 1\.0"),
    ],
)
def test_what_the_source_does_not_have_is_an_error(
    plan, numpys: None, bump: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        plan(bump)


def test_all_versions_or_the_newest(make: Factory, plan, numpys: None) -> None:
    for version in ("1.9", "1.10", "1.2"):
        make.for_numpy_1("low", version=version)
    assert len(plan("numpy==2.0.2").wheels) == 3
    (newest,) = plan("numpy==2.0.2", newest_only=True).wheels
    assert str(newest.reference.version) == "1.10"


def test_wheels_for_other_targets_are_left_out(make: Factory, plan, numpys: None) -> None:
    make.extension("alone", tag="cp312-cp312-manylinux_2_17_x86_64")
    make.extension("alone", tag="cp38-abi3-manylinux_2_17_x86_64")
    (only,) = plan("numpy==2.0.2").wheels
    assert "abi3" in only.reference.filename


def test_what_is_listed_and_not_judged_is_said(make: Factory, plan, numpys: None) -> None:
    (make.directory / "what-is-this.whl").write_bytes(b"")
    made = plan("numpy==2.0.2")
    assert [name for name, _ in made.skipped] == ["what-is-this.whl"]
    assert "not judged" in list(plan_lines(made))


def test_the_same_wheels_give_the_same_plan(make: Factory, plan, numpys: None) -> None:
    make.for_numpy_1("low")
    for number in range(5):
        make.extension(f"first{number}", strings=("low",), requires=["low", "second"])
        make.pure(f"plain{number}", requires=["low"])
    assert plan_json(plan("numpy==2.0.2")) == plan_json(plan("numpy==2.0.2"))


def test_text_and_json_agree(make: Factory, plan, numpys: None) -> None:
    make.for_numpy_1("low")
    make.for_both("both")
    made = plan("numpy==2.0.2")
    table = plan_json(made)
    assert table["summary"] == {
        "keep": 1, "rebuild": 1, "unknown": 0, "conditional": 0, "built": 0, "failed": 0,
    }  # fmt: skip
    assert list(plan_lines(made))[:2] == [
        "numpy: 1.26.4 -> 2.0.2",
        "2 wheels for CPython 3.11 on manylinux_2_28_x86_64: "
        "keep 1, rebuild 1, unknown 0, conditional 0",
    ]
    assert table["keep"] == [Path(name).name for name in table["keep"]]  # type: ignore[union-attr]


def test_of_wheels_with_records_an_index_gives_the_records_only(make: Factory, plan) -> None:
    rest = {f"filling{number}.py": random.Random(1).randbytes(1 << 15) for number in range(40)}
    strings = ("numpy.core._multiarray_umath", "_ARRAY_API", "this NumPy (NumPy 1.19) here")
    make.numpy_1()
    make.numpy_2()
    make.extension("old", strings=strings, requires=["numpy"], files=rest)
    make.extension("other", requires=["numpy"], files=rest)
    make.extension("bare", strings=strings, requires=["numpy"], files=rest)
    for wheel in make.directory.iterdir():
        if not wheel.name.startswith("bare"):
            embed(wheel, build_inputs=None, looked_for=("numpy",))
    with ServedIndex(make.directory) as index:
        made = plan("numpy==2.0.2", source=index.url)
        wholes = {each.path for each in index.requests if each.sent > 1 << 20}
        assert len(index.file_requests) < 40
    assert wholes == {"/files/bare-1.0-cp311-cp311-manylinux_2_17_x86_64.whl"}
    assert _actions(made) == _actions(plan("numpy==2.0.2"))


def test_what_is_forced_is_rebuilt_and_whoever_binds_to_it_waits(
    make: Factory, plan, numpys: None
) -> None:
    make.library("1.0")
    make.linked("taker")
    made = plan("numpy==2.0.2", forced=("gift",))
    assert _actions(made)["gift"] == (Action.REBUILD, Verdict.VALID, 1)
    assert _by_name(made)["taker"].action is Action.CONDITIONAL
    assert any(line.split()[:1] == ["forced"] for line in plan_lines(made))
    assert plan_json(made)["summary"]["rebuild"] == 1
    every = plan("numpy==2.0.2", forced=(ALL,))
    assert {each.action for each in every.wheels} == {Action.REBUILD}


def test_only_what_is_planned_can_be_forced(make: Factory, plan, numpys: None) -> None:
    make.pure("alone")
    with pytest.raises(UsageError, match="stranger"):
        plan("numpy==2.0.2", forced=("stranger",))
