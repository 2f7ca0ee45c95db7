"""Parts of ELF files: real builds of one source, and bytes that nobody should trust."""

from __future__ import annotations

import random
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend_shim.errors import InvalidBinary
from resolver_check.compare.wheels.difference import NOISE, Kind
from resolver_check.compare.wheels.elf_parts import elf_differences
from tests.resolver_check.conftest import Compile
from tests.support.elf_factory import Image, ImageSymbol

SOURCE = 'static const char note[] = "one"; const char *says(void) { return note; }'


def kinds(first: bytes, second: bytes) -> set[Kind]:
    return {kind for kind, _ in elf_differences(first, second)}


def names(first: bytes, second: bytes) -> set[str]:
    return {name for kind, name in elf_differences(first, second) if kind is Kind.BINARY_PART}


def changed(tmp_path: Path, data: bytes, *command: str) -> bytes:
    """`data` after a program of binutils."""
    path = tmp_path / "changed.so"
    path.write_bytes(data)
    subprocess.run([*command, str(path)], check=True, capture_output=True, timeout=60)
    return path.read_bytes()


@pytest.fixture
def built(compile_shared: Compile) -> bytes:
    return compile_shared(SOURCE)


def test_the_same_bytes_differ_in_nothing(built: bytes) -> None:
    assert elf_differences(built, built) == ()


def test_debug_information_and_build_id_are_noise(built: bytes, compile_shared: Compile) -> None:
    other = compile_shared(SOURCE, "-g", "-Wl,--build-id=0x" + "ab" * 20)
    assert kinds(built, other) >= {Kind.DEBUG_INFORMATION, Kind.BUILD_ID}
    assert kinds(built, other) <= NOISE
    assert kinds(other, built) == kinds(built, other)


def test_the_directory_of_the_build_is_noise_only_in_debug_information(
    compile_shared: Compile,
) -> None:
    one, other = (
        compile_shared(SOURCE, "-g", f"-fdebug-prefix-map=/={place}") for place in ("/a", "/b")
    )
    assert one != other
    assert Kind.DEBUG_INFORMATION in kinds(one, other) <= NOISE
    named = "const char *where(void) { return __FILE__; }"
    one, other = (
        compile_shared(named, f"-fmacro-prefix-map=<stdin>=/build/{place}") for place in "ab"
    )
    assert any(name.startswith(".rodata") for name in names(one, other))


def test_strip_leaves_all_that_counts(tmp_path: Path, compile_shared: Compile) -> None:
    built = compile_shared(SOURCE, "-g")
    assert kinds(built, changed(tmp_path, built, "strip")) <= NOISE
    assert kinds(built, changed(tmp_path, built, "strip", "--strip-debug")) <= NOISE


def test_the_compiler_comment_is_noise_of_its_own(tmp_path: Path, built: bytes) -> None:
    without = changed(tmp_path, built, "objcopy", "--remove-section=.comment")
    assert {each for each in kinds(built, without) if each is not Kind.LAYOUT} == {
        Kind.COMPILER_COMMENT
    }


@pytest.mark.parametrize(
    ("source", "part"),
    [
        (SOURCE.replace("one", "two"), ".rodata"),
        (SOURCE.replace("says", "tell"), ".dynstr"),
        (SOURCE.replace("return note", "return note + 1"), ".text"),
    ],
)
def test_a_change_of_the_source_is_named_by_its_section(
    built: bytes, compile_shared: Compile, source: str, part: str
) -> None:
    other = compile_shared(source)
    assert part in {name.partition(".str")[0] for name in names(built, other)}
    assert elf_differences(built, other) == tuple(elf_differences(other, built))


def test_another_permission_of_a_segment_counts(built: bytes, compile_shared: Compile) -> None:
    assert "the program headers" in names(built, compile_shared(SOURCE, "-Wl,-z,execstack"))


def test_a_section_that_nobody_knows_counts(tmp_path: Path, built: bytes) -> None:
    payload = tmp_path / "payload"
    payload.write_bytes(b"config")
    other = changed(tmp_path, built, "objcopy", f"--add-section=.lookup={payload}")
    assert names(built, other) == {".lookup"}


def test_what_is_appended_counts(built: bytes) -> None:
    assert names(built, built + b"PK\x05\x06") == {"what is in no section"}
    assert kinds(built, built + bytes(8)) == {Kind.LAYOUT}


def test_what_is_loaded_counts_without_section_headers(built: bytes) -> None:
    bare = bytearray(built)
    bare[40:48], bare[58:64] = bytes(8), bytes(6)  # e_shoff; e_shentsize, e_shnum, e_shstrndx
    other = bytearray(bare)
    place = built.index(b"one\0")
    other[place : place + 3] = b"two"
    assert names(bytes(bare), bytes(other)) == {"what is loaded outside of sections"}


def test_a_section_header_cannot_call_code_a_build_id(built: bytes) -> None:
    """Only the loader decides what is code: with headers that lie, all of a segment counts."""
    place = built.index(b"one\0")
    other = built[:place] + b"two" + built[place + 3 :]
    lying = [each.replace(b".rodata\0", b".strtab\0") for each in (built, other)]
    assert Kind.BINARY_PART in kinds(*lying)


def test_no_section_takes_the_place_of_a_table(tmp_path: Path, built: bytes) -> None:
    renamed = "--rename-section", ".comment=the ELF header"
    lying = changed(tmp_path, built, "objcopy", *renamed)
    with pytest.raises(InvalidBinary, match="two parts"):
        elf_differences(lying, built)


def test_parts_that_overlap_without_end_are_refused(built: bytes) -> None:
    lying = bytearray(built)
    start, count = struct.unpack_from("<Q", built, 40)[0], struct.unpack_from("<H", built, 60)[0]
    names = struct.unpack_from("<H", built, 62)[0]
    for each in set(range(count)) - {names}:
        struct.pack_into("<I", lying, start + 64 * each + 4, 1)  # sh_type: PROGBITS
        struct.pack_into("<QQ", lying, start + 64 * each + 24, 0, len(built))  # sh_offset, sh_size
    with pytest.raises(InvalidBinary, match="overlap"):
        elf_differences(bytes(lying), built)


def mutations(data: bytes) -> Iterator[bytes]:
    chance = random.Random(5)
    for _ in range(300):
        mutated = bytearray(data)
        for _ in range(chance.randrange(1, 6)):
            mutated[chance.randrange(len(data))] = chance.choice((0, 1, 0x7F, 0xFF))
        yield bytes(mutated)


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", ["<", ">"])
def test_bad_bytes_raise_one_error_and_never_pass_for_alike(bits: int, order: str) -> None:
    data = bytes(Image(bits=bits, order=order, symbols=[ImageSymbol("gift")], needed=["libm.so"]))
    assert elf_differences(data, data) == ()
    read = 0
    for bad in (*(data[:end] for end in range(len(data))), *mutations(data)):
        try:
            found = elf_differences(data, bad)
            assert {kind for kind, _ in found} == kinds(bad, data)
        except InvalidBinary:
            continue
        read += 1
        assert (found == ()) == (bad == data)
    assert read


def test_an_object_that_is_not_linked_is_refused(tmp_path: Path, built: bytes) -> None:
    relocatable = bytearray(built)
    relocatable[16] = 1
    with pytest.raises(InvalidBinary, match="not linked"):
        elf_differences(built, bytes(relocatable))
