"""One sentence per reason. The only place where a reason becomes words."""

from __future__ import annotations

from collections.abc import Iterable

from backend_shim.interfaces import header, import_name, linking, numpy_c_api, type_registry
from backend_shim.interfaces.reasons import Reason
from resolver_check import model

_SHOWN = 4


def explain(reason: Reason) -> str:
    """What `reason` says, for a reader who knows wheels but not this program."""
    for explained in (_general, _linking, _numpy, _by_name):
        if (sentence := explained(reason)) is not None:
            return sentence
    # A reason of a third party's interface comes with data only.
    data = ", ".join(f"{key}={value}" for key, value in reason.data().items())
    return f"{reason.kind}: {data}"


def _general(reason: Reason) -> str | None:
    match reason:
        case model.PureConsumer():
            return "it holds no binary, so nothing in it depends on the provider's ABI"
        case model.NoBinding():
            return f"no binary of it links to or names {_some(reason.looked_for)}"
        case model.UnreadBinary():
            return f"{reason.path} ({reason.wheel}) could not be read: {reason.why}"
        case model.InterfaceUnknown():
            return f"its record names the interface {reason.interface!r}, which is not known here"
        case model.TargetsDiffer():
            ours, theirs = _some(reason.consumer), _some(reason.provider)
            return f"it is for {ours}, the new provider for {theirs}: no environment has both"
        case model.WheelUnreadable():
            return f"{reason.wheel} could not be read: {reason.why}"
        case model.NoNewWheel():
            return f"there is no wheel of {reason.name} {reason.version} to judge by"
        case model.Derived():
            return f"the fingerprint of {reason.wheel} was derived from its binaries: {reason.why}"
        case model.RecordUnused():
            return f"{reason.record} in {reason.wheel} is not used: {reason.why}"
    return None


def _linking(reason: Reason) -> str | None:
    match reason:
        case linking.SonameMissing():
            return f"{reason.object} needs {reason.soname}, which the new provider no longer has"
        case linking.SymbolMissing():
            symbol = reason.symbol + (f"@{reason.version}" if reason.version else "")
            return f"{reason.object} imports {symbol}, which the new provider does not export"
        case linking.SymbolChanged():
            return (
                f"{reason.object} imports {reason.symbol}, "
                f"which was {reason.old} and is now {reason.new}"
            )
        case linking.NewlyProvided():
            return f"{reason.object} needs {reason.soname}, which only the new provider has"
        case linking.LibraryMoved():
            return f"{reason.soname} moved from {_some(reason.old)} to {_some(reason.new)}"
        case linking.ProviderNeedsMore():
            return (
                f"the new provider's libraries need {_some(reason.sonames)}, "
                "which the old one's did not"
            )
        case linking.SymbolsPresent():
            libraries = _some(reason.libraries) or "its libraries"
            return f"all {reason.symbols} symbols that it takes from {libraries} are still exported"
    return None


def _numpy(reason: Reason) -> str | None:
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
            return (
                f"its binaries do not say which NumPy they target, "
                f"and {reason.release} offers less than {reason.old_release}"
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


def _by_name(reason: Reason) -> str | None:
    match reason:
        case import_name.NamedInBinary():
            return f"its binaries name {_some(reason.names)}, and no rule says what for"
        case type_registry.TypesMayBeShared():
            return f"both register C++ types with {_some(reason.registries)} and may share them"
        case header.InterfaceFilesUnchanged():
            return f"what declares it is unchanged, by {reason.equal_by}: {_some(reason.files)}"
        case header.InterfaceFilesChanged():
            return f"what declares it has changed: {_some(reason.files)}"
        case header.NotDeclared():
            return f"no interface file of the provider declares {_some(reason.names) or 'it'}"
    return None


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more


def _versions(versions: Iterable[int]) -> str:
    return " or ".join(map(str, versions))
