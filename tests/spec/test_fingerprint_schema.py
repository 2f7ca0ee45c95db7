"""The schemas of the fingerprint and of the symbols say what is written, no less and no more."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from backend_shim.fingerprinting import Fingerprinted, fingerprint_wheel
from backend_shim.interfaces import cpython
from backend_shim.interfaces.table import INTERFACES
from backend_shim.record.fingerprint import AbiFingerprint, Generator
from backend_shim.record.series import Series, read_series, series_facts
from backend_shim.wheel.archive import WheelArchive
from tests.support import macho_factory, pe_factory
from tests.support.binding_factory import compiled, fingerprinted, literals
from tests.support.elf_factory import Image, ImageSymbol

SPEC = Path(__file__).parents[2] / "spec"
FINGERPRINT = json.loads((SPEC / "schemas" / "abi_fingerprint-0.1.schema.json").read_text("utf-8"))
SYMBOLS = json.loads((SPEC / "schemas" / "abi_symbols-0.1.schema.json").read_text("utf-8"))
EXAMPLES = sorted((SPEC / "examples").glob("abi_fingerprint*.json"))
WILD = Path.home() / ".cache" / "wheel-abi-wild" / "3.11"

VALIDATOR = jsonschema.Draft202012Validator(FINGERPRINT)
SYMBOLS_VALIDATOR = jsonschema.Draft202012Validator(SYMBOLS)


def validate(read: Fingerprinted) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(read.fingerprint.to_json())
    VALIDATOR.validate(document)
    SYMBOLS_VALIDATOR.validate(json.loads(read.symbols.to_json()))
    return document


@pytest.mark.parametrize("schema", [FINGERPRINT, SYMBOLS], ids=["fingerprint", "symbols"])
def test_the_schemas_are_schemas(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"].startswith("urn:wheel-abi:schema:")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.stem))
def test_the_examples_are_valid_and_canonical(path: Path) -> None:
    VALIDATOR.validate(json.loads(path.read_bytes()))
    assert AbiFingerprint.from_json(path.read_bytes()).to_json() == path.read_bytes()


def test_there_is_an_example_of_each_kind() -> None:
    read = {path.stem: AbiFingerprint.from_json(path.read_bytes()) for path in EXAMPLES}
    assert read["abi_fingerprint-pure"].is_purelib
    assert read["abi_fingerprint-numpy_consumer"].required("numpy-c-api")
    assert read["abi_fingerprint-libraries"].provided("linking")
    linked = read["abi_fingerprint-linked_consumer"]
    assert linked.required("linking")
    assert linked.required("platform")
    registries = read["abi_fingerprint-registries"]
    for name in ("capsule", "nanobind", "pybind11", "sip", "swig"):
        assert registries.required(name)
        assert registries.provided(name)
    assert registries.required("cffi")
    assert read["abi_fingerprint-modules_of_cython"].provided("cython")
    promising = read["abi_fingerprint-stable_abi_and_series"]
    assert [each.name for each in read_series(promising.series)] == ["gift._gift._C_API"]
    required = promising.required("cpython")
    assert required is not None
    assert cpython.decode(required.facts).stable_abi


def test_a_pure_wheel_is_valid(tmp_path: Path) -> None:
    assert validate(fingerprinted(tmp_path, {"a.py": b""}))["is_purelib"]


def test_a_wheel_with_all_interfaces_is_valid(tmp_path: Path) -> None:
    read = fingerprinted(
        tmp_path,
        {
            "a.abi3.so": compiled("int f(void); int PyInit_a(void) { return f(); }"),
            "b.so": literals("_ARRAY_API", "numpy._core._multiarray_umath", "(NumPy 2.0)"),
            "c.so": literals("_ARRAY_API", "numpy", "nanobind::cast(): failed", "x.numpy.%s"),
            "lib/libd.so": bytes(Image(symbols=[ImageSymbol("d", size=4)], soname="libd.so.1")),
            "lib/include/d.h": b"int d(void);",
            "e.pyd": b"MZ".ljust(60, b"\0") + b"\x40\0\0\0PE\0\0",
            "f.so": b"\x7fELF".ljust(64),
        },
        looked_for=("numpy",),
    )
    document = validate(read)
    assert {each["interface"] for each in document["requires"]} == {
        "linking", "numpy-c-api", "import-name", "nanobind", "cpython",
    }  # fmt: skip
    assert {each["interface"] for each in document["provides"]} == {
        "linking", "header", "nanobind",
    }  # fmt: skip
    assert len(document["unread"]) == 2


def test_wheels_for_windows_and_macos_are_valid(tmp_path: Path) -> None:
    exports = [pe_factory.Export(("f",)), pe_factory.Export((), forwarder="other.f")]
    imports = {"KERNEL32.dll": ("Sleep", 5)}
    macho = bytes(
        macho_factory.Image(
            name="@rpath/liba.1.dylib",
            needed=[macho_factory.Library("/usr/lib/libSystem.B.dylib")],
            run_path=["@loader_path"],
            exports=[macho_factory.Export("_f"), macho_factory.Export("_")],
            imports=[macho_factory.Import("_malloc")],
        )
    )
    read = fingerprinted(
        tmp_path,
        {
            "a.dll": bytes(pe_factory.Image(name="a.dll", exports=exports, imports=imports)),
            "liba.dylib": macho_factory.universal((macho_factory.X86_64, 3, macho)),
        },
    )
    document = validate(read)
    assert [(each["format"], each["needed"]) for each in document["objects"]] == [
        ("pe", ["KERNEL32.dll"]),
        ("macho", ["/usr/lib/libSystem.B.dylib"]),
    ]
    assert document["objects"][1]["version_needs"] == [
        {"file": "/usr/lib/libSystem.B.dylib", "versions": ["1.0.0"]}
    ]


def test_a_numpy_is_valid(tmp_path: Path) -> None:
    header = b"#define NPY_ABI_VERSION 0x02000000\n#define NPY_API_VERSION 0x00000013\n"
    read = fingerprinted(tmp_path, {"numpy/_numpyconfig.h": header, "n.so": bytes(Image())},
                         name="numpy")  # fmt: skip
    validate(read)
    assert read.fingerprint.provided("numpy-c-api")


def test_wheels_with_capsules_and_registries_are_valid(tmp_path: Path) -> None:
    calls = "int PyCapsule_New(void), PyCapsule_Import(void), PyCapsule_GetPointer(void);"
    uses = "int f(void) { return PyCapsule_New() + PyCapsule_Import() + PyCapsule_GetPointer(); }"
    texts = (
        *("gift._C_API", "greenlet._C_API", "PyQt6.sip", "PyQt6.sip._C_API"),
        *("__pybind11_internals_v4_gcc_libstdcpp_cxxabi1014__", "N4gift3BoxE"),
        *("swig_runtime_data4.type_pointer_capsule", "_p_Box"),
    )
    rows = ",".join(f'"{text}"' for text in texts)
    module = compiled(f"const char *const all[] = {{{rows}}}; {calls} {uses}")
    read = fingerprinted(tmp_path, {"gift.so": module}, looked_for=("greenlet", "PyQt6.sip"))
    document = validate(read)
    assert {each["interface"] for each in document["requires"]} >= {
        "capsule", "sip", "pybind11", "swig",
    }  # fmt: skip
    assert {each["interface"] for each in document["provides"]} >= {"capsule", "pybind11", "swig"}


def test_a_cffi_and_a_module_made_by_it_are_valid(tmp_path: Path) -> None:
    files = {
        "cffi/recompiler.py": b"VERSION_BASE = 0x2601\n",
        "cffi/parse_c_type.h": b"#define _CFFI_OP_ARRAY 5\n",
        "cffi/_cffi_include.h": b"#define _cffi_to_c_i8 ((int(*)(void *))_cffi_exports[1])\n",
        "n.so": bytes(Image()),
    }
    read = fingerprinted(tmp_path, files, name="cffi")
    validate(read)
    assert read.fingerprint.provided("cffi")
    made = compiled(
        """int PyLong_FromVoidPtr(void); int f(void) { return PyLong_FromVoidPtr(); }
        const char *const a[] = {"_cffi_backend", "_init_cffi_1_0_external_module"};"""
    )
    read = fingerprinted(tmp_path, {"m.so": made}, looked_for=("_cffi_backend",))
    validate(read)
    assert read.fingerprint.required("cffi")


def test_a_pytorch_is_valid(tmp_path: Path) -> None:
    header = b"AOTI_TORCH_EXPORT int torch_f(void);"
    files = {
        "torch/lib/libtorch.so": compiled("int torch_f(void) { return 1; }"),
        "torch/include/torch/csrc/stable/c/shim.h": header,
    }
    read = fingerprinted(tmp_path, files, name="torch")
    validate(read)
    assert read.fingerprint.provided("torch")


def test_every_interface_has_a_shape() -> None:
    shaped = {
        branch["if"]["properties"]["interface"]["const"]
        for side in ("provided", "required")
        for branch in FINGERPRINT["$defs"][side]["allOf"]
    }
    assert shaped == {interface.name for interface in INTERFACES}


def test_what_a_project_promises_is_valid() -> None:
    promises = [
        Series(name="linking", last_change="2!1.0", last_addition="2!1.4rc1"),
        Series(name="gift._C_API", last_change="1", last_addition="3.1.4"),
    ]
    document = json.loads(EXAMPLES[0].read_bytes())
    entries = AbiFingerprint(generator=Generator(), is_purelib=True, series=series_facts(promises))
    document["series"] = json.loads(entries.to_json())["series"]
    VALIDATOR.validate(document)
    assert [each["interface"] for each in document["series"]] == ["gift._C_API", "linking"]
    for key, wrong in (("last_change", "soon"), ("last_addition", "1.0.post1")):
        changed = copy.deepcopy(document)
        changed["series"][0]["facts"][key] = wrong
        assert not VALIDATOR.is_valid(changed)


def test_facts_of_an_interface_that_is_not_known_have_any_shape() -> None:
    document = json.loads(EXAMPLES[0].read_bytes())
    document["provides"].append({"interface": "moon", "basis": "declared", "facts": {"a": [1]}})
    VALIDATOR.validate(document)


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every object in `value`."""
    if isinstance(value, dict):
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in items:
        if isinstance(child, (dict, list)):
            yield from places(child, (*path, key))


# Their keys are names of functions and types.
BY_NAME = {("functions",), ("sizes",)}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.stem))
def test_no_object_may_have_a_key_more_or_less(path: Path) -> None:
    document = json.loads(path.read_bytes())
    for place in places(document):
        changed = copy.deepcopy(document)
        target = changed
        for key in place:
            target = target[key]
        target["moon"] = 1
        assert not VALIDATOR.is_valid(changed), place
        del target["moon"]
        if place[-1:] in BY_NAME:
            continue
        for key in set(target) - {"provider"}:
            value = target.pop(key)
            assert not VALIDATOR.is_valid(changed), (place, key)
            target[key] = value


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        (("objects", 0, "digest"), "sha256=short"),
        (("objects", 0, "digest"), "md5=" + "a" * 22),
        (("objects", 0, "size"), -1),
        (("objects", 0, "size"), 2**53),
        (("objects", 0, "crc32"), 2**32),
        (("objects", 0, "kind"), "plugin"),
        (("objects", 0, "path"), "/absolute"),
        (("objects", 0, "exported", "digest"), "A" * 64),
        (("requires", 0, "basis"), "guessed"),
        (("is_purelib",), True),
        (("schema_version",), "0.2"),
    ],
)
def test_values_are_bounded(place: tuple[Any, ...], wrong: object) -> None:
    document = json.loads((SPEC / "examples" / "abi_fingerprint-numpy_consumer.json").read_bytes())
    target = document
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = wrong
    assert not VALIDATOR.is_valid(document)


@pytest.mark.network
@pytest.mark.parametrize("name", ["shapely-2.0.2", "shiboken6-6.7.0"])
def test_real_wheels_are_valid(name: str) -> None:
    wheel = next(WILD.glob(f"{name}-*.whl"), None)
    if wheel is None:
        pytest.skip(f"{name} is not in the cache of wheels from the index")
    with WheelArchive.open(wheel) as archive:
        document = validate(fingerprint_wheel(archive, looked_for=("numpy", "greenlet")))
    again = AbiFingerprint.from_json(json.dumps(document).encode())
    assert json.loads(again.to_json()) == document
