"""Which strings an object passes to a function of another one, whatever way the call takes."""

from __future__ import annotations

import dataclasses
import random

import pytest

from backend_shim.binary import read_shared_objects
from backend_shim.binary.elf_calls import second_arguments
from backend_shim.binary.shared_object import SharedObject
from backend_shim.errors import InvalidBinary
from tests.support.binding_factory import compiled

SOURCE = """
extern int asked(void *, const char *), other(void *, const char *);
int f(void *p) { return asked(p, "first") + asked(p, "second"); }
int tail(void *p) { return asked(p, "third"); }
int null(void *p) { other(p, "not this"); int found = asked(p, 0); return found + 1; }
"""
ALL = {"first", "second", "third", ""}


def read(data: bytes) -> SharedObject:
    (shared,) = read_shared_objects(data)
    if shared.machine != "x86_64":
        pytest.skip("read from x86-64 code only")
    return shared


def passed(data: bytes, function: str = "asked") -> frozenset[str] | None:
    return second_arguments(data, read(data), function)


@pytest.mark.parametrize(
    "options",
    [
        ("-O1",),
        ("-O2",),
        ("-O3", "-s"),
        ("-Os",),
        ("-O2", "-fno-plt"),
        ("-O2", "-Wl,-z,now"),
        ("-O2", "-Wl,-z,lazy"),
        ("-O2", "-fcf-protection=full", "-Wl,-z,lazy"),
        ("-O2", "-fcf-protection=full", "-Wl,-z,now", "-Wl,-z,ibtplt"),
    ],
)
def test_each_call_is_found(options: tuple[str, ...]) -> None:
    assert passed(compiled(SOURCE, *options)) == ALL


def test_a_function_that_is_not_called_is_passed_nothing() -> None:
    data = compiled(SOURCE)
    assert passed(data, "other") == {"not this"}
    assert passed(data, "others") == set()
    assert passed(data, "aske") == set()


@pytest.mark.parametrize(
    "more",
    [
        "int variable(void *p, const char *name) { return asked(p, name); }",
        "int (*table[])(void *, const char *) = {asked};",
        "int (*kept(void))(void *, const char *) { return asked; }",
    ],
)
def test_a_call_that_cannot_be_told_leaves_all_open(more: str) -> None:
    assert passed(compiled(SOURCE + more, "-O2")) is None
    assert passed(compiled(SOURCE + more, "-O2", "-fno-plt")) is None


def test_other_machines_and_stripped_section_headers_are_left_open() -> None:
    data = compiled(SOURCE)
    shared = read(data)
    for changes in ({"machine": "aarch64"}, {"format": "macho"}, {"code": ()}):
        assert second_arguments(data, dataclasses.replace(shared, **changes), "asked") is None


def test_damaged_objects_do_no_harm() -> None:
    whole = compiled(SOURCE, "-O2", "-s")
    chance = random.Random(3)
    for _ in range(600):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 8, 64))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            (shared,) = read_shared_objects(bytes(data))
        except (InvalidBinary, ValueError):
            continue
        found = second_arguments(bytes(data), shared, "asked")
        assert found is None or all(isinstance(each, str) for each in found)
    for end in range(64, len(whole), 37):
        assert second_arguments(whole[:end], read(whole), "asked") in (None, frozenset(), ALL)
