"""Capsules: what makes them, what imports or takes them, and what becomes of one."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from backend_shim.errors import InvalidRecord
from backend_shim.interfaces import capsule
from backend_shim.interfaces.capsule import is_satisfied, read_object
from backend_shim.interfaces.provider import Declaration, Provider, nothing_of
from backend_shim.interfaces.reasons import Effect, Evidence
from backend_shim.record.facts import Facts
from tests.support.binding_factory import (
    compiled,
    fingerprinted,
    kinds,
    opened,
    provider,
    provider_of,
    required,
)


def module(*texts: str, calls: str) -> bytes:
    """An extension module that holds `texts` and calls functions of the interpreter."""
    rows = ",".join(f'"{text}"' for text in texts)
    names = [f"PyCapsule_{each}" for each in calls.split()]
    declared = "".join(f"int {name}(void);" for name in names)
    called = "+".join(f"{name}()" for name in names)
    source = f"const char *const all[] = {{{rows}}}; {declared} int f(void) {{ return {called}; }}"
    return compiled(source)


@pytest.mark.parametrize(
    ("texts", "made"),
    [
        (("gift._C_API",), ["gift._C_API"]),
        (("gift.lib.CAPI2", "x"), ["gift.lib.CAPI2"]),
        (("gift._C_API", "_DEVICE_API"), ["_DEVICE_API", "gift._C_API"]),
        (("%s._C_API",), ["s._C_API"]),
        (("gift._APIShim.call", "gift.APIs", "an API of gift", "gift.API."), None),
        (("gift.Box",), None),
    ],
)
def test_a_capsules_name_ends_in_api_by_custom(
    texts: tuple[str, ...], made: list[str] | None
) -> None:
    found = read_object(opened(module(*texts, calls="New")))
    assert isinstance(found, dict)
    assert found["words"] == (made or [])
    assert found["imports"] == found["takes"] == []


def test_only_who_imports_capsules_and_names_what_was_looked_for_imports_one() -> None:
    texts = ("gift._C_API", "gift.Box", "gift", "other._C_API", "gift.API.x")
    for calls, imported in (("Import", ["gift._C_API"]), ("GetPointer", [])):
        found = read_object(opened(module(*texts, calls=calls), looked_for=("gift",)))
        assert isinstance(found, dict)
        assert found["imports"] == imported
        assert found["words"] == found["makes"] == []
    assert read_object(opened(module(*texts, calls="Import"))) is None
    # A linker stores `gift._C_API` only as the end of this one, if both are there.
    tail = module("ungift._C_API", calls="Import")
    assert read_object(opened(tail, looked_for=("gift",))) is None


def test_the_name_is_left_to_this_interface(tmp_path: Path) -> None:
    data = module("gift._C_API", "gift.other", calls="Import")
    assert capsule.accounts_for(read_object(opened(data, looked_for=("gift",)))) == {"gift._C_API"}
    read = fingerprinted(tmp_path, {"c.so": data}, looked_for=("gift",))
    assert required(read, "import-name")["whole"] == ("gift.other",)
    assert required(read, "capsule")["imports"] == ("gift._C_API",)
    assert required(fingerprinted(tmp_path, {"c.so": data}), "cpython") is not None


def test_an_object_that_does_not_import_capsules_leaves_the_name_open(tmp_path: Path) -> None:
    files = {
        "a.so": module("gift._C_API", calls="Import"),
        "b.so": module("gift._C_API", calls="GetPointer"),
    }
    read = fingerprinted(tmp_path, files, looked_for=("gift",))
    assert required(read, "import-name")["whole"] == ("gift._C_API",)


def test_a_wheel_offers_the_capsules_of_its_own_modules(tmp_path: Path) -> None:
    files = {
        "gift/_gift.so": module("gift._C_API", "datetime.datetime_CAPI", calls="New"),
        "gift/other.so": module("gift.other._C_API", calls="Import"),
        "gift-1.0.data/platlib/box.so": module("box.CAPI2", calls="New"),
    }
    found = provider_of(tmp_path, files, name="gift")
    facts = found.provided["capsule"]
    assert facts["tables"] == ("box.CAPI2", "gift._C_API")
    assert facts["last_words"] == ("CAPI2", "_C_API", "datetime_CAPI")
    assert facts["is_complete"] is True
    files = {"gift/_gift.so": module("datetime.datetime_CAPI", calls="New")}
    facts = provider_of(tmp_path, files, name="gift").provided["capsule"]
    assert facts["tables"] == facts["last_words"] == ()
    files = {"gift/_gift.so": module("gift._C_API", calls="Import")}
    assert "capsule" not in provider_of(tmp_path, files, name="gift").provided


def test_a_wheel_with_a_binary_that_cannot_be_read_is_not_complete(tmp_path: Path) -> None:
    files = {
        "gift.so": module("gift._C_API", calls="New"),
        "broken.so": b"\x7fELF".ljust(64),
    }
    found = provider_of(tmp_path, files, name="gift")
    assert found.provided["capsule"]["is_complete"] is False


def gift(
    *tables: str,
    last_words: tuple[str, ...] = (),
    makes: tuple[str, ...] = (),
    is_complete: bool = True,
) -> Provider:
    words = {*last_words, *(name.rpartition(".")[2] for name in tables)}
    offered = {
        "tables": list(tables), "last_words": sorted(words), "makes": list(makes),
        "is_complete": is_complete,
    }  # fmt: skip
    return provider("gift", paths=("gift/__init__.py",), provided={"capsule": Facts(offered)})


NEEDS = Facts({"imports": ["gift._C_API"], "takes": []})


def judged(old: Provider, new: Provider) -> list[str]:
    return kinds(is_satisfied(NEEDS, old, new))


def test_a_capsule_that_is_still_made_is_necessary_and_not_sufficient() -> None:
    old = gift("gift._C_API")
    (found,) = is_satisfied(NEEDS, old, old)
    (reason,) = found.reasons
    assert (reason.kind, reason.evidence) == ("capsule-offered", Evidence.SYMBOLS)
    # The header that names the capsule tells what its table holds.
    assert found.declarations == (Declaration("gift", "gift._C_API"),)


def test_a_capsule_that_is_gone_is_refused() -> None:
    (found,) = is_satisfied(NEEDS, gift("gift._C_API"), gift("gift._C_API2"))
    (reason,) = found.reasons
    assert (reason.kind, reason.effect) == ("capsule-gone", Effect.REFUSES)


@pytest.mark.parametrize(
    "new",
    [
        gift("gift.core._C_API"),
        gift("gift._C_API2", last_words=("_C_API",)),
        gift("gift._C_API2", is_complete=False),
        provider("gift", paths=("gift/__init__.py",)),
    ],
)
def test_one_that_may_be_spelled_in_parts_is_left_open_and_no_header_proves_it(
    new: Provider,
) -> None:
    (found,) = is_satisfied(NEEDS, gift("gift._C_API"), new)
    assert kinds([found]) == ["capsule-not-found"]
    assert found.declarations == ()


def test_a_name_that_was_no_capsule_is_judged_as_a_name() -> None:
    old = provider("gift", paths=("gift/__init__.py",))
    for before in (old, gift("gift.other._C_API"), nothing_of(old)):
        (found,) = is_satisfied(NEEDS, before, gift("gift._C_API"))
        assert kinds([found]) == ["named-in-binary"]
        assert found.interface == "capsule"
        assert found.declarations == (Declaration("gift", "gift._C_API"),)
    explained = dataclasses.replace(old, explained_modules=frozenset({"gift"}))
    assert is_satisfied(NEEDS, explained, explained) == ()


def test_a_capsule_of_another_provider_is_no_business_of_this_one() -> None:
    other = provider("other", paths=("other/__init__.py",))
    assert judged(other, other) == []


@pytest.mark.parametrize("wrong", [{}, {"tables": 1}, {"tables": [1]}, {"tables": [], "makes": 1}])
def test_wrong_facts_are_refused(wrong: dict[str, Any]) -> None:
    broken = provider("gift", paths=("gift.py",), provided={"capsule": Facts(wrong)})
    with pytest.raises(InvalidRecord):
        is_satisfied(NEEDS, broken, broken)
    for needs in ({"imports": [1], "takes": []}, {"imports": []}, {"imports": [], "takes": [1]}):
        with pytest.raises(InvalidRecord):
            is_satisfied(Facts(needs), gift(), gift())
    with pytest.raises(InvalidRecord):
        is_satisfied(NEEDS, gift("gift._C_API"), broken)


TAKER = """
void *PyCapsule_GetPointer(void *, const char *), *PyCapsule_New(void *, const char *, void *);
const char *name;
void *take(void *capsule) {{ return PyCapsule_GetPointer(capsule, {0}); }}
void *make(void *pointer) {{ return PyCapsule_New(pointer, {1}, 0); }}
const char *const texts[] = {{{2}}};
"""


def passing(take: str, make: str, *texts: str) -> bytes:
    return compiled(TAKER.format(take, make, ",".join(f'"{text}"' for text in texts)), "-O2")


@pytest.mark.parametrize(
    ("take", "make", "takes", "makes"),
    [
        ("0", "0", [""], [""]),
        ('"gift"', '"gift.box"', ["gift"], ["gift.box"]),
        ("name", "0", ["*"], [""]),
    ],
)
def test_what_is_made_and_taken_by_hand_is_read_from_the_calls(
    take: str, make: str, takes: list[str], makes: list[str]
) -> None:
    data = opened(passing(take, make))
    if data.shared.machine != "x86_64":
        pytest.skip("read from x86-64 code only")
    found = read_object(data)
    assert isinstance(found, dict)
    assert (found["takes"], found["makes"]) == (takes, makes)


@pytest.mark.parametrize(
    "text",
    ["__pybind11_internals_v4_x__", "nanobind::cast", "swig_runtime_data4", "_ARRAY_API",
     "PyQt5.sip._C_API", "wx.siplib._C_API"],
)  # fmt: skip
def test_calls_that_a_generator_writes_do_not_count(text: str) -> None:
    found = read_object(opened(passing("0", "0", text))) or {"takes": [], "makes": []}
    assert isinstance(found, dict)
    assert found["takes"] == found["makes"] == []


@pytest.mark.parametrize(
    ("takes", "before", "after", "passed"),
    [
        ([""], (), (), None),
        ([], ("",), ("",), None),
        ([""], ("",), ("",), ("",)),
        ([""], (), ("",), ("",)),
        ([""], ("",), (), ("",)),
        (["box"], ("",), ("bag",), None),
        (["box", ""], ("bag", "box"), ("box",), ("box",)),
        (["*"], ("bag",), ("bag",), ("*",)),
        (["box"], ("*",), ("bag",), ("*",)),
        (["*"], (), (), None),
    ],
)
def test_a_capsule_may_be_passed_under_a_name_that_both_use(
    takes: list[str],
    before: tuple[str, ...],
    after: tuple[str, ...],
    passed: tuple[str, ...] | None,
) -> None:
    needs = Facts({"imports": [], "takes": takes})
    found = is_satisfied(needs, gift(makes=before), gift(makes=after))
    assert kinds(found) == (["capsules-may-be-passed"] if passed else [])
    for each in found:
        assert each.reasons[0].data() == {"names": list(passed or ())}
        assert each.reasons[0].effect is Effect.OPEN
        assert each.declarations == ()


def test_a_table_that_is_imported_is_not_passed_as_well() -> None:
    old = gift("gift._C_API", makes=("gift._C_API",))
    needs = Facts({"imports": ["gift._C_API"], "takes": ["gift._C_API"]})
    assert kinds(is_satisfied(needs, old, old)) == ["capsule-offered"]
