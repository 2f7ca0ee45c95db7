"""Sizes of extension types: certain or not known, and what a change of one does to a consumer."""

from __future__ import annotations

import builtins
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from backend_shim.interfaces import cython, cython_types
from backend_shim.interfaces.cython_types import DeclaredType, PxdFiles, TypeSize, basic_sizes
from backend_shim.interfaces.reasons import Effect
from backend_shim.record.facts import Facts
from tests.support.binding_factory import (
    compiled,
    fingerprinted,
    kinds,
    opened,
    provider,
    required,
)

FLAGS = 1 << 18
TYPE = """
struct type { long refs; void *type; long count; const char *name; long size, item;
  void (*dealloc)(void); long before[14], flags; };
static void dealloc(void) {}
"""
SPEC = """
struct spec { const char *name; int size, item; unsigned flags; void *slots; };
static long slots[2];
"""


def sizes(source: str, *options: str, module: str = "pkg.m") -> dict[str, int]:
    shown = opened(compiled(source, *options))
    if shown.shared.machine not in ("x86_64", "aarch64"):
        pytest.skip("not read on this machine")
    return basic_sizes(shown, module)


def static_type(name: str, size: int, *, item: int = 0, flags: int = FLAGS) -> str:
    variable = name.replace(".", "_")
    zeros = ", ".join(["0"] * 14)
    return (
        f'struct type {variable} = {{1, 0, 0, "{name}", {size}, {item}, dealloc, '
        f"{{{zeros}}}, {flags}}};"
    )


def spec(name: str, size: int, *, flags: int = FLAGS, slots: str = "slots") -> str:
    return f'struct spec {name.replace(".", "_")} = {{"{name}", {size}, 0, {flags}, {slots}}};'


@pytest.mark.parametrize("options", [(), ("-Wl,-z,pack-relative-relocs",), ("-s",)])
def test_the_size_stands_behind_the_name(options: tuple[str, ...]) -> None:
    source = TYPE + static_type("pkg.m.Pool", 48) + static_type("other.m.Other", 64)
    assert sizes(source, *options) == {"Pool": 48}
    source = SPEC + spec("pkg.m.Pool", 40) + spec("pkg.m.Two", 72)
    assert sizes(source, *options) == {"Pool": 40, "Two": 72}


@pytest.mark.parametrize(
    "source",
    [
        TYPE + static_type("pkg.m.Pool", 0),
        TYPE + static_type("pkg.m.Pool", 44),
        TYPE + static_type("pkg.m.Pool", -8),
        TYPE + static_type("pkg.m.Pool", 1 << 40),
        TYPE + static_type("pkg.m.Pool", 48, item=8),
        TYPE + static_type("pkg.m.Pool", 48, flags=0),
        SPEC + spec("pkg.m.Pool", 0),
        SPEC + spec("pkg.m.Pool", 48, flags=0),
        SPEC + spec("pkg.m.Pool", 48, slots="0"),
        SPEC + spec("pkg.m.Pool", 48) + spec("pkg.m.Pool", 48).replace("pkg_m_Pool", "again"),
        'const char *all[] = {"pkg.m.Pool", "pkg.m.Other", "pkg.m.More"};',
        'const char *all[] = {"pkg.m.Pool"};',
        'const char name[] = "pkg.m.Pool"; long size = 48;',
        TYPE + static_type("pkg.m.Pool.method", 48),
        TYPE + static_type("pkg.mm.Pool", 48),
    ],
)
def test_what_is_not_certain_is_not_known(source: str) -> None:
    assert sizes(source) == {}


def test_other_formats_say_nothing() -> None:
    shown = opened(compiled(TYPE + static_type("pkg.m.Pool", 48)))
    other = replace(shown, shared=replace(shown.shared, format="macho"))
    assert basic_sizes(other, "pkg.m") == {}
    broken = replace(shown, data=bytes(shown.data[:5]) + b"\2" + bytes(shown.data[6:]))
    assert basic_sizes(broken, "pkg.m") == {}


PXD = b"""\
cdef class Base: # class Comment
    cdef int a
cdef class Derived(Base):
    cdef int b
cdef class Late (Derived) :
    pass
cdef class Foreign(other.Base):
    pass
cdef class Two(Base, Mixin): pass
cdef class Forward
cdef class Commented(Base, # Mixin
    ):
    pass
cdef  class  Long (
    Base ,
) :
    '''
    cdef class Quoted: '''
cdef class Itself(Itself): pass
@cython.final
cdef class Final(object):
    cdef int c
cdef public class Strict [object o_strict, type t_strict, check_size error]:
    cdef int d
cdef api class Lenient[object o_lenient, type t_lenient, check_size ignore]:
    cdef int d
cdef extern from "x.h":
    ctypedef class elsewhere.Named [object named, check_size error]:
        pass
cdef int classes
"""


def test_types_of_a_pxd() -> None:
    found = cython_types.declared_types(PXD)
    assert {name: each.base for name, each in found.items()} == {
        "Base": None, "Derived": "Base", "Late": "Derived", "Foreign": "other.Base", "Two": "",
        "Commented": "", "Long": "Base", "Quoted": None,
        "Itself": "Itself", "Final": "object", "Strict": None, "Lenient": None,
    }  # fmt: skip
    assert [name for name, each in found.items() if each.is_strict] == ["Strict"]
    files = PxdFiles([b"cdef class Mixin: pass"])
    known = {name for name in found if files.item_size(name, PXD) == 0}
    assert known == {"Base", "Derived", "Late", "Long", "Quoted", "Final", "Strict", "Lenient"}


@pytest.mark.parametrize(
    ("others", "is_known"),
    [
        ([], False),
        ([b"cdef class Base(dict): pass"], True),
        ([b"cdef class Base(More): pass", b"cdef class More: pass"], True),
        ([b"cdef class Base(More): pass"], False),
        ([b"cdef class Base(tuple): pass"], False),
        ([b"cdef class Base(other.Base): pass"], False),
        ([b"cdef class Base(A, B): pass", b"cdef class Base: pass"], False),
        ([b"# class Base"], False),
        ([b"from m cimport Foreign as Base"], False),
    ],
)
def test_bases_are_looked_for_in_all_files(others: list[bytes], is_known: bool) -> None:
    """`Foreign(other.Base)`, whose base is not that of its own file."""
    text = b"cdef class Foreign(other.Base): pass"
    files = PxdFiles([text, *others])
    assert files.item_size("Foreign", text) == (0 if is_known else None)
    assert files.item_size("Absent", text) is None


def test_bases_without_end_are_given_up() -> None:
    chain = b"".join(b"cdef class C%d(C%d): pass\n" % (n, n + 1) for n in range(5000))
    assert PxdFiles([chain]).item_size("C0", chain) is None
    files = [b"cdef class C%d(m.C%d): pass" % (n, (n + 1) % 40) for n in range(40)] * 2
    assert PxdFiles(files).item_size("C0", files[0]) is None


@pytest.mark.parametrize(
    "text",
    [
        b"cdef class X" + b" " * 100_000,
        b"cdef class X" + b"\n" * 100_000 + b"(",
        b"cdef" + b" x" * 100_000,
        b"cdef class X(" * 100_000,
        b"\ncdef class X[" * 100_000,
    ],
)
def test_a_text_that_declares_nothing_is_soon_read(text: bytes) -> None:
    assert cython_types.declared_types(text) == {}


def test_these_builtin_types_have_no_items() -> None:
    found = {name: getattr(builtins, name).__itemsize__ for name in cython_types._WITHOUT_ITEMS}
    assert set(found.values()) == {0}


def test_a_type_that_is_declared_twice_is_the_weaker_of_both() -> None:
    text = (
        b"IF A:\n    cdef public class X [object x, type y, check_size error]: pass\n"
        b"ELSE:\n    cdef class X(Y): pass\n"
    )
    assert cython_types.declared_types(text) == {"X": DeclaredType(base="", is_strict=False)}


def test_only_what_the_pxd_declares_is_recorded() -> None:
    basic = {"Base": 24, "Strict": 32, "Foreign": 40, "Named": 48, "hidden": 56}
    recorded = cython_types.recorded_sizes(basic, PXD, PxdFiles())
    assert recorded == {
        "Base": {"basic": 24, "item": 0, "is_strict": False},
        "Strict": {"basic": 32, "item": 0, "is_strict": True},
        "Foreign": {"basic": 40, "item": None, "is_strict": False},
    }
    assert cython_types.decode_sizes({"sizes": recorded}, "$") == {
        "Base": TypeSize(basic=24, item=0, is_strict=False),
        "Strict": TypeSize(basic=32, item=0, is_strict=True),
        "Foreign": TypeSize(basic=40, item=None, is_strict=False),
    }
    assert cython_types.recorded_sizes(basic, b"cdef class Base(:\n", PxdFiles()) == {}


def judged(old: tuple[int, int | None, bool], new: tuple[int, int | None, bool]) -> list[str]:
    before, now = (
        {"Pool": TypeSize(basic=basic, item=item, is_strict=is_strict)}
        for basic, item, is_strict in (old, new)
    )
    reasons = cython_types.size_reasons("prov", before, now, {"Pool"}, {"Pool"}.__contains__)
    return [each.kind for each in reasons]


CHANGED, TOLERATED = ["cython-type-size-changed"], ["cython-type-size-tolerated"]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ((32, 0, False), (32, 0, False), []),
        ((32, 0, True), (32, 0, True), []),
        ((32, 0, False), (24, 0, False), CHANGED),
        ((32, None, False), (24, 0, False), CHANGED),
        # The new module may have items, of which one may stand for what is missing.
        ((32, 0, False), (24, None, False), TOLERATED),
        ((32, 0, False), (24, 8, False), TOLERATED),
        ((32, 8, False), (16, 8, False), TOLERATED),
        ((40, 8, False), (16, 8, False), CHANGED),
        ((64, 8, False), (16, 40, False), CHANGED),
        ((56, 8, False), (16, 40, False), TOLERATED),
        ((32, 0, False), (40, 0, False), TOLERATED),
        # The consumer was compiled with what the old `.pxd` says.
        ((32, 0, False), (40, 0, True), TOLERATED),
        ((32, 0, True), (40, 0, False), CHANGED),
        ((32, None, True), (40, None, False), CHANGED),
        ((32, 0, True), (24, 0, False), CHANGED),
    ],
)
def test_the_rule_is_cythons(
    old: tuple[int, int | None, bool], new: tuple[int, int | None, bool], found: list[str]
) -> None:
    assert judged(old, new) == found


def _facts(size: int | None, **more: object) -> Facts:
    sizes = {} if size is None else {"Pool": {"basic": size, "item": 0, "is_strict": False}}
    module = {
        "module": "prov", "functions": {}, "uncertain": [], "types": ["Pool"], "sizes": sizes,
        "variables": [], "is_imported": False, **more,
    }  # fmt: skip
    return Facts({"modules": [module]})


def _kinds(old: Facts, new: Facts, *names: str) -> list[str]:
    use = {
        "path": "c.so", "named": ["prov"], "names": list(names), "signatures": [],
        "has_variables": False, "is_partial": False, "is_exclusive": True,
    }  # fmt: skip
    before, after = (
        provider("prov", version, paths=["prov.so", "prov.pxd"], provided={cython.NAME: facts})
        for version, facts in (("1", old), ("2", new))
    )
    return kinds(cython.is_satisfied(Facts({"objects": [use]}), before, after))


def test_a_size_that_changed_refuses_only_who_imports_the_type() -> None:
    declared = "cython-declarations-used"
    assert _kinds(_facts(32), _facts(24), "Pool") == [*CHANGED, declared]
    assert _kinds(_facts(32), _facts(24), "Other") == ["cython-module-used"]
    # The name may be the end of a longer one, or the type.
    assert _kinds(_facts(32), _facts(24), "c.MyPool") == [*TOLERATED, declared]
    assert _kinds(_facts(32), _facts(None), "Pool") == [declared]
    assert _kinds(_facts(None), _facts(24), "Pool") == [declared]
    assert _kinds(_facts(32), _facts(32), "Pool") == [declared]
    unread = [*CHANGED, "cython-module-used"]
    assert _kinds(_facts(32, functions=None), _facts(24), "Pool") == unread


def test_what_is_tolerated_no_declaration_can_prove() -> None:
    old, new = (
        provider("prov", paths=["prov.so"], provided={cython.NAME: _facts(size)})
        for size in (32, 40)
    )
    use = {
        "path": "c.so", "named": ["prov"], "names": ["Pool"], "signatures": [],
        "has_variables": False, "is_partial": False, "is_exclusive": True,
    }  # fmt: skip
    first = cython.is_satisfied(Facts({"objects": [use]}), old, new)[0]
    assert [each.effect for each in first.reasons] == [Effect.OPEN]
    assert first.declarations == ()


PROVIDER = """\
cdef {options}class Pool{bases}:
{fields}
    cdef int grow(self, int n) except -1
"""
CONSUMER = "from prov cimport Pool\ndef f():\n    cdef Pool p = Pool()\n    return p.grow(3)\n"
STRICT = ("public ", " [object PoolObject, type PoolType, check_size error]")


def _build(directory: Path, module: str, texts: Mapping[str, str]) -> bytes:
    for name, text in texts.items():
        (directory / name).write_text(text)
    for command in (
        [sys.executable, "-m", "cython", "-3", f"{module}.pyx"],
        [
            *("gcc", "-O1", "-fPIC", "-shared", "-w", f"-I{sysconfig.get_path('include')}"),
            *(f"{module}.c", "-o", f"{module}.so"),
        ],
    ):
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
    return (directory / f"{module}.so").read_bytes()


def _provider_texts(fields: int, options: tuple[str, str]) -> dict[str, str]:
    lines = "\n".join(f"    cdef long f{number}" for number in range(fields))
    head, bases = options
    return {
        "prov.pxd": PROVIDER.format(options=head, bases=bases, fields=lines),
        "prov.pyx": f"cdef {head}class Pool{bases}:\n    cdef int grow(self, int n) except -1:\n"
        "        return n\n",
    }


@pytest.mark.slow
@pytest.mark.parametrize("options", [("", ""), STRICT], ids=["warn", "error"])
def test_who_is_refused_fails_to_import(options: tuple[str, str], tmp_path: Path) -> None:
    if shutil.which("gcc") is None or not Path(sysconfig.get_path("include"), "Python.h").exists():
        pytest.skip("no gcc, or no headers of Python")
    offered = {}
    for fields in (3, 2, 4):
        directory = tmp_path / str(fields)
        directory.mkdir()
        texts = _provider_texts(fields, options)
        files = {
            "prov.so": _build(directory, "prov", texts),
            "prov.pxd": texts["prov.pxd"].encode(),
        }
        facts = fingerprinted(directory, files, name="prov").fingerprint.provided(cython.NAME)
        assert facts is not None
        offered[fields] = provider("prov", paths=files, provided={cython.NAME: facts.facts})
    consumer = _build(tmp_path / "3", "cons", {"cons.pyx": CONSUMER})
    use = required(fingerprinted(tmp_path, {"cons.so": consumer}, looked_for=["prov"]), cython.NAME)
    for fields, changed in offered.items():
        (tmp_path / str(fields) / "cons.so").write_bytes(consumer)
        program = f"import sys; sys.path.insert(0, {str(tmp_path / str(fields))!r}); import cons"
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=False
        )
        found = kinds(cython.is_satisfied(use, offered[3], changed))
        assert (CHANGED[0] in found) is (done.returncode != 0), (fields, done.stderr)
        assert ("size changed" in done.stderr) is (found[0] in CHANGED + TOLERATED) is (fields != 3)
