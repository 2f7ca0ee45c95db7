"""Answers about digests over listings: of a source tree, of what is installed, of tools."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from backend_shim.capture.build_requirements import (
    capture_build_requirements,
    installed_distributions,
)
from backend_shim.capture.source_tree import capture_source_tree
from backend_shim.record.read_set import listing_digest
from tests.spec.answers.loop import bytes_of


def digest(given: Any) -> Any:
    """The digest of what is `listed`."""
    match given["of"]:
        case "files":
            return {"sha256": listing_digest((path, digest) for path, digest in given["listed"])}
        case "installed RECORD":
            return _of_installed(given["listed"])
        case "source tree":
            return _of_source_tree(given["listed"])
    raise ValueError(given["of"])


def _of_installed(record: str) -> Any:
    with tempfile.TemporaryDirectory() as place:
        dist_info = Path(place, "lib", "demo-1.0.dist-info")
        dist_info.mkdir(parents=True)
        (dist_info / "METADATA").write_bytes(b"Name: demo\nVersion: 1.0\n")
        (dist_info / "RECORD").write_bytes(record.encode("utf-8"))
        installed = installed_distributions([str(dist_info.parent)], not_in=Path(place, "source"))
        [requirement] = capture_build_requirements(installed)
    return dict(requirement.digests)


def _of_source_tree(files: list[dict[str, Any]]) -> Any:
    with tempfile.TemporaryDirectory() as place:
        for each in files:
            path = Path(place, each["path"])
            path.parent.mkdir(parents=True, exist_ok=True)
            if each["kind"] == "l":
                path.symlink_to(each["target"])
            else:
                path.write_bytes(bytes_of(each["data"]))
                path.chmod(0o755 if each["kind"] == "x" else 0o644)
        found = capture_source_tree(Path(place))
    return {"sha256": found.sha256, "files": found.files}
