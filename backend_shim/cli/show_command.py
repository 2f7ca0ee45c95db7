"""`backend-shim show`: what the records of a wheel say."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from backend_shim.cli.inputs_text import inputs_text
from backend_shim.cli.output import (
    DONE,
    PROBLEMS,
    UNREADABLE,
    Commands,
    add_command,
    add_format,
    complain,
    write_json,
)
from backend_shim.errors import BackendShimError
from backend_shim.fingerprinting import (
    recorded_build_inputs,
    recorded_fingerprint,
    recorded_problems,
    recorded_types,
)
from backend_shim.record.build_inputs import BuildInputs
from backend_shim.record.canonical import JSONValue
from backend_shim.record.decoding import decode_json
from backend_shim.record.fingerprint import AbiFingerprint, InterfaceFacts
from backend_shim.record.type_tables import TypeTables
from backend_shim.wheel.archive import WheelArchive


def add_show(commands: Commands) -> None:
    """The parser of `show`."""
    show = add_command(commands, "show", _show, "print the records of a wheel, if they are sound")
    show.description = (
        "Print the records of a wheel, if they are sound. That a wheel has none is no problem "
        "here; to `verify` it is one."
    )
    show.add_argument("wheel", metavar="WHEEL", type=Path)
    add_format(show)


def _show(parsed: argparse.Namespace) -> int:
    try:
        with WheelArchive.open(parsed.wheel) as archive:
            problems = recorded_problems(archive)
            fingerprint = None if problems else recorded_fingerprint(archive)
            inputs = None if problems else recorded_build_inputs(archive)
            types = None if problems else recorded_types(archive)
    except (BackendShimError, OSError) as error:
        complain(parsed.wheel, error)
        return UNREADABLE
    for problem in problems:
        print(f"backend-shim: {parsed.wheel.name}: {problem}", file=sys.stderr)
    if parsed.format == "json":
        write_json(
            {
                "wheel": parsed.wheel.name,
                "problems": list(problems),
                "fingerprint": _as_json(fingerprint),
                "build_inputs": _as_json(inputs),
            }
        )
    else:
        lines = (*_fingerprint_text(fingerprint), *_types_text(types), *inputs_text(inputs))
        for line in lines:
            print(line)
    return PROBLEMS if problems else DONE


def _as_json(record: AbiFingerprint | BuildInputs | None) -> JSONValue:
    return None if record is None else decode_json(record.to_json())


def _fingerprint_text(fingerprint: AbiFingerprint | None) -> Iterator[str]:
    if fingerprint is None:
        yield "no usable ABI fingerprint"
        return
    yield "pure: no binaries" if fingerprint.is_purelib else "binaries:"
    for each in fingerprint.objects:
        origin = ", grafted" if each.is_grafted else ""
        counts = f"{each.exported} symbols out, {each.imported} in"
        yield f"  {each.path} ({each.format} {each.machine} {each.kind}{origin}; {counts})"
        if each.needed:
            yield f"    needs {', '.join(each.needed)}"
    for unread in fingerprint.unread:
        yield f"  {unread.path}: not read: {unread.why}"
    yield from _facts_text("provides", fingerprint.provides)
    yield from _facts_text("requires", fingerprint.requires)


def _facts_text(title: str, interfaces: Sequence[InterfaceFacts]) -> Iterator[str]:
    for each in interfaces:
        provider = f" of {each.provider}" if each.provider else ""
        yield f"{title} {each.interface}{provider} ({each.basis.value})"


def _types_text(types: TypeTables | None) -> Iterator[str]:
    for each in types.objects if types else ():
        yield f"types of {len(each.symbols)} symbols of {each.path}"
