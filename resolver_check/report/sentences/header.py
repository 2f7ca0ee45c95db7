"""Interface files."""

from __future__ import annotations

from backend_shim.interfaces import header
from backend_shim.interfaces.reasons import Reason
from resolver_check.report.sentences.listing import some


def sentence(reason: Reason) -> str | None:
    """What `reason` says, if it is one of these."""
    match reason:
        case header.InterfaceFilesUnchanged():
            return f"what declares it is unchanged, by {reason.equal_by}: {some(reason.files)}"
        case header.DeclarationsUnchanged():
            return _only_added(reason)
        case header.InterfaceFilesChanged():
            what = f" ({some(reason.declarations)})" if reason.declarations else ""
            return f"what declares it has changed: {some(reason.files)}{what}"
        case header.NotDeclared():
            return f"no interface file of the provider declares {some(reason.names) or 'it'}"
    return None


def _only_added(reason: header.DeclarationsUnchanged) -> str:
    parts = []
    if reason.added:
        parts.append(f"new: {some(reason.added)}")
    if reason.releases:
        parts.append(f"only another release: {some(reason.releases)}")
    more = f" ({'; '.join(parts)})" if parts else ""
    return f"all that declared it still stands in {some(reason.files)}{more}"
