"""``backend-shim``: stamp, show and verify the records of wheels; vendor the shim."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from backend_shim import __version__
from backend_shim.embed import embed
from backend_shim.errors import BackendShimError, InvalidWheel
from backend_shim.fingerprinting import (
    recorded_build_inputs,
    recorded_fingerprint,
    recorded_problems,
    recorded_types,
)
from backend_shim.record.build_inputs import BuildInputs
from backend_shim.record.canonical import JSONValue, canonical_json
from backend_shim.record.decoding import decode_json
from backend_shim.record.fingerprint import AbiFingerprint, InterfaceFacts
from backend_shim.record.type_tables import TypeTables
from backend_shim.vendoring import pyproject_lines, write_copy
from backend_shim.wheel.archive import WheelArchive
from backend_shim.wheel.manifest import verify_manifest

DONE: Final = 0
PROBLEMS: Final = 1
UNREADABLE: Final = 2

_EXIT_STATUS: Final = (
    "exit status: 0 all is well; 1 a problem was found in a wheel or its records; "
    "2 wrong usage, or a file that cannot be read or written"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status. SystemExit for `--help` and wrong usage is argparse's."""
    parsed = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = parsed.command
    try:
        status = command(parsed)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads (`| head`) has enough; without this the interpreter complains on its way
        # out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="backend-shim",
        description="What wheels record of their binary interface and of their build.",
        epilog=_EXIT_STATUS,
    )
    parser.add_argument("--version", action="version", version=f"wheel-abi {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    stamp = _command(commands, "stamp", _stamp, "take the fingerprint of wheels afresh")
    stamp.description = (
        "Take the fingerprint of each wheel afresh and write it into the wheel, as after a repair "
        "tool. Build inputs that are there are kept."
    )
    stamp.add_argument("wheels", metavar="WHEEL", nargs="+", type=Path)
    stamp.add_argument(
        "--look-for",
        metavar="NAME",
        action="append",
        default=[],
        help="import name of another distribution to look for in the binaries (repeatable)",
    )
    stamp.add_argument(
        "--types-from",
        metavar="DIR",
        action="append",
        default=[],
        type=Path,
        help="directory, searched to any depth, with copies of the libraries that were not "
        "stripped, known by their build-id; needs the extra `types` (repeatable)",
    )
    stamp.add_argument(
        "--import-modules",
        action="store_true",
        help="import the modules with a .pxd beside them, each in a process of its own, and record "
        "exactly what they export to `cimport`; this runs code of the wheel, as nothing else does",
    )
    show = _command(commands, "show", _show, "say what the records of a wheel say")
    show.add_argument("wheel", metavar="WHEEL", type=Path)
    _add_format(show)
    verify = _command(commands, "verify", _verify, "check wheels against RECORD and their records")
    verify.description = (
        "Check every member against RECORD, and that a fingerprint is there, is understood, and "
        "describes the binaries that the wheel holds now; build inputs likewise if they are there."
    )
    verify.add_argument("wheels", metavar="WHEEL", nargs="+", type=Path)
    _add_format(verify)
    vendor = _command(commands, "vendor", _vendor, "copy the shim into a project's own tree")
    vendor.add_argument(
        "directory",
        metavar="DIR",
        type=Path,
        help="directory for the copy; its name should begin with an underscore",
    )
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    command: Callable[[argparse.Namespace], int],
    summary: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=summary, description=summary, epilog=_EXIT_STATUS)
    parser.set_defaults(command=command)
    return parser


def _add_format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="text is the default"
    )


def _stamp(parsed: argparse.Namespace) -> int:
    for directory in parsed.types_from:
        if not directory.is_dir():
            print(f"backend-shim: {directory}: is no directory", file=sys.stderr)
            return UNREADABLE
    return max([_stamp_one(wheel, parsed) for wheel in parsed.wheels])


def _stamp_one(wheel: Path, parsed: argparse.Namespace) -> int:
    try:
        left_out = embed(
            wheel,
            build_inputs=None,
            looked_for=parsed.look_for,
            types_from=parsed.types_from,
            runs_modules=parsed.import_modules,
        )
    except (BackendShimError, OSError) as error:
        _complain(wheel, error)
        return UNREADABLE
    untyped = left_out.types if parsed.types_from else ()
    for path, why in untyped:
        print(f"backend-shim: {wheel.name}: {path}: no types: {why}", file=sys.stderr)
    for module, why in left_out.modules:
        print(f"backend-shim: {wheel.name}: {module}: not imported: {why}", file=sys.stderr)
    return PROBLEMS if untyped or left_out.modules else DONE


def _show(parsed: argparse.Namespace) -> int:
    try:
        with WheelArchive.open(parsed.wheel) as archive:
            problems = recorded_problems(archive)
            fingerprint = None if problems else recorded_fingerprint(archive)
            inputs = None if problems else recorded_build_inputs(archive)
            types = None if problems else recorded_types(archive)
    except (BackendShimError, OSError) as error:
        _complain(parsed.wheel, error)
        return UNREADABLE
    for problem in problems:
        print(f"backend-shim: {parsed.wheel.name}: {problem}", file=sys.stderr)
    if parsed.format == "json":
        _write(
            {
                "wheel": parsed.wheel.name,
                "problems": list(problems),
                "fingerprint": _as_json(fingerprint),
                "build_inputs": _as_json(inputs),
            }
        )
    else:
        lines = (*_fingerprint_text(fingerprint), *_types_text(types), *_inputs_text(inputs))
        for line in lines:
            print(line)
    return PROBLEMS if problems else DONE


def _verify(parsed: argparse.Namespace) -> int:
    status = DONE
    report: list[JSONValue] = []
    for wheel in parsed.wheels:
        try:
            with WheelArchive.open(wheel) as archive:
                problems = _problems_of_wheel(archive)
        except (BackendShimError, OSError) as error:
            _complain(wheel, error)
            report.append({"wheel": wheel.name, "problems": None, "unreadable": _sentence(error)})
            status = UNREADABLE
            continue
        status = max(status, PROBLEMS if problems else DONE)
        report.append({"wheel": wheel.name, "problems": list(problems)})
        if parsed.format == "text":
            for line in problems or ("ok",):
                print(f"{wheel.name}: {line}")
    if parsed.format == "json":
        _write(report)
    return status


def _vendor(parsed: argparse.Namespace) -> int:
    directory: Path = parsed.directory
    try:
        written = write_copy(directory)
    except (BackendShimError, OSError) as error:
        _complain(directory, error)
        return UNREADABLE
    name = directory.as_posix() if not directory.is_absolute() else directory.name
    if not directory.name.startswith("_"):
        print(
            f"backend-shim: {name} does not begin with an underscore: setuptools takes such a "
            "directory for a package of the project and refuses to guess",
            file=sys.stderr,
        )
    print(f"# {len(written)} files written to {directory}. In pyproject.toml:")
    print(pyproject_lines(name), end="")
    return DONE


def _problems_of_wheel(archive: WheelArchive) -> tuple[str, ...]:
    problems = [f"{each.path}: {each.kind}" for each in verify_manifest(archive)]
    of_records = recorded_problems(archive)
    problems += of_records
    # Build inputs are known to a build only: a wheel that was stamped later does without.
    if not of_records and recorded_fingerprint(archive) is None:
        problems.append("there is no ABI fingerprint")
    return tuple(problems)


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


def _inputs_text(inputs: BuildInputs | None) -> Iterator[str]:
    if inputs is None:
        yield "no usable build inputs"
        return
    tag = f" build {inputs.build_tag}" if inputs.build_tag else ""
    yield f"built: {inputs.name} {inputs.version}{tag}"
    version = f" {inputs.backend.version}" if inputs.backend.version else ""
    yield f"  backend {inputs.backend.name}{version}"
    interpreter = inputs.interpreter
    yield f"  for {interpreter.cache_tag or interpreter.implementation} on {interpreter.platform}"
    tools = inputs.toolchain
    for tool in (tools.c_compiler, tools.cxx_compiler, tools.linker) if tools else ():
        if tool is not None:
            yield f"  with {tool.version}"
    for setting, value in inputs.config_settings:
        yield f"  setting {setting}={value if isinstance(value, str) else ' '.join(value)}"
    for variable, text in inputs.environment:
        yield f"  {variable}={text}"
    for patch in inputs.patches:
        yield f"  patch {patch.name} sha256:{patch.sha256[:16]}"
    for requirement in inputs.requirements:
        yield f"  {requirement.name}=={requirement.version}"


def _write(value: JSONValue) -> None:
    sys.stdout.write(canonical_json(value).decode("utf-8"))


def _complain(path: Path, error: Exception) -> None:
    print(f"backend-shim: {path.name or path}: {_sentence(error)}", file=sys.stderr)


def _sentence(error: Exception) -> str:
    """One line without the name that the caller has said already."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, InvalidWheel):
        return error.wrong
    return " ".join(str(error).split())
