"""A real project's source tree from the index, with the shim's table added."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def wrapped_sdist(requirement: str, place: Path) -> tuple[Path, dict[str, Any]]:
    """The tree of `name==version` in the new directory `place`, and its `[build-system]`.

    `build-backend` is always there; the front end is to call `backend_shim.hooks` itself.
    """
    name = requirement.partition("==")[0]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", name]
    subprocess.run([*pip, "--dest", place, requirement], check=True)
    (sdist,) = place.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(place, filter="data")
    (tree,) = (each for each in place.iterdir() if each.is_dir())
    text = (tree / "pyproject.toml").read_text()
    build_system: dict[str, Any] = tomllib.loads(text)["build-system"]
    backend = build_system.setdefault("build-backend", "setuptools.build_meta:__legacy__")
    table = f'\n[tool.wheel-abi]\nbuild-backend = "{backend}"\n'
    (tree / "pyproject.toml").write_text(text + table)
    return tree, build_system
