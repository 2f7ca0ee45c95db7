"""URLs as they are kept and as they are shown."""

from __future__ import annotations

import pytest

from resolver_check.sources.web_address import Origin, origin, shown, split_credentials

UNREADABLE = "(a URL that cannot be read)"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://h/simple", Origin(scheme="https", host="h", port=443)),
        ("HTTP://H:8080/x", Origin(scheme="http", host="h", port=8080)),
        ("http://u:p@[::1]:81/", Origin(scheme="http", host="::1", port=81)),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, expected: Origin) -> None:
    assert origin(url) == expected


@pytest.mark.parametrize("url", ["ftp://h/", "file:///x", "http:///x", "x", "http://h:99999/"])
def test_what_is_not_on_the_web_has_no_origin(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        origin(url)


@pytest.mark.parametrize(
    "url", ["http://ann:s3cret@\u2100/", "http://ann:s3/cret@h/", "http://[s3cret]/", "http://["]
)
def test_the_error_of_a_malformed_one_does_not_quote_it(url: str) -> None:
    for read in (origin, split_credentials):
        with pytest.raises(ValueError, match=r"^malformed$"):
            read(url)


def test_credentials_are_taken_out_and_unquoted() -> None:
    bare, given = split_credentials("https://ann:a%40b%3Ac@h:1/p?q=1#f")
    assert bare == "https://h:1/p?q=1"
    assert given is not None
    assert (given.user, given.password) == ("ann", "a@b:c")
    assert "ann" not in repr(given)
    assert split_credentials("https://h/p") == ("https://h/p", None)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://ann:pw@h/p?token=x#f", "https://h/p"),
        ("https://a@b@h/p", "https://h/p"),
        ("http://h/a b\x1b[2J\n", "http://h/a%20b%1B[2J"),
        ("http://[", UNREADABLE),
        ("file://ann:pw@[h/x", UNREADABLE),
        ("ftp://ann:p/w@h/x", UNREADABLE),
        ("http:/ann:pw@h/x", UNREADABLE),
        ("ann:pw@h/x", UNREADABLE),
        ("file:///a@b", "file:///a@b"),
    ],
)
def test_what_is_shown_is_one_line_without_secrets(url: str, expected: str) -> None:
    assert shown(url) == expected
