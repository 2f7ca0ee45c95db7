"""What a wheel needs of the platform."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend_shim.errors import InvalidRecord
from backend_shim.interfaces import linking, platform_floor
from backend_shim.interfaces.platform_floor import PlatformFloor
from backend_shim.record.facts import Facts
from tests.support.binding_factory import compiled, fingerprinted, kinds, provider_of, required
from tests.support.elf_factory import Image

_STRINGS = "#include <string>\nvoid keep(std::string &s) { s.append(3, 'x'); }"
_OLD = "-D_GLIBCXX_USE_CXX11_ABI=0"


def floor(directory: Path, **files: bytes) -> PlatformFloor:
    named = {name.replace("__", "/") + ".so": data for name, data in files.items()}
    return platform_floor.decode(required(fingerprinted(directory, named), "platform"))


def image(*versions: str, needed: str = "libc.so.6") -> bytes:
    needs = (("libc.so.6", tuple((index + 2, name) for index, name in enumerate(versions))),)
    return bytes(Image(needed=(needed,), needs=needs if versions else ()))


def test_the_newest_version_of_each_kind_counts(tmp_path: Path) -> None:
    found = floor(
        tmp_path,
        a=image("GLIBC_2.4", "GLIBC_2.17", "GLIBCXX_3.4.21"),
        b=image("GLIBC_2.9", "GCC_3.0", "CXXABI_1.3.9", "GLIBC_PRIVATE", "CXXABI_TM_1"),
    )
    assert found.libc == "glibc"
    assert found.versions == (
        ("CXXABI", "1.3.9"),
        ("GCC", "3.0"),
        ("GLIBC", "2.17"),
        ("GLIBCXX", "3.4.21"),
    )


def test_packed_relocations_need_glibc_2_36(tmp_path: Path) -> None:
    assert floor(tmp_path, a=image("GLIBC_ABI_DT_RELR", "GLIBC_2.34")).versions == (
        ("GLIBC", "2.36"),
    )


def test_musl_has_no_versions(tmp_path: Path) -> None:
    assert floor(tmp_path, a=image(needed="libc.musl-x86_64.so.1")).libc == "musl"
    both = floor(tmp_path, a=image(needed="libc.musl-x86_64.so.1"), b=image("GLIBC_2.4"))
    assert both.libc is None


def test_nothing_needed_is_no_facts(tmp_path: Path) -> None:
    read = fingerprinted(tmp_path, {"a.so": bytes(Image())})
    assert read.fingerprint.required("platform") is None


def test_both_abis_of_strings_are_told_apart(tmp_path: Path) -> None:
    new, old = compiled(_STRINGS, suffix=".cc"), compiled(_STRINGS, _OLD, suffix=".cc")
    assert floor(tmp_path, a=new).string_abi == ("cxx11",)
    assert floor(tmp_path, a=old).string_abi == ("old",)
    assert floor(tmp_path, a=old, b=new).string_abi == ("cxx11", "old")
    # What was grafted keeps to itself.
    assert floor(tmp_path, a=old, **{"x.libs__b": new}).string_abi == ("old",)


def test_another_string_abi_is_open_where_cxx_is_shared(tmp_path: Path) -> None:
    body = 'int count() { return 1; } extern "C" int plain() { return 2; }'
    made = {
        abi: provider_of(tmp_path, {"p/libp.so": compiled(
            _STRINGS + body, "-Wl,-soname,libp.so", *options, suffix=".cc")}, version=abi)
        for abi, options in (("1", ()), ("2", (_OLD,)))
    }  # fmt: skip
    linked = (("libp.so", compiled(_STRINGS + body, "-Wl,-soname,libp.so", suffix=".cc")),)
    source = 'int count(); extern "C" int plain(); int use() { return %s(); }'

    def judged(function: str) -> list[str]:
        consumer = compiled(source % function, suffix=".cc", libraries=linked)
        facts = required(fingerprinted(tmp_path, {"c.so": consumer}), "linking")
        assert kinds(linking.is_satisfied(facts, made["1"], made["1"])) == ["symbols-present"]
        return kinds(linking.is_satisfied(facts, made["1"], made["2"]))

    assert judged("count") == ["string-abi-changed"]
    assert judged("plain") == ["symbols-present"]


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"libc": 1, "versions": [], "string_abi": []},
        {"libc": None, "versions": [["GLIBC", 2]], "string_abi": []},
        {"libc": None, "versions": {"GLIBC": "2.4"}, "string_abi": []},
        {"libc": None, "versions": [], "string_abi": "old"},
    ],
)
def test_wrong_facts_are_refused(facts: dict[str, object]) -> None:
    with pytest.raises(InvalidRecord):
        platform_floor.decode(Facts(facts))
