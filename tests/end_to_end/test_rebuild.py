"""The loop of a farm with real builds: a plan, its waves, early cutoff, and a build that fails."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from resolver_check.rebuild import Workshop
from resolver_check.sources.sdists import SdistDirectory
from resolver_check.target import target

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.network,
    pytest.mark.skipif(sys.version_info >= (3, 13), reason="there is no NumPy 1 for it"),
]

SETUP = """\
from setuptools import Extension, setup
import numpy
includes = [numpy.get_include()]
setup(
    name="{name}", version="1.0", packages=["{name}"], install_requires={requires!r},
    package_data={{"{name}": ["*.h"]}},
    ext_modules=[Extension("{name}._{name}", ["{name}.c"], include_dirs=includes)],
)
"""
MODULE = """\
#include <Python.h>
{code}
static struct PyModuleDef module = {{PyModuleDef_HEAD_INIT, "_{name}", 0, -1, 0}};
PyMODINIT_FUNC PyInit__{name}(void) {{ {start} return PyModule_Create(&module); }}
"""
HEADER = """\
struct gift_api { int (*open)(int); };
#define GIFT_IMPORT() ((struct gift_api *) PyCapsule_Import("gift._gift._C_API", 0))
"""
OF_NUMPY = "#include <numpy/arrayobject.h>\n"
OFFERS = """\
static int gift_open(int x) { return x + 1; }
static struct gift_api { int (*open)(int); } api = {gift_open};
static int offer(PyObject *m) {
    return PyModule_AddObject(m, "_C_API", PyCapsule_New(&api, "gift._gift._C_API", 0));
}
"""
SOURCES = {
    # Uses NumPy and offers a capsule; nothing of that depends on NumPy's version.
    "gift": (
        ("numpy",),
        OF_NUMPY + OFFERS,
        "import_array(); PyObject *m = PyModule_Create(&module); offer(m); return m;",
    ),
    # Binds to the capsule, not to NumPy.
    "taker": (("gift",), HEADER, "if (GIFT_IMPORT() == 0) return 0;"),
    # Cannot be built with NumPy 2, whose struct has no such member.
    "stuck": (
        ("numpy",),
        OF_NUMPY,
        "import_array(); if (PyArray_DescrFromType(NPY_INT)->elsize == 0) return 0;",
    ),
    # Requires what cannot be built, and must be rebuilt itself.
    "behind": (("numpy", "stuck"), OF_NUMPY, "import_array();"),
}


def write_sdist(directory: Path, name: str, *, start: str = "", more: str = "") -> None:
    requires, code, first = SOURCES[name]
    files = {
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        "pyproject.toml": '[build-system]\nrequires = ["setuptools>=77", "numpy"]\n'
        'build-backend = "setuptools.build_meta"\n',
        "setup.py": SETUP.format(name=name, requires=list(requires)),
        f"{name}.c": MODULE.format(name=name, code=code, start=start or first),
        f"{name}/__init__.py": "",
    }
    if more:
        files[more] = ""
    if name == "gift":
        files["gift/gift.h"] = HEADER
    with tarfile.open(directory / f"{name}-1.0.tar.gz", "w:gz") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(f"{name}-1.0/{path}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))


class Farm:
    """Sdists, the wheels built with NumPy 1.26.4, and the kept plan of going to NumPy 2."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.sdists = place / "sdists"
        self.wheels = place / "wheels"
        self.built = place / "built"
        for directory in (self.sdists, self.wheels):
            directory.mkdir()
        for name in SOURCES:
            write_sdist(self.sdists, name)
        shop = Workshop(
            sdists=SdistDirectory(self.sdists),
            python=sys.executable,
            out=self.wheels,
            find_links=(),
            constraints=("numpy==1.26.4",),
            target=target(None, None),
        )
        for name in SOURCES:
            result = shop.build(canonicalize_name(name), Version("1.0"))
            assert result.wheel is not None, result.log.read_text()
        pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps")
        for version in ("1.26.4", "2.0.2"):
            subprocess.run([*pip, "--dest", self.wheels, f"numpy=={version}"], check=True)

    def run(self, command: str, *arguments: object) -> tuple[int, dict[str, Any]]:
        line = (sys.executable, "-m", "resolver_check", command, "--state", self.place / "state")
        answer = subprocess.run(
            [*map(str, (*line, *arguments)), "--format", "json"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode in (0, 1, 3), answer.stderr
        return answer.returncode, json.loads(answer.stdout)

    def rebuild(self, *arguments: object) -> tuple[int, dict[str, Any]]:
        return self.run("rebuild", "--sdists", self.sdists, "--out", self.built, *arguments)


def actions(plan: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["action"] for each in plan["wheels"]}


def test_the_loop_of_a_farm(tmp_path: Path) -> None:
    farm = Farm(tmp_path)
    status, plan = farm.run("plan", "--source", farm.wheels, "--bump", "numpy==2.0.2")
    assert status == 1
    assert actions(plan) == {
        "gift": "rebuild",
        "taker": "conditional",
        "stuck": "rebuild",
        "behind": "rebuild",
    }
    waves = [sorted(unit[0].split("-")[0] for unit in wave) for wave in plan["waves"]]
    assert waves == [["gift", "stuck"], ["behind", "taker"]]

    status, plan = farm.rebuild()
    assert actions(plan) == {
        "gift": "built",
        "taker": "keep",  # its provider came out with the same interface
        "stuck": "failed",
        "behind": "rebuild",
    }
    assert status == 1
    by_name = {each["name"]: each for each in plan["wheels"]}
    assert "elsize" in Path(by_name["stuck"]["log"]).read_text()
    assert [each.split("-")[0] for each in by_name["behind"]["blocked_by"]] == ["stuck"]

    # Mended by hand; the plan goes on where it was and builds nothing twice.
    first = {path.name: path.stat().st_mtime_ns for path in farm.built.glob("*.whl")}
    write_sdist(farm.sdists, "stuck", start="import_array();")
    status, plan = farm.rebuild("--retry")
    assert status == 0
    assert set(actions(plan).values()) == {"built", "keep"}
    assert {path: farm.built.joinpath(path).stat().st_mtime_ns for path in first} == first

    # A rebuild of what was kept gives it again.
    state = (farm.place / "state").read_bytes()
    status, plan = farm.rebuild("--dry-run-incremental", "--validate", "all")
    assert [(each["wheel"].split("-")[0], each["finding"]) for each in plan["validated"]] == [
        ("taker", "proven")
    ]
    assert status == 0
    for change, finding, expected in (
        ({"start": 'PyRun_SimpleString("1");'}, "differs", 3),
        ({"more": "taker/more.py"}, "refuted", 1),
        ({"start": "no C"}, "not-built", 3),
    ):
        write_sdist(farm.sdists, "taker", **change)
        status, plan = farm.rebuild("--dry-run-incremental", "--validate", "1")
        assert [each["finding"] for each in plan["validated"]] == [finding]
        assert status == expected
    assert (farm.place / "state").read_bytes() == state

    # What it says works does work.
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    (taker,) = farm.wheels.glob("taker-*.whl")
    built = list(farm.built.glob("*.whl"))
    (numpy,) = farm.wheels.glob("numpy-2.0.2-*.whl")
    install = (python, "-m", "pip", "install", "--quiet", "--no-deps")
    subprocess.run([*install, numpy, taker, *built], check=True)
    imports = "import gift._gift, taker._taker, stuck._stuck, behind._behind"
    subprocess.run([python, "-c", imports], check=True)
