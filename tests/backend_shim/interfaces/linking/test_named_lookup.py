"""PE and Mach-O: the library stands beside the symbol."""

from __future__ import annotations

import pytest

from backend_shim.interfaces import linking
from backend_shim.interfaces.linking.forwarding import forwarded_to
from backend_shim.interfaces.provider import Provider
from backend_shim.record.facts import Facts
from backend_shim.record.fingerprint import ExportedSymbol
from tests.support.binding_factory import kinds, libraries, library, provider, symbol


def needs(binary_format: str, *imports: tuple[str, str | None], **changed: object) -> Facts:
    row = {
        "path": "c.pyd", "format": binary_format, "machine": "x86_64",
        "needed": sorted({name for _, name in imports if name}), "compatibility": [],
        "imports": [[name, None, library] for name, library in imports], "optional": [],
    }  # fmt: skip
    return Facts({"objects": [{**row, **changed}]})


def dll(*symbols: ExportedSymbol, **facts: object) -> Provider:
    made = {"path": "p/P.dll", "soname": "P.dll", "format": "pe", **facts}
    return library(*symbols, **made)  # type: ignore[arg-type]


def dylib(*symbols: ExportedSymbol, **facts: object) -> Provider:
    made = {"path": "p/libp.dylib", "soname": "@rpath/libp.dylib", "format": "macho",
            "versions": ["1.0.0"], **facts}  # fmt: skip
    return library(*symbols, **made)  # type: ignore[arg-type]


def test_names_of_dlls_are_compared_without_case() -> None:
    facts = needs("pe", ("f", "p.DLL"))
    assert kinds(linking.is_satisfied(facts, dll(symbol("f")), dll(symbol("f")))) == [
        "symbols-present"
    ]
    assert kinds(linking.is_satisfied(facts, dll(symbol("f")), dll())) == ["symbol-missing"]
    gone = linking.is_satisfied(facts, dll(symbol("f")), provider())
    assert kinds(gone) == ["soname-missing"]


def test_only_what_is_taken_from_the_providers_library_counts() -> None:
    facts = needs("pe", ("f", "other.dll"))
    assert linking.is_satisfied(facts, dll(symbol("f")), dll()) == ()
    facts = needs("macho", ("f", "@rpath/libother.dylib"))
    assert linking.is_satisfied(facts, dylib(symbol("f")), dylib()) == ()


def test_a_number_says_not_which_function() -> None:
    facts = needs("pe", ("#5", "P.dll"))
    found = linking.is_satisfied(facts, dll(symbol("#5")), dll(symbol("#5")))
    assert kinds(found) == ["imported-by-ordinal"]


def test_data_have_no_recorded_size() -> None:
    data = symbol("v", kind="object", size=0)
    for make, name in ((dll, "P.dll"), (dylib, "@rpath/libp.dylib")):
        facts = needs("pe" if make is dll else "macho", ("v", name), ("f", name))
        found = linking.is_satisfied(facts, make(data, symbol("f")), make(data, symbol("f")))
        assert kinds(found) == ["data-size-unknown"]


def test_what_becomes_data_has_changed() -> None:
    facts = needs("pe", ("f", "P.dll"))
    found = linking.is_satisfied(facts, dll(symbol("f")), dll(symbol("f", kind="object", size=0)))
    assert "symbol-changed" in kinds(found)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("Q.g", "symbols-present"),
        ("Q.gone", "symbol-missing"),
        ("P.f", "symbol-missing"),  # in a circle
        ("ELSEWHERE.g", "symbol-may-be-missing"),
    ],
)
def test_a_forwarder_must_lead_somewhere(target: str, expected: str) -> None:
    def made(target: str) -> Provider:
        rows = (
            ("p/P.dll", "P.dll", (symbol("f", kind="notype", size=0),)),
            ("p/Q.dll", "Q.dll", (symbol("g"),)),
        )
        return libraries(*rows, forwards=(("f", target),), format="pe")

    facts = needs("pe", ("f", "P.dll"))
    assert kinds(linking.is_satisfied(facts, made("Q.g"), made(target))) == [expected]
    outside = made("ELSEWHERE.g")
    assert kinds(linking.is_satisfied(facts, outside, outside)) == ["symbols-present"]


def test_a_forwarder_names_library_and_symbol() -> None:
    assert forwarded_to("NTDLL.RtlFoo", "pe") == ("NTDLL.dll", "RtlFoo")
    assert forwarded_to("api-ms-win.#5", "pe") == ("api-ms-win.dll", "#5")
    assert forwarded_to("@rpath/libq.dylib:g", "macho") == ("@rpath/libq.dylib", "g")


def test_any_way_to_a_dylib_is_the_same() -> None:
    facts = needs("macho", ("f", "@loader_path/../p/libp.dylib"))
    old = dylib(symbol("f"))
    assert kinds(linking.is_satisfied(facts, old, old)) == ["symbols-present"]
    assert kinds(linking.is_satisfied(facts, old, dylib())) == ["symbol-missing"]


def test_a_dylib_may_pass_on_the_symbols_of_another() -> None:
    def made(reexported: list[str], *symbols: ExportedSymbol) -> Provider:
        rows = (("p/libp.dylib", "@rpath/libp.dylib", ()), ("p/libq.dylib", "libq.dylib", symbols))
        return libraries(*rows, format="macho", reexported=reexported, versions=["1.0.0"])

    facts = needs("macho", ("f", "@rpath/libp.dylib"))
    whole = made(["@rpath/libq.dylib"], symbol("f"))
    assert kinds(linking.is_satisfied(facts, whole, whole)) == ["symbols-present"]
    assert kinds(linking.is_satisfied(facts, whole, made([], symbol("f")))) == ["symbol-missing"]
    assert kinds(linking.is_satisfied(facts, whole, made(["@rpath/libq.dylib"]))) == [
        "symbol-missing"
    ]


def test_weak_symbols_and_weak_dylibs_may_be_absent() -> None:
    facts = needs("macho", optional=[["f", None, "@rpath/libp.dylib"]])
    old = dylib(symbol("f"))
    assert kinds(linking.is_satisfied(facts, old, dylib())) == ["optional-symbol-missing"]
    assert kinds(linking.is_satisfied(facts, old, provider())) == ["optional-symbol-missing"]
    facts = needs("macho", needed=["@rpath/libp.dylib"])
    assert kinds(linking.is_satisfied(facts, old, provider())) == ["soname-missing"]


def test_what_is_looked_up_anywhere_may_be_the_providers() -> None:
    facts = needs("macho", ("f", None))
    old = dylib(symbol("f"))
    assert kinds(linking.is_satisfied(facts, old, old)) == ["symbols-present"]
    assert kinds(linking.is_satisfied(facts, old, dylib())) == ["symbol-may-be-missing"]
    assert linking.is_satisfied(facts, dylib(), dylib()) == ()


@pytest.mark.parametrize(
    ("offered", "expected"),
    [
        ("1.2.0", "symbols-present"),
        ("1.10.0", "symbols-present"),
        ("1.1.9", "compatibility-lower"),
    ],
)
def test_the_compatibility_version_must_not_be_lower(offered: str, expected: str) -> None:
    facts = needs(
        "macho", ("f", "@rpath/libp.dylib"), compatibility=[["@rpath/libp.dylib", "1.2.0"]]
    )
    old, new = dylib(symbol("f"), versions=["1.2.0"]), dylib(symbol("f"), versions=[offered])
    assert kinds(linking.is_satisfied(facts, old, new)) == [expected]
