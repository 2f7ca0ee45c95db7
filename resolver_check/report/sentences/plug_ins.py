"""Interfaces that are not of this program: unknown here, or plug-ins."""

from __future__ import annotations

from backend_shim.interfaces.reasons import Reason
from resolver_check import model


def sentence(reason: Reason) -> str | None:
    """What `reason` says, if it is one of these."""
    match reason:
        case model.InterfaceUnknown():
            return f"its record names the interface {reason.interface!r}, which is not known here"
        case model.PlugInFailed():
            return f"the interface {reason.interface} could not judge: {reason.why}"
    return None
