"""Names that others may use exist, and names that say nothing do not."""

from __future__ import annotations

import importlib
import inspect
import re

import pytest

from tests.architecture.modules_of_tree import PACKAGES, modules, sources, tree

_EMPTY_NAMES = {"utils", "util", "common", "helpers", "core", "base", "manager", "misc", "tools"}


@pytest.mark.parametrize("package", PACKAGES)
def test_all_names_what_is_there(package: str) -> None:
    for module in modules(package):
        for name in getattr(module, "__all__", ()):
            assert hasattr(module, name), f"{module.__name__}.{name}"


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_is_called_by_an_empty_name(package: str) -> None:
    stems = {part for path in sources(package) for part in re.split("_", path.stem)}
    assert stems & _EMPTY_NAMES == set()


def test_hooks_have_only_what_a_front_end_looks_for() -> None:
    hooks = importlib.import_module("backend_shim.hooks")
    public = {
        name
        for name, value in vars(hooks).items()
        if inspect.isfunction(value)
        and value.__module__ == hooks.__name__
        and not name.startswith("_")
    }
    pattern = r"(build|prepare_metadata_for_build|get_requires_for_build)_(sdist|wheel|editable)"
    assert {name for name in public if not re.fullmatch(pattern, name)} == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_nouns_are_frozen(package: str) -> None:
    """House rule 1; `slots` where no cached property needs a dict."""
    import ast

    for path in sources(package):
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.ClassDef):
                continue
            for decorator in node.decorator_list:
                text = ast.unparse(decorator)
                if text.startswith("dataclass"):
                    assert "frozen=True" in text, f"{path}: {node.name}"
                    assert "kw_only=True" in text, f"{path}: {node.name}"
                    cached = "cached_property" in ast.unparse(node)
                    assert cached or "slots=True" in text, f"{path}: {node.name}"


def test_the_console_scripts_exist() -> None:
    from backend_shim import cli
    from resolver_check.cli import main

    assert callable(cli.main)
    assert callable(main.main)
