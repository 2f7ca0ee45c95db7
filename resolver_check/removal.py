"""A provider that disappears: whoever needs it can no longer be installed, or no longer works."""

from __future__ import annotations

from packaging.utils import NormalizedName, canonicalize_name

from resolver_check.check import Bump, judge
from resolver_check.model import (
    EvidenceLevel,
    Judgement,
    NoNewWheel,
    ProviderGone,
    PureConsumer,
    Verdict,
)
from resolver_check.scan.consumer import Consumer
from resolver_check.target import Target


class Removal:
    """One provider that is no longer there."""

    def __init__(self, name: NormalizedName, unchanged: Bump | None, target: Target) -> None:
        """`unchanged` goes from its last wheel to the same, None where no wheel of it is known."""
        self.name = name
        self.unchanged = unchanged
        self.target = target
        self.binding_names = unchanged.binding_names if unchanged else frozenset[str]()


def judge_removal(consumer: Consumer, removal: Removal, *, level: EvidenceLevel) -> Judgement:
    """The verdict on `consumer` without the provider. Raises InvalidWheel.

    What only a build requires of it is no matter here: the wheel is built.
    """
    required = any(
        canonicalize_name(each.name) == removal.name and removal.target.applies(each)
        for each in consumer.requirements
    )
    if required:
        gone = ProviderGone(name=removal.name, is_required=True)
        return Judgement(verdict=Verdict.INVALID, general=(gone,))
    if removal.unchanged is None:
        if consumer.fingerprint().is_purelib:
            return Judgement(verdict=Verdict.VALID, general=(PureConsumer(),))
        missing = NoNewWheel(name=removal.name, version=None)
        return Judgement(verdict=Verdict.UNKNOWN, general=(missing,))
    judgement = judge(consumer, removal.unchanged, level=level)
    if not judgement.bindings or judgement.verdict is Verdict.UNKNOWN:
        return judgement
    gone = ProviderGone(name=removal.name, is_required=False)
    return Judgement(
        verdict=Verdict.INVALID,
        bindings=judgement.bindings,
        general=(gone, *judgement.general),
    )
