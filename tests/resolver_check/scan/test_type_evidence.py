"""Types as evidence, on wheels as they are."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from backend_shim.binary import debug_info
from backend_shim.embed import embed
from backend_shim.interfaces.symbol_types import (
    CompiledInChanged,
    TypesChanged,
    TypesUnchanged,
    TypesUnknown,
)
from backend_shim.type_recording import DebugFiles
from resolver_check.check import Bump, judge
from resolver_check.model import EvidenceLevel, Judgement, Verdict
from resolver_check.plan import make_plan
from resolver_check.plan_model import RequestedBump
from resolver_check.scan import abidiff
from resolver_check.sources import open_source
from resolver_check.target import target
from tests.resolver_check.conftest import SUFFIX, TAG, Open
from tests.support.binding_factory import compiled
from tests.support.wheel_factory import make_wheel

pytest.importorskip("elftools")
pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("gcc", "objcopy"))), reason="no gcc or binutils"
)

HEADER = """
#define LIMIT 10
enum colour { RED };
struct taken { int a; };
struct other { long b; };
int take(struct taken *p);
int leave(struct other *p);
static inline int twice(int n) { return n + n; }
"""
SOURCE = HEADER + """
int take(struct taken *p) { return 1; }
int leave(struct other *p) { return 2; }
"""  # fmt: skip
PLATFORM = "manylinux_2_28_x86_64"
LIBRARY = "provider/libp.so.1"
Judge = Callable[..., Judgement]


@pytest.fixture(autouse=True)
def _without_abidiff(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would decide in place of digests; tests of its own have it."""
    monkeypatch.setattr(abidiff, "is_installed", lambda: False)


def library(source: str = SOURCE) -> bytes:
    return compiled(source, "-g", "-Wl,--build-id", "-Wl,-soname,libp.so.1")


def stripped(data: bytes, folder: Path) -> bytes:
    (folder / "whole").write_bytes(data)
    subprocess.run(["objcopy", "--strip-all", "whole", "bare"], check=True, cwd=folder)
    return (folder / "bare").read_bytes()


@pytest.fixture
def ask(tmp_path: Path, open_subject: Open) -> Judge:
    """The judgement where one text of header and source is replaced by another in version 2."""

    def run(
        before: str = "int leave",
        after: str = "int leave",
        *,
        source: str | None = None,
        header: bool = True,
        bare: tuple[str, ...] = (),
        recorded: tuple[str, ...] = ("1", "2"),
        debug: bool = False,
        level: EvidenceLevel = EvidenceLevel.PROMISED,
    ) -> Judgement:
        assert before in HEADER
        wheels = []
        texts = {"1": (HEADER, SOURCE), "2": (HEADER.replace(before, after),
                 SOURCE.replace(before, after) if source is None else source)}  # fmt: skip
        for version, (declarations, definitions) in texts.items():
            data = library(definitions)
            (tmp_path / "debug").mkdir(exist_ok=True)
            (tmp_path / "debug" / version).write_bytes(data)
            files = {LIBRARY: stripped(data, tmp_path) if version in bare else data}
            if header:
                files["provider/include/p.h"] = declarations.encode()
            wheels.append(
                make_wheel(tmp_path, name="provider", version=version, tag=TAG, files=files)
            )
            if version in recorded:
                embed(wheels[-1], build_inputs=None, looked_for=())
        module = compiled(
            HEADER + "int PyInit_m(void) { struct taken t = { 1 }; return take(&t); }",
            libraries=(("libp.so.1", library()),),
        )
        consumer = make_wheel(tmp_path, name="consumer", tag=TAG, files={f"m{SUFFIX}": module})
        files = DebugFiles([tmp_path / "debug"] if debug else [])
        bump = Bump(*map(open_subject, wheels), debug_files=files)
        return judge(open_subject(consumer), bump, level=level)

    return run


def types_in(judgement: Judgement) -> list[object]:
    wanted = (CompiledInChanged, TypesChanged, TypesUnchanged, TypesUnknown)
    return [reason for _, reason in judgement.reasons if isinstance(reason, wanted)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("take(struct taken *p)", "take(struct taken *renamed)"),
        ("struct other { long b; };", "struct other { long b; int more; };"),
    ],
)
def test_unchanged_types_are_evidence(ask: Judge, before: str, after: str) -> None:
    judgement = ask(before, after)
    assert judgement.verdict is Verdict.VALID
    assert types_in(judgement) == [TypesUnchanged(symbols=1, by="digests")]
    assert ask(before, after, level=EvidenceLevel.PROVEN).verdict is Verdict.UNKNOWN


def test_types_are_not_compared_where_headers_decide(ask: Judge) -> None:
    judgement = ask("int leave(struct other *p)", "long leave(struct other *p)")
    assert (judgement.verdict, types_in(judgement)) == (Verdict.VALID, [])


@pytest.mark.parametrize(
    "after",
    ["struct taken { int a; int b; };", "struct taken { long a; };", "struct taken { int z; };"],
)
def test_a_changed_type_leaves_it_open(ask: Judge, after: str) -> None:
    judgement = ask("struct taken { int a; };", after)
    assert judgement.verdict is Verdict.UNKNOWN
    assert types_in(judgement) == [TypesChanged(symbols=("take",), by="digests")]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("LIMIT 10", "LIMIT 11"),
        ("enum colour { RED };", "enum colour { GREEN, RED };"),
        ("return n + n;", "return n * 3;"),
    ],
)
def test_what_is_compiled_in_has_to_be_as_it_was(ask: Judge, before: str, after: str) -> None:
    judgement = ask(before, after)
    assert judgement.verdict is Verdict.UNKNOWN
    (reason,) = types_in(judgement)
    assert isinstance(reason, CompiledInChanged)
    assert reason.declarations


def test_a_void_pointer_makes_every_layout_count(ask: Judge) -> None:
    source = SOURCE.replace("struct taken { int a; };", "struct taken { void *a; };")
    assert ask(source=SOURCE.replace("long b;", "long b; int c;")).verdict is Verdict.VALID
    judgement = ask(
        "struct other { long b; };", "struct other { long b; int more; };", source=source
    )
    assert judgement.verdict is Verdict.UNKNOWN


def test_without_headers_types_prove_nothing(ask: Judge) -> None:
    judgement = ask("LIMIT 10", "LIMIT 11", header=False)
    assert judgement.verdict is Verdict.UNKNOWN
    assert types_in(judgement) == [CompiledInChanged(symbols=1, by="digests", declarations=())]


HARMLESS = ("take(struct taken *p)", "take(struct taken *renamed)")


def test_types_recorded_before_the_libraries_were_stripped_count(
    ask: Judge, tmp_path: Path
) -> None:
    assert ask(*HARMLESS, bare=("1", "2")).verdict is Verdict.UNKNOWN
    assert ask(*HARMLESS, recorded=()).verdict is Verdict.VALID
    assert ask(*HARMLESS, bare=("1", "2"), recorded=(), debug=True).verdict is Verdict.VALID


def test_one_side_alone_is_no_comparison(ask: Judge) -> None:
    judgement = ask(*HARMLESS, bare=("2",))
    assert judgement.verdict is Verdict.UNKNOWN
    (reason,) = types_in(judgement)
    assert isinstance(reason, TypesUnknown)
    assert "take" in reason.why


def test_a_plan_takes_the_same_debug_files(ask: Judge, tmp_path: Path) -> None:
    ask("struct other { long b; };", "struct other { long b; int more; };",
        bare=("1", "2"), recorded=())  # fmt: skip
    requests = [RequestedBump(name=canonicalize_name("provider"), new=Version("2"), old=None)]

    def verdict(*folders: Path) -> Verdict:
        with ThreadPoolExecutor(1) as executor:
            plan = make_plan(
                open_source(str(tmp_path)), requests, target=target("3.11", PLATFORM),
                level=EvidenceLevel.PROMISED, executor=executor, newest_only=False,
                debug_files=DebugFiles(folders),
            )  # fmt: skip
        (planned,) = plan.wheels
        return planned.verdict

    assert (verdict(), verdict(tmp_path / "debug")) == (Verdict.UNKNOWN, Verdict.VALID)


def test_without_any_debug_information_nothing_is_said_of_types(ask: Judge) -> None:
    assert types_in(ask(*HARMLESS, bare=("1", "2"))) == []


def test_a_missing_tool_is_a_note(ask: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debug_info, "is_readable", lambda: False)
    judgement = ask(*HARMLESS, recorded=())
    assert judgement.verdict is Verdict.UNKNOWN
    (reason,) = types_in(judgement)
    assert isinstance(reason, TypesUnknown)
    assert "install abigail-tools" in reason.why
