"""Compile commands are noted, and the compilers do what they would have done."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from backend_shim.capture.commands import CommandLog

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="the wrappers are shell scripts"),
    pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc"),
]


@pytest.fixture(autouse=True)
def restored_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The log leaves PATH to whoever restores the whole environment."""
    monkeypatch.setenv("PATH", os.environ["PATH"])
    monkeypatch.chdir(tmp_path)
    Path("a.c").write_text("int a;\n")
    Path("b c.c").write_text("int b;\n")


def test_what_is_compiled_is_noted_once_with_its_directory_and_sorted(tmp_path: Path) -> None:
    with CommandLog() as log:
        for _ in range(2):
            subprocess.run(["gcc", "-DX='a \"b'", "-c", "b c.c", "-o", "b.o"], check=True)
        subprocess.run(["cc", "-c", "a.c", "-o", "a.o"], check=True)
        subprocess.run(["gcc", "--version"], stdout=subprocess.DEVNULL, check=True)
        subprocess.run(["gcc", "-shared", "a.o", "b.o", "-o", "x.so"], check=False)
    assert Path("a.o").exists()
    assert Path("b.o").exists()
    place = os.path.realpath(tmp_path)
    assert log.commands == (
        f"{place}$ cc -c a.c -o a.o",
        f"{place}$ gcc '-DX='\"'\"'a \"b'\"'\"'' -c 'b c.c' -o b.o",
    )


def test_arguments_may_hold_line_feeds_and_be_empty() -> None:
    with CommandLog() as log:
        subprocess.run(["gcc", "-DX=a\nb", "-c", "a.c", ""], check=False, stderr=subprocess.DEVNULL)
    (command,) = log.commands
    assert command.endswith("$ gcc '-DX=a\nb' -c a.c ''")


def test_status_and_output_are_the_compiler_s() -> None:
    plain = subprocess.run(["gcc", "-c", "no.c"], capture_output=True, text=True, check=False)
    with CommandLog():
        noted = subprocess.run(["gcc", "-c", "no.c"], capture_output=True, text=True, check=False)
    assert (noted.returncode, noted.stdout) == (plain.returncode, plain.stdout)
    assert "no.c" in noted.stderr


def test_many_at_once_lose_none() -> None:
    with CommandLog() as log:
        running = [
            subprocess.Popen(["gcc", f"-DN={number}", "-c", "a.c", "-o", f"{number}.o"])
            for number in range(20)
        ]
        assert [each.wait() for each in running] == [0] * 20
    assert len(log.commands) == 20


@pytest.mark.skipif(shutil.which("ccache") is None, reason="no ccache")
@pytest.mark.parametrize("masquerades", [True, False])
def test_a_cache_finds_the_compiler_and_not_the_wrapper(
    masquerades: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CCACHE_DIR", os.fspath(tmp_path / "cache"))
    command = ["gcc", "-c", "a.c", "-o", "a.o"]
    if masquerades:
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "gcc").symlink_to(str(shutil.which("ccache")))
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    else:
        command.insert(0, "ccache")
    with CommandLog() as log:
        for _ in range(2):
            subprocess.run(command, check=True, timeout=60)
    assert [each.partition("$ ")[2] for each in log.commands] == [" ".join(command)]


def test_what_a_killed_wrapper_left_is_passed_over() -> None:
    with CommandLog() as log:
        directory = log._directory
        assert directory is not None
        for number, text in enumerate(
            (b"", b"3", b"3\0/x\0gcc\0-c\0", b"x\0/x\0gcc\0-c\0", b"\xff\0")
        ):
            (directory / "log" / f"left.{number}").write_bytes(text)
        subprocess.run(["gcc", "-c", "a.c"], check=True)
    assert len(log.commands) == 1


def test_nothing_is_left_behind_also_if_the_build_fails() -> None:
    log = CommandLog()
    with pytest.raises(KeyboardInterrupt), log:
        raise KeyboardInterrupt
    assert log._directory is not None
    assert not log._directory.exists()


def test_without_a_compiler_nothing_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.fspath(tmp_path / "empty"))
    with CommandLog() as log:
        assert shutil.which("gcc") is None
    assert log.commands == ()


def test_elsewhere_nothing_is_put_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.environ["PATH"]
    monkeypatch.setattr(sys, "platform", "win32")
    with CommandLog() as log:
        assert os.environ["PATH"] == before
    assert log.commands == ()
