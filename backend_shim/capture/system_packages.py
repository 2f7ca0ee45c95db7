"""Which package of the operating system owns a file, as far as its package manager says."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from backend_shim.record.read_set import SystemPackage

_SECONDS: Final = 30
_AT_ONCE: Final = 500
_OWNED_BY_APK: Final = re.compile(r"(?P<path>/.*) is owned by (?P<name>.+)-(?P<version>[^-]+-r\d+)")
# Merged /usr: a package may list /lib/x for what is /usr/lib/x; the loader says /lib/x of either.
_MERGED: Final = ("/lib", "/bin/", "/sbin/")


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Package:
    """A package that is installed."""

    manager: str
    name: str
    version: str


def owners(paths: Iterable[str]) -> dict[str, Package]:
    """The package that owns each of `paths`; those are left out that none is known of."""
    wanted = sorted(set(paths))
    found: dict[str, Package] = {}
    for program, ask in (("dpkg-query", _dpkg), ("rpm", _rpm), ("apk", _apk)):
        if shutil.which(program):
            for start in range(0, len(wanted), _AT_ONCE):
                found.update(ask(wanted[start : start + _AT_ONCE]))
            if found:  # a foreign manager may be there to unpack with
                return found
    return found


def packages_of(owned: Mapping[str, Package]) -> tuple[SystemPackage, ...]:
    """The packages of `owned` (path to package) with a digest over the files, sorted."""
    lines: dict[Package, list[str]] = {}
    for path, package in owned.items():
        try:
            digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        except OSError:
            digest = "unreadable"
        lines.setdefault(package, []).append(f"{path} {digest}\n")
    return tuple(
        SystemPackage(
            manager=package.manager,
            name=package.name,
            version=package.version,
            files=len(of_package),
            sha256=hashlib.sha256("".join(sorted(of_package)).encode()).hexdigest(),
        )
        for package, of_package in sorted(lines.items())
    )


def library_paths() -> dict[str, str]:
    """Where the loader finds libraries by their sonames, as `ldconfig` cached it."""
    program = shutil.which("ldconfig") or shutil.which("ldconfig", path="/sbin:/usr/sbin")
    found: dict[str, str] = {}
    for line in _output([program, "-p"]) if program else ():
        name, arrow, path = line.strip().partition(" => ")
        if arrow:
            found.setdefault(name.partition(" ")[0], path)
    return found


def _dpkg(paths: Sequence[str]) -> Iterator[tuple[str, Package]]:
    spelled = {variant: path for path in paths for variant in _spellings(path)}
    owner: dict[str, str] = {}
    for line in _output(["dpkg-query", "-S", *spelled]):
        names, separator, path = line.partition(": ")
        if separator and path in spelled and not names.startswith("diversion "):
            owner[spelled[path]] = names.partition(", ")[0]
    if not owner:
        return
    form = "${binary:Package}\\t${Package}\\t${Version}\\n"
    versions: dict[str, str] = {}
    for line in _output(["dpkg-query", "-W", "-f", form, *sorted(set(owner.values()))]):
        full, short, version = line.split("\t")
        versions[full] = versions[short] = version
    for path, name in owner.items():
        if name in versions:
            yield path, Package(manager="dpkg", name=name, version=versions[name])


def _rpm(paths: Sequence[str]) -> Iterator[tuple[str, Package]]:
    form = "%{NAME}.%{ARCH}\\t%{VERSION}-%{RELEASE}\\n"
    lines = _output(["rpm", "-qf", "--qf", form, *paths])
    if len(lines) == len(paths):  # one answer for each, in their order; else it cannot be told
        for path, line in zip(paths, lines, strict=True):
            name, separator, version = line.partition("\t")
            if separator:
                yield path, Package(manager="rpm", name=name, version=version)


def _apk(paths: Sequence[str]) -> Iterator[tuple[str, Package]]:
    spelled = {variant: path for path in paths for variant in _spellings(path)}
    for line in _output(["apk", "info", "--who-owns", *spelled]):
        match = _OWNED_BY_APK.fullmatch(line)
        if match and match["path"] in spelled:
            yield (
                spelled[match["path"]],
                Package(manager="apk", name=match["name"], version=match["version"]),
            )


def _spellings(path: str) -> tuple[str, ...]:
    bare = path.removeprefix("/usr")
    return (bare, f"/usr{bare}") if bare.startswith(_MERGED) else (path,)


def _output(command: Sequence[str]) -> list[str]:
    """The lines that `command` writes, whatever its status: of some files there is no owner."""
    try:
        done = subprocess.run(  # noqa: S603 - a query of the package manager
            list(command),
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return done.stdout.decode("utf-8", "replace").splitlines()
