"""What an interpreter accepts, by what it says of itself."""

from __future__ import annotations

import pytest
from packaging.tags import Tag, parse_tag

from resolver_check.asked_interpreter import AskedInterpreter, Machine, cpython_here, platforms_of


def _interpreter(implementation: str = "cpython", **changed: str) -> AskedInterpreter:
    values = {"version": "3.12.1", "flags": "", "soabi": "", **changed}
    return AskedInterpreter(
        implementation=implementation, platforms=("manylinux_2_31_x86_64", "linux_x86_64"), **values
    )


def _accepts(interpreter: AskedInterpreter, tag: str) -> bool:
    return not parse_tag(tag).isdisjoint(interpreter.tags)


@pytest.mark.parametrize(
    ("interpreter", "accepted", "refused"),
    [
        (
            _interpreter(),
            ["cp312-cp312-linux_x86_64", "cp38-abi3-linux_x86_64", "py3-none-any",
             "cp312-none-any", "py310-none-any"],
            ["cp312-cp312t-linux_x86_64", "cp313-abi3-linux_x86_64", "cp311-none-any",
             "pp312-pypy312_pp73-linux_x86_64", "py313-none-any"],
        ),
        (
            _interpreter(version="3.13.0", flags="t"),
            ["cp313-cp313t-linux_x86_64", "py3-none-any"],
            ["cp313-cp313-linux_x86_64", "cp38-abi3-linux_x86_64"],
        ),
        (
            _interpreter(version="3.15.0b1", flags="t"),
            ["cp315-abi3t-linux_x86_64", "cp315-abi3.abi3t-linux_x86_64"],
            ["cp315-abi3-linux_x86_64"],
        ),
        (
            _interpreter("pypy", version="3.10.14", soabi="pypy310-pp73-x86_64-linux-gnu"),
            ["pp310-pypy310_pp73-linux_x86_64", "py3-none-any", "pp310-none-any"],
            ["cp310-cp310-linux_x86_64", "cp38-abi3-linux_x86_64", "pp39-pypy39_pp73-linux_x86_64"],
        ),
        (
            _interpreter("graalpy", version="3.11.7", soabi="graalpy240-311-native-x86_64-linux"),
            ["py3-none-any", "py311-none-linux_x86_64"],
            ["cp311-cp311-linux_x86_64", "pp311-pypy311_pp73-linux_x86_64"],
        ),
    ],
    ids=["cpython", "free-threaded", "pre-release", "pypy", "another"],
)  # fmt: skip
def test_the_tags_of_an_interpreter(
    interpreter: AskedInterpreter, accepted: list[str], refused: list[str]
) -> None:
    assert [tag for tag in accepted if not _accepts(interpreter, tag)] == []
    assert [tag for tag in refused if _accepts(interpreter, tag)] == []


def test_the_closest_tags_come_first() -> None:
    first, *_, last = _interpreter().tags
    assert first == Tag("cp312", "cp312", "manylinux_2_31_x86_64")
    assert last == Tag("py30", "none", "any")


@pytest.mark.parametrize(
    ("machine", "first", "others"),
    [
        (("linux-x86_64", 64, "glibc 2.31", ""), "linux_x86_64",
         {"manylinux2014_x86_64", "manylinux_2_31_x86_64"}),
        (("linux-x86_64", 32, "glibc 2.31", ""), "linux_i686", {"manylinux_2_31_i686"}),
        (("linux-x86_64", 64, "", ""), "linux_x86_64", set()),
        (("linux-x86_64", 64, "glibc two", ""), "linux_x86_64", set()),
        (("linux-aarch64", 32, "glibc 2.31", ""), "linux_armv7l", set()),
        (("macosx-11.0-arm64", 64, "", "14.5"), "macosx_14_0_arm64", {"macosx_11_0_universal2"}),
        (("win-amd64", 64, "", ""), "win_amd64", set()),
        (("win32", 32, "", ""), "win32", set()),
    ],
)  # fmt: skip
def test_the_platforms_of_a_machine(
    machine: tuple[str, int, str, str], first: str, others: set[str]
) -> None:
    platform, bits, libc, mac = machine
    found = platforms_of(
        Machine(platform=platform, bits=bits, libc=libc, mac=(mac, "arm64" if mac else ""))
    )
    assert found[0] == first
    assert others <= set(found)
    assert not any(each.startswith("manylinux") for each in found) or "glibc 2." in libc


@pytest.mark.parametrize(
    ("interpreter", "shown", "short"),
    [
        (cpython_here("3.14.0b2", ""), "3.14.0b2", "3.14"),
        (cpython_here("3.13.0", "t"), "3.13.0t", "3.13t"),
        (_interpreter("pypy", version="3.10.14"), "pypy 3.10.14", "pypy3.10"),
    ],
    ids=["pre-release", "free-threaded", "pypy"],
)
def test_how_it_is_named(interpreter: AskedInterpreter, shown: str, short: str) -> None:
    assert (interpreter.shown, interpreter.short) == (shown, short)
