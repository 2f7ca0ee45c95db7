"""Which files are opened while a block runs: `open_watcher` in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final

_PROGRAM: Final = Path(__file__).with_name("open_watcher.py")
_SECONDS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What was seen."""

    paths: frozenset[str] = frozenset()
    """Absolute, by the real path of the directory."""
    method: str = "none"
    problems: tuple[str, ...] = ("no-inotify",)
    """Why something may have been opened unseen: see `Capture.why_incomplete`."""


class OpenWatch:
    """Watches directories while its block runs; a watch that cannot be had is no error."""

    def __init__(self, *, watched: Collection[str], environment: Collection[str]) -> None:
        """`environment` are directories in which no new ones may appear, `watched` all others.

        All are real paths; what lies in one of their subdirectories is not seen.
        """
        self._request = {"watched": sorted(watched), "environment": sorted(environment)}
        self._process: subprocess.Popen[bytes] | None = None
        self.opened = Opened()
        """What was seen; complete when the block has ended."""

    def __enter__(self) -> OpenWatch:
        if sys.platform != "linux" or not sys.executable:
            return self
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                # The encoding of file names must be ours, and -I would pass over PYTHONUTF8.
                [sys.executable, "-I", "-S", f"-Xutf8={sys.flags.utf8_mode}", os.fspath(_PROGRAM)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # an interrupt is the build's, which then ends the watch
            )
            stdin, stdout = self._pipes(self._process)
            stdin.write(json.dumps(self._request).encode() + b"\n")
            stdin.flush()
            if stdout.readline() != b"watching\n":
                self._end()
        except OSError:
            self._end()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is None:
            return
        try:
            # The end of the input would not do: what the build forked may hold the pipe, too.
            answer, _ = self._process.communicate(b"\n", timeout=_SECONDS)
            self.opened = _opened(json.loads(answer))
        except (OSError, ValueError, KeyError, subprocess.SubprocessError):
            self.opened = Opened(method="inotify", problems=("watcher-failed",))
            self._end()

    @staticmethod
    def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
        if process.stdin is None or process.stdout is None:
            raise OSError("no pipes")
        return process.stdin, process.stdout

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _opened(answer: dict[str, Any]) -> Opened:
    problems = []
    if answer["overflow"]:
        problems.append("queue-overflow")
    if answer["refused"]:
        problems.append("watch-limit")
    if answer["made"]:
        problems.append("directories-appeared")
    return Opened(
        paths=frozenset(_joined(answer["opened"].items())),
        method="inotify",
        problems=tuple(problems),
    )


def _joined(opened: Iterable[tuple[str, list[str]]]) -> Iterable[str]:
    for directory, names in opened:
        for name in names:
            yield f"{directory}/{name}"
