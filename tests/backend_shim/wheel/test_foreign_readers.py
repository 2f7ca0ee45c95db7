"""Other people's readers accept what we write."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from backend_shim.wheel.rewrite import add_dist_info_files
from tests.backend_shim.wheel.conftest import FILES
from tests.support.wheel_factory import make_wheel

NEW = {"wheel_abi_fingerprint.json": b"{}\n" * 300, "wheel_abi_build_inputs.json": b"{}\n"}


def test_installer_validates_record(odd_wheel: Path) -> None:
    sources = pytest.importorskip("installer.sources")
    with zipfile.ZipFile(odd_wheel) as archive:
        if any("\n" in name for name in archive.namelist()):
            pytest.skip("installer splits RECORD at every line break, quoted or not")
    add_dist_info_files(odd_wheel, NEW)
    with sources.WheelFile.open(odd_wheel) as source:
        source.validate_record(validate_contents=True)
        if source.distribution == "demo":
            assert source.read_dist_info("wheel_abi_build_inputs.json") == "{}\n"


def test_zipfile_and_unzip_test_it_without_complaint(odd_wheel: Path) -> None:
    add_dist_info_files(odd_wheel, NEW)
    subprocess.run([sys.executable, "-m", "zipfile", "-t", odd_wheel], check=True)
    if shutil.which("unzip"):
        found = subprocess.run(["unzip", "-tqq", odd_wheel], capture_output=True, check=False)
        # 1: "one or more warning errors were encountered", for bytes before the archive.
        has_prefix = odd_wheel.read_bytes().startswith(b"#!")
        assert found.returncode in ((0, 1) if has_prefix else (0,)), found.stderr


def test_zipfile_can_append_to_it(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, files=FILES)
    add_dist_info_files(wheel, NEW)
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("demo/later.py", b"later = 1\n")
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        assert archive.read("demo/later.py") == b"later = 1\n"
