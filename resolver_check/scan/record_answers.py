"""Whether a fingerprint that somebody else took answers what is asked of the wheel now."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from backend_shim.interfaces import import_name
from backend_shim.interfaces.table import all_interfaces
from backend_shim.record.fingerprint import AbiFingerprint


def unasked(recorded: AbiFingerprint) -> list[str]:
    """The interfaces that are known here and were not when the record was written.

    By one of them the wheel may bind to what another one leaves to it.
    """
    return sorted({each.name for each in all_interfaces()} - set(recorded.interfaces))


def has_looked_for(recorded: AbiFingerprint, wanted: Iterable[str]) -> bool:
    """Whether the record answers for all of `wanted`. A wheel without binaries names nobody.

    Raises InvalidRecord.
    """
    if not recorded.objects and not recorded.unread:
        return True
    return import_name.looked_for_in(recorded).issuperset(wanted)


def answers(recorded: AbiFingerprint, wanted: Collection[str]) -> bool:
    """Whether nothing is left to ask the binaries. Raises InvalidRecord."""
    return not unasked(recorded) and has_looked_for(recorded, wanted)
