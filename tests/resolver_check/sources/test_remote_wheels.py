"""Reading wheels over HTTP: how many requests and bytes it takes, and what servers do wrong."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from backend_shim.errors import InvalidWheel
from backend_shim.wheel.archive import WheelArchive
from resolver_check.errors import DigestMismatch, SourceUnavailable, TransferInterrupted
from resolver_check.sources.byte_ranges import LARGE_TAIL, SMALL_TAIL
from resolver_check.wheel_reference import WheelReference
from tests.resolver_check.sources.conftest import Connect, Serve
from tests.support.served_index import Manners, Reply, ServedIndex, write_wheel

ALPHA = canonicalize_name("alpha")
BIG = canonicalize_name("big-one")
BIG_FILE = "/files/big_one-2.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
ALPHA_FILE = "/files/alpha-1.9-py3-none-any.whl"


@pytest.mark.parametrize("form", ["html", "json"])
def test_a_member_at_the_end_of_a_big_wheel_takes_one_request(
    serve: Serve, connect: Connect, form: str
) -> None:
    index = serve(form=form)
    source = connect(index)
    (wheel,) = source.wheels(BIG)
    before = index.sent
    with source.open(wheel) as archive:
        assert archive.metadata["Version"] == "2.0"
        assert b"ballast.bin" in archive.read(f"{archive.dist_info}/RECORD")
    assert index.file_requests == [("GET", f"bytes=-{LARGE_TAIL}", 206)]
    assert index.sent - before == LARGE_TAIL
    assert index.requests[-1].headers["Accept-Encoding"] == "identity"


def test_a_wheel_known_to_be_small_gets_a_small_tail(serve: Serve, connect: Connect) -> None:
    index = serve(form="json")
    source = connect(index)
    with source.open(source.wheels(ALPHA)[0]) as archive:
        assert archive.metadata["Version"] == "1.9"
    assert index.file_requests == [("GET", f"bytes=-{SMALL_TAIL}", 206)]


def test_members_before_the_tail_take_one_request_each(
    serve: Serve, connect: Connect, wheels: Path
) -> None:
    index = serve()
    source = connect(index)
    (wheel,) = source.wheels(BIG)
    with source.open(wheel) as archive, WheelArchive.open(wheels / wheel.filename) as local:
        assert archive.head("big_one/ballast.bin", 16) == local.head("big_one/ballast.bin", 16)
        assert index.requests[-1].sent == 256 * 1024
        assert archive.metadata["Version"] == "2.0"
        assert archive.read("big_one/first.txt") == b"first"
        assert archive.members == local.members
    assert len(index.file_requests) == 3 - 1  # The tail holds METADATA and, here, first.txt.


def test_a_big_member_comes_whole_in_few_requests(
    serve: Serve, connect: Connect, wheels: Path
) -> None:
    index = serve()
    source = connect(index)
    (wheel,) = source.wheels(BIG)
    with source.open(wheel) as archive, WheelArchive.open(wheels / wheel.filename) as local:
        expected = local.read("big_one/ballast.bin")
        assert archive.read("big_one/ballast.bin") == expected
    assert len(index.file_requests) <= 5
    assert (
        sum(r.sent for r in index.requests if r.status == 206)
        <= wheels.joinpath(wheel.filename).stat().st_size
    )


def test_a_member_and_a_directory_across_the_start_of_the_tail_are_stitched(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tail in (22, 23, 100, 300, 400, 500, 700, 1000):
        monkeypatch.setattr("resolver_check.sources.byte_ranges.LARGE_TAIL", tail)
        index = serve()
        source = connect(index)
        with source.open(source.wheels(ALPHA)[0]) as archive:
            for member in archive.members:
                assert len(archive.read(member.name)) == member.size
        whole = (index.wheels / "alpha-1.9-py3-none-any.whl").stat().st_size
        assert sum(r.sent for r in index.requests if r.status == 206) <= whole + 30


@pytest.mark.parametrize(
    ("manners", "asked"),
    [
        ({"form": "json", "ranges": "no-suffix"}, [("GET", 501), ("GET", 206)]),
        ({"form": "html", "ranges": "no-suffix"}, [("GET", 501), ("HEAD", 200), ("GET", 206)]),
        (
            {"form": "json", "ranges": "refused"},
            [("GET", 501), ("GET", 501), ("HEAD", 200), ("GET", 501), ("GET", 200)],
        ),
        (
            {"form": "html", "ranges": "refused", "has_length": False},
            [("GET", 501), ("HEAD", 200), ("GET", 200)],
        ),
        ({"form": "html", "ranges": "ignored"}, [("GET", 200), ("GET", 200)]),
    ],
)
def test_climbs_down_the_ladder_of_ranges_once_per_server(
    serve: Serve, connect: Connect, manners: dict[str, str], asked: list[tuple[str, int]]
) -> None:
    index = serve(**manners)
    source = connect(index)
    (wheel,) = source.wheels(BIG)
    with source.open(wheel) as archive:
        assert archive.metadata["Version"] == "2.0"
    assert [(method, status) for method, _, status in index.file_requests] == asked
    index.requests.clear()
    with source.open(source.wheels(ALPHA)[0]) as archive:
        assert archive.metadata["Version"] == "1.9"
    assert len(index.file_requests) < len(asked)


def test_a_whole_file_in_answer_to_a_range_is_not_read(serve: Serve, connect: Connect) -> None:
    index = serve(ranges="ignored")
    source = connect(index)
    (wheel,) = source.wheels(BIG)
    path = source.fetch(wheel)
    index.requests.clear()
    with source.open(wheel) as archive:
        assert archive.metadata["Version"] == "2.0"
    assert index.requests == []
    assert path.name == wheel.filename


def test_truncated_ranges_are_asked_for_again(serve: Serve, connect: Connect) -> None:
    index = serve()
    index.say(BIG_FILE, Reply(cut_after=1000), Reply(cut_after=0))
    source = connect(index)
    (wheel,) = source.wheels(BIG)
    with source.open(wheel) as archive:
        assert archive.metadata["Version"] == "2.0"
    assert len(index.file_requests) == 3


def test_truncated_downloads_begin_anew_and_leave_nothing_half(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    index = serve()
    index.say(BIG_FILE, Reply(cut_after=100_000))
    index.say(ALPHA_FILE, *[Reply(cut_after=100)] * 3)
    source = connect(index)
    (wheel,) = source.wheels(BIG)
    path = source.fetch(wheel)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == wheel.digest
    with pytest.raises(TransferInterrupted):
        source.fetch(source.wheels(ALPHA)[0])
    assert [file for file in (tmp_path / "cache").rglob("*") if file.is_file()] == [path]


@pytest.mark.parametrize(
    ("reply", "wrong"),
    [
        (Reply(status=404, body=b""), "404 Not Found"),
        (
            Reply(status=206, body=b"x" * 9, headers={"Content-Range": "bytes 0-8/99"}),
            "another range than asked",
        ),
        (Reply(status=206, body=b"x" * 9, headers={"Content-Range": "bytes 9-8/9"}), "range of 0"),
        (
            Reply(status=206, body=b"x" * 9, headers={"Content-Range": "bytes 0-999999999/9"}),
            "range of 1000000000",
        ),
        (Reply(status=206, body=b"x" * 9, headers={"Content-Range": "bytes 0-9/10"}), "early"),
    ],
)
def test_says_what_is_wrong_with_an_answer_to_a_range(
    serve: Serve, connect: Connect, reply: Reply, wrong: str
) -> None:
    index = serve()
    index.say(ALPHA_FILE, *[reply] * 3)
    source = connect(index)
    with (
        pytest.raises(SourceUnavailable, match=wrong),
        source.open(source.wheels(ALPHA)[0]),
    ):
        pass


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "multipart/byteranges; boundary=x"},
        {"Content-Range": "bytes 0-8/99", "Content-Encoding": "gzip"},
        {"Content-Range": "lines 0-8/99"},
    ],
)
def test_a_range_that_cannot_be_understood_leads_to_the_whole_file(
    serve: Serve, connect: Connect, headers: dict[str, str]
) -> None:
    index = serve()
    index.say(ALPHA_FILE, Reply(status=206, body=b"x" * 9, headers=headers))
    source = connect(index)
    with source.open(source.wheels(ALPHA)[0]) as archive:
        assert archive.metadata["Version"] == "1.9"


def test_a_file_that_changes_between_two_ranges_is_noticed(serve: Serve, connect: Connect) -> None:
    index = serve()
    source = connect(index)
    (wheel,) = source.wheels(BIG)
    with source.open(wheel) as archive:
        index.say(
            BIG_FILE,
            Reply(status=206, body=b"x" * 9, headers={"Content-Range": "bytes 0-8/99"}),
        )
        with pytest.raises(SourceUnavailable, match="the file has 99 bytes and not"):
            archive.read("big_one/ballast.bin")
        index.say(BIG_FILE, Reply(status=416, body=b""))
        with pytest.raises(SourceUnavailable, match="stopped answering ranges"):
            archive.read("big_one/ballast.bin")


@pytest.mark.parametrize("ranges", ["full", "ignored"])
@pytest.mark.parametrize(
    "content", [b"", b"garbage" * 100, b"PK\x05\x06" + b"\xff" * 18, b"PK\x05\x06" + b"\0" * 18]
)
def test_what_is_no_wheel_is_reported_as_that(
    tmp_path: Path, connect: Connect, ranges: str, content: bytes
) -> None:
    (tmp_path / "alpha-1.0-py3-none-any.whl").write_bytes(content)
    with ServedIndex(tmp_path, Manners(ranges=ranges)) as index:  # type: ignore[arg-type]
        source = connect(index)
        (wheel,) = source.wheels(ALPHA)
        with (
            pytest.raises(InvalidWheel, match=r"^alpha-1\.0-py3-none-any\.whl: "),
            source.open(wheel),
        ):
            pass


def test_every_truncated_wheel_is_reported(tmp_path: Path, connect: Connect) -> None:
    whole = write_wheel(tmp_path, "alpha-1.0-py3-none-any.whl").read_bytes()
    with ServedIndex(tmp_path) as index:
        source = connect(index)
        for length in range(0, len(whole), 7):
            (tmp_path / "alpha-1.0-py3-none-any.whl").write_bytes(whole[:length])
            (wheel,) = source.wheels(ALPHA)
            with pytest.raises(InvalidWheel), source.open(wheel):
                pass


def test_a_download_with_another_digest_or_size_is_thrown_away(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    index = serve(form="json")
    index.attributes["alpha-1.9-py3-none-any.whl"] = {"hashes": {"sha256": "0" * 64}}
    index.attributes["alpha-1.10-py3-none-any.whl"] = {"size": 10_000}
    source = connect(index)
    old, new = source.wheels(ALPHA)
    with pytest.raises(DigestMismatch, match="and not 0000"):
        source.fetch(old)
    with pytest.raises(DigestMismatch, match="bytes and not 10000"):
        source.fetch(new)
    with pytest.raises(SourceUnavailable, match="bytes and not 10000"), source.open(new):
        pass
    assert [file for file in (tmp_path / "cache").rglob("*") if file.is_file()] == []


def test_threads_share_a_source(serve: Serve, connect: Connect) -> None:
    source = connect(serve())
    references = (*source.wheels(ALPHA), *source.wheels(BIG)) * 12

    def version(reference: WheelReference) -> bool:
        with source.open(reference) as archive:
            return bool(archive.metadata["Version"] == str(reference.version))

    with ThreadPoolExecutor(8) as executor:
        assert all(executor.map(version, references))


def test_a_fetched_wheel_is_fetched_once(serve: Serve, connect: Connect) -> None:
    index = serve()
    (wheel,) = connect(index).wheels(BIG)
    first = connect(index).fetch(wheel)
    index.requests.clear()
    assert connect(index).fetch(wheel) == first
    assert index.requests == []
