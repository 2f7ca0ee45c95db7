"""The judgement against what the real loader does with libraries made by GCC."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from backend_shim.interfaces import linking
from backend_shim.interfaces.reasons import Effect
from tests.support.binding_factory import compiled, fingerprinted, provider_of, required

_LOAD = "import ctypes, os, sys; ctypes.CDLL(sys.argv[1], os.RTLD_NOW)"
# Needs a version itself and so has `.gnu.version`: an object that has none makes older loaders
# stop with a failed assertion.
_PLAIN = 'int puts(const char *); int f(void) { puts(""); return 1; }'
_HIDDEN = '__asm__(".symver g,f@V2"); int g(void) { return 1; } int h(void) { return 0; }'
_OTHER = 'int puts(const char *); int h(void) { puts(""); return 1; }'
_USES_F = "int f(void); int use(void) { return f(); }"


def lib(
    source: str,
    soname: str = "libp.so.1",
    *options: str,
    script: str | None = None,
    suffix: str = ".c",
    needs: tuple[tuple[str, bytes], ...] = (),
) -> bytes:
    return compiled(
        source, f"-Wl,-soname,{soname}", "-Wl,--no-as-needed", *options,
        script=script, suffix=suffix, libraries=needs,
    )  # fmt: skip


def loads(directory: Path, consumer: bytes, libraries: Mapping[str, bytes]) -> bool:
    """Whether the loader accepts `consumer` beside `libraries`, all symbols bound at once."""
    for name, content in {"c.so": consumer, **libraries}.items():
        (directory / name).write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", _LOAD, str(directory / "c.so")],
        env={**os.environ, "LD_LIBRARY_PATH": str(directory)},
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def judged(
    directory: Path, consumer: bytes, old: Mapping[str, bytes], new: Mapping[str, bytes]
) -> list[tuple[str, Effect]]:
    facts = required(fingerprinted(directory, {"c.so": consumer}), "linking")
    before = provider_of(directory, {f"p/{name}": each for name, each in old.items()})
    after = provider_of(directory, {f"p/{name}": each for name, each in new.items()}, version="2.0")
    bindings = linking.is_satisfied(facts, before, after)
    return [(reason.kind, reason.effect) for each in bindings for reason in each.reasons]


@pytest.mark.parametrize(
    ("first", "script", "second", "second_script", "is_loaded"),
    [
        (_PLAIN, "V1 { f; };", _PLAIN, None, True),
        (_PLAIN, None, _HIDDEN, "V1 { h; }; V2 { f; } V1;", False),
        (_PLAIN, None, _HIDDEN, "V2 { f; };", True),
        (_PLAIN, "V2 { f; };", _HIDDEN, "V2 { f; };", True),
        (_PLAIN, "V1 { f; };", _PLAIN, "V2 { f; };", False),
        (_PLAIN, None, _PLAIN, "V2 { f; };", True),
        (_PLAIN, None, _OTHER, None, False),
        # The version is there, and what has it is another symbol.
        (_PLAIN, "V1 { f; };", _OTHER, "V1 { h; };", False),
        # The symbol is there without a version, and the version is not defined at all.
        (_PLAIN, "V1 { f; };", 'int puts(const char *); int f(void) { return puts(""); }'
         '__asm__(".symver g,f2@@V3"); int g(void) { return 1; }', "V3 { f2; };", False),
    ],
)  # fmt: skip
def test_versions_are_judged_as_the_loader_does(
    tmp_path: Path,
    first: str,
    script: str | None,
    second: str,
    second_script: str | None,
    is_loaded: bool,
) -> None:
    old = {"libp.so.1": lib(first, script=script)}
    new = {"libp.so.1": lib(second, script=second_script)}
    consumer = compiled(_USES_F, libraries=tuple(old.items()))
    assert loads(tmp_path, consumer, new) is is_loaded
    kinds = [kind for kind, _ in judged(tmp_path, consumer, old, new)]
    assert kinds == (["symbols-present"] if is_loaded else ["symbol-missing"])


def test_a_library_that_lost_all_its_versions_is_open(tmp_path: Path) -> None:
    # glibc before 2.41 aborts here (dl-lookup.c, check_match: assert (version->filename == NULL
    # ...)), later ones accept it.
    bare = ("-nostdlib", "-nostartfiles")
    old = {"libp.so.1": lib("int f(void) { return 1; }", "libp.so.1", *bare, script="V1 { f; };")}
    new = {"libp.so.1": lib("int f(void) { return 1; }", "libp.so.1", *bare)}
    consumer = compiled(_USES_F, libraries=tuple(old.items()))
    assert judged(tmp_path, consumer, old, new) == [("versions-lost", Effect.OPEN)]


def test_a_weak_reference_may_stay_open(tmp_path: Path) -> None:
    old, new = {"libp.so.1": lib(_PLAIN)}, {"libp.so.1": lib(_OTHER)}
    source = "__attribute__((weak)) int f(void); int use(void) { return f ? f() : 0; }"
    consumer = lib(source, "c.so", needs=tuple(old.items()))
    assert loads(tmp_path, consumer, new)
    assert judged(tmp_path, consumer, old, new) == [("optional-symbol-missing", Effect.OPEN)]
    assert judged(tmp_path, consumer, old, old) == [("symbols-present", Effect.SUPPORTS)]


def test_a_symbol_may_move_within_what_is_loaded(tmp_path: Path) -> None:
    old = {"libp.so.1": lib(_PLAIN), "libq.so": lib(_OTHER, "libq.so")}
    moved = lib(_PLAIN, "libq.so")
    new = {"libp.so.1": lib(_OTHER, needs=(("libq.so", moved),)), "libq.so": moved}
    lost = {"libp.so.1": lib(_OTHER), "libq.so": moved}
    consumer = compiled(_USES_F, libraries=(("libp.so.1", old["libp.so.1"]),))
    assert loads(tmp_path, consumer, new)
    assert judged(tmp_path, consumer, old, new) == [("symbols-present", Effect.SUPPORTS)]
    assert not loads(tmp_path, consumer, lost)
    assert judged(tmp_path, consumer, old, lost) == [("symbol-out-of-reach", Effect.OPEN)]


def test_a_symbol_with_a_version_may_move_since_glibc_2_30(tmp_path: Path) -> None:
    script = "V1 { f; h; };"
    old = {"libp.so.1": lib(_PLAIN, script=script), "libq.so": lib(_OTHER, "libq.so")}
    moved = lib(_PLAIN, "libq.so", script=script)
    new = {
        "libp.so.1": lib(_OTHER, script=script, needs=(("libq.so", moved),)),
        "libq.so": moved,
    }
    consumer = compiled(_USES_F, libraries=(("libp.so.1", old["libp.so.1"]),))
    assert loads(tmp_path, consumer, new)
    assert judged(tmp_path, consumer, old, new) == [("versioned-symbol-moved", Effect.OPEN)]


def test_a_symbol_may_come_through_the_providers_own_needs(tmp_path: Path) -> None:
    third = lib(_PLAIN, "libthird.so")
    with_it = {"libp.so.1": lib(_OTHER, needs=(("libthird.so", third),))}
    without = {"libp.so.1": lib(_OTHER)}
    consumer = lib(
        "int f(void), h(void); int use(void) { return f() + h(); }", "c.so",
        needs=(("libp.so.1", without["libp.so.1"]),),
    )  # fmt: skip
    assert loads(tmp_path, consumer, {**with_it, "libthird.so": third})
    assert not loads(tmp_path, consumer, {**without, "libthird.so": third})
    assert judged(tmp_path, consumer, with_it, without) == [("provider-needs-less", Effect.OPEN)]
    assert judged(tmp_path, consumer, without, with_it) == [("provider-needs-more", Effect.OPEN)]
    # And judged for that third wheel, of which the consumer names no library.
    empty = {"libthird.so": lib("int x;", "libthird.so")}
    assert not loads(tmp_path, consumer, {**with_it, **empty})
    assert judged(tmp_path, consumer, {"libthird.so": third}, empty) == [
        ("symbol-may-be-missing", Effect.OPEN)
    ]


def test_a_name_that_another_library_has_by_chance_refuses_nothing(tmp_path: Path) -> None:
    linked = lib(_PLAIN, "libx.so")
    old, new = {"libp.so.1": lib(_PLAIN)}, {"libp.so.1": lib(_OTHER)}
    consumer = compiled(_USES_F, libraries=(("libx.so", linked),))
    assert loads(tmp_path, consumer, {**new, "libx.so": linked})
    assert judged(tmp_path, consumer, old, new) == [("symbol-may-be-missing", Effect.OPEN)]


_TEMPLATE = "template <class T> struct Box { T get(); T value; }; "
_BODY = "template <class T> T Box<T>::get() { return value + 1; } "


def test_a_template_that_only_the_provider_instantiates_is_needed(tmp_path: Path) -> None:
    old = {"libp.so.1": lib(_TEMPLATE + _BODY + "template struct Box<int>;", suffix=".cc")}
    new = {"libp.so.1": lib("int h() { return 1; }", suffix=".cc")}
    extern = _TEMPLATE + _BODY + "extern template struct Box<int>;"
    use = "int use(Box<int> *box) { return box->get(); }"
    linked = tuple(old.items())
    inline = lib(_TEMPLATE + _BODY + use, "c.so", "-fno-inline", suffix=".cc", needs=linked)
    outside = lib(extern + use, "c.so", "-fno-inline", suffix=".cc", needs=linked)
    assert not loads(tmp_path, outside, new)
    assert judged(tmp_path, outside, old, new) == [("symbol-missing", Effect.REFUSES)]
    # A definition of its own is none that it needs.
    assert loads(tmp_path, inline, new)
    assert judged(tmp_path, inline, old, new) == [("symbols-present", Effect.SUPPORTS)]


def test_a_copy_of_the_run_time_may_go(tmp_path: Path) -> None:
    source = "#include <string>\ntemplate class std::basic_string<char>; int h() { return 1; }"
    old = {"libp.so.1": lib(source, suffix=".cc")}
    new = {"libp.so.1": lib("#include <string>\nint h() { return 1; }", suffix=".cc")}
    use = "#include <string>\nint h(); void use(std::string &s) { s.append(h(), 'x'); }"
    consumer = compiled(use, suffix=".cc", libraries=tuple(old.items()))
    assert loads(tmp_path, consumer, new)
    assert set(judged(tmp_path, consumer, old, new)) == {("symbol-may-be-missing", Effect.OPEN)}


def test_data_and_vtables_must_keep_their_size(tmp_path: Path) -> None:
    one = "struct A { virtual ~A(); virtual int f(); int x; }; "
    two = "struct A { virtual ~A(); virtual int f(); virtual int g(); int x; }; "
    body = "A::~A() {} int A::f() { return 1; } int table[%d] = {1}; "
    old = {"libp.so.1": lib(one + body % 4, suffix=".cc")}
    new = {"libp.so.1": lib(two + body % 4 + "int A::g() { return 2; }", suffix=".cc")}
    longer = {"libp.so.1": lib(one + body % 5, suffix=".cc")}
    use = one + "extern int table[4]; int use() { A a; a.x = table[1]; return a.x; }"
    consumer = compiled(use, suffix=".cc", libraries=tuple(old.items()))
    assert judged(tmp_path, consumer, old, old) == [("symbols-present", Effect.SUPPORTS)]
    assert judged(tmp_path, consumer, old, longer) == [("symbol-changed", Effect.REFUSES)]
    changed = judged(tmp_path, consumer, old, new)
    assert set(changed) == {("symbol-changed", Effect.REFUSES)}
