"""What changed inputs mean for a wheel."""

from __future__ import annotations

from dataclasses import replace

from resolver_check.compare.changed_input import InputChange, InputKind
from resolver_check.compare.input_judgement import judge_inputs, same_as_bumped
from resolver_check.model import Judgement, Verdict
from tests.backend_shim.record.example_inputs import INPUTS

CHANGED = InputChange(kind=InputKind.VERSION, name="", old="1", new="2")
EXCUSED = InputChange(
    kind=InputKind.REQUIREMENT, name="gift", old="1", new="2", excuse="the build read nothing of it"
)


def kinds(judgement: Judgement) -> list[str]:
    return [reason.kind for _, reason in judgement.reasons]


def test_one_change_without_an_excuse_asks_for_a_rebuild() -> None:
    found = judge_inputs("a.whl", [EXCUSED, CHANGED], same=["numpy"])
    assert found.verdict is Verdict.UNKNOWN
    assert kinds(found) == ["build-inputs-changed", "build-input-excused"]


def test_what_is_excused_leaves_the_wheel_good_and_is_said() -> None:
    found = judge_inputs("a.whl", [EXCUSED], same=["numpy"])
    assert found.verdict is Verdict.VALID
    assert kinds(found) == ["build-inputs-unchanged", "build-input-excused"]


def test_where_nothing_changed_at_all_a_rebuild_gives_the_same() -> None:
    assert kinds(judge_inputs("a.whl", [])) == ["build-inputs-unchanged"]
    found = judge_inputs("a.whl", [], same=["numpy"])
    assert (found.verdict, kinds(found)) == (
        Verdict.VALID,
        ["build-inputs-unchanged", "same-build"],
    )


def test_what_is_not_compared_is_said() -> None:
    found = judge_inputs("a.whl", [], not_compared=["libc6-dev 2.36-9"])
    assert found.verdict is Verdict.VALID
    assert kinds(found) == ["build-inputs-unchanged", "system-packages-not-compared"]


def test_without_a_record_nothing_is_known() -> None:
    found = judge_inputs("a.whl", None, same=["numpy"])
    assert (found.verdict, kinds(found)) == (Verdict.UNKNOWN, ["build-inputs-not-recorded"])


def test_a_bumped_provider_is_named_if_it_is_installed_in_its_new_version() -> None:
    numpy = INPUTS.requirements[1]
    inputs = replace(INPUTS, requirements=(numpy, INPUTS.requirements[2]))
    assert same_as_bumped(inputs, {"numpy": numpy.version, "setuptools": "1", "x": "1"}) == (
        "numpy",
    )
