"""METADATA at the least cost: beside the wheel where it is served, else from within."""

from __future__ import annotations

import pytest
from packaging.utils import canonicalize_name

from resolver_check.errors import DigestMismatch
from resolver_check.sources.byte_ranges import SMALL_TAIL
from tests.resolver_check.sources.conftest import Connect, Serve
from tests.support.served_index import Reply

ALPHA = canonicalize_name("alpha")
BIG = canonicalize_name("big-one")
BIG_FILE = "/files/big_one-2.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
ALPHA_FILE = "/files/alpha-1.9-py3-none-any.whl"


def test_metadata_is_asked_for_beside_the_wheel_though_nobody_offers_it(
    serve: Serve, connect: Connect
) -> None:
    index = serve(has_sidecars=True)
    source = connect(index)
    (wheel,) = source.wheels(BIG)
    index.requests.clear()
    assert wheel.metadata_available is None
    assert source.core_metadata(wheel)["Name"] == "big_one"
    assert [request.path for request in index.requests] == [f"{BIG_FILE}.metadata"]
    assert index.sent < 100


def test_metadata_that_is_not_beside_the_wheel_is_read_from_it(
    serve: Serve, connect: Connect
) -> None:
    index = serve()
    source = connect(index)
    (wheel,) = source.wheels(BIG)
    assert source.core_metadata(wheel)["Name"] == "big_one"
    assert [status for _, _, status in index.file_requests] == [404, 206]


def test_metadata_that_the_index_denies_is_not_asked_for(serve: Serve, connect: Connect) -> None:
    index = serve(form="json", has_sidecars=True)
    index.attributes["alpha-1.9-py3-none-any.whl"] = {"core-metadata": False}
    source = connect(index)
    assert source.core_metadata(source.wheels(ALPHA)[0])["Version"] == "1.9"
    assert index.file_requests == [("GET", f"bytes=-{SMALL_TAIL}", 206)]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b"<html>this page does not exist</html>"),
        Reply(body=b"Metadata-Version: 2.1\nName: alpha\nVersion: 7.7\n"),
        Reply(body=b"Metadata-Version: 2.1\nName: gamma\nVersion: 1.9\n"),
        Reply(body=b"\xff\xfe\0"),
        Reply(status=403, body=b"<AccessDenied/>"),
        Reply(status=500, body=b""),
    ],
)
def test_what_is_not_the_metadata_is_not_taken_for_it(
    serve: Serve, connect: Connect, reply: Reply
) -> None:
    index = serve()
    index.say(f"{ALPHA_FILE}.metadata", reply)
    source = connect(index)
    metadata = source.core_metadata(source.wheels(ALPHA)[0])
    assert (metadata["Name"], metadata["Version"]) == ("alpha", "1.9")


def test_metadata_with_another_digest_than_stated_is_an_error(
    serve: Serve, connect: Connect
) -> None:
    index = serve(form="json", has_sidecars=True, states_sidecars=True)
    source = connect(index)
    old, new = source.wheels(ALPHA)
    assert source.core_metadata(new)["Version"] == "1.10"
    index.say(f"{ALPHA_FILE}.metadata", Reply(body=b"Metadata-Version: 2.1\n"))
    with pytest.raises(DigestMismatch, match=r"\.whl\.metadata: has sha256"):
        source.core_metadata(old)


def test_a_wheel_without_a_stated_digest_is_not_looked_for_in_the_cache(
    serve: Serve, connect: Connect
) -> None:
    index = serve(states_hashes=False)
    source = connect(index)
    reference = source.wheels(ALPHA)[0]
    assert reference.digest is None
    assert source.fetch(reference) == source.fetch(reference)
    assert index.file_requests == [("GET", None, 200)] * 2
