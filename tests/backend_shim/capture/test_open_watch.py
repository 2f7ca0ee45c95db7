"""What is opened while a block runs is seen, whoever opens it, or the watch says that it is not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from backend_shim.capture import open_watch, open_watcher
from backend_shim.capture.open_watch import Opened, OpenWatch

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


def watch(*directories: Path) -> OpenWatch:
    return OpenWatch(watched=(), environment=[os.path.realpath(each) for each in directories])


def names(opened: Opened) -> set[str]:
    return {os.path.basename(path) for path in opened.paths}  # noqa: PTH119


def process_of(running: OpenWatch) -> subprocess.Popen[bytes]:
    process = running._process
    assert process is not None
    return process


def queue_length() -> int:
    return int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())


@on_linux
def test_what_this_process_and_its_children_open_is_seen_and_nothing_else(tmp_path: Path) -> None:
    for name in ("before", "own", "child", "untouched"):
        (tmp_path / name).write_text(name)
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "deep").write_text("")
    (tmp_path / "before").read_text()
    with watch(tmp_path) as running:
        (tmp_path / "own").read_text()
        subprocess.run(["cat", tmp_path / "child"], check=True, stdout=subprocess.DEVNULL)
        (tmp_path / "inner" / "deep").read_text()
        os.stat(tmp_path / "untouched")  # noqa: PTH116
    (tmp_path / "untouched").read_text()
    root = os.path.realpath(tmp_path)
    assert running.opened == Opened(
        paths=frozenset((f"{root}/own", f"{root}/child")), method="inotify", problems=()
    )


@on_linux
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("size", [10, 1 << 17])
def test_a_header_is_seen_whether_the_compiler_reads_or_maps_it(
    compiler: str, size: int, tmp_path: Path
) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "big.h").write_text("/*" + "x" * size + "*/\nint x;\n")
    (tmp_path / "env" / "unused.h").write_text("int y;")
    (tmp_path / "a.c").write_text("#include <big.h>\n")
    command = (compiler, "-c", "a.c", "-o", "a.o", "-I", tmp_path / "env")
    with watch(tmp_path / "env") as running:
        subprocess.run(command, cwd=tmp_path, check=True)
    assert names(running.opened) == {"big.h"}
    assert running.opened.problems == ()


@on_linux
def test_names_that_are_no_utf8_are_seen_as_the_system_spells_them(tmp_path: Path) -> None:
    directory = os.fsencode(tmp_path) + b"/d\xff"
    os.mkdir(directory)  # noqa: PTH102
    name = directory + b"/\xe4\n.h"
    os.close(os.open(name, os.O_CREAT))
    with OpenWatch(watched=(), environment=[os.fsdecode(directory)]) as running:
        os.close(os.open(name, os.O_RDONLY))
    assert running.opened.paths == {os.fsdecode(name)}


@on_linux
def test_a_directory_that_is_made_may_hold_what_is_not_seen(tmp_path: Path) -> None:
    with watch(tmp_path) as running:
        (tmp_path / "new").mkdir()
    assert running.opened.problems == ("directories-appeared",)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "env").mkdir()
    with watch(tmp_path / "env") as running:
        (tmp_path / "elsewhere").rename(tmp_path / "env" / "moved")
    assert running.opened.problems == ("directories-appeared",)


@on_linux
def test_a_directory_for_bytecode_or_in_what_is_only_watched_is_no_matter(tmp_path: Path) -> None:
    with watch(tmp_path) as running:
        (tmp_path / "__pycache__").mkdir()
    assert running.opened.problems == ()
    with OpenWatch(watched=[os.path.realpath(tmp_path)], environment=()) as running:
        (tmp_path / "new").mkdir()
    assert running.opened.problems == ()


@on_linux
def test_a_watch_that_is_refused_is_told(tmp_path: Path) -> None:
    (tmp_path / "seen").write_text("")
    with watch(tmp_path, tmp_path / "gone") as running:
        (tmp_path / "seen").read_text()
    assert running.opened.problems == ("watch-limit",)
    assert names(running.opened) == {"seen"}


@on_linux
def test_a_queue_that_overflows_is_told(tmp_path: Path) -> None:
    files = [tmp_path / str(number) for number in range(queue_length() + 10)]
    for file in files:
        file.touch()
    with watch(tmp_path) as running:
        process_of(running).send_signal(signal.SIGSTOP)
        for file in files:
            os.close(os.open(file, os.O_RDONLY))
        process_of(running).send_signal(signal.SIGCONT)
    assert running.opened.problems == ("queue-overflow",)
    assert running.opened.method == "inotify"


@on_linux
def test_a_watcher_that_is_killed_saw_nothing_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "seen").write_text("")
    with watch(tmp_path) as running:
        (tmp_path / "seen").read_text()
        process_of(running).kill()
    assert running.opened == Opened(method="inotify", problems=("watcher-failed",))


@on_linux
def test_a_watcher_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_watch, "_SECONDS", 0.1)
    with watch(tmp_path) as running:
        process = process_of(running)
        process.send_signal(signal.SIGSTOP)
    assert running.opened.problems == ("watcher-failed",)
    assert process.returncode == -signal.SIGKILL


@on_linux
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_no_watcher_is_left_behind_by_a_backend_that_fails(
    error: type[BaseException], tmp_path: Path
) -> None:
    running = watch(tmp_path)
    with pytest.raises(error), running:  # noqa: PT012
        process = process_of(running)
        raise error
    assert process.returncode == 0


@on_linux
def test_a_watcher_ends_with_the_build_that_is_killed(tmp_path: Path) -> None:
    script = (
        "import os, sys, signal\n"
        "from backend_shim.capture.open_watch import OpenWatch\n"
        f"with OpenWatch(watched=(), environment=[{os.path.realpath(tmp_path)!r}]) as running:\n"
        "    print(running._process.pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    said = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, check=False)
    watcher = Path("/proc", said.stdout.decode().strip())
    for _ in range(1000):
        if not watcher.exists() or "\nState:\tZ" in (watcher / "status").read_text():
            return
        time.sleep(0.01)
    pytest.fail("the watcher lives on")


@on_linux
def test_what_a_backend_forked_and_left_does_not_keep_the_watch_open(tmp_path: Path) -> None:
    (tmp_path / "seen").write_text("")
    with watch(tmp_path) as running:
        child = os.fork()
        if not child:
            try:
                time.sleep(600)
            finally:
                os._exit(0)
        (tmp_path / "seen").read_text()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert running.opened.problems == ()
    assert names(running.opened) == {"seen"}


@on_linux
@pytest.mark.parametrize("program", ["raise SystemExit", "print('nonsense')", "import no_such"])
def test_a_watcher_that_cannot_begin_is_no_error(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "watcher.py").write_text(program)
    monkeypatch.setattr(open_watch, "_PROGRAM", tmp_path / "watcher.py")
    with watch(tmp_path) as running:
        assert running._process is None
    assert running.opened == Opened(method="none", problems=("no-inotify",))


@on_linux
def test_an_interpreter_that_is_not_there_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    with watch(tmp_path) as running:
        pass
    assert running.opened == Opened()


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_elsewhere_nothing_is_watched(
    platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    with watch(tmp_path) as running:
        assert running._process is None
    assert running.opened == Opened(method="none", problems=("no-inotify",))


@on_linux
def test_an_instance_that_is_refused_is_an_error_of_the_watcher(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Refusing:
        def inotify_init1(self, _: int) -> int:
            return -1

    monkeypatch.setattr(open_watcher.ctypes, "CDLL", lambda *_, **__: Refusing())
    with pytest.raises(OSError, match="inotify_init1"):
        open_watcher.Watcher()


def test_the_watcher_is_a_script_of_the_standard_library_alone() -> None:
    modules = [value for value in vars(open_watcher).values() if isinstance(value, ModuleType)]
    assert {module.__name__ for module in modules} <= {*sys.stdlib_module_names}
    program = Path(open_watcher.__file__)
    if sys.platform == "linux":
        request = json.dumps({"watched": [], "environment": []}) + "\n"
        command = [sys.executable, "-I", "-S", program]
        done = subprocess.run(command, input=request.encode(), stdout=subprocess.PIPE, check=True)
        watching, answer = done.stdout.splitlines()
        assert watching == b"watching"
        assert json.loads(answer) == {"opened": {}, "overflow": False, "made": False, "refused": 0}
