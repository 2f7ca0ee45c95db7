"""The interpreter as the provider."""

from __future__ import annotations

from backend_shim.interfaces.reasons import Reason
from resolver_check.compare import interpreter
from resolver_check.report.sentences.listing import some


def sentence(reason: Reason) -> str | None:
    """What `reason` says, if it is one of these."""
    match reason:
        case interpreter.TagsRefused():
            return f"CPython {reason.python} accepts none of its tags: {some(reason.tags)}"
        case interpreter.ModulesRefused():
            return (
                f"CPython {reason.python} does not look for modules named {some(reason.suffixes)}"
            )
        case interpreter.StableAbiTooNew():
            return (
                f"it uses {some(reason.symbols)}, which CPython has since {reason.needed}, "
                f"not {reason.python}"
            )
        case interpreter.StableAbiKept():
            return f"it keeps to the stable ABI of {reason.needed}, which {reason.python} has"
        case interpreter.BuildDiffers():
            return f"it was built with CPython {reason.built}, another build than {reason.python}"
        case interpreter.InterpreterUnrecorded():
            return (
                f"no record says with which CPython it was built, "
                f"so nothing says that it fits {reason.python}"
            )
    return None
