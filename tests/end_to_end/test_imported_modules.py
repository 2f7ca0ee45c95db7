"""A project with Cython is built, its module imported, and what that says is in the record."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from backend_shim.cli import main
from backend_shim.record.names import FINGERPRINT
from tests.end_to_end.conftest import (
    FRONT_ENDS,
    MakeProject,
    Shell,
    check_wheel,
    dist_info,
    use_in_tree_shim,
)

pytestmark = [pytest.mark.end_to_end, pytest.mark.network, pytest.mark.slow]

# Another way to the same facts: ctypes prints no capsule, but its repr holds the name.
ASK = """
import sys
sys.path.insert(0, sys.argv[1])
from demo_cython import gift
for name, capsule in sorted(gift.__pyx_capi__.items()):
    print(name, repr(capsule).split('"')[1], sep="=")
for name in ("Box", "Names"):
    print(name, getattr(gift, name).__basicsize__, sep="=")
"""


def module_of(wheel: Path) -> dict[str, Any]:
    document = json.loads(dist_info(wheel)[FINGERPRINT])
    (facts,) = (each["facts"] for each in document["provides"] if each["interface"] == "cython")
    (module,) = facts["modules"]
    assert isinstance(module, dict)
    return module


def asked(wheel: Path, directory: Path) -> dict[str, str]:
    """What the module in `wheel` says of itself."""
    subprocess.run([sys.executable, "-m", "zipfile", "-e", wheel, directory], check=True)
    done = subprocess.run(
        [sys.executable, "-c", ASK, directory], capture_output=True, text=True, check=True
    )
    return dict(line.split("=") for line in done.stdout.splitlines()[1:])


@pytest.mark.parametrize("is_in_tree", [False, True], ids=["required", "in-tree"])
@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_the_record_says_what_the_module_says(
    front_end: str, is_in_tree: bool, project: MakeProject, shell: Shell, tmp_path: Path
) -> None:
    source = project("setuptools_cython")
    if is_in_tree:
        use_in_tree_shim(source)
    wheel = shell.wheel(front_end, source, tmp_path / "out")
    check_wheel(wheel, is_purelib=False)
    module = module_of(wheel)
    found = asked(wheel, tmp_path / "unpacked")
    assert module["is_imported"]
    assert module["functions"] == {"wrap": found["wrap"]}
    assert module["variables"] == ["ribbon"]
    assert module["types"] == ["Box", "Names"]
    sizes = {name: str(each["basic"]) for name, each in module["sizes"].items()}
    assert sizes == {name: found[name] for name in ("Box", "Names")}
    assert {each["item"] for each in module["sizes"].values()} == {0}


def test_a_setting_turns_it_off(project: MakeProject, shell: Shell, tmp_path: Path) -> None:
    source = project("setuptools_cython")
    setting = "-Cwheel-abi.import-modules=false"
    shell.run(*FRONT_ENDS["build"], tmp_path / "out", source, setting)
    (wheel,) = (tmp_path / "out").glob("*.whl")
    read = module_of(wheel)
    assert not read["is_imported"]
    assert main(["stamp", "--import-modules", str(wheel)]) == 0
    imported = module_of(wheel)
    assert imported["is_imported"]
    if read["functions"] is not None:  # elsewhere its binary does not say it
        assert imported["functions"].items() >= read["functions"].items()
    for name, each in read["sizes"].items():
        assert imported["sizes"][name]["basic"] == each["basic"]
