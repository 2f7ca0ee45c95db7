"""A wheel in, its fingerprint out; and when an embedded one is not to be trusted."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend_shim.errors import InvalidRecord, StaleRecord, UnknownSchema
from backend_shim.fingerprinting import (
    fingerprint_wheel,
    record_files,
    recorded_fingerprint,
    recorded_problems,
    recorded_symbols,
)
from backend_shim.interfaces.table import INTERFACES, Interface
from backend_shim.record.facts import Facts
from backend_shim.record.fingerprint import AbiFingerprint, Basis
from backend_shim.record.names import FINGERPRINT, STANDARD_NAMES, SYMBOLS
from backend_shim.wheel.archive import WheelArchive
from backend_shim.wheel.rewrite import add_dist_info_files
from tests.support import macho_factory, pe_factory
from tests.support.binding_factory import TAG, fingerprinted, library, provider, symbol
from tests.support.elf_factory import Image, ImageSymbol
from tests.support.wheel_factory import make_wheel, wheel_members

LIBRARY = bytes(Image(symbols=[ImageSymbol("f", size=4)], soname="libd.so.1"))
MODULE = bytes(Image(symbols=[ImageSymbol("PyInit_m"), ImageSymbol("f", is_defined=False)]))
PROGRAM = bytes(Image(interpreter=True, flags_1=0x08000000))
FILES = {
    "d/__init__.py": b"x = 1\n",
    "d/m.abi3.so": MODULE,
    "d/libd.so.1": LIBRARY,
    "d/tool": PROGRAM,
    "d/d.h": b"int f(void);\n",
    "d.libs/libz-0123.so.1": bytes(Image(soname="libz-0123.so.1")),
}
INFO = "d-1.0.dist-info"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return make_wheel(tmp_path, name="d", tag=TAG, files=FILES)


def embedded(wheel: Path) -> AbiFingerprint:
    """The fingerprint that `wheel` has got."""
    with WheelArchive.open(wheel) as archive:
        files = record_files(archive, looked_for=("numpy",))
    add_dist_info_files(wheel, files)
    with WheelArchive.open(wheel) as archive:
        found = recorded_fingerprint(archive)
    assert found is not None
    return found


def rebuilt(wheel: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    """Write `wheel` with other content and a right RECORD, its records as they are."""
    with zipfile.ZipFile(wheel) as archive:
        files = {
            name: archive.read(name)
            for name in archive.namelist()
            if not name.endswith(("/RECORD", "/METADATA", "/WHEEL"))
        }
    change(files)
    make_wheel(wheel.parent, name="d", tag=TAG, files=files)


def why_not(wheel: Path) -> str:
    with WheelArchive.open(wheel) as archive, pytest.raises(InvalidRecord) as caught:
        recorded_fingerprint(archive)
    return str(caught.value)


def test_a_pure_wheel_has_no_objects(tmp_path: Path) -> None:
    read = fingerprinted(tmp_path, {"a.py": b"", "b.txt": b"\x7fEL", "c.txt": b"M"})
    assert read.fingerprint.is_purelib
    assert (read.fingerprint.objects, read.fingerprint.requires) == ((), ())
    assert read.symbols.objects == ()


def test_a_native_wheel_has_each_object_with_what_it_is(wheel: Path) -> None:
    with WheelArchive.open(wheel) as archive:
        read = fingerprint_wheel(archive)
        digests = {path: archive.manifest.digest_of(path) for path in FILES}
    objects = {each.path: each for each in read.fingerprint.objects}
    assert {path: (each.kind, each.is_grafted) for path, each in objects.items()} == {
        "d/m.abi3.so": ("extension-module", False),
        "d/libd.so.1": ("library", False),
        "d/tool": ("executable", False),
        "d.libs/libz-0123.so.1": ("library", True),
    }
    assert {path: each.digest for path, each in objects.items()} == {
        path: digests[path] for path in objects
    }
    assert {path: each.size for path, each in objects.items()} == {
        path: len(FILES[path]) for path in objects
    }
    assert [each.path for each in read.symbols.objects] == ["d/libd.so.1"]
    assert [each.name for each in read.symbols.objects[0].symbols] == ["f"]


def test_a_universal_file_is_an_object_for_each_machine(tmp_path: Path) -> None:
    slices = []
    for cpu, name in ((macho_factory.X86_64, "_intel"), (macho_factory.ARM64, "_arm")):
        exports = [macho_factory.Export("_f"), macho_factory.Export(name)]
        image = macho_factory.Image(cpu=cpu, subtype=0, name="@rpath/libd.dylib", exports=exports)
        slices.append((cpu, 0, bytes(image)))
    path, data = "d/libd.dylib", macho_factory.universal(*slices)
    wheel = make_wheel(tmp_path, name="d", tag="py3-none-macosx_11_0_universal2",
                       files={path: data})  # fmt: skip
    objects = embedded(wheel).objects
    assert [(each.path, each.machine, each.size) for each in objects] == [
        (path, "x86_64", len(data)),
        (path, "aarch64", len(data)),
    ]
    assert objects[0].digest == objects[1].digest
    with WheelArchive.open(wheel) as archive:
        symbols = recorded_symbols(archive)
    assert symbols is not None
    assert [{s.name for s in each.symbols} for each in symbols.objects] == [
        {"f", "intel"},
        {"f", "arm"},
    ]


def test_a_universal_file_with_a_slice_that_cannot_be_read_is_unread(tmp_path: Path) -> None:
    right = bytes(macho_factory.Image())
    data = macho_factory.universal(
        (macho_factory.X86_64, 3, right), (macho_factory.ARM64, 0, right[:-1])
    )
    read = fingerprinted(tmp_path, {"libd.dylib": data})
    assert read.fingerprint.objects == ()
    assert [each.path for each in read.fingerprint.unread] == ["libd.dylib"]


def test_modules_for_windows_and_macos_are_told_from_libraries(tmp_path: Path) -> None:
    entry = pe_factory.Export(("PyInit_m",))
    bundle = macho_factory.Image(
        file_type=macho_factory.BUNDLE, exports=[macho_factory.Export("_PyInit_m")]
    )
    read = fingerprinted(
        tmp_path,
        {
            "d/m.cp311-win_amd64.pyd": bytes(pe_factory.Image(exports=[entry])),
            "d/q.dll": bytes(pe_factory.Image(name="q.dll")),
            "d/run.exe": bytes(pe_factory.Image(flags=0x22)),
            "d.libs/z-01.dll": bytes(pe_factory.Image()),
            "d/m.cpython-311-darwin.so": bytes(bundle),
            "d/run": bytes(macho_factory.Image(file_type=macho_factory.EXECUTE)),
            "d/.dylibs/libz.dylib": bytes(macho_factory.Image(name="/DLC/d/libz.dylib")),
        },
    )
    assert {each.path: (each.kind, each.is_grafted) for each in read.fingerprint.objects} == {
        "d/m.cp311-win_amd64.pyd": ("extension-module", False),
        "d/q.dll": ("library", False),
        "d/run.exe": ("executable", False),
        "d.libs/z-01.dll": ("library", True),
        "d/m.cpython-311-darwin.so": ("extension-module", False),
        "d/run": ("executable", False),
        "d/.dylibs/libz.dylib": ("library", True),
    }
    found = read.fingerprint.required("cpython")
    assert found is not None
    suffixes = found.facts.thaw()["extension_suffixes"]
    assert suffixes == [".cp311-win_amd64.pyd", ".cpython-311-darwin.so"]


def test_a_binary_is_known_by_its_content_not_its_name(tmp_path: Path) -> None:
    read = fingerprinted(tmp_path, {"data/blob.dat": LIBRARY, "a.so": b"not a binary"})
    assert [each.path for each in read.fingerprint.objects] == ["data/blob.dat"]


@pytest.mark.parametrize(
    "data",
    [
        b"MZ".ljust(60, b"\0") + b"\x40\0\0\0PE\0\0",
        b"\xcf\xfa\xed\xfe".ljust(32),
        b"\xca\xfe\xba\xbe\0\0\0\2".ljust(32),
        b"\x7fELF\2\1\1".ljust(16),
        LIBRARY[:300],
        b"\x7fELF\x05",
        b"\0asm\1\0\0\0".ljust(32, b"\0"),
        b"\1\xf7\0\5".ljust(32, b"\0"),
    ],
    ids=["pe", "mach-o", "fat", "header", "truncated", "tiny", "wasm", "xcoff"],
)
def test_a_binary_that_cannot_be_read_is_listed(tmp_path: Path, data: bytes) -> None:
    padded = data.ljust(9)
    read = fingerprinted(tmp_path, {"a.so": padded, "b.so": LIBRARY}).fingerprint
    assert [each.path for each in read.unread] == ["a.so"]
    assert read.unread[0].why
    assert [each.path for each in read.objects] == ["b.so"]
    alone = fingerprinted(tmp_path, {"a.so": padded}).fingerprint
    assert not alone.is_purelib


@pytest.mark.parametrize("size", range(9, len(LIBRARY), 29))
def test_every_prefix_of_a_binary_is_read_or_listed(tmp_path: Path, size: int) -> None:
    read = fingerprinted(tmp_path, {"a.so": LIBRARY[:size]}).fingerprint
    assert len(read.objects) + len(read.unread) == 1


def test_two_runs_give_the_same_bytes(wheel: Path) -> None:
    with WheelArchive.open(wheel) as archive:
        once = record_files(archive, looked_for=("torch", "numpy"))
    with WheelArchive.open(wheel) as archive:
        assert record_files(archive, looked_for={"numpy", "torch"}) == once
    assert set(once) == {FINGERPRINT, SYMBOLS}
    for data in once.values():
        text = json.dumps(json.loads(data), sort_keys=True, ensure_ascii=False,
                          separators=(",", ":"))  # fmt: skip
        assert data == text.encode() + b"\n"


def test_symbols_are_recorded_only_where_there_are_some(tmp_path: Path) -> None:
    bare = make_wheel(tmp_path, tag=TAG, files={"m.abi3.so": bytes(Image())})
    with WheelArchive.open(bare) as archive:
        assert set(record_files(archive, looked_for=())) == {FINGERPRINT}


def test_what_was_embedded_is_what_is_read(wheel: Path) -> None:
    found = embedded(wheel)
    with WheelArchive.open(wheel) as archive:
        derived = fingerprint_wheel(archive, looked_for=("numpy",))
        assert found == derived.fingerprint
        assert recorded_symbols(archive) == derived.symbols
        assert recorded_problems(archive) == ()
    assert {each.basis for each in found.requires} == {Basis.OBSERVED}


def test_embedding_does_not_change_the_fingerprint(wheel: Path) -> None:
    assert embedded(wheel) == embedded(wheel)


def test_a_wheel_without_records_has_none(wheel: Path) -> None:
    with WheelArchive.open(wheel) as archive:
        assert recorded_fingerprint(archive) is None
        assert recorded_symbols(archive) is None


def _change(files: dict[str, bytes]) -> None:
    files["d/libd.so.1"] = LIBRARY + b"\0"


def _swap(files: dict[str, bytes]) -> None:
    files["d/libd.so.1"] = LIBRARY[:-1] + bytes((LIBRARY[-1] ^ 1,))


def _add(files: dict[str, bytes]) -> None:
    files["d/new.so"] = LIBRARY


def _add_unreadable(files: dict[str, bytes]) -> None:
    files["d/new.pyd"] = b"MZ".ljust(60, b"\0") + b"\x40\0\0\0PE\0\0"


def _remove(files: dict[str, bytes]) -> None:
    del files["d/tool"]


def _spoil(files: dict[str, bytes]) -> None:
    files["d/tool"] = b"no binary any more"


def _rename(files: dict[str, bytes]) -> None:
    files["d/tool2"] = files.pop("d/tool")


def _header(files: dict[str, bytes]) -> None:
    files["d/d.h"] = b"long f(void);\n"


def _new_header(files: dict[str, bytes]) -> None:
    files["d/e.h"] = b""


@pytest.mark.parametrize(
    "change",
    [_change, _swap, _add, _add_unreadable, _remove, _spoil, _rename, _header, _new_header],
)
def test_a_record_of_another_content_is_stale(
    wheel: Path, change: Callable[[dict[str, bytes]], None]
) -> None:
    embedded(wheel)
    rebuilt(wheel, change)
    assert "stale" in why_not(wheel)
    with WheelArchive.open(wheel) as archive:
        assert recorded_problems(archive) != ()
        with pytest.raises(StaleRecord):
            recorded_fingerprint(archive, opens_all=False)


def test_what_is_named_like_data_need_not_be_opened(
    wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = embedded(wheel)
    rebuilt(wheel, lambda files: files.update({"d/new.JSON": LIBRARY, "d/odd.bin": b"x" * 64}))
    assert "stale" in why_not(wheel)
    opened: list[str] = []
    head = WheelArchive.head

    def noted(archive: WheelArchive, name: str, count: int) -> bytes:
        opened.append(name)
        return head(archive, name, count)

    monkeypatch.setattr(WheelArchive, "head", noted)
    with WheelArchive.open(wheel) as archive:
        assert recorded_fingerprint(archive, opens_all=False) == before
    assert "d/odd.bin" in opened
    assert {name for name in opened if name.endswith((".JSON", ".py", ".h", ".so"))} == set()


def test_a_text_that_begins_like_a_program_is_no_binary(tmp_path: Path) -> None:
    text = b"MZ is how a program for DOS begins; what is behind it here is none. "
    wheel = make_wheel(tmp_path, name="d", tag=TAG, files={"d/a.txt": text})
    assert embedded(wheel).is_purelib


def test_a_change_that_no_interface_sees_leaves_it_fresh(wheel: Path) -> None:
    before = embedded(wheel)
    rebuilt(wheel, lambda files: files.update({"d/__init__.py": b"x = 2\n"}))
    with WheelArchive.open(wheel) as archive:
        assert recorded_fingerprint(archive) == before


def test_a_binary_that_came_to_be_readable_is_not_fresh(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, name="d", tag=TAG, files={"d/a.so": b"\x7fELF".ljust(64)})
    found = embedded(wheel)
    assert [each.path for each in found.unread] == ["d/a.so"]


def _rewritten(wheel: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    """Write the members of `wheel` anew, changed, RECORD not made to fit."""
    with zipfile.ZipFile(wheel) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def test_a_row_of_record_that_changed_makes_it_stale(wheel: Path) -> None:
    embedded(wheel)

    def change(members: dict[str, bytes]) -> None:
        rows = members[f"{INFO}/RECORD"].decode().splitlines()
        other = [
            row.replace("sha256=", "sha256=AAAA", 1)[:-4] if row.startswith("d/tool,") else row
            for row in rows
        ]
        assert rows != other
        members[f"{INFO}/RECORD"] = "\n".join(other).encode()

    _rewritten(wheel, change)
    assert "stale" in why_not(wheel)


@pytest.mark.parametrize("name", [FINGERPRINT, SYMBOLS])
def test_a_record_that_record_does_not_list_is_not_used(wheel: Path, name: str) -> None:
    embedded(wheel)

    def change(members: dict[str, bytes]) -> None:
        rows = members[f"{INFO}/RECORD"].decode().splitlines()
        kept = [row for row in rows if not row.startswith(f"{INFO}/{name},")]
        assert len(kept) == len(rows) - 1
        members[f"{INFO}/RECORD"] = "\n".join(kept).encode()

    _rewritten(wheel, change)
    with WheelArchive.open(wheel) as archive:
        read = recorded_fingerprint if name == FINGERPRINT else recorded_symbols
        with pytest.raises(InvalidRecord, match="RECORD does not list"):
            read(archive)


def test_a_record_that_was_edited_is_not_used(wheel: Path) -> None:
    embedded(wheel)

    def change(members: dict[str, bytes]) -> None:
        members[f"{INFO}/{FINGERPRINT}"] += b" "

    _rewritten(wheel, change)
    assert "RECORD does not list" in why_not(wheel)


def test_an_unknown_schema_is_no_record(wheel: Path) -> None:
    with WheelArchive.open(wheel) as archive:
        data = record_files(archive, looked_for=())[FINGERPRINT]
    table = {**json.loads(data), "schema_version": "7.0"}
    add_dist_info_files(wheel, {FINGERPRINT: json.dumps(table).encode()})
    with WheelArchive.open(wheel) as archive:
        with pytest.raises(UnknownSchema):
            recorded_fingerprint(archive)
        assert recorded_problems(archive)[0].startswith("fingerprint: $.schema_version")


def test_a_wheel_that_is_said_to_be_pure_must_be(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, name="d", tag=TAG, files={"d.py": b""})
    found = embedded(wheel)
    wrong = dataclasses.replace(found, is_purelib=False)
    add_dist_info_files(wheel, {FINGERPRINT: wrong.to_json()})
    assert "contradicts" in why_not(wheel)


def test_the_names_of_the_standard_are_read_too(wheel: Path) -> None:
    with WheelArchive.open(wheel) as archive:
        files = record_files(archive, looked_for=())
    add_dist_info_files(wheel, {STANDARD_NAMES[name]: data for name, data in files.items()})
    with WheelArchive.open(wheel) as archive:
        assert recorded_fingerprint(archive) == AbiFingerprint.from_json(files[FINGERPRINT])
    add_dist_info_files(wheel, files)
    with WheelArchive.open(wheel) as archive:
        assert recorded_fingerprint(archive) is not None


def test_two_records_that_differ_are_none(wheel: Path) -> None:
    found = embedded(wheel)
    other = dataclasses.replace(found, series=found.requires)
    add_dist_info_files(wheel, {STANDARD_NAMES[FINGERPRINT]: other.to_json()})
    assert "which differ" in why_not(wheel)


def test_members_that_record_does_not_list_have_no_digest(tmp_path: Path) -> None:
    members = wheel_members({"a.so": LIBRARY}, name="d", tag=TAG)
    members[f"{INFO}/RECORD"] = f"{INFO}/RECORD,,\n".encode()
    wheel = tmp_path / f"d-1.0-{TAG}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with WheelArchive.open(wheel) as opened:
        (found,) = fingerprint_wheel(opened).fingerprint.objects
    assert found.digest is None
    assert AbiFingerprint.from_json(fingerprinted(tmp_path, FILES).fingerprint.to_json())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**40) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
SHAPES: dict[str, dict[str, Any]] = {
    "linking": {"objects": [{"path": "c.so", "format": "elf", "machine": "x86_64",
                             "needed": ["libp.so.1"], "compatibility": [["libp.so.1", "1.0"]],
                             "imports": [["f", None, None]], "optional": [["g", None, None]]}],
                "libraries": [{"path": "p/libp.so.1", "name": "libp.so.1", "format": "elf",
                               "machine": "x86_64", "is_grafted": False, "needed": ["libp.so.1"],
                               "reexported": ["libp.so.1"], "versions": ["V1"]}]},
    "numpy-c-api": {"accepts": [1], "target": [1, 23], "feature_version": 13,
                    "is_target_partial": True, "by_name_knows": [1], "is_by_name_partial": True,
                    "types_only": True, "abi_version": 1 << 24, "api_version": 13,
                    "release": "1.26.4"},
    "import-name": {"looked_for": ["p"], "whole": ["p", "p.m.a"], "tails": ["p*"]},
    "pybind11": {"ids": ["*", "x"], "types": ["1A"]},
    "nanobind": {"ids": ["v1_x"], "types": None},
    "swig": {"ids": ["x"], "types": ["_p_A", "_p_B"]},
    "capsule": {"imports": ["p._C_API"], "takes": [""], "tables": ["p._C_API"],
                "last_words": ["_C_API"], "makes": [""], "is_complete": True},
    "cffi": {"tags": [0x2601], "tables": ["OP_ARRAY 5"]},
    "sip": {"modules": [{"module": "p.m", "asks": [[12, 3]], "is_partial": True,
                         "abi": [12, 4]}]},
    "cython": {
        "objects": [{"path": "c.so", "named": ["p.m"], "names": ["f"],
                     "signatures": ["int (int)"], "has_variables": False, "is_partial": False,
                     "is_exclusive": True}],
        "modules": [{"module": "p.m", "functions": {"f": "int (int)"}, "uncertain": [],
                     "types": ["T"], "variables": []}],
    },
    "header": {"files": 1, "digest": "x"},
    "torch": {"stable_functions": ["torch_f"]},
    "platform": {"libc": "glibc", "versions": [["GLIBC", "2.17"]], "string_abi": ["cxx11"]},
    "cpython": {"extension_suffixes": [".so"], "is_stable_abi": False},
}  # fmt: skip


def spoiled(data: st.DataObject, value: Any) -> Any:
    """`value` with something in it replaced, or left out."""
    if isinstance(value, dict) and value and data.draw(st.booleans()):
        key = data.draw(st.sampled_from(sorted(value)))
        rest = {name: each for name, each in value.items() if name != key}
        return rest if data.draw(st.booleans()) else {**value, key: spoiled(data, value[key])}
    if isinstance(value, list) and value and data.draw(st.booleans()):
        return [spoiled(data, value[0]), *value[1:]]
    return data.draw(JSON)


@pytest.mark.parametrize("interface", INTERFACES, ids=lambda each: str(each.name))
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_facts_of_wrong_types_are_refused_and_nothing_worse(
    interface: Interface, data: st.DataObject
) -> None:
    def facts() -> Facts:
        table = spoiled(data, SHAPES[interface.name]) if data.draw(st.booleans()) else None
        right = Facts(SHAPES[interface.name])
        return Facts(table) if isinstance(table, dict) else right

    ours, name = facts(), interface.provider or "p"
    sides = []
    for version in ("1.0", "2.0"):
        made = library(symbol("f", "V1"), symbol("f"))
        sides.append(
            dataclasses.replace(
                provider(name, version, paths=("p/__init__.py", "p/m.py", "p/libp.so.1")),
                provided={interface.name: facts()},
                required={interface.name: facts()},
                read_symbols=made.read_symbols,
            )
        )
    try:
        found = interface.is_satisfied(ours, *sides)
    except InvalidRecord:
        return
    assert all(each.reasons and each.interface == interface.name for each in found)
