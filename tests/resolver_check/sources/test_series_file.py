"""Promises that stand in a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from backend_shim.record.series import Series
from resolver_check.errors import UsageError
from resolver_check.sources.series_file import (
    _SHIPPED,
    Promises,
    read_promises,
    shipped_promises,
    tomllib,
)
from tests.support.binding_factory import provider

ENTRY = """
[[series]]
provider = "Gift_Wrap"
name = "gift._C_API"
versions = ">=1,<5"
last-change = "2.0"
last-addition = "3.1"
"""


def _read(tmp_path: Path, text: str) -> Promises:
    path = tmp_path / "series.toml"
    path.write_text(text)
    return Promises(shipped=(), given=read_promises(path))


def _series(promises: Promises, version: str, name: str = "gift-wrap") -> tuple[Series, ...]:
    return promises.added_to(provider(name, version)).series


def test_an_entry_holds_for_its_project_and_versions(tmp_path: Path) -> None:
    promises = _read(tmp_path, ENTRY)
    said = Series(name="gift._C_API", last_change="2.0", last_addition="3.1")
    assert _series(promises, "4.0") == (said,)
    assert _series(promises, "4.0rc1") == (said,)
    assert _series(promises, "5.0") == ()
    assert _series(promises, "tomorrow") == ()
    assert _series(promises, "4.0", "other") == ()


@pytest.mark.parametrize(
    ("change", "addition", "version", "numbers"),
    [
        ("major", "minor", "9.5.1.17", ("9", "9.5")),
        ("minor", "release", "9.5.1", ("9.5", "9.5.1")),
        ("major", "minor", "9", ("9", "9")),
        ("major", "release", "2!9.5+local", ("2!9", "2!9.5")),
        ("major", "9.2", "9.5", ("9", "9.2")),
    ],
)
def test_a_policy_gives_the_numbers_of_each_release(
    tmp_path: Path, change: str, addition: str, version: str, numbers: tuple[str, str]
) -> None:
    text = ENTRY.replace(">=1,<5", "").replace("2.0", change).replace("3.1", addition)
    (series,) = _series(_read(tmp_path, text), version)
    assert (series.last_change, series.last_addition) == numbers
    assert not series.is_exact


def test_the_user_counts_before_the_wheel_and_the_wheel_before_this_program(
    tmp_path: Path,
) -> None:
    given = _read(tmp_path, ENTRY).given
    declared = Series(name="gift._C_API", last_change="1.0", last_addition="1.0")
    gift = replace(provider("gift-wrap", "4.0"), series=(declared,))
    assert Promises(shipped=given).added_to(gift).series == (declared,)
    (series,) = Promises(shipped=(), given=given).added_to(gift).series
    assert series.last_change == "2.0"
    other = replace(declared, name="gift.other")
    both = Promises(shipped=given).added_to(replace(gift, series=(other,))).series
    assert {each.name for each in both} == {"gift._C_API", "gift.other"}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "wants [[series]] tables"),
        ("series = 3", "wants [[series]] tables"),
        (ENTRY + "[other]\n", "wants [[series]] tables"),
        ("series = [3]", "series 1 must be a table of strings"),
        (ENTRY.replace('"2.0"', "2.0"), "series 1 must be a table of strings"),
        (ENTRY.replace("versions", "vesions"), "has no versions"),
        (ENTRY + 'extra = "1"\n', "unknown key extra"),
        (ENTRY.replace("gift._C_API", "a/b"), "names no module"),
        (ENTRY.replace(">=1,<5", "some"), "no version specifier"),
        (ENTRY.replace("2.0", "release"), 'last-change is a release such as "1.0"'),
        (ENTRY.replace("3.1", "v3"), "last-addition is a release"),
        ("[", "series.toml: "),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, wrong: str) -> None:
    with pytest.raises(UsageError) as raised:
        _read(tmp_path, text)
    assert wrong in str(raised.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_promises(tmp_path / "none.toml")


def test_every_shipped_promise_cites_its_source() -> None:
    tables = tomllib.loads(_SHIPPED.read_text("utf-8"))["series"]
    assert len(tables) == len(shipped_promises().shipped)
    for table in tables:
        assert table["source"].startswith("https://"), table["provider"]


@pytest.mark.parametrize(
    ("version", "numbers"), [("9.5.1.17", ("9", "9.5")), ("8.9.2.26", ("8", "8.9"))]
)
def test_cudnn_promises_by_major_and_minor_release(version: str, numbers: tuple[str, str]) -> None:
    for name in ("nvidia-cudnn-cu11", "nvidia-cudnn-cu12", "nvidia-cudnn-cu13"):
        (series,) = _series(shipped_promises(), version, name)
        assert (series.name, series.last_change, series.last_addition) == ("linking", *numbers)
        assert not series.is_exact
