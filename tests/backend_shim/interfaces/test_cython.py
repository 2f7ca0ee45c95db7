"""Cython's C functions and types: what is imported is a superset, what is exported exact."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Any

import pytest

from backend_shim.errors import InvalidRecord
from backend_shim.interfaces import cython, cython_module, cython_signature
from backend_shim.interfaces.cython_module import CExports, CTables
from backend_shim.interfaces.reasons import Effect
from backend_shim.record.facts import Facts
from tests.support.binding_factory import fingerprinted, kinds, opened, provider, required

PROVIDER_PXD = """\
cdef class Pool:
    cdef int a
    cdef int grow(self, int n) except -1
ctypedef struct point:
    int x
cdef int add(int a, int b) noexcept nogil
cdef double mul(double a, double *b) noexcept
cdef point make(int x) noexcept
cdef int apart(int a) noexcept
cdef int counter
"""
PROVIDER_PYX = """\
cdef class Pool:
    cdef int grow(self, int n) except -1:
        return n
cdef int add(int a, int b) noexcept nogil:
    return a + b
cdef double mul(double a, double *b) noexcept:
    return a
cdef point make(int x) noexcept:
    cdef point p
    p.x = x
    return p
cdef int apart(int a) noexcept:
    return a
cdef int counter = 3
"""
CONSUMER_PYX = """\
from prov cimport Pool, add, make
import multidict, prov as python_level
def f(int a):
    cdef Pool p = Pool()
    return add(a, 2) + make(3).x + p.grow(3) + multidict.x
"""
SIGNATURES = {
    "add": "int (int, int)",
    "mul": "double (double, double *)",
    "make": "__pyx_t_4prov_point (int)",
    "apart": "int (int)",
}


def _build(directory: Path, cythonize: list[str]) -> dict[str, bytes]:
    """The two modules, made by Cython and GCC as their backends would."""
    if shutil.which("gcc") is None:
        pytest.skip("no gcc")
    for name, text in (
        ("prov.pxd", PROVIDER_PXD),
        ("prov.pyx", PROVIDER_PYX),
        ("cons.pyx", CONSUMER_PYX),
    ):
        (directory / name).write_text(text)
    built = {}
    include = sysconfig.get_path("include")
    for module in ("prov", "cons"):
        for command in (
            [*cythonize, "-3", f"{module}.pyx"],
            [
                *("gcc", "-O2", "-fPIC", "-shared", "-w", f"-I{include}"),
                *(f"{module}.c", "-o", f"{module}.so"),
            ],
        ):
            done = subprocess.run(
                command, cwd=directory, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr[-2000:]
        built[module] = (directory / f"{module}.so").read_bytes()
    return built


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    if not Path(str(sysconfig.get_path("include")), "Python.h").exists():
        pytest.skip("no headers of Python")
    return _build(tmp_path_factory.mktemp("cython"), [sys.executable, "-m", "cython"])


def _check(built: dict[str, bytes], directory: Path) -> None:
    files = {"prov.so": built["prov"], "prov.pxd": PROVIDER_PXD.encode()}
    offered = fingerprinted(directory, files, name="prov").fingerprint.provided(cython.NAME)
    assert offered is not None
    (module,) = offered.facts.thaw()["modules"]  # type: ignore[misc]
    assert isinstance(module, dict)
    functions = module["functions"]
    assert isinstance(functions, dict)
    assert functions.items() <= SIGNATURES.items()
    assert functions.keys() | set(module["uncertain"]) == SIGNATURES.keys()  # type: ignore[arg-type]
    assert module["types"] == ["Pool"]
    assert module["variables"] == ["counter"]
    assert module["sizes"] == {"Pool": {"basic": 32, "item": 0, "is_strict": False}}
    assert not module["is_imported"]
    facts = required(
        fingerprinted(directory, {"cons.so": built["cons"]}, looked_for=["prov", "multidict"]),
        cython.NAME,
    )
    (use,) = facts.thaw()["objects"]  # type: ignore[misc]
    assert isinstance(use, dict)
    assert use["named"] == ["prov"], "multidict is a name of the Python level"
    assert not use["is_partial"]
    for name in ("add", "make", "Pool"):
        assert any(name in each for each in use["names"])  # type: ignore[union-attr]
    same = provider("prov", paths=files, provided={cython.NAME: offered.facts})
    found = cython.is_satisfied(facts, same, same)
    assert {each.effect for one in found for each in one.reasons} <= {Effect.SUPPORTS, Effect.OPEN}
    declared = {each.name for one in found for each in one.declarations}
    assert "prov.Pool" in declared or "prov" in declared
    module["functions"] = {**functions, "add": "long (int, int)", "make": "long (int)"}
    changed = provider(
        "prov", "2", paths=files, provided={cython.NAME: Facts({"modules": [module]})}
    )
    if "add" in functions and not module["uncertain"]:
        assert "cython-signature-changed" in kinds(cython.is_satisfied(facts, same, changed))


def test_modules_made_by_the_newest_cython(built: dict[str, bytes], tmp_path: Path) -> None:
    _check(built, tmp_path)


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize("release", ["0.29.37", "3.0.12", "3.1.6", "3.2.4", "3.3.1"])
def test_modules_made_by_every_line_of_cython(release: str, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    install = [python, "-m", "pip", "install", "-q", f"cython=={release}", "setuptools"]
    subprocess.run(install, check=True)
    source = PROVIDER_PXD if release >= "3" else PROVIDER_PXD.replace(" noexcept", "")
    directory = tmp_path / "build"
    directory.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "PROVIDER_PXD", source)
        patch.setitem(
            globals(),
            "PROVIDER_PYX",
            PROVIDER_PYX if release >= "3" else PROVIDER_PYX.replace(" noexcept", ""),
        )
        _check(_build(directory, [python, "-m", "cython"]), tmp_path)


def _module(
    functions: dict[str, str] | None = None, name: str = "prov", **more: Any
) -> dict[str, Any]:
    return {
        "module": name,
        "functions": SIGNATURES if functions is None else functions,
        "uncertain": [],
        "types": ["Pool"],
        "sizes": {"Pool": {"basic": 32, "item": 0, "is_strict": False}},
        "variables": ["counter"],
        "is_imported": False,
        **more,
    }


def _provider(*modules: dict[str, Any], version: str = "1") -> Any:
    paths = ("prov.so", "prov.pxd", "other.so")
    facts = Facts({"modules": list(modules)})
    return provider("prov", version, paths=paths, provided={cython.NAME: facts} if modules else {})


def _consumer(*names: str, named: tuple[str, ...] = ("prov",), **more: Any) -> Facts:
    use = {
        "path": "c.so",
        "named": list(named),
        "names": [*names, "prov"],
        "signatures": [SIGNATURES[name] for name in names if name in SIGNATURES],
        "has_variables": False,
        "is_partial": False,
        "is_exclusive": True,
        **more,
    }
    return Facts({"objects": [use]})


OLD = _provider(_module())


def test_the_same_signatures_hold() -> None:
    found = cython.is_satisfied(_consumer("add", "mul"), OLD, OLD)
    assert kinds(found) == ["cython-functions-present", "cython-declarations-used"]
    # Types, constants and inline functions of the `.pxd` are compiled in.
    assert [(each.name, each.is_exact) for each in found[1].declarations] == [("prov", True)]


@pytest.mark.parametrize(
    ("functions", "kind"),
    [
        ({**SIGNATURES, "add": "long (int, int)"}, "cython-signature-changed"),
        ({"mul": SIGNATURES["mul"]}, "cython-function-missing"),
    ],
)
def test_a_function_that_went_or_changed_refuses(functions: dict[str, str], kind: str) -> None:
    new = _provider(_module(functions), version="2")
    assert kinds(cython.is_satisfied(_consumer("add"), OLD, new))[0] == kind
    assert kinds(cython.is_satisfied(_consumer("mul"), OLD, new))[0] == "cython-functions-present"


def test_a_name_without_its_signature_is_no_import() -> None:
    new = _provider(_module({"mul": SIGNATURES["mul"]}), version="2")
    use = _consumer("add", "mul", signatures=[SIGNATURES["mul"]])
    assert kinds(cython.is_satisfied(use, OLD, new))[0] == "cython-functions-present"


def test_a_name_that_linkers_merged_with_another_counts() -> None:
    new = _provider(_module({}), version="2")
    use = _consumer("bad_add", signatures=["unsigned int (int, int)"])
    assert kinds(cython.is_satisfied(use, OLD, new))[0] == "cython-function-missing"


def test_types_have_to_be_declared_unchanged() -> None:
    found = cython.is_satisfied(_consumer("add", "Pool"), OLD, OLD)
    assert kinds(found) == ["cython-functions-present", "cython-declarations-used"]
    assert [each.name for each in found[1].declarations] == ["prov", "prov.Pool"]


def test_types_in_signatures_have_to_be_declared_unchanged() -> None:
    found = cython.is_satisfied(_consumer("make"), OLD, OLD)
    assert kinds(found) == ["cython-functions-present", "cython-declarations-used"]
    assert [each.name for each in found[1].declarations] == ["prov", "prov.point"]


@pytest.mark.parametrize(
    ("use", "old"),
    [
        (_consumer("add", is_partial=True), OLD),
        (_consumer("nothing"), OLD),
        (_consumer("add", "counter"), _provider()),
        (_consumer("add"), _provider(_module(functions=None, uncertain=["add"]))),
        (_consumer("add"), _provider(_module() | {"functions": None})),
        (_consumer("add"), _provider(_module() | {"types": None})),
        (_consumer("add", has_variables=True), _provider(_module() | {"variables": None})),
    ],
    ids=["partial", "nothing known", "unread", "uncertain", "functions", "types", "variables"],
)
def test_what_cannot_be_told_is_open(use: Facts, old: Any) -> None:
    found = cython.is_satisfied(use, old, OLD)
    assert kinds(found) == ["cython-module-used"]
    assert [each.name for each in found[0].declarations] == ["prov"]


def test_a_new_module_that_cannot_be_read_is_open() -> None:
    for new in (_provider(), _provider(_module() | {"functions": None})):
        assert kinds(cython.is_satisfied(_consumer("add"), OLD, new))[0] == "cython-module-used"
    unsure = _provider(_module({}, uncertain=["add"]))
    assert kinds(cython.is_satisfied(_consumer("add"), OLD, unsure))[0] == "cython-module-used"


def test_variables_have_to_be_declared_unchanged() -> None:
    found = cython.is_satisfied(_consumer("add", "counter", has_variables=True), OLD, OLD)
    assert [each.name for each in found[1].declarations] == ["prov", "prov.counter"]


def test_names_that_are_no_module_stay_open() -> None:
    found = cython.is_satisfied(_consumer("add", named=("prov", "prov._C_API")), OLD, OLD)
    assert kinds(found)[::2] == ["cython-functions-present", "named-in-binary"]


def test_another_wheels_module_is_none_of_this_provider() -> None:
    assert cython.is_satisfied(_consumer("add", named=("elsewhere",)), OLD, OLD) == ()


@pytest.mark.parametrize("facts", [{"objects": 3}, {"objects": [{}]}, {"objects": [{"named": 1}]}])
def test_wrong_facts_are_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(InvalidRecord):
        cython.is_satisfied(Facts(facts), OLD, OLD)


@pytest.mark.parametrize(
    ("signature", "types"),
    [
        ("double (double, int __pyx_skip_dispatch)", []),
        ("void (int *, __pyx_t_float_complex *, PyObject *)", []),
        ("enum __pyx_t_4blis_2cy_trans_t (int)", [("blis.cy", "trans_t")]),
        ("void (struct __pyx_obj_5cymem_5cymem_Pool *)", [("cymem.cymem", "Pool")]),
        ("int (struct __pyx_opt_args_4prov_add *)", [("prov", "add")]),
        ("foo_t (struct bar *)", [(None, "foo_t"), (None, "bar")]),
        ("void (__Pyx_memviewslice)", [(None, None)]),
        ("void (__pyx_t_9x)", [(None, None)]),
    ],
)
def test_types_named_by_a_signature(
    signature: str, types: list[tuple[str | None, str | None]]
) -> None:
    assert list(cython_signature.types_in(signature)) == types


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        (b"cdef int a, b  # d\ncdef public double *c\n", {"a", "b", "c"}),
        (b"cdef int f(int x)\ncdef class A:\n    cdef int y\n", set()),
        (b'cdef extern from "x.h":\n    int z\n', set()),
        (b"cdef:\n    int a\n", None),
    ],
)
def test_variables_of_a_pxd(text: bytes, variables: set[str] | None) -> None:
    found = cython_module.variables_in(text)
    assert (None if found is None else set(found)) == variables


PXD = b"cdef int add(int)\ncdef int mul (int)\ncdef int addi(int)"


@pytest.mark.parametrize(
    ("block", "functions", "uncertain"),
    [
        ((("mul", "int (int)"), ("mulint", "int (int)")), {"mul": "int (int)"}, ()),
        ((("mul", ""), ("mul\x01", "int (int)")), {"mul": "int (int)"}, ("mul",)),
        ((("mul", "int (int)"), ("addint", "int (int)")), {"mul": "int (int)"}, ("add", "addi")),
        ((("__pyx_fuse_0add", "a (a)"), ("__pyx_fuse_1add", "b (b)")),
         {"__pyx_fuse_0add": "a (a)", "__pyx_fuse_1add": "b (b)"}, ()),
        ((("other", "int (int)"), ("another", "int (int)")), {}, ()),
        ((("mul", ""), ), {}, ("mul",)),
    ],
)  # fmt: skip
def test_a_block_is_of_exports_where_the_pxd_declares_it(
    block: tuple[tuple[str, str], ...], functions: dict[str, str], uncertain: tuple[str, ...]
) -> None:
    found = cython_module.exports_of(CTables(blocks=(block,)), PXD)
    assert found == CExports(functions=functions, uncertain=uncertain)


@pytest.mark.parametrize(
    "block",
    [
        (("mul", "int (int)"), ("other", "int (int)"), ("add", "int (int)")),
        (("mul", "int (int)"), ("other", "int (int)")),
    ],
)
def test_a_block_that_the_pxd_declares_in_part_tells_nothing(
    block: tuple[tuple[str, str], ...],
) -> None:
    assert cython_module.exports_of(CTables(blocks=(block,)), PXD) is None


def test_a_module_that_cython_did_not_make_says_nothing() -> None:
    from tests.support.binding_factory import literals

    assert cython.read_object(opened(literals("prov", "__pyx_capi__"), looked_for=["prov"])) is None
