"""What a wheel archive gives, and what it refuses."""

from __future__ import annotations

import errno
import io
import mmap
import os
import pickle
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from backend_shim.errors import InvalidWheel
from backend_shim.wheel import archive as archive_module
from backend_shim.wheel.archive import WheelArchive
from tests.backend_shim.wheel.conftest import FILES, RECORD, raw_members
from tests.support.wheel_factory import RawMember, make_wheel, raw_archive, wheel_members

pytestmark = pytest.mark.usefixtures("codec")

WriteWheel = Callable[[bytes], Path]


def test_a_wheel_shows_its_members_in_archive_order(tmp_path: Path) -> None:
    with WheelArchive.open(make_wheel(tmp_path, files=FILES)) as archive:
        assert [member.name for member in archive.members] == list(wheel_members(FILES))
        assert archive.name == "demo-1.0-py3-none-any.whl"
        assert archive.dist_info == "demo-1.0.dist-info"
        member = archive.member("demo/data.bin")
        assert (member.size, member.is_dir) == (256 * 9, False)
        assert 0 < member.compressed_size < member.size
        assert archive.has("demo/data.bin")
        assert not archive.has("demo/other.bin")


def test_odd_but_valid_archives_read_as_zipfile_reads_them(odd_wheel: Path) -> None:
    with WheelArchive.open(odd_wheel) as archive, zipfile.ZipFile(odd_wheel) as other:
        assert [member.name for member in archive.members] == other.namelist()
        for member in archive.members:
            data = other.read(member.name)
            assert archive.read(member.name) == data
            assert archive.head(member.name, 4) == data[:4]
            with archive.contents(member.name) as contents:
                assert contents == data
            assert member.is_dir is member.name.endswith("/")


def test_headers_and_record_are_read_once_and_parsed(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, files=FILES, requires=["numpy>=1.26", "déjà ; extra == 'x'"])
    with WheelArchive.open(wheel) as archive:
        assert archive.metadata.get_all("Requires-Dist") == ["numpy>=1.26", "déjà ; extra == 'x'"]
        assert archive.wheel_file["Root-Is-Purelib"] == "true"
        assert archive.metadata is archive.metadata
        assert archive.manifest is archive.manifest
        assert [entry.path for entry in archive.manifest.entries][-1] == RECORD


def test_the_dist_info_name_need_not_be_normalised(wheel_of: WriteWheel) -> None:
    members = {
        name.replace("demo-1.0", "Demo.Pkg-1.0"): data
        for name, data in wheel_members({"Demo/x.py": b""}).items()
    }
    with WheelArchive.open(wheel_of(raw_archive(raw_members(members=members)))) as archive:
        assert archive.dist_info == "Demo.Pkg-1.0.dist-info"


def test_a_dist_info_further_down_is_no_dist_info_of_the_wheel(wheel_of: WriteWheel) -> None:
    vendored = {"demo/_vendor/six-1.0.dist-info/RECORD": b""}
    with WheelArchive.open(wheel_of(raw_archive(raw_members(vendored)))) as archive:
        assert archive.dist_info == "demo-1.0.dist-info"


@pytest.mark.parametrize("count", [0, 1, 4, 511, 512, 513, 2303, 2304, 5000])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_head_gives_the_first_bytes(wheel_of: WriteWheel, count: int, method: int) -> None:
    wheel = wheel_of(raw_archive(raw_members(method=method)))
    with WheelArchive.open(wheel) as archive:
        assert archive.head("demo/data.bin", count) == FILES["demo/data.bin"][:count]


def test_head_reads_past_long_names_extra_fields_and_empty_blocks(wheel_of: WriteWheel) -> None:
    name = "demo/" + "日" * 2000
    files = {name: b"\x7fELF" + os.urandom(5000), **FILES}
    extra = b"\xfe\xca\x00\x10" + b"\0" * 0x1000
    with WheelArchive.open(wheel_of(raw_archive(raw_members(files, local_extra=extra)))) as archive:
        assert archive.head(name, 4) == b"\x7fELF"
        assert archive.head("demo/data.bin", 4) == bytes(range(4))


def test_a_member_above_the_spool_size_is_mapped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = os.urandom(1000) * 3000
    monkeypatch.setattr(archive_module, "SPOOL_SIZE", 2 << 20)
    with WheelArchive.open(make_wheel(tmp_path, files={"demo/big.so": data})) as archive:
        with archive.contents("demo/big.so") as contents:
            assert isinstance(contents, mmap.mmap)
            assert contents[:] == data
            held = memoryview(contents)[:4]
        assert bytes(held) == data[:4]


def test_an_error_of_the_reader_passes_through_contents(tmp_path: Path) -> None:
    archive = WheelArchive.open(make_wheel(tmp_path, files=FILES))
    with archive, pytest.raises(OSError, match="mine"), archive.contents("demo/data.bin"):
        raise OSError("mine")


def test_read_keeps_to_its_limit(tmp_path: Path) -> None:
    with WheelArchive.open(make_wheel(tmp_path, files=FILES)) as archive:
        assert len(archive.read("demo/data.bin", limit=2304)) == 2304
        with pytest.raises(InvalidWheel, match="has 2304 bytes, more than 2303"):
            archive.read("demo/data.bin", limit=2303)
        with pytest.raises(InvalidWheel, match=r"no member 'demo/none\.py'"):
            archive.read("demo/none.py")


def _data_member(**wrong: object) -> bytes:
    members = raw_members()
    members[2] = replace(members[2], **wrong)  # type: ignore[arg-type]
    return raw_archive(members)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"declared_size": 2305}, "declared size"),
        ({"declared_size": 2303}, "declared size"),
        ({"declared_size": 0}, "declared size"),
        ({"declared_size": 1 << 30}, "DEFLATE cannot reach"),
        ({"declared_packed_size": 100}, "compressed size"),
        ({"declared_crc32": 1}, "CRC-32"),
        ({"flags": 1}, "encrypted"),
        ({"flags": 0x20}, "a patch"),
        ({"method": 14}, "compression method 14"),
        ({"method": 99}, "compression method 99"),
        ({"method": zipfile.ZIP_STORED, "declared_size": 5}, "two sizes"),
        ({"method": zipfile.ZIP_STORED, "declared_crc32": 5}, "CRC-32"),
        ({"local_name": b"demo/date.bin"}, "not where the directory says"),
        ({"local_name": b"demo/data.bin2"}, "not where the directory says"),
        ({"declared_offset": 3}, "not where the directory says|overlaps"),
    ],
    ids=str,
)
def test_a_member_that_lies_is_refused(
    wheel_of: WriteWheel, wrong: dict[str, object], why: str
) -> None:
    wheel = wheel_of(_data_member(**wrong))
    with pytest.raises(InvalidWheel, match=why), WheelArchive.open(wheel) as archive:
        archive.read("demo/data.bin")
    with (
        pytest.raises(InvalidWheel, match=why),
        WheelArchive.open(wheel) as archive,
        archive.contents("demo/data.bin"),
    ):
        pass


def test_a_deflate_stream_that_is_too_short_for_its_size_has_no_head(wheel_of: WriteWheel) -> None:
    members = raw_members({"demo/a": b"ab"})
    members[0] = replace(members[0], declared_size=1000)
    with WheelArchive.open(wheel_of(raw_archive(members))) as archive:
        assert archive.head("demo/a", 2) == b"ab"
        with pytest.raises(InvalidWheel, match="ends before its declared size"):
            archive.head("demo/a", 3)


def test_a_bomb_that_hides_its_size_is_not_inflated_to_the_end(wheel_of: WriteWheel) -> None:
    members = raw_members({"demo/zeros": bytes(50 << 20)})
    small = replace(members[0], declared_size=100)
    archive = WheelArchive.open(wheel_of(raw_archive([small, *members[1:]])))
    with archive, pytest.raises(InvalidWheel, match="declared size"):
        archive.read("demo/zeros")


def test_members_that_share_their_data_are_refused(wheel_of: WriteWheel) -> None:
    members = raw_members()
    twin = RawMember(name=b"demo/twin.py", data=FILES["demo/__init__.py"], declared_offset=0)
    with pytest.raises(InvalidWheel, match="overlaps"):
        WheelArchive.open(wheel_of(raw_archive([*members, twin])))


@pytest.mark.parametrize(
    "name", ["/etc/x", "c:/x", "C:x", "a:b", "a\\b", "../x", "a/../x", "a/..", "..", "a\0b", ""]
)
def test_an_unsafe_member_name_is_refused(wheel_of: WriteWheel, name: str) -> None:
    with pytest.raises(InvalidWheel, match=r"unsafe member name|not a zip archive"):
        WheelArchive.open(wheel_of(raw_archive([*raw_members(), RawMember(name=name.encode())])))


@pytest.mark.parametrize("name", ["a..b/x", "..a", "a../b", "...", "ab:/c", "-", "~"])
def test_an_unusual_but_safe_member_name_is_not_refused(wheel_of: WriteWheel, name: str) -> None:
    data = raw_archive([*raw_members(), RawMember(name=name.encode())])
    with WheelArchive.open(wheel_of(data)) as archive:
        assert archive.has(name)


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ([*raw_members(), raw_members()[0]], "same name"),
        ([], "no .dist-info"),
        ([RawMember(name=b"demo-1.0.dist-info/METADATA")], "no .dist-info"),
        ([RawMember(name=b"a/demo-1.0.dist-info/RECORD")], "no .dist-info"),
        ([*raw_members(), RawMember(name=b"b-2.dist-info/RECORD")], "more than one .dist-info"),
        ([*raw_members(), RawMember(name=b"b-2.dist-info/x")], "more than one .dist-info"),
    ],
    ids=["doubled", "empty", "no RECORD", "not on top", "two", "two, one without RECORD"],
)
def test_an_archive_that_is_no_wheel_is_refused(
    wheel_of: WriteWheel, members: Sequence[RawMember], why: str
) -> None:
    with pytest.raises(InvalidWheel, match=why):
        WheelArchive.open(wheel_of(raw_archive(members)))


def test_a_wheel_without_metadata_opens_but_has_none(wheel_of: WriteWheel) -> None:
    archive = WheelArchive.open(wheel_of(raw_archive([raw_members()[-1]])))
    with archive, pytest.raises(InvalidWheel, match=r"no member .*/METADATA'"):
        _ = archive.metadata


def test_what_is_no_archive_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty.whl").touch()
    (tmp_path / "text.whl").write_text("this is no zip archive" * 9)
    (tmp_path / "folder.whl").mkdir()
    assert _refusal(tmp_path / "empty.whl").startswith("empty.whl: is not a zip archive")
    assert _refusal(tmp_path / "text.whl").startswith("text.whl: is not a zip archive")
    assert _refusal(tmp_path / "folder.whl") == "folder.whl: is a directory, not a wheel"
    assert _refusal(tmp_path / "none.whl") == "none.whl: no such file"
    assert _refusal(tmp_path / "text.whl" / "x.whl").startswith("x.whl: cannot be opened")


def test_a_failed_read_of_an_own_file_is_an_invalid_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make_wheel(tmp_path, files=FILES)

    def fail(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    with WheelArchive.open(wheel) as own, WheelArchive(zipfile.ZipFile(wheel), "x.whl") as other:
        monkeypatch.setattr(os, "pread", fail)
        with pytest.raises(InvalidWheel, match=r"cannot be read: .*Input/output error"):
            own.read("demo/data.bin")
        with pytest.raises(OSError, match="Input/output error"):
            other.read("demo/data.bin")


def test_an_archive_that_lies_in_memory_reads_the_same(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, files=FILES)
    in_memory = zipfile.ZipFile(io.BytesIO(wheel.read_bytes()))
    with WheelArchive(in_memory, wheel.name) as archive, WheelArchive.open(wheel) as local:
        assert archive.members == local.members
        for member in archive.members:
            assert archive.read(member.name) == local.read(member.name)
            assert archive.head(member.name, 5) == local.head(member.name, 5)


def test_a_closed_archive_does_not_read_another_file(tmp_path: Path) -> None:
    archive = WheelArchive.open(make_wheel(tmp_path, files=FILES))
    archive.close()
    other = (tmp_path / "other").open("w+b")  # takes the file descriptor that is free again
    with other, pytest.raises(ValueError, match="closed"):
        archive.head("demo/data.bin", 4)


def test_members_survive_pickling(tmp_path: Path) -> None:
    with WheelArchive.open(make_wheel(tmp_path, files=FILES)) as archive:
        assert pickle.loads(pickle.dumps(archive.members)) == archive.members
        assert pickle.loads(pickle.dumps(archive.manifest)) == archive.manifest


def _refusal(path: Path) -> str:
    with pytest.raises(InvalidWheel) as caught:
        WheelArchive.open(path)
    return str(caught.value)
