"""Modules are imported where that is asked for, and no code of a wheel is run where it is not."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from backend_shim import hooks, module_importing
from backend_shim.cli import DONE, PROBLEMS, main
from backend_shim.embed import embed
from backend_shim.errors import ConfigurationError
from backend_shim.fingerprinting import recorded_fingerprint, recorded_problems
from backend_shim.interfaces import cython
from backend_shim.record.decoding import get_objects
from backend_shim.wheel.archive import WheelArchive
from tests.backend_shim.conftest import MakeProject
from tests.support.binding_factory import TAG, literals
from tests.support.wheel_factory import make_wheel

SCHEMA = Path(__file__).parents[2] / "spec" / "schemas" / "abi_fingerprint-0.1.schema.json"
# What the reader takes for a module made by Cython, and the interpreter for none at all.
NO_MODULE = {"pkg/prov.so": literals("cython_runtime"), "pkg/prov.pxd": b"cdef class Pool: pass\n"}
PXD = """\
cdef class Pool:
    cdef int a
cdef class Names(dict):
    cdef int b
cdef class Meta(type):
    pass
cdef int add(int a, int b) noexcept
cdef int counter
"""
PYX = """\
print("{}")
cdef class Pool:
    pass
cdef class Names(dict):
    pass
cdef class Meta(type):
    pass
cdef int add(int a, int b) noexcept:
    return a + b
cdef int counter = 3
"""
EXACT = {
    "module": "pkg.prov",
    "functions": {"add": "int (int, int)"},
    "uncertain": [],
    "types": ["Meta", "Names", "Pool"],
    "variables": ["counter"],
    "is_imported": True,
}


def wheel_that_tells(directory: Path, files: dict[str, bytes]) -> tuple[Path, Path]:
    """A wheel that writes a file when it is imported, and that file."""
    directory.mkdir()
    told = directory / "told"
    code = f"import pathlib; pathlib.Path({str(told)!r}).touch()"
    files = {"pkg/__init__.py": code.encode(), **files}
    return make_wheel(directory, name="provider", tag=TAG, files=files), told


def module_of(wheel: Path) -> dict[str, Any]:
    with WheelArchive.open(wheel) as archive:
        assert recorded_problems(archive) == ()
        fingerprint = recorded_fingerprint(archive)
    assert fingerprint is not None
    provided = fingerprint.provided(cython.NAME)
    assert provided is not None
    ((found, _),) = get_objects(provided.facts.thaw(), "modules", "$")
    return dict(found)


def test_without_the_option_no_code_of_the_wheel_runs(tmp_path: Path) -> None:
    wheel, told = wheel_that_tells(tmp_path / "embedded", NO_MODULE)
    assert embed(wheel, build_inputs=None, looked_for=()).modules == ()
    assert main(["stamp", str(wheel)]) == DONE
    assert not told.exists()
    assert not module_of(wheel)["is_imported"]


def test_a_module_that_cannot_be_imported_keeps_what_was_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel, told = wheel_that_tells(tmp_path / "stamped", NO_MODULE)
    assert main(["stamp", str(wheel)]) == DONE
    before = module_of(wheel)
    assert main(["stamp", "--import-modules", str(wheel)]) == PROBLEMS
    assert told.exists()
    assert "pkg.prov: not imported: ImportError: " in capsys.readouterr().err
    assert module_of(wheel) == before


def test_a_wheel_without_such_modules_is_not_run(tmp_path: Path) -> None:
    wheel, told = wheel_that_tells(tmp_path / "plain", {"pkg/m.so": literals("cython_runtime")})
    assert embed(wheel, build_inputs=None, looked_for=(), runs_modules=True).modules == ()
    assert not told.exists()


def test_a_module_with_several_binaries_is_not_imported(tmp_path: Path) -> None:
    files = {**NO_MODULE, "pkg/prov.abi3.so": literals("cython_runtime")}
    wheel, told = wheel_that_tells(tmp_path / "twice", files)
    left_out = embed(wheel, build_inputs=None, looked_for=(), runs_modules=True)
    assert left_out.modules == (("pkg.prov", "it has several binaries"),)
    assert not told.exists()


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (b"import time; time.sleep(60)", "longer than 2 seconds"),
        (b"import os; os._exit(3)", "ended the interpreter with status 3"),
        (b"raise ValueError('no')", "ValueError: no"),
        (b"import sys; sys.stdin.read(); raise ValueError('read')", "ValueError: read"),
    ],
)
def test_an_import_that_does_not_end_well_is_told(
    code: bytes, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if b"sleep" in code:
        monkeypatch.setattr(module_importing, "SECONDS", 2)
    files = {"pkg/__init__.py": code, **NO_MODULE}
    wheel = make_wheel(tmp_path, name="provider", tag=TAG, files=files)
    ((module, reason),) = embed(wheel, build_inputs=None, looked_for=(), runs_modules=True).modules
    assert module == "pkg.prov"
    assert why in reason


BACKEND = """
from pathlib import Path
from tests.support.wheel_factory import make_wheel

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    text = "import pathlib; pathlib.Path({told!r}).touch()"
    files = {{
        "pkg/__init__.py": text.encode(),
        "pkg/prov.so": Path({binary!r}).read_bytes(),
        "pkg/prov.pxd": b"cdef class Pool: pass",
    }}
    return make_wheel(Path(wheel_directory), tag={tag!r}, files=files).name
"""


@pytest.mark.parametrize(
    ("options", "settings", "runs"),
    [
        ("", None, False),
        ("import-modules = true", None, True),
        ("", {"wheel-abi.import-modules": "true"}, True),
        ("import-modules = true", {"wheel-abi.import-modules": "false"}, False),
        ("import-modules = true\nstrict = true", None, True),
    ],
)
def test_the_project_or_a_setting_asks_for_it(
    options: str,
    settings: dict[str, str] | None,
    runs: bool,
    make_project: MakeProject,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "prov.so").write_bytes(NO_MODULE["pkg/prov.so"])
    told = tmp_path / "told"
    backend = BACKEND.format(told=str(told), binary=str(tmp_path / "prov.so"), tag=TAG)
    make_project(backend, options=options)
    if "strict" in options:
        with pytest.raises(ConfigurationError, match=r"import-modules: pkg\.prov: ImportError"):
            hooks.build_wheel(str(tmp_path), settings)
    else:
        wheel = tmp_path / hooks.build_wheel(str(tmp_path), settings)
        assert not module_of(wheel)["is_imported"]
        assert ("not imported: pkg.prov: ImportError" in capfd.readouterr().err) is runs
    assert told.exists() is runs


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A package with one module that Cython and GCC make for the running interpreter."""
    include = sysconfig.get_path("include")
    if shutil.which("gcc") is None or not Path(include, "Python.h").exists():
        pytest.skip("no gcc, or no headers of Python")
    directory = tmp_path_factory.mktemp("cython") / "pkg"
    directory.mkdir()
    for name, text in (("__init__.py", ""), ("prov.pxd", PXD), ("prov.pyx", PYX)):
        (directory / name).write_text(text)
    for command in (
        [sys.executable, "-m", "cython", "-3", "pkg/prov.pyx"],
        ["gcc", "-O1", "-fPIC", "-shared", f"-I{include}", "pkg/prov.c", "-o", "pkg/prov.so"],
    ):
        subprocess.run(command, cwd=directory.parent, capture_output=True, check=True)
    return {f"pkg/{name}": (directory / name).read_bytes() for name in ("prov.pxd", "prov.so")}


def test_an_imported_module_says_exactly_what_it_exports(
    built: dict[str, bytes], tmp_path: Path
) -> None:
    wheel, told = wheel_that_tells(tmp_path / "real", built)
    embed(wheel, build_inputs=None, looked_for=())
    read = module_of(wheel)
    assert not told.exists()
    assert main(["stamp", "--import-modules", str(wheel)]) == DONE
    assert told.exists()
    imported = module_of(wheel)
    sizes = imported.pop("sizes")
    assert imported == EXACT
    assert sizes["Names"]["item"] == 0
    if read["sizes"]:  # on 64-bit Linux
        assert read["sizes"]["Meta"].pop("item") is None, "no `.pxd` says that of its base"
        assert sizes["Meta"].pop("item") == type.__itemsize__
        assert read["sizes"] == sizes


def test_the_same_import_gives_the_same_bytes(built: dict[str, bytes], tmp_path: Path) -> None:
    wheels = [wheel_that_tells(tmp_path / name, built)[0] for name in ("one", "other")]
    for wheel in wheels:
        embed(wheel, build_inputs=None, looked_for=(), runs_modules=True)
    records = []
    for wheel in wheels:
        with WheelArchive.open(wheel) as archive:
            records.append(archive.read(f"{archive.dist_info}/wheel_abi_fingerprint.json"))
    assert json.loads(records[0])["provides"] == json.loads(records[1])["provides"]


def test_the_record_of_imported_modules_is_of_the_schema(
    built: dict[str, bytes], tmp_path: Path
) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    wheel, _ = wheel_that_tells(tmp_path / "schema", built)
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
    for runs in (False, True):
        embed(wheel, build_inputs=None, looked_for=(), runs_modules=runs)
        with WheelArchive.open(wheel) as archive:
            document = json.loads(archive.read(f"{archive.dist_info}/wheel_abi_fingerprint.json"))
        validator.validate(document)
        (facts,) = (
            each["facts"] for each in document["provides"] if each["interface"] == cython.NAME
        )
        (module,) = facts["modules"]
        for key in module:
            damaged = {name: value for name, value in module.items() if name != key}
            facts["modules"] = [damaged]
            assert not validator.is_valid(document), key
        facts["modules"] = [{**module, "sizes": {"Pool": {"basic": 0, "item": 0}}}]
        assert not validator.is_valid(document)
