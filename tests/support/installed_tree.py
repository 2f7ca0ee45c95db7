"""Distributions laid out by hand as an installer would, with a RECORD that holds."""

from __future__ import annotations

import base64
import csv
import hashlib
from collections.abc import Mapping
from pathlib import Path

from backend_shim.capture.build_requirements import Installed, installed_distributions


def record_digest(content: bytes) -> str:
    """As RECORD spells it."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
    return f"sha256={digest.decode().rstrip('=')}"


def lay_out(
    site: Path,
    name: str,
    files: Mapping[str, bytes],
    *,
    scripts: Mapping[str, str] | None = None,
    further_entry_points: str = "",
    version: str = "1.0",
) -> None:
    """Put the distribution into `site`; `scripts` are its console scripts.

    Paths of `files` are those of RECORD and may begin with `..`.
    """
    info = site / f"{name}-{version}.dist-info"
    entries = "".join(f"{script} = {target}\n" for script, target in (scripts or {}).items())
    files = {
        **files,
        f"{info.name}/METADATA": (
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
        ),
        f"{info.name}/entry_points.txt": (
            f"[console_scripts]\n{entries}{further_entry_points}".encode()
        ),
    }
    rows = []
    for path, content in files.items():
        place = site / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        rows.append((path, record_digest(content), len(content)))
    rows += [(f"../../../bin/{script}", "sha256=installer", 9) for script in scripts or ()]
    with (info / "RECORD").open("w", newline="") as record:
        csv.writer(record).writerows([*rows, (f"{info.name}/RECORD", "", "")])


def installed_in(site: Path) -> tuple[Installed, ...]:
    """What lies in `site`."""
    return installed_distributions([str(site)], not_in=site / "no-tree")
