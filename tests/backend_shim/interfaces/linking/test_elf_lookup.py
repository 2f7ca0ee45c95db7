"""Which definition a reference of ELF binds to."""

from __future__ import annotations

import pytest

from backend_shim.interfaces.linking.elf_lookup import binds, find_elf, is_version_refused
from backend_shim.interfaces.linking.facts import Import, Library
from backend_shim.interfaces.linking.provided import Definition
from backend_shim.record.fingerprint import ExportedSymbol
from tests.support.binding_factory import symbol


def row(name: str, versions: tuple[str, ...] | None = ()) -> Library:
    return Library(
        path=f"p/{name}", name=name, format="elf", machine="x86_64", is_grafted=False,
        needed=(), reexported=(), versions=versions,
    )  # fmt: skip


P, Q = row("libp.so"), row("libq.so")


@pytest.mark.parametrize(
    ("reference", "definition", "is_bound"),
    [
        ("VERSION_1.0", symbol("f"), True),
        (None, symbol("f", "VERSION_2.0", is_hidden=True, index=3), False),
        ("V3", symbol("f", "V3", is_hidden=True), True),
        ("V2", symbol("f", "V3"), False),
        (None, symbol("f"), True),
        (None, symbol("f", "V1"), True),
        (None, symbol("f", "V9", index=9), True),
        (None, symbol("f", "V1", is_hidden=True, index=2), True),
        ("V1", symbol("f", is_hidden=True), False),
        ("V1", symbol("f", "V1", index=7), True),
        (None, symbol("f", kind="other"), False),
        (None, symbol("f", kind="ifunc"), True),
    ],
)
def test_a_reference_binds_as_the_loader_would(
    reference: str | None, definition: ExportedSymbol, is_bound: bool
) -> None:
    assert binds(reference, definition) is is_bound


def test_the_first_library_that_has_it_wins() -> None:
    first, second = symbol("f", size=1), symbol("f", size=2)
    definitions = [Definition(Q, second, None), Definition(P, first, None)]
    found = find_elf(Import("f", None, None), [P, Q], definitions)
    assert found is not None
    assert found.symbol is first
    assert find_elf(Import("f", None, None), [], definitions) is None


def test_an_exact_version_is_preferred_to_none() -> None:
    plain, exact = symbol("f"), symbol("f", "V1", size=2)
    definitions = [Definition(P, plain, None), Definition(P, exact, None)]
    found = find_elf(Import("f", "V1", None), [P], definitions)
    assert found is not None
    assert found.symbol is exact


@pytest.mark.parametrize(
    ("entry", "versions", "is_refused"),
    [
        (Import("f", "V1", "libp.so"), ("V2",), True),
        (Import("f", "V1", "libp.so"), ("V1", "V2"), False),
        (Import("f", "V1", "libp.so"), (), False),
        (Import("f", "V1", "libp.so"), None, False),
        (Import("f", "V1", "libother.so"), ("V2",), False),
        (Import("f", None, None), ("V2",), False),
    ],
)
def test_a_version_is_checked_before_any_symbol(
    entry: Import, versions: tuple[str, ...] | None, is_refused: bool
) -> None:
    assert is_version_refused(entry, row("libp.so", versions)) is is_refused
    found = find_elf(entry, [row("libp.so", versions)], [Definition(P, symbol("f"), None)])
    assert (found is None) is is_refused
