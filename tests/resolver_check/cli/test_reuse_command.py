"""`resolver-check reuse`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from packaging.tags import platform_tags

from backend_shim.embed import embed
from backend_shim.record.build_machine import ImplementationVersion
from backend_shim.record.names import BUILD_INPUTS
from tests.backend_shim.record.example_inputs import INPUTS
from tests.resolver_check.cli.conftest import Run, assert_refused
from tests.resolver_check.conftest import Compile
from tests.resolver_check.test_check import _replace
from tests.support.said_interpreter import said_interpreter
from tests.support.wheel_factory import make_wheel

HERE = next(platform_tags())
PURE = {"demo.py": b"x = 1\n"}
LEVELS = {"a": "alpha", "b": "beta", "rc": "candidate", "": "final"}


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    directory = tmp_path / "wheels"
    directory.mkdir()
    return directory


@pytest.fixture
def module(compile_shared: Compile) -> bytes:
    """An extension module that keeps to the stable ABI."""
    return compile_shared(
        "int PyImport_Import(void); int PyInit__demo(void) { return PyImport_Import(); }"
    )


def _table(run: Run, directory: Path, *arguments: object) -> dict[str, Any]:
    """The wheel or obstacles of each interpreter, of the one release in `directory`."""
    ran = run("reuse", "--wheel-dir", directory, *arguments, "--format", "json")
    (release,) = json.loads(ran.out)["releases"]
    found = {}
    for each in release["interpreters"]:
        name = each["python"]["version"] + each["python"]["flags"]
        found[name] = each["wheel"] or [against["obstacle"] for against in each["not_reused"]]
    assert ran.status == (0 if all(isinstance(each, str) for each in found.values()) else 1)
    return found


def _asking(*pythons: object) -> list[object]:
    return [argument for python in pythons for argument in ("--python", python)]


def _record(wheel: Path, version: str, *, implementation: str = "cpython", **changed: Any) -> Path:
    """Put records into `wheel`: built with `version`, such as 3.14.0b2, without patches."""
    release, level = version, ""
    for sign in ("rc", "a", "b"):
        if sign in version:
            release, level, serial = version.partition(sign)
            break
    else:
        serial = "0"
    major, minor, micro = map(int, release.split("."))
    interpreter = replace(
        INPUTS.interpreter,
        language_version=f"{major}.{minor}",
        implementation=implementation,
        implementation_version=ImplementationVersion(
            major=major, minor=minor, micro=micro, releaselevel=LEVELS[level], serial=int(serial)
        ),
    )
    inputs = replace(INPUTS, **{"interpreter": interpreter, "patches": (), **changed})
    embed(wheel, build_inputs=inputs, looked_for=())
    return wheel


def _compiled(directory: Path, module: bytes, python: str = "311", **keywords: Any) -> Path:
    """A wheel with a module for one CPython."""
    suffix = f".cpython-{python}-x86_64-linux-gnu.so"
    files = {f"demo/_demo{suffix}": module}
    flat = f"cp{python.removesuffix('t')}-cp{python}-{HERE}"
    return make_wheel(directory, tag=flat, files=files, **keywords)


def _stable(directory: Path, module: bytes, tag: str = "cp310-abi3") -> Path:
    files = {f"demo/_demo.{tag.partition('-')[2].rpartition('.')[2]}.so": module}
    return make_wheel(directory, tag=f"{tag}-{HERE}", files=files)


# What serves whom


def test_a_pure_wheel_serves_every_interpreter(wheels: Path, run: Run) -> None:
    wheel = make_wheel(wheels, files=PURE).name
    found = _table(run, wheels, *_asking("3.10", "3.13t", "3.14.0b2"))
    assert found == {"3.10": wheel, "3.13t": wheel, "3.14.0b2": wheel}


def test_a_wheel_tagged_for_one_cpython_serves_that_one(wheels: Path, run: Run) -> None:
    wheel = make_wheel(wheels, tag="cp311-none-any", files=PURE).name
    found = _table(run, wheels, *_asking("3.10", "3.11", "3.12"))
    assert found == {"3.10": ["other-target"], "3.11": wheel, "3.12": ["other-target"]}


def test_a_stable_abi_wheel_serves_what_it_matches(wheels: Path, run: Run, module: bytes) -> None:
    wheel = _stable(wheels, module).name
    found = _table(run, wheels, *_asking("3.9", "3.10", "3.13", "3.13t", "3.14.0b2"))
    assert found == {
        "3.9": ["other-target"],
        "3.10": wheel,
        "3.13": wheel,
        "3.13t": ["other-target"],
        "3.14.0b2": wheel,
    }


def test_one_of_the_stable_abi_for_both_serves_free_threaded_builds(
    wheels: Path, run: Run, compile_shared: Compile
) -> None:
    source = "int PyImport_Import(void); int PyModExport__demo(void) { return PyImport_Import(); }"
    wheel = _stable(wheels, compile_shared(source), "cp315-abi3.abi3t").name
    found = _table(run, wheels, *_asking("3.14t", "3.15", "3.15t", "3.15.0b1t", "3.16.0a1t"))
    assert found == {
        "3.14t": ["other-target"],
        "3.15": wheel,
        "3.15t": wheel,
        # The stable ABI of 3.15 is not settled in a beta of it.
        "3.15.0b1t": ["no-evidence"],
        "3.16.0a1t": wheel,
    }


def test_a_free_threaded_build_wants_the_hook_of_that_stable_abi(
    wheels: Path, run: Run, module: bytes
) -> None:
    wheel = _stable(wheels, module, "cp315-abi3.abi3t").name
    found = _table(run, wheels, *_asking("3.15", "3.15t"))
    assert found == {"3.15": wheel, "3.15t": ["no-evidence"]}


def test_a_wheel_that_leaves_the_stable_abi_is_not_reused(
    wheels: Path, run: Run, compile_shared: Compile
) -> None:
    source = "int _PyBytes_Resize2(void); int PyInit__demo(void) { return _PyBytes_Resize2(); }"
    _stable(wheels, compile_shared(source))
    assert _table(run, wheels, *_asking("3.12")) == {"3.12": ["no-evidence"]}
    ran = run("reuse", "--wheel-dir", wheels, "--python", "3.12")
    assert (ran.status, ran.out) == (1, "")
    assert "_PyBytes_Resize2" in ran.err
    assert "no record says" in ran.err


def test_a_wheel_that_uses_what_came_later_is_not_reused(
    wheels: Path, run: Run, compile_shared: Compile
) -> None:
    source = "int PyType_GetName(void); int PyInit__demo(void) { return PyType_GetName(); }"
    wheel = _stable(wheels, compile_shared(source), "cp38-abi3").name
    found = _table(run, wheels, *_asking("3.10", "3.11"))
    assert found == {"3.10": ["no-evidence"], "3.11": wheel}


def test_a_module_for_one_cpython_serves_that_one(wheels: Path, run: Run, module: bytes) -> None:
    wheel = _record(_compiled(wheels, module), "3.11.7").name
    found = _table(run, wheels, *_asking("3.11.2", "3.12"))
    assert found == {"3.11.2": wheel, "3.12": ["other-target"]}


def test_a_tag_alone_is_no_evidence_for_a_module(wheels: Path, run: Run, module: bytes) -> None:
    _compiled(wheels, module)
    assert _table(run, wheels, *_asking("3.11.7")) == {"3.11.7": ["no-evidence"]}


@pytest.mark.parametrize("python", ["3.14.0a7", "3.14.0b1", "3.14.0b3", "3.14.0rc1", "3.14.2"])
def test_a_wheel_of_a_beta_serves_that_beta(
    wheels: Path, run: Run, module: bytes, python: str
) -> None:
    wheel = _record(_compiled(wheels, module, "314"), "3.14.0b2").name
    found = _table(run, wheels, *_asking("3.14.0b2", python))
    assert found == {"3.14.0b2": wheel, python: ["no-evidence"]}


@pytest.mark.parametrize(
    ("python", "is_reused"),
    [
        # The last change is older than the wheel, and all that was added by then is there.
        ("3.14.0b2", True),
        ("3.14.0b4", True),
        ("3.14.0rc1", True),
        ("3.14.2", True),
        # It may use what b2 added.
        ("3.14.0b1", False),
        # The change came after it.
        ("3.14.0a7", False),
    ],
)
def test_last_change_and_last_addition_decide(
    wheels: Path, tmp_path: Path, run: Run, module: bytes, python: str, is_reused: bool
) -> None:
    wheel = _record(_compiled(wheels, module, "314"), "3.14.0b2").name
    file = tmp_path / "series.toml"
    file.write_text(
        '[[series]]\nprovider = "python"\nname = "cpython"\nversions = ">=3.14.0a0,<3.15"\n'
        'last-change = "3.14.0b1"\nlast-addition = "3.14.0b2"\n'
    )
    found = _table(run, wheels, "--series", file, *_asking(python))
    assert found == {python: wheel if is_reused else ["no-evidence"]}


def test_a_later_change_refuses_a_wheel_of_an_earlier_beta(
    wheels: Path, tmp_path: Path, run: Run, module: bytes
) -> None:
    _record(_compiled(wheels, module, "314"), "3.14.0b2")
    file = tmp_path / "series.toml"
    file.write_text(
        '[[series]]\nprovider = "python"\nname = "cpython"\nversions = ">=3.14.0a0,<3.15"\n'
        'last-change = "3.14.0b3"\nlast-addition = "3.14.0b3"\n'
    )
    assert _table(run, wheels, "--series", file, *_asking("3.14.0rc1")) == {
        "3.14.0rc1": ["no-evidence"]
    }


def test_a_stable_abi_wheel_of_a_beta_waits_for_a_promise(
    wheels: Path, run: Run, module: bytes
) -> None:
    wheel = _record(_stable(wheels, module, "cp314-abi3"), "3.14.0b1").name
    found = _table(run, wheels, *_asking("3.14.0b1", "3.14.0", "3.15.0"))
    assert found == {"3.14.0b1": wheel, "3.14.0": ["no-evidence"], "3.15.0": ["no-evidence"]}


def test_the_closest_tag_is_preferred_and_of_these_the_latest_build(wheels: Path, run: Run) -> None:
    make_wheel(wheels, files=PURE)
    make_wheel(wheels, tag="cp312-none-any", files=PURE)
    latest = make_wheel(wheels, tag="cp312-none-any", files=PURE, build="2").name
    general = "demo-1.0-py3-none-any.whl"
    assert _table(run, wheels, *_asking("3.11", "3.12")) == {"3.11": general, "3.12": latest}


def test_a_python_that_the_project_does_not_support_gets_no_wheel(wheels: Path, run: Run) -> None:
    wheel = make_wheel(wheels, files=PURE)
    _replace(wheel, "METADATA", lambda data: data + b"Requires-Python: >=3.14\n")
    found = _table(run, wheels, *_asking("3.13.1", "3.14.0a1"))
    assert found == {"3.13.1": ["requires-python"], "3.14.0a1": wheel.name}


def test_a_requirement_that_cannot_be_understood_is_not_met(wheels: Path, run: Run) -> None:
    wheel = make_wheel(wheels, files=PURE)
    _replace(wheel, "METADATA", lambda data: data + b"Requires-Python: three\n")
    assert _table(run, wheels, *_asking("3.13.1")) == {"3.13.1": ["requires-python"]}


def test_a_wheel_that_needs_a_newer_libc_is_not_reused(
    wheels: Path, tmp_path: Path, run: Run, compile_shared: Compile
) -> None:
    source = "int puts(const char *); int f(void) { return puts(0); }"
    tag = "py3-none-linux_x86_64"
    wheel = make_wheel(wheels, tag=tag, files={"demo/f.so": compile_shared(source)}).name
    told = {"implementation": "cpython", "soabi": "cpython-310-x86_64-linux-gnu"}
    new = said_interpreter(tmp_path, **told, version="3.10.1", libc="glibc 2.31")
    assert _table(run, wheels, *_asking(new)) == {"3.10.1": wheel}
    old = said_interpreter(tmp_path, **told, version="3.10.2", libc="glibc 2.1")
    assert _table(run, wheels, *_asking(old)) == {"3.10.2": ["no-evidence"]}


def test_where_no_libc_is_named_only_that_of_the_binaries_serves(
    wheels: Path, tmp_path: Path, run: Run, compile_shared: Compile
) -> None:
    source = "int puts(const char *); int f(void) { return puts(0); }"
    make_wheel(wheels, tag="py3-none-linux_x86_64", files={"demo/f.so": compile_shared(source)})
    told = {"implementation": "cpython", "soabi": "cpython-310-x86_64-linux-musl", "libc": ""}
    musl = said_interpreter(tmp_path, **told, version="3.10.1")
    assert _table(run, wheels, *_asking(musl)) == {"3.10.1": ["no-evidence"]}


@pytest.mark.parametrize("tag", ["py3-none-any", "cp310-none-any"])
def test_binaries_of_no_named_platform_are_not_reused(
    wheels: Path, tmp_path: Path, run: Run, module: bytes, tag: str
) -> None:
    make_wheel(wheels, tag=tag, files={"demo/_demo.abi3.so": module})
    told = {"implementation": "cpython", "soabi": "", "version": "3.10.1"}
    other = said_interpreter(tmp_path, **told, platform="linux-aarch64")
    assert _table(run, wheels, *_asking(other)) == {"3.10.1": ["no-evidence"]}


def test_a_wheel_that_cannot_be_read_is_not_reused(wheels: Path, run: Run) -> None:
    wheels.joinpath("demo-1.0-py3-none-any.whl").write_bytes(b"PK")
    assert _table(run, wheels, *_asking("3.12")) == {"3.12": ["unreadable"]}


# Wheels that a build would not come out as


@pytest.mark.parametrize("how", ["said", "seen"])
def test_a_pure_wheel_does_not_keep_extensions_from_being_built(
    wheels: Path, run: Run, module: bytes, how: str
) -> None:
    make_wheel(wheels, files=PURE)
    if how == "seen":
        _compiled(wheels, module)
    said = ["--extensions"] if how == "said" else []
    found = _table(run, wheels, *said, *_asking("3.12"))
    assert "extensions-left-out" in found["3.12"]


def test_a_wheel_that_cannot_be_read_may_hold_extensions(wheels: Path, run: Run) -> None:
    make_wheel(wheels, files=PURE)
    wheels.joinpath(f"demo-1.0-cp311-cp311-{HERE}.whl").write_bytes(b"PK")
    found = _table(run, wheels, *_asking("3.12"))
    assert found == {"3.12": ["extensions-left-out", "other-target"]}


def test_a_stable_abi_wheel_of_a_project_with_extensions_is_reused(
    wheels: Path, run: Run, module: bytes
) -> None:
    wheel = _stable(wheels, module).name
    assert _table(run, wheels, "--extensions", *_asking("3.12")) == {"3.12": wheel}


def test_a_pure_wheel_that_pypy_built_is_not_reused_by_cpython(wheels: Path, run: Run) -> None:
    _record(make_wheel(wheels, files=PURE), "3.10.14", implementation="pypy")
    assert _table(run, wheels, *_asking("3.12")) == {"3.12": ["other-implementation"]}


def test_pypy_gets_pure_wheels_only(wheels: Path, tmp_path: Path, run: Run, module: bytes) -> None:
    pypy = said_interpreter(tmp_path)
    for_pypy = "pp310-pypy310_pp73-linux_x86_64"
    with_module = make_wheel(wheels, tag=for_pypy, files={"demo/_demo.so": module})
    found = _table(run, wheels, *_asking(pypy, "3.10"))
    assert found == {"3.10.14": ["other-implementation"], "3.10": ["other-target"]}
    with_module.unlink()
    pure = make_wheel(wheels, files=PURE).name
    assert _table(run, wheels, *_asking(pypy)) == {"3.10.14": pure}


def test_an_impure_project_serves_the_interpreter_that_built_it(wheels: Path, run: Run) -> None:
    wheel = _record(make_wheel(wheels, files=PURE), "3.11.7").name
    found = _table(run, wheels, "--impure", "Demo", *_asking("3.11.2", "3.11t", "3.12"))
    assert found == {"3.11.2": wheel, "3.11t": ["impure"], "3.12": ["impure"]}


def test_an_impure_project_without_records_serves_nobody(wheels: Path, run: Run) -> None:
    make_wheel(wheels, files=PURE)
    assert _table(run, wheels, "--impure", "demo", *_asking("3.11")) == {"3.11": ["impure"]}


def test_a_patched_wheel_is_reused_if_all_are_patched(wheels: Path, run: Run) -> None:
    wheel = _record(make_wheel(wheels, files=PURE), "3.11.7", patches=INPUTS.patches).name
    asked = _asking("3.11.7", "3.12")
    assert _table(run, wheels, *asked) == {"3.11.7": wheel, "3.12": ["patched"]}
    assert _table(run, wheels, "--same-patches", *asked) == {"3.11.7": wheel, "3.12": wheel}


@pytest.mark.parametrize(
    "changed",
    [
        {"patches": INPUTS.patches},
        {"source": replace(INPUTS.source, sha256="0" * 64)},
        {"config_settings": ()},
    ],
    ids=["patches", "source", "settings"],
)  # fmt: skip
def test_wheels_of_other_sources_serve_their_own_interpreter(
    wheels: Path, run: Run, changed: dict[str, Any]
) -> None:
    general = _record(make_wheel(wheels, files=PURE), "3.11.7").name
    own = _record(make_wheel(wheels, tag="cp312-none-any", files=PURE), "3.12.1", **changed).name
    found = _table(run, wheels, "--same-patches", *_asking("3.11", "3.12", "3.13"))
    assert found == {"3.11": general, "3.12": own, "3.13": ["other-sources", "other-target"]}


@pytest.mark.parametrize(
    ("script", "serves"),
    [
        ("demo3.11", ["3.11"]),
        ("demo-3.11", ["3.11"]),
        ("demo3", ["3.11", "3.12"]),
        ("demo-1.3.11", ["3.11", "3.12"]),
    ],
)
@pytest.mark.parametrize("place", ["entry point", "file"])
def test_a_script_that_is_named_for_one_python_serves_that_one(
    wheels: Path, run: Run, script: str, serves: list[str], place: str
) -> None:
    named = {
        "entry point": {
            "demo-1.0.dist-info/entry_points.txt": f"[console_scripts]\n{script} = demo:f".encode()
        },
        "file": {f"demo-1.0.data/scripts/{script}": b"#!python\n"},
    }
    make_wheel(wheels, files={**PURE, **named[place]})
    found = _table(run, wheels, *_asking("3.11", "3.12"))
    assert [each for each, wheel in found.items() if isinstance(wheel, str)] == serves
    assert [each for each in found.values() if isinstance(each, list)] in (
        [], [["named-for-another"]],
    )  # fmt: skip


def test_a_directory_that_is_named_for_one_python_serves_that_one(wheels: Path, run: Run) -> None:
    path = "demo-1.0.data/data/lib/python3.11/demo-2.0/demo.cfg"
    wheel = make_wheel(wheels, files={**PURE, path: b""}).name
    found = _table(run, wheels, *_asking("3.11", "3.12"))
    assert found == {"3.11": wheel, "3.12": ["named-for-another"]}


def test_bytecode_without_source_serves_the_interpreter_that_made_it(
    wheels: Path, run: Run
) -> None:
    wheel = make_wheel(wheels, files={"demo/inner.pyc": b""})
    assert _table(run, wheels, *_asking("3.12")) == {"3.12": ["bytecode"]}
    _record(wheel, "3.12.1")
    found = _table(run, wheels, *_asking("3.12", "3.13"))
    assert found == {"3.12": wheel.name, "3.13": ["bytecode"]}


def test_cached_bytecode_serves_every_interpreter(wheels: Path, run: Run) -> None:
    files = {**PURE, "__pycache__/demo.cpython-310.pyc": b""}
    wheel = make_wheel(wheels, files=files).name
    assert _table(run, wheels, *_asking("3.12")) == {"3.12": wheel}


def test_entry_points_that_are_malformed_are_not_passed_over(wheels: Path, run: Run) -> None:
    make_wheel(wheels, files={**PURE, "demo-1.0.dist-info/entry_points.txt": b"pip3.11\n"})
    assert _table(run, wheels, *_asking("3.12")) == {"3.12": ["unreadable"]}


def test_a_wheel_whose_build_inputs_cannot_be_read_may_be_patched(wheels: Path, run: Run) -> None:
    wheel = _record(make_wheel(wheels, files=PURE), "3.11.7")
    _replace(wheel, BUILD_INPUTS, lambda data: data.replace(b'"patches":[]', b'"patches":5'))
    assert _table(run, wheels, *_asking("3.11")) == {"3.11": ["unreadable"]}


# From a shell


def test_one_interpreter_gets_one_path(wheels: Path, run: Run) -> None:
    wheel = make_wheel(wheels, files=PURE)
    ran = run("reuse", "--wheel-dir", wheels, "--python", "3.12")
    assert ran == (0, f"{wheel}\n", "")


def test_without_a_wheel_nothing_is_printed_but_why(wheels: Path, run: Run) -> None:
    ran = run("reuse", "--wheel-dir", wheels, "--python", "3.12")
    assert ran[:2] == (1, "")
    assert "no wheel" in ran.err
    make_wheel(wheels, tag="cp311-none-any", files=PURE)
    ran = run("reuse", "--wheel-dir", wheels, "--python", "3.12")
    assert ran == (1, "", "1 wheel has no tag that it accepts\n")


def test_it_can_be_switched_off(wheels: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    make_wheel(wheels, files=PURE)
    monkeypatch.setenv("WHEEL_ABI_REUSE", "0")
    ran = run("reuse", "--wheel-dir", wheels, "--python", "3.12")
    assert ran[:2] == (1, "")
    assert "WHEEL_ABI_REUSE=0" in ran.err
    assert _table(run, wheels, *_asking("3.12", "3.13")) == {"3.12": [], "3.13": []}
    monkeypatch.setenv("WHEEL_ABI_REUSE", "1")
    assert run("reuse", "--wheel-dir", wheels, "--python", "3.12").status == 0


def test_of_several_releases_one_must_be_named(wheels: Path, run: Run) -> None:
    make_wheel(wheels, files=PURE)
    make_wheel(wheels, version="2.0", files=PURE)
    make_wheel(wheels, name="other", files=PURE)
    asked = ("reuse", "--wheel-dir", wheels, "--python", "3.12")
    assert "demo==1.0, demo==2.0, other==1.0" in assert_refused(run(*asked))
    assert "demo==1.0, demo==2.0:" in assert_refused(run(*asked, "--project", "demo"))
    assert run(*asked, "--project", "Other").out.endswith("other-1.0-py3-none-any.whl\n")
    assert run(*asked, "--project", "demo==1").out.endswith("demo-1.0-py3-none-any.whl\n")
    assert run(*asked, "--project", "demo==3").status == 1
    assert "no version" in assert_refused(run(*asked, "--project", "demo==x"))


@pytest.mark.parametrize("project", ["", "demo==", "demo>=1", "demo[x]", "==1.0"])
def test_a_project_that_is_none_is_refused(wheels: Path, run: Run, project: str) -> None:
    make_wheel(wheels, files=PURE)
    ran = run("reuse", "--wheel-dir", wheels, "--python", "3.12", "--project", project)
    assert "--project" in assert_refused(ran)


@pytest.mark.parametrize("name", ["é", "b\udcff"])
@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes there")
def test_the_path_is_that_of_the_file_system(tmp_path: Path, name: str) -> None:
    wheels = tmp_path / name
    wheels.mkdir()
    wheel = make_wheel(wheels, files=PURE)
    asked = ["reuse", "--wheel-dir", os.fsencode(wheels), "--python", "3.12"]
    ran = subprocess.run(
        [sys.executable, "-m", "resolver_check", *asked],
        capture_output=True, check=True, env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert ran.stdout == os.fsencode(wheel) + b"\n"


def test_a_path_that_would_be_two_lines_is_refused(tmp_path: Path, run: Run) -> None:
    wheels = tmp_path / "new\nline"
    wheels.mkdir()
    make_wheel(wheels, files=PURE)
    ran = run("reuse", "--wheel-dir", wheels, "--python", "3.12")
    assert "control characters" in assert_refused(ran)


def test_several_interpreters_make_a_table(wheels: Path, run: Run, module: bytes) -> None:
    _record(_compiled(wheels, module), "3.11.7")
    ran = run("reuse", "--wheel-dir", wheels, *_asking("3.11.7", "3.12.1t"))
    assert (ran.status, ran.err) == (1, "")
    assert ran.out.splitlines() == [
        "demo 1.0",
        f"  3.11.7   demo-1.0-cp311-cp311-{HERE}.whl",
        "  3.12.1t  build",
        "    1 wheel has no tag that it accepts",
    ]


# Against what was built for the interpreter


@pytest.fixture
def built(tmp_path: Path) -> Path:
    directory = tmp_path / "built"
    (directory / "3.12").mkdir(parents=True)
    return directory


def test_a_difference_is_a_warning(wheels: Path, built: Path, run: Run) -> None:
    wheel = make_wheel(wheels, files=PURE)
    make_wheel(built / "3.12", files={"demo.py": b"x = 2\n"})
    ran = run("reuse", "--wheel-dir", wheels, "--python", "3.12.1", "--diff", built)
    assert ran == (0, f"{wheel}\n", "QA: 3.12.1: demo.py: differs\n")
    ran = run("reuse", "--wheel-dir", wheels, "--python", "3.12.1", "--diff", built, "--strict")
    assert (ran.status, ran.out) == (1, "")
    assert "QA: 3.12.1: demo.py: differs" in ran.err


def test_the_python_of_scripts_and_the_order_of_rows_are_no_difference(
    wheels: Path, built: Path, run: Run
) -> None:
    script = "demo-1.0.data/scripts/demo"
    make_wheel(wheels, files={**PURE, script: b"#!python3.11\nimport demo\n"}, requires=["a", "b"])
    make_wheel(
        built, files={script: b"#!/usr/bin/python3.12\nimport demo\n", **PURE}, requires=["b", "a"]
    )
    ran = run("reuse", "--wheel-dir", wheels, "--python", "3.11", "--diff", built, "--strict")
    assert (ran.status, ran.err) == (0, "")


def test_what_has_nothing_to_be_compared_with_is_said(wheels: Path, built: Path, run: Run) -> None:
    make_wheel(wheels, files=PURE)
    make_wheel(built / "3.12", version="2.0", files=PURE)
    asked = ("reuse", "--wheel-dir", wheels, *_asking("3.12"), "--diff", built)
    ran = run(*asked)
    assert (ran.status, ran.err) == (0, "QA: 3.12: no wheel that was built for it\n")
    assert run(*asked, "--strict").status == 1


def test_a_wheel_is_not_compared_with_itself(wheels: Path, run: Run) -> None:
    make_wheel(wheels, files=PURE)
    asked = ("reuse", "--wheel-dir", wheels, *_asking("3.12"), "--diff", wheels)
    assert run(*asked).err == "QA: 3.12: no wheel that was built for it\n"
    assert run(*asked, "--strict").status == 1


def test_the_table_has_the_difference(wheels: Path, built: Path, run: Run) -> None:
    make_wheel(wheels, files=PURE)
    make_wheel(built / "3.12", files={**PURE, "demo_312.py": b""})
    make_wheel(built, files=PURE)
    asked = ("reuse", "--wheel-dir", wheels, *_asking("3.11", "3.12"), "--diff", built)
    (release,) = json.loads(run(*asked, "--format", "json").out)["releases"]
    outcomes = [each["difference"]["outcome"] for each in release["interpreters"]]
    assert outcomes == ["same", "different"]


def test_what_is_no_python_is_refused(wheels: Path, run: Run) -> None:
    assert "wants a version" in assert_refused(
        run("reuse", "--wheel-dir", wheels, "--python", "three")
    )
