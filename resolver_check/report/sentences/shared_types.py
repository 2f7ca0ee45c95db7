"""Types shared through pybind11, nanobind or SWIG."""

from __future__ import annotations

from backend_shim.interfaces import shared_types
from backend_shim.interfaces.reasons import Reason
from resolver_check.report.sentences.listing import some


def sentence(reason: Reason) -> str | None:
    """What `reason` says, if it is one of these."""
    match reason:
        case shared_types.NoTypeInCommon():
            return f"both use {reason.registry}, and no type is known to both"
        case shared_types.TypesMayBeShared():
            types = some(reason.types) or "types that could not be listed"
            return f"both use {reason.registry} and may share {types}"
        case shared_types.TypesNoLongerShared():
            ids = some(reason.ids) or "none"
            return (
                f"it may share types with the old provider by {reason.registry}; "
                f"the new one's registry is {ids}"
            )
    return None
