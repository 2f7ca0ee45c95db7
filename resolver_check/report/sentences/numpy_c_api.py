"""NumPy's C API."""

from __future__ import annotations

from collections.abc import Iterable

from backend_shim.interfaces import numpy_c_api
from backend_shim.interfaces.reasons import Reason


def sentence(reason: Reason) -> str | None:
    """What `reason` says, if it is one of these."""
    match reason:
        case numpy_c_api.NumpySeriesFits():
            target = f", targets NumPy {reason.target}" if reason.target else ""
            return (
                f"it accepts NumPy ABI {_versions(reason.accepts)}{target}; "
                f"NumPy {reason.release} offers ABI {reason.offered} and all of that"
            )
        case numpy_c_api.NumpyAbiRefused():
            return (
                f"it was compiled for NumPy ABI {_versions(reason.accepts)}; "
                f"NumPy {reason.release} has ABI {reason.offered}"
            )
        case numpy_c_api.NumpyTooOld():
            return f"it targets NumPy {reason.target} or newer, not {reason.release}"
        case numpy_c_api.NumpyTargetUnknown():
            less = f"and {reason.release} offers less than {reason.old_release}"
            newer = f"which may be newer than {reason.release}"
            return (
                "its binaries do not say which NumPy they target, "
                f"{less if reason.old_release else newer}"
            )
        case numpy_c_api.NumpyFoundByName():
            return (
                f"it looks NumPy's API up by name, which NumPy {reason.release} answers, "
                f"but may hold struct layouts of another ABI than {reason.offered}"
            )
        case numpy_c_api.NumpyLayoutUnknown():
            return (
                f"it uses NumPy's types, and nothing tells for which ABI it was compiled; "
                f"NumPy {reason.release} has ABI {reason.offered}"
            )
        case numpy_c_api.NumpyVersionsUnknown():
            return f"NumPy {reason.release} does not say its ABI and feature version"
    return None


def _versions(versions: Iterable[int]) -> str:
    return " or ".join(map(str, versions))
