"""One pass for many names finds what a search for each of them finds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend_shim.binary import read_shared_objects
from backend_shim.interfaces.beginnings import FEW, LONGEST, SHORTEST, beginnings_in
from backend_shim.interfaces.inspected_wheel import ConstantStrings
from tests.support import pe_factory

_NAMES = st.text("ab.é\n", min_size=1, max_size=10)


@given(st.binary(max_size=40) | st.text("ab.é\n", max_size=60).map(str.encode), st.sets(_NAMES))
def test_no_beginning_is_missed(data: bytes, names: set[str]) -> None:
    found = beginnings_in(data, [(0, len(data))], names)
    for name in names:
        literal = name.encode()
        if len(literal) < SHORTEST:
            continue
        for size in range(SHORTEST, min(len(literal), LONGEST) + 1):
            if literal[:size] in data:
                assert literal[:size] in found
    assert all(each in data for each in found)


def test_what_is_outside_of_the_ranges_is_not_found() -> None:
    assert beginnings_in(b"numpy_numpy", [(1, 8), (9, 11)], {"numpy"}) == frozenset()
    assert beginnings_in(b"numpy_numpy", [(1, 10)], {"numpy"}) == {b"nump"}
    assert beginnings_in(b"numpy", [(0, 5)], ()) == frozenset()


_OTHERS = [f"nowhere{number}" for number in range(FEW)]


@pytest.mark.parametrize(
    "constants", [b"numpy.core\0", b"x\0numpy", b"a numpy_b\0", b"nump", b"pandas_datetime\0", b""]
)
@pytest.mark.parametrize("name", ["numpy", "pandas_datetime", "np", "é123", "nowhere1"])
def test_a_name_is_found_whether_or_not_it_was_announced(constants: bytes, name: str) -> None:
    data = bytes(pe_factory.Image(constants=constants, imports={"python311.dll": ("PyLong_New",)}))
    (shared,) = read_shared_objects(data)
    alone = ConstantStrings(data, shared).names(name)
    assert ConstantStrings(data, shared, [*_OTHERS, name]).names(name) == alone
    assert ConstantStrings(data, shared, _OTHERS).names(name) == alone
