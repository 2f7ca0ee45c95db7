"""NumPy's ABI and feature version: what binaries say of them, and which NumPy satisfies that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backend_shim.binary import read_shared_objects
from backend_shim.errors import InvalidRecord
from backend_shim.interfaces import numpy_c_api
from backend_shim.interfaces.numpy_c_api import explains, is_satisfied, read_object
from backend_shim.interfaces.numpy_feature_version import compiled_feature_version
from backend_shim.interfaces.provider import Provider, nothing_of
from backend_shim.record.facts import Facts
from tests.support import macho_factory, pe_factory
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

FEATURES = {"1.19.5": 0xD, "1.23.5": 0x10, "1.26.4": 0x11, "2.0.2": 0x12, "2.2.6": 0x13}


def numpy(release: str) -> Provider:
    abi = 0x01000009 if release.startswith("1.") else 0x02000000
    facts = {"abi_version": abi, "api_version": FEATURES[release], "release": release}
    return provider("numpy", release, provided={"numpy-c-api": Facts(facts)})


def use(**changes: Any) -> Facts:
    facts: dict[str, Any] = {
        "accepts": [], "target": None, "feature_version": None, "is_target_partial": False,
        "by_name_knows": [], "is_by_name_partial": False, "types_only": False,
    }  # fmt: skip
    return Facts({**facts, **changes})


def judged(facts: Facts, old: str, new: str) -> list[str]:
    return kinds(is_satisfied(facts, numpy(old), numpy(new)))


FITS, OPEN, OLD = ["numpy-c-api-fits"], ["numpy-target-unknown"], ["numpy-too-old"]
ABI1: dict[str, Any] = {"accepts": [1], "is_target_partial": True}
ABI2: dict[str, Any] = {"accepts": [1, 2], "target": [1, 23]}


@pytest.mark.parametrize(
    ("facts", "old", "new", "kind"),
    [
        (ABI1, "1.26.4", "2.0.2", ["numpy-abi-refused"]),
        ({"accepts": [1], "target": [1, 20]}, "1.26.4", "2.0.2", ["numpy-abi-refused"]),
        (ABI2, "2.0.2", "1.26.4", FITS),
        (ABI2, "2.0.2", "2.2.6", FITS),
        (ABI2, "2.0.2", "1.23.5", FITS),
        (ABI2, "2.0.2", "1.19.5", OLD),
        ({"accepts": [1, 2], "target": [2, 0]}, "2.2.6", "1.26.4", OLD),
        ({"accepts": [1, 2], "target": [2, 2]}, "2.2.6", "2.0.2", OLD),
        (ABI1, "1.23.5", "1.26.4", FITS),
        (ABI1, "1.26.4", "1.26.4", FITS),
        (ABI1, "1.26.4", "1.23.5", OPEN),
        ({"accepts": [1], "feature_version": 0xD}, "1.26.4", "1.23.5", FITS),
        ({"accepts": [1], "feature_version": 0x10}, "1.26.4", "1.19.5", OLD),
        ({"accepts": [1], "feature_version": 0xD, "is_target_partial": True}, "1.26.4", "1.19.5",
         OPEN),
        ({"by_name_knows": [1]}, "1.26.4", "2.0.2", ["numpy-found-by-name"]),
        ({"by_name_knows": [1]}, "1.23.5", "1.26.4", FITS),
        ({"by_name_knows": [1]}, "1.26.4", "1.23.5", FITS),
        ({"by_name_knows": [1, 2]}, "1.26.4", "2.0.2", FITS),
        ({"by_name_knows": [1, 2], "is_by_name_partial": True}, "1.26.4", "2.0.2", FITS),
        ({"by_name_knows": [1, 2], "is_by_name_partial": True}, "2.0.2", "1.26.4", OPEN),
        ({"types_only": True}, "1.23.5", "1.26.4", FITS),
        ({"types_only": True}, "1.26.4", "2.0.2", ["numpy-layout-unknown"]),
        ({"types_only": True}, "1.26.4", "1.19.5", ["numpy-layout-unknown"]),
        ({**ABI2, "by_name_knows": [1]}, "1.26.4", "2.0.2", [*FITS, "numpy-found-by-name"]),
        ({}, "1.26.4", "2.0.2", []),
    ],
)  # fmt: skip
def test_a_numpy_satisfies_what_it_would_let_run(
    facts: dict[str, Any], old: str, new: str, kind: list[str]
) -> None:
    assert judged(use(**facts), old, new) == kind


def test_without_an_older_numpy_only_what_is_named_counts() -> None:
    new, facts = numpy("2.0.2"), use(**ABI2)
    assert kinds(is_satisfied(facts, nothing_of(new), new)) == FITS
    facts = use(accepts=[1, 2], is_target_partial=True)
    assert kinds(is_satisfied(facts, nothing_of(new), new)) == OPEN
    facts = use(by_name_knows=[1, 2], is_by_name_partial=True)
    assert kinds(is_satisfied(facts, nothing_of(new), new)) == OPEN
    assert kinds(is_satisfied(use(types_only=True), nothing_of(new), new)) == [
        "numpy-layout-unknown"
    ]


def test_a_numpy_that_tells_no_versions_leaves_it_open() -> None:
    silent = provider("numpy", "3.0")
    assert kinds(is_satisfied(use(**ABI2), numpy("2.0.2"), silent)) == ["numpy-versions-unknown"]


@pytest.mark.parametrize(
    ("facts", "modules"),
    [
        (ABI1, ["numpy.core._multiarray_umath"]),
        (ABI2, ["numpy._core._multiarray_umath"]),
        ({"types_only": True}, ["numpy.core._multiarray_umath"]),
        ({"by_name_knows": [1, 2]}, []),
    ],
)
def test_the_header_that_was_compiled_in_imports_the_table(
    facts: dict[str, Any], modules: list[str]
) -> None:
    (binding,) = is_satisfied(use(**facts), numpy("1.26.4"), numpy("1.26.4"))
    assert [each.name for each in binding.compiled_from] == modules
    assert [each.module for each in binding.compiled_from] == modules
    # It does not lay out all that is used, so it is not what would have to be unchanged.
    assert binding.declarations == ()


def test_another_project_is_no_numpy() -> None:
    assert is_satisfied(use(**ABI2), provider("scipy"), provider("scipy")) == ()


def test_a_prerelease_has_what_its_release_has() -> None:
    facts = {"abi_version": 0x02000000, "api_version": 0x13, "release": "2.2.0rc1+local"}
    new = provider("numpy", "2.2.0rc1", provided={"numpy-c-api": Facts(facts)})
    need = use(accepts=[1, 2], target=[2, 2])
    assert kinds(is_satisfied(need, numpy("2.0.2"), new)) == FITS


@pytest.mark.parametrize(
    "wrong",
    [{"accepts": None}, {"accepts": ["1"]}, {"target": "1.23"}, {"target": [None]},
     {"feature_version": "x"}, {"types_only": 1}, {"is_target_partial": None}],
)  # fmt: skip
def test_wrong_facts_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidRecord):
        judged(use(**wrong), "1.26.4", "2.0.2")


@pytest.mark.parametrize("key", ["abi_version", "api_version", "release"])
def test_wrong_facts_of_a_numpy_are_refused(key: str) -> None:
    facts = {**numpy("2.0.2").provided["numpy-c-api"].thaw(), key: None}
    new = provider("numpy", "2.0.2", provided={"numpy-c-api": Facts(facts)})
    with pytest.raises(InvalidRecord):
        is_satisfied(use(**ABI2), numpy("2.0.2"), new)


OLD_PATH, NEW_PATH = "numpy.core._multiarray_umath", "numpy._core._multiarray_umath"
CHECK = "module compiled against ABI version 0x%x but this version of numpy is 0x%x"
SIZES = "%s.%s size changed, may indicate binary incompatibility"
PYBIND = "__pybind11_internals_v4_gcc_libstdcpp_cxxabi1011__"


@pytest.mark.parametrize(
    ("texts", "seen"),
    [
        (("hello",), None),
        (("numpy",), None),
        (("_ARRAY_API", OLD_PATH), ("compiled", False, None)),
        (("_UFUNC_API", OLD_PATH), ("compiled", False, None)),
        (("_ARRAY_API", OLD_PATH, NEW_PATH, "(NumPy 1.23) x"), ("compiled", True, [1, 23])),
        (("_ARRAY_API", NEW_PATH, "(NumPy 1.23) x", "(NumPy 2.0)"), ("compiled", True, [2, 0])),
        (("_ARRAY_API", "numpy.core.multiarray", CHECK), ("compiled", False, None)),
        (("_ARRAY_API", OLD_PATH, "numpy._core", PYBIND), ("compiled", False, None)),
        (("_ARRAY_API", "numpy.core.multiarray"), ("by-name", False, None)),
        (("_ARRAY_API", "numpy._core"), ("by-name", True, None)),
        # Rust's crate `numpy`, of which tokenizers 0.23 and polars 2.1 are made.
        (("_ARRAY_API", "numpy.core", "numpy._core", CHECK, "/rustc/1"), ("by-name", True, None)),
        (("_ARRAY_API", "numpy.core", CHECK, "/rustc/1"), ("compiled", False, None)),
        (("numpy", SIZES), ("types-only", False, None)),
        (("numpy.random", SIZES), None),
    ],
)
def test_an_object_tells_how_it_uses_the_api(
    texts: tuple[str, ...], seen: tuple[str, bool, object] | None
) -> None:
    found = read_object(opened(literals(*texts)))
    if seen is None:
        assert found is None
        return
    assert isinstance(found, dict)
    assert (found["use"], found["knows_new"], found.get("target")) == seen


def test_a_table_taken_from_another_object_is_a_use_of_the_types() -> None:
    data = compiled(
        "extern void **EIGENPY_ARRAY_API; void *f(void) { return EIGENPY_ARRAY_API[2]; }"
    )
    assert read_object(opened(data)) == {"use": "types-only", "knows_new": False}


def test_objects_that_import_the_api_tell_for_the_others(tmp_path: Path) -> None:
    files = {
        "a.so": literals("_ARRAY_API", NEW_PATH, "(NumPy 1.23) x"),
        "b.so": literals("_ARRAY_API", NEW_PATH, "(NumPy 1.25) x"),
        "c.so": literals("numpy", SIZES),
        "d.so": literals("_ARRAY_API", "numpy._core", PYBIND),
    }
    found = fingerprinted(tmp_path, files)
    assert required(found, "numpy-c-api") == use(
        accepts=[1, 2], target=[1, 25], by_name_knows=[1, 2]
    )
    files["e.so"] = literals("_ARRAY_API", OLD_PATH)
    found = fingerprinted(tmp_path, files)
    assert required(found, "numpy-c-api") == use(
        accepts=[1], target=[1, 25], is_target_partial=True, by_name_knows=[1, 2]
    )


def test_a_numpy_wheel_says_its_versions_and_requires_nothing(tmp_path: Path) -> None:
    header = b"#define NPY_ABI_VERSION 0x02000000\n#define NPY_API_VERSION 0x00000013\n"
    files = {
        "numpy/_core/include/numpy/_numpyconfig.h": header,
        "numpy/core/include/numpy/_numpyconfig.h": header,
        "numpy/_core/m.so": literals("_ARRAY_API", NEW_PATH),
    }
    found = provider_of(tmp_path, files, name="NumPy", version="2.2.6")
    expected = {"abi_version": 0x02000000, "api_version": 0x13, "release": "2.2.6"}
    assert found.provided["numpy-c-api"] == Facts(expected)
    assert "numpy-c-api" not in found.required


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"#define NPY_ABI_VERSION 0x2000000",
        b"#define NPY_ABI_VERSION (1)\n#define NPY_API_VERSION 0x1",
        b"#define NPY_ABI_VERSION 0x1\n#define NPY_ABI_VERSION 0x2\n#define NPY_API_VERSION 0x1",
    ],
)
def test_a_header_that_does_not_tell_both_plainly_tells_nothing(
    tmp_path: Path, text: bytes
) -> None:
    found = provider_of(tmp_path, {"numpy/_numpyconfig.h": text}, name="numpy")
    assert "numpy-c-api" not in found.provided


def test_every_module_but_random_is_explained() -> None:
    assert all(map(explains, ("numpy", "numpy.core._multiarray_umath", "numpy.linalg")))
    assert not any(map(explains, ("numpy.random", "numpy.random.mtrand", "numpyro")))


MESSAGE = "module compiled against API version 0x%x but this version of numpy is 0x%x"


def import_array(version: int | str, name: str = "import_array") -> str:
    return f"""
    extern int PyErr_Format(void *, const char *, ...); extern void *E; extern int V(void), W;
    int {name}(void) {{
        int v = V();
        if (v < {version}) {{ PyErr_Format(E, "{MESSAGE}", {version}, v); return -1; }}
        return 0;
    }}"""


def feature_version(data: bytes) -> int | None:
    return compiled_feature_version(data, read_shared_objects(data)[0])


def x86_64(source: str, *options: str) -> bytes:
    data = compiled(source, *options)
    if read_shared_objects(data)[0].machine != "x86_64":
        pytest.skip("read from x86-64 code only")
    return data


@pytest.mark.parametrize("level", ["-O1", "-O2", "-O3", "-Os"])
@pytest.mark.parametrize("version", [0xD, 0x11])
def test_the_feature_version_is_read_from_the_call(level: str, version: int) -> None:
    data = x86_64(import_array(version), level)
    assert feature_version(data) == version
    assert read_object(opened(x86_64(import_array(version) + f"""
        const char *const names[] = {{"_ARRAY_API", "{OLD_PATH}"}};"""))) == {
        "use": "compiled", "knows_new": False, "is_pybind11": False, "target": None,
        "feature_version": version,
    }  # fmt: skip


def call_with_message(third_argument: bytes, message_at: int, code_at: int) -> bytes:
    """`lea rdx, [rip + displacement]` of the message, beside another instruction."""
    load = b"\x48\x8d\x15" + (message_at - code_at - 7).to_bytes(4, "little", signed=True)
    return load + third_argument + b"\xe8\0\0\0\0\xc3"


MOV_R8D, MOV_EDX = b"\x41\xb8\x10\0\0\0", b"\xba\x10\0\0\0"


@pytest.mark.parametrize(("instruction", "version"), [(MOV_R8D, 0x10), (MOV_EDX, None)])
def test_windows_passes_the_third_argument_in_another_register(
    instruction: bytes, version: int | None
) -> None:
    code = call_with_message(instruction, pe_factory.RDATA, pe_factory.TEXT)
    image = pe_factory.Image(code=code, constants=MESSAGE.encode() + b"\0")
    assert feature_version(bytes(image)) == version


@pytest.mark.parametrize(("instruction", "version"), [(MOV_EDX, 0x10), (MOV_R8D, None)])
def test_macos_passes_the_third_argument_as_linux_does(
    instruction: bytes, version: int | None
) -> None:
    code = call_with_message(instruction, macho_factory.CONST, macho_factory.TEXT)
    image = macho_factory.Image(code=code, constants=MESSAGE.encode() + b"\0")
    assert feature_version(bytes(image)) == version


def test_two_feature_versions_in_one_object_tell_none() -> None:
    data = x86_64(import_array(13) + import_array(17, "import_other"))
    assert feature_version(data) is None


def test_a_version_that_is_no_immediate_is_not_guessed() -> None:
    assert feature_version(x86_64(import_array("W"))) is None


def test_other_machines_and_stripped_section_headers_tell_none() -> None:
    data = x86_64(import_array(13))
    assert feature_version(data[:18] + (183).to_bytes(2, "little") + data[20:]) is None
    without = data[:40] + bytes(8) + data[48:58] + bytes(6) + data[64:]
    assert read_shared_objects(without)[0].code == ()
    assert feature_version(without) is None
    assert feature_version(literals("hello")) is None


def test_the_name_of_the_interface_is_that_of_the_records() -> None:
    assert numpy_c_api.NAME == "numpy-c-api"
