"""What the names of extension modules say about the interpreter."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend_shim.interfaces import cpython
from backend_shim.record.facts import Facts
from tests.support.binding_factory import fingerprinted, opened, provider
from tests.support.elf_factory import Image, ImageSymbol

MODULE = bytes(Image(symbols=[ImageSymbol("PyInit_a")]))


@pytest.mark.parametrize(
    ("path", "suffix"),
    [
        ("p/a.cpython-311-x86_64-linux-gnu.so", ".cpython-311-x86_64-linux-gnu.so"),
        ("a.abi3.so", ".abi3.so"),
        ("a.so", ".so"),
        ("a.cp311-win_amd64.pyd", ".cp311-win_amd64.pyd"),
        ("liba.so.1", None),
        ("a.b.c.so", None),
    ],
)
def test_the_suffix_of_an_extension_module(path: str, suffix: str | None) -> None:
    assert cpython.read_object(opened(MODULE, path=path)) == suffix


def test_an_object_without_an_entry_point_is_no_module() -> None:
    assert cpython.read_object(opened(bytes(Image()), path="a.abi3.so")) is None


@pytest.mark.parametrize(
    ("paths", "is_stable"),
    [
        (("a.abi3.so",), True),
        (("a.abi3.so", "b.abi3t.so"), True),
        (("a.abi3.so", "b.cpython-311-x86_64-linux-gnu.so"), False),
    ],
)
def test_a_wheel_keeps_to_the_stable_abi_if_all_modules_do(
    tmp_path: Path, paths: tuple[str, ...], is_stable: bool
) -> None:
    found = fingerprinted(tmp_path, dict.fromkeys(paths, MODULE)).fingerprint.required("cpython")
    assert found is not None
    assert found.provider == "python"
    assert found.facts["is_stable_abi"] is is_stable


def test_a_wheel_of_libraries_says_nothing(tmp_path: Path) -> None:
    files = {"p/libp.so": bytes(Image())}
    assert fingerprinted(tmp_path, files).fingerprint.required("cpython") is None


def test_no_other_distribution_takes_part() -> None:
    assert cpython.is_satisfied(Facts({"odd": 1}), provider(), provider()) == ()
