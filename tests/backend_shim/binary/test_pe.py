"""The PE reader on images built here, sound and broken."""

from __future__ import annotations

import json
import pickle
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend_shim.binary import Section, SharedObject, Symbol, read_pe, read_shared_objects
from backend_shim.errors import InvalidBinary
from tests.support import pe_factory as factory
from tests.support.pe_factory import Export, Image

_EXPORTS = (
    Export(("run", "alias")),
    Export(("table",), factory.RDATA),
    Export(("state",), factory.DATA + 8),
    Export((), factory.TEXT + 4),
    Export((), 0),
    Export(("forwarded",), forwarder="other.there"),
    Export((), forwarder="other.#5"),
)
_IMPORTS = {"python311.dll": ("PyLong_FromLong", "_Py_NoneStruct"), "WS2_32.dll": ("bind", 23)}


def _image(bits: int = 64, **changes: Any) -> bytes:
    settings: dict[str, Any] = {
        "name": "x.dll",
        "exports": _EXPORTS,
        "imports": _IMPORTS,
        "delayed": {"Late.dll": ("late", 0xFFFF)},
    }
    return bytes(Image(bits=bits, **{**settings, **changes}))


def _needed(name: str, library: str) -> Symbol:
    return Symbol(name, None, "notype", "global", 0, library=library)


@pytest.mark.parametrize("bits", [32, 64])
def test_all_tables_are_read(bits: int) -> None:
    found = read_pe(_image(bits))
    assert (found.format, found.machine, found.bits) == ("pe", "x86_64", bits)
    assert found.soname == "x.dll"
    assert found.needed == ("python311.dll", "WS2_32.dll", "Late.dll")
    assert found.run_path == found.version_needs == found.version_definitions == ()
    assert found.exported == (
        Symbol("alias", None, "function", "global", 0),
        Symbol("forwarded", None, "notype", "global", 0, forwards_to="other.there"),
        Symbol("run", None, "function", "global", 0),
        Symbol("state", None, "object", "global", 0),
        Symbol("table", None, "object", "global", 0),
        Symbol("#4", None, "function", "global", 0),
        Symbol("#7", None, "notype", "global", 0, forwards_to="other.#5"),
    )
    assert found.imported == (
        _needed("PyLong_FromLong", "python311.dll"),
        _needed("_Py_NoneStruct", "python311.dll"),
        _needed("bind", "WS2_32.dll"),
        _needed("#23", "WS2_32.dll"),
        _needed("late", "Late.dll"),
        _needed("#65535", "Late.dll"),
    )
    assert not found.is_executable
    assert pickle.loads(pickle.dumps(found)) == found
    assert read_shared_objects(_image(bits)) == (found,)


def test_ordinals_count_from_the_base() -> None:
    found = read_pe(_image(ordinal_base=100))
    assert [each.name for each in found.exported[-2:]] == ["#103", "#106"]


def test_without_tables_nothing_is_offered_or_needed() -> None:
    found = read_pe(bytes(Image()))
    assert found.soname is None
    assert [*found.needed, *found.exported, *found.imported] == []


@pytest.mark.parametrize("bits", [32, 64])
def test_import_addresses_serve_where_there_is_no_lookup_table(bits: int) -> None:
    found = read_pe(_image(bits, has_lookup_tables=False))
    assert found.imported == read_pe(_image(bits)).imported


def test_delay_load_tables_of_visual_c_6_hold_addresses() -> None:
    found = read_pe(_image(32, delayed_by_address=True))
    assert found.imported[-2:] == (_needed("late", "Late.dll"), _needed("#65535", "Late.dll"))


def test_a_library_that_is_named_twice_is_needed_once() -> None:
    imports = {"a.dll": ("f", "g", "f")}
    found = read_pe(_image(imports=imports, delayed={"a.dll": ("g", "h"), "A.dll": ("f",)}))
    assert found.needed == ("a.dll", "A.dll")
    assert [(each.name, each.library) for each in found.imported] == [
        ("f", "a.dll"), ("g", "a.dll"), ("h", "a.dll"), ("f", "A.dll"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("machine", "name"),
    [(0x14C, "i386"), (0x8664, "x86_64"), (0xAA64, "aarch64"), (0x1C4, "arm"), (0xA641, "arm64ec"),
     (0x5064, "riscv"), (0x1234, "machine_4660")],
)  # fmt: skip
def test_machines_have_the_names_of_the_other_formats(machine: int, name: str) -> None:
    assert read_pe(_image(machine=machine)).machine == name


def test_a_file_that_is_no_dll_is_a_program() -> None:
    assert read_pe(_image(flags=0x22)).is_executable


def test_sections_are_constants_or_code_by_their_flags() -> None:
    image = _image()
    found = read_pe(image)
    assert [(each.name, each.address) for each in found.constants] == [
        (".data", factory.DATA),
        (".rdata", factory.RDATA),
    ]
    assert [(each.name, each.address) for each in found.code] == [(".text", factory.TEXT)]
    rdata = found.constants[1]
    assert image[rdata.offset : rdata.offset + rdata.size].startswith(b"constant\0")


def test_constants_that_were_merged_into_the_code_are_found() -> None:
    found = read_pe(_image(sections={".rdata": factory.CODE}))
    assert {each.name for each in found.constants} == {".text", ".rdata", ".data"}
    assert {each.name for each in found.code} == {".text", ".rdata"}


def test_a_name_that_is_not_utf_8_can_still_be_written_as_json() -> None:
    exports = [Export((name,)) for name in ("naïve", "caf\udce9")]
    names = [each.name for each in read_pe(_image(exports=exports)).exported]
    assert sorted(names) == ["caf\\xe9", "naïve"]
    json.dumps(names, ensure_ascii=False).encode()


def test_managed_code_is_not_read() -> None:
    with pytest.raises(InvalidBinary, match="managed code"):
        read_pe(_image(directories={factory.CLR: (factory.RDATA, 72)}))


def test_a_packed_program_is_not_read() -> None:
    image = bytearray(_image())
    at = image.index(b".text\0")
    struct.pack_into("<I", image, at + 16, 0)  # SizeOfRawData
    with pytest.raises(InvalidBinary, match="packed"):
        read_pe(bytes(image))


_FAR = 0x7FFFFFF0


@pytest.mark.parametrize(
    ("directories", "sentence"),
    [
        ({factory.EXPORT: (_FAR, 40)}, "the export directory: address 0x7ffffff0 is in no section"),
        ({factory.IMPORT: (_FAR, 40)}, "the import directory: address"),
        ({factory.DELAY_IMPORT: (_FAR, 40)}, "the delay-load directory: address"),
        ({factory.EXPORT: (factory.DATA + 8, 40)}, "leave their section"),
        ({factory.IMPORT: (factory.RELOC + 8, 40)}, "in no section"),
    ],
)
def test_tables_that_are_elsewhere_are_named(
    directories: dict[int, tuple[int, int]], sentence: str
) -> None:
    with pytest.raises(InvalidBinary, match=sentence):
        read_pe(_image(directories=directories))


def _patched(form: str, old: tuple[int, ...], new: tuple[int, ...], **changes: Any) -> bytes:
    image, pattern = bytearray(_image(**changes)), struct.pack(form, *old)
    assert image.count(pattern) == 1
    at = image.index(pattern)
    image[at : at + len(pattern)] = struct.pack(form, *new)
    return bytes(image)


@pytest.mark.parametrize("place", [0, 1], ids=["functions", "names"])
def test_a_count_that_the_file_cannot_hold_is_refused(place: int) -> None:
    counts = [1, 7, 5]
    counts[1 + place] = 0x3FFFFFFF
    with pytest.raises(InvalidBinary, match="leave their section"):
        read_pe(_patched("<III", (1, 7, 5), tuple(counts)))


def test_a_name_of_a_function_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidBinary, match="exported for function 6 of 6"):
        read_pe(_patched("<HHHHH", (0, 5, 0, 2, 1), (0, 6, 0, 2, 1), exports=_EXPORTS[:6]))


def test_a_lookup_table_without_an_end_is_refused() -> None:
    name, table = factory.RDATA + 20, factory.RDATA + 26
    row = struct.pack("<5I", table, 0, 0, name, table)
    image = Image(
        constants=row + b"a.dll\0" + b"\1" * 64,
        directories={factory.IMPORT: (factory.RDATA, 20)},
    )
    with pytest.raises(InvalidBinary, match="a table has no end"):
        read_pe(bytes(image))


def test_sections_may_not_overlap() -> None:
    image = bytearray(_image())
    at = image.index(b".data\0")
    size, offset = struct.unpack_from("<II", image, image.index(b".rdata\0") + 16)
    for name in (b".data\0", b".text\0", b".reloc\0"):
        at = image.index(name)
        struct.pack_into("<II", image, at + 16, size, offset)
    with pytest.raises(InvalidBinary, match="the sections overlap"):
        read_pe(bytes(image))


def _position(image: bytearray, address: int) -> int:
    """Where a byte of `.rdata` lies in the file."""
    return (
        int(struct.unpack_from("<I", image, image.index(b".rdata\0") + 20)[0])
        + address
        - factory.RDATA
    )


def test_names_that_overlap_do_not_fill_the_memory() -> None:
    """5,000 symbols, each named by another end of one long string: 5 GB of names."""
    count = 5_000
    image = bytearray(_image(exports=[Export(("a",))] * count, constants=b"x" * 1_000_000 + b"\0"))
    (directory,) = struct.unpack_from("<I", image, 64 + 24 + 112)
    (names,) = struct.unpack_from("<I", image, _position(image, directory) + 32)
    places = range(factory.RDATA, factory.RDATA + count)
    struct.pack_into(f"<{count}I", image, _position(image, names), *places)
    with pytest.raises(InvalidBinary, match="names have no end or overlap"):
        read_pe(bytes(image))


def test_lookup_tables_that_overlap_do_not_take_forever() -> None:
    """2,000 libraries that all share one table of 50,000 imports."""
    imports: dict[str, Any] = {f"{number:04}.dll": () for number in range(2000)}
    image = bytearray(bytes(Image(imports={**imports, "all.dll": [1] * 50_000})))
    (directory,) = struct.unpack_from("<I", image, 64 + 24 + 112 + 8)
    first = _position(image, directory)
    (shared,) = struct.unpack_from("<I", image, first + 20 * 2000)
    for number in range(2000):
        struct.pack_into("<I", image, first + 20 * number, shared)
    with pytest.raises(InvalidBinary, match="tables overlap"):
        read_pe(bytes(image))


@pytest.mark.parametrize(
    "image",
    [
        b"MZ".ljust(64, b"\0"),
        b"MZ".ljust(0x3C, b"\0") + b"\xff" * 4,
        _image()[:64] + b"PE\0\1" + _image()[68:],
        b"ZM" + _image()[2:],
    ],
)
def test_other_files_are_refused(image: bytes) -> None:
    with pytest.raises(InvalidBinary):
        read_pe(image)


@pytest.mark.parametrize("bits", [32, 64])
def test_every_prefix_is_an_invalid_binary(bits: int) -> None:
    image = _image(bits)
    for length in range(len(image)):
        with pytest.raises(InvalidBinary):
            read_pe(image[:length])


@pytest.mark.parametrize("bits", [32, 64])
@settings(max_examples=300, deadline=None)
@given(
    damage=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=8)
)
def test_damage_gives_an_object_or_an_invalid_binary(
    bits: int, damage: list[tuple[int, int]]
) -> None:
    image = bytearray(_image(bits))
    for at, byte in damage:
        image[at % len(image)] = byte
    try:
        found = read_pe(bytes(image))
    except InvalidBinary:
        return
    assert isinstance(found, SharedObject)
    for section in (*found.constants, *found.code):
        assert isinstance(section, Section)
        assert 0 < section.offset + section.size <= len(image)
