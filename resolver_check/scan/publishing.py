"""Wheels of this machine read whole, for what is published beside them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from backend_shim.errors import InvalidRecord, InvalidWheel
from backend_shim.fingerprinting import recorded_build_inputs, recorded_fingerprint
from backend_shim.record.names import BUILD_INPUTS, FINGERPRINT, accepted_names
from backend_shim.wheel.archive import WheelArchive
from backend_shim.wheel.whole_files import sha256_of, state_of
from resolver_check.scan.subject import Subject
from resolver_check.sources.publishable import CHANGED, PublishableWheel, UnpublishableWheel
from resolver_check.wheel_reference import SkippedFile, parse


def read_publishable(path: Path) -> PublishableWheel | UnpublishableWheel:
    """The wheel in the file `path` with its sidecars, or why it cannot be published."""
    reference = parse(path.name, location=str(path.absolute()))
    if isinstance(reference, SkippedFile):
        return UnpublishableWheel(filename=reference.filename, why=reference.why)
    try:
        before = state_of(path)
        with path.open("rb") as file:
            reference = replace(reference, digest=sha256_of(file), size=file.tell())
        with WheelArchive.open(path) as archive:
            subject = Subject(archive)
            fingerprint, unused = _own_fingerprint(archive)
            wheel = PublishableWheel(
                reference=replace(reference, requires_python=_requires_python(archive)),
                metadata=archive.read(f"{archive.dist_info}/METADATA"),
                fingerprint=fingerprint,
                build_inputs=_own_build_inputs(archive),
                binding_names=subject.binding_names,
                unused=unused,
            )
        if state_of(path) != before:
            return UnpublishableWheel(filename=path.name, why=CHANGED)
        return wheel
    except InvalidWheel as error:
        return UnpublishableWheel(filename=path.name, why=error.wrong)
    except OSError as error:
        return UnpublishableWheel(filename=path.name, why=error.strerror or str(error))


def _own_fingerprint(archive: WheelArchive) -> tuple[bytes | None, str | None]:
    """The bytes of a sound record, or why there are none."""
    try:
        if recorded_fingerprint(archive) is None:
            return None, "it carries no record"
    except InvalidRecord as error:
        return None, f"its record is unusable: {error}"
    return _member(archive, FINGERPRINT), None


def _own_build_inputs(archive: WheelArchive) -> bytes | None:
    try:
        return None if recorded_build_inputs(archive) is None else _member(archive, BUILD_INPUTS)
    except InvalidRecord:
        return None


def _member(archive: WheelArchive, record: str) -> bytes:
    paths = (f"{archive.dist_info}/{name}" for name in accepted_names(record))
    return archive.read(next(path for path in paths if archive.has(path)))


def _requires_python(archive: WheelArchive) -> str | None:
    """As METADATA has it; what is no specifier would make installers stumble over the page."""
    found = str(archive.metadata.get("Requires-Python", "")).strip()
    try:
        SpecifierSet(found)
    except InvalidSpecifier:
        return None
    return found or None
