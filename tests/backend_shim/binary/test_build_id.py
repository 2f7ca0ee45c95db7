"""The build-id ties a stripped library to its debug information."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from backend_shim.binary.build_id import build_id, has_debug_info
from tests.support.binding_factory import compiled

pytestmark = pytest.mark.skipif(not shutil.which("objcopy"), reason="no binutils")

SOURCE = "int f(int a) { return a; }"


def library(*options: str) -> bytes:
    return compiled(SOURCE, "-Wl,--build-id", *options)


def changed(tmp_path: Path, data: bytes, *command: str) -> bytes:
    before, after = tmp_path / "before.so", tmp_path / "after.so"
    before.write_bytes(data)
    subprocess.run([*command, str(before), str(after)], check=True)
    return after.read_bytes()


def test_it_is_that_of_the_note(tmp_path: Path) -> None:
    data = library()
    (tmp_path / "a.so").write_bytes(data)
    shown = subprocess.run(
        ["readelf", "-n", str(tmp_path / "a.so")], capture_output=True, text=True, check=True
    ).stdout
    found = build_id(data)
    assert found is not None
    assert f"Build ID: {found}" in shown


def test_strip_and_only_keep_debug_leave_it(tmp_path: Path) -> None:
    data = library("-g")
    stripped = changed(tmp_path, data, "objcopy", "--strip-all")
    debug = changed(tmp_path, data, "objcopy", "--only-keep-debug")
    assert build_id(data) == build_id(stripped) == build_id(debug)
    assert (has_debug_info(data), has_debug_info(stripped), has_debug_info(debug)) == (
        True, False, True,
    )  # fmt: skip


def test_another_type_gives_another_one() -> None:
    # The machine code of both is the same.
    one, other = (
        compiled(f"struct s {{ int {name}; }}; int f(struct s *p) {{ return 1; }}", "-g",
                 "-Wl,--build-id")
        for name in ("a", "b")
    )  # fmt: skip
    assert build_id(one) != build_id(other)


@pytest.mark.parametrize("option", ["-Wl,--build-id=none", "-Wl,--build-id=0x1234"])
def test_there_is_none_that_could_be_that_of_another(option: str) -> None:
    assert build_id(compiled(SOURCE, option)) is None


def test_every_prefix_has_one_or_none() -> None:
    data = library("-g")
    whole = build_id(data)
    for end in range(0, len(data), 7):
        assert build_id(data[:end]) in (None, whole)
        assert has_debug_info(data[:end]) in (False, True)
    assert build_id(b"MZ" * 50) is None
