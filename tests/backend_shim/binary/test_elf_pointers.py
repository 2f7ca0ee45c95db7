"""Every pointer in data to an address is found, and what is no pointer behind it is read."""

from __future__ import annotations

import contextlib
import random
import struct

import pytest

from backend_shim.binary import read_shared_objects
from backend_shim.binary.elf_image import ElfImage
from backend_shim.binary.elf_pointers import Pointer, pointers_to
from backend_shim.errors import InvalidBinary
from tests.support.binding_factory import compiled

SOURCE = """
const char name[] = "name", other[] = "other";
struct { const char *name; long size, none; const char *more; long last; }
  a = {name, 48, 0, other, 7}, b = {name, 1, 2, 0, 3};
"""
A, B = (48, 0, None, 7), (1, 2, 0, 3)
RELA, RELASZ, REL, RELSZ = 7, 8, 17, 18
RELATIVE = 8


def address_of(data: bytes, literal: bytes) -> int:
    (shared,) = read_shared_objects(data)
    if shared.machine != "x86_64":
        pytest.skip("the relocations of this machine are not rewritten here")
    address = shared.address_of(data.index(b"\0" + literal + b"\0") + 1)
    assert address is not None
    return address


def pointers(data: bytes, literal: bytes, words: int = 4) -> tuple[Pointer, ...]:
    return pointers_to(data, [address_of(data, literal)], words)


def in_place(data: bytes) -> bytes:
    """`data` with its relative relocations as REL: the address stands where it is to be added."""
    image, changed = ElfImage(data), bytearray(data)
    at, size = next((offset, size) for kind, offset, _, size in image.programs if kind == 2)
    tags = dict(struct.iter_unpack("<QQ", data[at : at + size]))
    table, _ = image.locate(tags[RELA], "")
    rows = list(struct.iter_unpack("<QQQ", data[table : table + tags[RELASZ]]))
    for number, (place, info, addend) in enumerate(rows):
        struct.pack_into("<QQ", changed, table + number * 16, place, info)
        if info & 0xFFFFFFFF == RELATIVE:
            struct.pack_into("<Q", changed, image.locate(place, "")[0], addend)
    for number, (tag, value) in enumerate(struct.iter_unpack("<QQ", data[at : at + size])):
        new = {RELA: (REL, value), RELASZ: (RELSZ, len(rows) * 16)}.get(tag, (tag, value))
        struct.pack_into("<QQ", changed, at + number * 16, *new)
    return bytes(changed)


def test_each_pointer_is_found_with_what_stands_behind() -> None:
    data = compiled(SOURCE, "-fvisibility=hidden")
    assert sorted(each.behind for each in pointers(data, b"name")) == sorted([A, B], key=str)
    assert [each.behind[:1] for each in pointers(data, b"other")] == [(7,)]
    assert pointers_to(data, [1], 4) == ()


@pytest.mark.parametrize("name", [b"name", b"other"])
def test_the_kind_of_relocation_makes_no_difference(name: bytes) -> None:
    data = compiled(SOURCE, "-fvisibility=hidden")
    packed = compiled(SOURCE, "-fvisibility=hidden", "-Wl,-z,pack-relative-relocs")
    wanted = sorted(pointers(data, name, 2), key=str)
    assert sorted(pointers(in_place(data), name, 2), key=str) == wanted
    behind = [each.behind for each in wanted]
    assert [each.behind for each in sorted(pointers(packed, name, 2), key=str)] == behind


def test_many_packed_places_are_unpacked() -> None:
    rows = "".join("name, " if number % 3 else "0, " for number in range(500))
    source = f'const char name[] = "name"; const char *all[] = {{{rows}}};'
    options = ("-fvisibility=hidden", "-Wl,-z,pack-relative-relocs")
    assert len(pointers(compiled(source, *options), b"name")) == 333


def test_the_end_of_the_data_ends_the_words() -> None:
    data = compiled('const char name[] = "name"; const char *last = name;', "-fvisibility=hidden")
    (found,) = pointers(data, b"name", 1 << 20)
    assert len(found.behind) < 1 << 16


@pytest.mark.parametrize("options", [(), ("-Wl,-z,pack-relative-relocs",)], ids=["rela", "relr"])
def test_damaged_objects_raise_nothing_else(options: tuple[str, ...]) -> None:
    data = compiled(SOURCE, "-fvisibility=hidden", *options)
    target = address_of(data, b"name")
    chance = random.Random(4)
    damaged = [data[:size] for size in range(0, len(data), 31)]
    for _ in range(500):
        changed = bytearray(data)
        for _ in range(4):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        damaged.append(bytes(changed))
    for each in damaged:
        read_or_refused(each, target)


def read_or_refused(data: bytes, target: int) -> None:
    with contextlib.suppress(InvalidBinary):
        pointers_to(data, [target], 4)


@pytest.mark.parametrize(
    ("at", "value"), [(4, 1), (5, 2), (18, 0x2A)], ids=["32", "big", "machine"]
)
def test_other_machines_are_refused(at: int, value: int) -> None:
    data = bytearray(compiled(SOURCE))
    data[at] = value
    with pytest.raises(InvalidBinary):
        pointers_to(bytes(data), [1], 4)
