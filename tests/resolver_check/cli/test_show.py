"""`resolver-check show`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend_shim.embed import embed
from backend_shim.record.names import BUILD_INPUTS, FINGERPRINT
from backend_shim.wheel.archive import WheelArchive
from backend_shim.wheel.rewrite import add_dist_info_files
from tests.backend_shim.record.example_inputs import INPUTS
from tests.resolver_check.cli.conftest import Run, assert_refused
from tests.resolver_check.conftest import Factory
from tests.support.served_index import ServedIndex
from tests.support.wheel_factory import make_wheel


def test_shows_what_is_derived(make: Factory, run: Run) -> None:
    wheel = make.linked()
    text = run("show", wheel)
    assert (text.status, text.err) == (0, "")
    assert "fingerprint derived from the binaries: it carries no record" in text.out
    assert "build inputs: not recorded" in text.out
    table = json.loads(run("show", wheel, "--format", "json").out)
    assert table["derived"] == ["it carries no record"]
    assert table["build_inputs"] is None
    assert table["fingerprint"]["objects"][0]["needed"] == ["libgift.so.1"]


def test_shows_records(make: Factory, run: Run) -> None:
    wheel = make.linked()
    embed(wheel, build_inputs=INPUTS, looked_for=())
    text = run("show", wheel)
    assert "derived from" not in text.out
    assert "build inputs: recorded" in text.out
    table = json.loads(run("show", wheel, "--format", "json").out)
    assert (table["derived"], table["problems"]) == ([], [])
    assert table["build_inputs"] == json.loads(INPUTS.to_json())


def test_shows_a_pure_wheel(tmp_path: Path, run: Run) -> None:
    assert "no binaries" in run("show", make_wheel(tmp_path, files={"a.py": b""})).out


def test_a_record_that_cannot_be_used_is_said_and_not_shown(make: Factory, run: Run) -> None:
    wheel = make.linked()
    embed(wheel, build_inputs=INPUTS, looked_for=())
    add_dist_info_files(wheel, {FINGERPRINT: b'{"schema_version":"7"}', BUILD_INPUTS: b"\xff"})
    text = run("show", wheel)
    assert (text.status, text.err) == (0, "")
    assert text.out.count("unusable record: ") == 2
    table = json.loads(run("show", wheel, "--format", "json").out)
    assert len(table["problems"]) == 2
    assert "only '0.1' is understood" in table["derived"][0]
    assert table["build_inputs"] is None


def test_shows_a_wheel_behind_a_url(make: Factory, run: Run) -> None:
    wheel = make.linked()
    with ServedIndex(make.directory) as index:
        remote = run("show", f"{index.origin}/files/{wheel.name}", "--format", "json")
        assert remote == run("show", wheel, "--format", "json")
        line = assert_refused(run("show", f"{index.origin}/files/none-1.0-py3-none-any.whl"))
        assert "404" in line
        assert_refused(run("show", f"{index.origin}/files/what.whl"))


@pytest.mark.parametrize(
    "wheel",
    [
        "none.whl", ".", "", "http://", "http://[x/demo-1.0-py3-none-any.whl",
        "http://127.0.0.1:1/demo-1.0-py3-none-any.whl", "HTTP://127.0.0.1:1/x",
        "http://user:secret@127.0.0.1:1/demo-1.0-py3-none-any.whl?token=secret",
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["text", "json"])
def test_what_is_not_there_is_one_line(run: Run, wheel: str, form: str) -> None:
    assert "secret" not in assert_refused(run("show", wheel, "--format", form))


@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip", b"PK\x05\x06" + b"\0" * 18])
def test_bad_wheels_are_refused_in_one_line(run: Run, tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "bad-1.0-py3-none-any.whl"
    path.write_bytes(data)
    assert "bad-1.0-py3-none-any.whl" in assert_refused(run("show", path))


def test_what_a_wheel_says_does_not_reach_the_terminal(make: Factory, run: Run) -> None:
    files = {"taker/\x1b[31mred.so": make.module("taker")}
    shown = run("show", make.extension("taker", files=files))
    assert shown.status == 0
    assert "\x1b" not in shown.out


def test_help_lists_the_options(run: Run) -> None:
    helped = run("show", "--help")
    assert helped.status == 0
    assert "--format" in helped.out


def test_says_where_the_tags_promise_too_much(make: Factory, run: Run) -> None:
    wheel = make.extension("taker", tag="cp38-abi3-manylinux_2_17_x86_64")
    said = "its tag cp38-abi3-manylinux_2_17_x86_64 promises later Pythons, too"
    assert f"  note: {said}" in run("show", wheel).out
    (finding,) = json.loads(run("show", wheel, "--format", "json").out)["findings"]
    assert finding.startswith(said)
    fine = make.extension("giver")
    assert json.loads(run("show", fine, "--format", "json").out)["findings"] == []


def test_facts_of_a_wrong_shape_are_read_anew(make: Factory, run: Run) -> None:
    wheel = make.extension("taker", tag="cp38-abi3-manylinux_2_17_x86_64")
    embed(wheel, build_inputs=None, looked_for=())
    with WheelArchive.open(wheel) as archive:
        record = archive.read(f"{archive.dist_info}/{FINGERPRINT}")
    broken = record.replace(b'"extension_suffixes":[', b'"extension_suffixes":[1,')
    add_dist_info_files(wheel, {FINGERPRINT: broken})
    assert "promises later Pythons" in run("show", wheel).out
