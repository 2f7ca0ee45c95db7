"""The program that imports a module writes down what it exports, or why it could not."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from backend_shim import imported_module
from backend_shim.imported_module import exports_of


def capsule(name: bytes) -> object:
    make = ctypes.pythonapi.PyCapsule_New
    make.restype = ctypes.py_object
    make.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    made: object = make(1, name, None)
    return made


class Meta(type):
    __basicsize__ = "nothing to go by"  # type: ignore[assignment]


class Pool(metaclass=Meta):
    __slots__ = ("a",)


def test_capsules_and_types_are_told_by_name() -> None:
    module = ModuleType("prov")
    names = (b"int (int)", b"double")  # who makes a capsule keeps its name alive
    vars(module)["__pyx_capi__"] = {"f": capsule(names[0]), "v": capsule(names[1])}
    vars(module).update(Pool=Pool, Tuple=tuple, value=3)
    Pool.__module__ = "prov"
    found: Any = exports_of(module)
    assert found["capsules"] == {"f": "int (int)", "v": "double"}
    word = tuple.__itemsize__
    assert found["types"] == {
        "Pool": {"basic": object.__basicsize__ + word, "item": 0, "is_own": True},
        "Tuple": {"basic": tuple.__basicsize__, "item": word, "is_own": False},
    }
    assert exports_of(ModuleType("empty")) == {"capsules": {}, "types": {}}


def run(tmp_path: Path, text: str, module: str = "prov") -> tuple[int, Any]:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "prov.py").write_text(text)
    output = tmp_path / "output.json"
    done = subprocess.run(
        [sys.executable, imported_module.__file__, tmp_path / "site", module, output],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    return done.returncode, json.loads(output.read_bytes()) if output.exists() else None


def test_what_the_module_prints_is_no_answer(tmp_path: Path) -> None:
    status, found = run(tmp_path, "print('{}'); __pyx_capi__ = {}; class_ = 3")
    assert (status, found) == (0, {"capsules": {}, "types": {}})


def test_modules_of_this_package_are_not_in_the_way(tmp_path: Path) -> None:
    status, found = run(tmp_path, "try:\n    import embed\nexcept ImportError:\n    class T: pass")
    assert status == 0
    assert list(found["types"]) == ["T"]


def test_a_thread_that_goes_on_is_not_waited_for(tmp_path: Path) -> None:
    forever = "import threading\nthreading.Thread(target=threading.Event().wait).start()"
    assert run(tmp_path, forever)[0] == 0


def test_a_module_that_fails_says_why(tmp_path: Path) -> None:
    assert run(tmp_path, "raise SystemExit('no licence')")[1] == {"error": "SystemExit: no licence"}


def test_a_module_from_elsewhere_is_none_of_the_wheel(tmp_path: Path) -> None:
    assert "was imported instead" in run(tmp_path, "", "json")[1]["error"]


def test_a_module_that_ends_the_interpreter_says_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, "import os; os._exit(7)") == (7, None)
