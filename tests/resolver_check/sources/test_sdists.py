"""Sdists, in a directory and on an index."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from resolver_check.errors import DigestMismatch, SourceUnavailable, UsageError
from resolver_check.sources.sdists import open_sdists, sdist_of
from tests.support.served_index import Manners, ServedIndex

DEMO = canonicalize_name("demo")
NAMES = (
    "demo-1.0.tar.gz",
    "demo-1.1.zip",
    "demo-1.0-py3-none-any.whl",
    "other-1.0.tar.gz",
    "demo.tar.gz",
)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def check(location: str, into: Path) -> None:
    source = open_sdists(location)
    found = source.sdists(DEMO)
    assert {each.filename for each in found} == {"demo-1.0.tar.gz", "demo-1.1.zip"}
    assert source.sdists(canonicalize_name("unknown")) == ()
    wanted = sdist_of(source, DEMO, Version("1.1"))
    into.mkdir()
    assert source.fetch_sdist(wanted, into).read_bytes() == b"demo-1.1.zip"
    with pytest.raises(SourceUnavailable, match="no sdist"):
        sdist_of(source, DEMO, Version("3"))
    source.close()


def test_in_a_directory(files: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    check(str(files), tmp_path_factory.mktemp("got") / "into")


@pytest.mark.parametrize("form", ["html", "json"])
def test_on_an_index(files: Path, tmp_path_factory: pytest.TempPathFactory, form: str) -> None:
    with ServedIndex(files, Manners(form=form)) as index:  # type: ignore[arg-type]
        check(index.url, tmp_path_factory.mktemp("got") / "into")


def test_another_file_than_the_index_says_is_refused(files: Path, tmp_path: Path) -> None:
    with ServedIndex(files) as index:
        index.attributes["demo-1.0.tar.gz"] = {}
        source = open_sdists(index.url)
        wanted = sdist_of(source, DEMO, Version("1.0"))
        (files / "demo-1.0.tar.gz").write_bytes(b"another")
        (tmp_path / "into").mkdir()
        with pytest.raises(DigestMismatch):
            source.fetch_sdist(wanted, tmp_path / "into")
        source.close()


def test_a_place_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such one: neither"):
        open_sdists(str(tmp_path / "no such one"))


def test_the_password_of_another_kind_of_url_is_not_told() -> None:
    with pytest.raises(UsageError, match=r"^ftp://h/x: neither"):
        open_sdists("ftp://ann:s3cret@h/x")
