"""Bumps of wheels from the package index, and how these went: bumps/bumps.json.

The truth was found by loading the consumer with the new provider (bumps/find_truth.py). No code
of a wheel runs here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from resolver_check.check import Bump, judge
from resolver_check.model import EvidenceLevel, Verdict
from resolver_check.scan.subject import Subject
from tests.support.released_wheel import NotDownloaded, download

BUMPS = json.loads((Path(__file__).parent / "bumps/bumps.json").read_text())


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize(
    "bump",
    [
        pytest.param(bump, id="{consumer}-{provider}-{built}-{bumped}".format_map(bump))
        for bump in BUMPS
    ],
)
def test_a_bump(bump: dict[str, Any], open_subject: Callable[[Path], Subject]) -> None:
    provider, python = bump["provider"], bump["python"]
    releases = [bump["consumer"], *(f"{provider}=={bump[key]}" for key in ("built", "bumped"))]
    try:
        wheels = [download(release, python) for release in releases]
    except NotDownloaded as error:
        pytest.skip(str(error))
    consumer, old, new = map(open_subject, wheels)
    judgements = {level: judge(consumer, Bump(old, new), level=level) for level in EvidenceLevel}
    valid = {level for level, judged in judgements.items() if judged.verdict is Verdict.VALID}
    if not bump["works"]:
        assert not valid, bump["error"]
    elif "why_not_kept" not in bump:
        assert EvidenceLevel.PROMISED in valid, judgements[EvidenceLevel.PROMISED]


def test_many_of_the_bumps_are_broken() -> None:
    broken = [bump for bump in BUMPS if not bump["works"]]
    assert len(broken) >= 30
    assert all(bump["error"] for bump in broken)
    assert len({bump["provider"].lower() for bump in broken}) >= 12
