"""Verdicts on wheels whose records say what their builds read of the provider."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from backend_shim.embed import embed
from backend_shim.record.build_inputs import BuildInputs, BuildRequirement
from backend_shim.record.read_set import ReadFiles
from backend_shim.wheel.archive import WheelArchive
from resolver_check.check import Bump, judge
from resolver_check.model import EvidenceLevel, Judgement, Verdict
from tests.backend_shim.record.example_inputs import INPUTS
from tests.resolver_check.conftest import SUFFIX, Factory, Open
from tests.support.read_sets import read_of, record
from tests.support.wheel_factory import record_bytes

PROVEN, PROMISED, SYMBOLS = EvidenceLevel
HEADER = "gift/include/gift.h"
SHUTS = "int gift_shut(void) { return 2; }"
OPENS = f"int gift_open(void) {{ return 1; }} {SHUTS}"


@pytest.fixture
def ask(open_subject: Open):
    def run(
        consumer: Path,
        old: Path | None,
        new: Path,
        level: EvidenceLevel = PROVEN,
        *,
        strict: bool = False,
    ) -> Judgement:
        before = open_subject(old) if old else None
        bump = Bump(before, open_subject(new))
        return judge(open_subject(consumer), bump, level=level, strict=strict)

    return run


def _kinds(judgement: Judgement) -> set[str]:
    return {reason.kind for _, reason in judgement.reasons}


# What is proven


def test_a_rebuild_that_would_read_the_same_is_no_rebuild(make: Factory, ask) -> None:
    old, new = make.library("1.0"), make.library("1.1")
    consumer = make.linked()
    assert ask(consumer, old, new).verdict is Verdict.UNKNOWN
    judgement = ask(record(consumer, read_of(old, HEADER)), old, new)
    assert judgement.verdict is Verdict.VALID
    (found,) = (each for _, each in judgement.reasons if each.kind == "read-files-unchanged")
    assert found.data() == {"files": 1, "declared_in": [HEADER]}
    assert judgement.decisive[0] == found


def test_a_release_that_says_its_number_only_in_code_changes_nothing(make: Factory, ask) -> None:
    old, new = (
        make.library(version, files={"gift/version.py": version.encode()})
        for version in ("1.0", "1.1")
    )
    read = ("gift/__init__.py", "gift/version.py")
    consumer = record(make.linked(), read_of(old, HEADER, *read))
    assert ask(consumer, old, new).verdict is Verdict.VALID
    program = read_of(old, HEADER, *read, is_program=True)
    assert ask(record(consumer, program), old, new).verdict is Verdict.UNKNOWN


def test_the_old_wheel_is_not_needed(make: Factory, ask) -> None:
    taker = make.extension("taker", strings=("gift._C_API",))
    header = {HEADER: b'void *api = Import("gift._C_API");'}
    old, new = (make.extension("gift", version=each, files=header) for each in ("1.0", "1.1"))
    record(taker, read_of(old, HEADER))
    assert ask(taker, None, new).verdict is Verdict.VALID
    assert ask(taker, make.extension("gift", version="0.9"), new).verdict is Verdict.VALID


def _numpy(make: Factory, version: str, inner: str) -> Path:
    lines = [f'PyImport_ImportModule("numpy.{inner}._multiarray_umath");']
    if inner == "_core":
        lines += ['PyImport_ImportModule("numpy.core._multiarray_umath");']
    abi = 0x02000000 if inner == "_core" else 0x01000009
    return make.numpy(version, abi=abi, api=0x12, header="\n".join(lines).encode())


@pytest.mark.parametrize(("consumer", "inner"), [("for_numpy_1", "core"), ("for_both", "_core")])
def test_a_numpy_that_is_read_the_same_is_proven(
    make: Factory, ask, consumer: str, inner: str
) -> None:
    major = "2" if inner == "_core" else "1"
    old, new = (_numpy(make, f"{major}.30.{patch}", inner) for patch in (1, 2))
    headers = f"numpy/{inner}/include/numpy"
    taker = getattr(make, consumer)("taker")
    numbers = f"{headers}/_numpyconfig.h"
    record(taker, read_of(old, numbers, f"{headers}/__multiarray_api.h"))
    assert ask(taker, old, new).verdict is Verdict.VALID
    # Not by the header that imports the table.
    record(taker, read_of(old, numbers))
    assert ask(taker, old, new).verdict is Verdict.UNKNOWN
    assert ask(taker, old, new, PROMISED).verdict is Verdict.VALID


def test_a_numpy_that_is_found_by_name_is_not_proven_by_headers(make: Factory, ask) -> None:
    old, new = _numpy(make, "2.0.1", "_core"), _numpy(make, "2.0.2", "_core")
    strings = ("_ARRAY_API", "numpy._core", "numpy.core", "multiarray")
    taker = make.extension("taker", strings=strings, requires=["numpy"])
    record(taker, read_of(old, "numpy/_core/include/numpy/__multiarray_api.h"))
    judgement = ask(taker, old, new)
    assert judgement.verdict is Verdict.UNKNOWN
    assert "read-files-unchanged" not in _kinds(judgement)


# What is not


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({HEADER: b"int gift_open(long);\nint gift_shut(void);\n"}, "read-files-changed"),
        ({HEADER: b"int gift_open(void);\nint gift_shut(void);\n\n"}, "read-files-changed"),
        ({"gift/libextra.a": b"another"}, "read-files-changed"),
        ({"gift/first/gift.h": b""}, "other-files-found"),
    ],
    ids=["header", "white space", "static library", "found first"],
)
def test_what_changed_for_a_rebuild_is_not_proven(
    make: Factory, ask, changed: Mapping[str, bytes], kind: str
) -> None:
    files = {"gift/libextra.a": b"one"}
    old = make.library("1.0", files=files)
    new = make.library("1.1", files={**files, **changed})
    consumer = record(make.linked(), read_of(old, HEADER, "gift/libextra.a"))
    judgement = ask(consumer, old, new)
    assert judgement.verdict is Verdict.UNKNOWN
    assert kind in _kinds(judgement)
    assert "read-files-unchanged" not in _kinds(judgement)


def test_a_header_that_has_gone_proves_nothing(make: Factory, ask) -> None:
    files = {"gift/include/more.h": b"#define MORE 1\n"}
    old, new = make.library("1.0", files=files), make.library("1.1")
    consumer = record(make.linked(), read_of(old, HEADER, *files))
    assert ask(consumer, old, new).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("soname", ["libgift.so.1", "libpresent.so.2"])
def test_a_linked_library_that_changed_proves_nothing(make: Factory, ask, soname: str) -> None:
    """By whatever name its file goes."""
    linked, other = "gift/libgift.so.1", "gift/libother.so.2"
    grown = f"{OPENS} int gift_lend(void) {{ return 3; }}"
    old, same, changed = (
        make.library(version, source=source, soname=soname, files={
            linked: make._compile(source, f"-Wl,-soname,{soname}"),
            other: make._compile(f"{OPENS} int o = {at};"),
        })
        for at, (version, source) in enumerate([("1.0", OPENS), ("1.1", OPENS), ("1.2", grown)])
    )  # fmt: skip
    consumer = record(make.linked(soname=soname), read_of(old, HEADER, linked, other))
    assert ask(consumer, old, same).verdict is Verdict.VALID
    judgement = ask(consumer, old, changed)
    assert judgement.verdict is Verdict.UNKNOWN
    (note,) = (each for _, each in judgement.reasons if each.kind == "read-files-changed")
    assert note.data()["changed"] == [linked]


def test_an_incomplete_capture_proves_nothing(make: Factory, ask) -> None:
    old, new = make.library("1.0"), make.library("1.1")
    consumer = record(make.linked(), read_of(old, HEADER), complete=False)
    judgement = ask(consumer, old, new)
    assert judgement.verdict is Verdict.UNKNOWN
    assert "read-files-unchanged" not in _kinds(judgement)


@pytest.mark.parametrize("path", ["gift/include/other.h", "gift/libgift.so.1", "gift/__init__.py"])
def test_a_read_set_without_what_declares_it_proves_nothing(make: Factory, ask, path: str) -> None:
    files = {"gift/include/other.h": b"#define OTHER 1\n"}
    old, new = make.library("1.0", files=files), make.library("1.1", files=files)
    consumer = record(make.linked(), read_of(old, path))
    assert ask(consumer, old, new).verdict is Verdict.UNKNOWN


def test_an_editable_provider_proves_nothing(make: Factory, ask) -> None:
    old, new = make.library("1.0"), make.library("1.1")
    read = replace(read_of(old, HEADER), is_editable=True)
    assert ask(record(make.linked(), read), old, new).verdict is Verdict.UNKNOWN


def test_what_was_read_of_another_project_proves_nothing(make: Factory, ask) -> None:
    old, new = make.library("1.0"), make.library("1.1")
    bare = replace(read_of(old), read=ReadFiles())
    other = replace(read_of(old, HEADER), name="gifts")
    assert ask(record(make.linked(), bare, other), old, new).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("level", EvidenceLevel)
def test_a_missing_symbol_is_invalid_though_the_inputs_are_the_same(
    make: Factory, ask, level: EvidenceLevel
) -> None:
    old, new = make.library("1.0"), make.library("1.1", source=SHUTS)
    consumer = record(make.linked(), read_of(old, HEADER))
    judgement = ask(consumer, old, new, level)
    assert judgement.verdict is Verdict.INVALID
    assert "read-files-unchanged" not in _kinds(judgement)


# Only what was read is compared


def test_a_change_in_a_header_that_was_not_read_does_not_count(make: Factory, ask) -> None:
    # A comment changes the bytes of what was read, so that tokens have to tell.
    comment = b"/* 1.1 */ int gift_open(void);\nint gift_shut(void);\n"
    old = make.library("1.0", files={"gift/include/other.h": b"struct gift_t { int a; };\n"})
    new = make.library(
        "1.1", files={HEADER: comment, "gift/include/other.h": b"struct gift_t { long a; };\n"}
    )
    consumer = make.linked()
    assert ask(consumer, old, new, PROMISED).verdict is Verdict.UNKNOWN
    record(consumer, read_of(old, HEADER))
    judgement = ask(consumer, old, new, PROMISED)
    assert judgement.verdict is Verdict.VALID
    assert "interface-files-unchanged" in _kinds(judgement)
    assert ask(consumer, old, new, PROVEN).verdict is Verdict.UNKNOWN
    record(consumer, read_of(old, HEADER), complete=False)
    assert ask(consumer, old, new, PROMISED).verdict is Verdict.UNKNOWN
    record(consumer, read_of(old, HEADER, "gift/include/other.h"))
    assert ask(consumer, old, new, PROMISED).verdict is Verdict.UNKNOWN


def test_an_old_wheel_with_other_files_than_were_read_is_compared_as_a_whole(
    make: Factory, ask
) -> None:
    comment = b"/* 1.1 */ int gift_open(void);\nint gift_shut(void);\n"
    built = make.library("0.9", header="int gift_open(void); int gift_shut(void);")
    old = make.library("1.0", files={"gift/include/other.h": b"struct gift_t { int a; };\n"})
    new = make.library(
        "1.1", files={HEADER: comment, "gift/include/other.h": b"struct gift_t { long a; };\n"}
    )
    consumer = record(make.linked(), read_of(built, HEADER))
    assert ask(consumer, old, new, PROMISED).verdict is Verdict.UNKNOWN


def test_a_header_that_now_includes_one_that_was_not_read_is_a_change(make: Factory, ask) -> None:
    other = {"gift/include/other.h": b"#define gift_open(x) 7\n"}
    old = make.library("1.0", files=other)
    text = b'#include "other.h"\nint gift_open(void);\nint gift_shut(void);\n'
    new = make.library("1.1", files={**other, HEADER: text})
    consumer = record(make.linked(), read_of(old, HEADER))
    judgement = ask(consumer, old, new, PROMISED)
    assert judgement.verdict is Verdict.UNKNOWN
    assert "interface-files-changed" in _kinds(judgement)


# Repaired wheels


def test_the_inputs_of_a_repaired_wheel_stay(make: Factory, ask) -> None:
    old, new = make.library("1.0"), make.library("1.1")
    consumer = record(make.linked(), read_of(old, HEADER))
    _repair(consumer, make.linked("other"))
    judgement = ask(consumer, old, new)
    assert judgement.verdict is Verdict.VALID
    assert {"derived", "read-files-unchanged"} <= _kinds(judgement)
    (why,) = (
        each.data()["why"]
        for _, each in judgement.reasons
        if each.kind == "derived" and each.data()["wheel"] == consumer.name
    )
    assert "stale" in str(why)


def _repair(wheel: Path, source: Path) -> None:
    """Puts the binary of `source` into `wheel`, as a repair tool does: with RECORD, and no more."""
    with WheelArchive.open(wheel) as archive, WheelArchive.open(source) as other:
        files = {each.name: archive.read(each.name) for each in archive.members}
        (theirs,) = (each.name for each in other.members if each.name.endswith(SUFFIX))
        (ours,) = (name for name in files if name.endswith(SUFFIX))
        assert files[ours] != other.read(theirs)
        files[ours] = other.read(theirs)
        own = f"{archive.dist_info}/RECORD"
    del files[own]
    files[own] = record_bytes(files, own)
    with zipfile.ZipFile(wheel, "w") as written:
        for name, data in files.items():
            written.writestr(name, data)


# The plain rule


@pytest.mark.parametrize("level", EvidenceLevel)
def test_strictly_another_version_of_a_build_requirement_is_a_cause(
    make: Factory, ask, level: EvidenceLevel
) -> None:
    old, new = make.library("1.0"), make.library("1.1")
    consumer = record(make.linked(), read_of(old, HEADER))
    assert ask(consumer, old, new, level).verdict is Verdict.VALID
    judgement = ask(consumer, old, new, level, strict=True)
    assert judgement.verdict is Verdict.UNKNOWN
    (reason,) = (each for _, each in judgement.reasons if each.kind == "build-requirement-changed")
    assert reason.data() == {"name": "gift", "built": "1.0", "version": "1.1"}


def _inputs(*requirements: BuildRequirement) -> BuildInputs:
    return replace(INPUTS, requirements=requirements)


def test_strictly_a_wheel_without_a_record_may_have_had_any_version(make: Factory, ask) -> None:
    old, new = make.library("1.0"), make.library("1.1")
    judgement = ask(make.extension("alone"), old, new, strict=True)
    assert judgement.verdict is Verdict.UNKNOWN
    assert "build-requirement-changed" in _kinds(judgement)
    assert ask(make.extension("alone"), old, new).verdict is Verdict.VALID


@pytest.mark.parametrize("level", EvidenceLevel)
def test_strictly_a_refusal_stays_a_refusal(make: Factory, ask, level: EvidenceLevel) -> None:
    old, new = make.library("1.0"), make.library("1.1", source=SHUTS)
    judgement = ask(make.linked(), old, new, level, strict=True)
    assert judgement.verdict is Verdict.INVALID


def test_strictly_a_pure_wheel_is_valid(make: Factory, ask) -> None:
    """Nothing is compiled into it."""
    old, new = make.library("1.0"), make.library("1.1")
    pure = make.pure("plain", requires=["gift"])
    assert ask(pure, old, new, strict=True).verdict is Verdict.VALID
    embed(pure, build_inputs=_inputs(read_of(old, HEADER)), looked_for=())
    assert ask(pure, old, new, strict=True).verdict is Verdict.VALID


def test_strictly_who_was_built_without_the_provider_or_with_the_new_one_is_valid(
    make: Factory, ask
) -> None:
    old, new = make.library("1.0"), make.library("1.1")
    assert ask(record(make.extension("alone")), old, new, strict=True).verdict is Verdict.VALID
    for requirement in (replace(read_of(old), name="other"), read_of(new)):
        wheel = make.extension("alone")
        embed(wheel, build_inputs=_inputs(requirement), looked_for=("gift",))
        assert ask(wheel, old, new, strict=True).verdict is Verdict.VALID
