"""Starting a command costs no more than it needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.architecture.modules_of_tree import ROOT

_HEAVY = {
    *("requests", "urllib3", "stamina", "mousebender", "remotezip", "platformdirs", "certifi"),
    *("numpy", "rich", "jinja2", "distributed", "elftools", "sqlite3", "urllib.request", "asyncio"),
}


@pytest.mark.parametrize(
    "statement",
    [
        "import resolver_check.cli.main",
        "import resolver_check.cli.main; from resolver_check.sources import open_source; "
        "open_source('.')",
    ],
    ids=["commands", "wheelhouse"],
)
def test_network_libraries_wait_for_a_url(statement: str) -> None:
    program = f"{statement}; import sys; print('\\n'.join(sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert set(ran.stdout.split()) & _HEAVY == set()


def test_the_shim_does_not_load_the_command_line() -> None:
    program = "import backend_shim.hooks, sys; print('\\n'.join(sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    loaded = set(ran.stdout.split())
    assert {name for name in loaded if name.startswith("resolver_check")} == set()
    assert {"argparse", "backend_shim.cli", "click", "packaging"} & loaded == set()
