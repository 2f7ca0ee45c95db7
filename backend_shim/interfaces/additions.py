"""The rule of declaration by declaration: what was there is still there, and all else is new.

A consumer that is compiled already holds what it took from the old files. It fits the new ones if
every old declaration, in the same order and under the same conditions, is among the new: same
types, same constants, same inline code. What was only added cannot reach it, unless it gives an old
declaration another meaning: so a name that is added must not occur in what has to stay.

What the files say of a function or variable that the consumer does not import need not stay, where
that is known: a function leaves nothing in a consumer but its name. A type or a constant always
counts, for it may pass through `void *` or `int` (design/verdicts.md, evidence "same interface").
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from backend_shim.interfaces.c_kinds import enumerators
from backend_shim.interfaces.declarations import Item, Kind
from backend_shim.interfaces.release_macros import is_other_release

# Beyond this an enumerator may ask for a wider type than `int` (C11 6.7.2.2).
_INT_LIMIT: Final = 1 << 30
_NUMBER: Final = re.compile(r"0[xX][0-9A-Fa-f]+|[0-9]+")
# Reserved for the implementation (C11 7.1.3), whose headers are steered with such names.
_RESERVED: Final = re.compile(r"_[A-Z_]")


Placed = tuple[str, Item]
"""An item and the path of its file."""


class Comparison:
    """What came out of comparing files declaration by declaration."""

    def __init__(self) -> None:
        self.changed: list[Placed] = []
        """Old items that must stay and do not."""
        self.kept: list[Placed] = []
        """Old items that must stay."""
        self.added: list[Placed] = []
        self.releases: set[str] = set()
        """Macros that say another release now."""
        self.excused: set[str] = set()
        """What is declared by old items that did not stay, and that other evidence answers for."""

    def take(
        self,
        path: str,
        old: Sequence[Item],
        new: Sequence[Item],
        is_used: Callable[[Item], bool],
        is_excused: Callable[[Item, Sequence[Item]], bool] = lambda _old, _new: False,
    ) -> None:
        """Compare one file's items; `is_used` says of a FUNCTION whether the consumer may have it.

        `is_excused` says of an item that did not stay, and of the new ones of its name, whether
        other evidence answers for the difference.
        """
        matched: set[int] = set()
        places = _Places(new)
        after = 0
        for item in old:
            found = places.first(item, after)
            if found is not None:
                matched.add(found)
                after = found + 1
                self._note(path, item, new[found])
            elif item.kind is Kind.FUNCTION and not is_used(item):
                continue
            elif is_excused(item, places.namesakes(item)):
                self.excused |= item.names
                continue
            else:
                self.changed.append((path, item))
            self.kept.append((path, item))
        if new and not old and _is_guard(new[0]):
            new = (replace(new[0], kind=Kind.DECLARED), *new[1:])
        self.added += [(path, each) for place, each in enumerate(new) if place not in matched]

    def _note(self, path: str, old: Item, new: Item) -> None:
        if old.text == new.text:
            return
        if old.kind is Kind.ENUM:
            names = new.names - old.names
            text = tuple(sorted(names))
            self.added.append((path, replace(new, text=text, kind=Kind.DECLARED, names=names)))
        elif old.kind is Kind.MACRO:
            self.releases |= old.names

    def harmful(self, elsewhere: Callable[[frozenset[str]], frozenset[str]]) -> Iterator[Placed]:
        """Those of the added items that may give an old one another meaning.

        `elsewhere` says which of some names occur in the files that are the same.
        """
        names: frozenset[str] = frozenset().union(*(each.names for _, each in self.added))
        taken = names & frozenset().union(*(each.words for _, each in self.kept))
        taken |= elsewhere(names - taken)
        own = {
            _prefix(name) for _, each in self.kept if each.kind is Kind.MACRO for name in each.names
        }
        for path, item in self.added:
            if item.kind is Kind.MACRO:
                is_harmful = not (taken.isdisjoint(item.names) and _is_own(item, own))
            else:
                is_harmful = not item.names.isdisjoint(taken - self.excused)
            if is_harmful or item.kind is Kind.OTHER:
                yield path, item


def _prefix(name: str) -> str:
    return name.lstrip("_").partition("_")[0]


def _is_own(item: Item, prefixes: set[str]) -> bool:
    """Whether a macro is the provider's own, and no switch for the headers of others.

    `_FILE_OFFSET_BITS`, `NDEBUG`, `NPY_NO_DEPRECATED_API` change what is declared elsewhere.
    """
    if item.text[0] != "#define":
        return True
    return all(not _RESERVED.match(name) and _prefix(name) in prefixes for name in item.names)


def _is_guard(item: Item) -> bool:
    """Whether it is the `#define NAME` behind `#ifndef NAME`, for which nobody else asks."""
    return len(item.text) == 2 and item.where == (f"#ifndef {item.text[1]}",)


class _Places:
    """Where items stand in a file, by their text and by what they declare."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._items = items
        self._by_text: dict[tuple[tuple[str, ...], tuple[str, ...]], list[int]] = {}
        self._by_name: dict[str, list[int]] = {}
        for place, item in enumerate(items):
            self._by_text.setdefault((item.where, item.text), []).append(place)
            for name in item.names:
                self._by_name.setdefault(name, []).append(place)

    def first(self, item: Item, after: int) -> int | None:
        """The first place, not before `after`, at which all that `item` says is said."""
        same = self._by_text.get((item.where, item.text), ())
        found = list(same[bisect_left(same, after) :][:1])
        if item.kind in (Kind.ENUM, Kind.FUNCTION, Kind.MACRO):
            found += [
                place
                for place in self._namesakes(item)
                if place >= after and _says_no_less(item, self._items[place])
            ]
        return min(found, default=None)

    def namesakes(self, item: Item) -> list[Item]:
        """The items that declare any name which `item` declares."""
        found = {place for name in item.names for place in self._by_name.get(name, ())}
        return [self._items[place] for place in sorted(found)]

    def _namesakes(self, item: Item) -> Iterable[int]:
        name = min(item.names, default="")
        return self._by_name.get(name, ())


def _says_no_less(old: Item, new: Item) -> bool:
    """Whether a consumer of `old` is served by `new`, although the text differs."""
    if old.kind is not new.kind or old.where != new.where:
        return False
    if old.kind is Kind.ENUM:
        return _is_grown_enum(old.text, new.text)
    if old.kind is Kind.MACRO:
        return is_other_release(old, new)
    return _raises_nothing_now(old.text, new.text) or _only_reads_now(old.text, new.text)


def _is_grown_enum(old: tuple[str, ...], new: tuple[str, ...]) -> bool:
    """Enumerators were added at the end, of values that need no wider type."""
    if "{" not in old or "{" not in new:
        return False
    (before, inside, behind), (now_before, now_inside, now_behind) = map(_around_braces, (old, new))
    rows, now_rows = enumerators(inside), enumerators(now_inside)
    more = now_rows[len(rows) :]
    last_value = next((each for each in reversed(rows) if len(each) > 1), None)
    return (
        (before, behind, rows) == (now_before, now_behind, now_rows[: len(rows)])
        and (last_value is None or _is_small(last_value))
        and all(len(each) == 1 or _is_small(each) for each in more)
    )


def _around_braces(text: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    start, end = text.index("{"), len(text) - text[::-1].index("}")
    return text[:start], text[start + 1 : end - 1], text[end:]


def _is_small(enumerator: tuple[str, ...]) -> bool:
    """`NAME = 12`."""
    return (
        len(enumerator) == 3
        and enumerator[1] == "="
        and _NUMBER.fullmatch(enumerator[2]) is not None
        and not _is_large(enumerator[2])
    )


def _is_large(token: str) -> bool:
    if not token[0].isdigit():
        return False
    match = _NUMBER.match(token)
    if match is None:
        return True
    digits = match[0]
    return int(digits, 16 if digits[1:2] in "xX" and digits[1:] else 10) >= _INT_LIMIT


def _raises_nothing_now(old: tuple[str, ...], new: tuple[str, ...]) -> bool:
    """A function of Cython now says `noexcept`, where nothing was said of exceptions.

    What the consumer then does, looking for an exception or not, is right if none is raised.
    """
    if ")" not in old or ")" not in new:
        return False
    at, now_at = (len(text) - text[::-1].index(")") for text in (old, new))
    clause, now = old[at:], list(new[now_at:])
    if old[:at] != new[:now_at] or "except" in clause or now.count("noexcept") != 1:
        return False
    now.remove("noexcept")
    return tuple(now) == clause


def _only_reads_now(old: tuple[str, ...], new: tuple[str, ...]) -> bool:
    """Parameters of a function of C that are pointers have become pointers to const."""
    if old[-1:] != (";",) or new[-1:] != (";",) or "(" not in old or "(" not in new:
        return False
    (before, inside, behind), (now_before, now_inside, now_behind) = map(_parameters, (old, new))
    if (before, behind) != (now_before, now_behind):
        return False
    rows, now_rows = enumerators(inside), enumerators(now_inside)
    return len(rows) == len(now_rows) and all(map(_is_same_or_const, rows, now_rows))


def _parameters(text: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    start = text.index("(")
    end = len(text) - text[::-1].index(")")
    return text[:start], text[start + 1 : end - 1], text[end:]


def _is_same_or_const(old: tuple[str, ...], new: tuple[str, ...]) -> bool:
    if old == new:
        return True
    # Behind one `*` only: through `char **` a pointer to what must not be written comes back.
    is_pointer = old.count("*") == 1 and not {"(", "[", "&", "&&", "<", "const"}.intersection(old)
    return is_pointer and new == ("const", *old)
