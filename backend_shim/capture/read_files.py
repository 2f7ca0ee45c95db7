"""From opened paths to what a build read: each file with its distribution, role and digest."""

from __future__ import annotations

import configparser
import hashlib
import importlib.util
import os
import posixpath
import re
import sys
from base64 import urlsafe_b64encode
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from backend_shim.capture.build_requirements import Installed
from backend_shim.capture.imported_code import files_loaded_by
from backend_shim.interfaces.interface_file import is_interface_file
from backend_shim.record.read_set import COMPILED_IN, ReadFiles, Role, listing_digest

_ROLE_OF_SUFFIX: Final = {
    **dict.fromkeys((".pxd", ".pxi", ".pyx"), Role.PXD),
    **dict.fromkeys((".a", ".lib", ".o", ".obj"), Role.STATIC_LIBRARY),
    **dict.fromkeys((".py", ".pyc", ".pyd", ".exe"), Role.BUILD_TOOL),
    **dict.fromkeys((".c", ".cc", ".cpp", ".cxx", ".cu", ".f", ".f90"), Role.HEADER),
    **dict.fromkeys((".pc", ".cmake"), Role.OTHER),
    **dict.fromkeys((".dylib", ".dll"), Role.SHARED_LIBRARY),
}
_ELF_LIBRARY: Final = re.compile(r"lib[^/]*\.so(\.[0-9.]+)?|[^/]*\.so\.[0-9.]+")
_METADATA_DIRECTORIES: Final = (".dist-info", ".egg-info")
_SCRIPTS: Final = ("console_scripts", "gui_scripts")
# What setuptools calls may write code for the wheel, as that of cffi does.
_PLUG_INS: Final = ("distutils.", "setuptools.")
_MOST_DIRECTORIES: Final = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Directories to be watched, as the kernel knows them."""

    directories: frozenset[str]
    """Real paths."""
    beside: frozenset[str]
    """Real paths of other directories, which hold files that links of the tree mean."""
    aliases: dict[str, str]
    """Real path of what a symbolic link of the tree means, and where the link lies."""
    is_whole: bool
    """There are no more directories, and all could be read."""

    def holds(self, path: str) -> bool:
        """Whether the real path is that of a file of the tree."""
        return posixpath.dirname(path) in self.directories or path in self.aliases


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributed:
    """Opened files by whom they belong to."""

    by_name: dict[str, ReadFiles]
    """By normalized name of the distribution."""
    unowned: tuple[str, ...]
    """Real paths, sorted."""


def tree_of(roots: Iterable[str]) -> Tree:
    """All directories below `roots`, through symbolic links as installers may make them.

    uv can link an environment to its cache: what is opened then is the file there, and reported
    where it lies. Of several links to one file the first counts, which is sound: its digest is
    that of the file. Reads nothing but directories.
    """
    directories: set[str] = set()
    beside: set[str] = set()
    aliases: dict[str, str] = {}
    unread = 0
    waiting = [(os.path.realpath(root), root) for root in sorted(set(roots))]
    waiting = [(real, root) for real, root in waiting if os.path.isdir(real)]  # noqa: PTH112
    while waiting and len(directories) < _MOST_DIRECTORIES:
        real, shown = waiting.pop()
        if real in directories:
            continue
        entries = _entries(real)
        if entries is None:
            unread += 1
            continue
        directories.add(real)
        if real != shown:
            aliases[real] = shown
        for entry in entries:
            name = f"{shown}/{entry.name}"
            target = f"{real}/{entry.name}"
            if not entry.is_symlink():
                if entry.is_dir():
                    waiting.append((target, name))
                continue
            target = os.path.realpath(target)
            if os.path.isdir(target):  # noqa: PTH112 - no Path for each
                waiting.append((target, name))
            elif os.path.isfile(target):  # noqa: PTH113
                aliases.setdefault(target, name)
                beside.add(posixpath.dirname(target))
    return Tree(
        directories=frozenset(directories),
        beside=frozenset(beside - directories),
        aliases=aliases,
        is_whole=not waiting and not unread,
    )


def paths_of_modules() -> Iterator[str]:
    """Files of the modules that this process has imported, watched or not."""
    for module in list(sys.modules.values()):
        origin = getattr(getattr(module, "__spec__", None), "origin", None)
        if isinstance(origin, str) and os.path.isabs(origin):  # noqa: PTH117 - no Path for each
            yield os.path.realpath(origin)


def attribute(
    opened: Iterable[str], installed: Sequence[Installed], aliases: dict[str, str]
) -> Attributed:
    """Each of `opened` with every distribution of `installed` whose RECORD lists it.

    Metadata of distributions does not count: the version stands in the record. OSError of a file
    that has gone is not raised: it then has no digest that any other version could have.
    """
    owners = _owners(installed)
    found: dict[str, set[str]] = {}
    unowned: set[str] = set()
    for real in opened:
        # A link of the tree may mean another file of it, which then has its own name, too.
        names = (_source_of(real), _source_of(_shown(real, aliases)))
        owned = [owner for name in dict.fromkeys(names) for owner in owners.get(name, ())]
        for name, path in owned:
            if not _is_metadata(path):
                found.setdefault(name, set()).add(path)
        # What a link means that nobody ships lies elsewhere and serves others, too: the interpreter
        # of the environment is one, and whoever starts it on this machine would be counted.
        is_elsewhere = real in aliases or "/__pycache__/" in real
        if not (owned or is_elsewhere or _is_metadata(real)):
            unowned.add(real)
    by_name = {
        each.name: _read_files(each, found[each.name]) for each in installed if each.name in found
    }
    return Attributed(by_name=by_name, unowned=tuple(sorted(unowned)))


def role_of(path: str) -> Role:
    """What the file `path` of a distribution is to a build."""
    name = posixpath.basename(path)
    role = _ROLE_OF_SUFFIX.get(posixpath.splitext(name)[1].lower())
    if role is not None:
        return role
    if ".so" in name:
        is_library = _ELF_LIBRARY.fullmatch(name) and ".cpython-" not in name
        return Role.SHARED_LIBRARY if is_library else Role.BUILD_TOOL
    if is_interface_file(path):
        return Role.HEADER
    return Role.BUILD_TOOL if path.startswith(("bin/", "Scripts/")) else Role.OTHER


def _entries(directory: str) -> list[os.DirEntry[str]] | None:
    """None where they cannot be read."""
    try:
        with os.scandir(directory) as scanned:
            return list(scanned)
    except OSError:
        return None


def _shown(real: str, aliases: dict[str, str]) -> str:
    """`real` as the environment spells it."""
    if real in aliases:
        return aliases[real]
    directory, _, name = real.rpartition("/")
    return f"{aliases[directory]}/{name}" if directory in aliases else real


def _source_of(path: str) -> str:
    """Of bytecode, the module that it was made of: which of them is read depends on chance."""
    if not path.endswith(".pyc"):
        return path
    try:
        return importlib.util.source_from_cache(path)
    except (ValueError, NotImplementedError):
        return path


def _is_metadata(path: str) -> bool:
    return any(part.endswith(_METADATA_DIRECTORIES) for part in path.split("/")[:-1])


def _owners(installed: Sequence[Installed]) -> dict[str, list[tuple[str, str]]]:
    """By absolute place of a file, (name of the distribution, path) of all that ship it."""
    owners: dict[str, list[tuple[str, str]]] = {}
    for each in installed:
        elsewhere = {path for _, path in each.outside}
        places = [(f"{each.root}/{path}", path) for path, _ in each.files if path not in elsewhere]
        for place, path in (*places, *each.outside):
            owners.setdefault(place, []).append((each.name, path))
    return owners


def _read_files(owner: Installed, paths: Collection[str]) -> ReadFiles:
    """The record of what was read of `owner`."""
    files = dict(owner.files)
    places = {path: place for place, path in owner.outside}
    entries = _entry_points(owner)
    scripts = {name for group in _SCRIPTS for name in entries.get(group, {})}
    run = {
        module
        for group, modules in entries.items()
        if group in _SCRIPTS or group.startswith(_PLUG_INS)
        for module in modules.values()
    }
    digests = []
    tools = []
    is_program = False
    for path in sorted(paths):
        is_script = path not in files
        if is_script and posixpath.basename(path).removesuffix(".exe") in scripts:
            is_program = True  # made by the installer: what it does stands in its module
            continue
        recorded = files.get(path, "sha256")
        digest = _digest_now(places.get(path, f"{owner.root}/{path}"), recorded)
        role = role_of(path)
        if role is Role.BUILD_TOOL:
            tools.append((path, digest))
            is_program |= is_script or _is_program(path, run)
        else:
            digests.append((role, path, digest))
    is_library = any(role in COMPILED_IN for role, _, _ in digests)
    if is_library and tools and not is_program:
        is_program = _is_more_than_imported(owner, [path for path, _ in tools])
    return ReadFiles(
        digests=tuple(sorted(digests)),
        tools=tuple(path for path, _ in tools),
        tools_sha256=listing_digest(tools) if tools else None,
        is_program=bool(tools) and is_program,
    )


def _is_more_than_imported(owner: Installed, tools: Collection[str]) -> bool:
    """Whether one of the modules is not loaded by importing the packages that hold them."""
    packages = {path.partition("/")[0].partition(".")[0] for path in tools}
    loaded = files_loaded_by(packages)
    return any(os.path.realpath(f"{owner.root}/{path}") not in loaded for path in tools)


def _digest_now(place: str, recorded: str) -> str:
    """The digest of the file as it is, by the algorithm of RECORD.

    A file that was changed after it was installed must not pass for that of its wheel.
    """
    algorithm = recorded.partition("=")[0]
    try:
        found = hashlib.new(algorithm, Path(place).read_bytes(), usedforsecurity=False).digest()
    except (OSError, ValueError):
        return "none=unreadable"
    return f"{algorithm}={urlsafe_b64encode(found).decode().rstrip('=')}"


def _entry_points(owner: Installed) -> dict[str, dict[str, str]]:
    """By group and name, the path of the module that the entry point names, without suffix.

    ("Entry points specification", File format.)
    """
    listed = [path for path, _ in owner.files if path.endswith(".dist-info/entry_points.txt")]
    parser = configparser.RawConfigParser(delimiters=("=",), strict=False)
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    try:
        parser.read_string(Path(owner.root, listed[0]).read_text("utf-8") if listed else "")
    except (OSError, UnicodeDecodeError, configparser.Error):
        return {}
    return {
        group: {
            name: value.partition(":")[0].strip().replace(".", "/")
            for name, value in parser.items(group)
        }
        for group in parser.sections()
    }


def _is_program(path: str, modules: Collection[str]) -> bool:
    """Whether the module at `path` is run: it is one of `modules`, or what `python -m` runs."""
    directory, name = posixpath.split(path)
    stem = name.partition(".")[0]
    if stem == "__main__":
        return True
    module = directory if stem == "__init__" else posixpath.join(directory, stem)
    return module in modules
