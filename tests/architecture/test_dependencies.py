"""What is imported is declared, and what is declared is imported."""

from __future__ import annotations

import re
import sys

import pytest

from tests.architecture.modules_of_tree import ROOT, imported, sources

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# requests hands its errors on, and they are told apart; it requires urllib3 itself.
_COMES_WITH = {"urllib3": "requests"}
_RUN_AS_PROGRAM = {"build"}
# Extras for what not everybody does, imported when it is done.
_FOR_SOME = {"dask", "fast"}


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _names(requirements: list[str]) -> set[str]:
    return {re.match(r"[\w.-]+", line)[0].lower().replace("-", "_") for line in requirements}  # type: ignore[index]


def test_the_extras_are_what_resolver_check_imports(project: dict) -> None:
    used = {name for path in sources("resolver_check") for name in imported(path)}
    used -= {*sys.stdlib_module_names, "backend_shim", "resolver_check"}
    used = {_COMES_WITH.get(name, name) for name in used} - _names(project["dependencies"])
    extras = project["optional-dependencies"]
    others = [_names(lines) for extra, lines in extras.items() if extra in _FOR_SOME]
    assert used | _RUN_AS_PROGRAM == _names(extras["check"]).union(*others)
    assert all(_names(extras["check"]).isdisjoint(names) for names in others)


def test_the_shim_requires_nothing_but_a_reader_of_toml(project: dict) -> None:
    assert _names(project["dependencies"]) == {"tomli"}
    assert all("python_version < '3.11'" in line for line in project["dependencies"])
