"""Which of many names may stand in a binary at all: one pass for what each of them begins with.

To look for each name apart takes a pass for each: with those of a hundred distributions, minutes.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from backend_shim.interfaces.inspected_wheel import Buffer

SHORTEST: Final = 4
"""Bytes of the shortest names that are looked for; longer ones may stand in pieces of as many."""
LONGEST: Final = 8
"""Bytes of a name that are looked for."""
FEW: Final = 8
"""Names that are looked for one by one as soon."""


def beginnings_in(
    data: Buffer, ranges: Iterable[tuple[int, int]], names: Collection[str]
) -> frozenset[bytes]:
    """What stands anywhere in the ranges of `data` and may be the beginning of one of `names`.

    In each length from SHORTEST to LONGEST. Names of fewer bytes are not looked for.
    """
    wanted = frozenset(name.encode()[:SHORTEST] for name in names)
    pattern = _pattern(frozenset(each for each in wanted if len(each) == SHORTEST))
    longest = {
        bytes(data[match.start() : min(match.start() + LONGEST, end)])
        for start, end in ranges
        for match in pattern.finditer(data, start, end)
    }
    return frozenset(each[:size] for each in longest for size in range(SHORTEST, len(each) + 1))


@functools.lru_cache(maxsize=256)
def _pattern(wanted: frozenset[bytes]) -> re.Pattern[bytes]:
    """Matches the first byte of each of `wanted`, so that none hides one that begins in it."""
    rest: dict[bytes, list[bytes]] = {}
    for each in sorted(wanted):
        rest.setdefault(each[:1], []).append(re.escape(each[1:]))
    # With nothing to look for: what is nowhere.
    parts = [b"%b(?=%b)" % (re.escape(one), b"|".join(rest[one])) for one in rest] or [b"(?!)"]
    return re.compile(b"|".join(parts), re.DOTALL)
