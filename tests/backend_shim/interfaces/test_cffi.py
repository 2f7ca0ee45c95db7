"""cffi's backend: the tag in a module, the tables of a release, and which release takes which."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backend_shim.errors import InvalidRecord
from backend_shim.interfaces import cffi
from backend_shim.interfaces.cffi import is_satisfied, read_object
from backend_shim.interfaces.provider import Declaration, Provider, nothing_of
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

# What cffi/_cffi_include.h does, by the same calls.
MODULE = """
typedef struct object object;
object *PyImport_ImportModule(const char *), *PyLong_FromVoidPtr(void *);
object *PyObject_CallMethod(object *, const char *, const char *, ...);
void *_cffi_exports[28];
struct context {{ void *types; int flags; }} context;
static object *init_{name}(const char *name, long version, const struct context *context) {{
    object *module, *argument;
    void *raw[] = {{(void *)name, (void *)version, (void *)_cffi_exports, (void *)context}};
    module = PyImport_ImportModule("_cffi_backend");
    if (!module) return 0;
    argument = PyLong_FromVoidPtr((void *)raw);
    if (!argument) return 0;
    return PyObject_CallMethod(module, "_init_cffi_1_0_external_module", "O", argument);
}}
object *PyInit_{name}(void) {{ return init_{name}("{name}", {tag}, &context); }}
"""


def made_source(tag: int | str, name: str = "m") -> str:
    return MODULE.format(tag=tag, name=name)


def made_by_cffi(tag: int | str, *options: str) -> bytes:
    return compiled(made_source(tag), *options)


def is_x86_64(data: bytes) -> bool:
    return opened(data).shared.machine == "x86_64"


@pytest.mark.parametrize("level", ["-O1", "-O2", "-O3", "-Os"])
@pytest.mark.parametrize("tag", [0x2601, 0x2701, 0x2801])
def test_the_tag_is_read_from_the_code(tag: int, level: str) -> None:
    data = made_by_cffi(tag, level)
    if not is_x86_64(data):
        pytest.skip("read from x86-64 code only")
    assert read_object(opened(data)) == {"tag": tag}


def test_a_tag_that_the_code_does_not_tell_is_not_guessed() -> None:
    assert read_object(opened(made_by_cffi(0x2601, "-O0", "-fno-inline"))) == {"tag": None}
    assert read_object(opened(made_by_cffi("(long)&context"))) == {"tag": None}
    once, again = made_source(0x2601, "m"), made_source(0x2801, "n")
    two = compiled(once + again[again.index("static") :], "-O2")
    assert read_object(opened(two)) == {"tag": None}


@pytest.mark.parametrize(
    ("texts", "calls"),
    [
        (("_cffi_backend",), "PyLong_FromVoidPtr"),
        (("_cffi_backend", "_init_cffi_1_0_external_module"), "PyImport_ImportModule"),
        (("_cffi_backend", "_init_cffi_1_0_external_module", "_C_API"), "PyLong_FromVoidPtr"),
    ],
)
def test_what_is_not_plainly_made_by_cffi_is_left_to_its_name(
    texts: tuple[str, ...], calls: str
) -> None:
    rows = ",".join(f'"{text}"' for text in texts)
    source = (
        f"const char *const a[] = {{{rows}}}; int {calls}(void); int f() {{ return {calls}(); }}"
    )
    assert read_object(opened(compiled(source))) is None


def test_only_the_name_of_the_backend_is_accounted_for(tmp_path: Path) -> None:
    looked_for = ("cffi", "_cffi_backend")
    read = fingerprinted(tmp_path, {"m.so": made_by_cffi(0x2601)}, looked_for=looked_for)
    assert required(read, "import-name")["whole"] == ()
    files = {"m.so": made_by_cffi(0x2601), "n.so": made_by_cffi(0x2601).replace(
        b"_init_cffi_1_0_external_module", b"_make_cffi_1_0_external_module")}  # fmt: skip
    read = fingerprinted(tmp_path, files, looked_for=looked_for)
    assert required(read, "import-name")["whole"] == ("_cffi_backend",)


def test_the_package_is_pure_python_and_the_backend_is_not() -> None:
    assert all(map(cffi.explains, ("cffi", "cffi.api")))
    assert not any(map(cffi.explains, ("_cffi_backend", "cffix")))


GENERATOR = b"""
VERSION_BASE = 0x2601
VERSION_EMBEDDED = 0x2701
VERSION_CHAR16CHAR32 = 0x2801
USE_LIMITED_API = True
"""
TABLES = b"""
#define _CFFI_OP(opcode, arg)   (_cffi_opcode_t)(opcode | (((uintptr_t)(arg)) << 8))
#define _CFFI_OP_ARRAY           5
#define _CFFI_OP_CPYTHON_BLTN_V 23   // varargs
#define _CFFI__NUM_PRIM         52
#define _CFFI__UNKNOWN_PRIM           (-1)
struct _cffi_field_s {
    const char *name;       // with a comment
    size_t field_offset;
};
"""
FUNCTIONS = b"""
#define _cffi_to_c_i8                                                    \\
                 ((int(*)(PyObject *))_cffi_exports[1])
#define _cffi_get_struct_layout                                          \\
    not used any more
#define _CFFI_CPIDX  25
#define _cffi_call_python                                                \\
    ((void(*)(struct _cffi_externpy_s *, char *))_cffi_exports[_CFFI_CPIDX])
#define _CFFI_NUM_EXPORTS 28
"""
LINES = (
    "OP_ARRAY 5",
    "OP_CPYTHON_BLTN_V 23",
    "_UNKNOWN_PRIM -1",
    "struct _cffi_field_s const char *name; size_t field_offset;",
    "_cffi_call_python 25 void(*)(struct _cffi_externpy_s *, char *)",
    "_cffi_to_c_i8 1 int(*)(PyObject *)",
)


def release(
    directory: Path,
    version: str,
    *,
    generator: bytes = GENERATOR,
    tables: bytes = TABLES,
    functions: bytes = FUNCTIONS,
    name: str = "cffi",
) -> Provider:
    files = {
        "cffi/recompiler.py": generator,
        "cffi/parse_c_type.h": tables,
        "cffi/_cffi_include.h": functions,
        "_cffi_backend.py": b"",
    }
    return provider_of(directory, files, name=name, version=version)


def test_a_release_tells_its_tags_and_tables(tmp_path: Path) -> None:
    facts = release(tmp_path, "1.16.0").provided["cffi"]
    assert facts["tags"] == (0x2601, 0x2701, 0x2801)
    assert facts["tables"] == LINES
    old = release(tmp_path, "1.4.0", generator=b'VERSION = "0x2601"\n').provided["cffi"]
    assert old["tags"] == (0x2601,)


@pytest.mark.parametrize("missing", ["generator", "tables", "functions"])
def test_a_release_that_does_not_tell_all_tells_nothing(tmp_path: Path, missing: str) -> None:
    assert "cffi" not in release(tmp_path, "3.0", **{missing: b"#"}).provided
    assert "cffi" not in release(tmp_path, "1.0", name="other").provided


def needs(*tags: int) -> Facts:
    return Facts({"tags": list(tags)})


def judged(facts: Facts, old: Provider, new: Provider) -> list[str]:
    return kinds(is_satisfied(facts, old, new))


def test_a_release_takes_what_one_took_that_has_no_more(tmp_path: Path) -> None:
    old = release(tmp_path, "1.16.0")
    more = TABLES + b"#define _CFFI_OP_NEW 43\n#define _CFFI_PRIM_NEW 52\n"
    new = release(tmp_path, "2.0.0", tables=more.replace(b"NUM_PRIM         52", b"NUM_PRIM 53"),
                  generator=GENERATOR + b"VERSION_NEW = 0x2901\n")  # fmt: skip
    for facts in (needs(), needs(0x2601), needs(0x2801)):
        assert judged(facts, old, new) == ["cffi-takes-all"]
        assert judged(facts, old, old) == ["cffi-takes-all"]
    assert judged(needs(0x2601), new, old) == ["cffi-takes-less"]


@pytest.mark.parametrize(
    ("part", "before", "after"),
    [
        ("tables", b"OP_ARRAY           5", b"OP_ARRAY           7"),
        ("tables", b"#define _CFFI_OP_ARRAY           5\n", b""),
        ("tables", b"size_t field_offset", b"int field_offset"),
        ("functions", b"_cffi_exports[1]", b"_cffi_exports[2]"),
        ("functions", b"CPIDX  25", b"CPIDX  26"),
        ("functions", b"int(*)(PyObject *)", b"long(*)(PyObject *)"),
        ("generator", b"VERSION_EMBEDDED = 0x2701\n", b""),
    ],
)
def test_a_release_that_lacks_anything_is_left_open(
    tmp_path: Path, part: str, before: bytes, after: bytes
) -> None:
    text = {"tables": TABLES, "functions": FUNCTIONS, "generator": GENERATOR}[part]
    assert before in text
    old = release(tmp_path, "1.16.0")
    new = release(tmp_path, "2.0.0", **{part: text.replace(before, after)})
    (found,) = is_satisfied(needs(0x2601), old, new)
    assert kinds([found]) == ["cffi-takes-less"]
    # Unchanged headers would prove it as well.
    assert found.declarations == (Declaration("_cffi_backend", "_cffi_backend"),)


def test_a_tag_newer_than_the_release_is_refused(tmp_path: Path) -> None:
    old = release(tmp_path, "1.16.0")
    new = release(tmp_path, "1.4.0", generator=b'VERSION = "0x2601"\n')
    assert judged(needs(0x2601, 0x2801), old, new) == ["cffi-tag-refused"]
    assert judged(needs(0x2701), nothing_of(old), new) == ["cffi-tag-refused"]
    # The last byte counts for nothing: the newest tag is accepted up to 0x26FF.
    assert judged(needs(0x2602), old, new) == ["cffi-takes-less"]


def test_without_the_tables_of_both_it_is_left_open(tmp_path: Path) -> None:
    known = release(tmp_path, "1.16.0")
    silent = provider("cffi", "3.0")
    assert judged(needs(0x2601), known, silent) == ["cffi-tables-unknown"]
    assert judged(needs(0x2601), silent, known) == ["cffi-tables-unknown"]
    assert judged(needs(0x2601), nothing_of(known), known) == ["cffi-tables-unknown"]


def test_another_project_is_no_cffi() -> None:
    assert is_satisfied(needs(0x2601), provider("other"), provider("other")) == ()


@pytest.mark.parametrize("wrong", [{}, {"tags": 1}, {"tags": ["1"]}, {"tags": None}])
def test_wrong_facts_are_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    known = release(tmp_path, "1.16.0")
    with pytest.raises(InvalidRecord):
        is_satisfied(Facts(wrong), known, known)
    broken = provider("cffi", "2.0", provided={"cffi": Facts({**wrong, "tables": []})})
    with pytest.raises(InvalidRecord):
        is_satisfied(needs(0x2601), known, broken)
    broken = provider("cffi", "2.0", provided={"cffi": Facts({"tags": [1], "tables": [1]})})
    with pytest.raises(InvalidRecord):
        is_satisfied(needs(), broken, known)
