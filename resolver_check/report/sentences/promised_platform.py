"""What the platform tags of a wheel promise."""

from __future__ import annotations

from backend_shim.interfaces.reasons import Reason
from resolver_check.compare import promised_platform


def sentence(reason: Reason) -> str | None:
    """What `reason` says, if it is one of these."""
    match reason:
        case promised_platform.PlatformTagTooOld():
            return (
                f"its tag {reason.tag} promises systems from {reason.promised} on, "
                f"and its binaries need {reason.needed}"
            )
        case promised_platform.OtherLibcPromised():
            return f"its tag is {reason.tag}, and its binaries are linked to {reason.libc}"
    return None
