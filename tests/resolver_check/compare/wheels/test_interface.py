from __future__ import annotations

from dataclasses import replace

from backend_shim.record.facts import Facts
from backend_shim.record.fingerprint import (
    AbiFingerprint,
    Basis,
    ExportedSymbol,
    ExportingObject,
    Generator,
    InterfaceFacts,
    ObjectRecord,
    SymbolTables,
    UnreadObject,
)
from backend_shim.record.type_tables import TypedObject, TypedSymbol, TypeTables
from resolver_check.compare.wheels.interface import VisibleInterface, interface_differences

PATH = "gift/libgift.so"
BINARY = ObjectRecord(
    path=PATH, digest="sha256=a", size=1, crc32=1, format="elf", machine="x86_64", kind="library",
    is_grafted=False, soname="libgift.so.1", needed=("libc.so.6",), run_path=(), version_needs=(),
    exported=2, imported=1,
)  # fmt: skip
OFFERS = InterfaceFacts(interface="gift", basis=Basis.OBSERVED, facts=Facts({"abi": 1}))
FUNCTION = ExportedSymbol("gift_open", None, "function", 10)
DATA = ExportedSymbol("gift_data", None, "object", 8)
LIBRARY = ExportingObject(
    path=PATH, soname="libgift.so.1", machine="x86_64", symbols=(FUNCTION, DATA)
)
TYPES = TypedObject(
    path=PATH, digest="sha256=a", size=1, crc32=1, build_id=None, method="1",
    symbols=(TypedSymbol("gift_open", "t", True),),
)  # fmt: skip
GIFT = VisibleInterface(
    fingerprint=AbiFingerprint(
        generator=Generator(), is_purelib=False, objects=(BINARY,), provides=(OFFERS,)
    ),
    symbols=SymbolTables(objects=(LIBRARY,)),
    types=TypeTables(objects=(TYPES,)),
    tags=frozenset({"cp311-cp311-linux_x86_64"}),
    modules=frozenset({"gift"}),
)


def with_fingerprint(**changes: object) -> VisibleInterface:
    return replace(GIFT, fingerprint=replace(GIFT.fingerprint, **changes))  # type: ignore[arg-type]


def with_symbols(*symbols: ExportedSymbol) -> VisibleInterface:
    return replace(GIFT, symbols=SymbolTables(objects=(replace(LIBRARY, symbols=symbols),)))


def test_what_ties_a_record_to_its_binary_is_not_seen_by_others() -> None:
    rebuilt = replace(BINARY, digest="sha256=b", size=2, crc32=2)
    derived = replace(OFFERS, basis=Basis.DERIVED)
    assert interface_differences(GIFT, GIFT) == ()
    other = with_fingerprint(objects=(rebuilt,), provides=(derived,))
    assert interface_differences(GIFT, other) == ()
    retyped = replace(TYPES, digest="sha256=b", size=2, crc32=2, build_id="ab" * 20)
    assert interface_differences(GIFT, replace(GIFT, types=TypeTables(objects=(retyped,)))) == ()


def test_the_size_of_code_is_not_seen_and_that_of_data_is() -> None:
    assert interface_differences(GIFT, with_symbols(DATA, FUNCTION._replace(size=99))) == ()
    for other in (
        with_symbols(FUNCTION, DATA._replace(size=16)),
        with_symbols(DATA),
        with_symbols(FUNCTION._replace(version="GIFT_2"), DATA),
    ):
        assert interface_differences(GIFT, other) == (f"symbols of {PATH} (x86_64)",)


def test_each_part_that_differs_is_named_either_way() -> None:
    closed = replace(TYPES, symbols=(TypedSymbol("gift_open", "u", True),))
    for other, part in (
        (with_fingerprint(provides=(replace(OFFERS, facts=Facts({"abi": 2})),)), "provides gift"),
        (with_fingerprint(provides=()), "provides gift"),
        (with_fingerprint(requires=(OFFERS,)), "requires gift"),
        (with_fingerprint(series=(OFFERS,)), "series gift"),
        (with_fingerprint(objects=(replace(BINARY, soname="libgift.so.2"),)), f"binary {PATH}"),
        (with_fingerprint(objects=()), f"binary {PATH}"),
        (replace(GIFT, types=TypeTables(objects=(closed,))), f"types of {PATH}"),
        (replace(GIFT, types=TypeTables()), f"types of {PATH}"),
        (replace(GIFT, tags=frozenset({"py3-none-any"})), None),
        (replace(GIFT, modules=frozenset({"gift", "gift.more"})), "module gift.more"),
    ):
        found = interface_differences(GIFT, other)
        assert found == interface_differences(other, GIFT)
        assert found == ((part,) if part else ("tag cp311-cp311-linux_x86_64", "tag py3-none-any"))


def test_a_binary_that_was_not_read_leaves_the_interface_unknown() -> None:
    unread = with_fingerprint(unread=(UnreadObject(path="gift/odd.so", why="odd"),))
    assert interface_differences(unread, unread) == ("not read gift/odd.so",)
