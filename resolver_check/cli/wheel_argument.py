"""A wheel that is named on a command line, as a file or by its URL."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from backend_shim.wheel.archive import WheelArchive
from resolver_check.sources import open_wheel_url


def open_wheel(wheel: str, *, offline: bool) -> AbstractContextManager[WheelArchive]:
    """The wheel, of a URL by ranges. Raises UsageError, SourceUnavailable, InvalidWheel."""
    if wheel.lower().startswith(("http://", "https://")):
        return open_wheel_url(wheel, offline=offline)
    return WheelArchive.open(Path(wheel))
