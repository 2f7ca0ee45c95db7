"""The commands of README.md and of the examples, run as they stand in a fresh clone."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.end_to_end, pytest.mark.network, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"(<!-- test command -->\n)?^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(path: Path) -> list[tuple[bool, str]]:
    """The shell blocks of a Markdown file in order, and whether each is the test command."""
    return [(bool(marked), text.strip()) for marked, text in _BLOCK.findall(path.read_text())]


def run(command: str, directory: Path) -> str:
    """What `command` prints; it must succeed."""
    environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=directory, env=environment, capture_output=True, text=True, timeout=1200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def test_every_command_of_the_readme_runs_in_order(clone: Path) -> None:
    commands = [text for is_test, text in blocks(ROOT / "README.md") if not is_test]
    assert len(commands) >= 6
    outputs = {text: run(text, clone) for text in commands}
    (plan,) = (out for text, out in outputs.items() if text.endswith("numpy_2_bump/run.sh"))
    summary = re.search(r"\d+ wheels .*", plan)
    assert summary is not None
    assert summary[0] in (ROOT / "README.md").read_text(), "the README shows other figures"
    assert "invalid     pandas-2.1.4" in plan
    assert "keep        pandas-2.2.3" in plan


def test_the_test_command_is_the_one_that_ci_runs() -> None:
    (command,) = (text for is_test, text in blocks(ROOT / "README.md") if is_test)
    script = (ROOT / ".ci" / "run").read_text()
    awk = re.search(r"^test_command=\$\((.*)\)$", script, re.MULTILINE)
    assert awk is not None
    assert run(awk[1], ROOT).strip() == command


@pytest.mark.parametrize(
    "readme",
    # test_fromager.py runs those of the other one, which needs a farm.
    sorted({*ROOT.glob("examples/*/README.md")} - {ROOT / "examples/fromager/README.md"}),
    ids=lambda p: p.parent.name,
)
def test_every_command_of_an_example_is_run(readme: Path, clone: Path) -> None:
    in_readme = {text for _, text in blocks(ROOT / "README.md")}
    commands = [text for _, text in blocks(readme)]
    assert commands
    for command in commands:
        if not any(command in text for text in in_readme):
            run(f'PATH="$PWD/.venv/bin:$PATH"; {command}', clone)
