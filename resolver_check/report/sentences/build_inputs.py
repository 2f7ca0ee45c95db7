"""The inputs of builds: what changed, and what does not matter."""

from __future__ import annotations

from typing import Final

from backend_shim.interfaces.reasons import Reason
from resolver_check.compare import input_judgement
from resolver_check.report.sentences.listing import some

_HIDDEN: Final = " (hidden in the record, so not known to be the same)"


def sentence(reason: Reason) -> str | None:
    """What `reason` says, if it is one of these."""
    match reason:
        case input_judgement.BuildInputsUnchanged():
            return "build inputs unchanged: a build would take in what it was built with"
        case input_judgement.BuildInputExcused():
            return f"{_change(reason)}: {reason.excuse}"
        case input_judgement.BuildInputsChanged():
            return f"{_change(reason)}{f': {reason.detail}' if reason.detail else ''}"
        case input_judgement.BuildInputsNotRecorded():
            return f"{reason.wheel} has no usable record of its build inputs to compare with"
        case input_judgement.SameBuild():
            return (
                "a build of now would give the same wheel: none of its inputs has changed, and "
                f"{some(reason.providers)} is among them"
            )
        case input_judgement.SystemPackagesNotCompared():
            return (
                "packages of the operating system that the build read are not compared: "
                f"{some(reason.packages)}"
            )
    return None


def _change(
    reason: input_judgement.BuildInputExcused | input_judgement.BuildInputsChanged,
) -> str:
    what = f"{reason.input.replace('-', ' ')} {reason.name}".strip()
    hidden = _HIDDEN if reason.old == reason.new else ""
    return f"{what}: {_value(reason.old)} -> {_value(reason.new)}{hidden}"


def _value(text: str | None) -> str:
    return "none" if text is None else text or "(empty)"
