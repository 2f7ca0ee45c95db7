"""Exit statuses, the same for every command."""

from __future__ import annotations

from typing import Final

from resolver_check.model import Verdict

OK: Final = 0
INVALID: Final = 1
UNUSABLE: Final = 2
"""Wrong usage, or input that cannot be read."""
UNKNOWN: Final = 3

OF_VERDICT: Final = {Verdict.VALID: OK, Verdict.INVALID: INVALID, Verdict.UNKNOWN: UNKNOWN}
