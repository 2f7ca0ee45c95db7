"""The shim has the hooks of each real backend, whatever the backend makes them depend on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend_shim.wrapped_backend import HOOKS
from tests.end_to_end.cases import Case
from tests.end_to_end.conftest import MakeProject, Shell

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


@pytest.mark.parametrize("environ", [{}, {"PIP_BUILD_TRACKER": "/x"}], ids=["", "under pip"])
def test_the_hooks_and_their_signatures_are_the_backend_s(
    case: Case, environ: dict[str, str], project: MakeProject, local: Shell, backends: Path
) -> None:
    source = project(case.folder)
    shown = [
        json.loads(
            local.run(backends, "-c", SAY, name, json.dumps(list(HOOKS)), cwd=source, **environ)
        )
        for name in ("backend_shim.hooks", case.backend)
    ]
    if case.folder == "hatchling_dynamic":
        shown[1] = {name: each for name, each in shown[1].items() if "prepare" not in name}
    assert shown[0] == shown[1]
    assert {"build_wheel", "build_editable"} <= shown[0].keys()
