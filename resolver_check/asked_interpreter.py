"""An interpreter that wheels are to serve: what it said of itself, and the tags that it accepts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from packaging import tags
from packaging.tags import Tag
from packaging.version import Version

from resolver_check.target import accepted_platforms

CPYTHON: Final = "cpython"

_GLIBC: Final = re.compile(r"glibc 2\.(\d{1,3})", re.ASCII)
# PEP 600 wants the machine by its name in `uname -m`. armv7l is left out: whether its floats are
# those of the tag stands in no answer.
_MANYLINUX_MACHINES: Final = ("x86_64", "i686", "aarch64", "ppc64le", "riscv64", "s390x")
# A program of 32 bits on a kernel of 64 is told the machine of the kernel.
_IN_32_BITS: Final = {"x86_64": "i686", "aarch64": "armv7l"}
_MAC: Final = re.compile(r"(\d{1,3})\.(\d{1,3})", re.ASCII)
_PYPY_ABI: Final = re.compile(r"(pypy\d{2,4})-(pp\d{2,4})(?:-.*)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedInterpreter:
    """One interpreter on one platform."""

    implementation: str
    """`sys.implementation.name`."""
    version: str
    """PEP 440, of the language: `3.14.0b2`."""
    flags: str
    """`t` free-threaded."""
    soabi: str
    """SOABI of `sysconfig`: `pypy310-pp73-x86_64-linux-gnu`; what CPython's says is known."""
    platforms: tuple[str, ...]
    """The platform tags that it accepts, the closest first."""

    @property
    def shown(self) -> str:
        """Its name for people: `3.13.0t`, `pypy 3.10.14`."""
        name = "" if self.implementation == CPYTHON else f"{self.implementation} "
        return f"{name}{self.version}{self.flags}"

    @property
    def language_version(self) -> str:
        """`3.13`."""
        return "{}.{}".format(*self._numbers)

    @property
    def short(self) -> str:
        """`3.13t`, `pypy3.10`."""
        name = "" if self.implementation == CPYTHON else self.implementation
        return f"{name}{self.language_version}{self.flags}"

    @property
    def tags(self) -> tuple[Tag, ...]:
        """What it accepts (PEP 425), the closest first; of an unknown implementation `py3` only."""
        return tuple(dict.fromkeys((*self._own_tags(), *self._shared_tags())))

    @property
    def _numbers(self) -> tuple[int, int]:
        major, minor = Version(self.version).release[:2]
        return major, minor

    def _own_tags(self) -> Iterator[Tag]:
        if self.implementation == CPYTHON:
            abi = f"{self._name}{self.flags}"
            yield from tags.cpython_tags(self._numbers, [abi], self.platforms)
        elif found := _PYPY_ABI.fullmatch(self.soabi):
            yield from tags.generic_tags(self._name, [f"{found[1]}_{found[2]}"], self.platforms)

    def _shared_tags(self) -> Iterator[Tag]:
        yield from tags.compatible_tags(self._numbers, self._name, self.platforms)

    @property
    def _name(self) -> str:
        short = {CPYTHON: "cp", "pypy": "pp"}.get(self.implementation, self.implementation)
        return "{}{}{}".format(short, *self._numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What an interpreter says of where it runs."""

    platform: str
    """`sysconfig.get_platform()`: `linux-x86_64`."""
    bits: int
    libc: str
    """`glibc 2.31`; empty where the C library does not say so."""
    mac: tuple[str, str]
    """Version of macOS and name of the processor; the version is empty elsewhere."""


def platforms_of(machine: Machine) -> tuple[str, ...]:
    """The platform tags that it accepts; fewer where the answer does not tell enough."""
    system, _, name = machine.platform.replace("-", "_").replace(".", "_").partition("_")
    if system == "linux":
        name = _IN_32_BITS.get(name, name) if machine.bits == 32 else name
        glibc = _GLIBC.fullmatch(machine.libc)
        if glibc and name in _MANYLINUX_MACHINES:
            newest = f"manylinux_2_{glibc[1]}_{name}"
            return tuple(dict.fromkeys((f"linux_{name}", *accepted_platforms(newest))))
        return (f"linux_{name}",)
    mac = _MAC.match(machine.mac[0])
    if mac is not None:
        return tuple(tags.mac_platforms((int(mac[1]), int(mac[2])), machine.mac[1]))
    return (f"{system}_{name}" if name else system,)


def cpython_here(version: str, flags: str) -> AskedInterpreter:
    """A CPython on the platform of this process, which need not be there."""
    return AskedInterpreter(
        implementation=CPYTHON,
        version=version,
        flags=flags,
        soabi="",
        platforms=tuple(tags.platform_tags()),
    )
