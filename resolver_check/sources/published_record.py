"""What a farm publishes of a wheel so that others can judge it without opening it; as one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from backend_shim.errors import InvalidRecord
from backend_shim.record.build_inputs import BuildInputs
from backend_shim.record.canonical import JSONValue, canonical_json
from backend_shim.record.decoding import (
    MAX_BYTES,
    JSONObject,
    as_object,
    decode_json,
    get_object,
    get_str,
    get_str_list,
)
from backend_shim.record.fingerprint import AbiFingerprint
from backend_shim.record.series import read_series
from resolver_check.wheel_reference import WheelReference

_START: Final = b'["'
_DIGEST_END: Final = len(_START) + 64


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRecord:
    """One wheel as whoever published this read it."""

    name: str
    version: str
    """As METADATA spells it."""
    requirements: tuple[str, ...]
    """Lines of Requires-Dist."""
    binding_names: frozenset[str]
    """The names that a binary must hold to reach this wheel (`import_name.binding_names`)."""
    modules: frozenset[str] | None
    """Dotted names of the modules and packages that it installs; None where they are not known."""
    recorded: AbiFingerprint | None
    """The wheel's own, where it is sound."""
    derived: AbiFingerprint | None = None
    """Taken from the binaries by the publisher, where the wheel's own is not there or was not asked
    for the names that others may ask about. It never counts as the wheel's own."""
    build_inputs: BuildInputs | None = None
    """The wheel's own."""

    def describes(self, reference: WheelReference) -> bool:
        """Whether it is of that release."""
        try:
            release = canonicalize_name(self.name), Version(self.version)
        except InvalidVersion:
            return False
        return release == (reference.name, reference.version)


def record_line(digest: str, record: PublishedRecord) -> bytes:
    """`["<sha256 of the wheel>",{…}]`, canonical JSON on one line.

    The digest comes first and has one length, so that a line is found without reading any.
    """
    return canonical_json(
        [
            digest,
            {
                "name": record.name,
                "version": record.version,
                "requires_dist": [*record.requirements],
                "binding_names": [*sorted(record.binding_names)],
                "modules": None if record.modules is None else [*sorted(record.modules)],
                "recorded": _json(record.recorded),
                "derived": _json(record.derived),
                "build_inputs": _json(record.build_inputs),
            },
        ]
    )


def digest_of_line(line: bytes) -> str:
    """The digest that a line begins with; what is no line gives what is no digest."""
    return line[len(_START) : _DIGEST_END].decode("ascii", errors="replace")


def record_of_line(line: bytes) -> PublishedRecord:
    """The record in a line. Raises InvalidRecord."""
    value = decode_json(line)
    if not isinstance(value, list) or len(value) != 2:
        raise InvalidRecord("$", "is no line of a record pack")
    table = as_object(value[1], "$[1]")
    record = PublishedRecord(
        name=get_str(table, "name", "$[1]"),
        version=get_str(table, "version", "$[1]"),
        requirements=get_str_list(table, "requires_dist", "$[1]"),
        binding_names=frozenset(get_str_list(table, "binding_names", "$[1]")),
        modules=_modules(table),
        recorded=_fingerprint(table, "recorded"),
        derived=_fingerprint(table, "derived"),
        build_inputs=_build_inputs(table),
    )
    if record.recorded is None and record.derived is None:
        raise InvalidRecord("$[1]", "has no fingerprint")
    return record


def is_too_long(line: bytes) -> bool:
    """Whether no reader would take it."""
    return len(line) > MAX_BYTES


def _json(document: AbiFingerprint | BuildInputs | None) -> JSONValue:
    return None if document is None else decode_json(document.to_json())


def _modules(table: JSONObject) -> frozenset[str] | None:
    if table.get("modules") is None:
        return None
    return frozenset(get_str_list(table, "modules", "$[1]"))


def _fingerprint(table: JSONObject, key: str) -> AbiFingerprint | None:
    found = get_object(table, key, "$[1]", optional=True)
    if found is None:
        return None
    fingerprint = AbiFingerprint.from_json(canonical_json(found))
    read_series(fingerprint.series)
    return fingerprint


def _build_inputs(table: JSONObject) -> BuildInputs | None:
    found = get_object(table, "build_inputs", "$[1]", optional=True)
    return None if found is None else BuildInputs.from_json(canonical_json(found))
