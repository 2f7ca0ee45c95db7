"""Writes backend_shim/interfaces/stable_abi.json: the facts of CPython's Misc/stable_abi.toml.

Run it with a newer abi3info (PyPI) when CPython has added to its stable ABI:

    python tests/support/stable_abi_of_abi3info.py > backend_shim/interfaces/stable_abi.json
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
from typing import Any

from abi3info import DATAS, FUNCTIONS


def stable_abi() -> dict[str, Any]:
    """Functions and data by the CPython that added them, and those that only some builds have."""
    return {
        "source": f"abi3info {importlib.metadata.version('abi3info')}",
        "functions": _by_version(FUNCTIONS),
        "data": _by_version(DATAS),
        "only_with": _by_macro([*FUNCTIONS.values(), *DATAS.values()]),
    }


def _by_version(table: dict[Any, Any]) -> dict[str, list[str]]:
    found: dict[tuple[int, int], list[str]] = {}
    for symbol, item in table.items():
        found.setdefault((item.added.major, item.added.minor), []).append(symbol.name)
    return {f"{major}.{minor}": sorted(found[major, minor]) for major, minor in sorted(found)}


def _by_macro(items: list[Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in items:
        if item.ifdef is not None:
            found.setdefault(item.ifdef.name, []).append(item.symbol.name)
    return {macro: sorted(found[macro]) for macro in sorted(found)}


def main() -> None:
    """Print the file."""
    json.dump(stable_abi(), sys.stdout, indent=0)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
