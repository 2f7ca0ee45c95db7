"""Several sources as one: whose wheel counts, and who is asked for it."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from resolver_check.errors import ProjectMissing, SourceUnavailable
from resolver_check.sources import open_source, open_sources
from resolver_check.sources.several_sources import SeveralSources
from resolver_check.sources.wheel_source import WheelSource
from tests.resolver_check.sources.conftest import Connect, Serve
from tests.support.served_index import Reply, write_wheel

ALPHA, BETA = canonicalize_name("alpha"), canonicalize_name("beta")
OLD, NEW = "alpha-1.0-py3-none-any.whl", "alpha-2.0-py3-none-any.whl"


def house(directory: Path, *filenames: str, **more: bytes) -> str:
    directory.mkdir(exist_ok=True)
    for filename in filenames:
        write_wheel(directory, filename, extra={f"{k}.txt": v for k, v in more.items()})
    return str(directory)


def names(source: WheelSource) -> list[tuple[str, str]]:
    return [(each.filename, Path(each.location).parent.name) for each in source.wheels(ALPHA)]


@pytest.fixture
def two(tmp_path: Path) -> Sequence[str]:
    first = house(tmp_path / "first", OLD, own=b"first")
    second = house(tmp_path / "second", OLD, NEW, "beta-1.0-py3-none-any.whl", own=b"seconds")
    return first, second


def test_one_source_is_itself(tmp_path: Path) -> None:
    assert type(open_sources([str(tmp_path)])) is type(open_source(str(tmp_path)))


def test_a_project_has_the_wheels_of_all_and_of_one_name_the_first(two: Sequence[str]) -> None:
    source = open_sources(two)
    assert source.projects() == (ALPHA, BETA)
    assert names(source) == [(OLD, "first"), (NEW, "second")]
    assert names(open_sources(two[::-1])) == [(OLD, "second"), (NEW, "second")]


def test_another_file_of_the_same_name_is_told_and_the_same_file_is_not(
    two: Sequence[str], tmp_path: Path
) -> None:
    source = open_sources(two)
    source.wheels(ALPHA)
    (told,) = source.skipped
    assert (told.filename, two[1] in told.why) == (OLD, True)
    third = house(tmp_path / "third", OLD, own=b"first")
    same = open_sources([two[0], third])
    assert names(same) == [(OLD, "first")]
    assert same.skipped == ()


def test_of_one_version_the_first_source_has_the_better_wheel(tmp_path: Path) -> None:
    first = house(tmp_path / "first", "alpha-2.0-1-py3-none-any.whl")
    second = house(tmp_path / "second", "alpha-2.0-9-py3-none-any.whl", OLD)
    found = open_sources([first, second]).wheels(ALPHA)
    assert [(str(each.version), each.build, each.rank) for each in found] == [
        ("1.0", (), 1),
        ("2.0", (9, ""), 1),
        ("2.0", (1, ""), 0),
    ]


def test_digests_that_differ_are_told_where_sizes_do_not(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    one, two = serve(form="json"), serve(form="json")
    filename = "alpha-1.9-py3-none-any.whl"
    two.attributes[filename] = {"hashes": {"sha256": "0" * 64}}
    source = SeveralSources([connect(one), connect(two)])
    wheels = source.wheels(ALPHA)
    assert [each.location.startswith(one.origin) for each in wheels] == [True, True]
    assert [each.filename for each in source.skipped] == [filename]


def test_each_wheel_is_read_where_it_was_listed(two: Sequence[str]) -> None:
    source = open_sources(two)
    old, new = source.wheels(ALPHA)
    assert source.fetch(old).read_bytes() != (Path(two[1]) / OLD).read_bytes()
    assert source.fetch(new) == Path(two[1]) / NEW
    assert source.core_metadata(new)["Version"] == "2.0"
    with source.open(old) as wheel:
        assert wheel.read("own.txt") == b"first"


def test_a_wheel_is_found_again_by_who_did_not_list_it(two: Sequence[str]) -> None:
    _, new = open_sources(two).wheels(ALPHA)
    again: WheelSource = pickle.loads(pickle.dumps(open_sources(two)))
    assert again.fetch(new) == Path(two[1]) / NEW
    with pytest.raises(SourceUnavailable, match="in none of the sources"):
        again.fetch(replace(new, location="/elsewhere/" + NEW))


def test_a_project_that_only_one_has_is_not_missing(serve: Serve, connect: Connect) -> None:
    with_it, without = serve(), serve()
    without.say("/simple/alpha/", Reply(status=404, body=b""))
    source = SeveralSources([connect(without), connect(with_it)])
    assert len(source.wheels(ALPHA)) == 2
    with pytest.raises(ProjectMissing):
        source.wheels(BETA)


def test_a_source_that_gives_no_answer_does_not_leave_its_place_to_others(
    serve: Serve, connect: Connect
) -> None:
    broken, other = serve(), serve()
    broken.say("/simple/alpha/", Reply(status=500, body=b""))
    with pytest.raises(SourceUnavailable, match="500"):
        SeveralSources([connect(broken), connect(other)]).wheels(ALPHA)


def test_an_index_is_not_shown_the_login_of_another(serve: Serve, connect: Connect) -> None:
    private, public = serve(login=("ann", "s3cret")), serve()
    public.attributes["alpha-1.9-py3-none-any.whl"] = {
        "url": f"{private.origin}/files/alpha-1.9-py3-none-any.whl"
    }
    logged_in = connect(private.url.replace("http://", "http://ann:s3cret@"))
    source = SeveralSources([connect(public), logged_in])
    old, _ = source.wheels(ALPHA)
    with pytest.raises(SourceUnavailable, match="401"):
        source.fetch(old)
