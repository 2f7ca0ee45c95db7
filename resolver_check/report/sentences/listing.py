"""How a sentence lists names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_SHOWN: Final = 4


def some(names: Iterable[str]) -> str:
    """The first few of `names`, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more
