"""Dynamic linking."""

from __future__ import annotations

from backend_shim.interfaces import linking
from backend_shim.interfaces.reasons import Reason
from resolver_check.report.sentences.listing import some


def sentence(reason: Reason) -> str | None:
    """What `reason` says, if it is one of these."""
    match reason:
        case linking.SonameMissing():
            return f"{reason.object} needs {reason.soname}, which the new provider no longer has"
        case linking.SymbolMissing():
            symbol = reason.symbol + (f"@{reason.version}" if reason.version else "")
            return f"{reason.object} imports {symbol}, which the new provider does not export"
        case linking.SymbolChanged():
            return (
                f"{reason.object} imports {reason.symbol}, "
                f"which was {reason.old} and is now {reason.new}"
            )
        case linking.NewlyProvided():
            return f"{reason.object} needs {reason.soname}, which only the new provider has"
        case linking.LibraryMoved():
            return f"{reason.soname} moved from {some(reason.old)} to {some(reason.new)}"
        case linking.ProviderNeedsMore():
            return (
                f"the new provider's libraries need {some(reason.sonames)}, "
                "which the old one's did not"
            )
        case linking.SymbolsPresent():
            libraries = some(reason.libraries) or "its libraries"
            return f"all {reason.symbols} symbols that it takes from {libraries} are still exported"
    return None
