"""The process (environment, working directory) is read where the architecture says, only there."""

from __future__ import annotations

import ast

from tests.architecture.modules_of_tree import PACKAGES, ROOT, sources, tree

_OF_PROCESS = {
    *("os.environ", "os.environb", "os.getenv", "os.getcwd", "os.getcwdb", "os.chdir"),
    *("Path.cwd", "pathlib.Path.cwd", "Path.home", "os.path.expanduser"),
}
_MAY = {
    "backend_shim/hooks.py",
    "backend_shim/wrapped_backend.py",
    # SOURCE_DATE_EPOCH: the date of the members that are added.
    "backend_shim/wheel/rewrite.py",
    # WHEEL_ABI_CACHE: where the user wants the cache of downloads.
    "resolver_check/sources/wheel_cache.py",
    # Builds run with the user's own settings of pip, and more.
    "resolver_check/rebuild.py",
    # WHEEL_ABI_STAMP and WHEEL_ABI_BUILD_TAGS: fromager's hooks have no other settings.
    "backend_shim/fromager.py",
    "resolver_check/fromager.py",
}
_MAY_BELOW = ("backend_shim/capture/", "backend_shim/cli/", "resolver_check/cli/")


def _reads_process(path_tree: ast.Module) -> set[str]:
    return {
        text
        for node in ast.walk(path_tree)
        if isinstance(node, ast.Attribute) and (text := ast.unparse(node)) in _OF_PROCESS
    }


def test_only_these_read_the_process() -> None:
    found = {}
    for package in PACKAGES:
        for path in sources(package):
            place = path.relative_to(ROOT).as_posix()
            if place not in _MAY and not place.startswith(_MAY_BELOW):
                found[place] = _reads_process(tree(path))
    assert {place: names for place, names in found.items() if names} == {}


def test_each_exception_is_still_one() -> None:
    reading = {
        "backend_shim/hooks.py",
        "backend_shim/wrapped_backend.py",
        "backend_shim/wheel/rewrite.py",
        "resolver_check/sources/wheel_cache.py",
        "resolver_check/rebuild.py",
        "backend_shim/fromager.py",
        "resolver_check/fromager.py",
    }
    assert {place for place in reading if not _reads_process(tree(ROOT / place))} == set()


def test_only_commands_print() -> None:
    for package in PACKAGES:
        for path in sources(package):
            place = path.relative_to(ROOT).as_posix()
            if place.startswith(("resolver_check/cli/", "backend_shim/cli/")):
                continue
            called = {
                ast.unparse(node.func)
                for node in ast.walk(tree(path))
                if isinstance(node, ast.Call)
            }
            assert called & {"print", "click.echo", "sys.stdout.write"} == set(), place
