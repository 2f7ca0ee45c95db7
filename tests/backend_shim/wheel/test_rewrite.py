"""Files get into the `.dist-info`; all else of the wheel stays as it was, byte by byte."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend_shim.errors import ConfigurationError, InvalidWheel, SignedWheel
from backend_shim.wheel import rewrite
from backend_shim.wheel.archive import WheelArchive
from backend_shim.wheel.manifest import verify_manifest
from backend_shim.wheel.rewrite import add_dist_info_files
from tests.backend_shim.wheel.conftest import (
    FILES,
    ODD,
    RECORD,
    TIME_EXTRA,
    raw_members,
    with_extras,
)
from tests.support.wheel_factory import DATE, make_wheel, raw_archive, wheel_members

WriteWheel = Callable[[bytes], Path]
DIST_INFO = "demo-1.0.dist-info"
NEW = {"b.json": b"{}\n" * 500, "a.json": b'{"a": 1}\n'}


@pytest.fixture(autouse=True)
def no_source_date_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


def spans(wheel: Path) -> dict[str, bytes]:
    """What lies between one local header and the next, by member."""
    data = wheel.read_bytes()
    with zipfile.ZipFile(wheel) as archive:
        infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
        ends = [*(info.header_offset for info in infos[1:]), archive.start_dir]
    return {
        info.filename: data[info.header_offset : end] for info, end in zip(infos, ends, strict=True)
    }


def central_headers(wheel: Path) -> dict[str, bytes]:
    """The raw header of each member without its offset, in the order of the directory."""
    data, headers = wheel.read_bytes(), {}
    with zipfile.ZipFile(wheel) as archive:
        position, infos = archive.start_dir, archive.infolist()
    for info in infos:
        lengths = struct.unpack_from("<3H", data, position + 28)
        end = position + 46 + sum(lengths)
        header = bytearray(data[position:end])
        in_extra = bytes(header[46 + lengths[0] :]).startswith(b"\1\0\x18\0")
        offset = slice(46 + lengths[0] + 20, 46 + lengths[0] + 28) if in_extra else slice(42, 46)
        header[offset] = b""
        headers[info.filename] = bytes(header)
        position = end
    return headers


def test_every_other_member_stays_byte_identical(odd_wheel: Path) -> None:
    old_spans, old_headers = spans(odd_wheel), central_headers(odd_wheel)
    with zipfile.ZipFile(odd_wheel) as archive:
        comment, start = archive.comment, min(i.header_offset for i in archive.infolist())
    prefix = odd_wheel.read_bytes()[:start]
    record = next(name for name in old_spans if name.endswith(".dist-info/RECORD"))
    others = [name for name in old_headers if name != record]
    added = [f"{record[:-6]}a.json", f"{record[:-6]}b.json"]

    add_dist_info_files(odd_wheel, NEW)

    new_spans, new_headers = spans(odd_wheel), central_headers(odd_wheel)
    assert list(new_headers) == [*others, *added, record]
    physical = [name for name in old_spans if name != record]
    assert list(new_spans) == [*physical, *added, record]
    assert {name: new_spans[name] for name in others} == {n: old_spans[n] for n in others}
    assert {name: new_headers[name] for name in others} == {n: old_headers[n] for n in others}
    assert odd_wheel.read_bytes().startswith(prefix)
    with zipfile.ZipFile(odd_wheel) as archive:
        assert archive.testzip() is None
        assert archive.comment == comment
        assert archive.read(added[0]) == NEW["a.json"]
    with WheelArchive.open(odd_wheel) as wheel:
        assert verify_manifest(wheel) == ()


def test_doing_it_again_gives_the_same_bytes(odd_wheel: Path) -> None:
    add_dist_info_files(odd_wheel, NEW)
    once = odd_wheel.read_bytes()
    add_dist_info_files(odd_wheel, dict(reversed(NEW.items())))
    assert odd_wheel.read_bytes() == once
    add_dist_info_files(odd_wheel, {"a.json": b"other"})
    assert odd_wheel.read_bytes() != once
    add_dist_info_files(odd_wheel, NEW)
    assert odd_wheel.read_bytes() == once


def test_dropping_what_was_added_restores_the_members(odd_wheel: Path) -> None:
    with zipfile.ZipFile(odd_wheel) as archive:
        before = {name: archive.read(name) for name in archive.namelist()}
    add_dist_info_files(odd_wheel, NEW)
    add_dist_info_files(odd_wheel, {}, drop=[*NEW, "never-there.json"])
    with zipfile.ZipFile(odd_wheel) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == before


def test_an_added_file_is_dropped_while_another_is_replaced(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, files=FILES)
    add_dist_info_files(wheel, NEW)
    add_dist_info_files(wheel, {"a.json": b"2"}, drop=["b.json"])
    with WheelArchive.open(wheel) as archive:
        assert [member.name for member in archive.members][-2:] == [f"{DIST_INFO}/a.json", RECORD]
        assert archive.read(f"{DIST_INFO}/a.json") == b"2"
        assert verify_manifest(archive) == ()


def test_record_keeps_its_date_mode_and_extra_fields(wheel_of: WriteWheel) -> None:
    wheel = wheel_of(raw_archive(with_extras()))
    add_dist_info_files(wheel, NEW)
    with zipfile.ZipFile(wheel) as archive:
        record = archive.getinfo(RECORD)
    assert (record.comment, record.extra) == (b"of RECORD", TIME_EXTRA)
    assert (record.date_time, record.external_attr >> 16) == (DATE, 0o100644)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_new_members_are_packed_as_record_was(tmp_path: Path, method: int) -> None:
    wheel = make_wheel(tmp_path, files=FILES, compression=method)
    add_dist_info_files(wheel, NEW)
    with zipfile.ZipFile(wheel) as archive:
        added = archive.getinfo(f"{DIST_INFO}/b.json")
        assert {info.compress_type for info in archive.infolist()} == {method}
    assert added.date_time == DATE
    assert added.create_system == 3
    assert added.external_attr == (stat.S_IFREG | 0o644) << 16
    assert added.flag_bits == 0


@pytest.mark.parametrize(
    ("epoch", "date"),
    [
        ("1700000001", (2023, 11, 14, 22, 13, 20)),
        ("0", (1980, 1, 1, 0, 0, 0)),
        ("-5", (1980, 1, 1, 0, 0, 0)),
        ("99999999999", (2107, 12, 31, 23, 59, 58)),
        ("", DATE),
    ],
)
def test_new_members_are_dated_source_date_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epoch: str, date: tuple[int, ...]
) -> None:
    wheel = make_wheel(tmp_path, files=FILES)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    add_dist_info_files(wheel, NEW)
    with zipfile.ZipFile(wheel) as archive:
        assert archive.getinfo(f"{DIST_INFO}/a.json").date_time == date
        assert archive.getinfo(RECORD).date_time == DATE


@pytest.mark.parametrize("epoch", ["today", "1.5", "0x10", "9" * 30, " "])
def test_a_malformed_source_date_epoch_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epoch: str
) -> None:
    wheel = make_wheel(tmp_path, files=FILES)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    _stays_as_it_is(wheel, ConfigurationError)


def test_the_permissions_of_the_wheel_are_kept(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, files=FILES)
    wheel.chmod(0o640)
    add_dist_info_files(wheel, NEW)
    assert stat.S_IMODE(wheel.stat().st_mode) == 0o640


def test_a_link_to_a_wheel_stays_a_link(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, files=FILES)
    link = tmp_path / "link" / wheel.name
    link.parent.mkdir()
    link.symlink_to(wheel)
    add_dist_info_files(link, NEW)
    assert link.is_symlink()
    with WheelArchive.open(wheel) as archive:
        assert archive.has(f"{DIST_INFO}/a.json")


@pytest.mark.parametrize("signature", ["RECORD.jws", "RECORD.p7s"])
def test_a_signed_wheel_is_left_alone(wheel_of: WriteWheel, signature: str) -> None:
    members = wheel_members({**FILES, f"{DIST_INFO}/{signature}": b"{}"})
    _stays_as_it_is(wheel_of(raw_archive(raw_members(members=members))), SignedWheel)


@pytest.mark.parametrize(
    "name",
    [
        *("", "a/b", "../a", "a\\b", "RECORD", "record", "RECORD.jws", "é"),
        *("sboms/", "sboms/a/b", "sboms/../a", "SBOMS/a", "licenses/a"),
    ],
)
def test_only_bare_names_and_those_of_sboms_are_taken(tmp_path: Path, name: str) -> None:
    wheel = make_wheel(tmp_path, files=FILES)
    before = wheel.read_bytes()
    with pytest.raises(ValueError, match="not the name of a file that can be added"):
        add_dist_info_files(wheel, {name: b""})
    with pytest.raises(ValueError, match="not the name of a file that can be added"):
        add_dist_info_files(wheel, {}, drop=[name])
    assert wheel.read_bytes() == before


def test_a_wheel_with_something_after_its_end_is_left_alone(wheel_of: WriteWheel) -> None:
    plain = ODD["plain"]()
    _stays_as_it_is(wheel_of(plain + b"\0"), InvalidWheel)
    end = plain.rindex(b"PK\5\6")
    signature = b"PK\5\5\3\0abc"  # APPNOTE 4.3.13, over what will have changed
    _stays_as_it_is(wheel_of(plain[:end] + signature + plain[end:]), InvalidWheel)


def test_a_wheel_whose_members_overlap_by_an_extra_field_is_left_alone(
    wheel_of: WriteWheel,
) -> None:
    data = bytearray(ODD["plain"]())
    struct.pack_into("<H", data, 28, 500)  # the length of the first local extra field
    _stays_as_it_is(wheel_of(bytes(data)), InvalidWheel)


@pytest.mark.parametrize("step", ["_write_archive", "_packed", "_copy"])
@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()], ids=repr)
def test_a_failure_half_way_leaves_the_wheel_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, error: BaseException
) -> None:
    wheel = make_wheel(tmp_path, files=FILES)

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(rewrite, step, fail)
    _stays_as_it_is(wheel, type(error))


def test_a_wheel_that_is_not_there_is_an_invalid_wheel(tmp_path: Path) -> None:
    with pytest.raises(InvalidWheel, match="no such file"):
        add_dist_info_files(tmp_path / "none.whl", NEW)
    assert list(tmp_path.iterdir()) == []


names = st.text(
    st.characters(exclude_characters="\0\\:", exclude_categories=["Cs"]), min_size=1
).filter(
    lambda name: (
        ".." not in name and name[0] != "/" and name[-1] != "/" and ".dist-info" not in name
    )
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.dictionaries(names, st.binary(max_size=50), max_size=6), st.booleans())
def test_members_of_any_name_survive(
    tmp_path: Path, files: dict[str, bytes], is_streamed: bool
) -> None:
    wheel = tmp_path / "demo-1.0-py3-none-any.whl"
    style = "signed" if is_streamed else "none"
    wheel.write_bytes(raw_archive(raw_members(files, descriptor=style)))
    old_spans = spans(wheel)
    add_dist_info_files(wheel, NEW)
    new_spans = spans(wheel)
    assert all(new_spans[name] == old_spans[name] for name in old_spans if name != RECORD)
    with WheelArchive.open(wheel) as archive:
        assert verify_manifest(archive) == ()
        assert {name: archive.read(name) for name in files} == files


def _stays_as_it_is(wheel: Path, error: type[BaseException]) -> None:
    before, folder = wheel.read_bytes(), sorted(wheel.parent.iterdir())
    with pytest.raises(error):
        add_dist_info_files(wheel, NEW)
    assert wheel.read_bytes() == before
    assert sorted(wheel.parent.iterdir()) == folder
