"""The digest of a tree changes with what is built from, and with nothing else."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from backend_shim.capture.source_tree import capture_source_tree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "src" / "pkg").mkdir(parents=True)
    (root / "pyproject.toml").write_text("[project]\n")
    (root / "src" / "pkg" / "a.py").write_text("a = 1\n")
    (root / "src" / "pkg" / "run.sh").write_text("#!/bin/sh\n")
    (root / "src" / "pkg" / "run.sh").chmod(0o755)
    (root / "link").symlink_to("src/pkg/a.py")
    return root


def git(root: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *arguments],
        cwd=root,
        check=True,
        capture_output=True,
    )


@pytest.fixture
def checkout(tree: Path) -> Path:
    (tree / ".gitignore").write_text("*.o\n/ignored/\n")
    git(tree, "init", "-q")
    git(tree, "add", ".")
    git(tree, "commit", "-q", "-m", "first")
    return tree


def digest(root: Path, **options: list[Path]) -> str:
    return capture_source_tree(root, **options).sha256


def test_the_listing_is_the_documented_text(tree: Path) -> None:
    def sha(data: bytes) -> str:
        return hashlib.sha256(data).hexdigest()

    listing = (
        f"l {sha(b'src/pkg/a.py')}  link\n"
        f"- {sha(b'[project]' + os.linesep.encode())}  pyproject.toml\n"
        f"- {sha(b'a = 1' + os.linesep.encode())}  src/pkg/a.py\n"
        f"x {sha(b'#!/bin/sh' + os.linesep.encode())}  src/pkg/run.sh\n"
    )
    captured = capture_source_tree(tree)
    assert captured.sha256 == sha(listing.encode())
    assert (captured.files, captured.listed_by) == (4, "walk")


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda root: (root / "src/pkg/a.py").write_text("a = 2\n"),
    "mode": lambda root: (root / "src/pkg/a.py").chmod(0o755),
    "new file": lambda root: (root / "src/pkg/b.py").write_text(""),
    "removed file": lambda root: (root / "src/pkg/a.py").unlink(),
    "renamed file": lambda root: (root / "src/pkg/a.py").rename(root / "src/pkg/c.py"),
    "link": lambda root: relink(root / "link"),
    "PKG-INFO": lambda root: (root / "PKG-INFO").write_text("Name: x\n"),
    "inner build directory": lambda root: put(root / "src/pkg/build/x.py"),
}
PRODUCTS: dict[str, Callable[[Path], object]] = {
    "time": lambda root: os.utime(root / "src/pkg/a.py", (1, 1)),
    "group bits": lambda root: (root / "src/pkg/a.py").chmod(0o600),
    "build": lambda root: put(root / "build/lib/x.py"),
    "dist": lambda root: put(root / "dist/x.whl"),
    "bytecode": lambda root: put(root / "src/pkg/__pycache__/a.pyc"),
    "egg-info": lambda root: put(root / "src/pkg.egg-info/PKG-INFO"),
    "environment": lambda root: put(root / ".venv/bin/python"),
    "wheel": lambda root: put(root / "pkg-1-py3-none-any.whl"),
    "build directory of pdm": lambda root: put(root / ".pdm-build/.gitignore"),
    "output": lambda root: put(root / "out/inner/x"),
    "socket": lambda root: os.mkfifo(root / "pipe"),
}


def relink(path: Path) -> None:
    path.unlink()
    path.symlink_to("x")


def put(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")


@pytest.mark.parametrize("kind", ["tree", "checkout"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_the_sources_changes_it(
    change: str, kind: str, request: pytest.FixtureRequest
) -> None:
    root = request.getfixturevalue(kind)
    before = digest(root)
    CHANGES[change](root)
    assert digest(root) != before


@pytest.mark.parametrize("kind", ["tree", "checkout"])
@pytest.mark.parametrize("product", PRODUCTS)
def test_a_product_of_a_build_does_not(
    product: str, kind: str, request: pytest.FixtureRequest
) -> None:
    root = request.getfixturevalue(kind)
    output = [root / "out" / "inner"]
    before = digest(root, leave_out=output)
    PRODUCTS[product](root)
    assert digest(root, leave_out=output) == before


def test_a_checkout_is_listed_by_git(checkout: Path) -> None:
    before = capture_source_tree(checkout)
    assert before.listed_by == "git"
    put(checkout / "x.o")
    put(checkout / "ignored" / "y")
    assert capture_source_tree(checkout) == before
    put(checkout / "new.py")
    assert capture_source_tree(checkout).files == before.files + 1


def test_what_git_tracks_is_a_source_whatever_it_is_called(checkout: Path) -> None:
    put(checkout / "build" / "generate.py")
    before = digest(checkout)
    git(checkout, "add", "-f", "build")
    assert digest(checkout) != before


def test_a_commit_changes_nothing(checkout: Path) -> None:
    put(checkout / "new.py")
    before = digest(checkout)
    git(checkout, "add", ".")
    git(checkout, "commit", "-q", "-m", "second")
    assert digest(checkout) == before


def test_a_submodule_is_listed_by_its_files(checkout: Path, tmp_path: Path) -> None:
    inner = checkout / "vendored"
    put(inner / "lib.c")
    git(inner, "init", "-q")
    git(inner, "add", ".")
    git(inner, "commit", "-q", "-m", "inner")
    git(checkout, "add", "vendored")
    before = digest(checkout)
    (inner / "lib.c").write_text("changed")
    assert digest(checkout) != before


def test_an_ignored_corner_of_another_checkout_is_walked(checkout: Path) -> None:
    corner = checkout / "ignored" / "sdist"
    put(corner / "pyproject.toml")
    assert capture_source_tree(corner).listed_by == "walk"


def test_a_folder_of_a_bigger_checkout_is_listed_by_git(checkout: Path) -> None:
    put(checkout / "packages" / "one" / "pyproject.toml")
    captured = capture_source_tree(checkout / "packages" / "one")
    assert (captured.listed_by, captured.files) == ("git", 1)


def test_the_environment_of_a_git_hook_does_not_mislead(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digest(checkout)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    assert digest(checkout) == before


def test_without_git_a_checkout_is_walked(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert capture_source_tree(checkout).listed_by == "walk"


def test_a_tagged_cache_is_no_source(tree: Path) -> None:
    before = digest(tree)
    put(tree / "target" / "CACHEDIR.TAG")
    put(tree / "target" / "debug" / "x")
    assert digest(tree) == before


def test_odd_names_are_listed(tree: Path) -> None:
    for name in ("new\nline", "back\\slash", "a  b", "\udcff"):
        (tree / name).write_text("x")
    captured = capture_source_tree(tree)
    assert captured.files == 8
    (tree / "new\nline").rename(tree / "new\\nline")
    assert capture_source_tree(tree).sha256 != captured.sha256
