"""`resolver-check install`: all or nothing, and only what fits."""

from __future__ import annotations

import json
import os
import re
import signal
import venv
import zipfile
from pathlib import Path

import pytest
from installer.__main__ import _main as installer

from backend_shim.embed import embed
from resolver_check.cli import install_command
from resolver_check.install import writing
from resolver_check.install.destination import JournalledDestination
from tests.backend_shim.record.example_inputs import INPUTS
from tests.resolver_check.cli.conftest import Run, assert_refused
from tests.resolver_check.conftest import Factory
from tests.support.wheel_factory import make_wheel


@pytest.fixture(autouse=True)
def _is_3_11(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wheels are for it, whatever runs the tests."""
    monkeypatch.setattr(install_command, "named_cpython", lambda _path: ("3.11.7", ""))


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    return tmp_path / "prefix"


def put(prefix: Path, *wheels: Path) -> None:
    """Installed without being judged."""
    installer([*map(str, wheels), "--no-compile-bytecode", "--prefix", str(prefix)])


def tree(directory: Path) -> dict[str, bytes | None]:
    """Every file and directory below, but bytecode by its name only: it holds times."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        if path.is_file() and path.suffix != ".pyc"
        else None
        for path in sorted(directory.rglob("*"))
    }


def with_all_schemes(directory: Path) -> Path:
    return make_wheel(
        directory, name="Full.Name", version="1.0",
        files={
            "full_name/__init__.py": b"def main(): ...\n",
            "full_name/template.py": b"this is {no} python\n",
            "Full.Name-1.0.data/scripts/full-script": b"#!python\nprint(1)\n",
            "Full.Name-1.0.data/headers/full.h": b"int full;\n",
            "Full.Name-1.0.data/data/share/full.txt": b"text\n",
            "Full.Name-1.0.data/purelib/beside.py": b"x = 1\n",
            "Full.Name-1.0.dist-info/entry_points.txt":
                b"[console_scripts]\nfull = full_name:main\n[gui_scripts]\nfull-w = full_name:f\n",
        },
    )  # fmt: skip


@pytest.mark.parametrize(
    "options",
    [(), ("--no-compile-bytecode",), ("--compile-bytecode", "2"), ("--destdir", "stage")],
    ids=lambda options: " ".join(options) or "plain",
)
def test_all_that_installer_would_write_is_written(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    wheel = with_all_schemes(tmp_path)
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for directory in (ours, theirs):
        directory.mkdir()
    monkeypatch.chdir(ours)
    assert run("install", wheel, "--prefix", "p", *options) == (0, "", "")
    monkeypatch.chdir(theirs)
    installer([str(wheel), "--prefix", "p", *options])
    written = {name.replace("theirs", "ours"): data for name, data in tree(theirs).items()}
    assert tree(ours) == written
    assert any(name.endswith(".pyc") for name in written) == (
        "--no-compile-bytecode" not in options
    )


def test_a_consumer_that_does_not_fit_what_is_there_is_refused(
    make: Factory, run: Run, prefix: Path
) -> None:
    put(prefix, make.numpy_2())
    before = tree(prefix)
    ran = run("install", make.for_numpy_1("taker"), "--prefix", prefix)
    assert (ran.status, ran.err) == (1, "")
    assert ran.out.startswith(
        "invalid: taker 1.0 with numpy 2.0.2\n  - numpy-c-api: it was compiled for NumPy ABI 1;"
    )
    assert "what to do: " in ran.out
    assert ran.out.endswith("nothing was installed\n")
    assert tree(prefix) == before


def test_a_provider_that_breaks_what_is_there_is_refused(
    make: Factory, run: Run, prefix: Path
) -> None:
    put(prefix, make.numpy_1(), make.for_numpy_1("taker"))
    before = tree(prefix)
    ran = run("install", make.numpy_2(), "--prefix", prefix, "--overwrite-existing")
    assert ran.status == 1
    assert "invalid: taker 1.0 with numpy 2.0.2" in ran.out
    assert tree(prefix) == before


def test_wheels_that_do_not_fit_each_other_are_refused(
    make: Factory, run: Run, prefix: Path
) -> None:
    ran = run("install", make.for_numpy_1("taker"), make.numpy_2(), "--prefix", prefix)
    assert ran.status == 1
    assert not prefix.exists()


def test_what_is_refused_can_be_forced(make: Factory, run: Run, prefix: Path) -> None:
    put(prefix, make.numpy_2())
    ran = run("install", make.for_numpy_1("taker"), "--prefix", prefix, "--force")
    assert (ran.status, ran.out) == (0, "")
    assert "invalid: taker 1.0 with numpy 2.0.2" in ran.err
    assert "installed all the same (--force)" in ran.err
    assert any("taker/__init__.py" in name for name in tree(prefix))


def test_what_fits_the_records_of_all_is_installed_in_silence(
    make: Factory, run: Run, prefix: Path
) -> None:
    wheel = make.extension("taker")
    embed(wheel, build_inputs=INPUTS, looked_for=())
    assert run("install", wheel, "--prefix", prefix) == (0, "", "")
    listed = run("install", wheel, "--prefix", prefix, "--overwrite-existing", "--all")
    assert (listed.status, listed.out) == (0, "")
    assert "valid: taker 1.0 with python 3.11.7\n  + " in listed.err


@pytest.mark.parametrize(
    ("on_unknown", "status", "says"), [("allow", 0, False), ("warn", 0, True), ("refuse", 3, True)]
)
def test_what_is_not_known_to_fit(
    make: Factory, run: Run, prefix: Path, on_unknown: str, status: int, says: bool
) -> None:
    wheel = make.extension("taker")
    ran = run("install", wheel, "--prefix", prefix, "--on-unknown", on_unknown)
    assert ran.status == status
    assert ("unknown: with python 3.11.7: taker 1.0" in ran.out + ran.err) == says
    assert prefix.exists() == (status == 0)
    assert (ran.out != "") == (on_unknown == "refuse")


def test_an_installed_one_that_cannot_be_read_is_unknown(
    make: Factory, run: Run, prefix: Path
) -> None:
    put(prefix, make.pure("lost"))
    (record,) = prefix.rglob("lost-*.dist-info/RECORD")
    record.write_bytes(b"\xff")
    ran = run("install", make.pure("plain"), "--prefix", prefix, "--on-unknown", "refuse")
    assert ran.status == 3
    assert "lost" in ran.out


def test_findings_as_json(make: Factory, run: Run, prefix: Path) -> None:
    put(prefix, make.numpy_2())
    wheel = make.for_numpy_1("taker")
    ran = run("install", wheel, "--prefix", prefix, "--format", "json")
    told = json.loads(ran.out)
    assert (ran.status, told["verdict"], told["installed"]) == (1, "invalid", False)
    pairs = {(each["consumer"]["name"], each["provider"]["name"]) for each in told["fits"]}
    assert pairs == {("taker", "numpy"), ("numpy", "taker"), ("taker", "python")}
    assert told["skipped"] == []
    plain = run("install", make.pure("plain"), "--prefix", prefix, "--format", "json")
    assert json.loads(plain.out)["installed"] is True


@pytest.mark.parametrize(
    "tag",
    [
        "cp311-cp311-win_amd64",
        "py3-none-manylinux_2_17_s390x",
        "py3-none-manylinux_2_99_x86_64",
        "py3-none-manylinux_3_5_x86_64",
    ],
)
def test_a_wheel_of_another_platform_is_refused(
    make: Factory, run: Run, prefix: Path, tag: str
) -> None:
    ran = run("install", make.extension("taker", tag=tag), "--prefix", prefix)
    assert ran.status == 1
    assert f"accepts none of its tags: {tag}" in ran.out
    assert not prefix.exists()


def test_a_file_that_is_not_as_record_says_is_refused(
    tmp_path: Path, make: Factory, run: Run, prefix: Path
) -> None:
    good, wheel = make.pure("good"), make.pure("bad")
    changed = tmp_path / wheel.name
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(changed, "w") as new:
        for each in old.infolist():
            data = old.read(each)
            new.writestr(each, data.replace(b"x = 1", b"x = 2"))
    said = assert_refused(run("install", good, changed, "--prefix", prefix, "--force"))
    assert "hash / size of bad.py didn't match RECORD" in said
    assert not prefix.exists()


def test_what_is_no_wheel_is_refused(tmp_path: Path, run: Run, prefix: Path) -> None:
    wheel = tmp_path / "demo-1.0-py3-none-any.whl"
    assert "demo-1.0" in assert_refused(run("install", wheel, "--prefix", prefix))
    wheel.write_bytes(b"PK")
    assert "demo-1.0" in assert_refused(run("install", wheel, "--prefix", prefix))
    other = make_wheel(tmp_path, files={"a.py": b""}).rename(tmp_path / "..-1.0-py3-none-any.whl")
    assert "not a name that a wheel can have" in assert_refused(run("install", other))


def test_another_version_that_is_there_is_not_written_over_unasked(
    make: Factory, run: Run, prefix: Path
) -> None:
    put(prefix, make.pure("plain"))
    before = tree(prefix)
    newer = make.pure("plain", version="2.0")
    said = assert_refused(run("install", make.pure("other"), newer, "--prefix", prefix))
    assert "plain 1.0 is installed" in said
    assert "--overwrite-existing" in said
    assert tree(prefix) == before
    over = ("install", newer, "--prefix", prefix, "--overwrite-existing")
    refused = run(*over, "--on-unknown", "refuse")
    assert (refused.status, tree(prefix)) == (3, before)
    assert "unknown: plain 1.0: is written over" in refused.out
    ran = run(*over)
    assert (ran.status, ran.out) == (0, "")
    assert "unknown: plain 1.0: is written over" in ran.err


def test_a_file_of_another_project_is_not_written_over_unasked(
    make: Factory, run: Run, prefix: Path, tmp_path: Path
) -> None:
    thief = make_wheel(tmp_path, name="thief", files={"plain.py": b"x = 2\n"})
    both = assert_refused(run("install", make.pure("plain"), thief, "--prefix", prefix))
    assert "plain and thief both have" in both
    put(prefix, make.pure("plain"))
    said = assert_refused(run("install", thief, "--prefix", prefix))
    assert "plain.py is there already; --overwrite-existing" in said


def test_what_comes_of_files_of_another_project_is_unknown(
    make: Factory, run: Run, prefix: Path, tmp_path: Path
) -> None:
    thief = make_wheel(tmp_path, name="thief", files={"plain.py": b"x = 2\n"})
    over = ("--prefix", prefix, "--overwrite-existing", "--on-unknown", "refuse")
    given = run("install", make.pure("plain"), thief, *over)
    assert given.status == 3
    assert "unknown: plain 1.0: thief writes over files of it" in given.out
    assert not prefix.exists()
    put(prefix, make.pure("plain"))
    installed = run("install", thief, *over)
    assert installed.status == 3
    assert "unknown: plain 1.0: thief writes over files of it" in installed.out
    (metadata,) = prefix.rglob("plain-*.dist-info/METADATA")
    metadata.write_bytes(b"Name: plain\nVersion: 1.0\nAuthor: caf\xe9\n")
    assert "thief writes over files of it" in run("install", thief, *over).out
    assert run("install", make.pure("plain"), *over).status == 3
    metadata.write_bytes(b"Name: plain\nVersion: 1.0\n")
    assert run("install", make.pure("plain"), *over).status == 0


def test_nothing_is_left_of_an_installation_that_fails_midway(
    make: Factory, run: Run, prefix: Path
) -> None:
    put(prefix, make.pure("first"))
    (installed,) = prefix.rglob("first.py")
    installed.write_bytes(b"as it was\n")
    installed.with_name("second.py").mkdir()
    before = tree(prefix)
    wheels = [make.pure("zero"), make.pure("first"), make.pure("second"), make.pure("third")]
    ran = run("install", *wheels, "--prefix", prefix, "--overwrite-existing")
    said = assert_refused(ran)
    assert "second.py: cannot be written" in said
    assert "nothing was installed" in said
    assert tree(prefix) == before


def test_a_hard_link_is_replaced_and_not_written_into(
    make: Factory, run: Run, prefix: Path, tmp_path: Path
) -> None:
    put(prefix, make.pure("plain"))
    (installed,) = prefix.rglob("plain.py")
    cached = tmp_path / "cached.py"
    installed.write_bytes(b"of the cache\n")
    cached.hardlink_to(installed)
    assert (
        run("install", make.pure("plain"), "--prefix", prefix, "--overwrite-existing").status == 0
    )
    assert cached.read_bytes() == b"of the cache\n"
    assert installed.read_bytes() == b"x = 1\n"
    assert [path.name for path in installed.parent.glob(".*")] == []


def test_below_a_staging_directory_what_the_system_has_counts_last(
    make: Factory, run: Run, prefix: Path, tmp_path: Path
) -> None:
    put(prefix, make.numpy_2())
    stage = tmp_path / "stage"
    arguments = ("install", make.for_numpy_1("taker"), "--prefix", prefix, "--destdir", stage)
    assert run(*arguments).status == 1
    assert not stage.exists()
    put(stage / prefix.relative_to("/"), make.numpy_1())
    assert run(*arguments).status == 0
    assert not any("taker" in name for name in tree(prefix))


def test_scripts_start_with_the_interpreter_that_is_named(
    make: Factory, run: Run, tmp_path: Path
) -> None:
    home = tmp_path / "other"
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    assert run("install", with_all_schemes(tmp_path), "--python", python) == (0, "", "")
    for script in ("full", "full-script"):
        assert (home / "bin" / script).read_text().startswith(f"#!{python}\n")


def test_nothing_of_what_is_installed_is_run(run: Run, tmp_path: Path) -> None:
    home, ran = tmp_path / "other", tmp_path / "ran"
    venv.create(home, with_pip=False)
    line = f"import pathlib; pathlib.Path({str(ran)!r}).touch()\n".encode()
    files = {"evil.pth": line, "demo.py": b"x = 1\n", "sitecustomize.py": line}
    wheel = make_wheel(tmp_path, files=files)
    assert run("install", wheel, "--python", home / "bin" / "python") == (0, "", "")
    assert any(home.rglob("__pycache__/demo.*.pyc"))
    assert not ran.exists()


def test_nothing_is_left_of_an_installation_that_is_ended(
    make: Factory, run: Run, prefix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        monkeypatch.setattr(JournalledDestination, "finalize_installation", ended)
        said = assert_refused(run("install", make.pure("plain"), "--prefix", prefix))
        assert "interrupted" in said
        assert not prefix.exists()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(
    ("name", "data", "wrong"),
    [
        ("demo-1.0.dist-info/entry_points.txt", b"[console_scripts\n", "no section headers"),
        ("demo-1.0.dist-info/entry_points.txt", b"[console_scripts]\na = %(b)s:c\n", "Bad value"),
        ("demo-1.0.dist-info/entry_points.txt", b"[console_scripts]\na = b\n", "the format of"),
        ("demo-1.0.data/scripts", b"x", "cannot be installed"),
        ("demo-1.0.data/moon/x", b"x", r"installed \(demo-1.0.data/moon/x is not contained"),
    ],
    ids=["no section", "no value", "no function", "no file of a scheme", "no scheme"],
)
def test_what_installer_cannot_read_is_named(
    tmp_path: Path, run: Run, prefix: Path, name: str, data: bytes, wrong: str
) -> None:
    wheel = make_wheel(tmp_path, files={"a.py": b"", name: data})
    said = assert_refused(run("install", wheel, "--prefix", prefix))
    assert re.search(wrong, said)
    assert "internal error" not in said
    assert not prefix.exists()


def test_a_digest_that_is_none_is_refused(make: Factory, run: Run, prefix: Path) -> None:
    wheel = make.pure("plain")
    with zipfile.ZipFile(wheel) as old:
        members = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(wheel, "w") as new:
        for name, data in members.items():
            new.writestr(name, data.replace(b"sha256=", b"shake_128="))
    said = assert_refused(run("install", wheel, "--prefix", prefix))
    assert "internal error" not in said


def test_metadata_that_would_be_read_whole_is_bounded(
    make: Factory, run: Run, prefix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "MAX_TEXT_SIZE", 10)
    said = assert_refused(run("install", make.pure("plain"), "--prefix", prefix))
    assert "more than 10" in said


def test_another_version_whose_metadata_cannot_be_read_is_unknown(
    make: Factory, run: Run, prefix: Path
) -> None:
    put(prefix, make.pure("plain"))
    (metadata,) = prefix.rglob("plain-*.dist-info/METADATA")
    metadata.write_bytes(b"Name: plain\nAuthor: caf\xe9\n")
    ran = run("install", make.pure("plain"), "--prefix", prefix, "--overwrite-existing")
    assert ran.status == 0
    assert "unknown: plain of a version that cannot be read: is written over" in ran.err


def test_several_wheels_of_one_project_are_refused(make: Factory, run: Run, prefix: Path) -> None:
    wheels = (make.pure("plain"), make.pure("plain", version="2.0"))
    said = assert_refused(run("install", *wheels, "--prefix", prefix, "--overwrite-existing"))
    assert "several wheels of plain" in said


def test_a_script_outside_of_its_directory_is_refused(
    tmp_path: Path, run: Run, prefix: Path
) -> None:
    entry = b"[console_scripts]\n../../evil = a:b\n"
    files = {"a.py": b"", "demo-1.0.dist-info/entry_points.txt": entry}
    wheel = make_wheel(tmp_path, files=files)
    assert "would write" in assert_refused(run("install", wheel, "--prefix", prefix))
    assert not prefix.exists()


def test_a_program_that_is_no_interpreter_is_refused(tmp_path: Path, run: Run) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho moon\n")
    program.chmod(0o755)
    wheel = make_wheel(tmp_path, files={"a.py": b""})
    said = assert_refused(run("install", wheel, "--python", program))
    assert "does not say where its packages are" in said
