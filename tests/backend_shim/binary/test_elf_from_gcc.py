"""The ELF reader on what a real compiler and linker write."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from backend_shim.binary import SharedObject, Symbol, read_elf

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("gcc", "g++", "strip", "objcopy"))), reason="no gcc or binutils"
)

_VERSIONED = r"""
int kept_new(void) { return 2; }
int kept_old(void) { return 1; }
int other(void) { return 0; }
__asm__(".symver kept_new,kept@@NEW_2");
__asm__(".symver kept_old,kept@OLD_1");
"""
_VERSION_SCRIPT = "OLD_1 { global: kept; local: *; }; NEW_2 { global: other; } OLD_1;"
_PLAIN = r"""
#include <stdio.h>
int numbers[10] = {1};
int zeros[25];
__thread int per_thread;
const char text[] = "found in .rodata";
__attribute__((weak)) int may_be_replaced(void) { return puts("x"); }
__attribute__((visibility("hidden"))) int inner(void) { return 0; }
__attribute__((visibility("protected"))) int guarded(void) { return 0; }
static int implementation(void) { return 0; }
static int (*resolve(void))(void) { return implementation; }
int picked(void) __attribute__((ifunc("resolve")));
extern int optional(void) __attribute__((weak));
int call(void) { return optional ? optional() : inner(); }
"""
_UNIQUE = "template <class T> struct S { static int v; }; template <class T> int S<T>::v = 7;\n" \
          "int *use() { return &S<int>::v; }\n"  # fmt: skip


def _build(folder: Path, source: str, *options: str, suffix: str = ".c") -> Path:
    (folder / f"x{suffix}").write_text(source)
    output = folder / "x.out"
    compiler = "gcc" if suffix == ".c" else "g++"
    command = [compiler, "-O1", *options, str(folder / f"x{suffix}"), "-o", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{compiler} {' '.join(options)}: {done.stderr[:300]}")
    return output


def _read(path: Path) -> SharedObject:
    return read_elf(path.read_bytes())


def _by_name(symbols: tuple[Symbol, ...]) -> dict[str, Symbol]:
    return {symbol.name: symbol for symbol in symbols}


@pytest.mark.parametrize("hash_style", ["gnu", "sysv", "both"])
def test_versions_of_a_version_script_and_of_symver(tmp_path: Path, hash_style: str) -> None:
    (tmp_path / "x.map").write_text(_VERSION_SCRIPT)
    script = f"-Wl,--version-script={tmp_path / 'x.map'}"
    style = f"-Wl,--hash-style={hash_style}"
    options = ("-shared", "-fPIC", script, style, "-Wl,-soname,libx.so.2")
    found = _read(_build(tmp_path, _VERSIONED, *options))
    assert found.version_definitions == ("OLD_1", "NEW_2")
    functions = [symbol for symbol in found.exported if symbol.kind == "function"]
    assert sorted((s.name, s.version, s.is_hidden) for s in functions) == [
        ("kept", "NEW_2", False),
        ("kept", "OLD_1", True),
        ("other", "NEW_2", False),
    ]
    assert all(symbol.size for symbol in functions)
    assert (found.soname, found.is_executable) == ("libx.so.2", False)


@pytest.mark.parametrize("stripped", [False, True])
def test_kinds_bindings_sizes_and_needs(tmp_path: Path, stripped: bool) -> None:
    path = _build(tmp_path, _PLAIN, "-shared", "-fPIC")
    if stripped:
        subprocess.run(["strip", str(path)], check=True)
    found = _read(path)
    exported, imported = _by_name(found.exported), _by_name(found.imported)
    assert (exported["numbers"].kind, exported["numbers"].size) == ("object", 40)
    assert (exported["zeros"].kind, exported["zeros"].size) == ("object", 100)
    assert (exported["per_thread"].kind, exported["per_thread"].size) == ("tls", 4)
    assert exported["picked"].kind == "ifunc"
    assert exported["may_be_replaced"].binding == "weak"
    assert exported["guarded"].binding == "global"
    assert "inner" not in exported
    assert (imported["optional"].binding, imported["optional"].kind) == ("weak", "notype")
    assert found.needed == ("libc.so.6",)
    assert imported["puts"].library == "libc.so.6"
    assert found.version_needs == (("libc.so.6", (imported["puts"].version,)),)
    data = path.read_bytes()
    texts = [data[s.offset : s.offset + s.size] for s in found.constants if s.name == ".rodata"]
    assert b"found in .rodata" in texts[0]


def test_a_static_member_of_a_template_is_unique(tmp_path: Path) -> None:
    found = _read(_build(tmp_path, _UNIQUE, "-shared", "-fPIC", suffix=".cpp"))
    unique = [symbol for symbol in found.exported if symbol.binding == "unique"]
    if not unique:
        pytest.skip("this g++ does not use STB_GNU_UNIQUE")
    assert [(symbol.name, symbol.size) for symbol in unique] == [("_ZN1SIiE1vE", 4)]


@pytest.mark.parametrize("tags", ["--enable-new-dtags", "--disable-new-dtags"])
def test_the_run_path_of_either_kind(tmp_path: Path, tags: str) -> None:
    path = "-Wl,-rpath,$ORIGIN/../x.libs:/opt/lib"
    found = _read(_build(tmp_path, "int f;", "-shared", "-fPIC", path, f"-Wl,{tags}"))
    assert found.run_path == ("$ORIGIN/../x.libs", "/opt/lib")


@pytest.mark.parametrize(
    ("options", "is_executable"),
    [
        (("-no-pie",), True),
        (("-pie", "-fPIE"), True),
        (("-static",), True),
        (("-static-pie", "-fPIE"), True),
        (("-shared", "-fPIC"), False),
        (("-c",), False),
    ],
    ids=str,
)
def test_programs_are_told_from_libraries(
    tmp_path: Path, options: tuple[str, ...], is_executable: bool
) -> None:
    found = _read(_build(tmp_path, "int main(void) { return 0; }", *options))
    assert found.is_executable is is_executable


def test_a_program_that_exports_nothing_still_imports(tmp_path: Path) -> None:
    source = '#include <stdio.h>\nint main(void) { return puts("x"); }'
    found = _read(_build(tmp_path, source, "-pie", "-fPIE", "-Wl,--hash-style=gnu"))
    assert "puts" in _by_name(found.imported)


def test_an_object_file_and_separate_debug_information_have_no_tables(tmp_path: Path) -> None:
    relocatable = _read(_build(tmp_path, _PLAIN, "-c", "-fPIC"))
    library = _build(tmp_path, _PLAIN, "-shared", "-fPIC", "-g")
    debug = tmp_path / "x.debug"
    subprocess.run(["objcopy", "--only-keep-debug", str(library), str(debug)], check=True)
    for found in (relocatable, _read(debug)):
        assert [*found.exported, *found.imported, *found.needed] == []


def test_without_section_headers_the_same_symbols_are_found(tmp_path: Path) -> None:
    image = bytearray(_build(tmp_path, _PLAIN, "-shared", "-fPIC").read_bytes())
    if image[4] != 2:
        pytest.skip("not a 64-bit target")
    whole = read_elf(bytes(image))
    image[0x28:0x30] = bytes(8)  # e_shoff
    image[0x3C:0x40] = bytes(4)  # e_shnum, e_shstrndx
    bare = read_elf(bytes(image))
    assert (bare.exported, bare.imported) == (whole.exported, whole.imported)
    assert [section.name for section in bare.constants] == [""]
