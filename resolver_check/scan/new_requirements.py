"""The build requirements of now, found in a source, and a wheel's inputs held against them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from backend_shim.errors import InvalidWheel
from backend_shim.interfaces.interface_file import read_file
from backend_shim.record.build_inputs import BuildInputs
from resolver_check.compare.changed_input import InputChange
from resolver_check.compare.input_changes import input_changes
from resolver_check.compare.requirement_changes import is_listing_of
from resolver_check.errors import ProjectMissing, SourceUnavailable, UsageError
from resolver_check.scan.installed_files import installed_files, installed_path
from resolver_check.scan.subject import Subject
from resolver_check.sources.wheel_source import WheelSource
from resolver_check.target import Target, target
from resolver_check.wheel_reference import WheelReference

_MACOS: Final = re.compile(r"macosx-(\d{1,3})\.(\d{1,3})-(\w+)")
_GLIBC: Final = re.compile(r"2\.(\d{1,3})")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedInputs:
    """How a wheel's inputs compare to those of a build of now."""

    changes: tuple[InputChange, ...] | None
    """None where the wheel's record does not say what it was built with."""
    unread: tuple[str, ...] = ()
    """What could not be read of wheels of build requirements, and why."""
    not_compared: tuple[str, ...] = ()
    """Packages of the operating system that the build read, where nothing is known of now."""


def compare_inputs(
    wheel: Subject, new: BuildInputs, source: WheelSource | None, *, strict: bool
) -> ComparedInputs:
    """What has changed since `wheel` was built; `source` may have the build requirements."""
    old = wheel.build_inputs
    if old is None:
        return ComparedInputs(changes=None)
    requirements = _Requirements(source, old, new)
    changes = input_changes(
        old,
        new,
        new_digests=requirements.digests,
        tokens=requirements.tokens,
        linked=_linked(wheel, old),
        strict=strict,
    )
    packages = () if new.system_packages else old.system_packages
    return ComparedInputs(
        changes=changes,
        unread=tuple(requirements.unread),
        not_compared=tuple(f"{each.name} {each.version}" for each in packages),
    )


class _Requirements:
    """What either build had installed, by the wheels that a source has of it.

    Of a remote wheel its directory and RECORD are read, and the few files that differ.
    """

    def __init__(self, source: WheelSource | None, *sides: BuildInputs) -> None:
        self._source = source
        self._installed = [each for side in sides for each in side.requirements]
        # They are compared only where both are for one interpreter.
        self._target = _target(sides[-1])
        self.unread: list[str] = []
        self._found: dict[tuple[str, str], tuple[WheelSource, WheelReference]] = {}

    def digests(self, name: str, version: str) -> Mapping[str, str] | None:
        """Of the wheel that was installed; None where there is none.

        Several wheels of one version may fit: the digest of their files tells which it was.
        """
        wanted = [each for each in self._installed if (each.name, each.version) == (name, version)]
        try:
            for source, reference in self._candidates(name, version):
                with source.open(reference) as archive:
                    found = installed_files(archive.manifest)
                if any(is_listing_of(each, found) for each in wanted):
                    self._found[name, version] = source, reference
                    return found
        except ProjectMissing:
            return None
        except (SourceUnavailable, InvalidWheel) as error:
            self.unread.append(f"{name} {version}: {error}")
        return None

    def tokens(self, name: str, version: str, paths: Collection[str]) -> Mapping[str, str]:
        """Of the wheel that `digests` found: what is left of interface files without comments."""
        if (name, version) not in self._found:
            return {}
        source, reference = self._found[name, version]
        tokens = {}
        try:
            with source.open(reference) as archive:
                for entry in archive.manifest.entries:
                    path = installed_path(entry.path)
                    if path is not None and path in paths:
                        data = archive.read(entry.path)
                        tokens[path] = read_file(entry.path, data, frozenset()).tokens
        except (SourceUnavailable, InvalidWheel) as error:
            self.unread.append(f"{name} {version}: {error}")
        return tokens

    def _candidates(self, name: str, version: str) -> Iterator[tuple[WheelSource, WheelReference]]:
        """The wheels of that version that fit, the newest build first."""
        try:
            wanted = Version(version)
        except InvalidVersion:
            return
        if self._source is None or self._target is None:
            return
        for reference in reversed(self._source.wheels(canonicalize_name(name))):
            if reference.version == wanted and reference.tags & self._target.tags:
                yield self._source, reference


def _linked(wheel: Subject, old: BuildInputs) -> frozenset[str]:
    """The names of libraries that binaries of `wheel` need; all, where a binary cannot be read."""
    fingerprint = wheel.fingerprint()
    if fingerprint.unread:
        return frozenset(
            posixpath.basename(path)
            for requirement in old.requirements
            for _, path, _ in requirement.read.digests
        )
    return frozenset(name for each in fingerprint.objects for name in each.needed)


def _target(inputs: BuildInputs) -> Target | None:
    """The interpreter and platform that a build of now is for; None where no tag tells it."""
    interpreter = inputs.interpreter
    platform = _platform_tag(inputs)
    if interpreter.implementation != "cpython" or platform is None:
        return None
    try:
        return target(interpreter.language_version, platform)
    except UsageError:
        return None


def _platform_tag(inputs: BuildInputs) -> str | None:
    """The newest platform tag that pip would accept there, as far as the inputs tell."""
    platform = inputs.interpreter.platform
    system, _, machine = platform.partition("-")
    if system == "linux":
        libc = inputs.toolchain.libc if inputs.toolchain else None
        machine = machine.replace("-", "_")
        if "-musl" in (inputs.interpreter.soabi or ""):
            return f"musllinux_1_2_{machine}"
        if libc and libc.name == "glibc" and (release := _GLIBC.match(libc.version)):
            return f"manylinux_2_{release[1]}_{machine}"
        return f"linux_{machine}"
    if mac := _MACOS.fullmatch(platform):
        return f"macosx_{mac[1]}_{mac[2]}_{mac[3]}"
    return platform.replace("-", "_").replace(".", "_") or None
