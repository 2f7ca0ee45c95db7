"""A built wheel in, the same wheel with its records inside out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from backend_shim.errors import InvalidRecord
from backend_shim.exports.cyclonedx import bill_of_materials
from backend_shim.fingerprinting import files_of, fingerprint_wheel
from backend_shim.interfaces import import_name
from backend_shim.module_importing import ImportedFacts, import_modules
from backend_shim.record.build_inputs import BuildInputs
from backend_shim.record.canonical import canonical_json
from backend_shim.record.decoding import MAX_BYTES, get_str_list
from backend_shim.record.fingerprint import AbiFingerprint
from backend_shim.record.names import (
    BUILD_INPUTS,
    FINGERPRINT,
    SBOM,
    SYMBOLS,
    TYPES,
    accepted_names,
)
from backend_shim.record.series import Series, read_series
from backend_shim.record.type_tables import TypeTables
from backend_shim.type_recording import DebugFiles, TypeReader, take_types
from backend_shim.wheel.archive import WheelArchive
from backend_shim.wheel.rewrite import add_dist_info_files


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """What is not in the records of a wheel though it was asked for, each with the reason."""

    types: tuple[tuple[str, str], ...] = ()
    """Paths of libraries that others can link to."""
    modules: tuple[tuple[str, str], ...] = ()
    """Names of modules that were not imported."""


def embed(
    wheel: Path,
    *,
    build_inputs: BuildInputs | None,
    looked_for: Collection[str],
    series: Collection[Series] | None = None,
    types_from: Collection[Path] = (),
    runs_modules: bool = False,
    with_sbom: bool = False,
) -> LeftOut:
    """Write the fingerprint of `wheel`, taken afresh, and its `build_inputs` into it, atomically.

    None for `build_inputs` or `series` keeps those that are there: a repair tool changes what was
    built and neither what it was built from nor what was promised. `looked_for` are the import
    names that the binaries are searched for, `types_from` directories with copies of its libraries
    that were not stripped. With `runs_modules` those modules are imported that others `cimport`
    from, else no code of the wheel is run. `with_sbom` writes `build_inputs` as CycloneDX, too,
    which is kept as long as they are. Raises InvalidWheel, SignedWheel, OSError; the wheel is then
    as it was.
    """
    with WheelArchive.open(wheel) as archive:
        known, promised = _said_before(archive)
        read = fingerprint_wheel(archive, looked_for={*looked_for, *known})
        imported = import_modules(archive, read) if runs_modules else ImportedFacts(read=read)
        read = imported.read
        files = files_of(read, series=promised if series is None else series)
        reader = TypeReader(archive, DebugFiles(types_from), _types_before(archive))
        types = take_types(reader, read)
    tables = types.tables.to_json()
    if types.tables.objects and len(tables) <= MAX_BYTES:  # beyond that no reader takes it
        files[TYPES] = tables
    # A record under the other accepted name, or one no longer written, would contradict these.
    renewed = [FINGERPRINT, SYMBOLS, TYPES]
    if build_inputs is not None:
        files[BUILD_INPUTS] = build_inputs.to_json()
        renewed.append(BUILD_INPUTS)
        if with_sbom:
            files[SBOM] = canonical_json(bill_of_materials(build_inputs))
    stale = {name for record in renewed for name in accepted_names(record)}
    if build_inputs is not None:
        stale.add(SBOM)
    add_dist_info_files(wheel, files, drop=stale - files.keys())
    return LeftOut(types=types.missing, modules=imported.missing)


def _types_before(archive: WheelArchive) -> TypeTables:
    """The embedded digests of types, whatever became of the binaries; empty if they are no use."""
    for name in accepted_names(TYPES):
        path = f"{archive.dist_info}/{name}"
        try:
            if archive.has(path):
                return TypeTables.from_json(archive.read(path))
        except InvalidRecord:
            continue
    return TypeTables()


def _said_before(archive: WheelArchive) -> tuple[frozenset[str], tuple[Series, ...]]:
    """The names that an embedded fingerprint, stale or not, was taken with, and its series.

    Only the build environment knew them; a repair must not make the fingerprint say less. None of
    either if it is no use.
    """
    for name in accepted_names(FINGERPRINT):
        path = f"{archive.dist_info}/{name}"
        try:
            if archive.has(path):
                found = AbiFingerprint.from_json(archive.read(path))
                return _looked_for(found), read_series(found.series)
        except InvalidRecord:
            continue
    return frozenset(), ()


def _looked_for(fingerprint: AbiFingerprint) -> frozenset[str]:
    required = fingerprint.required(import_name.NAME)
    if required is None:
        return frozenset()
    return frozenset(get_str_list(required.facts.thaw(), "looked_for", "$"))
