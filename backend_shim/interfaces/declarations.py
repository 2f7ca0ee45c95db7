"""The declarations of an interface file, one by one, each with what stands around it."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

IDENTIFIER: Final = re.compile(r"[A-Za-z_$\x80-\xff][\w$\x80-\xff]*", re.ASCII)
_SHOWN: Final = 60


class NotSplit(Exception):
    """A file that cannot be taken apart with certainty; it is then compared as a whole."""


class Kind(enum.Enum):
    """What a declaration leaves in a consumer that was compiled with it."""

    FUNCTION = "function"
    """A function or variable of which only the name and type are said here: it leaves the name."""
    ENUM = "enum"
    MACRO = "macro"
    INCLUDE = "include"
    DECLARED = "declared"
    """A type, an inline function, a constant: compiled in."""
    OTHER = "other"
    """All else: nothing may be concluded from what it looks like."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One declaration or directive, white space and comments left out."""

    where: tuple[str, ...]
    """The conditions and blocks around it, each with its own condition where it is not nested."""
    text: tuple[str, ...]
    """Its tokens. What opens and closes a file's lines is kept where it means something."""
    kind: Kind
    names: frozenset[str] = frozenset()
    """What it declares, for those kinds that may be added."""

    @cached_property
    def words(self) -> frozenset[str]:
        """All identifiers in it and in the conditions around it, those in literals too."""
        return frozenset(IDENTIFIER.findall("\n".join((*self.where, *self.text))))

    def __str__(self) -> str:
        """How it begins."""
        begin = " ".join(" ".join(each.split("\n")) for each in self.text[: _SHOWN // 2])
        return begin if len(begin) <= _SHOWN else begin[: _SHOWN - 1].rstrip() + "…"
