"""The tutorials of `docs/`, run as they stand in a fresh clone, print what they show."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TUTORIALS = ROOT / "docs" / "tutorials"

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.network,
    pytest.mark.slow,
    pytest.mark.skipif(
        sys.platform != "linux" or sys.version_info[:2] != (3, 11),
        reason="the tutorials show what CPython 3.11 prints on Linux",
    ),
]

# A command, and what it is shown to print.
_STEP = re.compile(r"^```sh\n(.*?)^```$(?:\n+^```text\n(.*?)^```$)?", re.DOTALL | re.MULTILINE)
_END_OF_STEP = "@ end of a step @"


def steps(page: Path) -> list[tuple[str, str]]:
    return _STEP.findall(page.read_text())


def session(page: Path, directory: Path, *, first: str = "") -> None:
    """Run the commands of `page` in one shell, as a reader does, and look at what they print."""
    asked = steps(page)
    script = first + "".join(f"{command}echo '{_END_OF_STEP}'\n" for command, _ in asked)
    environ = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        # Bytecode of what runs once is of no use.
        cwd=directory, env={**environ, "PIP_NO_COMPILE": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    printed = done.stdout.split(f"{_END_OF_STEP}\n")
    assert len(printed) == len(asked) + 1
    for (command, shown), answer in zip(asked, printed, strict=False):
        assert is_shown(shown, answer), f"{command}\nshown:\n{shown}\nprinted:\n{answer}"


def is_shown(shown: str, printed: str) -> bool:
    """Whether the lines of `shown` are printed in this order; `…` stands for anything.

    Among them may be lines of pip, which warns of what this machine has for indexes.
    """
    lines = [line for line in shown.splitlines() if line != "…"]
    patterns = [".*".join(map(re.escape, line.split("…"))) for line in lines]
    rest = iter(printed.splitlines())
    return all(any(re.fullmatch(each, line) for line in rest) for each in patterns)


@pytest.fixture(scope="module")
def prepared(clone: Path) -> Path:
    """The clone with the environment that all tutorials begin with."""
    session(TUTORIALS / "index.md", clone)
    return clone


@pytest.mark.parametrize(
    "page", sorted({*TUTORIALS.glob("*.md")} - {TUTORIALS / "index.md"}), ids=lambda page: page.stem
)
def test_a_tutorial_prints_what_it_shows(page: Path, prepared: Path) -> None:
    assert steps(page)
    session(page, prepared, first=". .venv/bin/activate\n")


def test_a_line_that_is_not_printed_is_noticed() -> None:
    assert is_shown("a\n…\nc 1…\n", "a\nb\nc 17\n")
    assert not is_shown("a\nc\n", "c\na\n")
    assert not is_shown("a", "a b")
