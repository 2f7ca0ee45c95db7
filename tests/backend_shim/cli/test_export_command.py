"""`export` writes what the records say, and nothing for a wheel that they do not speak for."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from backend_shim.cli import main
from backend_shim.embed import embed
from backend_shim.exports.cyclonedx import bill_of_materials
from backend_shim.record.canonical import canonical_json
from backend_shim.record.names import BUILD_INPUTS, SBOM
from backend_shim.wheel.rewrite import add_dist_info_files
from tests.backend_shim.record.example_inputs import INPUTS
from tests.support.wheel_factory import make_wheel

BUILDER = ["--builder-id", "https://example.org/farm"]
FORMATS: dict[str, list[str]] = {"cyclonedx": [], "in-toto": BUILDER, "abi-dependency": []}


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = make_wheel(tmp_path, files={"demo.py": b"x = 1\n"})
    embed(path, build_inputs=INPUTS, looked_for=())
    return path


def export(wheel: Path, form: str, *more: str) -> int:
    return main(["export", str(wheel), "--format", form, *FORMATS[form], *more])


def printed(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_the_document_is_the_one_that_a_build_would_have_put_in(
    wheel: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(wheel, "cyclonedx") == 0
    exported = capsys.readouterr().out.encode()
    assert exported == canonical_json(bill_of_materials(INPUTS))
    embed(wheel, build_inputs=INPUTS, looked_for=(), with_sbom=True)
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read(f"demo-1.0.dist-info/{SBOM}") == exported


def test_a_statement_is_about_the_file_as_it_is_now(
    wheel: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(wheel, "in-toto") == 0
    before = printed(capsys)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert before["subject"] == [{"name": wheel.name, "digest": {"sha256": digest}}]
    add_dist_info_files(wheel, {"repaired.txt": b"now"})
    assert export(wheel, "in-toto") == 0
    after = printed(capsys)
    assert after["subject"] != before["subject"]
    assert after["predicate"] == before["predicate"]


def test_a_statement_holds_the_build_definition_to_the_last_key(
    wheel: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = json.loads(INPUTS.to_json())
    record["build_definition"]["internalParameters"]["of_another_producer"] = 1
    add_dist_info_files(wheel, {BUILD_INPUTS: json.dumps(record).encode()})
    assert export(wheel, "in-toto") == 0
    assert printed(capsys)["predicate"]["buildDefinition"] == record["build_definition"]


def test_a_wheel_without_binaries_depends_on_no_abi(
    wheel: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(wheel, "abi-dependency") == 0
    assert printed(capsys) == {"properties": [], "left_out": []}


def test_the_same_wheel_gives_the_same_bytes_in_a_file(
    wheel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for form in FORMATS:
        outputs = [tmp_path / f"{form}.{number}" for number in (1, 2)]
        assert [export(wheel, form, "--output", str(each)) for each in outputs] == [0, 0]
        assert capsys.readouterr().out == ""
        assert export(wheel, form) == 0
        bytes_out = capsys.readouterr().out.encode()
        assert [each.read_bytes() for each in outputs] == [bytes_out] * 2


@pytest.mark.parametrize("form", FORMATS)
def test_a_record_that_record_does_not_vouch_for_is_not_exported(
    form: str, wheel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forged = tmp_path / "forged" / wheel.name
    forged.parent.mkdir()
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(forged, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data.replace(b"80.9.0", b"80.9.1") if BUILD_INPUTS in name else data)
    output = tmp_path / "out.json"
    assert export(forged, form, "--output", str(output)) == 1
    assert "RECORD does not list" in capsys.readouterr().err
    assert not output.exists()


@pytest.mark.parametrize("form", FORMATS)
def test_a_wheel_without_records_has_nothing_to_export(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = make_wheel(tmp_path, files={"demo.py": b""})
    assert export(bare, form) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.endswith("json: is not there\n")


def test_no_statement_is_made_of_a_wheel_that_does_not_fit_its_record(
    wheel: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("smuggled.py", "")
    assert export(wheel, "in-toto") == 1
    assert "RECORD: smuggled.py: not in RECORD" in capsys.readouterr().err


def test_what_is_no_wheel_is_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    junk = tmp_path / "demo-1.0-py3-none-any.whl"
    junk.write_bytes(b"PK")
    assert export(junk, "in-toto") == 2
    assert export(tmp_path / "gone-1.0-py3-none-any.whl", "cyclonedx") == 2
    assert capsys.readouterr().out == ""


def test_an_output_that_cannot_be_written_is_status_2(wheel: Path, tmp_path: Path) -> None:
    assert export(wheel, "cyclonedx", "--output", str(tmp_path / "no" / "out.json")) == 2


def test_the_wheel_is_never_the_output(wheel: Path, tmp_path: Path) -> None:
    before = wheel.read_bytes()
    link = tmp_path / "link"
    link.symlink_to(wheel)
    for output in (wheel, link):
        with pytest.raises(SystemExit) as raised:
            export(wheel, "cyclonedx", "--output", str(output))
        assert raised.value.code == 2
    assert wheel.read_bytes() == before


def test_an_output_may_be_read_by_whom_the_umask_lets(wheel: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    output = tmp_path / "out.json"
    assert export(wheel, "cyclonedx", "--output", str(output)) == 0
    assert output.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_an_output_that_is_a_link_or_a_device_stays_one(wheel: Path, tmp_path: Path) -> None:
    link, pipe = tmp_path / "link.json", tmp_path / "pipe"
    link.symlink_to(tmp_path / "target.json")
    assert export(wheel, "cyclonedx", "--output", str(link)) == 0
    assert link.is_symlink()
    written = (tmp_path / "target.json").read_bytes()
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as reader:
        read = reader.submit(pipe.read_bytes)
        assert export(wheel, "cyclonedx", "--output", str(pipe)) == 0
        assert read.result(10) == written
    assert pipe.is_fifo()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--format", "in-toto"],
        ["--format", "in-toto", "--builder-id", "farm"],
        ["--format", "cyclonedx", *BUILDER],
        ["--format", "spdx"],
        [],
    ],
)
def test_a_builder_is_named_for_a_statement_and_for_nothing_else(
    arguments: list[str], wheel: Path
) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["export", str(wheel), *arguments])
    assert raised.value.code == 2


def test_a_statement_names_a_wheel_by_its_file_name(wheel: Path) -> None:
    renamed = wheel.rename(wheel.with_name("demo.whl"))
    with pytest.raises(SystemExit) as raised:
        export(renamed, "in-toto")
    assert raised.value.code == 2


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["export", "--help"])
    out = capsys.readouterr().out
    assert "--format in-toto" in out
    assert "exit status: 0 all is well" in out
