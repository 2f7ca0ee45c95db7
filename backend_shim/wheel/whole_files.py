"""Files as wholes: written so that nobody sees half of one, and their digest."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import IO


def replace_file(path: Path, data: bytes) -> None:
    """Write `data` beside `path` and move it there; whoever is killed leaves the old file."""
    beside = place_beside(path)
    # Not by `tempfile`: the file is for whoever the umask lets read it, a web server for one.
    try:
        with beside.open("xb") as file:
            file.write(data)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def place_beside(path: Path) -> Path:
    """Where this process writes what is to be moved to `path`; nothing is there.

    What a killed process left there is removed: in a container the next one has its id again, and
    what it left may be a hard link to a file of the user, never to be written into.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    return beside


def state_of(path: Path) -> tuple[int, int]:
    """Size and time of the last change: another state is another content. Raises OSError."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def sha256_at(path: Path) -> str:
    """In hex, of the file at `path`. Raises OSError."""
    with path.open("rb") as file:
        return sha256_of(file)


def sha256_of(file: IO[bytes]) -> str:
    """In hex, of all that the file holds, wherever it stands."""
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()
