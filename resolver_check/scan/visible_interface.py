"""The interfaces of two wheels against each other, from their records or their binaries."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from backend_shim.interfaces import import_name
from backend_shim.interfaces.interface_file import is_interface_file
from backend_shim.record.fingerprint import AbiFingerprint, Generator
from resolver_check.compare.wheels.interface import VisibleInterface, interface_differences
from resolver_check.scan.subject import Subject

_ASKED_OTHERWISE: Final = "the other wheel was not asked the same"


def compare_interfaces(
    first: Subject, second: Subject, changed: Collection[str]
) -> tuple[str, ...]:
    """The parts of the interface that differ or are not known; empty: it is equal.

    Interface files among the `changed` paths are such parts: of these the fingerprint knows the
    digests in RECORD, which nobody has checked. Raises InvalidWheel.
    """
    files = (f"interface file {path}" for path in sorted(filter(is_interface_file, changed)))
    old, new = first.fingerprint(), second.fingerprint()
    series = old.series, new.series
    if _asked(old) != _asked(new):
        looked_for = import_name.looked_for_in(old) | import_name.looked_for_in(new)
        for subject in (first, second):
            subject.leave_record(_ASKED_OTHERWISE)
        old, new = first.derived(looked_for), second.derived(looked_for)
    return (
        *files,
        *interface_differences(
            _visible(first, replace(old, series=series[0])),
            _visible(second, replace(new, series=series[1])),
        ),
    )


def _visible(subject: Subject, fingerprint: AbiFingerprint) -> VisibleInterface:
    return VisibleInterface(
        fingerprint=fingerprint,
        symbols=subject.fingerprinted().symbols,
        types=subject.recorded_types,
        tags=frozenset(map(str, subject.tags)),
        modules=import_name.module_names(subject.paths),
    )


def _asked(fingerprint: AbiFingerprint) -> tuple[Generator, tuple[str, ...], frozenset[str]]:
    """What makes two fingerprints comparable: the reader, the interfaces, the names looked for.

    A wheel without binaries was not asked for names.
    """
    return fingerprint.generator, fingerprint.interfaces, import_name.looked_for_in(fingerprint)
