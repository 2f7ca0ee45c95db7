"""A headless Chromium, driven by the DevTools protocol over two pipes: no further package."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_ABOVE_STDIO = 20
"""Where the pipes lie until the browser has them as 3 and 4."""

_PATIENCE = 120
"""In seconds: a browser that hangs must not hang the tests."""


def installed() -> str | None:
    """The program, if there is one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class BrowserFailed(Exception):
    """The browser refused a command, or has gone."""


class Page:
    """One tab. Of all that happens in it, errors, log entries and requests are kept."""

    def __init__(self, reader: int, writer: int) -> None:
        self._reader = os.fdopen(reader, "rb", buffering=0)
        self._writer = os.fdopen(writer, "wb", buffering=0)
        self._unread = b""
        self._number = 0
        self._session: str | None = None
        self.complaints: list[str] = []
        self.requests: list[str] = []
        target = self.do("Target.createTarget", url="about:blank")["targetId"]
        attached = self.do("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.do(f"{domain}.enable")
        self.do("Emulation.setFocusEmulationEnabled", enabled=True)

    def do(self, method: str, **parameters: object) -> dict[str, Any]:
        """Send one command and wait for its answer."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            command["sessionId"] = self._session
        self._writer.write(json.dumps(command).encode() + b"\0")
        while True:
            message = self._next()
            if message.get("id") == self._number:
                if "error" in message:
                    raise BrowserFailed(f"{method}: {message['error']['message']}")
                return message["result"]  # type: ignore[no-any-return]

    def open(self, path: Path, *, fragment: str = "") -> None:
        """Load a file and wait for its end."""
        self.do("Page.navigate", url=path.as_uri() + fragment)
        while self._next().get("method") != "Page.loadEventFired":
            pass

    def js(self, expression: str) -> Any:
        """What an expression is in the page; of a promise what comes of it."""
        answer = self.do(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise BrowserFailed(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def press(self, *keys: str) -> None:
        """Press keys by name, one after the other; `Shift+Tab` holds one down."""
        for key in keys:
            held, _, name = key.rpartition("+")
            text = {"Enter": "\r", "Space": " "}.get(name, name if len(name) == 1 else "")
            event = {
                "key": {"Space": " "}.get(name, name),
                "windowsVirtualKeyCode": _CODES.get(name, 0),
                "modifiers": 8 if held == "Shift" else 0,
            }
            pressed = {**event, **({"text": text} if text else {})}
            self.do("Input.dispatchKeyEvent", type="keyDown", **pressed)
            self.do("Input.dispatchKeyEvent", type="keyUp", **event)

    def write(self, text: str) -> None:
        """Type `text` where the focus is."""
        self.do("Input.insertText", text=text)

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        """What is to be seen, as PNG."""
        taken = self.do("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(taken["data"]))

    def close(self) -> None:
        """Let go of the pipes."""
        self._reader.close()
        self._writer.close()

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            if not select.select([self._reader], [], [], _PATIENCE)[0]:
                raise BrowserFailed(f"it says nothing for {_PATIENCE} s")
            chunk = self._reader.read(1 << 16)
            if not chunk:
                raise BrowserFailed("it has gone")
            self._unread += chunk
        line, _, self._unread = self._unread.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        self._keep(message.get("method"), message.get("params", {}))
        return message

    def _keep(self, method: str | None, event: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            self.complaints.append(str(event["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append(str(event["args"]))
        elif method == "Log.entryAdded":
            self.complaints.append(event["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(event["request"]["url"])


_CODES = {"Enter": 13, "Tab": 9, "Escape": 27, "Space": 32, "/": 191}


@contextmanager
def open_browser(program: str, profile: Path) -> Iterator[Page]:
    """A tab of a browser that ends with the block."""
    # POSIX alone has it, and tests are collected everywhere.
    import fcntl

    from_page, browser_writes = os.pipe()
    browser_reads, to_page = os.pipe()
    high = [
        fcntl.fcntl(end, fcntl.F_DUPFD, _ABOVE_STDIO) for end in (browser_reads, browser_writes)
    ]
    log = os.open(profile / "log", os.O_WRONLY | os.O_CREAT)
    process = os.posix_spawn(
        program,
        [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--no-first-run", "--disable-background-networking", "--hide-scrollbars",
         "--window-size=1400,900", f"--user-data-dir={profile}", "--remote-debugging-pipe"],
        {**os.environ, "HOME": str(profile)},
        file_actions=[
            (os.POSIX_SPAWN_DUP2, high[0], 3), (os.POSIX_SPAWN_DUP2, high[1], 4),
            (os.POSIX_SPAWN_DUP2, log, 2), (os.POSIX_SPAWN_CLOSE, high[0]),
            (os.POSIX_SPAWN_CLOSE, high[1]),
        ],
        setpgroup=0,
    )  # fmt: skip
    for end in (browser_writes, browser_reads, *high, log):
        os.close(end)
    page = None
    try:
        page = Page(from_page, to_page)
        yield page
    finally:
        os.killpg(process, signal.SIGKILL)
        os.waitpid(process, 0)
        if page is not None:
            page.close()
