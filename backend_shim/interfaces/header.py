"""Interface files: headers, `.pxd` files and static libraries, shipped for others to build with.

What a wheel offers is their digests. Whether a binding that is declared in them still holds is
asked by scope: the file that declares it and all that this file includes. Unchanged there means
that a rebuild would read the same declarations (design/verdicts.md, evidence "same interface").
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from backend_shim.interfaces.inspected_wheel import InspectedWheel, OpenObject
from backend_shim.interfaces.interface_file import InterfaceFile, installed_path
from backend_shim.interfaces.interface_tree import InterfaceTree, Scope, attribute_of
from backend_shim.interfaces.provider import Declaration, Provider
from backend_shim.interfaces.reasons import Binding, Effect, Evidence, Reason
from backend_shim.interfaces.scope_comparison import Excuse, Imported, grown
from backend_shim.record.canonical import JSONValue
from backend_shim.record.facts import Facts

NAME: Final = "header"


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceFilesUnchanged(Reason):
    """Every file in the scope of the binding is the same in the old and the new provider."""

    kind: ClassVar[str] = "interface-files-unchanged"
    effect: ClassVar[Effect] = Effect.SUPPORTS
    evidence: ClassVar[Evidence | None] = Evidence.SAME_INTERFACE
    files: tuple[str, ...]
    equal_by: str
    """`digest`, or `tokens` where comments or white space differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceFilesChanged(Reason):
    """Files in the scope of the binding differ, so they prove nothing."""

    kind: ClassVar[str] = "interface-files-changed"
    effect: ClassVar[Effect] = Effect.OPEN
    files: tuple[str, ...]
    declarations: tuple[str, ...]
    """The first few that are not as they were, each by how it begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclarationsUnchanged(Reason):
    """Files in the scope of the binding differ, and only in what no compiled consumer can tell."""

    kind: ClassVar[str] = "declarations-unchanged"
    effect: ClassVar[Effect] = Effect.SUPPORTS
    evidence: ClassVar[Evidence | None] = Evidence.SAME_INTERFACE
    files: tuple[str, ...]
    """Those that differ."""
    added: tuple[str, ...]
    """Names that are new in them."""
    releases: tuple[str, ...]
    """Macros in them that say another release, and that nothing else uses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotDeclared(Reason):
    """No interface file of the provider declares what the consumer uses."""

    kind: ClassVar[str] = "not-declared"
    effect: ClassVar[Effect] = Effect.OPEN
    names: tuple[str, ...]


def compare_scope(
    declarations: Iterable[Declaration],
    old: InterfaceTree,
    new: InterfaceTree,
    excuse: Excuse | None = None,
    read: Collection[str] | None = None,
) -> Reason:
    """Whether all that declares any of `declarations` is the same in `old` and `new`.

    A symbol of C or C++ tells which header declares it and not what else of the headers was
    compiled in: a layout, an inline function, a template. So for these all files count. `excuse`
    says where evidence other than the text answers for a declaration that differs. `read` are the
    paths of all files that the consumer's build read, where that is known: no other file of `old`
    is a part of it.
    """
    wanted = tuple(declarations)
    within = old.by_path.keys() | new.by_path.keys()
    if read is not None:
        within -= old.by_path.keys() - frozenset(read)
    found, undeclared = old.scope(wanted, within)
    if undeclared or not found:
        return NotDeclared(names=undeclared)
    by_symbol = any(each.module is None for each in wanted)
    before = _scope(old, wanted, _among(old.by_path, within) if by_symbol else found)
    now = [new.by_path[path] for path in before.files if path in new.by_path]
    reached = new.with_included(now) if by_symbol else new.scope(wanted, within)[0]
    after = _scope(new, wanted, _among(reached, within))
    differing = {
        path
        for path in before.files.keys() | after.files.keys()
        if _tokens(before, path) != _tokens(after, path)
    }
    if differing:
        return _compare_declarations(wanted, before, after, differing, excuse)
    same_bytes = all(each.digest == after.files[path].digest for path, each in before.files.items())
    return InterfaceFilesUnchanged(
        files=tuple(sorted(before.files)), equal_by="digest" if same_bytes else "tokens"
    )


def _among(files: Mapping[str, InterfaceFile], within: Collection[str]) -> dict[str, InterfaceFile]:
    return {path: file for path, file in files.items() if path in within}


def _scope(
    tree: InterfaceTree, wanted: Iterable[Declaration], files: Mapping[str, InterfaceFile]
) -> Scope:
    declaring = {each.path for declaration in wanted for each in tree.declaring(declaration)}
    return Scope(tree=tree, files=files, declaring=frozenset(declaring))


def _tokens(scope: Scope, path: str) -> str | None:
    return scope.files[path].tokens if path in scope.files else None


def _compare_declarations(
    wanted: tuple[Declaration, ...],
    before: Scope,
    after: Scope,
    differing: set[str],
    excuse: Excuse | None,
) -> Reason:
    symbols = functions = None
    if all(each.module is None for each in wanted):
        symbols = frozenset(each.name for each in wanted)
    elif all(each.is_exact for each in wanted):
        functions = frozenset(map(attribute_of, wanted))
    imported = Imported(symbols=symbols, functions=functions)
    growth = grown(before, after, differing, imported, excuse)
    if growth.changed:
        files = dict.fromkeys(path for path, _ in growth.changed)
        return InterfaceFilesChanged(
            files=tuple(files), declarations=tuple(what for _, what in growth.changed)
        )
    return DeclarationsUnchanged(
        files=tuple(sorted(differing)), added=growth.added, releases=growth.releases
    )


def read_object(_opened: OpenObject) -> JSONValue:
    """Nothing: interface files are no part of a binary."""
    return None


def provides(wheel: InspectedWheel) -> Facts | None:
    """How many interface files there are, and one digest over their paths and RECORD digests."""
    return facts_of(wheel.interface_files)


def facts_of(files: Mapping[str, str]) -> Facts | None:
    """What is said of interface files, given by path and RECORD digest."""
    return Facts({"files": len(files), "digest": _tree_digest(files)}) if files else None


def _tree_digest(files: Mapping[str, str]) -> str:
    lines = sorted(f"{installed_path(path)} {digest}\n" for path, digest in files.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def requires(_wheel: InspectedWheel) -> Facts | None:
    """Nothing: which files a build read is known from its build inputs only."""
    return None


def is_satisfied(_required: Facts, _old: Provider, _new: Provider) -> tuple[Binding, ...]:
    """No binding of its own: files are evidence for the bindings that the other interfaces find."""
    return ()
