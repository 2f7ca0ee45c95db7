"""A plan from a catalog is the plan over its source, or safer."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from backend_shim.embed import embed
from resolver_check import catalog_bound
from resolver_check.catalog_plan import CatalogQuestion, plan_from_catalog
from resolver_check.conditional import Rules
from resolver_check.errors import SourceUnavailable, UsageError
from resolver_check.model import EvidenceLevel, Verdict
from resolver_check.plan import make_plan
from resolver_check.plan_model import ALL, Action, RebuildPlan, RequestedBump
from resolver_check.report.plan_report import plan_json, plan_lines
from resolver_check.scan.scanning import Scan
from resolver_check.sources import open_source
from resolver_check.sources.catalog import Catalog
from resolver_check.sources.catalog_selection import Selection
from resolver_check.target import target
from tests.backend_shim.record.example_inputs import INPUTS
from tests.resolver_check.conftest import TAG, Factory
from tests.support.plan_schema import PLAN_SCHEMA

LINUX = target("3.11", "manylinux_2_28_x86_64")
NUMPY = RequestedBump(name=canonicalize_name("numpy"), new=Version("2.0.2"))
GIFT = RequestedBump(name=canonicalize_name("gift"), new=Version("2.0"))
GIFT_GONE = RequestedBump(name=canonicalize_name("gift"), new=None)
Plan = Callable[..., RebuildPlan]


@pytest.fixture(scope="module")
def executor() -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture
def catalog(make: Factory, tmp_path: Path) -> Iterator[Catalog]:
    with Catalog(tmp_path / "catalog.db", writes=True) as opened:
        yield opened


def scan(catalog: Catalog, directory: Path, executor: Executor) -> None:
    Scan(open_source(str(directory)), catalog, executor, in_flight=2).run()


@pytest.fixture
def from_catalog(make: Factory, catalog: Catalog, executor: Executor) -> Plan:
    def run(*requests: RequestedBump, level: EvidenceLevel = EvidenceLevel.PROMISED,
            strict: bool = False, **options: object) -> RebuildPlan:  # fmt: skip
        scan(catalog, make.directory, executor)
        question = CatalogQuestion(requests=requests, target=LINUX, **options)  # type: ignore[arg-type]
        made = plan_from_catalog(catalog, question, Rules(level=level, strict=strict))
        PLAN_SCHEMA.validate(plan_json(made))
        return made

    return run


@pytest.fixture
def over_source(make: Factory, executor: Executor) -> Plan:
    def run(*requests: RequestedBump, level: EvidenceLevel = EvidenceLevel.PROMISED,
            newest_only: bool = False, **options: object) -> RebuildPlan:  # fmt: skip
        return make_plan(
            open_source(str(make.directory)), requests, target=LINUX, level=level,
            executor=executor, newest_only=newest_only, **options,  # type: ignore[arg-type]
        )  # fmt: skip

    return run


def told(plan: RebuildPlan) -> dict[str, tuple[Action, Verdict, int | None]]:
    return {each.reference.filename: (each.action, each.verdict, each.wave) for each in plan.wheels}


def record(make: Factory, *names: str) -> None:
    """Every wheel gets a record that answers for `names`."""
    for path in make.directory.glob("*.whl"):
        if path.stat().st_size > 100:
            inputs = INPUTS if path.name.startswith(("inputs", "w1", "w3", "w5")) else None
            embed(path, build_inputs=inputs, looked_for=names)


def random_farm(make: Factory, seed: int) -> None:
    """Wheels that bind to each other in all ways, or not, with cycles."""
    make.numpy_1()
    make.numpy_2()
    make.library("1.0")
    make.library("2.0", source="int gift_open(int a) { return a; }", header="int gift_open(int);\n")
    draw = random.Random(seed)
    names = [f"w{number}" for number in range(12)]
    for name in names:
        others = draw.sample([each for each in names if each != name], draw.randrange(4))
        requires = [each + draw.choice(["", ">=1", ">=2", "; extra == 'x'"]) for each in others]
        strings = tuple(each for each in others if draw.random() < 0.5)
        match draw.randrange(6):
            case 0:
                make.pure(name, requires=requires)
            case 1:
                make.for_numpy_1(name, requires=tuple(requires))
            case 2:
                make.for_both(name, requires=tuple(requires))
            case 3:
                make.linked(name)
            case 4:
                make.extension(name, strings=(*strings, "gift"), requires=[*requires, "gift"])
            case 5:
                make.extension(name, strings=strings, requires=requires)


NAMES = ("numpy", "gift", "libgift.so.1", "egg", *(f"w{number}" for number in range(12)))


# Of a sample of one nearly every wheel is judged by all that lies before it.
@pytest.mark.parametrize("sample", [1, 8])
@pytest.mark.parametrize("seed", range(6))
def test_of_wheels_with_records_it_is_the_plan_over_the_source(
    make: Factory, from_catalog: Plan, over_source: Plan, seed: int, sample: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(catalog_bound, "_SAMPLE", sample)
    random_farm(make, seed)
    make.pure("egg")
    record(make, *NAMES)
    for requests in ([NUMPY], [GIFT], [GIFT_GONE], [NUMPY, GIFT]):
        expected = over_source(*requests)
        made = from_catalog(*requests, lists_all=True)
        assert told(made) == told(expected)
        assert made.waves == expected.waves
        short = from_catalog(*requests)
        assert told(short).items() <= told(expected).items()
        rest = told(expected).keys() - told(short).keys()
        assert {told(expected)[each][0] for each in rest} <= {Action.KEEP}
        assert short.not_reached is not None
        assert len(rest) == short.not_reached.pure + short.not_reached.unbound


@pytest.mark.parametrize("seed", range(6, 10))
def test_without_records_it_is_never_bolder_than_the_plan_over_the_source(
    make: Factory, from_catalog: Plan, over_source: Plan, seed: int
) -> None:
    random_farm(make, seed)
    expected = told(over_source(NUMPY))
    for name, (action, verdict, _) in told(from_catalog(NUMPY, lists_all=True)).items():
        assert verdict in (expected[name][1], Verdict.UNKNOWN)
        assert action is not Action.KEEP or expected[name][0] is Action.KEEP


@pytest.mark.parametrize("seed", range(10, 13))
def test_opened_wheels_are_judged_as_in_a_plan_over_the_source(
    make: Factory, from_catalog: Plan, over_source: Plan, seed: int
) -> None:
    random_farm(make, seed)
    expected = {name: row[1] for name, row in told(over_source(GIFT)).items()}
    made = from_catalog(GIFT, lists_all=True, reads_wheels=True)
    assert {name: row[1] for name, row in told(made).items()} == expected


API = ("numpy.core._multiarray_umath", "_ARRAY_API", "this NumPy (NumPy 1.19) here")


def users_of_numpy(make: Factory) -> None:
    make.numpy_1()
    make.numpy_1("1.26.5")
    make.numpy_2()
    make.for_numpy_1("old")
    make.for_both("both")
    make.for_both("inputs")
    make.extension("inputs_of_old", strings=API, requires=["numpy"])


@pytest.mark.parametrize("new", ["1.26.5", "2.0.2"])
def test_a_user_of_numpy_alone_is_judged_as_over_the_source(
    make: Factory, from_catalog: Plan, over_source: Plan, new: str
) -> None:
    users_of_numpy(make)
    make.extension("random", strings=(*API, "numpy.random"), requires=["numpy"])
    make.extension("inputs_random", strings=(*API, "numpy.random.mtrand"), requires=["numpy"])
    make.extension("names", strings=("numpy.core",), requires=["numpy"])
    record(make, "numpy")
    bump = RequestedBump(name=NUMPY.name, new=Version(new), old=Version("1.26.4"))
    for level in EvidenceLevel:
        expected = over_source(bump, level=level)
        made = from_catalog(bump, level=level, lists_all=True)
        assert told(made) == told(expected)


def test_users_of_numpy_alone_are_judged_without_reading_all_of_their_facts(
    make: Factory, from_catalog: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    users_of_numpy(make)
    cut = make.extension("cut", strings=(*API, *(f"numpy.n{at}" for at in range(600))))
    record(make, "numpy")
    read: list[str] = []
    body_of = Selection.body

    def noted(self: Selection, wheel: int) -> object:
        read.append(self.wheel(wheel).reference.filename)
        return body_of(self, wheel)

    monkeypatch.setattr(Selection, "body", noted)
    made = from_catalog(NUMPY)
    assert {each.reference.name: each.verdict.value for each in made.wheels} == {
        "both": "valid",
        "cut": "invalid",
        "inputs": "valid",
        "inputs-of-old": "invalid",
        "old": "invalid",
    }
    # Of names that are cut off nobody knows how they go on.
    assert read == [cut.name]


def test_nothing_is_opened_but_what_is_bumped(make: Factory, from_catalog: Plan) -> None:
    make.numpy_1()
    make.numpy_2()
    made_for_1 = make.for_numpy_1("low")
    bound = make.extension("first", strings=("low",), requires=["low"])
    free = make.extension("beside", requires=["low"])
    record(make, "numpy", "low")
    from_catalog(NUMPY)
    for path in (made_for_1, bound, free):
        path.write_bytes(path.read_bytes()[:50])
        os.utime(path)
    # The scan would find that they are others now.
    with Catalog(make.directory.parent / "catalog.db") as catalog:
        question = CatalogQuestion(requests=[NUMPY], target=LINUX)
        made = plan_from_catalog(catalog, question, Rules(level=EvidenceLevel.PROMISED))
    assert told(made) == {
        made_for_1.name: (Action.REBUILD, Verdict.INVALID, 1),
        bound.name: (Action.CONDITIONAL, Verdict.VALID, 2),
    }


@pytest.mark.parametrize("how", ["gone", "another", "damaged"])
def test_without_the_bumped_wheels_only_pure_ones_are_kept(
    make: Factory, from_catalog: Plan, how: str
) -> None:
    make.numpy_1()
    new = make.numpy_2()
    make.for_both("both")
    make.extension("alone")
    make.pure("plain")
    record(make, "numpy")
    from_catalog(NUMPY)
    data = new.read_bytes()
    new.unlink()
    if how != "gone":
        new.write_bytes(data[:100] if how == "damaged" else data + b"\0" * 8)
    with Catalog(make.directory.parent / "catalog.db") as catalog:
        question = CatalogQuestion(requests=[NUMPY], target=LINUX, lists_all=True)
        made = plan_from_catalog(catalog, question, Rules(level=EvidenceLevel.PROMISED))
    verdicts = {each.reference.name: each.verdict for each in made.wheels}
    unknown = Verdict.UNKNOWN
    assert verdicts == {"both": unknown, "alone": unknown, "plain": Verdict.VALID}


def test_what_cannot_be_told_is_unknown_and_never_left_out(
    make: Factory, from_catalog: Plan, catalog: Catalog
) -> None:
    make.numpy_1()
    make.numpy_2()
    searched = make.extension("searched")
    embed(searched, build_inputs=None, looked_for=["numpy"])
    unsearched = make.extension("unsearched")
    embed(unsearched, build_inputs=None, looked_for=["other"])
    unread = make.extension("unread", files={"unread/_b.so": make.module("b")[:600]})
    embed(unread, build_inputs=None, looked_for=["numpy"])
    bad = make.directory / "bad-1.0-py3-none-any.whl"
    bad.write_bytes(b"bad")
    unasked = make.extension("unasked")
    embed(unasked, build_inputs=None, looked_for=["numpy"])
    from_catalog(NUMPY)
    catalog.connection.execute("INSERT INTO strings VALUES (99999, 'cython linking')")
    catalog.connection.execute(
        "UPDATE wheels SET asked = 99999 WHERE filename = ?", (unasked.name,)
    )
    made = from_catalog(NUMPY)
    assert {name: row[:2] for name, row in told(made).items()} == {
        each.name: (Action.REBUILD, Verdict.UNKNOWN) for each in (unsearched, unread, bad, unasked)
    }
    assert made.not_reached is not None
    assert (made.not_reached.pure, made.not_reached.unbound) == (0, 1)
    assert "kept and not listed" in "\n".join(plan_lines(made))


def test_without_a_new_wheel_all_with_binaries_are_unknown(
    make: Factory, from_catalog: Plan, over_source: Plan
) -> None:
    make.numpy_1()
    make.extension("alone")
    make.pure("plain")
    record(make, "numpy")
    assert told(from_catalog(NUMPY, lists_all=True)) == told(over_source(NUMPY))


def test_what_is_forced_is_rebuilt(make: Factory, from_catalog: Plan, over_source: Plan) -> None:
    make.numpy_1()
    make.numpy_2()
    make.pure("plain", requires=["both"])
    make.for_both("both")
    record(make, "numpy", "both")
    for forced in ({"both"}, {ALL}):
        expected = over_source(NUMPY, forced=forced)
        made = from_catalog(NUMPY, forced=frozenset(forced), lists_all=True)
        assert told(made) == told(expected)
    with pytest.raises(UsageError, match="no wheel of other is planned"):
        from_catalog(NUMPY, forced=frozenset({"other"}))


def test_only_the_newest(make: Factory, from_catalog: Plan, over_source: Plan) -> None:
    make.numpy_1()
    make.numpy_2()
    for version in ("1.0", "1.10", "1.9"):
        make.for_numpy_1("low", version=version)
    make.extension("first", strings=("low",), requires=["low<1.5"])
    record(make, "numpy", "low")
    for newest_only in (True, False):
        expected = over_source(NUMPY, newest_only=newest_only)
        made = from_catalog(NUMPY, newest_only=newest_only, lists_all=True)
        assert (told(made), made.waves) == (told(expected), expected.waves)


def test_strictly_what_was_built_with_another_version_is_open(
    make: Factory, from_catalog: Plan, over_source: Plan
) -> None:
    make.numpy_1()
    make.numpy_2()
    make.extension("inputs")
    make.extension("alone")
    record(make, "numpy")
    expected = over_source(NUMPY, strict=True)
    assert told(from_catalog(NUMPY, strict=True, lists_all=True)) == told(expected)


def test_one_of_several_sources_is_named(
    make: Factory, catalog: Catalog, from_catalog: Plan, executor: Executor, tmp_path: Path
) -> None:
    make.numpy_1()
    make.numpy_2()
    make.for_both("both")
    other = tmp_path / "other"
    other.mkdir()
    Factory(other, make._compile).pure("elsewhere")
    scan(catalog, other, executor)
    with pytest.raises(UsageError, match="--source has to be one of"):
        from_catalog(NUMPY)
    made = from_catalog(NUMPY, source=str(make.directory))
    assert list(told(made)) == [f"both-1.0-{TAG}.whl"]


def test_a_scan_at_the_same_time_changes_nothing(
    make: Factory, catalog: Catalog, from_catalog: Plan, executor: Executor
) -> None:
    make.numpy_1()
    make.numpy_2()
    make.for_numpy_1("low")
    from_catalog(NUMPY)
    with Catalog(catalog.path) as reader, reader.snapshot():
        selection = Selection(reader, None, LINUX.tags)
        before = int(selection.chosen.sum())
        make.pure("late", requires=["numpy"])
        scan(catalog, make.directory, executor)
        assert int(selection.mask("id", "FROM wheels").sum()) == before
    with Catalog(catalog.path) as reader:
        assert int(Selection(reader, None, LINUX.tags).chosen.sum()) == before + 1


def test_a_catalog_whose_numbers_are_none_is_refused(
    make: Factory, catalog: Catalog, from_catalog: Plan
) -> None:
    make.numpy_1()
    make.numpy_2()
    make.for_numpy_1("low")
    from_catalog(NUMPY)
    catalog.connection.execute("UPDATE OR REPLACE places SET wheel = 'x'")
    with pytest.raises(SourceUnavailable, match="damaged"):
        from_catalog(NUMPY)
