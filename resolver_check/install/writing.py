"""Wheels written into an environment: all of them, or nothing."""

from __future__ import annotations

import configparser
import json
import subprocess
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import distributions
from pathlib import Path
from typing import Final

import installer
from installer.exceptions import InstallerError, InvalidWheelSource
from installer.records import InvalidRecordEntry
from installer.sources import WheelFile
from packaging.utils import canonicalize_name

from backend_shim.errors import InvalidWheel
from backend_shim.wheel.archive import MAX_TEXT_SIZE, WheelArchive
from resolver_check.errors import InstallationFailed, UsageError
from resolver_check.install.destination import (
    Journal,
    JournalledDestination,
    Place,
    PlannedDestination,
)
from resolver_check.wheel_reference import SkippedFile, parse

_DAMAGE: Final = (
    InstallerError,
    InvalidRecordEntry,
    configparser.Error,
    zipfile.BadZipFile,
    zlib.error,
    ValueError,
    TypeError,
    LookupError,
    AssertionError,
    EOFError,
    RuntimeError,  # with NotImplementedError
)
_COMPILE: Final = """\
import compileall, json, sys
asked = json.load(sys.stdin)
for file, shown in asked["files"]:
    for level in asked["levels"]:
        compileall.compile_file(file, ddir=shown, optimize=level, quiet=2)
"""


@contextmanager
def open_wheel_file(path: Path) -> Iterator[WheelFile]:
    """The wheel for `installer`, each member of which is as RECORD says. Raises InvalidWheel."""
    named = parse(path.name, location=str(path))
    if isinstance(named, SkippedFile):  # `installer` makes paths of what stands in the name.
        raise InvalidWheel(path.name, named.why)
    _check_sizes(path)
    with _as_invalid(path.name):
        zip_file = zipfile.ZipFile(path)
    with zip_file:
        with _as_invalid(path.name):
            source = WheelFile(zip_file)
            try:
                source.validate_record(validate_contents=True)
            except WheelFile.validation_error as error:
                raise InvalidWheel(path.name, _issues(error, path)) from error
        yield source


def check_free(sources: Sequence[WheelFile], place: Place) -> None:
    """Nothing is where the wheels would be written, or it may be written over.

    Raises UsageError, and InvalidWheel for one that would write outside of its directories.
    """
    taken: dict[Path, str] = {}
    for source in sources:
        for path in files_of(source, place):
            if place.overwrite_existing:
                continue
            if path in taken:
                raise UsageError(f"{taken[path]} and {source.distribution} both have {path}")
            taken[path] = source.distribution
            if path.exists() or path.is_symlink():
                raise UsageError(_in_the_way(source, path, place))


def write(sources: Sequence[WheelFile], place: Place) -> tuple[str, ...]:
    """What `installer` warned of; all wheels are written, or nothing.

    Raises InstallationFailed, InvalidWheel.
    """
    journal = Journal()
    wheel = ""
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            for source in sources:
                wheel = source.distribution
                with _as_invalid(wheel):
                    installer.install(
                        source, JournalledDestination(place, source.distribution, journal), {}
                    )
    except OSError as error:
        wrong = f"cannot be written ({error.strerror or error})"
        where = error.filename or wheel
        raise InstallationFailed(str(where), wrong + _taken_back(journal)) from error
    except BaseException:
        journal.take_back()
        raise
    journal.keep()
    return tuple(dict.fromkeys(str(each.message) for each in said))


def compile_bytecode(
    sources: Sequence[WheelFile], place: Place, levels: Sequence[int]
) -> str | None:
    """Bytecode of their modules by the interpreter of the place; what went wrong, if anything.

    Of modules that are no Python, and there are such, there is none.
    """
    files = []
    for source in sources if levels else ():
        destination = _planned(source, place)
        for scheme, path, target in destination.planned:
            if scheme in ("purelib", "platlib") and path.endswith(".py"):
                shown = Path(destination.scheme_dict[scheme], path).parent
                files.append([str(target), str(shown)])
    if not files:
        return None
    # Without `site` (-S): what was written may have a `.pth` file, which may hold code.
    command = [place.scheme.executable, "-I", "-S", "-c", _COMPILE]
    asked = json.dumps({"files": files, "levels": list(levels)})
    try:
        done = subprocess.run(command, input=asked, capture_output=True, text=True, check=False)  # noqa: S603 - the user names it
    except OSError as error:
        return f"no bytecode: {error}"
    if done.returncode:
        return f"no bytecode: {(done.stderr.strip().splitlines() or ['fails'])[-1]}"
    return None


def other_version(source: WheelFile, place: Place) -> str | None:
    """The other version of the same project that is installed there, if any."""
    found = _installed(source, place)
    return None if found in (None, source.version) else found


def _check_sizes(path: Path) -> None:
    """That of what `installer` reads whole none is too large. Raises InvalidWheel."""
    with WheelArchive.open(path) as archive:
        for member in archive.members:
            if member.name.startswith(f"{archive.dist_info}/") and member.size > MAX_TEXT_SIZE:
                wrong = f"{member.name!r} has {member.size} bytes, more than {MAX_TEXT_SIZE}"
                raise InvalidWheel(path.name, wrong)


def _planned(source: WheelFile, place: Place) -> PlannedDestination:
    destination = PlannedDestination(place, source.distribution)
    with warnings.catch_warnings(), _as_invalid(source.distribution):
        warnings.simplefilter("ignore")  # They come again when it is written.
        installer.install(source, destination, {})
    return destination


def files_of(source: WheelFile, place: Place) -> list[Path]:
    """Where the files of the wheel would come to lie. Raises InvalidWheel."""
    return [target for _, _, target in _planned(source, place).planned]


def _in_the_way(source: WheelFile, path: Path, place: Place) -> str:
    installed = _installed(source, place)
    name = canonicalize_name(source.distribution)
    if installed is None:
        return f"{path} is there already; --overwrite-existing writes over it"
    return (
        f"{name} {installed} is installed in {', '.join(map(str, place.libraries))}: uninstall it "
        "first, or --overwrite-existing writes over it and leaves what only that one has"
    )


def _installed(source: WheelFile, place: Place) -> str | None:
    directories = [str(each) for each in place.libraries]
    found = distributions(name=canonicalize_name(source.distribution), path=directories)
    try:
        return next((each.version for each in found), None)
    except (UnicodeDecodeError, LookupError):
        return "of a version that cannot be read"


def _taken_back(journal: Journal) -> str:
    left = journal.take_back()
    if not left:
        return "; nothing was installed"
    return f"; could not be taken back: {', '.join(map(str, left))}"


def _issues(error: ValueError, path: Path) -> str:
    issues = list(getattr(error, "issues", ())) or [str(error)]
    first = str(issues[0]).removeprefix(f"In {path}, ")
    return first if len(issues) == 1 else f"{first}, and {len(issues) - 1} more"


@contextmanager
def _as_invalid(wheel: str) -> Iterator[None]:
    try:
        yield
    except InvalidWheel:
        raise
    except _DAMAGE as error:
        said = error.args[-1] if isinstance(error, InvalidWheelSource) else error
        why = str(said) or "is not as the format of wheels has it"  # An assertion says nothing.
        raise InvalidWheel(wheel, f"cannot be installed ({why})") from error
