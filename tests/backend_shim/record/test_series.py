"""The two numbers that a provider states for an interface."""

from __future__ import annotations

import pytest

from backend_shim.errors import InvalidRecord
from backend_shim.record.facts import Facts
from backend_shim.record.fingerprint import AbiFingerprint, Basis, Generator, InterfaceFacts
from backend_shim.record.series import (
    Series,
    is_release,
    is_series_name,
    read_series,
    series_facts,
)

CAPSULE = Series(name="gift._C_API", last_change="1.0", last_addition="3.0rc1")
LINKING = Series(name="linking", last_change="2!7", last_addition="2!8.1")


def test_what_is_written_is_read() -> None:
    fingerprint = AbiFingerprint(
        generator=Generator(), is_purelib=True, series=series_facts([LINKING, CAPSULE])
    )
    again = AbiFingerprint.from_json(fingerprint.to_json())
    assert read_series(again.series) == (CAPSULE, LINKING)
    assert {each.basis for each in again.series} == {Basis.DECLARED}


@pytest.mark.parametrize("text", ["1", "1.0", "2!1.0", "3.14.0a7", "3.14.0rc1", "1.2.3.4"])
def test_is_a_release(text: str) -> None:
    assert is_release(text)


@pytest.mark.parametrize(
    "text", ["", "1.", "v1", "1.0.post1", "1.0.dev3", "1.0+cu12", "1.0 ", "1.0\n", "1" * 20, "²"]
)
def test_is_no_release(text: str) -> None:
    assert not is_release(text)


@pytest.mark.parametrize("text", ["gift", "gift._C_API", "lxml.etree", "linking", "numpy-c-api"])
def test_is_a_name(text: str) -> None:
    assert is_series_name(text)


@pytest.mark.parametrize("text", ["", ".gift", "gift.", "gift..a", "1gift", "gift/a", "gift a"])
def test_is_no_name(text: str) -> None:
    assert not is_series_name(text)


@pytest.mark.parametrize(
    "facts",
    [
        {"last_change": "1.0"},
        {"last_change": "1.0", "last_addition": 3},
        {"last_change": "1.0", "last_addition": "soon"},
        {"last_change": "1.0", "last_addition": None},
    ],
)
def test_wrong_numbers_are_refused(facts: dict[str, object]) -> None:
    entry = InterfaceFacts(interface="gift", basis=Basis.DECLARED, facts=Facts(facts))
    with pytest.raises(InvalidRecord, match=r"\$\.series\[0\]\.facts\.last_addition"):
        read_series([entry])
