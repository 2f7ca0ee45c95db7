"""Two scopes of interface files that differ, compared declaration by declaration.

The rule is in `additions`; this is what it needs to know of whole files: which file an include
means, what else of the scope uses a name, and that a file stands on its own and is no piece of
another's declaration.
"""

from __future__ import annotations

import itertools
import posixpath
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

from backend_shim.interfaces import c_declarations, cython_declarations, release_macros
from backend_shim.interfaces.additions import Comparison, Placed
from backend_shim.interfaces.declarations import IDENTIFIER, Item, Kind, NotSplit
from backend_shim.interfaces.interface_file import (
    SPLICE,
    c_text,
    included,
    is_c_header,
)
from backend_shim.interfaces.interface_tree import Scope
from backend_shim.interfaces.release_macros import is_about_versions

# A user wants to see why, not all of it.
_ENOUGH: Final = 8
_DEFINE: Final = re.compile(r"^[ \t]*(?:#|%:)[ \t]*define[ \t]+([\w$]+)([^\n]*)", re.MULTILINE)
# Of a macro that changes how the following structs are laid out, no use is seen.
_HIDDEN_PACKING: Final = re.compile(r"_Pragma\s*\(\s*\"\s*pack|__pragma\s*\(\s*pack")


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """Functions and variables that the consumer takes, where all that it takes are known."""

    symbols: frozenset[str] | None = None
    """By linking: what headers declare."""
    functions: frozenset[str] | None = None
    """From modules of Cython: what `.pxd` files declare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What became of the declarations."""

    changed: tuple[tuple[str, str], ...] = ()
    """Path and how it begins, of the first few that are not as they were."""
    added: tuple[str, ...] = ()
    """Names that are new."""
    releases: tuple[str, ...] = ()
    """Macros that say another release and no more."""


Excuse: TypeAlias = Callable[[Item, Sequence[Item]], bool]
"""Given an old item, and the new ones of its name: whether evidence other than the text of headers
says that the difference is none."""


def grown(
    old: Scope,
    new: Scope,
    differing: Collection[str],
    imported: Imported,
    excuse: Excuse | None = None,
) -> Growth:
    """What became of the declarations in `old`, of which the files `differing` are not the same."""
    return _Growing(old, new, frozenset(differing), imported, excuse).result()


_Change = tuple[str, str]
_WHOLE: Final = "as a whole"


class _Growing:
    def __init__(
        self,
        old: Scope,
        new: Scope,
        differing: frozenset[str],
        imported: Imported,
        excuse: Excuse | None,
    ) -> None:
        self.excuse = excuse
        self.old, self.new, self.differing, self.imported = old, new, differing, imported
        self.comparison = Comparison()
        self._split: dict[tuple[int, str], tuple[Item, ...] | None] = {}

    def result(self) -> Growth:
        for changes in (self._of_files, self._of_items, self._of_additions, self._of_releases):
            found = list(dict.fromkeys(itertools.islice(changes(), _ENOUGH)))
            if found:
                return Growth(changed=tuple(found))
        names = (each.names for _, each in self.comparison.added)
        return Growth(
            added=tuple(sorted(frozenset().union(*names))),
            releases=tuple(sorted(self.comparison.releases)),
        )

    def _items(self, scope: Scope, path: str) -> tuple[Item, ...] | None:
        """The items of a file; None where it cannot be taken apart."""
        key = id(scope), path
        if key not in self._split:
            take_apart = (c_declarations if is_c_header(path) else cython_declarations).split
            try:
                self._split[key] = take_apart(scope.tree.content(path))
            except NotSplit:
                self._split[key] = None
        return self._split[key]

    # Files

    def _of_files(self) -> Iterator[_Change]:
        """Files that are gone, or that are no text that can be taken apart."""
        for path in sorted(self.differing):
            if path not in self.new.files:
                yield path, "is not there"
            elif path not in self.old.files:
                # A symbol of the name is declared again, which `_of_additions` sees.
                if path in self.new.declaring and self.imported.symbols is None:
                    yield path, "is new"
            elif not (is_c_header(path) or path.lower().endswith(".pxd")):
                yield path, _WHOLE
        yield from self._other_includes()
        yield from self._pieces()

    def _other_includes(self) -> Iterator[_Change]:
        """Includes of old files that may now mean another file."""
        paths = self.old.tree.by_path.keys() ^ self.new.tree.by_path.keys()
        names = {posixpath.basename(path) for path in paths}
        if not names:
            return
        for path, file in self.old.files.items():
            for include in file.includes:
                if posixpath.basename(include) in names and (
                    self.old.tree.named(include) != self.new.tree.named(include)
                ):
                    yield path, f"includes {include}"

    def _pieces(self) -> Iterator[_Change]:
        """Files that another includes within a declaration, or may: they are part of it."""
        names = {posixpath.basename(path) for path in self.differing}
        for scope in (self.old, self.new):
            for path, file in scope.files.items():
                if not is_c_header(path):
                    continue
                ours = [
                    include
                    for include in file.includes
                    if posixpath.basename(include) in names
                    and not self.differing.isdisjoint(scope.tree.named(include))
                ]
                if ours or file.has_computed_include:
                    items = self._items(scope, path) or ()
                    at_top = [_included(each) for each in items if each.kind is Kind.INCLUDE]
                    inside = Counter(ours) - Counter(at_top)
                    if file.has_computed_include:
                        yield path, "includes what a macro names"
                    yield from ((path, f"includes {each} in a declaration") for each in inside)

    # Declarations

    def _of_items(self) -> Iterator[_Change]:
        for path in sorted(self.differing):
            old = self._items(self.old, path) if path in self.old.files else ()
            new = self._items(self.new, path)
            if old is None or new is None:
                yield path, _WHOLE
                continue
            known, added = len(self.comparison.changed), len(self.comparison.added)
            is_used = self._is_used_symbol if is_c_header(path) else self._is_used_function
            self.comparison.take(path, old, new, is_used, self._is_excused)
            yield from _described(self.comparison.changed[known:])
            if is_c_header(path):
                yield from self._new_includes(path, self.comparison.added[added:])

    def _is_excused(self, item: Item, namesakes: Sequence[Item]) -> bool:
        """No excuse covers what a macro may stand for, such as a calling convention."""
        if self.excuse is None or not self.excuse(item, namesakes):
            return False
        macros = self._macros.keys() | self._new_macros
        return all(item.words & macros == each.words & macros for each in namesakes)

    @cached_property
    def _new_macros(self) -> frozenset[str]:
        return frozenset(
            name
            for path in filter(is_c_header, self.new.files)
            for item in self._items(self.new, path) or ()
            if item.kind is Kind.MACRO
            for name in item.names
        )

    def _is_used_function(self, item: Item) -> bool:
        functions = self.imported.functions
        return functions is None or not item.names.isdisjoint(functions)

    def _is_used_symbol(self, item: Item) -> bool:
        if self.imported.symbols is None or not item.words.isdisjoint(self._symbol_words):
            return True
        # What a macro turns the name into is not known.
        return not item.names.isdisjoint(self._macros)

    @cached_property
    def _macros(self) -> dict[str, frozenset[str]]:
        """Every macro of the scope, and the words of its values."""
        found: dict[str, set[str]] = {}
        for path in filter(is_c_header, self.old.files):
            text = SPLICE.sub(b"", self.old.tree.content(path)).decode("latin-1")
            for name, value in _DEFINE.findall(text):
                found.setdefault(name, set()).update(IDENTIFIER.findall(value))
        return {name: frozenset(words) for name, words in found.items()}

    @cached_property
    def _symbol_words(self) -> frozenset[str]:
        """What an imported symbol may be called in a header: itself, or a macro that makes it."""
        found = set(self.imported.symbols or ())
        while True:
            more = {name for name, words in self._macros.items() if not words.isdisjoint(found)}
            if more <= found:
                return frozenset(found)
            found |= more

    def _new_includes(self, path: str, added: Iterable[Placed]) -> Iterator[_Change]:
        """Added includes but those of files that are new themselves.

        What other files define could be seen by declarations that did not see it before.
        """
        file = self.old.files.get(path)
        reached = self.old.tree.with_included([file] if file else [])
        for _, item in added:
            if item.kind is not Kind.INCLUDE:
                continue
            named = self.new.tree.named(_included(item))
            taken_in = self.new.tree.with_included(self.new.tree.by_path[each] for each in named)
            old = taken_in.keys() & self.old.tree.by_path.keys()
            if not named or not old <= reached.keys() & self.old.files.keys():
                yield path, str(item)

    # What else there is in the scope

    def _of_additions(self) -> Iterator[_Change]:
        yield from _described(self.comparison.harmful(self._used_elsewhere))
        if self.comparison.added:
            for path, text in self._texts():
                if _HIDDEN_PACKING.search(text):
                    yield path, "packs structs by a macro"

    def _used_elsewhere(self, names: frozenset[str]) -> frozenset[str]:
        return frozenset(name for _, used in self._elsewhere(names) for name in used)

    def _elsewhere(self, names: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
        """Those of `names` that the files which are the same use, by path."""
        for path, text in self._texts() if names else ():
            if path not in self.differing:
                yield path, names.intersection(IDENTIFIER.findall(text))

    def _texts(self) -> Iterator[tuple[str, str]]:
        for path in self.old.files:
            if is_c_header(path):
                yield path, c_text(self.old.tree.content(path)).decode("latin-1")
            elif path.lower().endswith((".pxd", ".pxi")):
                yield path, self.old.tree.content(path).decode("latin-1")

    def _of_releases(self) -> Iterator[_Change]:
        """Uses of a macro that says another release now, and whatever may ask for it."""
        if not self.comparison.releases:
            return
        items = [*self.comparison.kept, *self.comparison.added]
        releases, using = release_macros.users(
            frozenset(self.comparison.releases), [each for _, each in items]
        )
        yield from _described(each for each in items if each[1] in using)
        for path, used in self._elsewhere(releases):
            yield from ((path, f"uses {each}") for each in sorted(used))
        symbols = self.imported.symbols
        for each in filter(is_about_versions, sorted(symbols or ())):
            yield min(self.old.declaring, default=""), each
        for path, file in self.old.files.items():
            if is_c_header(path) and (symbols is None or not file.words.isdisjoint(symbols)):
                yield from self._asking(path, releases)

    def _asking(self, path: str, releases: frozenset[str]) -> Iterator[_Change]:
        """Declarations through which a consumer could tell or be told a version."""
        items = self._items(self.old, path)
        if items is None:
            yield path, _WHOLE
        for item in items or ():
            words = set(IDENTIFIER.findall("\n".join(item.text)))
            if item.kind is Kind.MACRO and item.names <= releases:
                continue
            if self.imported.symbols is not None and words.isdisjoint(self._symbol_words):
                continue
            if any(is_about_versions(word) for word in words - releases):
                yield path, str(item)


def _included(item: Item) -> str:
    """The file that an INCLUDE names, as an InterfaceFile holds it; empty if only a macro tells."""
    return next(included(" ".join(item.text).encode("latin-1")), "")


def _described(changes: Iterable[Placed]) -> Iterator[_Change]:
    return ((path, str(item)) for path, item in changes)
