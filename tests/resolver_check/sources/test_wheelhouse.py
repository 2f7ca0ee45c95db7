"""A directory of wheels as a source, and what `open_source` takes for one."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from backend_shim.errors import InvalidWheel
from resolver_check.errors import SourceUnavailable, UsageError
from resolver_check.sources import open_source
from tests.support.served_index import write_wheel

ALPHA = canonicalize_name("alpha")


def test_lists_wheels_sorted_and_says_what_it_skips(wheels: Path, tmp_path: Path) -> None:
    for path in wheels.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "notes.txt").write_text("no wheel")
    (tmp_path / "below.whl").mkdir()
    (tmp_path / "pytz-2011k-nonsense.whl").write_bytes(b"")
    source = open_source(str(tmp_path))
    assert source.projects() == ("alpha", "big-one")
    old, new = source.wheels(ALPHA)
    assert (str(old.version), str(new.version)) == ("1.9", "1.10")
    assert old.size == (wheels / old.filename).stat().st_size
    assert (old.digest, old.metadata_available, old.yanked) == (None, None, False)
    assert [file.filename for file in source.skipped] == ["pytz-2011k-nonsense.whl"]
    assert source.wheels(canonicalize_name("gamma")) == ()


def test_opens_and_fetches_the_file_itself(wheels: Path) -> None:
    source = open_source(str(wheels))
    reference = source.wheels(ALPHA)[0]
    assert source.fetch(reference) == wheels / "alpha-1.9-py3-none-any.whl"
    assert source.core_metadata(reference)["Version"] == "1.9"
    with source.open(reference) as wheel:
        assert wheel.dist_info == "alpha-1.9.dist-info"
    source.close()


def test_a_relative_directory_gives_absolute_locations(
    wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(wheels.parent)
    source = open_source(wheels.name)
    assert source.location == str(wheels)
    assert Path(source.wheels(ALPHA)[0].location).is_absolute()


def test_a_file_url_is_a_directory(tmp_path: Path) -> None:
    directory = tmp_path / "with space"
    directory.mkdir()
    write_wheel(directory, "alpha-1.0-py3-none-any.whl")
    assert directory.as_uri().endswith("with%20space")
    assert open_source(directory.as_uri()).projects() == (ALPHA,)


def test_an_empty_directory_is_no_error(tmp_path: Path) -> None:
    assert open_source(str(tmp_path)).projects() == ()


def test_no_directory_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match=r"missing: no such file or directory$"):
        open_source(str(tmp_path / "missing"))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SourceUnavailable, match=r"file: not a directory$"):
        open_source(str(tmp_path / "file"))
    with pytest.raises(SourceUnavailable, match="no such file or directory"):
        open_source((tmp_path / "missing").as_uri())


@pytest.mark.parametrize(
    "location",
    [
        "ftp://127.0.0.1/",
        "file://elsewhere/wheels",
        "git+https://u:pw@h/",
        "file://[",
        "file://u:pw@[h/x",
    ],
)
def test_other_urls_are_usage_errors(location: str) -> None:
    with pytest.raises(UsageError) as raised:
        open_source(location)
    assert "pw" not in str(raised.value)


def test_what_is_no_wheel_is_listed_and_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "alpha-1.0-py3-none-any.whl").write_bytes(b"no zip")
    source = open_source(str(tmp_path))
    (reference,) = source.wheels(ALPHA)
    with pytest.raises(InvalidWheel):
        source.core_metadata(reference)
