"""What the loader takes from a provider's libraries, judged on made-up providers."""

from __future__ import annotations

import pytest

from backend_shim.interfaces import linking
from backend_shim.interfaces.provider import nothing_of
from backend_shim.record.facts import Facts
from backend_shim.record.fingerprint import ExportedSymbol
from tests.support.binding_factory import kinds, libraries, library, provider, symbol


def needs(
    *imports: tuple[str, str | None] | tuple[str, str | None, str | None],
    needed: tuple[str, ...] = ("libp.so.1",),
    optional: tuple[tuple[str, str | None, str | None], ...] = (),
    **changed: object,
) -> Facts:
    rows = [[*each, None][:3] for each in imports]
    row = {
        "path": "c.so", "format": "elf", "machine": "x86_64", "needed": list(needed),
        "compatibility": [], "imports": rows, "optional": [list(each) for each in optional],
    }  # fmt: skip
    return Facts({"objects": [{**row, **changed}]})


def test_a_soname_that_is_gone_is_refused() -> None:
    old = library(symbol("f"))
    new = library(symbol("f"), path="p/libp.so.2", soname="libp.so.2")
    # That all its symbols are gone, too, need not be said.
    assert kinds(linking.is_satisfied(needs(("f", None)), old, new)) == ["soname-missing"]
    assert kinds(linking.is_satisfied(needs(), old, new)) == ["soname-missing"]


def test_a_soname_that_the_platform_may_have_is_open() -> None:
    old = library(path="p/libgomp.so.1", soname="libgomp.so.1")
    found = linking.is_satisfied(needs(needed=("libgomp.so.1",)), old, provider())
    assert kinds(found) == ["soname-may-be-missing"]


def test_a_library_without_a_symbol_taken_is_a_binding() -> None:
    old = library(symbol("f"))
    assert kinds(linking.is_satisfied(needs(), old, old)) == ["symbols-present"]
    assert "soname-missing" in kinds(linking.is_satisfied(needs(), old, provider()))


def test_a_library_counts_by_its_file_name_too() -> None:
    old = library(path="p/libp-1.2.so", soname="libp.so.1")
    found = linking.is_satisfied(needs(needed=("libp-1.2.so",)), old, provider())
    assert kinds(found)[0] == "soname-missing"


def test_a_missing_symbol_is_refused() -> None:
    old = library(symbol("f", "V1"), versions=["V1"])
    found = linking.is_satisfied(needs(("f", "V1", "libp.so.1")), old, library(versions=["V1"]))
    assert kinds(found) == ["symbol-missing"]
    assert found[0].reasons[0].data() == {"object": "c.so", "symbol": "f", "version": "V1"}


def test_a_symbol_with_a_version_of_another_library_may_come_from_there() -> None:
    facts = needs(("f", "X1", "libx.so"), needed=("libp.so.1", "libx.so"))
    found = linking.is_satisfied(facts, library(symbol("f")), library())
    assert kinds(found) == ["symbol-may-be-missing"]


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (symbol("v", kind="object", size=4), symbol("v", kind="object", size=8), "symbol-changed"),
        (symbol("_ZTV1A", kind="object", size=24), symbol("_ZTV1A", kind="object", size=32),
         "symbol-changed"),
        (symbol("v", kind="tls", size=4), symbol("v", kind="object", size=4), "symbol-changed"),
        (symbol("v"), symbol("v", kind="object"), "symbol-changed"),
        (symbol("v", size=10), symbol("v", size=99), "symbols-present"),
        (symbol("v"), symbol("v", kind="ifunc"), "symbols-present"),
        (symbol("v", kind="tls"), symbol("v", kind="tls"), "symbols-present"),
    ],
)  # fmt: skip
def test_data_must_keep_their_size_and_everything_its_kind(
    old: ExportedSymbol, new: ExportedSymbol, kind: str
) -> None:
    found = linking.is_satisfied(needs((old.name, None)), library(old), library(new))
    assert kinds(found) == [kind]
    found = linking.is_satisfied(
        needs(optional=((old.name, None, None),)), library(old), library(new)
    )
    assert kinds(found) == [kind]


def test_symbols_that_no_version_ever_gave_are_no_binding() -> None:
    old, new = library(symbol("f", "V1")), library(symbol("g"))
    assert linking.is_satisfied(needs(("g", None), needed=()), old, new) == ()
    assert linking.is_satisfied(needs(("x", None), needed=("libx.so",)), old, new) == ()


def test_what_only_the_new_library_defines_may_take_the_place_of_another() -> None:
    facts = needs(("g", None), needed=("libp.so.1", "libx.so"))
    found = linking.is_satisfied(facts, library(symbol("f")), library(symbol("g")))
    assert kinds(found) == ["symbol-newly-exported"]


def test_a_reference_that_the_old_provider_does_not_satisfy_comes_from_elsewhere() -> None:
    old = library(symbol("f", "V1"))
    assert kinds(linking.is_satisfied(needs(("f", "V9")), old, old)) == ["symbols-present"]


def test_what_was_loaded_by_other_means_may_be_missing() -> None:
    old, same = library(symbol("f")), library(symbol("f"))
    unlinked = needs(("f", None), needed=())
    assert kinds(linking.is_satisfied(unlinked, old, same)) == ["symbols-present"]
    assert kinds(linking.is_satisfied(unlinked, old, library())) == ["symbol-may-be-missing"]
    changed = library(symbol("f", kind="object"))
    assert kinds(linking.is_satisfied(unlinked, old, changed)) == ["symbol-may-be-missing"]


def test_a_library_that_only_the_new_provider_has_is_open() -> None:
    new = library(symbol("f"))
    assert kinds(linking.is_satisfied(needs(("f", None)), provider(), new)) == ["newly-provided"]
    before = nothing_of(new)
    assert kinds(linking.is_satisfied(needs(("f", None)), before, new)) == ["newly-provided"]


def test_a_library_that_moved_is_open() -> None:
    old, new = library(symbol("f")), library(symbol("f"), path="q/libp.so.1")
    assert kinds(linking.is_satisfied(needs(("f", None)), old, new)) == ["library-moved"]


def test_the_data_directory_of_a_wheel_is_no_place() -> None:
    old = library(symbol("f"), path="p-1.0.data/platlib/p/libp.so.1")
    new = library(symbol("f"), path="p-2.0.data/platlib/p/libp.so.1")
    assert kinds(linking.is_satisfied(needs(("f", None)), old, new)) == ["symbols-present"]


def test_a_grafted_library_is_nobodys_provider() -> None:
    old = library(path="p.libs/libp.so.1", is_grafted=True)
    assert kinds(linking.is_satisfied(needs(("f", None)), old, old)) == ["grafted-library-needed"]


def test_libraries_for_another_machine_are_none() -> None:
    old = library(symbol("f"), machine="aarch64")
    assert linking.is_satisfied(needs(("f", None)), old, old) == ()
    found = linking.is_satisfied(needs(("f", None)), library(symbol("f")), old)
    assert kinds(found) == ["soname-missing"]
    other_format = library(symbol("f"), format="macho")
    assert linking.is_satisfied(needs(("f", None)), other_format, other_format) == ()


def test_what_the_new_libraries_need_besides_is_open() -> None:
    old, new = library(symbol("f")), library(symbol("f"), needed=["libx.so"])
    found = linking.is_satisfied(needs(("f", None)), old, new)
    assert kinds(found) == ["provider-needs-more"]
    known = needs(("f", None), needed=("libp.so.1", "libx.so"))
    assert kinds(linking.is_satisfied(known, old, new)) == ["symbols-present"]


def test_what_the_new_libraries_need_no_longer_matters_to_what_comes_from_elsewhere() -> None:
    old, new = library(symbol("f"), needed=["libx.so"]), library(symbol("f"))
    assert kinds(linking.is_satisfied(needs(("f", None)), old, new)) == ["symbols-present"]
    facts = needs(("f", None), ("PyList_New", None))
    assert kinds(linking.is_satisfied(facts, old, new)) == ["symbols-present"]
    facts = needs(("f", None), ("x", None))
    assert kinds(linking.is_satisfied(facts, old, new)) == ["provider-needs-less"]


def test_a_library_reached_through_another_one_counts() -> None:
    rows = (("p/libp.so.1", "libp.so.1", ()), ("p/libq.so", "libq.so", (symbol("f"),)))
    old = libraries(*rows, needed=["libq.so"])
    assert kinds(linking.is_satisfied(needs(("f", None)), old, old)) == ["symbols-present"]
    cut = libraries(*rows)
    assert kinds(linking.is_satisfied(needs(("f", None)), old, cut)) == ["symbol-out-of-reach"]
    gone = libraries(rows[0], ("p/libq.so", "libq.so", ()), needed=["libq.so"])
    assert kinds(linking.is_satisfied(needs(("f", None)), old, gone)) == ["symbol-missing"]


def test_headers_may_prove_what_the_imported_symbols_are_called() -> None:
    old = library(symbol("f"), symbol("_ZN1a1bEv"))
    (found,) = linking.is_satisfied(needs(("f", None), ("_ZN1a1bEv", None)), old, old)
    assert [(each.module, each.name) for each in found.declarations] == [(None, "b"), (None, "f")]
    assert found.symbols == ("_ZN1a1bEv", "f")


def test_nothing_proves_what_the_loader_may_not_reach() -> None:
    old, new = library(symbol("f")), library(symbol("f"), path="q/libp.so.1")
    (found,) = linking.is_satisfied(needs(("f", None)), old, new)
    assert found.declarations == ()
    assert found.symbols == ()
