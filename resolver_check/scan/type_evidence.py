"""Types of what a consumer links to, in two versions of a provider: recorded, read, or compared."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias

from backend_shim.binary import debug_info
from backend_shim.binary.build_id import build_id, has_debug_info
from backend_shim.binary.type_digests import METHOD
from backend_shim.interfaces.provider import Provider
from backend_shim.interfaces.reasons import Binding, Reason
from backend_shim.interfaces.scope_comparison import Excuse
from backend_shim.interfaces.symbol_types import (
    DIGESTS,
    CompiledInChanged,
    TypeComparison,
    TypesChanged,
    TypesUnchanged,
    TypesUnknown,
    answers_for,
    compare_digests,
    digests_of,
    exporters,
)
from backend_shim.record.type_tables import TypedSymbol, TypeTables
from backend_shim.type_recording import DebugFiles, TypeReader, take_types
from resolver_check.scan import abidiff
from resolver_check.scan.abidiff import AbidiffFailed, DebuggedLibrary
from resolver_check.scan.subject import Subject

_SHOWN: Final = 8
_NO_TOOL: Final = (
    "there is debug information, but nothing here that reads it: install abigail-tools, or "
    "wheel-abi with the extra `types`"
)

Differing: TypeAlias = Callable[[Binding, Excuse], tuple[str, ...] | None]
"""The declarations in headers of both providers that differ without an excuse; None where they do
not declare all that the binding takes."""


class _Side:
    """One version of the provider: its wheel, and what debug information there is of it."""

    def __init__(self, subject: Subject, provider: Provider, debug_files: DebugFiles) -> None:
        self.subject = subject
        self.provider = provider
        self._debug_files = debug_files
        self._debugged: dict[str, bool] = {}
        self._types: dict[str, TypeTables] = {}

    def paths(self, symbols: tuple[str, ...]) -> frozenset[str]:
        """The libraries that export any of `symbols`."""
        every = exporters(symbols, self.provider).values()
        return frozenset(path for paths in every for path in paths)

    def is_debugged(self, path: str) -> bool:
        """Whether the library at `path`, or an unstripped copy of it, has debug information."""
        if path not in self._debugged:
            with self.subject.whole.contents(path) as data:
                has_own = has_debug_info(data)
                self._debugged[path] = has_own or bool(self._debug_files.path(build_id(data)))
        return self._debugged[path]

    def digests(self, symbols: tuple[str, ...]) -> dict[str, TypedSymbol]:
        """The recorded digests, and those of debug information where none are recorded."""
        recorded = self.subject.recorded_types.objects
        known = {each.path for each in recorded}
        found = [recorded]
        if debug_info.is_readable():
            paths = self.paths(symbols) - known
            found += [self._read(path).objects for path in sorted(paths) if self.is_debugged(path)]
        tables = TypeTables(objects=tuple(each for objects in found for each in objects))
        return digests_of(symbols, self.provider, tables, METHOD)

    def _read(self, path: str) -> TypeTables:
        if path not in self._types:
            reader = TypeReader(self.subject.whole, self._debug_files)
            self._types[path] = take_types(reader, self.subject.fingerprinted(), [path]).tables
        return self._types[path]

    @contextmanager
    def file(self, path: str) -> Iterator[DebuggedLibrary]:
        """The library at `path`, which is debugged, as a file."""
        with self.subject.whole.contents(path) as data, tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            identity = build_id(data)
            copy = None if has_debug_info(data) else self._debug_files.path(identity)
            yield DebuggedLibrary(path=Path(file.name), build_id=identity, debug_file=copy)


class TypeEvidence:
    """Compares the types of some symbols in the old and the new wheel of a provider."""

    def __init__(
        self,
        old: tuple[Subject, Provider],
        new: tuple[Subject, Provider],
        debug_files: DebugFiles,
        differing: Differing,
    ) -> None:
        self._old, self._new = _Side(*old, debug_files), _Side(*new, debug_files)
        self._differing = differing
        self._known: dict[tuple[str, ...], tuple[Reason, ...]] = {}

    def __call__(self, binding: Binding) -> tuple[Reason, ...]:
        """What the types of its symbols say; raises InvalidWheel."""
        if binding.symbols not in self._known:
            self._known[binding.symbols] = tuple(self._reasons(binding))
        return self._known[binding.symbols]

    def _reasons(self, binding: Binding) -> Iterator[Reason]:
        symbols = binding.symbols
        by, found = DIGESTS, self._by_digests(symbols)
        if found is None or found.changed or found.unknown:
            try:
                compared = self._by_abidiff(symbols)
                if compared is not None:
                    by, found = abidiff.version(), compared
            except AbidiffFailed as error:
                yield TypesUnknown(why=str(error))
        if found is None:
            return
        if found.changed:
            yield TypesChanged(symbols=found.changed[:_SHOWN], by=by)
        elif found.unknown:
            yield TypesUnknown(why=f"{by} say nothing of {', '.join(found.unknown[:_SHOWN])}")
        else:
            yield self._with_headers(binding, found, by)

    def _with_headers(self, binding: Binding, found: TypeComparison, by: str) -> Reason:
        excuse = functools.partial(answers_for, is_closed=found.is_closed)
        differing = self._differing(binding, excuse)
        symbols = len(binding.symbols)
        if differing == ():
            return TypesUnchanged(symbols=symbols, by=by)
        return CompiledInChanged(symbols=symbols, by=by, declarations=(differing or ())[:_SHOWN])

    def _by_digests(self, symbols: tuple[str, ...]) -> TypeComparison | None:
        """None where neither wheel has any."""
        old, new = self._old.digests(symbols), self._new.digests(symbols)
        return compare_digests(symbols, old, new) if old or new else None

    def _by_abidiff(self, symbols: tuple[str, ...]) -> TypeComparison | None:
        """None where debug information is missing; raises AbidiffFailed."""
        for side in (self._old, self._new):
            if not all(map(side.is_debugged, side.paths(symbols))):
                return None
        if not abidiff.is_installed():
            if debug_info.is_readable():
                return None
            raise AbidiffFailed(_NO_TOOL)
        found = []
        for (before, after), names in self._pairs(symbols).items():
            with self._old.file(before) as old, self._new.file(after) as new:
                found.append(abidiff.compare_libraries(old, new, names))
        return TypeComparison(
            changed=tuple(name for each in found for name in each.changed),
            unknown=tuple(name for each in found for name in each.unknown),
            is_closed=all(each.is_closed for each in found),
        )

    def _pairs(self, symbols: tuple[str, ...]) -> dict[tuple[str, str], list[str]]:
        """The symbols by the libraries that export them, in the old and in the new wheel."""
        old, new = (exporters(symbols, each.provider) for each in (self._old, self._new))
        pairs: dict[tuple[str, str], list[str]] = {}
        for name in symbols:
            match old[name], new[name]:
                case (before,), (after,):
                    pairs.setdefault((before, after), []).append(name)
                case _:
                    raise AbidiffFailed(f"{name} is not exported by one library alone")
        return pairs
