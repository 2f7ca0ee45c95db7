"""What a rebuild says of a wheel that a plan keeps: the nouns."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from resolver_check.compare.wheels.difference import WheelDifference
from resolver_check.plan_model import PlannedWheel


class Finding(str, enum.Enum):
    """What a rebuild says of having skipped it."""

    PROVEN = "proven"
    """It came out the same, but for noise."""
    DIFFERS = "differs"
    """Its content differs and its interface does not: the skip rests on its evidence."""
    REFUTED = "refuted"
    """Its interface differs."""
    NOT_BUILT = "not-built"
    """It could not be built or read, so nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidatedSkip:
    """A kept wheel against its rebuild."""

    planned: PlannedWheel
    finding: Finding
    log: Path
    rebuilt: Path | None = None
    difference: WheelDifference | None = None
    why: str | None = None
    """Why they could not be compared."""


def worst(found: Iterable[ValidatedSkip]) -> Finding:
    """The finding that decides: refuted, then what is not known, then what differs."""
    findings = {each.finding for each in found}
    order = (Finding.REFUTED, Finding.NOT_BUILT, Finding.DIFFERS)
    return next((each for each in order if each in findings), Finding.PROVEN)
