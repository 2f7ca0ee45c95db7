from __future__ import annotations

import random
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from backend_shim.embed import embed
from backend_shim.errors import InvalidWheel
from backend_shim.record.names import BUILD_INPUTS, FINGERPRINT, SBOM
from resolver_check.compare.wheels.difference import Kind, Outcome, WheelDifference
from resolver_check.errors import UsageError
from resolver_check.scan.compared_wheels import compare_wheels
from tests.resolver_check.compare.test_input_changes import PLAIN
from tests.resolver_check.conftest import SUFFIX, TAG, Compile
from tests.support.released_wheel import download
from tests.support.wheel_factory import DATE, make_wheel, record_bytes, wheel_members

CODE = "int gift_open(void) { return %s; } int gift_size(void) { return sizeof(%s); }"
INFO = "demo-1.0.dist-info"


def wheel(directory: Path, place: str, files: Mapping[str, bytes], **keywords: object) -> Path:
    """A wheel in a directory of its own, so that two can have one name."""
    (directory / place).mkdir()
    return make_wheel(directory / place, files=files, **keywords)  # type: ignore[arg-type]


def packed(path: Path, members: Mapping[str, bytes], modes: Mapping[str, int] = {}) -> Path:
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, DATE)
            info.external_attr = modes.get(name, 0o100644) << 16
            archive.writestr(info, data)
    return path


def both_ways(first: Path, second: Path) -> WheelDifference:
    """The comparison, after a look at whether it is the same the other way round."""
    there, back = compare_wheels(first, second), compare_wheels(second, first)
    mirrored = {
        Kind.ONLY_IN_FIRST: Kind.ONLY_IN_SECOND,
        Kind.ONLY_IN_SECOND: Kind.ONLY_IN_FIRST,
    }
    assert there.outcome is back.outcome
    assert there.interface == back.interface
    assert there.same == back.same
    assert {(e.path, e.kind, e.name, e.first, e.second) for e in there.differences} == {
        (e.path, mirrored.get(e.kind, e.kind), e.name, e.second, e.first) for e in back.differences
    }
    return there


def kinds(difference: WheelDifference) -> dict[str, set[Kind]]:
    return {
        path: {each.kind for each in difference.differences if each.path == path}
        for path in {each.path for each in difference.differences}
    }


FILES = {"demo.py": b"x = 1\n", "demo-1.0.data/scripts/demo": b"#!python\nimport demo\n"}


def test_a_wheel_is_the_same_as_itself(tmp_path: Path) -> None:
    made = wheel(tmp_path, "a", FILES)
    found = compare_wheels(made, made)
    assert (found.outcome, found.same, found.interface) == (Outcome.SAME, 5, None)


def test_how_an_archive_is_packed_does_not_count(tmp_path: Path) -> None:
    members = wheel_members(FILES)
    one = wheel(tmp_path, "a", FILES)
    other = packed(tmp_path / "b" / one.name, dict(reversed(members.items())))
    assert both_ways(one, other).outcome is Outcome.SAME


def test_noise_is_named_and_leaves_the_wheels_equal(tmp_path: Path) -> None:
    members = wheel_members(FILES, requires=["a", "b"])
    noisy = {
        **members,
        f"{INFO}/WHEEL": members[f"{INFO}/WHEEL"].replace(b"wheel_factory", b"bdist_wheel"),
        f"{INFO}/METADATA": members[f"{INFO}/METADATA"].replace(
            b"Requires-Dist: a\nRequires-Dist: b", b"Requires-Dist: b\nRequires-Dist: a"
        ),
        "demo-1.0.data/scripts/demo": b"#!/tmp/env/bin/python3.11\nimport demo\n",
    }
    listed = {name: noisy[name] for name in reversed(noisy) if name != f"{INFO}/RECORD"}
    noisy[f"{INFO}/RECORD"] = record_bytes(listed, f"{INFO}/RECORD")
    one = packed(tmp_path / "a" / "demo-1.0-py3-none-any.whl", members)
    found = both_ways(one, packed(tmp_path / "b" / one.name, noisy))
    assert found.outcome is Outcome.EQUAL
    assert kinds(found) == {
        f"{INFO}/WHEEL": {Kind.BUILD_HEADER},
        f"{INFO}/METADATA": {Kind.ORDER},
        f"{INFO}/RECORD": {Kind.RECORD},
        "demo-1.0.data/scripts/demo": {Kind.INTERPRETER_PATH},
    }


def test_records_of_another_build_are_noise(tmp_path: Path) -> None:
    one, other = wheel(tmp_path, "a", FILES), wheel(tmp_path, "b", FILES)
    embed(one, build_inputs=PLAIN, looked_for=())
    found = both_ways(one, other)
    assert found.outcome is Outcome.EQUAL
    assert kinds(found)[f"{INFO}/{FINGERPRINT}"] == {Kind.OWN_RECORD}
    embed(other, build_inputs=replace(PLAIN, version="1.1"), looked_for=())
    found = both_ways(one, other)
    assert found.outcome is Outcome.EQUAL
    assert kinds(found) == {
        f"{INFO}/{BUILD_INPUTS}": {Kind.OWN_RECORD},
        f"{INFO}/RECORD": {Kind.RECORD},
    }


def test_a_bill_of_materials_made_of_a_record_is_noise(tmp_path: Path) -> None:
    one, other = wheel(tmp_path, "a", FILES), wheel(tmp_path, "b", FILES)
    embed(one, build_inputs=PLAIN, looked_for=(), with_sbom=True)
    embed(other, build_inputs=replace(PLAIN, version="1.1"), looked_for=(), with_sbom=True)
    found = both_ways(one, other)
    assert found.outcome is Outcome.EQUAL
    assert kinds(found)[f"{INFO}/{SBOM}"] == {Kind.OWN_RECORD}
    of_others = wheel(tmp_path, "c", {**FILES, f"{INFO}/sboms/other.cdx.json": b"{}"})
    assert both_ways(wheel(tmp_path, "d", FILES), of_others).content


def test_a_file_called_like_a_record_elsewhere_is_content(tmp_path: Path) -> None:
    one = wheel(tmp_path, "a", FILES)
    other = wheel(tmp_path, "b", {**FILES, f"demo/{FINGERPRINT}": b"{}"})
    assert both_ways(one, other).content


def test_what_came_went_or_changed_is_named(tmp_path: Path) -> None:
    one = wheel(tmp_path, "a", {**FILES, "gone.py": b""})
    other = wheel(tmp_path, "b", {**FILES, "come.py": b"", "demo.py": b"x = 2\n"})
    found = both_ways(one, other)
    assert found.outcome is Outcome.DIFFERENT
    assert kinds(found) == {
        "come.py": {Kind.ONLY_IN_SECOND},
        "demo.py": {Kind.BYTES},
        "gone.py": {Kind.ONLY_IN_FIRST},
        f"{INFO}/RECORD": {Kind.RECORD},
    }
    assert found.interface == ("module come", "module gone")


def test_the_directory_of_another_version_is_told_once(tmp_path: Path) -> None:
    one = wheel(tmp_path, "a", FILES)
    files = {name.replace("1.0", "1.1"): data for name, data in FILES.items()}
    found = both_ways(one, wheel(tmp_path, "b", files, version="1.1"))
    assert kinds(found) == {
        "{dist-info}": {Kind.DIRECTORY},
        "{dist-info}/METADATA": {Kind.HEADER},
        "{dist-info}/RECORD": {Kind.RECORD},
    }
    assert found.outcome is Outcome.INTERFACE_EQUAL


def test_a_file_of_data_that_goes_to_the_root_is_one_of_the_root(tmp_path: Path) -> None:
    one = wheel(tmp_path, "a", {"demo.py": b"x = 1\n"})
    moved = wheel(tmp_path, "b", {"demo-1.0.data/purelib/demo.py": b"x = 1\n"})
    assert both_ways(one, moved).outcome is Outcome.EQUAL
    elsewhere = wheel(tmp_path, "c", {"demo-1.0.data/platlib/demo.py": b"x = 1\n"})
    assert both_ways(one, elsewhere).content
    twice = wheel(tmp_path, "d", {"demo.py": b"x", "demo-1.0.data/purelib/demo.py": b"x = 1\n"})
    assert set(kinds(both_ways(one, twice))) >= {"demo.py", "demo-1.0.data/purelib/demo.py"}


def test_a_file_that_can_no_longer_be_executed_counts(tmp_path: Path) -> None:
    members = wheel_members({**FILES, "demo/tool": b"#!/bin/sh\n"})
    name = "demo-1.0-py3-none-any.whl"
    one = packed(tmp_path / "a" / name, members, {"demo/tool": 0o100755})
    found = both_ways(one, packed(tmp_path / "b" / name, members))
    assert kinds(found) == {"demo/tool": {Kind.EXECUTABLE}}
    assert found.content
    script = "demo-1.0.data/scripts/demo"  # installers make these executable, all of them
    other = packed(tmp_path / "c" / name, members, {script: 0o100755, "demo/tool": 0o100700})
    assert both_ways(one, other).outcome is Outcome.SAME


def test_a_record_that_lists_the_same_file_otherwise_counts(tmp_path: Path) -> None:
    members = wheel_members(FILES)
    name = "demo-1.0-py3-none-any.whl"
    one = packed(tmp_path / "a" / name, members)
    for place, rows in (("b", b"ghost.py,,\n"), ("c", None)):
        record = members[f"{INFO}/RECORD"]
        listed = record + rows if rows else record.replace(b"sha256=", b"sha256=A", 1)
        other = packed(tmp_path / place / name, {**members, f"{INFO}/RECORD": listed})
        assert kinds(both_ways(one, other)) == {f"{INFO}/RECORD": {Kind.LISTING}}


class Gifts:
    """Wheels with a library in two builds."""

    def __init__(self, directory: Path, compile_shared: Compile) -> None:
        self._directory, self._compile = directory, compile_shared

    def made(
        self, place: str, *options: str, result: str = "1", of: str = "int",
        files: Mapping[str, bytes] | None = None, is_recorded: bool = False,
    ) -> Path:  # fmt: skip
        code = self._compile(CODE % (result, of), "-Wl,-soname,libgift.so.1", *options)
        members = {"gift/__init__.py": b"", "gift/libgift.so.1": code, **(files or {})}
        found = wheel(self._directory, place, members, name="gift", tag=TAG)
        if is_recorded:
            embed(found, build_inputs=PLAIN, looked_for=())
        return found


@pytest.fixture
def gifts(tmp_path: Path, compile_shared: Compile) -> Gifts:
    return Gifts(tmp_path, compile_shared)


@pytest.mark.parametrize("is_recorded", [False, True])
def test_debug_information_leaves_the_wheels_equal(gifts: Gifts, is_recorded: bool) -> None:
    one = gifts.made("a", is_recorded=is_recorded)
    other = gifts.made("b", "-g", "-Wl,--build-id=0x" + "cd" * 20, is_recorded=is_recorded)
    found = both_ways(one, other)
    assert (found.outcome, found.interface) == (Outcome.EQUAL, None)
    assert kinds(found)["gift/libgift.so.1"] >= {Kind.DEBUG_INFORMATION, Kind.BUILD_ID}


@pytest.mark.parametrize(("one_recorded", "other_recorded"), [(0, 0), (0, 1), (1, 1)])
def test_other_code_behind_the_same_symbols_is_interface_equal(
    gifts: Gifts, one_recorded: bool, other_recorded: bool
) -> None:
    one = gifts.made("a", is_recorded=one_recorded)
    other = gifts.made("b", result="gift_size() * 7", is_recorded=other_recorded)
    found = both_ways(one, other)
    assert (found.outcome, found.interface) == (Outcome.INTERFACE_EQUAL, ())
    assert {each.name for each in found.content} >= {".text"}


def test_another_exported_symbol_is_different(gifts: Gifts) -> None:
    found = both_ways(gifts.made("a"), gifts.made("b", "-Dgift_size=gift_length"))
    assert found.outcome is Outcome.DIFFERENT
    assert found.interface == ("symbols of gift/libgift.so.1 (x86_64)",)


@pytest.mark.parametrize("is_recorded", [False, True])
def test_an_interface_file_that_changed_is_different(gifts: Gifts, is_recorded: bool) -> None:
    header = "gift/include/gift.h"
    one, other = (
        gifts.made(place, files={header: text}, is_recorded=is_recorded)
        for place, text in (("a", b"int gift_open(void);\n"), ("b", b"long gift_open(void);\n"))
    )
    found = both_ways(one, other)
    assert found.outcome is Outcome.DIFFERENT
    assert found.interface == (f"interface file {header}", "provides header")


def test_a_record_cannot_hide_a_changed_interface_file(tmp_path: Path, gifts: Gifts) -> None:
    header, name = "gift/include/gift.h", f"gift-1.0-{TAG}.whl"
    one = gifts.made("a", files={header: b"int gift_open(void);\n"})
    with zipfile.ZipFile(one) as archive:
        members = {each: archive.read(each) for each in archive.namelist()}
    other = packed(tmp_path / "b" / name, {**members, header: b"long gift_open(void);\n"})
    assert both_ways(one, other).interface == (f"interface file {header}",)


@pytest.mark.parametrize("bad", [b"\x7fELF", b"\x7fELF\x02\x01\x01" + b"\xff" * 200, b"MZ\x90\0"])
def test_a_binary_that_cannot_be_read_is_compared_by_its_bytes(
    gifts: Gifts, tmp_path: Path, bad: bytes
) -> None:
    path = f"gift/_bad{SUFFIX}"
    one, other = (
        wheel(tmp_path, place, {path: bad + end}, name="gift", tag=TAG)
        for place, end in (("a", b"\0" * 1000), ("b", b"\1" * 1000))
    )
    assert both_ways(one, one).outcome is Outcome.SAME
    found = both_ways(one, other)
    assert found.outcome is Outcome.DIFFERENT
    assert kinds(found)[path] == {Kind.BYTES}


def test_mutated_binaries_never_raise_and_never_pass_for_the_same(
    tmp_path: Path, compile_shared: Compile
) -> None:
    code, chance, path = compile_shared(CODE % ("1", "int")), random.Random(7), "gift/lib.so"
    one = wheel(tmp_path, "a", {path: code}, name="gift", tag=TAG)
    for turn in range(40):
        cut = code[: chance.randrange(4, len(code))] if turn % 2 else code
        bad = bytearray(cut)
        for _ in range(4):
            bad[chance.randrange(len(bad))] = chance.randrange(256)
        other = wheel(tmp_path, f"b{turn}", {path: bytes(bad)}, name="gift", tag=TAG)
        found = both_ways(one, other)
        assert (found.outcome is Outcome.SAME) == (bytes(bad) == code)


def test_wheels_of_two_projects_are_not_compared(tmp_path: Path) -> None:
    one, other = wheel(tmp_path, "a", {}), wheel(tmp_path, "b", {}, name="other")
    with pytest.raises(UsageError, match=r"is of demo, .* of other"):
        compare_wheels(one, other)


def test_what_is_damaged_is_no_answer(tmp_path: Path) -> None:
    one, other = (
        wheel(tmp_path, "a", FILES, compression=0),
        wheel(tmp_path, "b", FILES, compression=0),
    )
    data = other.read_bytes()
    other.write_bytes(data.replace(b"x = 1\n", b"x = 2\n", 1))
    with pytest.raises(InvalidWheel, match="CRC"):
        compare_wheels(one, other)
    with pytest.raises(InvalidWheel, match="no such file"):
        compare_wheels(one, tmp_path / "gone.whl")


@pytest.mark.network
def test_a_released_wheel_is_equal_after_strip(tmp_path: Path) -> None:
    released = download("aiohttp==3.9.5", "3.11")
    members, stripped = {}, tmp_path / "module.so"
    with zipfile.ZipFile(released) as archive:
        modes = {each.filename: each.external_attr >> 16 for each in archive.infolist()}
        for name in archive.namelist():
            members[name] = archive.read(name)
            if name.endswith(".so"):
                stripped.write_bytes(members[name])
                subprocess.run(["strip", stripped], check=True)
                members[name] = stripped.read_bytes()
    found = both_ways(released, packed(tmp_path / "stripped" / released.name, members, modes))
    assert found.outcome is Outcome.EQUAL
    assert {each.kind for each in found.noise} == {Kind.DEBUG_INFORMATION, Kind.LAYOUT}


@pytest.mark.network
def test_a_release_with_another_interface_is_different() -> None:
    old, new = (download(f"PyQt5-sip=={version}", "3.11") for version in ("12.12.2", "12.13.0"))
    found = both_ways(old, new)
    assert found.outcome is Outcome.DIFFERENT
    assert found.interface == ("provides sip",)
