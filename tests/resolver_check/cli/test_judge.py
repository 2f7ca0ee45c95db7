"""`resolver-check judge`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.resolver_check.cli.conftest import Run, assert_refused
from tests.resolver_check.conftest import Factory
from tests.support.wheel_factory import RawMember, make_wheel, raw_archive, wheel_members


@pytest.mark.parametrize(
    ("consumer", "status", "verdict"),
    [("for_both", 0, "valid"), ("for_numpy_1", 1, "invalid"), ("by_name", 3, "unknown")],
)
def test_the_status_is_the_verdict(
    make: Factory, run: Run, consumer: str, status: int, verdict: str
) -> None:
    if consumer == "by_name":
        wheel = make.extension("taker", strings=("numpy.random", "numpy.random._C_API"))
    else:
        wheel = getattr(make, consumer)("taker")
    arguments = ("judge", wheel, "--old", make.numpy_1(), "--new", make.numpy_2())
    text = run(*arguments)
    assert (text.status, text.err) == (status, "")
    assert text.out.splitlines()[0] == f"{verdict}: {wheel.name}"
    as_json = run(*arguments, "--format", "json")
    assert (as_json.status, as_json.err) == (status, "")
    table = json.loads(as_json.out)
    assert table["verdict"] == verdict
    assert (table["provider"], table["old"]["version"]) == ("numpy", "1.26.4")
    assert table["reasons"]
    for reason in table["reasons"]:
        assert {"kind", "effect", "evidence", "interface", "data", "text"} == reason.keys()
        assert reason["text"] in text.out


def test_evidence_changes_the_verdict(make: Factory, run: Run) -> None:
    wheel = make.for_both("taker")
    arguments = ("judge", wheel, "--old", make.numpy_1(), "--new", make.numpy_2())
    strict = run(*arguments, "--evidence", "proven")
    assert strict.status == 3
    assert "(counts with --evidence promised)" in strict.out


def test_the_level_is_promised_unless_another_is_asked_for(make: Factory, run: Run) -> None:
    wheel = make.for_both("taker")
    arguments = ("judge", wheel, "--old", make.numpy_1(), "--new", make.numpy_2())
    assert run(*arguments) == run(*arguments, "--evidence", "promised")
    assert run(*arguments) != run(*arguments, "--evidence", "proven")


def test_help_lists_the_options(run: Run) -> None:
    helped = run("judge", "--help")
    assert helped.status == 0
    for word in ("--old", "--new", "--evidence", "--format", "Exit status"):
        assert word in helped.out


def _members(**replaced: object) -> list[RawMember]:
    members = wheel_members({"a.py": b"x = 1\n"})
    return [
        RawMember(name=name.encode(), data=data, **(replaced if name == "a.py" else {}))  # type: ignore[arg-type]
        for name, data in members.items()
    ]


def _truncated() -> bytes:
    data = raw_archive(_members())
    return data[: len(data) // 2]


_BAD = {
    "not a zip": b"this is no zip archive at all",
    "empty": b"",
    "truncated": _truncated(),
    "an empty zip": raw_archive([]),
    "no dist-info": raw_archive([RawMember(name=b"a.py", data=b"")]),
    "name with ..": raw_archive([RawMember(name=b"../a.py", data=b""), *_members()]),
    "absolute name": raw_archive([RawMember(name=b"/etc/a.py", data=b""), *_members()]),
    "absurd size": raw_archive(_members(declared_size=2**31 - 1)),
    "absurd packed size": raw_archive(_members(declared_packed_size=2**31 - 1)),
    "absurd ZIP64 size": raw_archive(_members(declared_size=2**62, zip64=True)),
    "wrong checksum of METADATA": raw_archive(
        [
            RawMember(
                name=each.name,
                data=each.data,
                declared_crc32=7 if b"METADATA" in each.name else None,
            )
            for each in _members()
        ]
    ),
    "control characters": raw_archive([RawMember(name=b"../\x1b[31m\n", data=b""), *_members()]),
}


@pytest.mark.parametrize("side", ["consumer", "old", "new"])
@pytest.mark.parametrize("data", list(_BAD.values()), ids=list(_BAD))
@pytest.mark.parametrize("form", ["text", "json"])
def test_bad_wheels_are_refused_in_one_line(
    run: Run, tmp_path: Path, side: str, data: bytes, form: str
) -> None:
    wheels = {
        "consumer": make_wheel(tmp_path, name="taker", files={"a.py": b""}),
        "old": make_wheel(tmp_path, version="1", files={"a.py": b""}),
        "new": make_wheel(tmp_path, version="2", files={"a.py": b""}),
    }
    wheels[side].write_bytes(data)
    line = assert_refused(
        run("judge", wheels["consumer"], "--old", wheels["old"], "--new", wheels["new"],
            "--format", form)
    )  # fmt: skip
    assert wheels[side].name in line
    assert "\x1b" not in line


def test_places_that_are_no_wheels(run: Run, tmp_path: Path, make: Factory) -> None:
    good = ("--old", make.numpy_1(), "--new", make.numpy_2())
    assert "no such file" in assert_refused(run("judge", tmp_path / "none.whl", *good))
    assert "is a directory" in assert_refused(run("judge", tmp_path, *good))


def test_wheels_that_do_not_belong_together(run: Run, make: Factory) -> None:
    one, two, other = make.numpy_1(), make.numpy_2(), make.library("1.0")
    consumer = make.extension("taker")
    line = assert_refused(run("judge", consumer, "--old", one, "--new", other))
    assert "one project, not numpy and gift" in line
    line = assert_refused(run("judge", one, "--old", one, "--new", two))
    assert "numpy cannot be the consumer of itself" in line


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["judge"],
        ["judge", "a.whl"],
        ["judge", "a.whl", "--old", "b.whl"],
        ["judge", "a.whl", "--old", "b.whl", "--new", "c.whl", "d.whl"],
        ["judge", "a.whl", "--old", "b.whl", "--new", "c.whl", "--evidence", "hearsay"],
        ["judge", "a.whl", "--old", "b.whl", "--new", "c.whl", "--format", "xml"],
        ["judge", "--nonsense"],
        ["nonsense"],
        ["judge", "x" * 300 + ".whl", "--old", "b.whl", "--new", "c.whl"],
    ],
)
def test_wrong_usage_is_one_line(run: Run, arguments: list[str]) -> None:
    assert_refused(run(*arguments))
