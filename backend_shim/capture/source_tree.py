"""The digest of a source tree: a sha256 over the lines of its listing, sorted by path as bytes.

A line is ``<kind> <sha256>  <path>\\n``. The kind is ``-`` for a file, ``x`` for an executable one
and ``l`` for a symbolic link, whose digest is that of its target's text. The path is relative, with
slashes; a backslash or line feed in it is escaped as ``\\\\`` and ``\\n``. In-toto's `dirHash` is
of this form but knows neither modes nor links.

A git checkout is listed by git: all that is tracked, and all that is new and not ignored. Any other
tree is walked without the names that builds produce. Those left out are not counted either: a
second build in the same tree is to give the same digest.

What is listed is the tree that `build_wheel` finds. A project whose earlier hooks write into it
(setuptools with Cython generates C when asked for requirements, setuptools-scm a version file) can
thus differ from build to build: that two digests differ does not prove that a source was changed.
"""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from backend_shim.record.build_inputs import SourceTree
from backend_shim.wheel.whole_files import sha256_at

_PRODUCTS_IN_ROOT: Final = frozenset(
    (
        "build",
        "dist",
        ".eggs",
        ".pdm-build",
        "_skbuild",
        ".venv",
        "venv",
        ".nox",
        ".tox",
        "wheelhouse",
    )
)
_PRODUCTS_ANYWHERE: Final = frozenset(
    ("__pycache__", ".git", ".hg", ".svn", ".mypy_cache", ".pytest_cache", ".ruff_cache")
)
_GIT_SECONDS: Final = 60


def capture_source_tree(root: Path, *, leave_out: Collection[Path] = ()) -> SourceTree:
    """The listing of `root`, without what lies in the directories `leave_out` (the wheel's own).

    Raises OSError where a file that is listed cannot be read.
    """
    outputs = _relative_directories(root, leave_out)
    listed = _listed_by_git(root, outputs)
    paths = _walk(root, outputs) if listed is None else listed
    lines = [line for path in sorted(set(paths)) if (line := _line(root, path)) is not None]
    listing = b"".join(lines)
    return SourceTree(
        sha256=hashlib.sha256(listing).hexdigest(),
        listed_by="walk" if listed is None else "git",
        files=len(lines),
    )


def _line(root: Path, path: bytes) -> bytes | None:
    """The line of one file; None where it is gone or is neither a file nor a link."""
    place = root / os.fsdecode(path)
    try:
        mode = place.lstat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(mode):
        target = os.readlink(place)  # noqa: PTH115 - Path would spell the target its own way
        kind, digest = b"l", hashlib.sha256(os.fsencode(target)).hexdigest()
    elif stat.S_ISREG(mode):
        kind, digest = (b"x" if mode & stat.S_IXUSR else b"-"), sha256_at(place)
    else:
        return None
    escaped = path.replace(b"\\", b"\\\\").replace(b"\n", b"\\n")
    return kind + b" " + digest.encode() + b"  " + escaped + b"\n"


def _relative_directories(root: Path, directories: Collection[Path]) -> frozenset[str]:
    """Those of `directories` that lie in `root`, below it, relative with slashes."""
    resolved = Path(os.path.realpath(root))
    inside = []
    for directory in directories:
        place = Path(os.path.realpath(directory))
        if place != resolved and place.is_relative_to(resolved):
            inside.append(place.relative_to(resolved).as_posix())
    return frozenset(inside)


def _is_product(path: PurePosixPath, outputs: frozenset[str]) -> bool:
    """Whether `path`, a file or directory, is made by a build or belongs to version control."""
    if path.name in _PRODUCTS_ANYWHERE or path.suffix in (".egg-info", ".pyc"):
        return True
    # `pip wheel` leaves its wheels in the working directory unless told otherwise.
    in_root = path.name in _PRODUCTS_IN_ROOT or path.suffix == ".whl"
    return (len(path.parts) == 1 and in_root) or path.as_posix() in outputs


def _walk(root: Path, outputs: frozenset[str]) -> Iterator[bytes]:
    pending = [PurePosixPath()]
    while pending:
        directory = pending.pop()
        with os.scandir(root / directory) as scanned:
            entries = list(scanned)
        # Cache Directory Tagging: `target` of cargo, environments of uv, caches of linters.
        if directory.parts and any(entry.name == "CACHEDIR.TAG" for entry in entries):
            continue
        for entry in entries:
            path = directory / entry.name
            if _is_product(path, outputs):
                continue
            if entry.is_dir(follow_symlinks=False):
                pending.append(path)
            else:
                yield os.fsencode(path.as_posix())


def _listed_by_git(root: Path, outputs: frozenset[str]) -> list[bytes] | None:
    """The paths that git lists; None where `root` is not the project of a checkout."""
    tracked = _git_ls_files(root, "--cached")
    new = _git_ls_files(root, "--others", "--exclude-standard")
    if tracked is None or new is None:
        return None
    # An unpacked sdist in an ignored corner of another checkout: git lists nothing of it.
    if b"pyproject.toml" not in (*tracked, *new):
        return None
    paths = [path for path in new if not _lies_in_product(path, outputs)]
    for path in tracked:
        place = root / os.fsdecode(path)
        if place.is_dir() and not place.is_symlink():
            # A submodule is listed as one entry; what is built is what lies there.
            inner = _walk(place, frozenset())
            paths.extend(path.rstrip(b"/") + b"/" + each for each in inner)
        else:
            paths.append(path)
    return paths


def _lies_in_product(path: bytes, outputs: frozenset[str]) -> bool:
    place = PurePosixPath(os.fsdecode(path))
    return any(_is_product(each, outputs) for each in (place, *place.parents[:-1]))


def _git_ls_files(root: Path, *options: str) -> list[bytes] | None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        listed = subprocess.run(  # noqa: S603 - the options are ours
            ["git", "ls-files", "-z", *options],  # noqa: S607 - the git that the project uses
            cwd=root,
            env={**environ, "GIT_OPTIONAL_LOCKS": "0"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_GIT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return [path for path in listed.stdout.split(b"\0") if path]
