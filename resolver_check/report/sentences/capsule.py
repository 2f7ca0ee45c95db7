"""Capsules."""

from __future__ import annotations

from backend_shim.interfaces import capsule
from backend_shim.interfaces.reasons import Reason
from resolver_check.report.sentences.listing import some


def sentence(reason: Reason) -> str | None:
    """What `reason` says, if it is one of these."""
    match reason:
        case capsule.CapsuleOffered():
            return f"the new provider still makes the capsule {reason.capsule} that it imports"
        case capsule.CapsuleGone():
            return f"it imports the capsule {reason.capsule}, which the new provider does not make"
        case capsule.CapsuleNotFound():
            return (
                f"it imports the capsule {reason.capsule}, "
                "which was not found in the new provider and may be spelled in parts there"
            )
        case capsule.CapsulesMayBePassed():
            names = some(map(_called, reason.names))
            return f"it takes pointers out of capsules {names}, which the provider makes, too"
    return None


def _called(name: str) -> str:
    return {"": "without a name", capsule.ANY_NAME: "whose name could not be read"}.get(
        name, repr(name)
    )
