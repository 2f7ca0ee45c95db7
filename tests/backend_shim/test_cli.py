"""The command line: what it prints, where, and its exit status."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from backend_shim.cli import main
from backend_shim.embed import embed
from tests.backend_shim.record.example_inputs import INPUTS
from tests.support.wheel_factory import make_wheel


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    return make_wheel(tmp_path, files={"demo.py": b"x = 1\n"})


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    wheel = make_wheel(tmp_path, name="full", files={"full.py": b"x = 1\n"})
    embed(wheel, build_inputs=INPUTS, looked_for=())
    return wheel


@pytest.mark.parametrize("command", [[], ["stamp"], ["show"], ["verify"], ["export"], ["vendor"]])
def test_help_documents_the_exit_status(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        main([*command, "--help"])
    assert raised.value.code == 0
    assert "exit status: 0 all is well" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["no-such"], ["verify"], ["show", "a", "--format", "x"]])
def test_wrong_usage_is_status_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 2


def test_verify_finds_nothing_wrong_with_a_good_wheel(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(recorded)]) == 0
    assert capsys.readouterr().out == "full-1.0-py3-none-any.whl: ok\n"


def test_verify_names_each_problem(
    bare: Path, recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(bare, "a") as archive:
        archive.writestr("extra.py", "")
    assert main(["verify", str(bare), str(recorded)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "demo-1.0-py3-none-any.whl: extra.py: not in RECORD",
        "demo-1.0-py3-none-any.whl: there is no ABI fingerprint",
        "full-1.0-py3-none-any.whl: ok",
    ]


def test_verify_goes_on_after_a_file_that_it_cannot_read(
    tmp_path: Path, recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    junk = tmp_path / "junk.whl"
    junk.write_bytes(b"PK")
    arguments = ["verify", str(junk), str(tmp_path / "gone.whl"), str(recorded)]
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == "full-1.0-py3-none-any.whl: ok\n"
    assert [line.partition(": ")[0] for line in printed.err.splitlines()] == ["backend-shim"] * 2
    assert main([*arguments, "--format", "json"]) == 2
    report = json.loads(capsys.readouterr().out)
    assert [each["problems"] for each in report] == [None, None, []]


def test_stamp_writes_a_fingerprint(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stamp", str(bare)]) == 0
    assert main(["stamp", str(bare), str(bare.with_name("gone.whl"))]) == 2


def test_a_stamped_wheel_verifies_without_build_inputs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel = make_wheel(tmp_path, files={"demo.py": b""})
    assert main(["stamp", str(wheel)]) == 0
    assert main(["verify", str(wheel)]) == 0
    assert capsys.readouterr().out == "demo-1.0-py3-none-any.whl: ok\n"


def test_show_says_what_the_records_say(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(recorded)]) == 0
    text = capsys.readouterr().out
    assert text.startswith("pure: no binaries\nbuilt: bottleneck 1.6.0 build 2\n")
    assert "  backend setuptools.build_meta:__legacy__ 80.9.0\n" in text
    assert "  patch patches/0001-fix.patch sha256:9f86d081884c7d65\n" in text
    assert main(["show", "--format", "json", str(recorded)]) == 0
    table = json.loads(capsys.readouterr().out)
    assert table["build_inputs"] == json.loads(INPUTS.to_json())
    assert table["fingerprint"]["is_purelib"] is True


def test_show_of_a_wheel_without_records(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(bare)]) == 0
    assert capsys.readouterr().out == "no usable ABI fingerprint\nno usable build inputs\n"


def test_show_of_a_damaged_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "demo-1.0.dist-info/wheel_abi_build_inputs.json"
    wheel = make_wheel(tmp_path, files={name: b'{"schema_version": "9.0"}'})
    assert main(["show", str(wheel)]) == 1
    printed = capsys.readouterr()
    assert "build inputs: $.schema_version: is '9.0'" in printed.err
    assert "no usable build inputs" in printed.out


def test_vendor_writes_the_copy_and_prints_the_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["vendor", "_wheel_abi"]) == 0
    printed = capsys.readouterr()
    assert 'backend-path = ["_wheel_abi"]' in printed.out
    assert printed.err == ""
    assert (tmp_path / "_wheel_abi" / "backend_shim" / "hooks.py").is_file()
    assert main(["vendor", "shim"]) == 0
    assert "does not begin with an underscore" in capsys.readouterr().err
    (tmp_path / "taken").write_text("")
    assert main(["vendor", "taken"]) == 2
    assert capsys.readouterr().err.startswith("backend-shim: taken: ")


def test_a_reader_who_has_enough_gets_no_traceback(recorded: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m backend_shim show --format json {recorded} | head -c 1",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("{", "")
