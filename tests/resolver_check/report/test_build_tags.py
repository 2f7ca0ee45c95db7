"""Our segment of a build tag: what it says, and the file that fromager's hook reads it from."""

from __future__ import annotations

from dataclasses import replace

import pytest
from packaging.utils import parse_wheel_filename

from backend_shim.errors import InvalidRecord
from resolver_check.report.build_tags import (
    Segment,
    cause_of,
    read_segments,
    segment_of,
    segments_json,
)
from tests.support.synthetic_plan import TAG, plan_of, reference

SEGMENTS = {"taker==1.0": "abi001.0123abcd", "gift==2!1.0+x": "abi1000.ffffffff"}


@pytest.mark.parametrize(
    ("build", "segment"),
    [
        (None, None),
        ("1", None),
        ("1_abi001.0123abcd", Segment(number=1, cause="0123abcd")),
        ("12_cpu_abi040.0123abcd", Segment(number=40, cause="0123abcd")),
        ("1_abi01.0123abcd", None),
        ("1_abi001.0123abcg", None),
        ("1_xabi001.0123abcd", None),
    ],
)
def test_a_segment_is_read_from_the_build_tag(build: str | None, segment: Segment | None) -> None:
    tag = TAG if build is None else f"{build}-{TAG}"
    assert segment_of(reference("taker", "1.0", tag)) == segment


def test_installers_prefer_the_latest_rebuild() -> None:
    segments = [
        Segment(number=number, cause=cause) for number, cause in ((1, "f"), (2, "a"), (10, "0"))
    ]
    names = ["taker-1.0-1-py3-none-any.whl"]
    names += [f"taker-1.0-1_{each}-py3-none-any.whl" for each in segments]
    builds = [parse_wheel_filename(name)[2] for name in names]
    assert builds == sorted(builds)


def test_another_bump_or_build_of_it_is_another_cause_and_another_platform_is_not() -> None:
    (bump,) = plan_of().bumps
    again = replace(bump, new=reference("numpy", "2.0.2", f"2-{TAG}"))
    elsewhere = replace(bump, new=reference("numpy", "2.0.2", "cp311-cp311-macosx_14_0_arm64"))
    further = replace(bump, request=replace(bump.request, new=None))
    causes = [cause_of([each]) for each in (bump, again, further, replace(bump, new=None))]
    assert len({*causes, cause_of([bump, again])}) == 5
    assert cause_of([elsewhere]) == cause_of([bump])
    assert cause_of([further, bump]) == cause_of([bump, further])


def test_build_tags_are_read_as_they_were_written() -> None:
    assert read_segments(segments_json(SEGMENTS)) == SEGMENTS


@pytest.mark.parametrize(
    "data",
    [
        b"[]",
        b'{"schema_version":"9","segments":{}}',
        b'{"schema_version":"0.1"}',
        b'{"schema_version":"0.1","segments":{"a==1":1}}',
        b'{"schema_version":"0.1","segments":{"a==1":"not a segment"}}',
        b'{"schema_version":"0.1","segments":{"a==1":"abi001.0123abcd\\n"}}',
    ],
)
def test_other_build_tags_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidRecord):
        read_segments(data)


def test_every_prefix_of_build_tags_is_refused() -> None:
    whole = segments_json(SEGMENTS).rstrip()
    for length in range(len(whole)):
        with pytest.raises(InvalidRecord):
            read_segments(whole[:length])
