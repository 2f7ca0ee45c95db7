"""The interpreter's own ABI, as far as file names tell: which modules are for which Python.

The tags of the wheel say for what it may be installed and stand in its file name, so a record does
not repeat them. Limited-API symbols and the two numbers come with the interface's symbol table.
"""

from __future__ import annotations

import posixpath
import re
from typing import Final

from backend_shim.interfaces.inspected_wheel import InspectedWheel, OpenObject
from backend_shim.interfaces.provider import Provider
from backend_shim.interfaces.reasons import Binding
from backend_shim.record.canonical import JSONValue
from backend_shim.record.facts import Facts

NAME: Final = "cpython"
PROVIDER: Final = "python"

# importlib.machinery.EXTENSION_SUFFIXES on the three systems: `.cpython-311-x86_64-linux-gnu.so`,
# `.abi3.so`, `.abi3t.so` (PEP 803), `.cp311-win_amd64.pyd`, `.so`.
_SUFFIX: Final = re.compile(r"[^.]+((?:\.[\w-]+)?\.(?:so|pyd))")


def read_object(opened: OpenObject) -> JSONValue:
    """The extension suffix of an extension module."""
    match = _SUFFIX.fullmatch(posixpath.basename(opened.path))
    if match and any(symbol.name.startswith("PyInit_") for symbol in opened.shared.exported):
        return match[1]
    return None


def provides(_wheel: InspectedWheel) -> Facts | None:
    """Nothing: the provider is the interpreter."""
    return None


def requires(wheel: InspectedWheel) -> Facts | None:
    """The extension suffixes used, and whether every extension module keeps to the stable ABI."""
    suffixes = sorted({str(suffix) for _, suffix in wheel.seen(NAME)})
    if not suffixes:
        return None
    return Facts(
        {
            "extension_suffixes": suffixes,
            "is_stable_abi": all(each.startswith((".abi3.", ".abi3t.")) for each in suffixes),
        }
    )


def is_satisfied(_required: Facts, _old: Provider, _new: Provider) -> tuple[Binding, ...]:
    """No other distribution takes part in this binding."""
    return ()
