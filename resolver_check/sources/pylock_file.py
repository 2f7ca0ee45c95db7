"""pylock.toml (PEP 751): which file of each package an installer takes for a target."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final, cast
from urllib.parse import urlsplit

from packaging.markers import Environment
from packaging.pylock import (
    Package,
    PackageWheel,
    Pylock,
    PylockSelectError,
    PylockUnsupportedVersionError,
    PylockValidationError,
)

from resolver_check.errors import UsageError
from resolver_check.sources.locked_wheels import Locked, NotTaken
from resolver_check.sources.web_address import origin, split_credentials
from resolver_check.target import Target
from resolver_check.wheel_reference import SkippedFile, parse

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_TO_BE_BUILT: Final = "has to be built: the lock has no wheel of it for this target"


def read_pylock(data: bytes, path: Path, target: Target) -> tuple[Locked | NotTaken, ...]:
    """What is taken of each package of the file whose bytes these are. Raises UsageError.

    By the rules of PEP 751, "Installation", with neither extras nor other than the default groups.
    """
    try:
        lock = Pylock.from_dict(tomllib.loads(data.decode("utf-8")))
        chosen = lock.select(
            environment=cast("Environment", target.marker_environment), tags=target.preferred
        )
        return tuple(_taken(package, file, path) for package, file in chosen)
    except UsageError:
        raise
    except (
        PylockSelectError,
        PylockValidationError,
        PylockUnsupportedVersionError,
        ValueError,  # with TOMLDecodeError and UnicodeDecodeError
        RecursionError,
    ) as error:
        # It may quote what stands at the end of a URL, which of a malformed one may be a password.
        wrong = "cannot be read" if "@" in str(error) else str(error)
        raise UsageError(f"{path}: {wrong}") from error


def _taken(package: Package, file: object, path: Path) -> Locked | NotTaken:
    version = "" if package.version is None else str(package.version)
    if not isinstance(file, PackageWheel):
        return NotTaken(name=package.name, version=version, why=_TO_BE_BUILT)
    location, url = _place(file, path, package.name)
    read = parse(file.filename, location=location)
    if isinstance(read, SkippedFile):
        return NotTaken(name=package.name, version=version, why=read.why)
    hashes = {name: digits.lower() for name, digits in file.hashes.items()}
    digest = hashes.get("sha256")
    if digest is not None and not _SHA256.fullmatch(digest):
        raise UsageError(f"{path}: {read.filename}: its sha256 is not 64 hexadecimal digits")
    size = file.size if file.size is not None and file.size >= 0 else None
    reference = replace(read, digest=digest, size=size)
    return Locked(reference=reference, hashes=frozenset(hashes.items()), url=url)


def _place(file: PackageWheel, path: Path, name: str) -> tuple[str, str]:
    """Its path, which is relative to the lock's, else its URL: bare, and as it stands there."""
    if file.path is not None:
        return str(Path(path.parent, file.path).absolute()), ""
    url = file.url or ""
    try:
        bare, _ = split_credentials(url)
        if urlsplit(bare).scheme == "file":
            from urllib.request import url2pathname  # noqa: PLC0415 - brings http.client

            return url2pathname(urlsplit(bare).path), ""
        origin(bare)
    except ValueError as error:
        raise UsageError(f"{path}: the URL of a wheel of {name}: {error}") from error
    return bare, url
