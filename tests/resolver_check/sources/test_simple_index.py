"""An index over real HTTP: what it lists, and every way in which it can fail to."""

from __future__ import annotations

import pickle
import socket
from pathlib import Path

import pytest
from packaging.utils import NormalizedName, canonicalize_name

from resolver_check.errors import ProjectMissing, SourceUnavailable, TransferInterrupted, UsageError
from resolver_check.sources import open_source
from resolver_check.sources.simple_index import SimpleIndex
from tests.resolver_check.sources.conftest import QUICK, Connect, Serve
from tests.support.served_index import HTML, JSON, Reply

ALPHA = canonicalize_name("alpha")
BIG = canonicalize_name("big-one")


@pytest.mark.parametrize("form", ["html", "json"])
def test_lists_projects_and_wheels_sorted_without_sdists(
    serve: Serve, connect: Connect, form: str
) -> None:
    index = serve(form=form)
    source = connect(index)
    assert source.projects() == (ALPHA, BIG)
    wheels = source.wheels(ALPHA)
    assert [str(wheel.version) for wheel in wheels] == ["1.9", "1.10"]
    assert wheels[0].location == f"{index.origin}/files/alpha-1.9-py3-none-any.whl"
    assert all(wheel.digest is not None and len(wheel.digest) == 64 for wheel in wheels)
    assert (wheels[0].size is not None) is (form == "json")
    assert source.skipped == ()


@pytest.mark.parametrize("form", ["html", "json"])
def test_reads_what_a_page_says_of_a_file(serve: Serve, connect: Connect, form: str) -> None:
    index = serve(form=form, states_sidecars=True)
    index.attributes["alpha-1.9-py3-none-any.whl"] = {
        "yanked": True,
        "requires-python": ">=3.8,<4",
        "core-metadata": True,
    }
    index.attributes["alpha-1.10-py3-none-any.whl"] = {"yanked": "broken & sad"}
    old, new = connect(index).wheels(ALPHA)
    assert (old.yanked, old.requires_python) == (True, ">=3.8,<4")
    assert (old.metadata_available, old.metadata_digest) == (True, None)
    assert (new.yanked, new.requires_python) == (True, None)
    assert new.metadata_available
    assert new.metadata_digest is not None


def test_asks_for_json_and_believes_the_content_type_only(serve: Serve, connect: Connect) -> None:
    index = serve(form="html")
    connect(index).wheels(ALPHA)
    assert JSON in index.requests[0].headers["Accept"]


def test_says_that_a_project_is_missing(serve: Serve, connect: Connect) -> None:
    with pytest.raises(ProjectMissing, match="no project 'gamma'"):
        connect(serve()).wheels(canonicalize_name("gamma"))


@pytest.mark.parametrize(
    ("reply", "wrong"),
    [
        (Reply(status=500, body=b"oops"), "500 Internal Server Error"),
        (Reply(status=403, body=b"no"), "403 Forbidden"),
        (Reply(status=204, body=b""), "204 No Content"),
        (Reply(status=599, body=b""), "599"),
        (Reply(body=b"{", headers={"Content-Type": JSON}), "cannot be read"),
        (Reply(body=b"[" * 100_000, headers={"Content-Type": JSON}), "cannot be read"),
        (Reply(body=b"[]", headers={"Content-Type": JSON}), "not of the simple API"),
        (Reply(body=b'{"meta": {}}', headers={"Content-Type": JSON}), "no list of files"),
        (Reply(body=b'{"files": [1]}', headers={"Content-Type": JSON}), "no list of files"),
        (Reply(body=b'{"files": [{}]}', headers={"Content-Type": JSON}), "without a name"),
        (
            Reply(
                body=b'{"meta": {"api-version": "2.0"}, "files": []}',
                headers={"Content-Type": JSON},
            ),
            "version '2.0'",
        ),
        (
            Reply(
                body=b'<html><meta name="pypi:repository-version" content="2.0"></html>',
                headers={"Content-Type": HTML},
            ),
            "version '2.0'",
        ),
        (Reply(body=b"\x7fELF\0\1\2<a href", headers={"Content-Type": HTML}), "not HTML"),
        (Reply(body=b"", headers={"Content-Type": HTML}), "not HTML"),
        (Reply(body=b"<a href='http://['>", headers={"Content-Type": HTML}), "cannot be read"),
        (Reply(body=b"hello", headers={"Content-Type": "text/plain"}), "'text/plain'"),
        (Reply(body=b"{}", headers={"Content-Type": "application/json"}), "'application/json'"),
        (Reply(body=b"hello"), "no content type"),
        (
            Reply(body=b"no gzip", headers={"Content-Type": HTML, "Content-Encoding": "gzip"}),
            "compression cannot be undone",
        ),
    ],
)
def test_says_what_is_wrong_with_an_answer(
    serve: Serve, connect: Connect, reply: Reply, wrong: str
) -> None:
    index = serve()
    index.say("/simple/alpha/", reply, reply, reply)
    with pytest.raises(SourceUnavailable) as raised:
        connect(index).wheels(ALPHA)
    assert wrong in str(raised.value)
    assert str(raised.value).startswith(f"{index.url}alpha/: ")
    assert "\n" not in str(raised.value)
    assert not isinstance(raised.value, ProjectMissing)
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)


def test_a_root_that_is_not_there_is_no_empty_index(serve: Serve, connect: Connect) -> None:
    with pytest.raises(SourceUnavailable, match="no index here"):
        connect(f"{serve().origin}/nothing/").projects()


def test_a_body_beyond_the_limit_is_not_read(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolver_check.sources.simple_index._LARGEST_PAGE", 1000)
    index = serve()
    index.say("/simple/alpha/", Reply(body=b"<a>" * 10_000, headers={"Content-Type": HTML}))
    with pytest.raises(SourceUnavailable, match="more than 1000 bytes"):
        connect(index).wheels(ALPHA)


def test_a_truncated_page_is_asked_for_again(serve: Serve, connect: Connect) -> None:
    index = serve()
    index.say("/simple/alpha/", Reply(cut_after=30), Reply(cut_after=0))
    assert len(connect(index).wheels(ALPHA)) == 2
    assert len(index.requests) == 3


def test_a_page_truncated_every_time_is_no_shorter_page(serve: Serve, connect: Connect) -> None:
    index = serve()
    index.say("/simple/alpha/", *[Reply(cut_after=200)] * 3)
    with pytest.raises(TransferInterrupted, match="fewer bytes than announced"):
        connect(index).wheels(ALPHA)


def test_waits_as_long_as_a_busy_server_asks(serve: Serve, connect: Connect) -> None:
    index = serve()
    index.say("/simple/alpha/", Reply(status=503, body=b"", headers={"Retry-After": "1"}))
    index.say("/simple/alpha/", Reply(status=429, body=b"", headers={"Retry-After": "0"}))
    assert len(connect(index).wheels(ALPHA)) == 2
    assert [request.status for request in index.requests] == [503, 429, 200]


def test_a_server_that_stays_busy_is_reported(serve: Serve, connect: Connect) -> None:
    index = serve()
    index.say("/simple/alpha/", *[Reply(status=503, body=b"")] * 9)
    with pytest.raises(SourceUnavailable, match="503 Service Unavailable"):
        connect(index).wheels(ALPHA)
    assert len(index.requests) == 1 + QUICK.repeats


def test_nobody_listening_is_reported_in_a_line(connect: Connect) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/simple/"
    with pytest.raises(SourceUnavailable, match=r"/simple/alpha/: connection refused$"):
        connect(url).wheels(ALPHA)


def test_a_server_that_speaks_no_tls_is_reported(serve: Serve, connect: Connect) -> None:
    index = serve()
    with pytest.raises(SourceUnavailable, match="TLS failed"):
        connect(index.url.replace("http:", "https:")).wheels(ALPHA)


def test_follows_redirects_and_joins_links_to_where_they_lead(
    serve: Serve, connect: Connect
) -> None:
    here, there = serve(), serve()
    here.say(
        "/simple/alpha/", Reply(status=301, body=b"", headers={"Location": there.url + "alpha/"})
    )
    assert all(wheel.location.startswith(there.origin) for wheel in connect(here).wheels(ALPHA))


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://127.0.0.1/", "http://[", "data:text/html,x"]
)
def test_refuses_redirects_to_anything_but_the_web(
    serve: Serve, connect: Connect, target: str
) -> None:
    index = serve()
    index.say("/simple/alpha/", Reply(status=302, body=b"", headers={"Location": target}))
    with pytest.raises(SourceUnavailable, match=r"redirects to something else than an http\(s\)"):
        connect(index).wheels(ALPHA)


def test_the_body_of_a_redirect_is_not_read(serve: Serve, connect: Connect) -> None:
    index = serve()
    headers = {"Location": index.url + "alpha/"}
    # Reading it would fail: it is shorter than announced, and no request is made anew.
    index.say(
        "/simple/alpha/",
        Reply(status=307, body=b"x" * 10_000_000, headers=headers, cut_after=1_000_000),
    )
    assert len(connect(index).wheels(ALPHA)) == 2
    assert [request.status for request in index.requests] == [307, 200]


def test_gives_up_on_circles_of_redirects(serve: Serve, connect: Connect) -> None:
    index = serve()
    round_trip = Reply(status=302, body=b"", headers={"Location": "/simple/alpha/"})
    index.say("/simple/alpha/", *[round_trip] * 20)
    with pytest.raises(SourceUnavailable, match="more than 10 redirects"):
        connect(index).wheels(ALPHA)


def test_shows_credentials_to_their_host_only_and_to_nobody_who_reads(
    serve: Serve, connect: Connect
) -> None:
    index, elsewhere = serve(login=("ann", "s3cret/pass")), serve()
    index.say("/files/alpha-1.9-py3-none-any.whl.metadata", Reply(status=404, body=b""))
    index.attributes["alpha-1.10-py3-none-any.whl"] = {
        "url": f"{elsewhere.origin}/files/alpha-1.10-py3-none-any.whl"
    }
    source = connect(index.url.replace("http://", "http://ann:s3cret%2Fpass@"))
    old, new = source.wheels(ALPHA)
    assert source.core_metadata(old)["Version"] == "1.9"
    assert source.core_metadata(new)["Version"] == "1.10"
    assert all("Authorization" in request.headers for request in index.requests)
    assert elsewhere.requests
    assert not any("Authorization" in request.headers for request in elsewhere.requests)
    assert "s3cret" not in f"{source.location}{old}{new}"


def test_netrc_is_asked_where_the_url_has_no_credentials(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    index = serve(login=("ann", "s3cret"))
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ann password s3cret\n")
    assert connect(index).wheels(ALPHA)


def test_a_redirect_to_another_host_takes_no_credentials_along(
    serve: Serve, connect: Connect
) -> None:
    index, elsewhere = serve(), serve()
    index.say(
        "/simple/alpha/",
        Reply(status=302, body=b"", headers={"Location": elsewhere.url + "alpha/"}),
    )
    connect(index.url.replace("http://", "http://ann:s3cret@")).wheels(ALPHA)
    assert "Authorization" in index.requests[0].headers
    assert "Authorization" not in elsewhere.requests[0].headers


def test_wrong_credentials_are_not_repeated_in_the_message(serve: Serve, connect: Connect) -> None:
    index = serve(login=("ann", "right"))
    source = connect(index.url.replace("http://", "http://ann:wr0ng@") + "?token=t0ken")
    with pytest.raises(SourceUnavailable, match="401 Unauthorized") as raised:
        source.wheels(ALPHA)
    assert "wr0ng" not in repr(raised.value)
    assert "t0ken" not in str(raised.value)


@pytest.mark.parametrize("url", ["http://", "http:///simple", "http://a:b:c/", "https://[::1"])
def test_a_url_that_cannot_be_one_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError):
        open_source(url)


def test_files_off_the_web_or_of_other_projects_are_skipped_aloud(
    serve: Serve, connect: Connect
) -> None:
    index = serve(form="json")
    index.attributes["alpha-1.9-py3-none-any.whl"] = {"url": "file:///etc/passwd"}
    index.attributes["alpha-1.10-py3-none-any.whl"] = {"filename": "beta-1.0-py3-none-any.whl"}
    source = connect(index)
    assert source.wheels(ALPHA) == ()
    assert [(file.filename, file.why) for file in source.skipped] == [
        ("alpha-1.9-py3-none-any.whl", "its URL is not an http or https one"),
        ("beta-1.0-py3-none-any.whl", "belongs to beta, not alpha"),
    ]


def test_a_closed_source_may_be_used_again(serve: Serve, connect: Connect) -> None:
    source = connect(serve())
    source.close()
    assert source.wheels(ALPHA)


def test_the_source_is_made_by_its_url(serve: Serve) -> None:
    source = open_source(serve().url)
    assert isinstance(source, SimpleIndex)
    assert source.wheels(NormalizedName("alpha"))
    source.close()
