from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver_check.compare.wheels.difference import Difference, Kind
from resolver_check.compare.wheels.texts import (
    entry_point_differences,
    listing_differences,
    metadata_differences,
    script_difference,
    wheel_file_differences,
)

METADATA = b"Metadata-Version: 2.1\nName: demo\nRequires-Dist: a\nRequires-Dist: b>=1\n\nIt is.\n"
WHEEL = b"Wheel-Version: 1.0\nGenerator: one 1\nRoot-Is-Purelib: false\nTag: py3-none-any\n"
ENTRY_POINTS = b"[console_scripts]\none = demo:one\ntwo = demo:two\n[demo.plug]\nx = demo:x\n"


def of_metadata(first: bytes, second: bytes) -> list[Difference]:
    return list(metadata_differences("METADATA", first, second))


def of_wheel_file(first: bytes, second: bytes) -> list[Difference]:
    return list(wheel_file_differences("WHEEL", first, second))


def of_entry_points(first: bytes, second: bytes) -> list[Difference]:
    return list(entry_point_differences("entry_points.txt", first, second))


def test_the_order_of_headers_says_nothing() -> None:
    other = METADATA.replace(b"a\nRequires-Dist: b>=1", b"b>=1\nRequires-Dist: a")
    assert other != METADATA
    assert [each.kind for each in of_metadata(METADATA, other)] == [Kind.ORDER]


def test_each_header_that_differs_is_named_with_its_values() -> None:
    other = METADATA.replace(b"b>=1", b"b>=2").replace(b"Name: demo", b"Name: demo\nAuthor: me")
    found = {
        each.name: (each.kind, each.first, each.second) for each in of_metadata(METADATA, other)
    }
    assert found == {
        "Author": (Kind.HEADER, None, "me"),
        "Requires-Dist": (Kind.HEADER, "b>=1", "b>=2"),
    }


def test_a_header_that_stands_twice_is_another_than_one_that_stands_once() -> None:
    other = METADATA.replace(b"Requires-Dist: a\n", b"Requires-Dist: a\n" * 2)
    assert [each.name for each in of_metadata(METADATA, other)] == ["Requires-Dist"]


def test_the_description_is_one() -> None:
    (found,) = of_metadata(METADATA, METADATA + b"And more.\n")
    assert (found.kind, found.name) == (Kind.HEADER, "Description")


@pytest.mark.parametrize(
    "other",
    [
        METADATA.replace(b"Requires-Dist: a", b"Requires-Dist: a\n    and a line more"),
        METADATA.replace(b"Name: demo", b"Name: dem\xff"),
        METADATA.replace(b"Name: demo\n", b"Name: demo\nno header\n"),
        METADATA.replace(b"Name: demo\n", b"Name: demo\nFrom here\n"),
        METADATA.replace(b"Name: demo\n", b"Name: demo\n: nameless\n"),
        b" folded" + METADATA,
        b"\n" + METADATA,
    ],
)
def test_no_line_is_passed_over(other: bytes) -> None:
    assert all(each.kind is Kind.HEADER for each in of_metadata(METADATA, other))
    assert of_metadata(METADATA, other)


def test_what_is_not_utf_8_can_be_printed() -> None:
    (found,) = of_metadata(METADATA, METADATA.replace(b"Name: demo", b"Name: dem\xff"))
    assert found.second is not None
    assert found.second.encode() == b"dem\\udcff"


def test_long_values_are_cut() -> None:
    (found,) = of_metadata(METADATA, METADATA.replace(b"Name: demo", b"Name: " + b"x" * 9999))
    assert found.second is not None
    assert len(found.second) == 200


def test_generator_and_build_tag_are_noise_and_the_rest_of_wheel_is_not() -> None:
    other = WHEEL.replace(b"one 1", b"two 2") + b"Build: 1\n"
    found = of_wheel_file(WHEEL, other)
    assert [(each.name, each.is_noise) for each in found] == [("Build", True), ("Generator", True)]
    for old, new in ((b"py3-none-any", b"py2-none-any"), (b"false", b"true")):
        (counts,) = of_wheel_file(WHEEL, WHEEL.replace(old, new))
        assert counts.kind is Kind.HEADER


def test_entry_points_are_compared_by_section_and_name() -> None:
    moved = b"[demo.plug]\nx=demo:x\n# here\n[console_scripts]\ntwo = demo:two\none = demo:one\n"
    assert [each.kind for each in of_entry_points(ENTRY_POINTS, moved)] == [Kind.ORDER]
    other = ENTRY_POINTS.replace(b"demo:two", b"demo:other").replace(b"x = ", b"X = ")
    assert [
        (each.name, each.first, each.second) for each in of_entry_points(ENTRY_POINTS, other)
    ] == [
        ("console_scripts: two", "demo:two", "demo:other"),
        ("demo.plug: X", None, "demo:x"),
        ("demo.plug: x", "demo:x", None),
    ]


@pytest.mark.parametrize(
    "malformed",
    [b"one = demo\n", b"[a]\nx = 1\nx = 2\n", b"[a]\nx\n", b"\xff", b"[\0]\nx = 1\n", b"[a\n"],
)
def test_malformed_entry_points_are_compared_by_their_bytes(malformed: bytes) -> None:
    assert [each.kind for each in of_entry_points(ENTRY_POINTS, malformed)] == [Kind.BYTES]
    assert [each.kind for each in of_entry_points(malformed, malformed + b"#")] == [Kind.BYTES]


def test_record_counts_by_what_it_lists() -> None:
    def found(first: dict[str, str | None], second: dict[str, str | None]) -> list[Kind]:
        told, same = frozenset({"told.py"}), frozenset({"same.py"})
        return [
            each.kind for each in listing_differences("RECORD", first, second, told=told, same=same)
        ]  # fmt: skip

    rows: dict[str, str | None] = {"same.py": "sha256=a", "changed.py": "sha256=b"}
    assert found(rows, {**rows, "changed.py": "sha256=c"}) == [Kind.RECORD]
    assert found(rows, {**rows, "told.py": "sha256=c"}) == [Kind.RECORD]
    assert found(rows, {**rows, "same.py": "sha256=c"}) == [Kind.LISTING]
    assert found(rows, {**rows, "same.py": None}) == [Kind.LISTING]
    assert found(rows, {**rows, "ghost.py": None}) == [Kind.LISTING]


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        ("#!python", "#!/tmp/build/bin/python3.11", Kind.INTERPRETER_PATH),
        ("#!/usr/bin/env python3", "#!/opt/python", Kind.INTERPRETER_PATH),
        ("#!/a/python -E", "#!/b/python -E", Kind.INTERPRETER_PATH),
        ("#!/a/python -E", "#!/a/python", Kind.BYTES),
        ("#!python", "#!pythonw", Kind.BYTES),
        ("#!python", "#!/usr/bin/python2", Kind.BYTES),
        ("#!/bin/sh", "#!/bin/bash", Kind.BYTES),
        ("#!python", "import demo", Kind.BYTES),
    ],
)
def test_the_path_of_python_in_a_script_is_noise(first: str, second: str, kind: Kind) -> None:
    one, other = (f"{line}\nimport demo\n".encode() for line in (first, second))
    assert script_difference("demo", one, other).kind is kind
    assert script_difference("demo", other, one).kind is kind


def test_another_body_of_a_script_counts() -> None:
    assert script_difference("demo", b"#!python\na()\n", b"#!/b/python\nb()\n").kind is Kind.BYTES
    assert script_difference("demo", b"#!python", b"#!/b/python").kind is Kind.BYTES


TEXT = st.lists(
    st.sampled_from(
        [b"A: 1\n", b"A: 2\n", b"B:\n", b" x\n", b"\n", b"[a]\n", b"x = 1\n", b"\xff\n"]
    ),
    max_size=6,
).map(b"".join)


@given(TEXT, TEXT)
def test_texts_never_raise_and_agree_either_way(first: bytes, second: bytes) -> None:
    for compared in (of_metadata, of_wheel_file, of_entry_points):
        there, back = compared(first, second), compared(second, first)
        assert there
        assert [(e.kind, e.name, e.first, e.second) for e in there] == [
            (e.kind, e.name, e.second, e.first) for e in back
        ]
