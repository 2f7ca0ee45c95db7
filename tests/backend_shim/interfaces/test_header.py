"""Interface files prove a binding if what declares it is the same, or has only grown."""

from __future__ import annotations

from pathlib import Path

from backend_shim.interfaces.header import (
    DeclarationsUnchanged,
    InterfaceFilesChanged,
    InterfaceFilesUnchanged,
)
from backend_shim.interfaces.provider import Declaration
from tests.support.binding_factory import provider_of
from tests.support.interface_files import API, CAPSULE, MODULE, compared, reason_for


def test_files_that_differ_in_comments_only_are_equal_by_tokens() -> None:
    old, new = {"p/m.h": API + b"int a;"}, {"p/m.h": API + b"int a; // 1"}
    assert compared(old, None, CAPSULE) == "unchanged by digest: p/m.h"
    assert compared(old, new, CAPSULE) == "unchanged by tokens: p/m.h"


def test_what_was_only_added_is_named() -> None:
    old, new = {"p/m.h": API + b"int a;"}, {"p/m.h": API + b"int a; extern int b;"}
    reason = reason_for(old, new, CAPSULE)
    assert reason == DeclarationsUnchanged(files=("p/m.h",), added=("b",), releases=())
    assert reason.evidence is InterfaceFilesUnchanged.evidence


def test_what_changed_is_named_by_how_it_begins() -> None:
    old = {"p/m.h": API + b"struct s { int a; };\nint f(void);"}
    new = {"p/m.h": API + b"struct s { long a; };\nint f(void);"}
    reason = reason_for(old, new, CAPSULE)
    assert reason == InterfaceFilesChanged(
        files=("p/m.h",), declarations=("struct s { int a ; } ;",)
    )


def test_the_first_few_changes_are_enough() -> None:
    lines = [f"struct s{number} {{ int a; }};" for number in range(100)]
    old, new = "\n".join(lines), "\n".join(lines).replace("int", "long")
    reason = reason_for({"p/m.h": API + old.encode()}, {"p/m.h": API + new.encode()}, CAPSULE)
    assert isinstance(reason, InterfaceFilesChanged)
    assert len(reason.declarations) == 8


def test_a_symbol_is_proven_by_all_headers_together() -> None:
    # Which of them a consumer of C compiled in beside the declaration, nothing tells.
    files = {"a.h": b"int f(void);", "b.h": b"struct s { int a; };"}
    changed = {**files, "b.h": b"struct s { int b, a; };"}
    assert compared(files, None, Declaration(None, "f")) == "unchanged by digest: a.h b.h"
    assert compared(files, changed, Declaration(None, "f")) == "changed: b.h"
    assert compared(files, {**files, "c.h": b""}, Declaration(None, "f")) == (
        "unchanged by digest: a.h b.h"
    )


def test_one_name_without_a_declaration_leaves_all_unproven() -> None:
    assert (
        compared({"p/m.pxd": b""}, None, MODULE, Declaration("p.x", "p.x")) == "not declared: p.x"
    )


def test_a_change_anywhere_in_the_scope_proves_nothing() -> None:
    old = {"p/m.pxd": b"from p cimport a", "p/a.pxd": b'cdef extern from "a.h"', "p/a.h": b"int f;"}
    assert compared(old, {**old, "p/a.h": b"long f;"}) == "changed: p/a.h"
    assert compared(old, {"p/m.pxd": old["p/m.pxd"]}).startswith("changed: p/a.h p/a.pxd")
    assert compared({"p/m.pxd": old["p/m.pxd"]}, old) == "changed: p/m.pxd"
    assert compared(old, {**old, "p/z.h": b""}).startswith("unchanged by digest")


def test_a_wheel_says_how_many_there_are_and_their_digest(tmp_path: Path) -> None:
    def facts(version: str, **changes: bytes) -> dict[str, object]:
        files = {f"p-{version}.data/headers/p.h": b"int a;", "p/m.pxd": b"", **changes}
        found = provider_of(tmp_path, files, name="p", version=version).provided["header"]
        return dict(found.thaw())

    assert facts("1.0")["files"] == 2
    assert facts("1.0") == facts("2.0")
    assert facts("1.0") != facts("2.0", **{"p/m.pxd": b"cdef int x"})
    assert "header" not in provider_of(tmp_path, {"p.py": b""}).provided
