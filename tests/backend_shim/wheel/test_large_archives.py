"""Archives beyond the limits of the first zip format are read and rewritten as ZIP64."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from backend_shim.wheel.archive import WheelArchive
from backend_shim.wheel.rewrite import add_dist_info_files
from tests.backend_shim.wheel.conftest import RECORD, raw_members
from tests.support.wheel_factory import RawMember, raw_archive, wheel_members

NEW = {"a.json": b"{}\n", "b.json": b"[]\n"}
BIG = (4 << 30) + (60 << 20)


@pytest.mark.parametrize("count", [65532, 65533])
def test_the_65535th_member_makes_it_zip64(wheel_of: Callable[[bytes], Path], count: int) -> None:
    empty = [RawMember(name=b"demo/%d" % i, method=zipfile.ZIP_STORED) for i in range(count - 3)]
    members = [*empty, *raw_members({})]
    wheel = wheel_of(raw_archive(members))
    add_dist_info_files(wheel, NEW)
    once = wheel.read_bytes()
    assert (b"PK\6\6" in once[-200:]) is (count + 2 >= 65535)
    with WheelArchive.open(wheel) as archive:
        assert len(archive.members) == count + 2
        assert archive.read("demo-1.0.dist-info/b.json") == NEW["b.json"]
    add_dist_info_files(wheel, NEW)
    assert wheel.read_bytes() == once


@pytest.mark.slow
def test_a_wheel_beyond_4_gib_is_rewritten(tmp_path: Path) -> None:
    if shutil.disk_usage(tmp_path).free < 3 * BIG:
        pytest.skip("needs 13 GB of free disk")
    wheel = tmp_path / "demo-1.0-py3-none-any.whl"
    _write_sparse_wheel(wheel)
    add_dist_info_files(wheel, NEW)
    with zipfile.ZipFile(wheel) as archive:
        assert archive.namelist()[-1] == RECORD
        assert archive.getinfo(RECORD).header_offset > 1 << 32
        assert archive.read("demo-1.0.dist-info/b.json") == NEW["b.json"]
        assert archive.getinfo("demo/big.bin").file_size == BIG
    with WheelArchive.open(wheel) as own:
        assert own.head("demo/big.bin", 4) == bytes(4)
        assert own.read("demo/after.py") == b"after = 1\n"
    tail = _tail(wheel)
    add_dist_info_files(wheel, NEW)
    assert _tail(wheel) == tail
    if shutil.which("unzip"):
        subprocess.run(["unzip", "-tqq", wheel], check=True)


def _write_sparse_wheel(wheel: Path) -> None:
    """A wheel with a STORED member of zeros of which nothing is written to the disk."""
    crc, block = 0, bytes(4 << 20)
    for _ in range(BIG // len(block)):
        crc = zlib.crc32(block, crc)
    info = zipfile.ZipInfo("demo/big.bin")
    with zipfile.ZipFile(wheel, "w") as archive:
        with archive.open(info, "w", force_zip64=True):
            pass
        assert archive.fp is not None
        archive.fp.seek(BIG, 1)
        archive.start_dir = archive.fp.tell()
        info.file_size = info.compress_size = BIG
        info.CRC = crc
        for name, data in wheel_members({"demo/after.py": b"after = 1\n"}).items():
            archive.writestr(name, data)
        archive.fp.seek(0)
        archive.fp.write(info.FileHeader(zip64=True))


def _tail(wheel: Path) -> tuple[int, bytes]:
    with wheel.open("rb") as file:
        size = file.seek(-5000, 2) + 5000
        return size, file.read()
