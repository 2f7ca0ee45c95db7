"""What `docs/` says of commands, keys and variables is what the programs have."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from backend_shim import cli as shim
from backend_shim import configuration
from resolver_check.cli.main import cli as checker

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
PAGES = sorted({*DOCS.rglob("*.md"), *DOCS.rglob("*.rst")})

_TOCTREE = re.compile(r"^```\{toctree\}\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_BLOCK = re.compile(r"^( *)```(?:sh|console|yaml)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"(?<![\w/'-])(resolver-check|backend-shim) ([a-z-]+)([^|;&)\n]*)")
_ROW = re.compile(r"^\| (`.*?) \|", re.MULTILINE)


def options() -> dict[tuple[str, str], set[str]]:
    """The long options of each command."""
    found = {
        ("resolver-check", name): {
            option
            for each in command.params
            if isinstance(each, click.Option)
            for option in (*each.opts, *each.secondary_opts)
        }
        for name, command in checker.commands.items()
    }
    for action in shim._parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, parser in action.choices.items():
                found["backend-shim", name] = set(parser._option_string_actions)
    return found


def first_column(page: Path, heading: str = "") -> set[str]:
    """The words in code in the first column of the tables below `heading`."""
    text = page.read_text()
    section = text[text.index(heading) :].split("\n## ")[0]
    return {word for row in _ROW.findall(section) for word in re.findall(r"`([^`]+)`", row)}


def shown_commands() -> Iterator[tuple[str, str, str, str]]:
    for page in PAGES:
        for _, block in _BLOCK.findall(page.read_text()):
            for program, name, rest in _COMMAND.findall(block.replace("\\\n", " ")):
                yield page.name, program, name, rest


def test_every_page_is_reached_from_the_first_one() -> None:
    reached: set[Path] = set()
    waiting = [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        for tree in _TOCTREE.findall(page.read_text()):
            for name in re.findall(r"^[^:\s].*$", tree, re.MULTILINE):
                place = (page.parent / name).resolve()
                waiting += [each for each in PAGES if each.with_suffix("") == place]
    assert reached == set(PAGES)


def test_every_command_that_is_shown_exists_with_its_options() -> None:
    known = options()
    shown = [*shown_commands()]
    assert len(shown) > 30
    for page, program, name, rest in shown:
        assert (program, name) in known, f"{page}: {program} {name}"
        for option in re.findall(r"(?<!\S)--[a-z-]+", rest):
            assert option in known[program, name], f"{page}: {program} {name} {option}"


def test_every_json_output_is_in_the_reference() -> None:
    page = (REFERENCE / "json.md").read_text()
    for (program, name), known in options().items():
        if "--format" in known:
            said = name if program == "resolver-check" else f"{program} {name}"
            assert f"`{said}`" in page, said


def test_the_keys_of_the_configuration_are_those_that_are_read() -> None:
    page = REFERENCE / "configuration.md"
    assert first_column(page) == set(configuration._KEYS)
    assert first_column(page, "## `provides`") == set(configuration._SERIES_KEYS)
    settings = {configuration.SETTING_PREFIX + name for name in configuration._SETTINGS}
    assert first_column(page, "## For one build") == settings


@pytest.mark.parametrize("package", ["backend_shim", "resolver_check"])
def test_every_variable_of_ours_is_in_the_reference(package: str) -> None:
    described = first_column(REFERENCE / "environment_variables.md")
    for path in (ROOT / package).rglob("*.py"):
        for name in re.findall(r"\bWHEEL_ABI_[A-Z_]+", path.read_text()):
            assert name in described, f"{path.name}: {name}"
