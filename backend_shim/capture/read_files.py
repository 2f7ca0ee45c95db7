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
from backend_shim.interfaces.interface_file import is_interface_file
from backend_shim.record.read_set import ReadFiles, Role, listing_digest

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
_MOST_DIRECTORIES: Final = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Directories to be watched, as the kernel knows them."""

    directories: frozenset[str]
    """Real paths."""
    aliases: dict[str, str]
    """Real path of what a symbolic link of the tree means, and where the link lies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributed:
    """Opened files by whom they belong to."""

    by_name: dict[str, ReadFiles]
    """By normalized name of the distribution."""
    unowned: tuple[str, ...]
    """Absolute paths, sorted."""


def tree_of(roots: Iterable[str]) -> Tree:
    """All directories below `roots`, through symbolic links as installers may make them.

    uv can link an environment to its cache: what is opened then is the file there, and reported
    where it lies. Of several links to one file the first counts, which is sound: its digest is
    that of the file. Reads nothing but directories; one that cannot be read is passed over.
    """
    directories: set[str] = set()
    aliases: dict[str, str] = {}
    waiting = [(os.path.realpath(root), root) for root in sorted(set(roots))]
    while waiting and len(directories) < _MOST_DIRECTORIES:
        real, shown = waiting.pop()
        if real in directories:
            continue
        try:
            with os.scandir(real) as scanned:
                entries = list(scanned)
        except OSError:
            continue
        directories.add(real)
        if real != shown:
            aliases[real] = shown
        for entry in entries:
            target = f"{real}/{entry.name}"
            if entry.is_symlink():
                target = os.path.realpath(target)
                aliases.setdefault(target, f"{shown}/{entry.name}")
                if not entry.is_dir():
                    directories.add(posixpath.dirname(target))
            if entry.is_dir():
                waiting.append((target, f"{shown}/{entry.name}"))
    return Tree(directories=frozenset(directories), aliases=aliases)


def paths_of_modules() -> Iterator[str]:
    """Files of the modules that this process has imported, watched or not."""
    for module in list(sys.modules.values()):
        origin = getattr(getattr(module, "__spec__", None), "origin", None)
        if isinstance(origin, str) and os.path.isabs(origin):  # noqa: PTH117 - no Path for each
            yield os.path.realpath(origin)


def attribute(
    opened: Iterable[str], installed: Sequence[Installed], aliases: dict[str, str]
) -> Attributed:
    """Each of `opened` with the distribution of `installed` whose RECORD lists it.

    Metadata of distributions does not count: the version stands in the record. OSError of a file
    that has gone is not raised: it then has no digest that any other version could have.
    """
    by_root: dict[str, dict[str, tuple[Installed, str]]] = {}
    outside: dict[str, tuple[Installed, str]] = {}
    for each in installed:
        by_root.setdefault(each.root, {}).update(
            (path, (each, digest)) for path, digest in each.files
        )
        outside.update((place, (each, path)) for place, path in each.outside)
    found: dict[str, set[str]] = {}
    unowned: set[str] = set()
    for real in opened:
        shown = _shown(real, aliases)
        if any(f"{suffix}/" in shown for suffix in _METADATA_DIRECTORIES):
            continue
        source = _source_of(shown)
        owner, path = _owner(source, by_root, outside)
        if owner is None:
            if "/__pycache__/" not in shown:
                unowned.add(shown)
        else:
            found.setdefault(owner.name, set()).add(path)
    by_name = {
        each.name: _read_files(each, found[each.name], by_root[each.root])
        for each in installed
        if each.name in found
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


def _owner(
    place: str,
    by_root: dict[str, dict[str, tuple[Installed, str]]],
    outside: dict[str, tuple[Installed, str]],
) -> tuple[Installed | None, str]:
    """The distribution that `place` belongs to, and its path in it."""
    for root, files in by_root.items():
        if place.startswith(root + "/"):
            path = place[len(root) + 1 :]
            if path in files:
                return files[path][0], path
    return outside.get(place, (None, ""))


def _read_files(
    owner: Installed, paths: Collection[str], files: dict[str, tuple[Installed, str]]
) -> ReadFiles:
    """The record of what was read of `owner`."""
    places = {path: place for place, path in owner.outside}
    scripts = _scripts_of(owner)
    digests = []
    tools = []
    is_program = False
    for path in sorted(paths):
        is_script = path not in files
        if is_script and posixpath.splitext(posixpath.basename(path))[0] in scripts:
            is_program = True  # made by the installer: what it does stands in its module
            continue
        recorded = "sha256" if is_script else files[path][1]
        digest = _digest_now(places.get(path, f"{owner.root}/{path}"), recorded)
        role = role_of(path)
        if role is Role.BUILD_TOOL:
            tools.append((path, digest))
            is_program |= is_script or _is_program(path, scripts.values())
        else:
            digests.append((role, path, digest))
    return ReadFiles(
        digests=tuple(sorted(digests)),
        tools=tuple(path for path, _ in tools),
        tools_sha256=listing_digest(tools) if tools else None,
        is_program=bool(tools) and is_program,
    )


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


def _scripts_of(owner: Installed) -> dict[str, str]:
    """Of each script that an installer makes for a distribution, the path of the module it calls.

    Without suffix ("Entry points specification", File format).
    """
    listed = [path for path, _ in owner.files if path.endswith(".dist-info/entry_points.txt")]
    parser = configparser.RawConfigParser(delimiters=("=",), strict=False)
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    try:
        parser.read_string(Path(owner.root, listed[0]).read_text("utf-8") if listed else "")
    except (OSError, UnicodeDecodeError, configparser.Error):
        return {}
    return {
        name: value.partition(":")[0].strip().replace(".", "/")
        for section in ("console_scripts", "gui_scripts")
        if parser.has_section(section)
        for name, value in parser.items(section)
    }


def _is_program(path: str, modules: Iterable[str]) -> bool:
    """Whether the module at `path` is one that is run: by a script, or by `python -m`."""
    directory, name = posixpath.split(path)
    stem = name.partition(".")[0]
    if stem == "__main__":
        return True
    module = directory if stem == "__init__" else posixpath.join(directory, stem)
    return module in modules
