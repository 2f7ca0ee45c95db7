"""Every reason that there is has a sentence of its own."""

from __future__ import annotations

import dataclasses
import typing

import pytest

from backend_shim.interfaces.reasons import Effect, Evidence, Reason
from resolver_check.model import EvidenceLevel, Judgement, Verdict
from resolver_check.report.explain import explain
from resolver_check.report.judgement_report import judgement_json, reason_lines
from tests.architecture.modules_of_tree import PACKAGES, modules


def _reasons() -> list[type[Reason]]:
    for package in PACKAGES:
        list(modules(package))
    found: list[type[Reason]] = []
    waiting = [Reason]
    while waiting:
        subclasses = [
            each
            for each in waiting.pop().__subclasses__()
            if each.__module__.partition(".")[0] in PACKAGES
        ]
        found += subclasses
        waiting += subclasses
    # `slots=True` makes each class twice; the first is left to the collector.
    by_name = {(each.__module__, each.__qualname__): each for each in found if _is_whole(each)}
    return [by_name[key] for key in sorted(by_name)]


def _is_whole(reason: type[Reason]) -> bool:
    return "__slots__" in vars(reason) and dataclasses.is_dataclass(reason)


def _example(reason: type[Reason]) -> Reason:
    hints = typing.get_type_hints(reason)
    return reason(
        **{
            field.name: _value(hints[field.name], field.name)
            for field in dataclasses.fields(reason)
        }
    )


def _value(kind: object, name: str) -> object:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        return tuple(_value(arguments[0], f"{name}{number}") for number in range(2))
    if arguments:
        return _value(arguments[0], name)
    return {str: f"<{name}>", int: 7, bool: True}[kind]  # type: ignore[index]


@pytest.mark.parametrize("reason", _reasons(), ids=lambda reason: reason.__name__)
def test_has_a_sentence_of_its_own(reason: type[Reason]) -> None:
    sentence = explain(_example(reason))
    assert not sentence.startswith(f"{reason.kind}: "), "explain() fell through to the bare data"
    assert len(sentence) > 20
    assert "\n" not in sentence


@pytest.mark.parametrize("reason", _reasons(), ids=lambda reason: reason.__name__)
def test_says_kind_effect_and_evidence(reason: type[Reason]) -> None:
    assert reason.kind == reason.kind.lower()
    assert isinstance(reason.effect, Effect)
    # What supports must say by which kind of evidence, or it would count for nothing.
    assert (reason.effect is Effect.SUPPORTS) == isinstance(reason.evidence, Evidence)


def test_kinds_are_told_apart() -> None:
    kinds = [reason.kind for reason in _reasons()]
    assert len(kinds) > 20
    assert len(set(kinds)) == len(kinds)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Stranger(Reason):
    kind: typing.ClassVar = "stranger"
    effect: typing.ClassVar = Effect.SUPPORTS
    evidence: typing.ClassVar = Evidence.SYMBOLS
    number: int


def test_a_strangers_reason_comes_with_its_data() -> None:
    assert explain(_Stranger(number=3)) == "stranger: number=3"


def test_text_shows_few_of_one_kind_and_json_all() -> None:
    judgement = Judgement(
        verdict=Verdict.UNKNOWN, general=tuple(_Stranger(number=number) for number in range(9))
    )
    lines = list(reason_lines(judgement, EvidenceLevel.SYMBOLS))
    assert lines[0] == "+ stranger: number=0"
    assert lines[-1] == "+ … and 4 more of this kind"
    assert len(lines) == 6
    assert len(judgement_json(judgement)["reasons"]) == 9  # type: ignore[arg-type]


def test_evidence_that_does_not_count_says_where_it_would() -> None:
    judgement = Judgement(verdict=Verdict.UNKNOWN, general=(_Stranger(number=1),))
    (line,) = reason_lines(judgement, EvidenceLevel.PROMISED)
    assert line == "+ stranger: number=1 (counts with --evidence symbols)"
