"""A wheel on an index is read in ranges, each member at most once over the wire."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from backend_shim.wheel.archive import WheelArchive
from backend_shim.wheel.manifest import verify_manifest
from tests.backend_shim.wheel.conftest import RECORD
from tests.support.wheel_factory import make_wheel

remotezip = pytest.importorskip("remotezip")


class RangesOfFile:
    """In place of remotezip's fetcher: ranges of a local file, with a list of what was asked."""

    asked: list[tuple[int, int | None]]

    def __init__(self, path: str, _session: object, **_: object) -> None:
        self._data = Path(path).read_bytes()
        self.asked = RangesOfFile.asked = []

    def fetch(self, wanted: tuple[int, int | None], stream: bool = False) -> object:
        self.asked.append(wanted)
        first, last = wanted
        first = max(0, len(self._data) + first) if first < 0 else first
        part = self._data[first : len(self._data) if last is None else last + 1]
        return remotezip.PartialBuffer(_ShortReads(part), first, len(part), stream)


class _ShortReads(io.BytesIO):
    """Gives at most 1000 bytes at a time, as a socket may."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(1000 if size is None or size < 0 else min(size, 1000))


@pytest.fixture
def remote(tmp_path: Path) -> WheelArchive:
    files = {"demo/a.so": b"\x7fELF" + os.urandom(90_000), "demo/b.so": bytes(200_000)}
    wheel = make_wheel(tmp_path, files=files)
    zip_file: zipfile.ZipFile = remotezip.RemoteZip(str(wheel), 2000, fetcher=RangesOfFile)
    return WheelArchive(zip_file, wheel.name)


def test_the_dist_info_comes_with_the_directory(remote: WheelArchive) -> None:
    assert remote.metadata["Name"] == "demo"
    assert remote.wheel_file["Tag"] == "py3-none-any"
    assert remote.manifest.digest_of(RECORD) is None
    assert RangesOfFile.asked == [(-2000, None)]


def test_the_head_of_a_member_takes_one_more_request(remote: WheelArchive) -> None:
    assert remote.head("demo/a.so", 4) == b"\x7fELF"
    assert len(RangesOfFile.asked) == 2


def test_members_are_read_whole_in_any_order_and_again(remote: WheelArchive) -> None:
    assert len(remote.read("demo/b.so")) == 200_000
    assert len(remote.read("demo/a.so")) == 90_004
    assert remote.head("demo/a.so", 4) == b"\x7fELF"
    assert len(remote.read("demo/b.so")) == 200_000
    assert verify_manifest(remote) == ()
