"""Interpreter and toolchain, as they are and as they are not."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

import pytest

from backend_shim.capture.interpreter import capture_interpreter
from backend_shim.capture.redaction import Redaction
from backend_shim.capture.toolchain import capture_toolchain
from backend_shim.record.build_machine import Library, Tool

NOTHING = Redaction(places=())


def test_the_interpreter_is_this_one() -> None:
    interpreter = capture_interpreter()
    assert interpreter.language_version == f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert interpreter.implementation == sys.implementation.name
    assert interpreter.extension_suffix == sysconfig.get_config_var("EXT_SUFFIX")
    assert sys.prefix not in repr(interpreter)


def test_flags_of_the_abi(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"Py_DEBUG": 1, "Py_GIL_DISABLED": 1, "EXT_SUFFIX": ".x.so"}
    monkeypatch.setattr(sysconfig, "get_config_var", asked.get)
    interpreter = capture_interpreter()
    assert interpreter.abi_flags == ("d", "t")
    assert (interpreter.extension_suffix, interpreter.soabi) == (".x.so", None)


def fake(directory: Path, name: str, script: str) -> None:
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_a_compiler_is_what_it_says_it_is(tmp_path: Path) -> None:
    fake(
        tmp_path / "bin",
        "mycc",
        'case "$*" in *--version) echo; echo "mycc 1.2 in $HOME"; echo more;;'
        " *-dumpmachine) echo riscv64-linux-gnu;; esac",
    )
    fake(
        tmp_path / "bin",
        "mycxx",
        'case "$*" in *-dM*) cat >/dev/null; echo "#define _LIBCPP_VERSION 190100";; esac',
    )
    environ = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "HOME": "/home/me"}
    toolchain = capture_toolchain(
        {**environ, "CC": "mycc -O2", "CXX": "mycxx"},
        redaction=Redaction(places=(("/home/me", "{home}"),)),
    )
    assert toolchain.c_compiler == Tool(version="mycc 1.2 in {home}", target="riscv64-linux-gnu")
    assert toolchain.cxx_compiler is None
    assert toolchain.cxx_library == Library(name="libc++", version="190100")


@pytest.mark.parametrize("script", ["exit 1", "echo", "printf '\\377'", "kill -9 $$"])
def test_a_compiler_that_fails_is_none_or_harmless(script: str, tmp_path: Path) -> None:
    fake(tmp_path, "cc", script)
    environ = {"PATH": str(tmp_path), "CC": "cc", "CXX": "cc", "LD": "cc"}
    toolchain = capture_toolchain(environ, redaction=NOTHING)
    assert toolchain.cxx_library is None
    assert toolchain.c_compiler is None or toolchain.c_compiler.version == "\ufffd"


def test_no_compiler_is_none() -> None:
    toolchain = capture_toolchain({"PATH": ""}, redaction=NOTHING)
    assert (toolchain.c_compiler, toolchain.cxx_compiler, toolchain.linker) == (None, None, None)


def test_a_command_that_is_no_command_is_passed_over() -> None:
    environ = {**os.environ, "CC": "'unbalanced", "CXX": "/no/such/compiler"}
    capture_toolchain(environ, redaction=NOTHING)
