"""The projects under test, one for each backend, and what a machine needs to build them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The project in `tests/projects/<folder>`."""

    folder: str
    distribution: str
    """The name of its `.dist-info`, without the version."""
    backend: str
    """What `[tool.wheel-abi] build-backend` says."""
    check: str = ""
    """Python code that holds where the project is installed."""
    compiled: str | None = None
    """The source file that a compiler is given, once in a build; None where there is none."""
    program: str | None = None
    """The command it installs in the place of a module; it prints 42."""
    builds_on_import: bool = False
    """Whether an editable install compiles anew in an environment that has the backend."""
    tools: tuple[str, ...] = ()
    """Programs that no wheel brings along."""

    @property
    def is_purelib(self) -> bool:
        return self.compiled is None

    def missing_tool(self) -> str | None:
        """The first of `tools` that this machine lacks."""
        return next((tool for tool in self.tools if shutil.which(tool) is None), None)


def _pure(folder: str, backend: str, *, also: str = "pass") -> Case:
    name = f"demo_{folder}"
    check = f"import {name}; assert {name}.__version__ == '1.0'; {also}"
    return Case(folder=folder, distribution=name, backend=backend, check=check)


def _answers(folder: str, backend: str, *, name: str = "", **further: object) -> Case:
    name = name or f"demo_{folder}"
    further = {"compiled": "module.c", "tools": ("gcc",), **further}
    check = f"import {name}; assert {name}.answer() == 42"
    return Case(folder=folder, distribution=name, backend=backend, check=check, **further)  # type: ignore[arg-type]


def _rust(folder: str, backend: str) -> Case:
    """A binary crate without dependencies: crates.io is not asked for anything."""
    return Case(
        folder=folder,
        distribution=f"demo_{folder}",
        backend=backend,
        compiled="src/main.rs",
        program=f"demo-{folder.replace('_', '-')}",
        tools=("cargo", "gcc"),
    )


_SETUPTOOLS: Final = "setuptools.build_meta"

CASES: Final[Mapping[str, Case]] = {
    case.folder: case
    for case in (
        _pure("setuptools", _SETUPTOOLS),
        _pure("setuptools_legacy", f"{_SETUPTOOLS}:__legacy__"),
        _answers("setup_py", _SETUPTOOLS),
        Case(
            folder="setuptools_cython",
            distribution="demo_cython",
            backend=_SETUPTOOLS,
            check="from demo_cython import gift; assert gift.Box()",
            compiled="gift.c",
            tools=("gcc",),
        ),
        _answers(
            "setuptools_pybind11",
            _SETUPTOOLS,
            name="demo_pybind11",
            compiled="module.cpp",
            tools=("g++",),
        ),
        _pure("hatchling", "hatchling.build"),
        # `six` is what its build hook adds to the dependencies of the wheel.
        _pure("hatchling_dynamic", "hatchling.build", also="import six"),
        _pure("flit_core", "flit_core.buildapi"),
        _pure("poetry_core", "poetry.core.masonry.api"),
        _pure("pdm_backend", "pdm.backend"),
        _answers("meson_python", "mesonpy", builds_on_import=True),
        _answers("scikit_build_core", "scikit_build_core.build"),
        _answers("py_build_cmake", "py_build_cmake.build"),
        _rust("maturin", "maturin"),
        _rust("setuptools_rust", _SETUPTOOLS),
        _pure("uv_build", "uv_build"),
    )
}
