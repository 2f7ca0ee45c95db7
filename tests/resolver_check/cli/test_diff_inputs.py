"""`resolver-check diff-inputs`: skip, rebuild or unknown, with every input that changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from backend_shim.embed import embed
from backend_shim.record.build_inputs import BuildInputs, BuildRequirement
from backend_shim.record.names import BUILD_INPUTS
from backend_shim.record.read_set import Capture, ReadFiles, Role, listing_digest
from backend_shim.wheel.archive import WheelArchive
from backend_shim.wheel.rewrite import add_dist_info_files
from resolver_check.scan.installed_files import installed_files
from tests.backend_shim.record.example_inputs import INPUTS
from tests.resolver_check.cli.conftest import Run, assert_refused
from tests.support.served_index import Manners, ServedIndex
from tests.support.wheel_factory import make_wheel

HEADER = "gift/include/gift.h"
PLAIN = replace(
    INPUTS, name="demo", version="1.0", config_settings=(), requirements=(), capture=Capture()
)


def recorded(directory: Path, inputs: BuildInputs = PLAIN) -> Path:
    wheel = make_wheel(directory, files={"demo.py": b"x = 1\n"})
    embed(wheel, build_inputs=inputs, looked_for=())
    return wheel


def written(directory: Path, inputs: BuildInputs = PLAIN) -> Path:
    path = directory / "new.json"
    path.write_bytes(inputs.to_json())
    return path


def test_nothing_changed_is_a_skip(tmp_path: Path, run: Run) -> None:
    wheel, new = recorded(tmp_path), written(tmp_path)
    text = run("diff-inputs", wheel, new)
    assert (text.status, text.err) == (0, "")
    assert text.out.startswith(f"skip: {wheel.name}\n  + build inputs unchanged")
    table = json.loads(run("diff-inputs", wheel, new, "--format", "json").out)
    assert table == {
        "wheel": wheel.name,
        "status": "skip",
        "changes": [],
        "not_compared": [],
        "notes": [],
    }


def test_system_packages_are_named_where_only_the_old_build_read_some(
    tmp_path: Path, run: Run
) -> None:
    wheel = recorded(tmp_path)
    before = written(tmp_path, replace(PLAIN, system_packages=()))
    text = run("diff-inputs", wheel, before)
    assert text.status == 0
    assert "that the build read are not compared: libc6-dev:amd64 2.36-9\n" in text.out
    table = json.loads(run("diff-inputs", wheel, before, "--format", "json").out)
    assert table["not_compared"] == ["libc6-dev:amd64 2.36-9"]


def test_each_change_is_named_with_old_and_new(tmp_path: Path, run: Run) -> None:
    changed = replace(PLAIN, version="1.1", environment=(("CFLAGS", "-O3"),))
    wheel, new = recorded(tmp_path), written(tmp_path, changed)
    text = run("diff-inputs", wheel, new)
    assert (text.status, text.err) == (1, "")
    assert text.out.splitlines() == [
        f"rebuild: {wheel.name}",
        "  - version: 1.0 -> 1.1",
        "  - environment variable CFLAGS: -O2 -I{source}/include -> -O3",
        "  - environment variable SOURCE_DATE_EPOCH: 1700000000 -> none",
    ]
    table = json.loads(run("diff-inputs", wheel, new, "--format", "json").out)
    assert (table["status"], len(table["changes"])) == ("rebuild", 3)
    assert table["changes"][0] == {
        "input": "version", "name": "", "old": "1.0", "new": "1.1", "excuse": None, "detail": None,
    }  # fmt: skip


def test_a_redacted_value_is_not_known_to_be_the_same(tmp_path: Path, run: Run) -> None:
    hidden = replace(PLAIN, config_settings=(("token", "{redacted}"),))
    ran = run("diff-inputs", recorded(tmp_path, hidden), written(tmp_path, hidden))
    assert ran.status == 1
    assert "hidden in the record, so not known to be the same" in ran.out


@pytest.mark.parametrize("record", [None, b"\xff", b'{"schema_version": "9"}'])
def test_a_wheel_without_a_usable_record_is_unknown(
    tmp_path: Path, run: Run, record: bytes | None
) -> None:
    wheel = make_wheel(tmp_path, files={"demo.py": b""})
    if record is not None:
        add_dist_info_files(wheel, {BUILD_INPUTS: record})
    text = run("diff-inputs", wheel, written(tmp_path))
    assert (text.status, text.err) == (3, "")
    assert text.out.startswith(f"unknown: {wheel.name}\n")
    assert ("is not used: " in text.out) == (record is not None)
    table = json.loads(run("diff-inputs", wheel, written(tmp_path), "--format", "json").out)
    assert (table["status"], table["changes"]) == ("unknown", [])


def test_input_that_cannot_be_used_is_refused(tmp_path: Path, run: Run) -> None:
    wheel, new = recorded(tmp_path), written(tmp_path)
    assert "gone.json" in assert_refused(run("diff-inputs", wheel, tmp_path / "gone.json"))
    assert_refused(run("diff-inputs", tmp_path / "gone.whl", new))
    assert_refused(run("diff-inputs", wheel, new, "--source", tmp_path / "gone"))
    assert_refused(run("diff-inputs", wheel, tmp_path))
    document = json.loads(new.read_bytes())
    document["build_definition"]["internalParameters"]["backend"]["name"] = 7
    new.write_text(json.dumps(document))
    said = assert_refused(run("diff-inputs", wheel, new))
    assert str(new) in said
    assert "$.build_definition.internalParameters.backend.name: must be a string" in said
    new.write_bytes(b" " * (17 << 20))
    assert "larger than" in assert_refused(run("diff-inputs", wheel, new))


@pytest.fixture
def gifts(tmp_path: Path) -> dict[str, Path]:
    """Two versions of a requirement with much in them beside the header that was read."""
    place = tmp_path / "gifts"
    place.mkdir()
    ballast = bytes(range(256)) * 4
    return {
        version: make_wheel(
            place, name="gift", version=version, compression=0,
            files={
                "gift/big.bin": ballast * 2000,
                HEADER: b"int gift;\n",
                "gift/version.py": version.encode(),
            },
        )
        for version in ("1.0", "1.1")
    }  # fmt: skip


def requires(wheel: Path, *, read: bool) -> BuildInputs:
    with WheelArchive.open(wheel) as archive:
        files = installed_files(archive.manifest)
    digests = ((Role.HEADER, HEADER, files[HEADER]),) if read else ()
    gift = BuildRequirement(
        name="gift", version=wheel.name.split("-")[1], read=ReadFiles(digests=digests),
        digests=(("record", listing_digest(files.items())),),
    )  # fmt: skip
    capture = Capture(method="inotify", is_complete=True)
    return replace(PLAIN, requirements=(gift,), capture=capture)


def test_a_requirement_is_excused_by_the_record_of_its_new_wheel_which_is_not_downloaded(
    tmp_path: Path, gifts: dict[str, Path], run: Run
) -> None:
    wheel = recorded(tmp_path, requires(gifts["1.0"], read=True))
    new = written(tmp_path, requires(gifts["1.1"], read=False))
    with ServedIndex(gifts["1.0"].parent, Manners(form="json")) as index:
        ran = run("diff-inputs", wheel, new, "--source", index.url)
        assert index.sent < gifts["1.0"].stat().st_size / 2
        assert {status for _, _, status in index.file_requests} == {206}
    assert (ran.status, ran.err) == (0, "")
    assert (
        "  · build requirement gift: 1.0 -> 1.1: all that the build takes from it is unchanged\n"
    ) in ran.out
    local = run("diff-inputs", wheel, new, "--source", gifts["1.0"].parent)
    assert local == ran
    strict = run(
        "diff-inputs", wheel, new, "--source", gifts["1.0"].parent, "--strict-build-requirements"
    )
    assert strict.status == 1
    assert "  - build requirement gift: 1.0 -> 1.1\n" in strict.out


def test_a_requirement_whose_wheel_cannot_be_read_has_changed(
    tmp_path: Path, gifts: dict[str, Path], run: Run
) -> None:
    wheel = recorded(tmp_path, requires(gifts["1.0"], read=True))
    new = written(tmp_path, requires(gifts["1.1"], read=False))
    ran = run("diff-inputs", wheel, new)
    assert ran.status == 1
    assert "the RECORD of the new version is not at hand" in ran.out
    gifts["1.1"].write_bytes(b"no wheel")
    ran = run("diff-inputs", wheel, new, "--source", gifts["1.0"].parent)
    assert (ran.status, ran.err) == (1, "")
    assert "note: not read: gift 1.1: " in ran.out


def test_the_wheel_may_lie_behind_a_url(tmp_path: Path, run: Run) -> None:
    place = tmp_path / "served"
    place.mkdir()
    wheel = recorded(place)
    with ServedIndex(place) as index:
        ran = run("diff-inputs", f"{index.origin}/files/{wheel.name}", written(tmp_path))
    assert (ran.status, ran.err) == (0, "")


def test_what_a_record_says_does_not_reach_the_terminal_as_it_is(tmp_path: Path, run: Run) -> None:
    rude = replace(PLAIN, environment=(("CFLAGS", "\x1b[2J\nskip: all"),))
    ran = run("diff-inputs", recorded(tmp_path, rude), written(tmp_path))
    assert "\x1b" not in ran.out
    assert ran.out.count("\n") == 3
