"""The Mach-O reader on images built here, sound and broken."""

from __future__ import annotations

import itertools
import json
import pickle
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend_shim.binary import Section, SharedObject, Symbol, read_macho, read_shared_objects
from backend_shim.errors import InvalidBinary
from tests.support import macho_factory as factory
from tests.support.macho_factory import Export, Image, Import, Library, uleb, universal

_CLASSES = list(itertools.product((32, 64), "<>"))
_NEEDED = (
    Library("/usr/lib/libSystem.B.dylib", compatibility=0x00010000),
    Library("@rpath/libweak.dylib", factory.WEAK, 0x00020304),
    Library("@loader_path/again.dylib", factory.REEXPORT),
    Library("/opt/lazy.dylib", factory.LAZY),
    Library("/opt/up.dylib", factory.UPWARD),
)
_EXPORTS = (
    Export("_run"),
    Export("_runner", factory.TEXT + 15),
    Export("_state", factory.DATA),
    Export("__ZTI1A", factory.CONST, 0x4),
    Export("_tls", factory.DATA + 0x900, 0x1),
    Export("_absolute", 5, 0x2),
    Export("_picked", factory.TEXT, 0x10),
    Export("_moved", reexport=(3, "_there")),
    Export("_same", reexport=(3, "")),
    Export("plain", 0x7FFFFFFF),
)
_IMPORTS = (
    Import("_malloc", 1),
    Import("_maybe", 2, is_weak=True),
    Import("_PyLong_FromLong", factory.FLAT),
    Import("_main", factory.MAIN_EXECUTABLE),
    Import("_run", factory.SELF),
    Import("__Znwm", factory.WEAK_LOOKUP),
    Import("__ZTI1A", factory.WEAK_LOOKUP),
    Import("dyld_stub_binder", 1),
    Import("_twice", 5),
)


def _image(bits: int = 64, order: str = "<", **changes: Any) -> bytes:
    options: dict[str, Any] = {
        "name": "@rpath/libx.1.dylib",
        "needed": _NEEDED,
        "run_path": ("@loader_path/../.dylibs", "/opt/lib"),
        "exports": _EXPORTS,
        "imports": _IMPORTS,
        "lazy": (Import("_twice", 5), Import("_late", 4)),
    }
    return bytes(Image(bits=bits, order=order, **{**options, **changes}))


def _read(**changes: Any) -> SharedObject:
    (found,) = read_macho(_image(**changes))
    return found


def _needed(name: str, library: int | None = None, binding: str = "global") -> Symbol:
    path = None if library is None else _NEEDED[library - 1].name
    return Symbol(name, None, "notype", binding, 0, library=path)


_EXPECTED = (
    _needed("malloc", 1),
    _needed("maybe", 2, "weak"),
    _needed("PyLong_FromLong"),
    _needed("main"),
    _needed("_Znwm"),
    _needed("dyld_stub_binder", 1),
    _needed("twice", 5),
    _needed("late", 4),
)


@pytest.mark.parametrize(("bits", "order"), _CLASSES)
def test_all_tables_are_read_in_either_class_and_byte_order(bits: int, order: str) -> None:
    found = _read(bits=bits, order=order)
    assert (found.format, found.machine, found.bits) == ("macho", "x86_64", bits)
    assert found.soname == "@rpath/libx.1.dylib"
    assert found.needed == tuple(each.name for each in _NEEDED)
    assert found.reexported == ("@loader_path/again.dylib",)
    assert found.run_path == ("@loader_path/../.dylibs", "/opt/lib")
    assert found.version_needs[:2] == (
        ("/usr/lib/libSystem.B.dylib", ("1.0.0",)),
        ("@rpath/libweak.dylib", ("2.3.4",)),
    )
    assert found.version_definitions == ("1.2.3",)
    assert sorted(found.exported) == [
        Symbol("_ZTI1A", None, "object", "weak", 0),
        Symbol("absolute", None, "notype", "global", 0),
        Symbol("moved", None, "notype", "global", 0,
               forwards_to="@loader_path/again.dylib:there"),
        Symbol("picked", None, "ifunc", "global", 0),
        Symbol("plain", None, "object", "global", 0),
        Symbol("run", None, "function", "global", 0),
        Symbol("runner", None, "function", "global", 0),
        Symbol("same", None, "notype", "global", 0, forwards_to="@loader_path/again.dylib:same"),
        Symbol("state", None, "object", "global", 0),
        Symbol("tls", None, "tls", "global", 0),
    ]  # fmt: skip
    assert found.imported == _EXPECTED
    assert not found.is_executable
    assert pickle.loads(pickle.dumps(found)) == found
    assert read_shared_objects(_image(bits, order)) == (found,)


@pytest.mark.parametrize("form", [1, 2, 3])
def test_chained_fixups_name_the_same_imports_as_bind_opcodes(form: int) -> None:
    found = _read(binding="chained", chained_format=form)
    assert found.imported == _EXPECTED
    assert found.exported == _read().exported


def test_a_symbol_that_is_only_coalesced_is_imported_from_wherever() -> None:
    """New linkers bind `operator new` in `weak_bind` alone; what is defined here is not needed."""
    found = _read(weakly_bound=("__ZdlPv", "__ZTI1A", "_malloc"))
    assert found.imported == (*_EXPECTED, _needed("_ZdlPv"))


def test_numbers_of_libraries_above_15_have_their_own_opcode() -> None:
    needed = [Library(f"/lib/{number}") for number in range(1, 301)]
    imports = [Import("_a", 16), Import("_b", 300), Import("_c", 15)]
    found = _read(needed=needed, exports=(), imports=imports, lazy=())
    assert [each.library for each in found.imported] == ["/lib/16", "/lib/300", "/lib/15"]


def test_bind_opcodes_may_come_in_any_order() -> None:
    opcodes = (
        b"\x72\x08" * 20 + b"\x40_a\0\x51\x60\x7f\x11\x72\x00\x90\xb1\x12\x90\x20\x01\x80\x80\x01"
    )
    opcodes += b"\xa0\x80\x01\xc0\x02\x08\x40_b\0\x90\xd0\x05\xd1"
    found = _read(imports=(), lazy=(), exports=(), linkedit={"bind": opcodes})
    libraries = [each.name for each in _NEEDED]
    assert [(each.name, each.library) for each in found.imported] == [
        ("a", libraries[0]), ("a", libraries[1]), ("b", libraries[0]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cpu", "subtype", "name"),
    [
        (factory.X86_64, 3, "x86_64"),
        (factory.X86_64, 0x80000008, "x86_64"),
        (factory.ARM64, 0, "aarch64"),
        (factory.ARM64, 0x80000002, "arm64e"),
        (factory.I386, 3, "i386"),
        (factory.PPC, 0, "ppc"),
        (99, 0, "cpu_99"),
    ],
)
def test_machines_have_the_names_of_the_other_formats(cpu: int, subtype: int, name: str) -> None:
    assert _read(cpu=cpu, subtype=subtype).machine == name


def test_a_bundle_has_no_name_and_an_executable_is_a_program() -> None:
    bundle = _read(file_type=factory.BUNDLE, name=None)
    assert (bundle.soname, bundle.version_definitions, bundle.is_executable) == (None, (), False)
    assert _read(file_type=factory.EXECUTE, name=None).is_executable


def test_sections_are_constants_or_code_by_their_attributes() -> None:
    image = _image()
    (found,) = read_macho(image)
    assert [each.name for each in found.constants] == ["__TEXT,__cstring", "__DATA,__data"]
    (code,) = found.code
    assert (code.name, code.address) == ("__TEXT,__text", factory.BASE + factory.TEXT)
    strings = found.constants[0]
    assert image[strings.offset : strings.offset + strings.size] == b"constant\0"


def test_without_sections_the_whole_object_is_one() -> None:
    image = _image(has_sections=False)
    (found,) = read_macho(image)
    assert found.constants == (Section("", 0, len(image), 0),)
    assert found.code == ()
    assert {each.kind for each in found.exported} <= {"object", "tls", "notype", "ifunc"}


@pytest.mark.parametrize("file_type", [factory.OBJECT, factory.DSYM])
def test_objects_that_are_never_loaded_have_empty_tables(file_type: int) -> None:
    found = _read(file_type=file_type)
    assert [*found.exported, *found.imported, *found.needed] == []
    assert bool(found.constants) == (file_type == factory.OBJECT)


@pytest.mark.parametrize("dysymtab", [None, (0, 0)])
def test_an_object_that_binds_nothing_needs_no_tables(dysymtab: tuple[int, int] | None) -> None:
    found = _read(binding=None, dysymtab=dysymtab)
    assert [*found.exported, *found.imported] == []


@pytest.mark.parametrize("dysymtab", [(1, 0), (0, 1)])
def test_what_is_bound_by_its_symbol_table_is_not_read(dysymtab: tuple[int, int]) -> None:
    with pytest.raises(InvalidBinary, match=r"as before Mac OS X 10\.6"):
        _read(binding=None, dysymtab=dysymtab)


def test_a_name_that_is_not_utf_8_can_still_be_written_as_json() -> None:
    exports = [Export(name) for name in ("_naïve", "_caf\udce9", "_plain")]
    names = [each.name for each in _read(exports=exports).exported]
    assert sorted(names) == ["caf\\xe9", "naïve", "plain"]
    json.dumps(names, ensure_ascii=False).encode()


@pytest.mark.parametrize("bits", [32, 64])
def test_a_universal_file_has_an_object_for_each_slice(bits: int) -> None:
    intel = _image()
    arm = _image(cpu=factory.ARM64, subtype=0, exports=[Export("_other")])
    data = universal((factory.X86_64, 3, intel), (factory.ARM64, 0, arm), bits=bits)
    first, second = read_macho(data)
    assert (first.machine, second.machine) == ("x86_64", "aarch64")
    assert [each.name for each in second.exported] == ["other"]
    assert first.exported == _read().exported
    for each in (first, second):
        strings = each.constants[0]
        assert data[strings.offset : strings.offset + strings.size] == b"constant\0"
    assert first.constants[0].offset < len(intel) < second.constants[0].offset
    assert read_shared_objects(data) == (first, second)


def test_a_slice_that_is_a_static_archive_has_empty_tables() -> None:
    data = universal(
        (factory.X86_64, 3, b"!<arch>\n" + b"numpy\0\0\0"), (factory.I386, 3, b"!<arch>\n")
    )
    found = read_macho(data)
    assert [(each.machine, each.bits) for each in found] == [("x86_64", 64), ("i386", 32)]
    assert [*found[0].exported, *found[0].imported, *found[0].needed] == []
    (whole,) = found[0].constants
    assert data[whole.offset : whole.offset + whole.size].endswith(b"numpy\0\0\0")


def test_slices_that_contradict_the_file_are_refused() -> None:
    image = _image()
    for data, sentence in (
        (universal((factory.X86_64, 3, image), starts=[9999]), "behind the file"),
        (universal((factory.ARM64, 0, image)), "another machine"),
        (universal((factory.X86_64, 3, b"#!/bin/sh\n")), "not a Mach-O file"),
        (universal(), "with 0 slices"),
        (universal((factory.X86_64, 3, image))[:-1], "behind the file|overlap"),
    ):
        with pytest.raises(InvalidBinary, match=sentence):
            read_macho(data)
    two = bytearray(universal((factory.X86_64, 3, image), (factory.X86_64, 3, b"x" * 8)))
    two[28:36] = two[16:24]  # offset and size of the first for the second
    two[36:40] = two[24:28]
    struct.pack_into(">II", two, 28 + 8, *struct.unpack_from(">II", two, 16))
    with pytest.raises(InvalidBinary, match="overlap"):
        read_macho(bytes(two))


_CYCLE = b"\0\1_\0\0"


@pytest.mark.parametrize(
    ("linkedit", "sentence"),
    [
        ({"trie": _CYCLE}, "no tree"),
        ({"trie": b"\0\1_a\0\x7f"}, "cut off"),
        ({"trie": b"\0\1_a"}, "no end"),
        ({"trie": b"\0\2_a\0\x08_b\0\x08\0\0"}, "no tree|cut off"),
        ({"trie": b"\x05\0\x10"}, "cut off"),
        ({"trie": b"\xff" * 12}, "more than 64 bits"),
        ({"trie": b"\0\1_a\0\x06\3\x08\1_\0"}, "has no end"),
        ({"trie": b"\0\1_a\0\x06\3\x08\x63\0\0"}, "of library 99, of 5"),
        ({"bind": b"\x11\x90"}, "bound before it is named"),
        ({"bind": b"\xe0"}, "unknown or cut off bind opcode at 0"),
        ({"bind": b"\x11\x40_a"}, "unknown or cut off bind opcode at 1"),
        ({"bind": b"\x72\x80\x80"}, "unknown or cut off bind opcode at 0"),
        ({"bind": b"\x1f\x40_a\0\x90"}, "of library 15, of 5"),
    ],
)
def test_contradictions_are_named(linkedit: dict[str, bytes], sentence: str) -> None:
    with pytest.raises(InvalidBinary, match=sentence):
        _read(linkedit=linkedit)


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ((0, 28, 28, 28, 0, 4, 0), "unknown format 4.0"),
        ((0, 28, 28, 28, 0, 1, 1), "unknown format 1.1"),
        ((0, 28, 28, 28, 1 << 30, 1, 0), "which are not all there"),
        ((0, 28, 0, 1 << 20, 1, 1, 0), "no string ends"),
        ((0, 28), "cut off"),
    ],
)
def test_chained_fixups_that_contradict_themselves_are_refused(
    header: tuple[int, ...], sentence: str
) -> None:
    data = struct.pack(f"<{len(header)}I", *header)
    with pytest.raises(InvalidBinary, match=sentence):
        _read(binding="chained", linkedit={"chained": data})


def test_load_commands_that_contradict_themselves_are_refused() -> None:
    image = _image()
    count, size = struct.unpack_from("<II", image, 16)
    for at, value, sentence in (
        (16, count + 1, "which are not all there"),
        (20, size - 8, "a load command has"),
        (20, 1 << 30, "the load commands"),
        (12, 4, "which no program loads"),  # MH_CORE
        (36, 0, "a load command has 0 bytes"),
        (32 + 64, 99, "has not all of its 99 sections"),
        (32 + 48, 1 << 20, "a segment ends at"),
    ):
        changed = bytearray(image)
        struct.pack_into("<I", changed, at, value)
        with pytest.raises(InvalidBinary, match=sentence):
            read_macho(bytes(changed))
    changed = bytearray(image)
    for at, value in ((16, 1), (20, 16), (36, 16)):  # one command, of 16 bytes
        struct.pack_into("<I", changed, at, value)
    with pytest.raises(InvalidBinary, match="a segment is cut off"):
        read_macho(bytes(changed))


def test_sections_may_not_overlap_or_leave_the_file() -> None:
    image = _image()
    for offset, size in ((0, len(image)), (len(image) - 1, 2)):
        changed = bytearray(image)
        for name in (b"__cstring\0", b"__data\0"):
            at = changed.index(name)
            struct.pack_into("<QI", changed, at + 40, size, offset)
        with pytest.raises(InvalidBinary, match="section"):
            read_macho(bytes(changed))


def test_names_that_overlap_do_not_fill_the_memory() -> None:
    """20,000 imports, each named by another end of one long string; and 10,000 nested exports."""
    names = b"x" * 1_000_000 + b"\0"
    table = b"".join(struct.pack("<I", 1 | number << 9) for number in range(20_000))
    header = struct.pack("<7I", 0, 28, 28, 28 + len(table), 20_000, 1, 0)
    with pytest.raises(InvalidBinary, match="names overlap"):
        _read(binding="chained", linkedit={"chained": header + table + names})
    nested, at = b"", 0
    for _ in range(10_000):
        node = b"\2\0\1" + b"\1" + b"y" * 90 + b"\0"
        at += len(node) + 3
        nested += node + bytes([at & 0x7F | 0x80, at >> 7 & 0x7F | 0x80, at >> 14])
    with pytest.raises(InvalidBinary, match="no tree, or its names"):
        _read(linkedit={"trie": nested + b"\0\0"})


def test_many_opcodes_are_read_in_one_pass() -> None:
    """A name without an end, and runs of what is passed over, are looked at once."""
    for opcodes in (b"\x40" + b"A" * 300_000, b"\x00" * 300_000 + b"\xff", b"\x80" * 300_000):
        with pytest.raises(InvalidBinary, match="bind opcode"):
            _read(imports=(), linkedit={"bind": opcodes})


def test_long_numbers_are_those_of_uleb128() -> None:
    far = 0x0FFF_FFFF_FFFF
    found = _read(exports=[Export("_far", far), Export("_near", factory.TEXT)])
    assert {each.name: each.kind for each in found.exported} == {
        "far": "object",
        "near": "function",
    }
    assert uleb(624485) == b"\xe5\x8e\x26"  # the example of the DWARF standard


@pytest.mark.parametrize(("bits", "order"), _CLASSES)
@pytest.mark.parametrize("binding", ["opcodes", "chained"])
def test_every_prefix_is_an_object_or_an_invalid_binary(
    bits: int, order: str, binding: str
) -> None:
    image = _image(bits, order, binding=binding)
    (whole,) = read_macho(image)
    for length in range(len(image)):
        try:
            (found,) = read_macho(image[:length])
        except InvalidBinary:
            continue
        assert (found.exported, found.imported) == (whole.exported, whole.imported)


_DAMAGE = st.lists(
    st.tuples(st.integers(0, 4000), st.integers(0, 255)), min_size=1, max_size=8
)  # fmt: skip
_DAMAGED = [
    _image(bits, order, binding=binding)
    for bits, order in _CLASSES
    for binding in ("opcodes", "chained")
]
_DAMAGED.append(
    universal((factory.X86_64, 3, _image()), (factory.ARM64, 0, _image(cpu=factory.ARM64)))
)


@pytest.mark.parametrize("number", range(len(_DAMAGED)))
@settings(max_examples=60, deadline=None)
@given(damage=_DAMAGE)
def test_damage_gives_objects_or_an_invalid_binary(
    number: int, damage: list[tuple[int, int]]
) -> None:
    changed = bytearray(_DAMAGED[number])
    for at, byte in damage:
        changed[at % len(changed)] = byte
    try:
        found = read_macho(bytes(changed))
    except InvalidBinary:
        return
    for each in found:
        for section in (*each.constants, *each.code):
            assert 0 < section.offset + section.size <= len(changed)
