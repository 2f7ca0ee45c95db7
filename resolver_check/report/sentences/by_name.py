"""Names in binaries, type registries and interface files."""

from __future__ import annotations

from backend_shim.interfaces import header, import_name, type_registry
from backend_shim.interfaces.reasons import Reason
from resolver_check.report.sentences.listing import some


def sentence(reason: Reason) -> str | None:
    """What `reason` says, if it is one of these."""
    match reason:
        case import_name.NamedInBinary():
            return f"its binaries name {some(reason.names)}, and no rule says what for"
        case type_registry.TypesMayBeShared():
            return f"both register C++ types with {some(reason.registries)} and may share them"
        case header.InterfaceFilesUnchanged():
            return f"what declares it is unchanged, by {reason.equal_by}: {some(reason.files)}"
        case header.InterfaceFilesChanged():
            return f"what declares it has changed: {some(reason.files)}"
        case header.NotDeclared():
            return f"no interface file of the provider declares {some(reason.names) or 'it'}"
    return None
