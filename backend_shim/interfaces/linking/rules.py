"""Whether what an object takes from a provider is still there, as its loader would find it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from backend_shim.interfaces.linking.elf_lookup import find_elf, is_version_refused
from backend_shim.interfaces.linking.facts import Import, Library, Need
from backend_shim.interfaces.linking.library_rules import (
    library_reasons,
    reach_reasons,
    version_reasons,
)
from backend_shim.interfaces.linking.named_lookup import find_named
from backend_shim.interfaces.linking.platform_libraries import (
    is_interpreter_symbol,
    is_runtime_symbol,
    library_key,
)
from backend_shim.interfaces.linking.provided import Definition, ProvidedLibraries
from backend_shim.interfaces.linking.reasons import (
    DataSizeUnknown,
    ImportedByOrdinal,
    OptionalSymbolMissing,
    SymbolChanged,
    SymbolMayBeMissing,
    SymbolMissing,
    SymbolNewlyExported,
    SymbolOutOfReach,
    VersionedSymbolMoved,
)
from backend_shim.interfaces.reasons import Reason
from backend_shim.record.fingerprint import ExportedSymbol


class NeedJudgement:
    """What one object takes from the old provider, and what the new one does about it."""

    def __init__(self, need: Need, before: ProvidedLibraries, after: ProvidedLibraries) -> None:
        self._need = need
        self._before, self._after = before, after
        self._old_reach, self._new_reach = before.reach(need), after.reach(need)
        self._old_rows, self._new_rows = before.rows_for(need), after.rows_for(need)
        self._takes_from_elsewhere = False
        self._data: list[str] = []
        self._ordinals: dict[str, list[str]] = {}
        self.libraries = tuple(
            name for name in need.needed if before.named(name, need) or after.named(name, need)
        )
        """The needed libraries that either version has."""
        self._gone = {
            library_key(name, need.format) for name in self.libraries if not after.named(name, need)
        }
        self.taken: set[str] = set()
        """Symbols that are, or may be, the old provider's."""
        of_symbols = tuple(self._symbol_reasons())
        self.reasons: tuple[Reason, ...] = (
            *library_reasons(need, before, after),
            *of_symbols,
            *self._format_reasons(),
            *version_reasons(need, after),
            *reach_reasons(need, before, after, takes_from_elsewhere=self._takes_from_elsewhere),
        )
        """Against the binding, or why it is open."""

    def _symbol_reasons(self) -> Iterator[Reason]:
        judge = self._elf_symbol if self._need.format == "elf" else self._named_symbol
        for entry in self._need.imports:
            yield from judge(entry, is_optional=False)
        for entry in self._need.optional:
            yield from judge(entry, is_optional=True)

    # --- ELF: one name space for all that is loaded ---

    def _elf_symbol(self, entry: Import, *, is_optional: bool) -> Iterator[Reason]:
        olds, news = self._before.definitions(entry.name), self._after.definitions(entry.name)
        old = find_elf(entry, self._old_reach.libraries, olds) if olds else None
        new = find_elf(entry, self._new_reach.libraries, news) if news else None
        if old is None:
            yield from self._elf_symbol_from_elsewhere(entry, olds, new, is_optional=is_optional)
            return
        self.taken.add(entry.name)
        if new is None and self._is_gone(old.library):
            return
        is_refused = any(is_version_refused(entry, each) for each in self._new_reach.libraries)
        if new is not None and not is_refused:
            yield from self._compared(entry, old, new)
            yield from self._moved(entry, new)
        elif is_optional:
            yield OptionalSymbolMissing(object=self._need.path, symbol=entry.name)
        elif find_elf(entry, self._new_rows, news) is not None and not is_refused:
            yield SymbolOutOfReach(object=self._need.path, symbol=entry.name)
        elif is_runtime_symbol(entry.name) or self._is_of_another_library(entry):
            yield self._may_be_missing(entry)
        else:
            yield self._missing(entry)

    def _elf_symbol_from_elsewhere(
        self,
        entry: Import,
        olds: tuple[Definition, ...],
        new: Definition | None,
        *,
        is_optional: bool,
    ) -> Iterator[Reason]:
        # Nothing that the object loads of the old provider defines it. What else the old provider
        # exports may have been loaded by other means, or by a library of a third wheel.
        perhaps = find_elf(entry, self._old_rows, olds)
        if perhaps is None:
            if new is not None and self._old_reach.libraries:
                yield SymbolNewlyExported(object=self._need.path, symbol=entry.name)
            elif not is_optional:
                self._note_from_elsewhere(entry)
            return
        self.taken.add(entry.name)
        found = find_elf(entry, self._new_rows, self._after.definitions(entry.name))
        if found is None or not is_same_object(perhaps.symbol, found.symbol):
            yield self._may_be_missing(entry)

    def _note_from_elsewhere(self, entry: Import) -> None:
        is_named = entry.library in self._need.needed and entry.library not in self.libraries
        is_known = is_interpreter_symbol(entry.name) or is_runtime_symbol(entry.name)
        if not is_named and not is_known:
            self._takes_from_elsewhere = True

    def _moved(self, entry: Import, new: Definition) -> Iterator[Reason]:
        # Before glibc 2.30: "symbol [...] version [...] not defined in file [...] with link time
        # reference" (elf/dl-lookup.c, _dl_lookup_symbol_x; BZ #24741).
        if entry.version is None or entry.library is None:
            return
        named = self._after.named(entry.library, self._need)
        if named and new.library not in named:
            yield VersionedSymbolMoved(
                object=self._need.path, symbol=entry.name, library=new.library.name
            )

    def _is_gone(self, library: Library) -> bool:
        """Whether a reason names the library, so that all its symbols need not be named, too."""
        return library.name in self._gone or posixpath.basename(library.path) in self._gone

    def _is_of_another_library(self, entry: Import) -> bool:
        """Whether its version is one of a library that the provider does not have."""
        return entry.library is not None and not self._before.named(entry.library, self._need)

    # --- PE and Mach-O: the library stands beside the symbol ---

    def _named_symbol(self, entry: Import, *, is_optional: bool) -> Iterator[Reason]:
        if entry.library is None:
            yield from self._looked_up_anywhere(entry)
            return
        if not self._before.named(entry.library, self._need):
            return  # not the old provider's; a library that only the new one has is open by itself
        self.taken.add(entry.name)
        if library_key(entry.library, self._need.format) in self._gone:
            return
        if entry.name.startswith("#"):
            self._ordinals.setdefault(entry.library, []).append(entry.name)
            return
        old = find_named(entry, self._need, self._before)
        new = find_named(entry, self._need, self._after)
        if old is None:
            yield self._may_be_missing(entry)
        elif new is None:
            yield (
                OptionalSymbolMissing(object=self._need.path, symbol=entry.name)
                if is_optional
                else self._missing(entry)
            )
        elif old.forwards_to != new.forwards_to:
            yield self._may_be_missing(entry)
        else:
            yield from self._compared(entry, old, new)
            if _is_data(new.symbol):
                self._data.append(entry.name)

    def _looked_up_anywhere(self, entry: Import) -> Iterator[Reason]:
        machine = (self._need.format, self._need.machine)
        olds = [
            each
            for each in self._before.definitions(entry.name)
            if (each.library.format, each.library.machine) == machine
        ]
        if not olds:
            return
        self.taken.add(entry.name)
        if not any(
            (each.library.format, each.library.machine) == machine
            and is_same_object(olds[0].symbol, each.symbol)
            for each in self._after.definitions(entry.name)
        ):
            yield self._may_be_missing(entry)

    # --- both ---

    def _compared(self, entry: Import, old: Definition, new: Definition) -> Iterator[Reason]:
        if not is_same_object(old.symbol, new.symbol):
            yield SymbolChanged(
                object=self._need.path,
                symbol=entry.name,
                old=_describe(old.symbol),
                new=_describe(new.symbol),
            )

    def _missing(self, entry: Import) -> Reason:
        return SymbolMissing(object=self._need.path, symbol=entry.name, version=entry.version)

    def _may_be_missing(self, entry: Import) -> Reason:
        return SymbolMayBeMissing(object=self._need.path, symbol=entry.name, version=entry.version)

    def _format_reasons(self) -> Iterator[Reason]:
        """What PE and Mach-O do not tell."""
        if self._data:
            yield DataSizeUnknown(object=self._need.path, symbols=tuple(self._data))
        for library, ordinals in self._ordinals.items():
            yield ImportedByOrdinal(
                object=self._need.path, library=library, ordinals=tuple(ordinals)
            )


def is_same_object(old: ExportedSymbol, new: ExportedSymbol) -> bool:
    """Whether code compiled for `old` may use `new`, by what symbol tables tell."""
    if _is_data(old) != _is_data(new) or (old.kind == "tls") != (new.kind == "tls"):
        return False
    return not _is_data(old) or old.size == new.size


def _is_data(symbol: ExportedSymbol) -> bool:
    return symbol.kind in ("object", "tls")


def _describe(symbol: ExportedSymbol) -> str:
    return f"{symbol.kind} of {symbol.size} bytes" if _is_data(symbol) else symbol.kind
