"""A built wheel in, the same wheel with its records inside out."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from backend_shim.errors import InvalidRecord
from backend_shim.fingerprinting import record_files
from backend_shim.interfaces import import_name
from backend_shim.record.build_inputs import BuildInputs
from backend_shim.record.decoding import get_str_list
from backend_shim.record.fingerprint import AbiFingerprint
from backend_shim.record.names import BUILD_INPUTS, FINGERPRINT, SYMBOLS, accepted_names
from backend_shim.wheel.archive import WheelArchive
from backend_shim.wheel.rewrite import add_dist_info_files


def embed(wheel: Path, *, build_inputs: BuildInputs | None, looked_for: Collection[str]) -> None:
    """Write the fingerprint of `wheel`, taken afresh, and its `build_inputs` into it, atomically.

    None for `build_inputs` keeps those that are there: a repair tool changes what was built and not
    what it was built from. `looked_for` are the import names that the binaries are searched for.
    Raises InvalidWheel, SignedWheel, OSError; the wheel is then as it was.
    """
    with WheelArchive.open(wheel) as archive:
        wanted = {*looked_for, *_looked_for_before(archive)}
        files = dict(record_files(archive, looked_for=wanted))
    # A record under the other accepted name, or one no longer written, would contradict these.
    renewed = [FINGERPRINT, SYMBOLS]
    if build_inputs is not None:
        files[BUILD_INPUTS] = build_inputs.to_json()
        renewed.append(BUILD_INPUTS)
    stale = {name for record in renewed for name in accepted_names(record)} - files.keys()
    add_dist_info_files(wheel, files, drop=stale)


def _looked_for_before(archive: WheelArchive) -> frozenset[str]:
    """The names that an embedded fingerprint, stale or not, was taken with; none if it is no use.

    Only the build environment knew them; a repair must not make the fingerprint say less.
    """
    for name in accepted_names(FINGERPRINT):
        path = f"{archive.dist_info}/{name}"
        try:
            found = AbiFingerprint.from_json(archive.read(path)) if archive.has(path) else None
            facts = found.required(import_name.NAME) if found else None
            if facts is not None:
                return frozenset(get_str_list(facts.facts.thaw(), "looked_for", "$"))
        except InvalidRecord:
            continue
    return frozenset()
