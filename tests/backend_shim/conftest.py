"""A project in a temporary directory, built by a backend that lies in its own tree."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from backend_shim import hooks

MakeProject: TypeAlias = Callable[..., Path]

_NUMBERS = itertools.count()

WHEEL = """
import os
from pathlib import Path
from tests.support.wheel_factory import make_wheel

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    return make_wheel(Path(wheel_directory), files={"demo.py": b"x = 1"}).name
"""


@pytest.fixture
def make_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeProject]:
    """Write a project whose backend has the given source; it becomes the working directory."""
    modules: list[str] = []

    def make(backend: str = WHEEL, *, options: str = "", project: str = "") -> Path:
        name = f"fake_backend_{next(_NUMBERS)}"
        modules.append(name)
        source = tmp_path / name
        (source / "inside").mkdir(parents=True)
        (source / "inside" / f"{name}.py").write_text(backend)
        (source / "pyproject.toml").write_text(
            f'[project]\nname = "demo"\nversion = "1.0"\n{project}\n'
            f'[tool.wheel-abi]\nbuild-backend = "{name}"\nbackend-path = ["inside"]\n{options}\n'
        )
        monkeypatch.chdir(source)
        return source

    finders = list(sys.meta_path)
    yield make
    sys.meta_path[:] = finders
    for module in modules:
        sys.modules.pop(module, None)
    hooks._load.cache_clear()
