"""Interface files compared as a judgement compares them, and the outcome in one line."""

from __future__ import annotations

from collections.abc import Mapping

from backend_shim.interfaces.header import (
    DeclarationsUnchanged,
    InterfaceFilesChanged,
    InterfaceFilesUnchanged,
    NotDeclared,
    compare_scope,
)
from backend_shim.interfaces.interface_tree import InterfaceTree, read_tree
from backend_shim.interfaces.provider import Declaration
from backend_shim.interfaces.reasons import Reason

MODULE = Declaration("p.m", "p.m")
CAPSULE = Declaration("p.m", "p.m._C_API")
API = b'#define API "p.m._C_API"\n'


def tree_of(files: Mapping[str, bytes], *wanted: str) -> InterfaceTree:
    """The interface files `files`, which are all there is in the wheel."""
    return read_tree(files, files.__getitem__, frozenset(wanted))


def reason_for(
    old: Mapping[str, bytes], new: Mapping[str, bytes], *declarations: Declaration
) -> Reason:
    """What the files say of `declarations`."""
    words = [each.name for each in declarations if each.module is None]
    return compare_scope(declarations, tree_of(old, *words), tree_of(new, *words))


def compared(
    old: Mapping[str, bytes], new: Mapping[str, bytes] | None = None, *names: Declaration
) -> str:
    """How it ended and with which files: `unchanged`, `grown`, `changed`, or `not declared`."""
    reason = reason_for(old, old if new is None else new, *(names or (MODULE,)))
    match reason:
        case InterfaceFilesUnchanged():
            return f"unchanged by {reason.equal_by}: {' '.join(reason.files)}"
        case DeclarationsUnchanged():
            return f"grown: {' '.join((*reason.added, *reason.releases))}".strip()
        case InterfaceFilesChanged():
            return f"changed: {' '.join(reason.files)}"
    assert isinstance(reason, NotDeclared)
    return f"not declared: {' '.join(reason.names)}"


def header_compared(old: str, new: str, *names: Declaration) -> str:
    """How the header of a capsule compares: `unchanged`, `grown: …`, or `changed`."""
    texts = ({"p/m.h": API + each.encode()} for each in (old, new))
    found = compared(*texts, *(names or (CAPSULE,)))
    return found.partition(" by ")[0].removesuffix(": p/m.h")


def pxd_compared(old: str, new: str, *names: Declaration) -> str:
    """The same of the `.pxd` of a module."""
    texts = ({"p/m.pxd": each.encode()} for each in (old, new))
    found = compared(*texts, *(names or (MODULE,)))
    return found.partition(" by ")[0].removesuffix(": p/m.pxd")
