"""sip's ABI versions: what a module asks for, what a `sip` module offers, and who serves whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backend_shim.errors import InvalidRecord
from backend_shim.interfaces.provider import Declaration, Provider, nothing_of
from backend_shim.interfaces.sip import accounts_for, is_satisfied, read_object
from backend_shim.record.facts import Facts
from tests.support.binding_factory import (
    compiled,
    fingerprinted,
    kinds,
    literals,
    opened,
    provider,
    provider_of,
    required,
)

# What sip generates for a module, by the same calls.
CLIENT = """
typedef struct object object;
object *PyImport_ImportModule(const char *), *PyModule_GetDict(object *);
object *PyDict_GetItemString(object *, const char *);
void *PyCapsule_GetPointer(object *, const char *);
struct table {{
    int (*export_module)(void *, unsigned, unsigned, void *); void *(*symbol)(const char *);
}};
const struct table *sipAPI;
int sipModule[8]; unsigned unknown;
object *PyInit_m(void) {{
    object *sip = PyImport_ImportModule("{module}");
    if (!sip) return 0;
    object *capsule = PyDict_GetItemString(PyModule_GetDict(sip), "_C_API");
    sipAPI = (const struct table *)PyCapsule_GetPointer(capsule, "{module}._C_API");
    if (!sipAPI) return 0;
    if (sipAPI->export_module(&sipModule, {major}, {minor}, 0) < 0) return 0;
    return sipAPI->symbol("qtcore_qt_metaobject");
}}
"""
SIP = """
typedef struct object object;
extern object *PyExc_RuntimeError;
object *PyErr_Format(object *, const char *, ...);
object *PyCapsule_New(const void *, const char *, void *);
const char *name_of(void *);
int unknown;
int export_module(void *client, unsigned major, unsigned minor, void *unused) {{
    const char *full_name = name_of(client);
    if (major != {major} || minor > {minor}) {{
        PyErr_Format(PyExc_RuntimeError,
            "the sip module implements A{p}I v%d.0 to v%d.%d but the %s module requires API v%d.%d",
            {major}, {major}, {minor}, full_name, major, minor);
        return -1;
    }}
    return 0;
}}
static const void *table[] = {{(void *)export_module}};
object *PyInit_sip(void) {{ return PyCapsule_New(table, "{module}._C_API", 0); }}
"""


def client(major: object, minor: object, *options: str, module: str = "gift.sip") -> bytes:
    return compiled(CLIENT.format(major=major, minor=minor, module=module), *options)


def sip(
    major: object, minor: object, *options: str, module: str = "gift.sip", p: str = "P"
) -> bytes:
    return compiled(SIP.format(major=major, minor=minor, module=module, p=p), *options)


def x86_64(data: bytes) -> bytes:
    if opened(data).shared.machine != "x86_64":
        pytest.skip("read from x86-64 code only")
    return data


LEVELS = pytest.mark.parametrize("level", ["-O1", "-O2", "-O3", "-Os"])
VERSIONS = pytest.mark.parametrize("version", [(12, 1), (12, 13), (13, 10)])


@LEVELS
@VERSIONS
def test_what_a_module_asks_for_is_read_from_its_call(version: tuple[int, int], level: str) -> None:
    data = x86_64(client(*version, level))
    found = read_object(opened(data, looked_for=("gift.sip",)))
    assert found == {"asks": {"gift.sip": [*version]}}
    assert read_object(opened(data)) is None


@LEVELS
@VERSIONS
def test_what_a_sip_module_offers_is_read_from_its_refusal(
    version: tuple[int, int], level: str
) -> None:
    for p in ("P", "B"):
        data = x86_64(sip(*version, level, p=p))
        assert read_object(opened(data)) == {"offers": "gift.sip", "abi": [*version]}


def test_a_version_that_the_code_does_not_tell_is_not_guessed() -> None:
    for data in (
        client(12, "unknown"),
        client("unknown", 3),
        client(12, 300),
        client(12, 3, "-O0"),
    ):
        found = read_object(opened(data, looked_for=("gift.sip",)))
        assert found == {"asks": {"gift.sip": None}}
    for data in (sip(12, "unknown"), sip(12, 300)):
        assert read_object(opened(data)) == {"offers": "gift.sip", "abi": None}


@pytest.mark.parametrize(
    ("module", "is_sip"),
    [("gift.sip", True), ("wx.siplib", True), ("gift.core", False), ("gift.gossip", False)],
)
def test_a_sip_module_is_called_so(module: str, is_sip: bool) -> None:
    data = client(12, 3, module=module)
    found = read_object(opened(data, looked_for=(module,)))
    assert (found is not None) == is_sip
    assert (read_object(opened(sip(12, 3, module=module))) is not None) == is_sip


def test_the_names_by_which_the_table_is_reached_are_accounted_for(tmp_path: Path) -> None:
    seen = read_object(opened(client(12, 3), looked_for=("gift.sip",)))
    assert accounts_for(seen) == {
        "gift.sip", "gift.sip._C_API",
        "gift.sip.array", "gift.sip.enumtype", "gift.sip.simplewrapper", "gift.sip.voidptr",
        "gift.sip.wrapper", "gift.sip.wrappertype",
    }  # fmt: skip
    assert accounts_for(read_object(opened(sip(12, 3)))) == set()
    read = fingerprinted(tmp_path, {"m.so": client(12, 3)}, looked_for=("gift.sip",))
    assert required(read, "import-name")["whole"] == ()
    files = {"m.so": literals("gift.sip", "gift.sip._C_API")}
    read = fingerprinted(tmp_path, files, looked_for=("gift.sip",))
    assert required(read, "import-name")["whole"] == ("gift.sip", "gift.sip._C_API")


def test_the_modules_of_a_wheel_tell_together(tmp_path: Path) -> None:
    files = {
        "a.so": x86_64(client(12, 9)),
        "b.so": client(12, 13),
        "c.so": client(12, 13, "-O1"),
    }
    needs = required(fingerprinted(tmp_path, files, looked_for=("gift.sip",)), "sip")
    assert needs.thaw() == {
        "modules": [{"module": "gift.sip", "asks": [[12, 9], [12, 13]], "is_partial": False}]
    }
    files["d.so"] = client(12, "unknown")
    needs = required(fingerprinted(tmp_path, files, looked_for=("gift.sip",)), "sip")
    assert needs.thaw()["modules"][0]["is_partial"] is True  # type: ignore[index, call-overload]


@pytest.mark.parametrize(
    ("version", "others", "abi"),
    [
        ("12.13.0", {}, (12, 13)),
        ("13.10.2.post1", {}, (13, 10)),
        ("4.19.19", {}, None),
        ("twelve", {}, None),
        ("12.13.0", {"other.so": literals("x")}, None),
    ],
)
def test_a_sip_module_that_does_not_tell_has_the_version_of_its_wheel(
    tmp_path: Path, version: str, others: dict[str, bytes], abi: tuple[int, int] | None
) -> None:
    files = {"gift/sip.so": sip(12, "unknown"), **others}
    found = provider_of(tmp_path, files, name="gift-sip", version=version)
    assert found.provided["sip"].thaw() == {
        "modules": [{"module": "gift.sip", "abi": list(abi) if abi else None}]
    }


def test_two_modules_of_one_name_that_differ_tell_nothing(tmp_path: Path) -> None:
    files = {"a/sip.so": x86_64(sip(12, 7)), "b/sip.so": sip(12, 8)}
    found = provider_of(tmp_path, files, name="gift-sip", version="12.7")
    assert found.provided["sip"]["modules"] == (Facts({"module": "gift.sip", "abi": None}),)


def test_code_tells_more_than_the_version_of_a_wheel(tmp_path: Path) -> None:
    files = {"gift/sip.so": x86_64(sip(12, 7))}
    found = provider_of(tmp_path, files, name="gift-sip", version="4.19.19")
    assert found.provided["sip"]["modules"] == (Facts({"module": "gift.sip", "abi": [12, 7]}),)


def offering(abi: tuple[int, int] | None) -> Provider:
    modules = [{"module": "gift.sip", "abi": list(abi) if abi else None}]
    return provider(
        "gift-sip", paths=("gift/sip.so",), provided={"sip": Facts({"modules": modules})}
    )


def asking(*versions: tuple[int, int], is_partial: bool = False) -> Facts:
    asks = [list(each) for each in versions]
    return Facts({"modules": [{"module": "gift.sip", "asks": asks, "is_partial": is_partial}]})


FITS, REFUSED, UNKNOWN = ["sip-abi-fits"], ["sip-abi-refused"], ["sip-abi-unknown"]


@pytest.mark.parametrize(
    ("facts", "old", "new", "kind"),
    [
        (asking((12, 9)), (12, 13), (12, 9), FITS),
        (asking((12, 9)), (12, 13), (12, 8), REFUSED),
        (asking((12, 9)), (12, 13), (13, 9), REFUSED),
        (asking((13, 1)), (12, 13), (12, 13), REFUSED),
        (asking((12, 9), (12, 13)), (12, 13), (12, 11), REFUSED),
        (asking((12, 9)), None, (12, 9), FITS),
        (asking((12, 9)), (12, 9), None, UNKNOWN),
        (asking(is_partial=True), (12, 9), (12, 9), FITS),
        (asking(is_partial=True), (12, 9), (12, 13), FITS),
        (asking(is_partial=True), (12, 9), (12, 8), UNKNOWN),
        (asking(is_partial=True), (12, 9), (13, 9), UNKNOWN),
        (asking(is_partial=True), None, (12, 9), UNKNOWN),
        (asking((12, 3), is_partial=True), (12, 9), (12, 8), UNKNOWN),
        (asking((12, 3), is_partial=True), (12, 9), (12, 2), REFUSED),
    ],
)
def test_a_sip_module_serves_its_major_version_up_to_its_minor(
    facts: Facts, old: tuple[int, int] | None, new: tuple[int, int] | None, kind: list[str]
) -> None:
    (found,) = is_satisfied(facts, offering(old), offering(new))
    assert kinds([found]) == kind
    assert found.declarations == (Declaration("gift.sip", "gift.sip._C_API"),)


def test_without_an_older_module_what_is_asked_for_is_enough() -> None:
    new = offering((12, 9))
    assert kinds(is_satisfied(asking((12, 9)), nothing_of(new), new)) == FITS
    assert kinds(is_satisfied(asking(is_partial=True), nothing_of(new), new)) == UNKNOWN


def test_another_package_has_its_own_sip() -> None:
    other = provider("other", paths=("other/sip.so",))
    assert is_satisfied(asking((12, 9)), other, other) == ()


def test_a_module_of_another_name_offers_nothing() -> None:
    modules = [{"module": "other.sip", "abi": [12, 9]}]
    new = provider(
        "gift-sip", paths=("gift/sip.so",), provided={"sip": Facts({"modules": modules})}
    )
    assert kinds(is_satisfied(asking((12, 9)), new, new)) == UNKNOWN


@pytest.mark.parametrize(
    "wrong",
    [{}, {"modules": 1}, {"modules": [{}]}, {"modules": [{"module": "gift.sip"}]},
     {"modules": [{"module": "gift.sip", "asks": [12], "is_partial": False, "abi": 12}]},
     {"modules": [{"module": "gift.sip", "asks": [[12]], "is_partial": False, "abi": [12]}]},
     {"modules": [{"module": "gift.sip", "asks": [["12", 1]], "is_partial": 0, "abi": ["a", 1]}]}],
)  # fmt: skip
def test_wrong_facts_are_refused(wrong: dict[str, Any]) -> None:
    right = offering((12, 9))
    with pytest.raises(InvalidRecord):
        is_satisfied(Facts(wrong), right, right)
    if wrong.get("modules") != [{"module": "gift.sip"}]:
        broken = provider("g", paths=("gift/sip.so",), provided={"sip": Facts(wrong)})
        with pytest.raises(InvalidRecord):
            is_satisfied(asking((12, 9)), right, broken)
