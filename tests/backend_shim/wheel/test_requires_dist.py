"""METADATA is narrowed by further lines, and every line that was there stays as it was."""

from __future__ import annotations

from email.parser import BytesParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from backend_shim.wheel.requires_dist import narrowed

HEAD = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
BODY = b"\nRequires-Dist: numpy\n\nThe text.\n"
NUMPY = {"numpy": (">=1.23", "<2")}


def added(*requirements: str) -> list[str]:
    """The lines that `requirements` get."""
    lines = "".join(f"Requires-Dist: {each}\n" for each in requirements).encode()
    before, after = HEAD + lines + BODY, narrowed(HEAD + lines + BODY, NUMPY)
    assert after.startswith(HEAD + lines)
    assert after.endswith(BODY)
    found = after[len(HEAD + lines) : len(after) - len(BODY)].decode().splitlines()
    assert len(before) == len(after) - sum(len(each) + 1 for each in found)
    return [each.removeprefix("Requires-Dist: ") for each in found]


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("numpy", ["numpy>=1.23,<2"]),
        ("NumPy (>=1.19)", ["numpy>=1.23,<2"]),
        ("numpy >= 1.23 , <3", ["numpy<2"]),
        ("numpy>=1.23.0,<2.0", []),
        ("numpy>=1.25,<1.27", []),
        ("numpy~=1.25", ["numpy<2"]),
        ("numpy==1.26.4", ["numpy<2"]),
        ("numpy!=1.24,<=2", ["numpy>=1.23,<2"]),
        ("numpy[fast]", ["numpy>=1.23,<2"]),
        ('numpy>=1.19; python_version >= "3.9"', ['numpy>=1.23,<2 ; python_version >= "3.9"']),
        ("numpy ; extra == 'fast'", ["numpy>=1.23,<2 ; extra == 'fast'"]),
        # Of a file that is named there is nothing to choose.
        ("numpy @ https://example.org/numpy-1.26.4.whl", []),
        ("numpydoc>=1", []),
        ("not a requirement !", []),
    ],
)
def test_the_lines_that_a_requirement_gets(requirement: str, expected: list[str]) -> None:
    assert added(requirement) == expected
    for each in expected:
        assert Requirement(each).name == "numpy"


def test_each_requirement_of_the_provider_is_narrowed_with_its_own_marker() -> None:
    assert added("numpy; python_version<'3.9'", "six", "numpy>=2.1; python_version>='3.13'") == [
        "numpy>=1.23,<2 ; python_version<'3.9'",
        "numpy<2 ; python_version>='3.13'",
    ]


def test_a_project_that_is_not_required_stays_so() -> None:
    assert added("six") == []


def test_it_is_done_once() -> None:
    once = narrowed(HEAD + b"Requires-Dist: numpy\n" + BODY, NUMPY)
    assert once != HEAD + b"Requires-Dist: numpy\n" + BODY
    assert narrowed(once, NUMPY) == once


@pytest.mark.parametrize("release", ["2.1.0", "2.1.0rc1", "2.1.0.post1"])
def test_what_is_required_to_the_letter_is_not_said_again(release: str) -> None:
    exact = HEAD + f"Requires-Dist: torch=={release}\n".encode() + BODY
    assert narrowed(exact, {"torch": [f"=={release}"]}) == exact


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_folded_lines_and_other_line_ends_are_kept(ending: bytes) -> None:
    lines = [b"Name: demo", b"Requires-Dist: numpy", b"   >=1.19", b"License: MIT", b"", b"Text"]
    found = narrowed(ending.join(lines), NUMPY).split(ending)
    assert found == [*lines[:3], b"Requires-Dist: numpy>=1.23,<2", *lines[3:]]


def test_metadata_without_a_body_and_without_a_last_line_end() -> None:
    found = narrowed(HEAD + b"Requires-Dist: numpy", NUMPY)
    assert found == HEAD + b"Requires-Dist: numpy\nRequires-Dist: numpy>=1.23,<2\n"


def test_what_is_no_text_stays() -> None:
    start = HEAD + b"Author: \xff\xfe\nRequires-Dist: numpy\n"
    assert narrowed(start, NUMPY) == start + b"Requires-Dist: numpy>=1.23,<2\n"


@given(st.binary())
def test_any_bytes_only_get_longer_by_whole_lines(data: bytes) -> None:
    assert narrowed(data, {}) == data
    found = narrowed(data, NUMPY)
    assert len(found) >= len(data)


@pytest.mark.parametrize("end", range(0, 80, 3))
def test_every_prefix_is_read_like_an_email(end: int) -> None:
    start = (HEAD + b"Requires-Dist: numpy\nLicense: MIT\n" + BODY)[:end]
    before = BytesParser().parsebytes(start).get_all("Requires-Dist", [])
    after = BytesParser().parsebytes(narrowed(start, NUMPY)).get_all("Requires-Dist", [])
    assert after[: len(before)] == before
    assert len(after) - len(before) == (before == ["numpy"])
