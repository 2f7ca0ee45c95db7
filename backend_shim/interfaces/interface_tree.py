"""The interface files of one wheel, and which of them belong to what a consumer uses."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from backend_shim.interfaces.interface_file import InterfaceFile, read_file
from backend_shim.interfaces.provider import Declaration

# Naming.fused_func_prefix of Cython: one function for each combination of types.
_FUSED: Final = re.compile(r"__pyx_fuse_\d+(?:_\d+)*")


def _nothing(member: str) -> bytes:
    raise KeyError(member)


@dataclass(frozen=True, kw_only=True)
class InterfaceTree:
    """All interface files of one provider."""

    files: tuple[InterfaceFile, ...]
    read: Callable[[str], bytes] = _nothing
    """The content of a member of the wheel."""

    @cached_property
    def by_path(self) -> dict[str, InterfaceFile]:
        """The files by their path as installed."""
        return {each.path: each for each in self.files}

    @cached_property
    def _by_base_name(self) -> dict[str, list[InterfaceFile]]:
        table: dict[str, list[InterfaceFile]] = {}
        for each in self.files:
            table.setdefault(posixpath.basename(each.path), []).append(each)
        return table

    def content(self, path: str) -> bytes:
        """What is in the file at `path`."""
        return self.read(self.by_path[path].member)

    def scope(
        self, declarations: Iterable[Declaration], within: Collection[str]
    ) -> tuple[dict[str, InterfaceFile], tuple[str, ...]]:
        """The files that declare any of `declarations`, with all they include; undeclared names.

        None but the paths `within` count.
        """
        declaring: list[InterfaceFile] = []
        undeclared = []
        for declaration in declarations:
            found = [each for each in self.declaring(declaration) if each.path in within]
            declaring += found
            if not found:
                undeclared.append(declaration.name)
        files = self.with_included(declaring)
        return {path: files[path] for path in files if path in within}, tuple(sorted(undeclared))

    def declaring(self, declaration: Declaration) -> tuple[InterfaceFile, ...]:
        """The files that declare it themselves."""
        return tuple(dict.fromkeys(self._declaring(declaration)))

    def with_included(self, files: Iterable[InterfaceFile]) -> dict[str, InterfaceFile]:
        """`files` and all that they include, by path."""
        waiting = list(files)
        found: dict[str, InterfaceFile] = {}
        while waiting:
            each = waiting.pop()
            if each.path not in found:
                found[each.path] = each
                waiting.extend(self._included(each))
        return found

    def named(self, include: str) -> frozenset[str]:
        """Paths of the files that `include`, as an InterfaceFile holds it, may mean."""
        return frozenset(
            each.path
            for each in self._by_base_name.get(posixpath.basename(include), ())
            if each.path == include or each.path.endswith("/" + include)
        )

    def _declaring(self, declaration: Declaration) -> Iterator[InterfaceFile]:
        if declaration.module is None:
            yield from (each for each in self.files if declaration.name in each.words)
            return
        base = declaration.module.replace(".", "/")
        for path in (f"{base}.pxd", f"{base}/__init__.pxd"):
            found = self.by_path.get(path)
            attribute = attribute_of(declaration)
            if found and found.words.issuperset(attribute.split(".") if attribute else ()):
                yield found
        for each in self.files:
            if any(
                name == declaration.name or name.startswith(declaration.name + ".")
                for name in each.imported_names
            ):
                yield each

    def _included(self, file: InterfaceFile) -> Iterator[InterfaceFile]:
        if file.has_computed_include:
            yield from self.files
            return
        for include in file.includes:
            yield from (self.by_path[path] for path in self.named(include))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The files of one version of a provider that belong to what a consumer uses."""

    tree: InterfaceTree
    files: Mapping[str, InterfaceFile]
    declaring: frozenset[str]
    """Paths of those that declare it; the others are included by them."""


def without_twins(paths: Iterable[str], members: Collection[str]) -> list[str]:
    """`paths` without static libraries that lie beside the shared library of their name.

    Whoever takes a symbol from `libx.so` has not taken it from `libx.a`.
    """
    shared = {member.partition(".so")[0] for member in members if ".so" in member}
    return [path for path in paths if not (path.endswith(".a") and path[:-2] in shared)]


def attribute_of(declaration: Declaration) -> str:
    """What of its module a declaration means, as a `.pxd` spells it; empty for the module."""
    attribute = declaration.name.removeprefix(declaration.module or "").removeprefix(".")
    return _FUSED.sub("", attribute, count=1)


def read_tree(
    paths: Iterable[str], read: Callable[[str], bytes], wanted: frozenset[str] = frozenset()
) -> InterfaceTree:
    """The interface files `paths`, as they stand in a wheel of which `read` gives the content.

    `wanted` are identifiers to look for in them.
    """
    files = [read_file(path, read(path), wanted) for path in paths]
    return InterfaceTree(files=tuple(sorted(files, key=lambda each: each.path)), read=read)
