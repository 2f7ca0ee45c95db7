"""The backend of cffi."""

from __future__ import annotations

from backend_shim.interfaces import cffi
from backend_shim.interfaces.reasons import Reason
from resolver_check.report.sentences.listing import some


def sentence(reason: Reason) -> str | None:
    """What `reason` says, if it is one of these."""
    match reason:
        case cffi.CffiTakesAll():
            return (
                f"cffi {reason.release} takes every version tag, table and function number "
                f"that {reason.old_release} takes"
            )
        case cffi.CffiTagRefused():
            return (
                f"its modules carry the version tag {reason.tag:#x}; "
                f"cffi {reason.release} takes none above {reason.newest | 0xFF:#x}"
            )
        case cffi.CffiTakesLess():
            return f"cffi {reason.release} lacks {some(reason.missing)}, which it may use"
        case cffi.CffiTablesUnknown():
            if reason.release is None:
                return "there is no older cffi to compare the new one with"
            return f"cffi {reason.release} does not say what it takes"
    return None
