"""Names in binaries, and type registries."""

from __future__ import annotations

from backend_shim.interfaces import import_name
from backend_shim.interfaces.reasons import Reason
from resolver_check.report.sentences.listing import some


def sentence(reason: Reason) -> str | None:
    """What `reason` says, if it is one of these."""
    match reason:
        case import_name.NamedInBinary():
            return f"its binaries name {some(reason.names)}, and no rule says what for"
    return None
