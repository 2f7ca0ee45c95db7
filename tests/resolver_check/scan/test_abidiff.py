"""libabigail's tools, where they are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from backend_shim.binary.build_id import build_id
from resolver_check.scan import abidiff
from resolver_check.scan.abidiff import AbidiffFailed, DebuggedLibrary, compare_libraries
from tests.support.binding_factory import compiled

pytestmark = pytest.mark.skipif(
    not abidiff.is_installed() or not shutil.which("objcopy"), reason="no abigail-tools"
)

SOURCE = """
struct s { int a; }; struct t { long b; };
int f(struct s *p) { return 1; } int g(struct t *p) { return 2; }
int object;
"""


def debugged(folder: Path, name: str, source: str, *options: str) -> DebuggedLibrary:
    path = folder / name
    path.write_bytes(compiled(source, *(options or ("-g", "-Wl,--build-id"))))
    return DebuggedLibrary(path=path, build_id=build_id(path.read_bytes()), debug_file=None)


def test_only_the_symbols_that_are_taken_count(tmp_path: Path) -> None:
    old = debugged(tmp_path, "old", SOURCE)
    new = debugged(tmp_path, "new", SOURCE.replace("long b;", "long b; int c;"))
    assert compare_libraries(old, new, ["f", "object"]).changed == ()
    changed = compare_libraries(old, new, ["f", "g"])
    assert [name for name in changed.changed if name.startswith("int g(")] == list(changed.changed)
    assert changed.changed


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("int f(struct s *p)", "int f(const struct s *p)"),
        ("struct s { int a; };", "struct s { int renamed; };"),
    ],
)
def test_what_it_calls_harmless_is_a_change(tmp_path: Path, before: str, after: str) -> None:
    old = debugged(tmp_path, "old", SOURCE)
    new = debugged(tmp_path, "new", SOURCE.replace(before, after))
    assert compare_libraries(old, new, ["f"]).changed


def test_the_same_types_in_another_form_are_no_change(tmp_path: Path) -> None:
    old = debugged(tmp_path, "old", SOURCE)
    new = debugged(tmp_path, "new", SOURCE.replace("(struct s *p)", "(struct s *other)"), "-g",
                   "-gdwarf-4", "-O0")  # fmt: skip
    compared = compare_libraries(old, new, ["f", "g", "object"])
    assert (compared.changed, compared.unknown, compared.is_closed) == ((), (), True)


@pytest.mark.parametrize(
    "source",
    [
        "int f(void *p) { return 0; }",
        "int f(const void *p) { return 0; }",
        "int f(int n, ...) { return n; }",
        "struct never; int f(struct never *p) { return 0; }",
        "struct s { void *a; }; int f(struct s *p) { return 0; }",
    ],
)
def test_data_without_a_type_are_noticed(tmp_path: Path, source: str) -> None:
    old, new = (debugged(tmp_path, name, source) for name in ("old", "new"))
    assert not compare_libraries(old, new, ["f"]).is_closed


def test_without_debug_information_every_symbol_is_unknown(tmp_path: Path) -> None:
    old, new = (debugged(tmp_path, name, SOURCE, "-g0") for name in ("old", "new"))
    assert compare_libraries(old, new, ["g", "f"]).unknown == ("f", "g")


def test_debug_information_may_lie_in_another_file(tmp_path: Path) -> None:
    old = debugged(tmp_path, "old", SOURCE)
    whole = debugged(tmp_path, "whole", SOURCE.replace("int a;", "long a;"))
    bare = tmp_path / "bare"
    subprocess.run(["objcopy", "--strip-all", str(whole.path), str(bare)], check=True)
    new = DebuggedLibrary(path=bare, build_id=whole.build_id, debug_file=whole.path)
    assert compare_libraries(old, new, ["f"]).changed
    assert not compare_libraries(old, new, ["g"]).changed


def test_what_cannot_be_read_is_a_failure(tmp_path: Path) -> None:
    old = debugged(tmp_path, "old", SOURCE)
    (tmp_path / "broken").write_bytes(old.path.read_bytes()[:700])
    broken = DebuggedLibrary(path=tmp_path / "broken", build_id=None, debug_file=None)
    with pytest.raises(AbidiffFailed, match="abidw"):
        compare_libraries(old, broken, ["f"])
    with pytest.raises(AbidiffFailed, match="name"):
        compare_libraries(old, old, ["f\n[other]"])


def test_suppressions_of_the_user_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".abignore").write_text("[suppress_function]\n  name = f\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LIBABIGAIL_DEFAULT_USER_SUPPRESSION_FILE", str(tmp_path / ".abignore"))
    old = debugged(tmp_path, "old", SOURCE)
    new = debugged(tmp_path, "new", SOURCE.replace("int a;", "long a;"))
    assert compare_libraries(old, new, ["f"]).changed


def script(folder: Path, name: str, program: str) -> None:
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{program}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("program", "wrong"),
    [
        ("import time; time.sleep(60)", "took more than"),
        ("raise SystemExit(1)", "status 1"),
        ("import os; os.abort()", "status -"),
        ("", "wrote nothing"),
    ],
)
def test_a_tool_that_misbehaves_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, wrong: str
) -> None:
    old = debugged(tmp_path, "old", SOURCE)
    script(tmp_path, "abidw", program)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(abidiff, "_SECONDS", 1)
    with pytest.raises(AbidiffFailed, match=wrong):
        compare_libraries(old, old, ["f"])


def test_the_version_is_said() -> None:
    assert abidiff.version().startswith("abidiff ")
    assert abidiff.version()[len("abidiff ")].isdigit()
