"""The shim has the hooks of each real backend, whatever the backend makes them depend on."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from backend_shim.wrapped_backend import HOOKS
from tests.end_to_end.conftest import COMPILED, PURE, UV, MakeProject, Shell

pytestmark = [pytest.mark.end_to_end, pytest.mark.network, pytest.mark.slow]

SAY = """
import importlib, inspect, json, sys
spelled, hooks = sys.argv[1], json.loads(sys.argv[2])
module, _, attribute = spelled.partition(":")
found = importlib.import_module(module)
if attribute:
    found = getattr(found, attribute)
names = [*hooks, "UnsupportedOperation"]
print(json.dumps({
    name: name if name[0] == "U" else str(inspect.signature(getattr(found, name)))
    for name in names if hasattr(found, name)
}))
"""


@pytest.fixture(scope="module")
def python(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with every backend and the shim."""
    python = shell.venv(tmp_path_factory.mktemp("backends") / "venv")
    backends = ["setuptools", "wheel", "hatchling", "flit_core", "poetry-core", "pdm-backend"]
    compiled = ["uv_build", "meson-python", "scikit-build-core", "ninja", "wheel-abi"]
    shell.run(UV, "pip", "install", "--python", python, *backends, *compiled)
    return python


@pytest.mark.parametrize("environ", [{}, {"PIP_BUILD_TRACKER": "/x"}], ids=["", "under pip"])
@pytest.mark.parametrize("case", [*PURE, *COMPILED])
def test_the_hooks_and_their_signatures_are_the_backend_s(
    case: str, environ: dict[str, str], project: MakeProject, shell: Shell, python: Path
) -> None:
    source = project(case)
    text = (source / "pyproject.toml").read_text()
    (real,) = re.findall(r'\[tool\.wheel-abi\]\nbuild-backend = "(.*)"', text)
    shown = [
        json.loads(
            shell.run(python, "-c", SAY, name, json.dumps(list(HOOKS)), cwd=source, **environ)
        )
        for name in ("backend_shim.hooks", real)
    ]
    if case == "hatchling_dynamic":
        shown[1] = {name: each for name, each in shown[1].items() if "prepare" not in name}
    assert shown[0] == shown[1]
    assert "build_wheel" in shown[0]
