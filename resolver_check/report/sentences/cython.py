"""Cython's `cimport`."""

from __future__ import annotations

from backend_shim.interfaces import cython, cython_types
from backend_shim.interfaces.reasons import Reason
from resolver_check.report.sentences.listing import some


def sentence(reason: Reason) -> str | None:
    """What `reason` says, if it is one of these."""
    match reason:
        case cython.CythonFunctionsPresent():
            functions = some(reason.functions)
            return f"{reason.module} exports {functions} to C with the same signatures"
        case cython.CythonFunctionMissing():
            return f"{reason.module} no longer exports {reason.function} to C"
        case cython.CythonSignatureChanged():
            return (
                f"{reason.module} exports {reason.function} to C as {reason.new!r}, "
                f"and it was {reason.old!r}"
            )
        case cython_types.CythonTypeSizeChanged():
            return (
                f"an instance of {reason.module}.{reason.type} has {reason.new} bytes and had "
                f"{reason.old}; Cython refuses to import it"
            )
        case cython_types.CythonTypeSizeTolerated():
            return (
                f"an instance of {reason.module}.{reason.type} has {reason.new} bytes and had "
                f"{reason.old}; Cython imports it all the same"
            )
        case cython.CythonDeclarationsUsed():
            types = f", with {some(reason.types)}" if reason.types else ""
            return f"it was compiled with what {reason.module} declares{types}"
        case cython.CythonModuleUsed():
            return (
                f"it imports from {reason.module} at the C level; what for cannot be told exactly"
            )
    return None
