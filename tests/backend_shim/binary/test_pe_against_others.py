"""Every PE file of real wheels, read by `read_pe`, by pefile and by LIEF, symbol by symbol."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import lief
import pefile
import pytest

from backend_shim.binary import SharedObject, read_pe
from tests.support.platform_wheel import WINDOWS, members_beginning, platform_wheel

pytestmark = pytest.mark.network

# pefile drops names that are longer: C++ has some.
_LONG = 1 << 16
# pefile takes more exported names than 8192 for damage and shows the others as ordinals; OpenBLAS
# has 9,547.
_MANY = 1 << 20
_TABLES = ("EXPORT", "IMPORT", "DELAY_IMPORT")
# pefile translates ordinals of these into names, by tables of its own (ordlookup).
_TRANSLATED = frozenset({"ws2_32.dll", "wsock32.dll", "oleaut32.dll"})


class Floor(NamedTuple):
    """A requirement and how much its wheel must at least give to compare."""

    requirement: str
    files: int
    symbols: int


class Tables(NamedTuple):
    """What a reader found."""

    name: str | None
    needed: list[str]
    imported: set[tuple[str, str]]
    exported: set[tuple[str, str | None]]
    """Names and forwarders."""


def _ours(found: SharedObject) -> Tables:
    imported = {(each.name, str(each.library)) for each in found.imported}
    assert len(imported) == len(found.imported)
    exported = {(each.name, each.forwards_to) for each in found.exported}
    return Tables(found.soname, list(found.needed), imported, exported)


def _by_pefile(data: bytes) -> Tables:
    pe = pefile.PE(data=data, fast_load=True, max_symbol_exports=_MANY)
    pe.parse_data_directories(
        [pefile.DIRECTORY_ENTRY[f"IMAGE_DIRECTORY_ENTRY_{table}"] for table in _TABLES]
    )
    libraries: list[Any] = [
        *getattr(pe, "DIRECTORY_ENTRY_IMPORT", ()),
        *getattr(pe, "DIRECTORY_ENTRY_DELAY_IMPORT", ()),
    ]
    exports = getattr(pe, "DIRECTORY_ENTRY_EXPORT", None)
    return Tables(
        _text(pe.get_string_at_rva(exports.struct.Name)) if exports else None,
        list(dict.fromkeys(library.dll.decode() for library in libraries)),
        {
            (_text(each.name) or f"#{each.ordinal}", library.dll.decode())
            for library in libraries
            for each in library.imports
        },
        {
            (_text(each.name) or f"#{each.ordinal}", _text(each.forwarder))
            for each in (exports.symbols if exports else ())
        },
    )


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode()


def _by_lief(data: bytes) -> Tables:
    pe = lief.PE.parse(data)
    assert isinstance(pe, lief.PE.Binary)
    libraries = [*pe.imports, *pe.delay_imports]
    exports = pe.get_export()
    return Tables(
        exports.name if exports else None,
        list(dict.fromkeys(str(library.name) for library in libraries)),
        {
            (f"#{each.ordinal}" if each.is_ordinal else str(each.name), str(library.name))
            for library in libraries
            for each in library.entries
        },
        {
            (str(each.name) or f"#{each.ordinal}",
             str(each.forward_information) if each.is_forwarded else None)
            for each in (exports.entries if exports else ())
        },
    )  # fmt: skip


def _without_translated(imported: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    return {each for each in imported if each[1].lower() not in _TRANSLATED}


def _compare(name: str, data: bytes) -> int:
    """Assert that all readers agree on `data`; return how many symbols that were."""
    found = read_pe(data)
    ours, theirs, others = _ours(found), _by_pefile(data), _by_lief(data)
    assert found.machine == "x86_64", name
    assert ours == others, name
    assert _without_translated(ours.imported) == _without_translated(theirs.imported), name
    assert ours._replace(imported=set()) == theirs._replace(imported=set()), name
    return len(found.exported) + len(found.imported)


@pytest.mark.parametrize(
    "floor",
    [
        Floor("numpy==2.4.6", 21, 14_500),
        Floor("contourpy==1.3.3", 1, 250),
        pytest.param(Floor("scipy==1.17.1", 110, 50_000), marks=pytest.mark.slow),
        pytest.param(Floor("pyarrow==17.0.0", 30, 24_000), marks=pytest.mark.slow),
    ],
    ids=lambda floor: floor.requirement,
)
def test_three_readers_agree_on_every_dll_of_a_wheel(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("MAX_SYMBOL_NAME_LENGTH", "MAX_IMPORT_NAME_LENGTH"):
        monkeypatch.setattr(pefile, limit, _LONG)
    wheel = platform_wheel(floor.requirement, WINDOWS)
    counts = [_compare(name, data) for name, data in members_beginning(wheel, b"MZ")]
    assert len(counts) >= floor.files
    assert sum(counts) >= floor.symbols
