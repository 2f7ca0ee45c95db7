"""`resolver-check env` over environments that pip and uv made; importing proves what it says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import UV

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.network,
    pytest.mark.slow,
    pytest.mark.skipif(sys.version_info >= (3, 13), reason="pandas 2.1.4 has no wheel for it"),
]

_OTHERS = ("numpy==2.0.2", "pytz", "python-dateutil", "six", "tzdata")


def _run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(map(str, command)), text=True, capture_output=True, timeout=300, check=False
    )


def _install(installer: str, python: Path, *requirements: str) -> None:
    """Against all advice of the metadata, as a second `pip install` may leave it."""
    front = {
        "pip": (python, "-m", "pip", "install", "--quiet", "--no-deps"),
        "uv": (
            UV, "pip", "install", "--quiet", "--python", python, "--no-deps",
            "--link-mode", "symlink",
        ),
    }  # fmt: skip
    done = _run(*front[installer], *requirements)
    assert done.returncode == 0, done.stderr


def _pandas_with_numpy(python: Path) -> dict[str, Any]:
    checked = _run(
        sys.executable, "-m", "resolver_check", "env", "--python", python, "--all",
        "--format", "json",
    )  # fmt: skip
    assert checked.stderr == ""
    (found,) = (
        each
        for each in json.loads(checked.stdout)["fits"]
        if (each["consumer"]["name"], each["provider"]["name"]) == ("pandas", "numpy")
    )
    assert isinstance(found, dict)
    assert checked.returncode == (1 if found["verdict"] == "invalid" else 3)
    return found


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_a_pandas_built_for_numpy_1_beside_numpy_2(installer: str, tmp_path: Path) -> None:
    place = tmp_path / "env"
    made = _run(sys.executable, "-m", "venv", *(["--without-pip"] * (installer != "pip")), place)
    assert made.returncode == 0, made.stderr
    python = place / "bin" / "python"
    _install(installer, python, "pandas==2.1.4", *_OTHERS)
    found = _pandas_with_numpy(python)
    assert found["verdict"] == "invalid"
    assert found["reasons"][0]["kind"] == "numpy-abi-refused"
    assert found["what_to_do"][0] == "install a numpy with ABI 1"
    assert _run(python, "-c", "import pandas").returncode != 0

    # What it says to do.
    _install(installer, python, "pandas==2.2.3")
    assert _pandas_with_numpy(python)["verdict"] == "valid"
    assert _run(python, "-W", "error", "-c", "import pandas").returncode == 0
