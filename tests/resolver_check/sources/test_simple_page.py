"""Pages as bytes: odd ones that real indexes serve, and broken ones at every length."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from resolver_check.sources.kept_answers import Answer
from resolver_check.sources.simple_page import InvalidPage, read_project, read_root
from resolver_check.wheel_reference import SkippedFile, WheelReference

ALPHA = canonicalize_name("alpha")
NAME = "alpha-1.0-py3-none-any.whl"
DIGEST = "0123456789abcdef" * 4


def answer(
    body: str | bytes, content_type: str = "text/html", charset: str | None = None
) -> Answer:
    data = body if isinstance(body, bytes) else body.encode()
    return Answer(
        url="https://127.0.0.1/simple/alpha/",
        status=200,
        content_type=content_type,
        charset=charset,
        body=data,
    )


def from_html(body: str) -> tuple[tuple[WheelReference, ...], tuple[SkippedFile, ...]]:
    return read_project(answer(body), ALPHA)


def from_json(
    *files: dict[str, Any], **keys: Any
) -> tuple[tuple[WheelReference, ...], tuple[SkippedFile, ...]]:
    page = {"meta": {"api-version": "1.1"}, "files": files, **keys}
    return read_project(answer(json.dumps(page), "application/vnd.pypi.simple.v1+json"), ALPHA)


@pytest.mark.parametrize(
    ("head", "href", "location"),
    [
        ("", f"{NAME}", f"https://127.0.0.1/simple/alpha/{NAME}"),
        ("", f"/f/{NAME}", f"https://127.0.0.1/f/{NAME}"),
        ("", f"//127.0.0.2/f/{NAME}", f"https://127.0.0.2/f/{NAME}"),
        ('<base href="/mirror/">', f"f/{NAME}", f"https://127.0.0.1/mirror/f/{NAME}"),
        ('<BASE HREF="http://127.0.0.3/x/">', NAME, f"http://127.0.0.3/x/{NAME}"),
        ("", f"/f/{NAME}?token=1&amp;x=2#egg=alpha", f"https://127.0.0.1/f/{NAME}?token=1&x=2"),
        ("", f"/f/{NAME}#nonsense", f"https://127.0.0.1/f/{NAME}"),
        ("", f"http://u:p@127.0.0.1/{NAME}", f"http://127.0.0.1/{NAME}"),
    ],
)
def test_links_are_relative_to_the_base_of_the_page(head: str, href: str, location: str) -> None:
    (wheel,), skipped = from_html(f'<html><head>{head}</head><a href="{href}">x</a></html>')
    assert (wheel.location, wheel.filename) == (location, NAME)
    assert skipped == ()


def test_navigation_in_a_page_is_no_file() -> None:
    page = f'<!doctype html><a href="#top">Top</a><a>x</a><a href="..">Up</a><a href="{NAME}">a</a>'
    (wheel,), skipped = from_html(page)
    assert wheel.filename == NAME
    assert skipped == ()


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.4", "1.99"])
def test_any_minor_version_is_read(version: str) -> None:
    meta = f'<meta name="pypi:repository-version" content="{version}">'
    assert from_html(f'<html><head>{meta}</head><a href="{NAME}">x</a>')[0]
    assert from_json({"filename": NAME, "url": NAME, "hashes": {}}, meta={"api-version": version})[
        0
    ]


@pytest.mark.parametrize("version", ["2.0", "0.9", "1", "one", "", "1.x", 1, 1.0, ["1.0"]])
def test_any_other_version_is_refused(version: object) -> None:
    with pytest.raises(InvalidPage, match="of the simple API, and not 1"):
        from_json(meta={"api-version": version})


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"hashes": None}, "its hashes are not a table"),
        ({"hashes": {"sha256": "abc"}}, "its sha256 is not 64 hexadecimal digits"),
        ({"hashes": {"sha256": 7}}, "its sha256 is not 64 hexadecimal digits"),
        ({"size": -1}, "its size has the wrong type or value"),
        ({"size": True}, "its size has the wrong type or value"),
        ({"size": "7"}, "its size has the wrong type or value"),
        ({"requires-python": 3}, "its requires-python has the wrong type or value"),
        ({"core-metadata": "yes"}, "its hashes are not a table"),
        ({"url": None}, "its URL is not an http or https one"),
        ({"url": "javascript:alert(1)"}, "its URL is not an http or https one"),
        ({"url": f"/f/\x1b[2J{NAME}"}, "its URL is not an http or https one"),
        ({"url": "http://[/"}, "its URL is not an http or https one"),
        ({"filename": "alpha-1.0-py3-none-../../x.whl"}, "not a name that a wheel can have"),
        ({"filename": "..\\alpha-1.0-py3-none-any.whl"}, "not a name that a wheel can have"),
        ({"filename": "\x1b[2Jalpha-1.0-py3-none-any.whl"}, "not a name that a wheel can have"),
        ({"filename": f"alpha-1.0-py3-none-{'a' * 250}.whl"}, "not a name that a wheel can have"),
        ({"filename": "alpha-1.0-any.whl"}, "wrong number of parts"),
        ({"filename": "alpha-2011k_-py3-none-any.whl"}, "invalid version"),
    ],
)
def test_a_file_that_cannot_be_right_is_skipped_with_the_reason(
    keys: dict[str, Any], why: str
) -> None:
    wheels, (skipped,) = from_json({"filename": NAME, "url": NAME, "hashes": {}} | keys)
    assert wheels == ()
    assert why in skipped.why
    assert skipped.filename.isprintable()


def test_the_older_key_of_metadata_counts_where_the_newer_is_absent() -> None:
    file = {"filename": NAME, "url": NAME, "hashes": {}, "dist-info-metadata": {"sha256": DIGEST}}
    (wheel,), _ = from_json(file)
    assert (wheel.metadata_available, wheel.metadata_digest) == (True, DIGEST)
    (wheel,), _ = from_json(file | {"core-metadata": False})
    assert (wheel.metadata_available, wheel.metadata_digest) == (False, None)
    (wheel,), _ = from_html(f'<a href="{NAME}" data-dist-info-metadata="sha256={DIGEST}">x</a>')
    assert (wheel.metadata_available, wheel.metadata_digest) == (True, DIGEST)


@pytest.mark.parametrize(
    ("yanked", "expected"), [(None, False), (False, False), (True, True), ("", True), ("why", True)]
)
def test_a_yanked_file_may_say_why(yanked: object, expected: bool) -> None:
    (wheel,), _ = from_json({"filename": NAME, "url": NAME, "hashes": {}, "yanked": yanked})
    assert wheel.yanked is expected


def test_a_file_listed_twice_is_taken_once_unless_the_digests_differ() -> None:
    link = f'<a href="/b/{NAME}#sha256={DIGEST}">x</a>'
    page = link + link.replace("/b/", "/a/") + link.replace(DIGEST, DIGEST[::-1])
    wheels, _ = from_html(page)
    assert [wheel.location for wheel in wheels] == [
        f"https://127.0.0.1/a/{NAME}",
        f"https://127.0.0.1/b/{NAME}",
    ]


def test_build_tags_and_versions_sort_as_numbers() -> None:
    names = [
        "alpha-1.0-10-py3-none-any.whl",
        "alpha-1.0-9-py3-none-any.whl",
        "alpha-1.0-py3-none-any.whl",
        "alpha-0.10rc1-py3-none-any.whl",
        "alpha-0.9-py3-none-any.whl",
        "alpha-1!0.1-py3-none-any.whl",
        "alpha-1.0+local.7-py3-none-any.whl",
    ]
    wheels, _ = from_html("".join(f'<a href="{name}">x</a>' for name in names))
    order = [4, 3, 2, 1, 0, 6, 5]
    assert [wheel.filename for wheel in wheels] == [names[index] for index in order]


def test_a_reference_travels_to_other_processes() -> None:
    wheels, skipped = from_html(f'<a href="{NAME}#sha256={DIGEST}">x</a><a href="alpha.whl">x</a>')
    assert pickle.loads(pickle.dumps((wheels, skipped))) == (wheels, skipped)
    assert len({*wheels, *skipped}) == 2


def test_a_root_page_may_be_a_listing_of_directories() -> None:
    page = (
        "<!doctype html><title>Directory listing for /simple/</title>"
        '<a href="../">Parent Directory</a><a href="Alpha_b/">Alpha_b/</a>\n<a href="z/"> z </a>'
    )
    names, skipped = read_root(answer(page))
    assert names == ("alpha-b", "z")
    assert [file.why for file in skipped] == ["not the name of a project"]


def test_text_is_decoded_as_the_server_says_and_else_as_utf_8() -> None:
    page = f'<a href="{NAME}" data-yanked="défaut">x</a>'
    for charset in ("latin-1", "utf-8"):
        assert read_project(answer(page.encode(charset), charset=charset), ALPHA)[0]
    assert read_project(answer(page, charset="no-such-codec"), ALPHA)[0]


@pytest.mark.parametrize("content_type", ["text/html", "application/vnd.pypi.simple.v1+json"])
def test_every_prefix_of_a_page_is_read_or_refused(content_type: str) -> None:
    if content_type == "text/html":
        text = (
            '<!DOCTYPE html><html><head><base href="/x/"><meta name="pypi:repository-version" '
            f'content="1.1"></head><![CDATA[<a href="{NAME}#sha256={DIGEST}" data-yanked="">'
            f"{NAME}</a></body></html>"
        )
    else:
        text = json.dumps(
            {"meta": {"api-version": "1.1"}, "files": [{"filename": NAME, "url": "x"}]}
        )
    for length in range(len(text)):
        for read in (lambda page: read_project(page, ALPHA), read_root):
            try:
                read(answer(text[:length], content_type))
            except InvalidPage:
                continue
