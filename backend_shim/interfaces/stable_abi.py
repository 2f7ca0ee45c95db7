"""CPython's stable ABI: its symbols, and which release added each.

The facts stand in `stable_abi.json` beside this file, taken from CPython's Misc/stable_abi.toml by
way of abi3info; tests/support/stable_abi_of_abi3info.py writes it. That of free-threaded builds
(`abi3t`, PEP 803) has the same symbols and hides the layout of `PyObject`.
"""

from __future__ import annotations

import functools
import json
import pkgutil
from collections.abc import Mapping
from typing import Final

Version = tuple[int, int]

OLDEST: Final[Version] = (3, 2)
"""The release that came with the stable ABI (PEP 384)."""
# Feature macros of the file without which release builds are made.
_ABSENT_ON_WINDOWS: Final = ("HAVE_FORK", "Py_REF_DEBUG")
_ABSENT_ELSEWHERE: Final = ("MS_WINDOWS", "USE_STACKCHECK", "Py_REF_DEBUG")


@functools.cache
def symbols(binary_format: str) -> Mapping[str, Version]:
    """By name, the CPython that added each symbol; release builds of all since then have it.

    `binary_format` is `elf`, `macho` or `pe`.
    """
    table = json.loads(pkgutil.get_data(__package__, "stable_abi.json") or b"")
    absent = _ABSENT_ON_WINDOWS if binary_format == "pe" else _ABSENT_ELSEWHERE
    missing = {name for macro in absent for name in table["only_with"][macro]}
    return {
        name: as_version(version)
        for kind in ("functions", "data")
        for version, names in table[kind].items()
        for name in names
        if name not in missing
    }


def as_version(text: str) -> Version:
    """`3.11` as numbers. Raises ValueError."""
    major, _, minor = text.partition(".")
    return int(major), int(minor)
