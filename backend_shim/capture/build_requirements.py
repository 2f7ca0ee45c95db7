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
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from importlib.metadata import Distribution, distributions
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Final

from backend_shim.interfaces.import_name import binding_names
from backend_shim.record.build_inputs import BuildRequirement, DigestSet
from backend_shim.wheel.manifest import BY_INSTALLERS, SCRIPT_DIRECTORIES

_SHA256_HEX: Final = re.compile(r"[0-9a-f]{64}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A distribution as it lies in an environment."""

    name: str
    """Normalized."""
    version: str
    root: str
    """Resolved directory that `files` are relative to."""
    files: tuple[tuple[str, str], ...]
    """(path, digest) of the files that are the same wherever this wheel is installed."""
    outside: tuple[tuple[str, str], ...]
    """(absolute place, path) of the files that do not lie below `root`, scripts among them."""
    digests: DigestSet
    """As the installer noted them (PEP 610)."""
    is_editable: bool


def installed_distributions(path: Sequence[str], *, not_in: Path) -> tuple[Installed, ...]:
    """The distributions on `path` (`sys.path`), the first of each name, sorted by name.

    Entries in the source tree `not_in` are passed over, save environments kept there: they hold
    what is being built.
    """
    found: dict[str, Installed] = {}
    entries = [entry for entry in path if entry and not _is_source(entry, not_in)]
    for distribution in distributions(path=entries):
        headers = _headers(distribution)
        name, version = normalized(headers.get("Name", "")), headers.get("Version", "").strip()
        # A directory left behind without METADATA is no distribution.
        if name and version and name not in found:
            found[name] = _installed(distribution, name, version)
    return tuple(
        found[name] for name in sorted(found) if not _is_vendored(found[name], found.values())
    )


def capture_build_requirements(installed: Sequence[Installed]) -> tuple[BuildRequirement, ...]:
    """What is recorded of each distribution of `installed`."""
    return tuple(
        BuildRequirement(
            name=each.name,
            version=each.version,
            digests=tuple(sorted((*each.digests, *_digest_of_files(each)))),
            is_editable=each.is_editable,
        )
        for each in installed
    )


def reachable_names(installed: Sequence[Installed]) -> frozenset[str]:
    """The names that a binary must hold in order to reach what `installed` distributions hold."""
    return frozenset(
        name for each in installed for name in binding_names(path for path, _ in each.files)
    )


def provider_of(module: ModuleType, installed: Sequence[Installed]) -> Installed | None:
    """The distribution of `installed` whose RECORD lists the file of `module`."""
    place = Path(os.path.abspath(getattr(module, "__file__", None) or ""))  # noqa: PTH100
    # The file itself may be a link to a cache, so only the directories above it are resolved.
    above = {os.path.realpath(parent): parent for parent in place.parents}
    for each in installed:
        if each.root in above:
            relative = place.relative_to(above[each.root]).as_posix()
            if any(path == relative for path, _ in each.files):
                return each
    return None


def normalized(name: str) -> str:
    """The name of a distribution as indexes compare it (PyPUG, Names and normalization)."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def _is_vendored(one: Installed, all_of_them: Iterable[Installed]) -> bool:
    """Whether another distribution ships `one` and put it on `sys.path` itself, as setuptools does.

    Then its files are that one's, and who else imported it before does not matter.
    """
    for each in all_of_them:
        if one.root.startswith(each.root + "/"):
            directory = one.root[len(each.root) + 1 :] + "/"
            if any(path.startswith(directory) for path, _ in each.files):
                return True
    return False


def _is_source(entry: str, source: Path) -> bool:
    place = Path(os.path.realpath(entry))
    inside = place.is_relative_to(os.path.realpath(source))
    return inside and place.name not in ("site-packages", "dist-packages")


def _headers(distribution: Distribution) -> Message:
    """The headers of METADATA, without the description, which may be longer than all else."""
    try:
        text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    except (OSError, UnicodeDecodeError):
        text = ""
    return HeaderParser().parsestr(text.replace("\r\n", "\n").partition("\n\n")[0])


def _installed(distribution: Distribution, name: str, version: str) -> Installed:
    origin = _origin(distribution)
    directory = origin.get("dir_info")
    root = os.path.realpath(str(distribution.locate_file("")))
    recorded = list(_recorded(distribution))
    return Installed(
        name=name,
        version=version,
        root=root,
        files=tuple((path, digest) for path, digest, raw in recorded if not _is_script(raw)),
        outside=tuple(
            (os.path.normpath(f"{root}/{raw}"), path) for path, _, raw in recorded if ".." in raw
        ),
        digests=_digests_of_origin(origin),
        is_editable=isinstance(directory, dict) and directory.get("editable") is True,
    )


def _digest_of_files(installed: Installed) -> DigestSet:
    listing = "".join(sorted(f"{path},{digest}\n" for path, digest in installed.files))
    encoded = listing.encode("utf-8", "surrogateescape")
    return (("record", hashlib.sha256(encoded).hexdigest()),) if listing else ()


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


def _recorded(distribution: Distribution) -> Iterator[tuple[str, str, str]]:
    """(path, digest, path as written) of each file in RECORD that has its digest from the wheel.

    Bytecode and what installers write have none. Scripts have another one in every place.
    """
    try:
        rows = csv.reader((distribution.read_text("RECORD") or "").splitlines())
        for written, digest, *_ in (row for row in rows if len(row) >= 2):
            raw = written.replace("\\", "/")
            place = PurePosixPath(raw)
            inner = [part for part in place.parts if part != ".."]
            is_info = place.parent.name.endswith(".dist-info")
            if (
                digest
                and inner
                and not place.is_absolute()
                and "__pycache__" not in inner
                and not (is_info and place.name in BY_INSTALLERS)
            ):
                yield "/".join(inner), digest, raw
    except (OSError, csv.Error):
        return


def _is_script(raw: str) -> bool:
    """Whether the file is a script, whose first line names the environment."""
    parts = PurePosixPath(raw).parts
    inner = [part for part in parts if part != ".."]
    return ".." in parts and inner[0] in SCRIPT_DIRECTORIES
