"""Distributions that are used together: which pairs are judged, and how."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from packaging.utils import canonicalize_name

from backend_shim.embed import embed
from backend_shim.record.build_inputs import BuildRequirement
from backend_shim.record.read_set import listing_digest
from backend_shim.wheel.archive import WheelArchive
from resolver_check.compare.interpreter import Python
from resolver_check.conditional import Rules
from resolver_check.fitting import Fit, judge_together, judge_with_python
from resolver_check.model import EvidenceLevel, Verdict
from resolver_check.report.remedies import remedies
from resolver_check.scan.environment import open_environment
from resolver_check.scan.installed_files import installed_files
from tests.backend_shim.record.example_inputs import INPUTS
from tests.resolver_check.conftest import Factory, Open, gift
from tests.support.installed_wheels import install_wheels

RULES = Rules(level=EvidenceLevel.PROMISED)


def _by_pair(fits: tuple[Fit, ...]) -> dict[tuple[str, str], Verdict]:
    return {(each.consumer.name, each.provider.name): each.judgement.verdict for each in fits}


def test_every_pair_of_which_one_can_bind_and_the_other_be_bound_to(
    make: Factory, open_subject: Open
) -> None:
    wheels = [make.numpy_2(), make.for_numpy_1("old"), make.for_both("both"), make.pure("pure")]
    fits = judge_together([open_subject(each) for each in wheels], RULES)
    assert _by_pair(fits) == {
        ("both", "numpy"): Verdict.VALID,
        ("both", "old"): Verdict.VALID,
        ("numpy", "both"): Verdict.VALID,
        ("numpy", "old"): Verdict.VALID,
        ("old", "both"): Verdict.VALID,
        ("old", "numpy"): Verdict.INVALID,
    }
    assert [each.is_declared for each in fits] == [True, False, False, False, False, True]


def test_python_code_that_passes_on_what_another_has_is_a_provider(
    make: Factory, open_subject: Open
) -> None:
    wheels = [
        make.extension("taker", strings=("front.api", "back.api")),
        make.pure("front", requires=["Middle"]),
        make.pure("middle", requires=["engine"]),
        make.pure("back"),
        make.extension("engine"),
    ]
    fits = _by_pair(judge_together([open_subject(each) for each in wheels], RULES))
    assert {pair[1] for pair in fits} == {"front", "middle", "engine", "taker"}
    assert fits["taker", "front"] is Verdict.UNKNOWN


def test_pairs_of_some_only(make: Factory, open_subject: Open) -> None:
    wheels = [make.numpy_2(), make.for_numpy_1("old"), make.for_both("both")]
    subjects = [open_subject(each) for each in wheels]
    fits = _by_pair(judge_together(subjects, RULES, only=[canonicalize_name("old")]))
    assert fits.keys() == {("old", "numpy"), ("old", "both"), ("numpy", "old"), ("both", "old")}
    assert fits["old", "numpy"] is Verdict.INVALID


def test_without_a_record_linking_to_it_is_unknown(make: Factory, tmp_path: Path) -> None:
    site = install_wheels(tmp_path / "env", make.linked(), gift(make))
    fits = _by_pair(judge_together(open_environment([site]).subjects, RULES))
    assert fits["taker", "gift"] is Verdict.UNKNOWN


def _built_with(wheel: Path, provider: Path, version: str) -> None:
    with WheelArchive.open(provider) as archive:
        listing = listing_digest(installed_files(archive.manifest).items())
    requirement = BuildRequirement(name="gift", version=version, digests=(("record", listing),))
    embed(
        wheel, build_inputs=dataclasses.replace(INPUTS, requirements=(requirement,)),
        looked_for={"gift", "libgift.so.1"},
    )  # fmt: skip


def test_what_was_built_with_exactly_these_files_fits(make: Factory, tmp_path: Path) -> None:
    consumer, provider = make.linked(), gift(make)
    _built_with(consumer, provider, "1.0")
    site = install_wheels(tmp_path / "env", consumer, provider)
    fits = judge_together(open_environment([site]).subjects, RULES)
    assert _by_pair(fits)["taker", "gift"] is Verdict.VALID
    # As soon as one of these files is another, nothing is known.
    (site / "gift" / "include" / "gift.h").write_text("int gift_open(void) ;\n")
    fits = judge_together(open_environment([site]).subjects, RULES)
    assert _by_pair(fits)["taker", "gift"] is Verdict.UNKNOWN


def test_a_wheel_that_cannot_be_read_is_unknown_with_all_others(
    make: Factory, tmp_path: Path
) -> None:
    site = install_wheels(tmp_path / "env", make.for_both("both"), make.numpy_2())
    subjects = open_environment([site]).subjects
    next(site.glob("both/_both*")).unlink()
    fits = _by_pair(judge_together(subjects, RULES))
    assert set(fits.values()) == {Verdict.UNKNOWN}
    assert ("both", "numpy") in fits


def test_the_interpreter_is_a_provider(make: Factory, open_subject: Open) -> None:
    subjects = [open_subject(each) for each in (make.pure("pure"), make.extension("taker"))]
    (fit,) = judge_with_python(subjects, Python(version="3.12.1"), RULES)
    assert (fit.consumer.name, fit.provider.name, fit.provider.version) == (
        "taker", "python", "3.12.1",
    )  # fmt: skip
    assert fit.judgement.verdict is Verdict.INVALID
    assert remedies(fit)[0] == "install a taker that is made for CPython 3.12.1"
    (fit,) = judge_with_python(subjects, Python(version="3.11.1"), RULES)
    assert fit.judgement.verdict is Verdict.UNKNOWN
    assert remedies(fit) == ()
