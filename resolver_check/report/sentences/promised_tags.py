"""What the tags of a wheel promise."""

from __future__ import annotations

from backend_shim.interfaces.reasons import Reason
from resolver_check.compare import promised_tags
from resolver_check.report.sentences.listing import some


def sentence(reason: Reason) -> str | None:
    """What `reason` says, if it is one of these."""
    match reason:
        case promised_tags.TagTooOld():
            return (
                f"its tag {reason.tag} promises more than it keeps: "
                f"it uses {some(reason.symbols)}, which CPython has since {reason.needed}"
            )
        case promised_tags.OutsideStableAbi():
            return (
                f"its tag {reason.tag} promises the stable ABI, "
                f"which does not have {some(reason.symbols)}"
            )
        case promised_tags.ForOnePython():
            return (
                f"its tag {reason.tag} promises later Pythons, too, "
                f"and {some(reason.found)} is for one only"
            )
        case promised_tags.ForAnotherPython():
            return (
                f"it is tagged {some(reason.tags)}, "
                f"and its modules are for another Python: {some(reason.suffixes)}"
            )
        case promised_tags.AnyPythonPromised():
            return (
                f"its tag {reason.tag} promises every Python 3, "
                f"and it holds extension modules ({some(reason.suffixes)})"
            )
        case promised_tags.NoExportHook():
            return (
                "it is meant for free-threaded Pythons by the stable ABI (abi3t), whose modules "
                f"are loaded by PyModExport and not by {some(reason.hooks)}"
            )
    return None
