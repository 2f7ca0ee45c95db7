"""The ELF reader on images built here, sound and broken."""

from __future__ import annotations

import itertools
import json
import mmap
import pickle
import random
import struct
from pathlib import Path
from typing import Any

import pytest

from backend_shim.binary import Section, SharedObject, Symbol, read_elf, read_shared_objects
from backend_shim.errors import InvalidBinary
from tests.support import elf_factory as factory
from tests.support.elf_factory import Image, ImageSymbol

_CLASSES = list(itertools.product((32, 64), "<>"))
_SYMBOLS = (
    ImageSymbol("printf", is_defined=False, mark=3, binding=factory.GLOBAL),
    ImageSymbol("__gmon_start__", factory.NOTYPE, factory.WEAK, is_defined=False, mark=0, size=9),
    ImageSymbol("bound_locally", visibility=factory.HIDDEN, is_defined=False),
    ImageSymbol("a_local", binding=factory.LOCAL),
    ImageSymbol("run", size=7, mark=2),
    ImageSymbol("run", size=5, mark=0x8004),
    ImageSymbol("table", factory.OBJECT, visibility=factory.PROTECTED, size=40),
    ImageSymbol("block", factory.COMMON, size=8),
    ImageSymbol("state", factory.TLS, size=4),
    ImageSymbol("pick", factory.IFUNC, factory.WEAK),
    ImageSymbol("one", factory.OBJECT, factory.UNIQUE),
    ImageSymbol("odd", kind=13),
    ImageSymbol("unfindable", binding=13),
    ImageSymbol("inner", visibility=factory.INTERNAL),
    ImageSymbol("hidden", visibility=factory.HIDDEN),
)
_NEEDS = (
    ("libc.so.6", ((3, "GLIBC_2.2.5"), (5, "GLIBC_2.34"))),
    ("libm.so.6", ((6, "GLIBC_2.29"),)),
)
_DEFINITIONS = ((1, 1, "libx.so.1"), (2, 0, "X_2"), (4, 0, "X_1"))


def _image(bits: int = 64, order: str = "<", **changes: Any) -> bytes:
    settings: dict[str, Any] = {
        "symbols": _SYMBOLS,
        "needed": ("libm.so.6", "libc.so.6"),
        "soname": "libx.so.1",
        "runpath": "$ORIGIN/../x.libs:/opt",
        "needs": _NEEDS,
        "definitions": _DEFINITIONS,
    }
    return bytes(Image(bits=bits, order=order, **{**settings, **changes}))


def _names(symbols: tuple[Symbol, ...]) -> list[str]:
    return [symbol.name for symbol in symbols]


@pytest.mark.parametrize(("bits", "order"), _CLASSES)
@pytest.mark.parametrize("hash_tables", [("gnu",), ("sysv",), ("gnu", "sysv")])
def test_all_tables_are_read_in_either_class_and_byte_order(
    bits: int, order: str, hash_tables: tuple[str, ...]
) -> None:
    found = read_elf(_image(bits, order, hash_tables=hash_tables))
    assert (found.format, found.machine, found.bits) == ("elf", "x86_64", bits)
    assert found.soname == "libx.so.1"
    assert found.needed == ("libm.so.6", "libc.so.6")
    assert found.run_path == ("$ORIGIN/../x.libs", "/opt")
    assert found.version_needs == (
        ("libc.so.6", ("GLIBC_2.2.5", "GLIBC_2.34")),
        ("libm.so.6", ("GLIBC_2.29",)),
    )
    assert found.version_definitions == ("X_2", "X_1")
    assert found.exported == (
        Symbol("run", "X_2", "function", "global", 7, False, 2),
        Symbol("run", "X_1", "function", "global", 5, True, 4),
        Symbol("table", None, "object", "global", 40),
        Symbol("block", None, "object", "global", 8),
        Symbol("state", None, "tls", "global", 4),
        Symbol("pick", None, "ifunc", "weak", 0),
        Symbol("one", None, "object", "unique", 0),
        Symbol("odd", None, "other", "global", 0),
    )
    assert found.imported == (
        Symbol("printf", "GLIBC_2.2.5", "function", "global", 0, False, 3, "libc.so.6"),
        Symbol("__gmon_start__", None, "notype", "weak", 0, False, 0),
    )
    assert not found.is_executable


@pytest.mark.parametrize(("bits", "order"), _CLASSES)
def test_an_object_survives_pickling(bits: int, order: str) -> None:
    found = read_elf(_image(bits, order))
    assert pickle.loads(pickle.dumps(found)) == found


def test_bytes_a_memoryview_and_an_mmap_read_the_same(tmp_path: Path) -> None:
    image = _image()
    (tmp_path / "x.so").write_bytes(image)
    with (
        (tmp_path / "x.so").open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
    ):
        found = read_elf(mapped)
        assert found == read_elf(memoryview(image))
        assert read_shared_objects(image) == (found,)


def test_an_mmap_can_be_closed_while_the_error_about_it_is_handled(tmp_path: Path) -> None:
    (tmp_path / "x.so").write_bytes(_image(overrides={10: 2}))  # DT_STRSZ
    with (tmp_path / "x.so").open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            read_elf(mapped)
        except InvalidBinary:
            mapped.close()
    assert mapped.closed


def test_hash_tables_of_s390x_and_alpha_have_64_bit_words() -> None:
    for machine in (22, 0x9026):
        found = read_elf(_image(order=">", machine=machine, hash_tables=("sysv",)))
        assert "odd" in _names(found.exported)


@pytest.mark.parametrize(
    ("machine", "bits", "name"),
    [(3, 32, "i386"), (183, 64, "aarch64"), (40, 32, "arm"), (21, 64, "ppc64"), (22, 64, "s390x"),
     (22, 32, "s390"), (243, 64, "riscv"), (258, 64, "loongarch"), (8, 32, "mips"),
     (9999, 64, "em_9999")],
)  # fmt: skip
def test_machines_have_names(machine: int, bits: int, name: str) -> None:
    assert read_elf(_image(bits, machine=machine)).machine == name


def test_the_run_path_is_dt_rpath_only_where_there_is_no_dt_runpath() -> None:
    assert read_elf(_image(rpath="/old")).run_path == ("$ORIGIN/../x.libs", "/opt")
    assert read_elf(_image(rpath="/old:/er", runpath=None)).run_path == ("/old", "/er")
    assert read_elf(_image(runpath="")).run_path == ()
    assert read_elf(_image(runpath=None)).run_path == ()


def test_a_defined_symbol_can_carry_a_needed_version() -> None:
    """A copy relocation: the executable defines `stdout` at the version of the library."""
    copied = ImageSymbol("stdout", factory.OBJECT, size=8, mark=3)
    found = read_elf(_image(symbols=(copied,), elf_type=factory.ET_EXEC))
    assert found.exported == (
        Symbol("stdout", "GLIBC_2.2.5", "object", "global", 8, False, 3, None),
    )


@pytest.mark.parametrize(("bits", "order"), _CLASSES)
@pytest.mark.parametrize("counted_by", [{"section_headers": True}, {"relocated": True}])
def test_the_imports_of_an_object_that_exports_nothing_are_counted_without_its_hash_table(
    bits: int, order: str, counted_by: dict[str, bool]
) -> None:
    settings = {"section_headers": False, **counted_by}
    found = read_elf(_image(bits, order, symbols=_SYMBOLS[:2], **settings))
    assert found.exported == ()
    assert _names(found.imported) == ["printf", "__gmon_start__"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"elf_type": factory.ET_EXEC}, True),
        ({"interpreter": True, "soname": None}, True),
        ({"interpreter": True, "soname": "libc.so.6"}, False),
        ({"interpreter": True, "soname": "x", "flags_1": 0x08000001}, True),
        ({"soname": None}, False),
        ({"soname": None, "flags_1": 0x08000000}, True),  # -static-pie
    ],
)
def test_an_executable_is_told_from_a_library(changes: dict[str, Any], expected: bool) -> None:
    assert read_elf(_image(**changes)).is_executable is expected


def test_constants_are_the_loaded_data_of_the_section_headers() -> None:
    image = _image()
    found = read_elf(image).constants
    (rodata,) = [section for section in found if section.name == ".rodata"]
    assert image[rodata.offset : rodata.offset + rodata.size] == b"constant\0"
    assert rodata.address > 0
    assert not {".dynstr", ".dynsym", ".dynamic"} & {section.name for section in found}


@pytest.mark.parametrize("damage", ["none", "cut off", "entry size", "name", "names index"])
def test_without_section_headers_the_whole_file_is_one_section(damage: str) -> None:
    image = bytearray(_image(section_headers=damage != "none"))
    headers_at = struct.unpack_from("<Q", image, 0x28)[0]
    if damage == "cut off":
        del image[-1]
    elif damage == "entry size":
        image[0x3A] = 63
    elif damage == "name":
        image[headers_at + 64 + 2] = 0xFF
    elif damage == "names index":
        image[0x3E] = 200
    found = read_elf(bytes(image))
    assert found.constants == (Section("", 0, len(image), 0),)
    assert "run" in _names(found.exported)


def test_objects_that_cannot_be_loaded_have_empty_tables() -> None:
    image = bytearray(_image())
    second_program = 64 + 56
    assert image[second_program] == 2
    image[second_program] = 4  # PT_NOTE: no PT_DYNAMIC any more
    for data in (_image(elf_type=factory.ET_REL), bytes(image)):
        found = read_elf(data)
        assert [*found.exported, *found.imported, *found.needed] == []
        assert not found.is_executable


def test_separate_debug_information_has_empty_tables() -> None:
    """It keeps the program headers of its object; the bytes of `.dynamic` are not in it."""
    image = bytearray(_image())
    headers_at, count = struct.unpack_from("<Q", image, 0x28)[0], image[0x3C]
    dynamic_at = struct.unpack_from("<Q", image, 64 + 56 + 8)[0]
    for header in range(headers_at, headers_at + 64 * count, 64):
        if struct.unpack_from("<Q", image, header + 24)[0] == dynamic_at:
            struct.pack_into("<I", image, header + 4, 8)  # SHT_NOBITS
    image[dynamic_at : dynamic_at + 32] = b"\xff" * 32
    found = read_elf(bytes(image))
    assert [*found.exported, *found.imported, *found.needed] == []


def test_a_name_that_is_not_utf_8_can_still_be_written_as_json() -> None:
    names = ("naïve", b"caf\xe9", b"\xed\xa0\x80", "plain")
    found = read_elf(_image(symbols=tuple(ImageSymbol(name) for name in names)))
    assert _names(found.exported) == ["naïve", "caf\\xe9", "\\xed\\xa0\\x80", "plain"]
    json.dumps(_names(found.exported), ensure_ascii=False).encode()


_SYMTAB, _STRTAB, _STRSZ, _SYMENT, _HASH, _GNU_HASH = 6, 5, 10, 11, 4, 0x6FFFFEF5
_VERSYM, _VERDEFNUM, _VERNEED, _VERNEEDNUM = 0x6FFFFFF0, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"overrides": {_STRTAB: 0x10}}, "DT_STRTAB: address 0x10 is in no segment"),
        ({"overrides": {_STRTAB: 2**64 - 1}}, "in no segment"),
        ({"overrides": {_STRTAB: None}}, "string table"),
        ({"overrides": {_STRSZ: None}}, "string table"),
        ({"overrides": {_STRSZ: 4}}, "no string ends behind offset"),
        ({"overrides": {_STRSZ: 2**40}}, "leave their segment"),
        ({"overrides": {_SYMENT: 25}}, "symbols have 25 bytes, not 24"),
        ({"overrides": {_SYMTAB: factory.BASE + 0x40000000}}, "DT_SYMTAB"),
        ({"overrides": {_HASH: factory.BASE}, "hash_tables": ("sysv",)}, "DT_SYMTAB"),
        ({"overrides": {_GNU_HASH: factory.BASE}}, "DT_GNU_HASH"),
        ({"overrides": {_VERSYM: 0}}, "DT_VERSYM"),
        ({"overrides": {_VERDEFNUM: 2}}, "does not end where its count says"),
        ({"overrides": {_VERNEEDNUM: 3}}, "does not end where its count says"),
        ({"overrides": {_VERNEEDNUM: 2**63}}, "no index can tell apart"),
        ({"overrides": {_VERNEED: factory.BASE}}, "unknown revision"),
        ({"overrides": {14: 2**32}}, "no string ends behind offset"),
        ({"symbols": (ImageSymbol("f", mark=9),)}, "no version has the index 9"),
    ],
)
def test_contradictions_are_named(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidBinary, match=sentence):
        read_elf(_image(**changes))


def test_a_chain_of_versions_may_not_overlap_itself() -> None:
    image = bytearray(_image())
    at = image.index(struct.pack("<II", 16, 48))  # vn_aux and vn_next of libc.so.6
    struct.pack_into("<I", image, at + 4, 4)
    with pytest.raises(InvalidBinary, match="chain of symbol versions"):
        read_elf(bytes(image))


def test_a_cut_off_segment_is_named() -> None:
    image = _image(section_headers=False)
    with pytest.raises(InvalidBinary, match="cut off"):
        read_elf(image[:-1])


def test_a_dynamic_array_without_an_end_is_refused() -> None:
    image = bytearray(_image())
    file_size_at = 64 + 56 + 32  # p_filesz of PT_DYNAMIC, the second program header
    (size,) = struct.unpack_from("<Q", image, file_size_at)
    struct.pack_into("<Q", image, file_size_at, size - 16)  # without DT_NULL
    with pytest.raises(InvalidBinary, match="no end"):
        read_elf(bytes(image))


def test_names_that_overlap_do_not_fill_the_memory() -> None:
    """5,000 symbols, each named by another end of one long string: 5 GB of names."""
    count, long = 5_000, "x" * 1_000_000
    image = bytearray(_image(symbols=[ImageSymbol(long), *[ImageSymbol("")] * count]))
    first_row = image.index(struct.pack("<IBB", 1, 0x12, 0))
    for number in range(count):
        struct.pack_into("<I", image, first_row + 24 * number, 1 + number)
    with pytest.raises(InvalidBinary, match="names overlap"):
        read_elf(bytes(image))


@pytest.mark.parametrize(("bits", "order"), _CLASSES)
def test_every_prefix_is_an_object_or_an_invalid_binary(bits: int, order: str) -> None:
    image = _image(bits, order, interpreter=True, relocated=True, hash_tables=("gnu", "sysv"))
    whole = read_elf(image)
    accepted = 0
    for length in range(len(image)):
        try:
            found = read_elf(image[:length])
        except InvalidBinary:
            pass
        else:
            accepted += 1
            assert found.exported == whole.exported
            assert found.imported == whole.imported
    assert accepted  # without section headers nothing that the loader reads is missing


@pytest.mark.parametrize(("bits", "order"), _CLASSES)
@pytest.mark.parametrize("hash_tables", [("gnu",), ("sysv",)])
def test_random_damage_gives_an_object_or_an_invalid_binary(
    bits: int, order: str, hash_tables: tuple[str, ...]
) -> None:
    image = _image(bits, order, hash_tables=hash_tables)
    refused = 0
    random_ = random.Random(20240)
    for _ in range(2000):
        damaged = bytearray(image)
        for _ in range(random_.choice((1, 1, 2, 8))):
            byte = random_.choice((0, 1, 0x7F, 0xFF, random_.randrange(256)))
            damaged[random_.randrange(len(image))] = byte
        try:
            assert isinstance(read_elf(bytes(damaged)), SharedObject)
        except InvalidBinary:
            refused += 1
    assert 200 < refused < 2000
