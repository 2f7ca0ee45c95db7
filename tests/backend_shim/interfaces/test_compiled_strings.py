"""Names that a compiler took apart on AArch64; those on x86 are in test_import_name.py."""

from __future__ import annotations

import pytest

from backend_shim.binary import read_macho
from backend_shim.interfaces.compiled_strings import names_taken_apart
from tests.support.macho_factory import ARM64, X86_64, Image

# What Clang 18 makes of `std::string("numpy")` and the like for macOS, at -O2.
NUMPY = "a8008052 c9ad8e52 e9030091 a90dae72 280f8052"  # mov w9 'nu', …, movk w9 'mp', mov w8 'y'
PIL = "092a8952 68008052 8909a072"  # mov w9 'PI', …, movk w9 'L\0'
GREENLET = "e94c8ed2 08018052 a9acacf2 c98dcdf2 a98ceef2"  # mov x9 'gr', …, movk x9 'ee' 'nl' 'et'


def taken_apart(code: str, name: str, *, cpu: int = ARM64, before: int = 0) -> set[str]:
    data = bytes(Image(cpu=cpu, subtype=0, code=b"\0" * before + bytes.fromhex(code)))
    (found,) = read_macho(data)
    return set(names_taken_apart(data, found, name))


@pytest.mark.parametrize("before", [0, 4, 400])
@pytest.mark.parametrize(
    ("code", "name", "expected"),
    [(NUMPY, "numpy", "numpy*"), (PIL, "PIL", "PIL"), (GREENLET, "greenlet", "greenlet*")],
)
def test_halves_of_a_name_in_one_register_are_found(
    code: str, name: str, expected: str, before: int
) -> None:
    assert taken_apart(code, name, before=before) == {expected}
    assert taken_apart(code, "scipy") == set()
    assert taken_apart(code, name, cpu=X86_64) == set()


def test_halves_in_two_registers_or_far_from_each_other_are_no_name() -> None:
    assert taken_apart(NUMPY.replace("c9ad8e52", "c8ad8e52"), "numpy") == set()  # mov w8 'nu'
    far = NUMPY.replace("e9030091", "1f2003d5" * 16)
    assert taken_apart(far, "numpy") == set()
    near = NUMPY.replace("e9030091", "1f2003d5" * 15)
    assert taken_apart(near, "numpy") == {"numpy*"}
