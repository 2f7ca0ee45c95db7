"""PyTorch's stable ABI."""

from __future__ import annotations

from backend_shim.interfaces import torch
from backend_shim.interfaces.reasons import Reason
from resolver_check.report.sentences.listing import some


def sentence(reason: Reason) -> str | None:
    """What `reason` says, if it is one of these."""
    match reason:
        case torch.TorchStableAbi():
            return (
                f"it takes only PyTorch's stable ABI ({reason.functions} C functions), promised "
                f"from {reason.built} on; PyTorch {reason.release} has all of it"
            )
        case torch.TorchPromisesNothing():
            return (
                f"it takes {len(reason.symbols)} symbols of which PyTorch promises nothing "
                f"between releases: {some(reason.symbols)}"
            )
        case torch.TorchPromiseTooShort():
            return (
                f"PyTorch promises its stable ABI to newer releases, for two years: not from "
                f"{reason.built} to {reason.release}"
            )
    return None
