"""Wheels put into a directory by the library `installer`, as pip and uv put them there."""

from __future__ import annotations

from pathlib import Path

from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile


def site_of(prefix: Path) -> Path:
    """Where the distributions of an environment at `prefix` lie."""
    site = prefix / "lib" / "python3.11" / "site-packages"
    site.mkdir(parents=True, exist_ok=True)
    return site


def install_wheels(prefix: Path, *wheels: Path) -> Path:
    """The directory of distributions below `prefix`, with `wheels` in it."""
    site = site_of(prefix)
    schemes = {
        "purelib": str(site), "platlib": str(site), "scripts": str(prefix / "bin"),
        "data": str(prefix), "headers": str(prefix / "include"),
    }  # fmt: skip
    for wheel in wheels:
        destination = SchemeDictionaryDestination(
            schemes, interpreter="python", script_kind="posix"
        )
        with WheelFile.open(wheel) as source:
            install(source=source, destination=destination, additional_metadata={"INSTALLER": b"t"})
    return site
