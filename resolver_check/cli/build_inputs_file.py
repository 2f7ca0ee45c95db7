"""The documents that `backend-shim inputs` writes, as arguments of commands."""

from __future__ import annotations

from pathlib import Path

from backend_shim.errors import InvalidRecord
from backend_shim.record.build_inputs import BuildInputs
from backend_shim.record.decoding import MAX_BYTES
from resolver_check.errors import UsageError


def read_build_inputs(path: Path) -> BuildInputs:
    """The build inputs in the file `path`. Raises UsageError with the JSON path of a fault."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        return BuildInputs.from_json(data)
    except InvalidRecord as error:
        raise UsageError(f"{path}: {error}") from error
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
