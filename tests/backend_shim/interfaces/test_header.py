"""Interface files prove a binding if what declares it is the same, or has only grown."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend_shim.interfaces.header import (
    DeclarationsUnchanged,
    InterfaceFilesChanged,
    InterfaceFilesUnchanged,
    NotDeclared,
    compare_scope,
)
from backend_shim.interfaces.provider import Declaration
from backend_shim.interfaces.reasons import Reason
from tests.support.binding_factory import provider_of
from tests.support.interface_files import API, CAPSULE, MODULE, compared, reason_for, tree_of


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


# Where it is known which files a build of the consumer read


def _reason_of_read(
    old: dict[str, bytes], new: dict[str, bytes], read: set[str], declaration: Declaration
) -> Reason:
    trees = (tree_of(files, declaration.name) for files in (old, new))
    return compare_scope([declaration], *trees, read=read)


SYMBOL = Declaration(None, "f")


def test_only_files_that_were_read_count() -> None:
    old = {"a.h": b"int f(void);", "b.h": b"struct s { int a; };", "c.h": b"int c;"}
    new = {"a.h": b"int f(void); //", "b.h": b"struct s { long a; };", "d.h": b"int d;"}
    found = _reason_of_read(old, new, {"a.h"}, SYMBOL)
    assert found == InterfaceFilesUnchanged(files=("a.h",), equal_by="tokens")
    for read in ({"a.h", "b.h"}, {"a.h", "c.h"}):
        assert isinstance(_reason_of_read(old, new, read, SYMBOL), InterfaceFilesChanged)
    assert isinstance(reason_for(old, new, SYMBOL), InterfaceFilesChanged)


def test_of_the_scope_of_a_module_only_files_that_were_read_count() -> None:
    old = {"p/m.h": API + b'#include "x.h"\n#include "y.h"\n', "x.h": b"int x;", "y.h": b"int y;"}
    new = {**old, "x.h": b"long x;"}
    found = _reason_of_read(old, new, {"p/m.h", "y.h"}, CAPSULE)
    assert found == InterfaceFilesUnchanged(files=("p/m.h", "y.h"), equal_by="digest")
    found = _reason_of_read(old, new, {"p/m.h", "x.h"}, CAPSULE)
    assert isinstance(found, InterfaceFilesChanged)


@pytest.mark.parametrize("declaration", [SYMBOL, CAPSULE], ids=["symbol", "capsule"])
def test_what_declares_it_must_have_been_read(declaration: Declaration) -> None:
    files = {"p/m.h": API + b"int f(void);", "other.h": b"int g(void);"}
    for read in (set(), {"other.h"}):
        found = _reason_of_read(files, files, read, declaration)
        assert found == NotDeclared(names=(declaration.name,))


@pytest.mark.parametrize("declaration", [SYMBOL, CAPSULE], ids=["symbol", "capsule"])
def test_a_file_that_is_read_only_now_counts(declaration: Declaration) -> None:
    text = API + b"int f(void);\n"
    old = {"p/m.h": text, "old.h": b"#define f g\n"}
    # One that was there before and not included, by itself and through a new file.
    through = {"p/new.h": b'#include "old.h"\n'}
    for more in ({"p/m.h": b'#include "old.h"\n' + text},
                 {"p/m.h": b'#include "new.h"\n' + text, **through}):  # fmt: skip
        found = _reason_of_read(old, {**old, **more}, {"p/m.h"}, declaration)
        assert isinstance(found, InterfaceFilesChanged)


@pytest.mark.parametrize("declaration", [SYMBOL, CAPSULE], ids=["symbol", "capsule"])
def test_an_include_that_was_not_taken_does_not_count(declaration: Declaration) -> None:
    text = b'#if 0\n#include "x.h"\n#endif\n' + API + b"int f(void);\n"
    old = {"p/m.h": text, "x.h": b"#define f g\n"}
    new = {"p/m.h": text + b"//", "x.h": b"#define f h\n"}
    found = _reason_of_read(old, new, {"p/m.h"}, declaration)
    assert found == InterfaceFilesUnchanged(files=("p/m.h",), equal_by="tokens")


def test_an_include_that_was_not_taken_and_now_is_counts() -> None:
    old = {"m.h": b'#if 0\n#include "x.h"\n#endif\nint f(void);\n', "x.h": b"#define f g\n"}
    new = {**old, "m.h": b'#include "x.h"\n' + old["m.h"]}
    assert isinstance(_reason_of_read(old, new, {"m.h"}, SYMBOL), InterfaceFilesChanged)
