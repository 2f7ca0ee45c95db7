"""`backend-shim export`: a wheel's records in the forms of others."""

from __future__ import annotations

import argparse
import contextlib
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from backend_shim.cli.output import (
    DONE,
    EXIT_STATUS,
    PROBLEMS,
    UNREADABLE,
    Commands,
    add_command,
    complain,
    write_json,
    write_output,
)
from backend_shim.errors import BackendShimError, InvalidRecord
from backend_shim.exports.abi_dependency import project
from backend_shim.exports.cyclonedx import bill_of_materials
from backend_shim.exports.in_toto import is_builder_id, is_wheel_name, provenance_statement
from backend_shim.fingerprinting import (
    recorded_build_inputs,
    recorded_fingerprint,
    recorded_member,
)
from backend_shim.record.build_inputs import BuildInputs
from backend_shim.record.canonical import JSONValue, canonical_json
from backend_shim.record.decoding import as_object, decode_json, get_object
from backend_shim.record.names import BUILD_INPUTS, FINGERPRINT
from backend_shim.wheel.archive import WheelArchive
from backend_shim.wheel.manifest import verify_manifest
from backend_shim.wheel.whole_files import sha256_at

_IN_TOTO: Final = "in-toto"

_DESCRIPTION: Final = """\
Write what the records of a wheel say in the form of another standard, as JSON.

cyclonedx       the build inputs as the formulation of a CycloneDX 1.6 document
in-toto         the build inputs as an in-toto statement about this very file, with
                the predicate of SLSA provenance v1: to be signed after the last
                change to the wheel (PEP 740)
abi-dependency  the properties of wheel variants (PEP 817) that follow from the
                fingerprint, and what they leave out"""
_EXAMPLE: Final = """\
example:
  backend-shim export demo-1.0-cp312-cp312-linux_x86_64.whl --format in-toto \\
      --builder-id https://example.org/build-farm --output demo.intoto.json"""


def add_export(commands: Commands) -> None:
    """The parser of `export`."""
    export = add_command(
        commands, "export", _export, "write the records of a wheel in the form of another standard"
    )
    export.formatter_class = argparse.RawDescriptionHelpFormatter
    export.description = _DESCRIPTION
    export.epilog = f"{_EXAMPLE}\n\n{textwrap.fill(EXIT_STATUS, 79)}"
    export.add_argument("wheel", metavar="WHEEL", type=Path)
    export.add_argument(
        "--format", choices=tuple(_DOCUMENTS), required=True, help="the form to write"
    )
    export.add_argument(
        "--builder-id",
        metavar="URI",
        type=_builder_id,
        help="who has built: a URI that whoever verifies the signature knows (SLSA, builder.id); "
        "in-toto needs it",
    )
    export.add_argument(
        "--output", metavar="FILE", type=Path, help="write the JSON there and print nothing"
    )
    export.set_defaults(wrong_usage=export.error)


def _builder_id(text: str) -> str:
    if not is_builder_id(text):
        raise argparse.ArgumentTypeError("must be an absolute URI")
    return text


def _export(parsed: argparse.Namespace) -> int:
    wheel: Path = parsed.wheel
    output: Path | None = parsed.output
    if (parsed.builder_id is not None) != (parsed.format == _IN_TOTO):
        parsed.wrong_usage(f"--builder-id is needed for {_IN_TOTO} and for nothing else")
    if parsed.format == _IN_TOTO and not is_wheel_name(wheel.name):
        parsed.wrong_usage(f"{wheel.name}: not the file name of a wheel, which a statement names")
    if output is not None and _is_same(output, wheel):
        parsed.wrong_usage("--output: would replace the wheel")
    try:
        with WheelArchive.open(wheel) as archive:
            document = _DOCUMENTS[parsed.format](archive, parsed)
    except InvalidRecord as error:
        complain(wheel, error)
        return PROBLEMS
    except (BackendShimError, OSError) as error:
        complain(wheel, error)
        return UNREADABLE
    if output is None:
        write_json(document)
        return DONE
    try:
        write_output(output, canonical_json(document))
    except OSError as error:
        complain(output, error)
        return UNREADABLE
    return DONE


def _is_same(output: Path, wheel: Path) -> bool:
    with contextlib.suppress(OSError):  # one of them is not there
        return output.samefile(wheel)
    return False


def _cyclonedx(archive: WheelArchive, _parsed: argparse.Namespace) -> JSONValue:
    return bill_of_materials(_build_inputs(archive))


def _in_toto(archive: WheelArchive, parsed: argparse.Namespace) -> JSONValue:
    """Of a wheel whose RECORD fits: whoever signs vouches for all that is in it."""
    _build_inputs(archive)
    for problem in verify_manifest(archive):
        raise InvalidRecord("RECORD", f"{problem.path}: {problem.kind}")
    wheel: Path = parsed.wheel
    # Verbatim, not as it is understood here: a producer may have said more.
    record = decode_json(recorded_member(archive, BUILD_INPUTS) or b"")
    definition = get_object(as_object(record, "$"), "build_definition", "$")
    return provenance_statement(
        definition, wheel=wheel.name, sha256=sha256_at(wheel), builder_id=parsed.builder_id
    )


def _abi_dependency(archive: WheelArchive, _parsed: argparse.Namespace) -> JSONValue:
    fingerprint = recorded_fingerprint(archive)
    if fingerprint is None:
        raise InvalidRecord(FINGERPRINT, "is not there")
    return project(fingerprint, recorded_build_inputs(archive)).as_json()


def _build_inputs(archive: WheelArchive) -> BuildInputs:
    """Raises InvalidRecord where there are none, too."""
    inputs = recorded_build_inputs(archive)
    if inputs is None:
        raise InvalidRecord(BUILD_INPUTS, "is not there")
    return inputs


_DOCUMENTS: Final[Mapping[str, Callable[[WheelArchive, argparse.Namespace], JSONValue]]] = {
    "cyclonedx": _cyclonedx,
    _IN_TOTO: _in_toto,
    "abi-dependency": _abi_dependency,
}
