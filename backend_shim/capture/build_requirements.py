"""The distributions that are installed where the build runs.

Under build isolation these are the build requirements and what those need; without isolation they
are all that the backend can see.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Final

from backend_shim.interfaces.import_name import binding_names
from backend_shim.record.build_inputs import BuildRequirement, DigestSet

# Written by installers, each in its own way, so they are not what the wheel had.
_BY_INSTALLERS: Final = frozenset(
    (
        "INSTALLER",
        "RECORD",
        "REQUESTED",
        "direct_url.json",
        "provenance_url.json",
        "uv_build.json",
        "uv_cache.json",
    )
)
_SCRIPT_DIRECTORIES: Final = frozenset(("bin", "Scripts"))
_SHA256_HEX: Final = re.compile(r"[0-9a-f]{64}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def installed_distributions(path: Sequence[str], *, not_in: Path) -> tuple[Distribution, ...]:
    """The distributions on `path` (`sys.path`), the first of each name, sorted by normalized name.

    Entries in the source tree `not_in` are passed over, save environments kept there: they hold
    what is being built.
    """
    found: dict[str, Distribution] = {}
    entries = [entry for entry in path if entry and not _is_source(entry, not_in)]
    for distribution in distributions(path=entries):
        name = _name_of(distribution)
        if name is not None:
            found.setdefault(name, distribution)
    return tuple(found[name] for name in sorted(found))


def capture_build_requirements(
    installed: Sequence[Distribution],
) -> tuple[BuildRequirement, ...]:
    """What is recorded of each distribution of `installed`."""
    return tuple(_requirement(distribution) for distribution in installed)


def reachable_names(installed: Sequence[Distribution]) -> frozenset[str]:
    """The names that a binary must hold in order to reach what `installed` distributions hold."""
    return frozenset(
        name for each in installed for name in binding_names(path for path, _ in _recorded(each))
    )


def provider_of(module: ModuleType, installed: Sequence[Distribution]) -> Distribution | None:
    """The distribution of `installed` whose RECORD lists the file of `module`."""
    place = os.path.realpath(getattr(module, "__file__", None) or "")
    for distribution in installed:
        root = os.path.realpath(str(distribution.locate_file("")))
        if place.startswith(root + os.sep):
            relative = place[len(root) + 1 :].replace(os.sep, "/")
            if any(path == relative for path, _ in _recorded(distribution)):
                return distribution
    return None


def normalized(name: str) -> str:
    """The name of a distribution as indexes compare it (PyPUG, Names and normalization)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _is_source(entry: str, source: Path) -> bool:
    place = Path(os.path.realpath(entry))
    inside = place.is_relative_to(os.path.realpath(source))
    return inside and place.name not in ("site-packages", "dist-packages")


def _name_of(distribution: Distribution) -> str | None:
    """The normalized name; None for a directory left behind without METADATA."""
    try:
        name, version = distribution.metadata["Name"], distribution.version
    except (KeyError, OSError, UnicodeDecodeError):
        return None
    return normalized(name) if name and version else None


def _requirement(distribution: Distribution) -> BuildRequirement:
    origin = _origin(distribution)
    directory = origin.get("dir_info")
    editable = isinstance(directory, dict) and directory.get("editable") is True
    digests = dict(_digests_of_origin(origin))
    listing = "".join(sorted(f"{path},{digest}\n" for path, digest in _recorded(distribution)))
    if listing:
        digests["record"] = hashlib.sha256(listing.encode("utf-8", "surrogateescape")).hexdigest()
    return BuildRequirement(
        name=normalized(distribution.metadata["Name"]),
        version=distribution.version,
        digests=tuple(sorted(digests.items())),
        is_editable=editable,
    )


def _origin(distribution: Distribution) -> dict[str, object]:
    """The content of `direct_url.json` (PEP 610), whose URL is not for us; empty without one."""
    try:
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    except (OSError, ValueError):
        return {}
    return origin if isinstance(origin, dict) else {}


def _digests_of_origin(origin: dict[str, object]) -> DigestSet:
    archive, version_control = origin.get("archive_info"), origin.get("vcs_info")
    found: list[tuple[str, str]] = []
    if isinstance(archive, dict):
        hashes = archive.get("hashes")
        sha256 = hashes.get("sha256") if isinstance(hashes, dict) else None
        # PEP 610 before 2022: `hash` is "<algorithm>=<hex>".
        legacy = str(archive.get("hash") or "")
        value = sha256 or legacy.removeprefix("sha256=")
        if isinstance(value, str) and _SHA256_HEX.fullmatch(value):
            found.append(("sha256", value))
    if isinstance(version_control, dict) and version_control.get("vcs") == "git":
        commit = version_control.get("commit_id")
        if isinstance(commit, str) and _COMMIT.fullmatch(commit):
            found.append(("gitCommit", commit))
    return tuple(found)


def _recorded(distribution: Distribution) -> Iterator[tuple[str, str]]:
    """(path, digest) of the files that are the same wherever this wheel is installed.

    Left out: bytecode, what installers write, and scripts, whose first line names the environment.
    """
    try:
        rows = csv.reader((distribution.read_text("RECORD") or "").splitlines())
        for path, digest, *_ in (row for row in rows if len(row) >= 2):
            place = PurePosixPath(path.replace("\\", "/"))
            inner = [part for part in place.parts if part != ".."]
            is_info = place.parent.name.endswith(".dist-info")
            if (
                digest
                and inner
                and not place.is_absolute()
                and "__pycache__" not in inner
                and not (is_info and place.name in _BY_INSTALLERS)
                and not (".." in place.parts and inner[0] in _SCRIPT_DIRECTORIES)
            ):
                yield "/".join(inner), digest
    except (OSError, csv.Error):
        return
