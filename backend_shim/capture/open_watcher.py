"""The program that notes which files of given directories are opened (inotify(7), Linux).

`open_watch` runs it as a script, in a process of its own, so that it keeps up with the kernel's
queue whatever the build does; so it imports nothing of this package. Input: a line of JSON with the
directories; at another line, or the end of the input, it stops. Output: a line when all is watched,
then one line of JSON with what was opened.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import struct
import sys
from collections.abc import Sequence

# <sys/inotify.h>. Opening, not reading: a compiler that maps a file never reads it (IN_ACCESS).
_IN_OPEN = 0x20
_IN_CREATE = 0x100
_IN_MOVED_TO = 0x80
_IN_Q_OVERFLOW = 0x4000
_IN_ONLYDIR = 0x01000000
_IN_ISDIR = 0x40000000
_EVENT = struct.Struct("iIII")
_BLOCK = 1 << 18


class Watcher:
    """An inotify instance; raises OSError where there is none."""

    def __init__(self) -> None:
        """Raises OSError, also where the C library or ctypes has nothing of it (AttributeError)."""
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = self._libc.inotify_init1(os.O_NONBLOCK)  # IN_NONBLOCK
        if self.descriptor < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        self._directories: dict[int, str] = {}
        self.raw: set[tuple[int, int, bytes]] = set()
        """(watch, mask, name) of each event, once."""

    def add(self, directory: str, *, for_new: bool) -> bool:
        """Watch `directory`, if wanted also for directories that are made in it."""
        mask = _IN_OPEN | _IN_ONLYDIR | (_IN_CREATE | _IN_MOVED_TO if for_new else 0)
        watch = self._libc.inotify_add_watch(self.descriptor, os.fsencode(directory), mask)
        if watch >= 0:
            self._directories[watch] = directory
        return bool(watch >= 0)

    def drain(self) -> None:
        """Take all events that wait."""
        while True:
            try:
                block = os.read(self.descriptor, _BLOCK)
            except BlockingIOError:
                return
            at = 0
            while at < len(block):
                watch, mask, _, size = _EVENT.unpack_from(block, at)
                at += _EVENT.size + size
                self.raw.add((watch, mask, block[at - size : at]))

    def findings(self) -> dict[str, object]:
        """What was opened, where directories were made, and whether events were lost."""
        opened: dict[str, set[str]] = {}
        made = False
        for watch, mask, name in self.raw:
            text = os.fsdecode(name.rstrip(b"\0"))
            if mask & _IN_ISDIR:
                made |= bool(mask & (_IN_CREATE | _IN_MOVED_TO)) and text != "__pycache__"
            elif mask & _IN_OPEN and text:
                opened.setdefault(self._directories[watch], set()).add(text)
        return {
            "opened": {directory: sorted(names) for directory, names in opened.items()},
            "overflow": any(mask & _IN_Q_OVERFLOW for _, mask, _ in self.raw),
            "made": made,
        }


def watch(watched: Sequence[str], environment: Sequence[str]) -> dict[str, object]:
    """What is opened in the directories until the standard input says or ends more.

    In those of `environment` new directories are noted, too.
    """
    watcher = Watcher()
    refused = sum(not watcher.add(each, for_new=False) for each in watched)
    refused += sum(not watcher.add(each, for_new=True) for each in environment)
    sys.stdout.buffer.write(b"watching\n")
    sys.stdout.buffer.flush()
    ready = select.poll()
    ready.register(watcher.descriptor, select.POLLIN)
    ready.register(sys.stdin.fileno(), select.POLLIN | select.POLLHUP)
    while not any(descriptor == sys.stdin.fileno() for descriptor, _ in ready.poll()):
        watcher.drain()
    watcher.drain()
    return {**watcher.findings(), "refused": refused}


if __name__ == "__main__":
    request = json.loads(sys.stdin.readline())
    findings = watch(request["watched"], request["environment"])
    sys.stdout.buffer.write(json.dumps(findings).encode() + b"\n")
