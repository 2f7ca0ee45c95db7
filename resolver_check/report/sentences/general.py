"""What belongs to no interface."""

from __future__ import annotations

from backend_shim.interfaces.reasons import Reason
from resolver_check import model
from resolver_check.report.sentences.listing import some


def sentence(reason: Reason) -> str | None:
    """What `reason` says, if it is one of these."""
    match reason:
        case model.PureConsumer():
            return "it holds no binary, so nothing in it depends on the provider's ABI"
        case model.RebuiltTheSame():
            return f"{reason.wheel} came out of its rebuild as it was"
        case model.NoBinding():
            return f"no binary of it links to or names {some(reason.looked_for)}"
        case model.UnreadBinary() | model.WheelUnreadable() | model.CatalogSilent():
            return _not_known(reason)
        case model.TargetsDiffer():
            ours, theirs = some(reason.consumer), some(reason.provider)
            return f"it is for {ours}, the new provider for {theirs}: no environment has both"
        case model.NoNewWheel() | model.ProviderGone():
            return _without_provider(reason)
        case model.BuildRequirementChanged():
            return _other_requirement(reason)
        case model.Derived() | model.RecordUnused():
            return _of_record(reason)
    return None


def _not_known(reason: model.UnreadBinary | model.WheelUnreadable | model.CatalogSilent) -> str:
    if isinstance(reason, model.UnreadBinary):
        return f"{reason.path} ({reason.wheel}) could not be read: {reason.why}"
    if isinstance(reason, model.CatalogSilent):
        return f"the catalog does not say enough of {reason.wheel}: {reason.why}"
    return f"{reason.wheel} could not be read: {reason.why}"


def _without_provider(reason: model.NoNewWheel | model.ProviderGone) -> str:
    if isinstance(reason, model.NoNewWheel):
        wanted = f"{reason.name} {reason.version}" if reason.version else reason.name
        return f"there is no wheel of {wanted} to judge by"
    if reason.is_required:
        return f"it requires {reason.name}, which is gone: its metadata must change as well"
    return f"its binaries bind to {reason.name}, which is gone"


def _of_record(reason: model.Derived | model.RecordUnused) -> str:
    if isinstance(reason, model.RecordUnused):
        return f"{reason.record} in {reason.wheel} is not used: {reason.why}"
    return f"the fingerprint of {reason.wheel} was derived from its binaries: {reason.why}"


def _other_requirement(reason: model.BuildRequirementChanged) -> str:
    asked = f"{reason.name} {reason.version}"
    if reason.built is None:
        return f"it has no record of what it was built with, which may not be {asked}"
    return f"it was built with {reason.name} {reason.built}, not with {asked}"
