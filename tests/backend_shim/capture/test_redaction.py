"""No secret, no place of this machine and no host name comes through."""

from __future__ import annotations

import os
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend_shim.capture.redaction import REDACTED, Redaction, redaction_of_process

REDACTION = Redaction(
    places=(
        ("/home/me/work/project", "{source}"),
        ("/home/me/venv", "{prefix}"),
        ("/home/me", "{home}"),
        ("/tmp", "{tmp}"),
    ),
    host_names=("builder7",),
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("-O2 -g", "-O2 -g"),
        ("gcc -pthread", "gcc -pthread"),
        ("-I/usr/include -L/opt/x/lib", "-I/usr/include -L/opt/x/lib"),
        ("/home/me/work/project", "{source}"),
        ("-I/home/me/work/project/include", "-I{source}/include"),
        ("/home/me/work/project2/x", "{home}/work/project2/x"),
        ("/home/me/venv/bin/gcc:/home/me/bin", "{prefix}/bin/gcc:{home}/bin"),
        ("-I/tmp/pip-build-env-x1y2/overlay/include", "-I{tmp}/overlay/include"),
        ("-I/home/other/include -Wl,-rpath,/srv/a/b", "-I{path}/include -Wl,-rpath,{path}/b"),
        ("-isystem/data/x/include", "-isystem{path}/include"),
        ("include/sub ../up src/a.c", "include/sub ../up src/a.c"),
        (r"-IC:\Users\me\include", r"-I{path}/include"),
        ("https://me:pw@example.org:8080/a/b.whl?sig=1#frag", "https://{host}/a/b.whl"),
        ("-DURL=git+ssh://git@host.example/x", "-DURL=git+ssh://{host}/x"),
        ("-fdebug-prefix-map=/home/me/work/project=.", "-fdebug-prefix-map={source}=."),
        ("on builder7 and builder77", "on {host} and builder77"),
        ("file:///home/me/x", "{home}/x"),
    ],
)
def test_a_value_keeps_what_says_nothing_of_the_machine(value: str, shown: str) -> None:
    assert REDACTION.text(value) == shown


@pytest.mark.parametrize(
    "value",
    [
        "-DAPI_TOKEN=abc",
        "-DKEY=abc",
        "--password abc",
        "--auth=abc",
        "x:y@host",
        "ghp_0123456789abcdefABCDEF",
        "-DX=glpat-0123456789",
        "pypi-AgEIcHlwaS5vcmc",
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiJ9.e30.x",
        "-----BEGIN PRIVATE KEY-----",
        "--header 'Authorization: Bearer abc'",
    ],
)
def test_a_value_that_may_hold_a_secret_is_replaced_whole(value: str) -> None:
    assert REDACTION.text(value) == REDACTED
    assert REDACTION.text(f"-O2 {value} -g") == REDACTED


@pytest.mark.parametrize(
    "name", ["PYPI_TOKEN", "cmake.define.Password", "AWS_SECRET", "SSH_KEY", "BasicAuth"]
)
def test_a_value_of_a_secret_name_is_replaced_whole(name: str) -> None:
    assert REDACTION.text("harmless", name=name) == REDACTED


PARTS = st.text(alphabet=string.ascii_letters + string.digits + "._+-", min_size=1, max_size=12)
SEPARATORS = st.sampled_from(
    [" ", ":", ";", ",", "=", '"', "'", " -I", " -L", " -isystem ", "(", ""]
)


@given(st.lists(st.tuples(SEPARATORS, st.sampled_from(REDACTION.places), PARTS), max_size=5))
def test_no_place_comes_through(pieces: list[tuple[str, tuple[str, str], str]]) -> None:
    value = "".join(f"{before}{place[0]}/{after}" for before, place, after in pieces)
    shown = REDACTION.text(value)
    assert "/home/me" not in shown
    assert not pieces or "/tmp/" not in shown


@given(st.text(max_size=60), PARTS, PARTS)
def test_no_user_of_an_url_comes_through(before: str, user: str, password: str) -> None:
    secret = f"{user}QQ{password}"
    shown = REDACTION.text(f"{before} https://u:{secret}@example.org/x?y={secret}")
    assert secret not in shown.replace(before, "")


@given(st.text(max_size=200))
def test_any_text_is_taken(value: str) -> None:
    REDACTION.text(value, name=value)


def test_the_places_of_this_process(tmp_path: Path) -> None:
    redaction = redaction_of_process(tmp_path, {"HOME": "/somewhere/me"})
    assert redaction.text(os.fspath(tmp_path / "a")) == "{source}/a"
    assert redaction.text("/somewhere/me/x") == "{home}/x"
    assert redaction.text(str(Path("~/x").expanduser())) == "{home}/x"


def test_a_root_that_is_no_place_hides_nothing(tmp_path: Path) -> None:
    assert ("/", "{home}") not in redaction_of_process(tmp_path, {"HOME": "/"}).places
