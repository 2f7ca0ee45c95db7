"""sip's ABI."""

from __future__ import annotations

from backend_shim.interfaces import sip
from backend_shim.interfaces.reasons import Reason
from resolver_check.report.sentences.listing import some


def sentence(reason: Reason) -> str | None:
    """What `reason` says, if it is one of these."""
    match reason:
        case sip.SipAbiFits():
            needed = some(reason.needed) or "no more than the old module had"
            return f"it asks {reason.module} for ABI {needed}; the new module has {reason.offered}"
        case sip.SipAbiRefused():
            return (
                f"it asks {reason.module} for ABI {reason.needed}, "
                f"which the new module of ABI {reason.offered} refuses"
            )
        case sip.SipAbiUnknown():
            if reason.offered is None:
                return f"which ABI the new {reason.module} has could not be read"
            return (
                f"which ABI it asks {reason.module} for could not be read, "
                f"and nothing tells that {reason.offered} serves it"
            )
    return None
