"""The strongest evidence: a rebuild would read from the new provider what the build has read.

A build whose capture is complete has read nothing that its record does not name. So where all of
that which counts (`read_files`) is in the new provider as it was, the compiler would see the same,
layouts and macros included, whatever else the provider ships.

That has to be the binding's own ground: a file that was read declares what the binding is about.
Of headers that were vendored, or copied by hand, nothing is said.

A new version can also have files that would be found before those that were read: of the same base
name in another directory, or asked for by `__has_include`. Files of other names may change what
else is compiled, but not what was compiled from this provider, all of which is unchanged.
"""

from __future__ import annotations

import posixpath
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Final, TypeAlias

from backend_shim.interfaces.interface_file import (
    CYTHON_SUFFIXES,
    asked_for,
    is_c_header,
    is_interface_file,
)
from backend_shim.interfaces.interface_tree import InterfaceTree
from backend_shim.interfaces.provider import Declaration
from backend_shim.interfaces.reasons import Binding, Effect, Evidence, Reason
from backend_shim.record.read_set import ReadFiles
from resolver_check.compare.read_files import LIBRARY, changed_files, stem, tools_count

ReadTrees: TypeAlias = Callable[[frozenset[str]], tuple[InterfaceTree, InterfaceTree]]
"""Given identifiers to look for: the interface files of the old and the new provider."""

_SHOWN: Final = 8
# Cython 3 looks for `name.cython-30.pxd` before `name.pxd`.
_FOR_CYTHON: Final = re.compile(r"\.cython-\d+(?=\.pxd$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFilesUnchanged(Reason):
    """All that the build read of the provider is the same in the new one."""

    kind: ClassVar[str] = "read-files-unchanged"
    effect: ClassVar[Effect] = Effect.SUPPORTS
    evidence: ClassVar[Evidence | None] = Evidence.SAME_INPUTS
    files: int
    """How many were read and count."""
    declared_in: tuple[str, ...]
    """Those of them that declare what the binding is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFilesChanged(Reason):
    """Files that the build read of the provider are not in the new one as they were."""

    kind: ClassVar[str] = "read-files-changed"
    effect: ClassVar[Effect] = Effect.NOTE
    files: int
    changed: tuple[str, ...]
    """The first few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherFilesFound(Reason):
    """A rebuild may find other files of the new provider in place of those that the build read."""

    kind: ClassVar[str] = "other-files-found"
    effect: ClassVar[Effect] = Effect.NOTE
    found: tuple[str, ...]
    """The first few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltFrom:
    """What the build read of the provider, all of it, and what the provider's wheels hold."""

    read: ReadFiles
    linked: frozenset[str]
    """Names of the libraries that binaries of the consumer need."""
    old: Mapping[str, str]
    """Digests of RECORD by path as installed; empty where there is no old wheel."""
    new: Mapping[str, str]
    is_old_the_built_with: bool
    """The old wheel is of the version that the build had."""


def files_to_compare(built: BuiltFrom | None) -> frozenset[str] | None:
    """Paths of the files that alone are worth comparing between the old and the new provider.

    None for all: what the build read is not known, or the old wheel does not hold it.
    """
    if built is None or not built.old or _changed(built.read, built.old, built.linked):
        return None
    return _counting(built.read, built.linked)


def with_same_inputs(
    bindings: list[Binding], built: BuiltFrom, read_trees: ReadTrees
) -> tuple[list[Binding], tuple[Reason, ...]]:
    """`bindings`, with what the files that were read say of each; and why they say nothing."""
    files = _counting(built.read, built.linked)
    if changed := _changed(built.read, built.new, built.linked):
        return bindings, (ReadFilesChanged(files=len(files), changed=changed[:_SHOWN]),)
    wanted = {each.name for one in bindings for each in _ground(one) if each.module is None}
    if not any(map(_ground, bindings)):
        return bindings, ()
    _, tree = read_trees(frozenset(wanted))
    if changed := tuple(_belied(built.read, tree)):
        return bindings, (ReadFilesChanged(files=len(files), changed=changed[:_SHOWN]),)
    if found := tuple(_found_first(built, tree)):
        return bindings, (OtherFilesFound(found=found[:_SHOWN]),)
    return [_with_reason(each, tree, files) for each in bindings], ()


def _ground(binding: Binding) -> tuple[Declaration, ...]:
    """What the files that were read have to declare; nothing where no file can prove a binding."""
    if any(each.effect is Effect.REFUSES for each in binding.reasons):
        return ()
    return binding.compiled_from or binding.declarations


def _with_reason(binding: Binding, tree: InterfaceTree, files: frozenset[str]) -> Binding:
    declaring = [{file.path for file in tree.declaring(each)} & files for each in _ground(binding)]
    if not declaring or not all(declaring):
        return binding
    declared_in = tuple(sorted(frozenset().union(*declaring)))
    reason = ReadFilesUnchanged(files=len(files), declared_in=declared_in)
    return replace(binding, reasons=(reason, *binding.reasons))


def _changed(
    read: ReadFiles, digests: Mapping[str, str], linked: frozenset[str]
) -> tuple[str, ...]:
    """What `changed_files` says, and modules that were linked to: they have no digest alone."""
    modules = (path for path in read.tools if posixpath.basename(path) in linked)
    return (*changed_files(read, digests, linked=linked), *modules)


def _belied(read: ReadFiles, tree: InterfaceTree) -> Iterator[str]:
    """Interface files whose content in the new wheel is not what its RECORD says."""
    for _, path, digest in read.digests:
        algorithm, _, value = digest.partition("=")
        if algorithm == "sha256" and path in tree.by_path:
            found = urlsafe_b64encode(bytes.fromhex(tree.by_path[path].digest)).decode()
            if found.rstrip("=") != value:
                yield path


def _counting(read: ReadFiles, linked: frozenset[str]) -> frozenset[str]:
    """Paths of the files that count."""
    counting = changed_files(read, {}, linked=linked)
    return frozenset((*counting, *read.tools) if tools_count(read) else counting)


def _found_first(built: BuiltFrom, tree: InterfaceTree) -> Iterator[str]:
    """Files of the new provider that the build did not have, or may not have had, to choose from.

    Where the wheel that it was built with is not at hand these are all that it did not read.
    """
    read = frozenset(path for _, path, _ in built.read.digests)
    known = read | built.old.keys() if built.is_old_the_built_with else read
    names = set(map(_asked_as, _counting(built.read, built.linked)))
    asked = {
        name.lower()
        for path in read & tree.by_path.keys()
        if is_c_header(path)
        for name in asked_for(tree.content(path))
    }
    for path in sorted(built.new.keys() - known):
        if not is_interface_file(path) and not LIBRARY.fullmatch(path):
            continue
        may_be_asked = "" in asked or posixpath.basename(path).lower() in asked
        if may_be_asked or (_asked_as(path) in names and not _is_second_to(path, read)):
            yield path


def _asked_as(path: str) -> str:
    """The name by which a file is looked for in every directory of a search path.

    Linkers take a shared library before the static one. Case may not count.
    """
    if LIBRARY.fullmatch(path):
        return stem(path)
    name = _FOR_CYTHON.sub("", path)
    if name.endswith("/__init__.pxd"):
        name = name.removesuffix("/__init__.pxd") + ".pxd"
    return posixpath.basename(name).lower()


def _is_second_to(path: str, read: Iterable[str]) -> bool:
    """Whether `path` is a `.pxd` beside one that was read for being made for a newer Cython."""
    return path.endswith(CYTHON_SUFFIXES) and any(
        _FOR_CYTHON.sub("", each) == path for each in read if each != path
    )
