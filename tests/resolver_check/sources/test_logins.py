"""The keyring: when it is asked, for what, and what becomes of a broken one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from resolver_check.errors import SourceUnavailable
from resolver_check.sources import keyring_program
from resolver_check.sources.logins import Logins
from tests.resolver_check.sources.conftest import Connect, Serve
from tests.support.keyring_program import KeyringProgram
from tests.support.served_index import Reply

ALPHA = canonicalize_name("alpha")
ANN = ("ann", "s3cret")

Install = Callable[..., KeyringProgram]


@pytest.fixture
def keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    def install(known: dict[str, tuple[str, str]], fault: str = "") -> KeyringProgram:
        return KeyringProgram(tmp_path / "keyring", monkeypatch, known, fault)

    return install


def test_a_401_is_answered_by_the_keyring_once(
    serve: Serve, connect: Connect, keyring: Install
) -> None:
    index = serve(login=ANN)
    asked = keyring({index.url: ANN})
    source = connect(index)
    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(source.wheels, [ALPHA] * 16))) == 16
    assert asked.asked == [[index.url]]
    first = [request.status for request in index.requests].count(401)
    assert 1 <= first <= 8
    source.wheels(ALPHA)
    assert [request.status for request in index.requests].count(401) == first


def test_who_is_not_refused_asks_no_keyring(
    serve: Serve, connect: Connect, keyring: Install
) -> None:
    index = serve()
    asked = keyring({index.url: ANN})
    connect(index).wheels(ALPHA)
    connect(index.url.replace("http://", "http://me:mine@")).wheels(ALPHA)
    assert asked.asked == []


def test_the_password_of_a_named_user_is_asked_for_after_a_401(
    serve: Serve, connect: Connect, keyring: Install
) -> None:
    index = serve(login=ANN)
    asked = keyring({index.url: ANN})
    source = connect(index.url.replace("http://", "http://ann@"))
    source.wheels(ALPHA)
    source.wheels(ALPHA)
    assert asked.asked == [[index.url, "ann"]]
    assert [request.status for request in index.requests] == [401, 200, 200]


def test_a_token_in_the_place_of_the_user_is_told_to_no_program(
    serve: Serve, connect: Connect, keyring: Install
) -> None:
    index = serve(login=("t0ken", ""))
    asked = keyring({})
    assert connect(index.url.replace("http://", "http://t0ken@")).wheels(ALPHA)
    assert asked.asked == []


@pytest.mark.parametrize("known", [{}, {"{url}": ("ann", "old")}], ids=["none", "a wrong one"])
def test_without_the_right_password_the_ways_to_give_it_are_told(
    serve: Serve, connect: Connect, keyring: Install, known: dict[str, tuple[str, str]]
) -> None:
    index = serve(login=ANN)
    asked = keyring({each.format(url=index.url): login for each, login in known.items()})
    source = connect(index)
    for _ in range(2):
        with pytest.raises(SourceUnavailable) as raised:
            source.wheels(ALPHA)
        assert "401 Unauthorized (credentials can be in the URL, in netrc, or" in str(raised.value)
        assert "old" not in repr(raised.value)
    assert len(asked.asked) == 1


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("raise ValueError('s3cret')", "the keyring failed (ValueError)"),
        ("sys.exit(3)", "the keyring failed (status 3)"),
        ("print('no JSON'); sys.exit()", "gave an answer that cannot be read"),
        ("print('{\"username\": 1}'); sys.exit()", "gave an answer that cannot be read"),
        ("import time; time.sleep(60)", "did not answer within"),
    ],
)
def test_a_broken_keyring_is_told_and_its_words_are_not(
    serve: Serve,
    connect: Connect,
    keyring: Install,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    said: str,
) -> None:
    monkeypatch.setattr(keyring_program, "_SECONDS", 0.5)
    index = serve(login=ANN)
    asked = keyring({index.url: ANN}, fault)
    source = connect(index)
    for _ in range(2):
        with pytest.raises(SourceUnavailable, match="401") as raised:
            source.wheels(ALPHA)
        assert said in str(raised.value)
        assert "s3cret" not in str(raised.value)
    assert len(asked.asked) == 1


def test_by_its_name_alone_no_host_gets_a_password_in_the_clear(
    serve: Serve, connect: Connect, keyring: Install
) -> None:
    index, elsewhere = serve(), serve(login=ANN)
    host = elsewhere.origin.removeprefix("http://")
    asked = keyring({host: ANN})
    index.say(
        "/simple/alpha/",
        Reply(status=302, body=b"", headers={"Location": elsewhere.url + "alpha/"}),
    )
    with pytest.raises(SourceUnavailable, match="401"):
        connect(index).wheels(ALPHA)
    assert asked.asked == []


def test_over_tls_the_host_is_asked_for_after_the_index(keyring: Install) -> None:
    asked = keyring({"files.test:8443": ANN})
    logins = Logins("https://index.test/simple")
    assert logins.after_refusal("https://index.test/simple/x", None) is None
    found = logins.after_refusal("https://files.test:8443/x", None)
    assert found is not None
    assert (found.user, found.password) == ANN
    assert asked.asked == [["https://index.test/simple"], ["index.test"], ["files.test:8443"]]


def test_without_a_keyring_a_401_is_one(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceUnavailable, match="401"):
        connect(serve(login=ANN)).wheels(ALPHA)
