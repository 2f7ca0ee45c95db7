"""Who compiled the binaries of a wheel, and what they need of the system."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from backend_shim.capture import built_binaries
from backend_shim.capture.build_requirements import Installed
from backend_shim.capture.built_binaries import BuiltBinaries, look_at_binaries
from backend_shim.capture.redaction import Redaction
from backend_shim.capture.system_packages import Package
from backend_shim.record.build_machine import Observed
from backend_shim.wheel.archive import WheelArchive
from tests.support.installed_tree import installed_in, lay_out
from tests.support.wheel_factory import make_wheel

gcc = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("gcc") is None, reason="no gcc on Linux"
)
NOTHING = Redaction(places=())
STRING = """
#include <string>
std::string made(std::string const &s) { return s + "x"; }
"""


def compiled(
    place: Path, text: str, *options: str, compiler: str = "gcc", name: str = "x.so"
) -> bytes:
    """A shared library of `text`."""
    place.mkdir(exist_ok=True)
    suffix = ".cpp" if compiler.endswith("++") else ".c"
    (place / f"a{suffix}").write_text(text)
    command = [compiler, "-shared", "-fPIC", f"a{suffix}", "-o", name, *options]
    subprocess.run(command, cwd=place, check=True)
    return (place / name).read_bytes()


def looked(
    place: Path,
    files: dict[str, bytes],
    installed: tuple[Installed, ...] = (),
    redaction: Redaction = NOTHING,
) -> BuiltBinaries:
    wheel = make_wheel(place, files=files)
    with WheelArchive.open(wheel) as archive:
        return look_at_binaries(archive, installed, redaction)


def test_a_wheel_without_binaries_tells_nothing(tmp_path: Path) -> None:
    assert looked(tmp_path, {"demo.py": b"x", "fake.so": b"no binary"}) == BuiltBinaries()


def test_text_that_begins_like_a_program_for_dos_is_no_binary(tmp_path: Path) -> None:
    assert not looked(tmp_path, {"notes": b"MZ is how a program for DOS begins. " * 4}).is_any


@gcc
def test_the_compiler_says_its_name_and_with_debug_information_its_flags(tmp_path: Path) -> None:
    plain = compiled(tmp_path / "plain", "int x(void) { return 1; }", "-g0")
    found = looked(tmp_path, {"demo/x.so": plain})
    assert found.is_any
    (comment,) = {each.partition(" ")[0] for each in found.observed.comments}
    assert comment == "GCC:"
    assert found.observed.cxx_string_abi == ()
    debug = compiled(tmp_path / "debug", "int x(void) { return 1; }", "-g", "-O1")
    (producer, *_) = looked(tmp_path, {"demo/x.so": debug}).observed.producers
    assert producer.startswith("GNU C")
    assert "-O1" in producer


@gcc
@pytest.mark.parametrize(("value", "abi"), [("0", "old"), ("1", "cxx11")])
def test_the_abi_of_strings_stands_in_the_symbols(value: str, abi: str, tmp_path: Path) -> None:
    if shutil.which("g++") is None:
        pytest.skip("no g++")
    binary = compiled(
        tmp_path / "built", STRING, f"-D_GLIBCXX_USE_CXX11_ABI={value}", compiler="g++"
    )
    assert looked(tmp_path, {"demo/x.so": binary}).observed.cxx_string_abi == (abi,)


@gcc
def test_libraries_outside_of_every_wheel_are_the_system_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("own", "theirs", "system"):
        compiled(tmp_path / "built", "int x;", f"-Wl,-soname,lib{name}.so.1", name=f"lib{name}.so")
    needs = ["-Wl,--no-as-needed", *(f"./lib{name}.so" for name in ("own", "theirs", "system"))]
    user = compiled(tmp_path / "built", "#include <stdlib.h>\nvoid f(void) { abort(); }", *needs)
    site = tmp_path / "site"
    lay_out(site, "theirs", {"theirs.libs/libtheirs.so.1": b""})
    monkeypatch.setattr(built_binaries, "library_paths", lambda: {"libsystem.so.1": "/lib/s.so"})
    package = Package(manager="apk", name="sys-libs", version="1-r0")
    monkeypatch.setattr(built_binaries, "owners", lambda _: {"/lib/s.so": package})
    own = (tmp_path / "built" / "libown.so").read_bytes()
    files = {"demo/x.so": user, "demo.libs/libown.so.1": own}
    found = {each.soname: each for each in looked(tmp_path, files, installed_in(site)).libraries}
    assert found.keys() == {"libc.so.6", "libsystem.so.1"}
    assert found["libsystem.so.1"].package == "apk/sys-libs/1-r0"
    assert found["libsystem.so.1"].versions == ()
    assert found["libc.so.6"].package is None
    assert all(each.startswith("GLIBC_") for each in found["libc.so.6"].versions)
    assert found["libc.so.6"].versions


@gcc
def test_what_is_told_of_the_machine_is_redacted(tmp_path: Path) -> None:
    binary = compiled(
        tmp_path / "built",
        'int x;\n__asm__(".section .comment\\n.string \\"cc 1 in /home/me/cc\\"\\n.previous");',
    )
    redaction = Redaction(places=(("/home/me", "{home}"),))
    found = looked(tmp_path, {"demo/x.so": binary}, redaction=redaction)
    assert "cc 1 in {home}/cc" in found.observed.comments


@gcc
def test_every_beginning_of_a_binary_and_every_damage_is_harmless(tmp_path: Path) -> None:
    binary = compiled(tmp_path / "built", "int x;", "-g")
    step = max(1, len(binary) // 60)
    for end in range(0, len(binary), step):
        looked(tmp_path, {"demo/x.so": binary[:end]})
        damaged = bytearray(binary)
        damaged[end] ^= 0xFF
        damaged[end : end + 8] = b"\xff" * 8
        looked(tmp_path, {"demo/x.so": bytes(damaged)})
    assert looked(tmp_path, {"demo/x.so": binary[:64]}).observed == Observed()


@gcc
def test_a_great_many_names_are_cut(tmp_path: Path) -> None:
    lines = "".join(f'.string \\"compiler {number}\\"\\n' for number in range(200))
    text = f'int x;\n__asm__(".section .comment\\n{lines}.previous");'
    found = looked(tmp_path, {"demo/x.so": compiled(tmp_path / "built", text)})
    assert len(found.observed.comments) == 50
    assert os.fspath(tmp_path) not in repr(found)
