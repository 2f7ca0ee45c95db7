"""What is called unchanged is unchanged for a real preprocessor, too."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections.abc import Iterable

import pytest

from tests.support.interface_files import header_compared

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc"),
]

_NAMES = [f"P_{letter}" for letter in "abcdefghij"]
_TYPES = ("int", "long", "P_t", "struct P_s", "char *")
_FLAGS = ("A", "B", "P_a", "P_b", "P_X")
_SETS = ((), ("-DA",), ("-DB=2",), ("-DA=2", "-DP_X=2"), ("-DP_a=2", "-DB"))


def _line(chance: random.Random) -> str:
    name, other = chance.sample(_NAMES, 2)
    kind, more = chance.choice(_TYPES), chance.choice(_TYPES)
    return chance.choice(
        [
            f"#define {name} {chance.randrange(4)}",
            f"#define {name}(x) ((x) + {other})",
            f"#define P_X {chance.randrange(3)}",
            f"#undef {name}",
            f"struct P_s {{ {kind} m; {more} {name}; }};",
            "struct P_s;",
            f"enum {{ {name} = {chance.randrange(9)}, P_n{chance.randrange(99)} }};",
            f"typedef {kind} {chance.choice(['P_t', name])};",
            f"static inline {kind} {name}({more} v) {{ return v + {other}; }}",
            f"extern {kind} {name};",
            f"P_EXPORT {kind} {name}({more} a, const char *b);",
        ]
    )


def _block(chance: random.Random, length: int, depth: int = 0) -> list[str]:
    found: list[str] = []
    for _ in range(length):
        draw = chance.random()
        if draw < 0.2 and depth < 2:
            flag = chance.choice(_FLAGS)
            found.append(chance.choice([f"#ifdef {flag}", f"#ifndef {flag}", f"#if {flag} == 2"]))
            found += _block(chance, 2, depth + 1)
            if draw < 0.1:
                found += ["#else", *_block(chance, 1, depth + 1)]
            found.append("#endif")
        else:
            found.append(_line(chance))
    return found


def _changed(chance: random.Random, lines: list[str]) -> list[str]:
    new, place = list(lines), chance.randrange(len(lines) + 1)
    draw = chance.random()
    if draw < 0.7:
        new[place:place] = _block(chance, 1)
    elif draw < 0.8:
        del new[place - 1]
    else:
        other = chance.randrange(len(lines))
        new[place - 1], new[other] = new[other], new[place - 1]
    return new


def _preprocessed(lines: list[str], flags: Iterable[str], names: Iterable[str]) -> list[str] | None:
    # What each macro stands for in the end is put behind the header.
    macros = [f'"{name}" {name} {name}(0)' for name in names]
    source = "\n".join(["#define P_EXPORT extern", *lines, *macros, ""])
    command = ["gcc", "-E", "-P", "-x", "c", *flags, "-"]
    ran = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    return ran.stdout.splitlines() if ran.returncode == 0 else None


def _are_in_order(wanted: Iterable[str], lines: Iterable[str]) -> bool:
    rest = iter(lines)
    return all(line in rest for line in wanted)


@pytest.mark.parametrize("seed", range(6))
def test_every_line_that_was_compiled_is_compiled(seed: int) -> None:
    chance = random.Random(seed)
    compared = 0
    for _ in range(250):
        old = _block(chance, 8)
        new = _changed(chance, old)
        head = "#define P_EXPORT extern\n"
        if not header_compared(head + "\n".join(old), head + "\n".join(new)).startswith("grown"):
            continue
        names = sorted(set(re.findall(r"P_[a-jX]\b", "\n".join(old))))
        for flags in _SETS:
            before = _preprocessed(old, flags, names)
            if before is not None:
                after = _preprocessed(new, flags, names)
                assert after is not None
                assert _are_in_order(before, after), "\n".join([*old, "---", *new, str(flags)])
                compared += 1
    assert compared > 50
