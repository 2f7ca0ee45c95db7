"""The program that imports one module and writes down what it offers to `cimport`.

`module_importing` runs it as a script, in a process of its own and for one module: so it imports
nothing of this package. Arguments: the directory to import from, the module, the file to write to.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from types import ModuleType

# Of the type itself: a metaclass may have other ideas.
_BASIC_SIZE = type.__dict__["__basicsize__"].__get__
_ITEM_SIZE = type.__dict__["__itemsize__"].__get__


def exports_of(module: ModuleType) -> dict[str, object]:
    """`capsules` of `__pyx_capi__`, name of each by key, and `types`: sizes, and if it is own."""
    import ctypes  # noqa: PLC0415 - not every interpreter has it, nor does any need it otherwise

    name_of = ctypes.pythonapi.PyCapsule_GetName
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    capsules = vars(module).get("__pyx_capi__", {})
    types = {key: value for key, value in vars(module).items() if isinstance(value, type)}
    return {
        "capsules": {key: name_of(capsule).decode() for key, capsule in capsules.items()},
        "types": {
            key: {
                "basic": _BASIC_SIZE(value),
                "item": _ITEM_SIZE(value),
                "is_own": value.__module__ == module.__name__,
            }
            for key, value in types.items()
        },
    }


def _run(directory: str, name: str, output: str) -> None:
    # The script's own directory, which the interpreter puts first, holds this package's modules.
    here = Path(__file__).resolve().parent
    sys.path[:] = [directory, *(path for path in sys.path if Path(path).resolve() != here)]
    try:
        module = importlib.import_module(name)
        place = Path(module.__file__ or "").resolve()
        if not place.is_relative_to(Path(directory).resolve()):
            raise ImportError(f"{place} was imported instead")
        found = exports_of(module)
    except BaseException as error:
        found = {"error": f"{type(error).__name__}: {error}"}
    Path(output).write_text(json.dumps(found), encoding="utf-8")
    # Not to wait for what the module left running.
    os._exit(0)


if __name__ == "__main__":
    _run(*sys.argv[1:])
