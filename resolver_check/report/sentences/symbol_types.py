"""Types behind symbols, and sonames alone."""

from __future__ import annotations

from backend_shim.interfaces import symbol_types
from backend_shim.interfaces.reasons import Reason
from resolver_check.compare import sonames
from resolver_check.report.sentences.listing import some


def sentence(reason: Reason) -> str | None:
    """What `reason` says, if it is one of these."""
    match reason:
        case symbol_types.TypesUnchanged():
            return (
                f"the types of all {reason.symbols} symbols are unchanged, by {reason.by}, and "
                "headers compile nothing else in"
            )
        case symbol_types.TypesChanged():
            return f"the types of {some(reason.symbols)} have changed, by {reason.by}"
        case symbol_types.CompiledInChanged():
            why = (
                f"headers differ in what is compiled in: {some(reason.declarations)}"
                if reason.declarations
                else "no header says what else was compiled in"
            )
            return f"the types of all {reason.symbols} symbols are unchanged, but {why}"
        case symbol_types.TypesUnknown():
            return f"the types could not be compared: {reason.why}"
    return _about_sonames(reason)


def _about_sonames(reason: Reason) -> str | None:
    match reason:
        case sonames.OnlySonamesListed():
            return (
                f"of {some(reason.listings)} only sonames and versions are known: no symbols, no "
                "types, no other ways of binding"
            )
        case sonames.VersionNodeMissing():
            return (
                f"{reason.object} needs {reason.soname} with {reason.version}, "
                "which the new provider's no longer defines"
            )
        case sonames.SonamesPresent():
            return f"the new provider has {some(reason.sonames)} with all versions needed"
    return None
