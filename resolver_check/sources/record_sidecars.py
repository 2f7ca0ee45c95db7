"""What an index publishes beside a wheel, read instead of the wheel."""

from __future__ import annotations

from collections.abc import Callable
from email.parser import HeaderParser

from backend_shim.errors import InvalidRecord
from backend_shim.record.build_inputs import BuildInputs
from backend_shim.record.fingerprint import AbiFingerprint
from backend_shim.record.series import read_series
from resolver_check.errors import SourceUnavailable
from resolver_check.sources.publishable import (
    BUILD_INPUTS_SUFFIX,
    METADATA_SUFFIX,
    RECORD_SUFFIX,
)
from resolver_check.sources.published_record import PublishedRecord
from resolver_check.wheel_reference import WheelReference

ReadSidecar = Callable[[WheelReference, str, str], bytes]
"""(wheel, what is added to its name, sha256) -> the bytes that have it; SourceUnavailable."""


def read_sidecars(reference: WheelReference, read: ReadSidecar) -> PublishedRecord | None:
    """The record that stands beside the wheel.

    None where the index does not state all of it with digests, or where what it then serves is not
    there, is something else, or cannot be used: the wheel has it all, and is the authority.
    """
    stated = reference.record
    if stated is None or reference.metadata_digest is None:
        return None
    try:
        fingerprint = AbiFingerprint.from_json(read(reference, RECORD_SUFFIX, stated.digest))
        read_series(fingerprint.series)
        inputs = None
        if stated.build_inputs_digest is not None:
            data = read(reference, BUILD_INPUTS_SUFFIX, stated.build_inputs_digest)
            inputs = BuildInputs.from_json(data)
        text = read(reference, METADATA_SUFFIX, reference.metadata_digest)
        metadata = HeaderParser().parsestr(text.decode("utf-8", errors="replace"))
    except (InvalidRecord, SourceUnavailable):
        return None
    record = PublishedRecord(
        name=str(metadata.get("Name", "")).strip(),
        version=str(metadata.get("Version", "")).strip(),
        requirements=tuple(map(str, metadata.get_all("Requires-Dist", []))),
        binding_names=stated.binding_names,
        modules=None,
        recorded=fingerprint,
        build_inputs=inputs,
    )
    return record if record.describes(reference) else None
