"""What is kept of answers: asked again with less, and there when nothing may be sent."""

from __future__ import annotations

import os
import random
import shutil
import time
import zlib
from email.utils import formatdate
from pathlib import Path

import pytest
from packaging.utils import NormalizedName, canonicalize_name

from backend_shim.record.canonical import canonical_json
from resolver_check.errors import NotKept, ProjectMissing, SourceUnavailable
from resolver_check.sources import open_source
from resolver_check.sources.answer_cache import AnswerCache
from resolver_check.sources.kept_answers import Answer, KeptAnswers, Part
from resolver_check.sources.simple_index import SimpleIndex
from resolver_check.sources.wheel_cache import WheelCache
from tests.resolver_check.sources.conftest import QUICK, Connect, Serve
from tests.support.served_index import Reply, ServedIndex

ALPHA, BIG = canonicalize_name("alpha"), canonicalize_name("big-one")
GAMMA = canonicalize_name("gamma")
MEMBER = "big_one/first.txt"


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "cache-of-user" / "answers"


def offline(index: ServedIndex | str, tmp_path: Path) -> SimpleIndex:
    url = index if isinstance(index, str) else index.url
    cache = WheelCache(tmp_path / "cache")
    return SimpleIndex(url, cache=cache, patience=QUICK, offline=True)


def read_member(source: SimpleIndex, project: NormalizedName = BIG, name: str = MEMBER) -> bytes:
    (wheel,) = source.wheels(project)
    with source.open(wheel) as archive:
        assert archive.metadata["Name"] == "big_one"
        return archive.read(name)


@pytest.mark.parametrize("validators", ["etag", "date"])
def test_a_page_that_is_still_the_same_is_not_sent_again(
    serve: Serve, connect: Connect, validators: str
) -> None:
    index = serve(validators=validators)
    first = connect(index).wheels(ALPHA)
    assert connect(index).wheels(ALPHA) == first
    assert [(each.status, each.sent > 0) for each in index.requests] == [(200, True), (304, False)]


def test_a_page_that_changed_counts_as_it_is_now(serve: Serve, connect: Connect) -> None:
    index = serve(validators="etag")
    assert not connect(index).wheels(ALPHA)[0].yanked
    index.attributes["alpha-1.9-py3-none-any.whl"] = {"yanked": True}
    for _ in range(2):
        assert connect(index).wheels(ALPHA)[0].yanked
    assert [each.status for each in index.requests] == [200, 200, 304]


@pytest.mark.parametrize(
    ("date", "status"),
    [
        (formatdate(time.time() - 86_400, usegmt=True), 304),
        (formatdate(time.time() + 86_400, usegmt=True), 200),
        ("yesterday", 200),
        ("", 200),
    ],
    ids=["old", "in the future", "no date", "empty"],
)
def test_a_page_of_this_second_may_change_unnoticed_and_is_asked_for_in_full(
    serve: Serve, connect: Connect, date: str, status: int
) -> None:
    index = serve(validators="etag")
    index.say("/simple/alpha/", Reply(headers={"Last-Modified": date}))
    connect(index).wheels(ALPHA)
    connect(index).wheels(ALPHA)
    assert [each.status for each in index.requests] == [200, status]


def test_a_page_without_validators_is_asked_for_in_full(serve: Serve, connect: Connect) -> None:
    index = serve()
    connect(index).wheels(ALPHA)
    connect(index).wheels(ALPHA)
    assert [each.status for each in index.requests] == [200, 200]


def test_a_server_that_fails_is_not_replaced_by_what_it_said_before(
    serve: Serve, connect: Connect
) -> None:
    index = serve(validators="etag")
    connect(index).wheels(ALPHA)
    index.say("/simple/alpha/", Reply(status=500, body=b""))
    with pytest.raises(SourceUnavailable, match="500"):
        connect(index).wheels(ALPHA)
    index.say("/simple/alpha/", Reply(status=404, body=b""))
    with pytest.raises(ProjectMissing):
        connect(index).wheels(ALPHA)


def test_not_modified_without_a_question_is_no_page(serve: Serve, connect: Connect) -> None:
    index = serve()
    index.say("/simple/alpha/", Reply(status=304, body=b""))
    with pytest.raises(SourceUnavailable, match="304"):
        connect(index).wheels(ALPHA)


@pytest.mark.parametrize("ranges", ["full", "no-suffix", "ignored"])
@pytest.mark.parametrize("form", ["html", "json"])
def test_offline_is_as_it_was_and_nothing_is_sent(
    serve: Serve, connect: Connect, tmp_path: Path, ranges: str, form: str
) -> None:
    index = serve(ranges=ranges, form=form, has_sidecars=True)
    source = connect(index)
    names, wheels = source.projects(), source.wheels(ALPHA)
    metadata = source.core_metadata(wheels[0]).as_string()
    assert read_member(source) == b"first"
    with pytest.raises(ProjectMissing):
        source.wheels(GAMMA)
    sent = len(index.requests)
    there = offline(index, tmp_path)
    assert (there.projects(), there.wheels(ALPHA)) == (names, wheels)
    assert there.core_metadata(wheels[0]).as_string() == metadata
    assert read_member(there) == b"first"
    with pytest.raises(ProjectMissing):
        there.wheels(GAMMA)
    assert len(index.requests) == sent


def test_what_was_not_read_before_is_not_there_offline(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    index = serve()
    source = connect(index)
    (wheel,) = source.wheels(BIG)
    with source.open(wheel) as archive:
        assert archive.metadata["Name"] == "big_one"
    sent = len(index.requests)
    there = offline(index, tmp_path)
    with pytest.raises(NotKept, match="offline, and not in the cache"):
        there.wheels(ALPHA)
    with pytest.raises(NotKept):
        there.projects()
    with pytest.raises(NotKept):
        there.fetch(wheel)
    with there.open(wheel) as archive, pytest.raises(NotKept):
        archive.read("big_one/ballast.bin")
    assert len(index.requests) == sent


def test_a_fetched_wheel_is_there_offline(serve: Serve, connect: Connect, tmp_path: Path) -> None:
    index = serve()
    source = connect(index)
    (wheel,) = source.wheels(BIG)
    path = source.fetch(wheel)
    assert offline(index, tmp_path).fetch(wheel) == path


def test_a_range_is_kept_by_digest_and_place(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    index, other = serve(), serve()
    read_member(connect(index))
    sent = len(index.file_requests)
    assert read_member(offline(index, tmp_path)) == b"first"
    assert len(index.file_requests) == sent
    # The digest that another index states does not vouch for what this one gave.
    connect(other).wheels(BIG)
    with pytest.raises(NotKept):
        read_member(offline(other, tmp_path))


def test_a_server_that_gave_another_file_once_is_not_believed_for_good(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    index = serve(form="html")
    index.wheels = shutil.copytree(index.wheels, tmp_path / "moved")
    (wheel,) = connect(index).wheels(BIG)
    other = connect(index).wheels(ALPHA)[-1]
    path = index.wheels / wheel.filename
    right = path.read_bytes()
    path.write_bytes((index.wheels / other.filename).read_bytes())
    with connect(index).open(wheel) as archive:
        assert archive.metadata["Name"] != "big_one"
    path.write_bytes(right)
    with connect(index).open(wheel) as archive:
        assert archive.read(MEMBER) == b"first"


def test_without_a_digest_no_range_is_kept(serve: Serve, connect: Connect, tmp_path: Path) -> None:
    index = serve(states_hashes=False)
    read_member(connect(index))
    with pytest.raises(NotKept):
        read_member(offline(index, tmp_path))


def test_a_range_of_another_file_is_not_kept(serve: Serve, connect: Connect) -> None:
    index = serve(form="json")
    (wheel,) = connect(index).wheels(BIG)
    index.say(
        f"/files/{wheel.filename}",
        Reply(status=206, body=b"x" * 9, headers={"Content-Range": "bytes 0-8/9"}),
    )
    with pytest.raises(SourceUnavailable), connect(index).open(wheel):
        pass
    assert read_member(connect(index)) == b"first"


def test_neither_password_nor_token_is_in_the_cache_and_nobody_else_may_read_it(
    serve: Serve, connect: Connect, tmp_path: Path, kept: Path
) -> None:
    index = serve(login=("ann", "s3cret"), form="json")
    index.say(
        "/simple/alpha/",
        Reply(status=302, body=b"", headers={"Location": "/simple/alpha/?token=t0ken"}),
    )
    url = index.url.replace("http://", "http://ann:s3cret@")
    wheels = connect(url).wheels(ALPHA)
    assert read_member(connect(url)) == b"first"
    assert offline(index, tmp_path).wheels(ALPHA) == wheels
    files = [path for path in kept.rglob("*") if path.is_file()]
    assert len(files) == 3
    for path in files:
        head, _, packed = path.read_bytes().partition(b"\n")
        for secret in (b"s3cret", b"t0ken", b"czNjcmV0"):
            assert secret not in path.name.encode() + head + zlib.decompress(packed)
        if os.name == "posix":
            assert path.stat().st_mode & 0o777 == 0o600


def answers(tmp_path: Path, limit: int = 10**9) -> AnswerCache:
    return AnswerCache(tmp_path, limit)


def the_file(directory: Path) -> Path:
    (path,) = [path for path in directory.rglob("*") if path.is_file()]
    return path


@pytest.mark.parametrize("body", [b"", b"body", b"\n" * 1000, bytes(range(256))])
def test_an_answer_comes_back_as_it_was(tmp_path: Path, body: bytes) -> None:
    answers(tmp_path).store("key", {"a": "ü", "b": None, "c": 1}, body)
    assert answers(tmp_path).find("key", 1000) == ({"a": "ü", "b": None, "c": 1}, body)
    assert answers(tmp_path).find("other", 1000) is None


def test_a_damaged_answer_is_none(tmp_path: Path) -> None:
    answers(tmp_path).store("key", {"a": 1}, b"the body")
    path = the_file(tmp_path)
    whole = path.read_bytes()
    changes = random.Random(0)
    damaged = [whole[:end] for end in range(len(whole))]
    for _ in range(300):
        position = changes.randrange(len(whole))
        damaged.append(
            whole[:position] + bytes([whole[position] ^ changes.randrange(1, 256)])
            + whole[position + 1 :]
        )  # fmt: skip
    for data in damaged:
        path.write_bytes(data)
        found = answers(tmp_path).find("key", 1000)
        assert found in (None, ({"a": 1}, b"the body"))
    assert answers(tmp_path).find("key", 1000) is None


def test_an_answer_does_not_pass_for_another(tmp_path: Path) -> None:
    answers(tmp_path).store("key", {}, b"the body")
    path = the_file(tmp_path)
    data = path.read_bytes()
    path.unlink()
    answers(tmp_path).store("other", {}, b"another")
    the_file(tmp_path).write_bytes(data)
    assert answers(tmp_path).find("other", 1000) is None


def test_no_answer_inflates_beyond_the_limit(tmp_path: Path) -> None:
    answers(tmp_path).store("key", {}, bytes(10_000_000))
    assert answers(tmp_path).find("key", 9_999_999) is None
    assert answers(tmp_path).find("key", 10_000_000) is not None


def test_answers_longest_not_used_make_room(tmp_path: Path) -> None:
    noise = random.Random(0)
    cache = answers(tmp_path, 160_000)
    for number in range(400):
        cache.store(str(number), {}, noise.randbytes(1000))
    stored = [path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()]
    assert 50_000 < sum(stored) <= 160_000


def test_a_cache_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "answers").write_bytes(b"in the way")
    answers(tmp_path).store("key", {}, b"body")
    assert answers(tmp_path).find("key", 1000) is None


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"url": "file:///etc", "status": 200, "content_type": ""},
        {"url": 1, "status": 200, "content_type": ""},
        {"url": "https://h/", "status": "200", "content_type": ""},
    ],
)
def test_facts_that_no_server_gave_are_no_page(tmp_path: Path, facts: dict) -> None:
    cache = answers(tmp_path)
    cache.store("page\nhttps://h/\n*/*", facts, b"body")
    assert KeptAnswers(cache).page("https://h/", "*/*", 1000) is None


def test_a_validator_that_no_header_can_hold_is_not_sent(tmp_path: Path) -> None:
    cache = KeptAnswers(answers(tmp_path))
    page = Answer(
        url="https://h/", status=200, content_type="", charset=None, body=b"",
        etag='"1"\r\nX: y', last_modified="then",
    )  # fmt: skip
    cache.keep_page("https://h/", "*/*", page, None)
    found = cache.page("https://h/", "*/*", 1000)
    assert found is not None
    assert found.conditions == {"If-Modified-Since": "then"}


@pytest.mark.parametrize("facts", [{}, {"first": -1}, {"first": 2, "total": 5}, {"first": "0"}])
def test_a_kept_range_that_cannot_be_one_is_none(tmp_path: Path, facts: dict) -> None:
    cache, url = answers(tmp_path), "https://h/x"
    kept = KeptAnswers(cache)
    kept.keep_part(url, "d", "0-3", Part(refused=False, first=0, total=4, body=b"body"))
    assert kept.part(f"{url}?signature=1", "d", "0-3", 4) is not None
    assert kept.part(url, "d", "0-3", 3) is None
    cache.store(f"part\n{url}\nd\n0-3", facts, b"body")
    assert kept.part(url, "d", "0-3", 4) is None


def test_a_directory_is_the_same_offline(wheels: Path) -> None:
    source = open_source(str(wheels), offline=True)
    assert source.projects() == (ALPHA, BIG)


def test_a_head_of_json_alone_is_not_read_without_end(tmp_path: Path) -> None:
    answers(tmp_path).store("key", {}, b"")
    the_file(tmp_path).write_bytes(canonical_json({"facts": "x" * 100_000}))
    assert answers(tmp_path).find("key", 1000) is None
