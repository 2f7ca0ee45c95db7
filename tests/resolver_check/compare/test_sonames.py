"""The rule where only sonames are known: it refuses, or leaves the wheel unknown."""

from __future__ import annotations

import pytest

from resolver_check.compare.sonames import Listing, NamedVersion, judge_listings
from resolver_check.model import EvidenceLevel, Judgement, Verdict


def listing(name: str, *entries: str, requires: bool = False) -> Listing:
    """Entries such as `libp.so.1` and `libp.so.1@P_1`."""
    found = frozenset(NamedVersion(*each.partition("@")[::2]) for each in entries)
    return Listing(name=name, requires=found) if requires else Listing(name=name, provides=found)


def judged(taken: str, old: str, new: str, level: EvidenceLevel) -> Judgement:
    return judge_listings(
        listing("c.txt", *taken.split(), requires=True),
        listing("old.txt", *old.split()),
        listing("new.txt", *new.split()),
        level=level,
        listings=("c.txt", "old.txt", "new.txt"),
    )


@pytest.mark.parametrize("level", EvidenceLevel)
@pytest.mark.parametrize(
    ("taken", "old", "new", "verdict", "kind"),
    [
        ("libp.so.1", "libp.so.1", "libp.so.2", Verdict.INVALID, "soname-missing"),
        ("libp.so.1@A libc.so.6", "libp.so.1 libp.so.1@A", "", Verdict.INVALID, "soname-missing"),
        ("libp.so.1@A", "libp.so.1 libp.so.1@A", "libp.so.1 libp.so.1@B", Verdict.INVALID,
         "version-node-missing"),
        ("libp.so.1@A", "libp.so.1 libp.so.1@A", "libp.so.1", Verdict.UNKNOWN, "versions-lost"),
        ("libp.so.1", "libp.so.1", "libp.so.1", Verdict.UNKNOWN, "sonames-present"),
        ("libp.so.1@A", "libp.so.1 libp.so.1@A", "libp.so.1 libp.so.1@A libp.so.1@B",
         Verdict.UNKNOWN, "sonames-present"),
        ("libq.so.1", "libp.so.1", "", Verdict.UNKNOWN, None),
        ("", "libp.so.1", "", Verdict.UNKNOWN, None),
        ("libc.so.6@GLIBC_2.34", "libc.so.6 libc.so.6@GLIBC_2.34", "", Verdict.UNKNOWN, None),
    ],
)  # fmt: skip
def test_the_verdict_is_never_valid(
    taken: str, old: str, new: str, verdict: Verdict, kind: str | None, level: EvidenceLevel
) -> None:
    judgement = judged(taken, old, new, level)
    assert judgement.verdict is verdict
    kinds = {reason.kind for _, reason in judgement.reasons}
    assert kinds == {"only-sonames-listed"} | ({kind} if kind else set())


def test_a_library_that_some_platform_has_is_no_refusal() -> None:
    judgement = judged("libz.so.1", "libz.so.1", "", EvidenceLevel.PROMISED)
    kinds = {reason.kind for _, reason in judgement.reasons}
    assert (judgement.verdict, "soname-may-be-missing" in kinds) == (Verdict.UNKNOWN, True)
