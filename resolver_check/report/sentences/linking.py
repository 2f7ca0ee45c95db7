"""Dynamic linking."""

from __future__ import annotations

from backend_shim.interfaces.linking import reasons
from backend_shim.interfaces.reasons import Reason
from resolver_check.report.sentences.listing import some


def sentence(reason: Reason) -> str | None:
    """What `reason` says, if it is one of these."""
    about = (_about_symbols, _about_libraries, _about_versions, _about_provider)
    return next(filter(None, (each(reason) for each in about)), None)


def _about_symbols(reason: Reason) -> str | None:
    match reason:
        case reasons.SymbolMissing():
            symbol = _versioned(reason.symbol, reason.version)
            return f"{reason.object} imports {symbol}, which the new provider does not export"
        case reasons.SymbolMayBeMissing():
            symbol = _versioned(reason.symbol, reason.version)
            return (
                f"{reason.object} imports {symbol}, which the new provider does not export as the "
                "old one did; it may come from elsewhere"
            )
        case reasons.OptionalSymbolMissing():
            return (
                f"{reason.object} goes on without {reason.symbol}, "
                "which the new provider does not export"
            )
        case reasons.SymbolOutOfReach():
            return (
                f"{reason.object} imports {reason.symbol}, "
                "which the new provider has in a library that is not loaded with it"
            )
        case reasons.SymbolNewlyExported():
            return (
                f"{reason.object} imports {reason.symbol}, "
                "which only the new provider exports: it may take the place of another"
            )
        case reasons.SymbolChanged():
            return (
                f"{reason.object} imports {reason.symbol}, "
                f"which was {reason.old} and is now {reason.new}"
            )
        case reasons.DataSizeUnknown():
            return (
                f"{reason.object} imports the data objects {some(reason.symbols)}, "
                "whose sizes the format does not record"
            )
        case reasons.ImportedByOrdinal():
            return (
                f"{reason.object} imports functions of {reason.library} by number, "
                f"which may stand for others now: {some(reason.ordinals)}"
            )
        case reasons.SymbolsPresent():
            libraries = some(reason.libraries) or "its libraries"
            return f"all {reason.symbols} symbols that it takes from {libraries} are still exported"
    return None


def _about_libraries(reason: Reason) -> str | None:
    match reason:
        case reasons.SonameMissing():
            return f"{reason.object} needs {reason.soname}, which the new provider no longer has"
        case reasons.SonameMayBeMissing():
            return (
                f"{reason.object} needs {reason.soname}, which the new provider no longer has; "
                "the platform may have it"
            )
        case reasons.NewlyProvided():
            return f"{reason.object} needs {reason.soname}, which only the new provider has"
        case reasons.LibraryMoved():
            return f"{reason.soname} moved from {some(reason.old)} to {some(reason.new)}"
        case reasons.GraftedLibraryNeeded():
            return (
                f"{reason.object} needs {reason.soname}, "
                "which was copied into the provider for its own use"
            )
    return None


def _about_versions(reason: Reason) -> str | None:
    match reason:
        case reasons.VersionedSymbolMoved():
            return (
                f"{reason.object} imports {reason.symbol}, which is in {reason.library} now: "
                "glibc before 2.30 refuses that"
            )
        case reasons.VersionsLost():
            return (
                f"{reason.object} names symbol versions of {reason.soname}, which has none any "
                "more: glibc before 2.41 stops at that"
            )
        case reasons.CompatibilityLower():
            return (
                f"{reason.object} was linked with {reason.library} of compatibility version "
                f"{reason.required}, the new provider has {reason.offered}: "
                "macOS before 12 refuses it"
            )
    return None


def _about_provider(reason: Reason) -> str | None:
    match reason:
        case reasons.StringAbiChanged():
            return (
                f"the new provider's C++ has the {some(reason.new)} ABI of std::string, "
                f"the old one's {some(reason.old)}"
            )
        case reasons.ProviderNeedsMore():
            return (
                f"the new provider's libraries need {some(reason.sonames)}, "
                "which the old one's did not"
            )
        case reasons.ProviderNeedsLess():
            return (
                f"{reason.object} may take symbols from {some(reason.sonames)}, "
                "which the new provider's libraries no longer bring in"
            )
    return None


def _versioned(symbol: str, version: str | None) -> str:
    return f"{symbol}@{version}" if version else symbol
