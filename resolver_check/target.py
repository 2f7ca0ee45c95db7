"""For which interpreter and platform a question is asked."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from packaging import tags
from packaging.markers import UndefinedEnvironmentName, default_environment
from packaging.requirements import Requirement
from packaging.tags import Tag

from resolver_check.errors import UsageError

_PYTHON = re.compile(r"(\d)\.(\d{1,3})")
_GLIBC = re.compile(r"manylinux_2_(\d{1,3})_(\w+)")
# PEP 600, "Backwards compatibility": the older names of glibc 2.5, 2.12 and 2.17.
_LEGACY_GLIBC = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}
_OLDEST_GLIBC = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One CPython on one platform; a wheel is for it if their tags meet (PEP 425)."""

    python: tuple[int, int]
    platform: str
    """The newest platform tag that it accepts."""
    tags: frozenset[Tag]
    preferred: tuple[Tag, ...]
    """The same, the one first that an installer likes best."""
    micro: int = 0
    """Third number of the Python's version; no tag depends on it."""

    @property
    def marker_environment(self) -> dict[str, str]:
        """The marker environment (PEP 508), as far as the platform tag tells it."""
        environment: dict[str, str] = _running_environment()
        version = ".".join(map(str, self.python))
        environment["python_version"] = version
        environment["python_full_version"] = f"{version}.{self.micro}"
        environment["implementation_name"] = "cpython"
        environment["platform_python_implementation"] = "CPython"
        for prefix, sys_platform, system, os_name in _SYSTEMS:
            if self.platform.startswith(prefix):
                environment["sys_platform"] = sys_platform
                environment["platform_system"] = system
                environment["os_name"] = os_name
        machine = re.search(
            r"(x86_64|aarch64|arm64|i686|amd64|ppc64le|s390x|armv7l)$", self.platform
        )
        if machine:
            environment["platform_machine"] = machine[1]
        return environment

    def applies(self, requirement: Requirement) -> bool:
        """Whether its marker holds without extras; one that cannot be evaluated does."""
        if requirement.marker is None:
            return True
        try:
            return requirement.marker.evaluate({**self.marker_environment, "extra": ""})
        except UndefinedEnvironmentName:
            return True


def _running_environment() -> dict[str, str]:
    return {key: str(value) for key, value in default_environment().items()}


_SYSTEMS = (
    ("manylinux", "linux", "Linux", "posix"),
    ("musllinux", "linux", "Linux", "posix"),
    ("linux", "linux", "Linux", "posix"),
    ("macosx", "darwin", "Darwin", "posix"),
    ("win", "win32", "Windows", "nt"),
)


def target(python: str | None, platform: str | None) -> Target:
    """The target named on a command line; what is not named is taken from the running interpreter.

    Raises UsageError.
    """
    version = sys.version_info[:2]
    if python is not None:
        match = _PYTHON.fullmatch(python)
        if not match:
            raise UsageError(f"--python wants MAJOR.MINOR such as 3.11, not {python!r}")
        version = (int(match[1]), int(match[2]))
    platforms = list(tags.platform_tags() if platform is None else accepted_platforms(platform))
    interpreter = f"cp{version[0]}{version[1]}"
    accepted = dict.fromkeys(tags.cpython_tags(version, platforms=platforms))
    accepted |= dict.fromkeys(tags.compatible_tags(version, interpreter, platforms))
    return Target(
        python=version,
        platform=platforms[0],
        tags=frozenset(accepted),
        preferred=tuple(accepted),
    )


def accepted_platforms(platform: str) -> Iterator[str]:
    """The platform tags that a system of tag `platform` accepts, itself first.

    Raises UsageError for what is no such tag.
    """
    if not re.fullmatch(r"\w+", platform):
        raise UsageError(
            f"--platform wants a platform tag such as manylinux_2_28_x86_64, not {platform!r}"
        )
    yield platform
    legacy, _, machine = platform.partition("_")
    for glibc, name in _LEGACY_GLIBC.items():
        if legacy == name:
            platform = f"manylinux_2_{glibc}_{machine}"
    match = _GLIBC.fullmatch(platform)
    if match:
        machine = match[2]
        for minor in range(int(match[1]), _OLDEST_GLIBC - 1, -1):
            yield f"manylinux_2_{minor}_{machine}"
            if minor in _LEGACY_GLIBC:
                yield f"{_LEGACY_GLIBC[minor]}_{machine}"
        yield f"linux_{machine}"
    musl = re.fullmatch(r"musllinux_1_(\d{1,3})_(\w+)", platform)
    if musl:
        # PEP 656: musl 1.N runs what was built with any older 1.M.
        yield from (f"musllinux_1_{minor}_{musl[2]}" for minor in range(int(musl[1]), -1, -1))
    mac = re.fullmatch(r"macosx_(\d{1,3})_(\d{1,3})_(\w+)", platform)
    if mac:
        yield from tags.mac_platforms((int(mac[1]), int(mac[2])), mac[3])


def platforms_meet(ours: str, theirs: str) -> bool:
    """Whether they are of one system and machine; glibc or macOS versions only raise the floor."""
    if "any" in (ours, theirs):
        return True
    (system, machine), (other, its_machine) = _system(ours), _system(theirs)
    # `universal2` is for each of macOS's machines.
    is_for_each = system == "macosx" and "" in (machine, its_machine)
    return system == other and (machine == its_machine or is_for_each)


def _system(platform: str) -> tuple[str, str]:
    for system in ("manylinux", "musllinux", "linux", "macosx", "win"):
        if platform.startswith(system):
            machine = platform.removeprefix(system).lstrip("_0123456789")
            if system == "linux":
                return "manylinux", machine
            return system, "" if machine in ("universal2", "intel") else machine
    return platform, ""
