"""Answers about records: decoded, written canonically, held against the wheel, redacted."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from backend_shim.capture.environment import recorded_environment, recorded_settings
from backend_shim.capture.redaction import Redaction
from backend_shim.errors import InvalidRecord, InvalidWheel, StaleRecord, UnknownSchema
from backend_shim.fingerprinting import (
    recorded_build_inputs,
    recorded_fingerprint,
    recorded_symbols,
    recorded_types,
)
from backend_shim.record.build_inputs import BuildInputs
from backend_shim.record.canonical import canonical_json
from backend_shim.record.decoding import check_schema_version, decode_json
from backend_shim.record.fingerprint import AbiFingerprint, SymbolTables
from backend_shim.record.series import read_series
from backend_shim.record.type_tables import TypeTables
from backend_shim.wheel.archive import WheelArchive
from resolver_check.scan.subject import Subject
from tests.spec.answers.loop import Failure, bytes_of

DECODERS: Final[dict[str, Callable[[bytes], object]]] = {
    "abi_fingerprint": lambda data: read_series(AbiFingerprint.from_json(data).series),
    "abi_symbols": SymbolTables.from_json,
    "abi_types": TypeTables.from_json,
    "build_inputs": BuildInputs.from_json,
}


def _recorded_symbols(wheel: WheelArchive) -> SymbolTables | None:
    """Asked for only where the fingerprint can be used, as `Subject` does it."""
    return None if recorded_fingerprint(wheel) is None else recorded_symbols(wheel)


READERS: Final[dict[str, Callable[[WheelArchive], object]]] = {
    "abi_fingerprint": recorded_fingerprint,
    "abi_symbols": _recorded_symbols,
    "abi_types": recorded_types,
    "build_inputs": recorded_build_inputs,
}
NAME = "demo-1.0-py3-none-any.whl"


@contextmanager
def _faults() -> Iterator[None]:
    """InvalidRecord as a failure with the path of the vectors, which have no `$`."""
    try:
        yield
    except InvalidRecord as error:
        raise Failure(error.path.removeprefix("$").removeprefix("."), error.wrong) from error


def parse(given: Any) -> Any:
    """Whether the document is understood; a version that is not leaves it absent."""
    with _faults():
        try:
            DECODERS[given["document"]](bytes_of(given["data"]))
        except UnknownSchema:
            return {"understood": False}
    return {"understood": True}


def canonicalize(given: Any) -> Any:
    """The canonical text of what the bytes say."""
    with _faults():
        value = decode_json(bytes_of(given["data"]))
    return {"text": canonical_json(value).decode("utf-8")}


def version(given: Any) -> Any:
    """Whether a reader of 0.1 understands a document that names this version."""
    with _faults():
        try:
            check_schema_version(given)
        except UnknownSchema:
            return {"understood": False}
    return {"understood": True}


@contextmanager
def opened(members: list[dict[str, Any]]) -> Iterator[WheelArchive]:
    """The wheel that holds `members` in their order."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for each in members:
            archive.writestr(each["path"], bytes_of(each["data"]))
    with zipfile.ZipFile(data) as archive:
        yield WheelArchive(archive, NAME)


def locate(given: Any) -> Any:
    """What a reader of the wheel finds of one of its records."""
    try:
        with opened(given["members"]) as wheel:
            found = READERS[given["document"]](wheel)
    except InvalidWheel as error:
        raise Failure("members", error.wrong) from error
    except UnknownSchema:
        return {"state": "not understood"}
    except StaleRecord:
        return {"state": "stale"}
    except InvalidRecord:
        return {"state": "unusable"}
    return {"state": "absent" if found is None else "usable"}


def redact(given: Any) -> Any:
    """What is recorded of an environment and of config settings."""
    redaction = Redaction(
        places=tuple(sorted(given["places"].items(), key=lambda place: -len(place[0]))),
        host_names=tuple(given["host_names"]),
    )
    environment = recorded_environment(
        given["environment"], also=given["also"], redaction=redaction
    )
    settings = recorded_settings(given["config_settings"], redaction=redaction)
    return {"environment": dict(environment), "config_settings": dict(settings)}


def locate_by_subject(given: Any) -> Any:
    """As `locate`, and whether the side that judges uses it exactly if it is usable."""
    found = locate(given)
    with opened(given["members"]) as wheel:
        subject = Subject(wheel)
        uses = {
            "abi_fingerprint": lambda: subject.recorded is not None,
            "abi_symbols": lambda: any(
                each.symbols for each in subject.fingerprinted().symbols.objects
            ),
            "abi_types": lambda: bool(subject.recorded_types.objects),
            "build_inputs": lambda: subject.build_inputs is not None,
        }[given["document"]]()
    return found if uses is (found["state"] == "usable") else {**found, "is_used": uses}
