from __future__ import annotations

import json
from pathlib import Path

from tests.resolver_check.cli.conftest import Run, assert_refused
from tests.support.wheel_factory import make_wheel


def made(directory: Path, place: str, **keywords: object) -> Path:
    (directory / place).mkdir()
    files = {"demo.py": b"x = 1\n", **keywords.pop("more", {})}  # type: ignore[dict-item]
    return make_wheel(directory / place, files=files, **keywords)  # type: ignore[arg-type]


def test_the_same_wheel_exits_with_0(tmp_path: Path, run: Run) -> None:
    wheel = made(tmp_path, "a")
    ran = run("diff", wheel, wheel)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        f"same: {wheel.name}, {wheel.name}",
        "  every file has the same bytes; 4 files are the same",
    ]


def test_noise_exits_with_0_and_is_named(tmp_path: Path, run: Run) -> None:
    one = made(tmp_path, "a", requires=["a", "b"])
    ran = run("diff", one, made(tmp_path, "b", requires=["b", "a"]))
    assert ran.status == 0
    assert ran.out.splitlines()[:3] == [
        f"equal: {one.name}, {one.name}",
        "  only what says nothing of the content differs; 2 files are the same",
        "  · demo-1.0.dist-info/METADATA: order or white space only",
    ]


def test_content_exits_with_1_and_is_named_before_noise(tmp_path: Path, run: Run) -> None:
    one = made(tmp_path, "a", more={"gone.py": b""})
    other = made(tmp_path, "b", requires=["a\x1bc"], more={"demo.py": b"x = 2\n"})
    ran = run("diff", one, other)
    assert (ran.status, ran.err) == (1, "")
    assert ran.out.splitlines() == [
        f"different: {one.name}, {one.name}",
        "  content differs; 1 files are the same",
        "  - demo-1.0.dist-info/METADATA: header Requires-Dist: none -> a�c",
        "  - demo.py: differs",
        "  - gone.py: only in the first wheel",
        "  · demo-1.0.dist-info/RECORD: order or digests of what differs",
        "  - interface: module gone",
    ]


def test_what_others_bind_to_can_be_equal_where_content_is_not(tmp_path: Path, run: Run) -> None:
    one, other = made(tmp_path, "a"), made(tmp_path, "b", more={"demo.py": b"x = 2\n"})
    ran = run("diff", one, other)
    assert ran.status == 1
    assert ran.out.startswith("interface-equal: ")


def test_programs_get_every_difference(tmp_path: Path, run: Run) -> None:
    one, other = made(tmp_path, "a"), made(tmp_path, "b", requires=["a"])
    ran = run("diff", one, other, "--format", "json")
    assert ran.status == 1
    assert json.loads(ran.out) == {
        "outcome": "interface-equal",
        "first": one.name,
        "second": other.name,
        "same_files": 2,
        "differences": [
            {
                "path": "demo-1.0.dist-info/METADATA",
                "kind": "header",
                "name": "Requires-Dist",
                "first": None,
                "second": "a",
            }
        ],
        "noise": [
            {
                "path": "demo-1.0.dist-info/RECORD",
                "kind": "record",
                "name": "",
                "first": None,
                "second": None,
            }
        ],
        "interface_differences": [],
    }
    same = json.loads(run("diff", one, one, "--format", "json").out)
    assert (same["outcome"], same["interface_differences"]) == ("same", None)


def test_what_cannot_be_compared_is_refused(tmp_path: Path, run: Run) -> None:
    one, other = made(tmp_path, "a"), made(tmp_path, "b", name="other")
    assert "not two wheels of one project" in assert_refused(run("diff", one, other))
    assert "no such file" in assert_refused(run("diff", one, tmp_path / "gone.whl"))
    assert_refused(run("diff", one))
    other.write_bytes(one.read_bytes()[:-40])
    assert_refused(run("diff", one, other))
