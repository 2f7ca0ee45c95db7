"""What linking finds for, against and about a binding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from backend_shim.interfaces.reasons import Effect, Evidence, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class SonameMissing(Reason):
    """A library of the old provider is not in the new one; the loader refuses the consumer."""

    kind: ClassVar[str] = "soname-missing"
    effect: ClassVar[Effect] = Effect.REFUSES
    object: str
    soname: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SonameMayBeMissing(Reason):
    """As SonameMissing, but the platform may have a library of that name."""

    kind: ClassVar[str] = "soname-may-be-missing"
    effect: ClassVar[Effect] = Effect.OPEN
    object: str
    soname: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolMissing(Reason):
    """A symbol that the consumer imports is no longer exported, or not with that version."""

    kind: ClassVar[str] = "symbol-missing"
    effect: ClassVar[Effect] = Effect.REFUSES
    object: str
    symbol: str
    version: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolMayBeMissing(Reason):
    """As SymbolMissing or SymbolChanged, but nothing says that it was taken from the provider."""

    kind: ClassVar[str] = "symbol-may-be-missing"
    effect: ClassVar[Effect] = Effect.OPEN
    object: str
    symbol: str
    version: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionalSymbolMissing(Reason):
    """A weak reference that the old provider satisfied stays without a definition."""

    kind: ClassVar[str] = "optional-symbol-missing"
    effect: ClassVar[Effect] = Effect.OPEN
    object: str
    symbol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolOutOfReach(Reason):
    """The symbol is now in a library that loading the consumer does not load."""

    kind: ClassVar[str] = "symbol-out-of-reach"
    effect: ClassVar[Effect] = Effect.OPEN
    object: str
    symbol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionedSymbolMoved(Reason):
    """A symbol with a version is in another library now, which glibc allows since 2.30 only."""

    kind: ClassVar[str] = "versioned-symbol-moved"
    effect: ClassVar[Effect] = Effect.OPEN
    object: str
    symbol: str
    library: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolNewlyExported(Reason):
    """The new provider defines what the consumer took from elsewhere, and may be asked first."""

    kind: ClassVar[str] = "symbol-newly-exported"
    effect: ClassVar[Effect] = Effect.OPEN
    object: str
    symbol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolChanged(Reason):
    """An imported symbol is of another kind, or a data object or vtable of another size."""

    kind: ClassVar[str] = "symbol-changed"
    effect: ClassVar[Effect] = Effect.REFUSES
    object: str
    symbol: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSizeUnknown(Reason):
    """Imported data objects in a format that does not record their sizes."""

    kind: ClassVar[str] = "data-size-unknown"
    effect: ClassVar[Effect] = Effect.OPEN
    object: str
    symbols: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedByOrdinal(Reason):
    """Functions imported by number: which ones these are is not recorded."""

    kind: ClassVar[str] = "imported-by-ordinal"
    effect: ClassVar[Effect] = Effect.OPEN
    object: str
    library: str
    ordinals: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionsLost(Reason):
    """The library has no symbol versions any more; glibc before 2.41 aborts on the references."""

    kind: ClassVar[str] = "versions-lost"
    effect: ClassVar[Effect] = Effect.OPEN
    object: str
    soname: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompatibilityLower(Reason):
    """The library's compatibility version is below the one recorded at link time."""

    kind: ClassVar[str] = "compatibility-lower"
    effect: ClassVar[Effect] = Effect.OPEN
    object: str
    library: str
    required: str
    offered: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolsPresent(Reason):
    """Every symbol taken from the provider is still exported: same version, kind and size."""

    kind: ClassVar[str] = "symbols-present"
    effect: ClassVar[Effect] = Effect.SUPPORTS
    evidence: ClassVar[Evidence | None] = Evidence.SYMBOLS
    libraries: tuple[str, ...]
    symbols: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewlyProvided(Reason):
    """The consumer needs a library that the old provider did not have and the new one has."""

    kind: ClassVar[str] = "newly-provided"
    effect: ClassVar[Effect] = Effect.OPEN
    object: str
    soname: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryMoved(Reason):
    """The library lies elsewhere in the new provider, so a run path may no longer lead to it."""

    kind: ClassVar[str] = "library-moved"
    effect: ClassVar[Effect] = Effect.OPEN
    soname: str
    old: tuple[str, ...]
    new: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GraftedLibraryNeeded(Reason):
    """The consumer needs a library that a repair tool copied into the provider for itself."""

    kind: ClassVar[str] = "grafted-library-needed"
    effect: ClassVar[Effect] = Effect.OPEN
    object: str
    soname: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StringAbiChanged(Reason):
    """The new provider has another `std::string` (libstdc++, "Dual ABI"), and C++ is shared."""

    kind: ClassVar[str] = "string-abi-changed"
    effect: ClassVar[Effect] = Effect.OPEN
    old: tuple[str, ...]
    new: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderNeedsMore(Reason):
    """Libraries that the consumer loads need others that the old ones did not, from elsewhere."""

    kind: ClassVar[str] = "provider-needs-more"
    effect: ClassVar[Effect] = Effect.OPEN
    sonames: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderNeedsLess(Reason):
    """The provider no longer brings in libraries that the consumer may take symbols from."""

    kind: ClassVar[str] = "provider-needs-less"
    effect: ClassVar[Effect] = Effect.OPEN
    object: str
    sonames: tuple[str, ...]
