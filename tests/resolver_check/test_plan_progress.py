"""The farm's loop: plan, build a wave, plan again with what was built or failed."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from backend_shim.embed import embed
from backend_shim.record.build_inputs import BuildRequirement
from resolver_check.model import EvidenceLevel, Verdict
from resolver_check.plan import make_plan
from resolver_check.plan_model import Action, PlannedWheel, RebuildPlan, RequestedBump
from resolver_check.plan_state import BuiltWheel, Progress
from resolver_check.report.plan_lists import job_matrix, requirement_lines
from resolver_check.report.plan_report import plan_json
from resolver_check.sources import open_source
from resolver_check.target import target
from tests.backend_shim.record.example_inputs import INPUTS
from tests.resolver_check.conftest import Factory, gift
from tests.support.plan_schema import PLAN_SCHEMA

NUMPY_2 = RequestedBump(name=canonicalize_name("numpy"), new=Version("2.0.2"))
OTHER = "int gift_open(void) { return 7; } int gift_shut(void) { return 2; }"
LACKING = "int gift_shut(void) { return 2; }"


@pytest.fixture(scope="module")
def executor() -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


class Farm:
    """Plans one bump of NumPy, with what was built so far."""

    def __init__(self, make: Factory, executor: Executor, compile_shared: object) -> None:
        self.old = make
        self.new = Factory(make.directory.parent / "built", compile_shared)  # type: ignore[arg-type]
        self.new.directory.mkdir()
        self._executor = executor
        self._failed: dict[str, str] = {}
        self.forced: tuple[str, ...] = ()

    def fail(self, wheel: Path, log: str) -> None:
        self._failed[wheel.name] = log

    def plan(self) -> RebuildPlan:
        built = {
            path.name: BuiltWheel(
                path=str(path), sha256=hashlib.sha256(path.read_bytes()).hexdigest()
            )
            for path in self.new.directory.iterdir()
        }
        made = make_plan(
            open_source(str(self.old.directory)),
            [NUMPY_2],
            target=target("3.11", "manylinux_2_28_x86_64"),
            level=EvidenceLevel.PROMISED,
            executor=self._executor,
            newest_only=False,
            progress=Progress(built=built, failed=self._failed),
            forced=self.forced,
        )
        PLAN_SCHEMA.validate(plan_json(made))
        return made

    def planned(self) -> dict[str, PlannedWheel]:
        return {each.reference.name: each for each in self.plan().wheels}

    def actions(self) -> dict[str, Action]:
        return {name: each.action for name, each in self.planned().items()}


@pytest.fixture
def farm(make: Factory, executor: Executor, compile_shared: object) -> Farm:
    """`gift` was compiled with NumPy 1; `taker` links to it, `last` requires `taker`."""
    make.numpy_1()
    make.numpy_2()
    gift(make)
    make.linked("taker")
    make.extension("last", requires=["taker"])
    return Farm(make, executor, compile_shared)


def test_a_wave_is_planned_and_who_binds_to_it_waits(farm: Farm) -> None:
    found = farm.planned()
    assert found["gift"].action is Action.REBUILD
    assert found["taker"].action is Action.CONDITIONAL
    assert found["last"].action is Action.KEEP


def test_behind_a_wheel_that_came_out_with_its_interface_nothing_is_built(farm: Farm) -> None:
    gift(farm.new, numpy=2, source=OTHER)
    assert farm.actions() == {"gift": Action.BUILT, "taker": Action.KEEP, "last": Action.KEEP}
    assert farm.plan().waves == ()


def test_behind_a_wheel_that_came_out_as_it_was_no_other_evidence_is_needed(farm: Farm) -> None:
    """Symbols alone prove nothing at this level, so only the comparison of the wheels can."""
    farm.old.library("1.0", header="")
    farm.forced = ("gift",)
    assert farm.actions()["taker"] is Action.CONDITIONAL
    farm.new.library("1.0", header="", source=OTHER)
    assert farm.planned()["taker"].verdict is Verdict.UNKNOWN
    farm.new.library("1.0", header="")
    found = farm.planned()
    assert [found[name].action for name in ("gift", "taker")] == [Action.BUILT, Action.KEEP]
    kinds = {reason.kind for _, each in found["taker"].judgements for _, reason in each.reasons}
    assert "rebuilt-the-same" in kinds


@pytest.mark.parametrize(
    ("version", "verdict", "judged"),
    # pip may find a newer one than is kept.
    [("1.0", Verdict.VALID, ["numpy"]), ("1.1", Verdict.UNKNOWN, ["numpy", "gift"])],
)
def test_a_wheel_that_was_built_with_another_version_than_is_kept_is_judged_with_that(
    make: Factory, executor: Executor, compile_shared: object, version: str, verdict: Verdict,
    judged: list[str],
) -> None:  # fmt: skip
    make.numpy_1()
    make.numpy_2()
    make.library("1.0")
    make.for_numpy_1("taker", requires=("gift",))
    farm = Farm(make, executor, compile_shared)
    built = farm.new.linked("taker")
    gift_then = BuildRequirement(name="gift", version=version, digests=())
    inputs = replace(INPUTS, requirements=(gift_then,))
    embed(built, build_inputs=inputs, looked_for=("gift", "numpy"))
    found = farm.planned()["taker"]
    assert found.action is Action.BUILT
    assert found.verdict is verdict
    assert [name for name, _ in found.judgements] == judged


def test_behind_a_wheel_with_another_interface_the_next_wave_is_built(farm: Farm) -> None:
    gift(farm.new, numpy=2, source=LACKING)
    found = farm.planned()
    assert [found[name].action for name in ("gift", "taker")] == [Action.BUILT, Action.REBUILD]
    assert found["taker"].verdict is Verdict.INVALID
    assert found["taker"].wave == 1
    farm.new.extension("taker", requires=["gift"])
    assert set(farm.actions().values()) == {Action.BUILT, Action.KEEP}


def test_a_failure_is_kept_with_its_log_and_blocks_who_needs_it(farm: Farm, make: Factory) -> None:
    make.for_numpy_1("alone")
    make.for_numpy_1("behind", requires=("gift",))
    (wheel,) = make.directory.glob("gift-*")
    farm.fail(wheel, "/logs/gift.txt")
    found = farm.planned()
    assert (found["gift"].action, found["gift"].log) == (Action.FAILED, "/logs/gift.txt")
    assert found["behind"].blocked_by == found["taker"].blocked_by == (wheel.name,)
    assert found["alone"].blocked_by == ()
    assert found["taker"].action is Action.CONDITIONAL


def test_other_tools_are_told_what_can_be_built(farm: Farm, make: Factory) -> None:
    make.for_numpy_1("alone")
    make.for_numpy_1("behind", requires=("gift",))
    assert list(requirement_lines(farm.plan())) == [
        "# wave 1", "alone==1.0", "gift==1.0",
        "# wave 2", "behind==1.0", "# conditional: taker==1.0",
    ]  # fmt: skip
    (wheel,) = make.directory.glob("gift-*")
    farm.fail(wheel, "log")
    plan = farm.plan()
    assert list(requirement_lines(plan)) == [
        "# wave 1", "alone==1.0", "# failed: gift==1.0",
        "# wave 2", "# blocked: behind==1.0", "# conditional: taker==1.0",
    ]  # fmt: skip
    assert [Requirement(line).name for line in requirement_lines(plan) if line[0] != "#"] == [
        "alone"
    ]
    (job,) = job_matrix(plan)["include"]  # type: ignore[misc, union-attr]
    assert job == {
        "name": "alone",
        "version": "1.0",
        "wheel": next(make.directory.glob("alone-*")).name,
        "python": "3.11",
        "platform": "manylinux_2_28_x86_64",
    }


def test_a_wheel_that_was_built_with_the_old_provider_counts_as_failed(farm: Farm) -> None:
    (wheel,) = farm.old.directory.glob("gift-*")
    shutil.copy(wheel, farm.new.directory)
    found = farm.planned()
    assert found["gift"].action is Action.FAILED
    assert found["gift"].verdict is Verdict.INVALID
    assert found["taker"].action is Action.CONDITIONAL


def test_a_built_wheel_that_cannot_be_read_frees_nobody(farm: Farm) -> None:
    (wheel,) = farm.old.directory.glob("gift-*")
    (farm.new.directory / wheel.name).write_bytes(b"no zip")
    found = farm.planned()
    assert found["gift"].action is Action.FAILED
    assert "zip" in str(found["gift"].log)
    assert found["taker"].action is Action.CONDITIONAL
    assert found["taker"].blocked_by == (wheel.name,)
