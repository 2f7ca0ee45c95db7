"""Files as wholes: written so that nobody sees half of one, and their digest."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import IO


def replace_file(path: Path, data: bytes) -> None:
    """Write `data` beside `path` and move it there; whoever is killed leaves the old file."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    # Not by `tempfile`: the file is for whoever the umask lets read it, a web server for one.
    try:
        with beside.open("xb") as file:
            file.write(data)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def sha256_of(file: IO[bytes]) -> str:
    """In hex, of all that the file holds, wherever it stands."""
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()
