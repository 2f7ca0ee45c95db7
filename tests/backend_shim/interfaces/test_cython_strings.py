"""Where modules made by Cython keep the strings of the Python level."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend_shim.errors import InvalidBinary
from backend_shim.interfaces import cython_strings
from tests.support.binding_factory import compiled, opened

NAMES = (
    *("x", "i", "gc", "url", "new", "blis", "code", "yarl", "range", "cymem", "os_path"),
    *(
        "__test__",
        "__main__",
        "__name__",
        "multidict",
        "itemsize",
        "feed_data",
        "cline_in_traceback",
    ),
    *("ImportError", "a_rather_long_name_of_something", "another_rather_long_name_that_is_cut"),
)
LITERAL = "provider.module"


def _cname_length(name: str) -> int:
    return len(name[:32].strip("_"))


def _module(names: tuple[str, ...] = NAMES, *, order: int = 1) -> bytes:
    """What Cython 3.0 makes of a module: arrays by the length of their names, used by code."""
    ordered = sorted(names, key=lambda name: (_cname_length(name), name))[::order]
    arrays = "".join(
        f'static const char __pyx_k_{number}[] = "{name}";\n' for number, name in enumerate(ordered)
    )
    table = ",".join(f"__pyx_k_{number}" for number in range(len(ordered)))
    return compiled(
        f"""
        int PyImport_AddModule(const char *); int PyImport_ImportModule(const char *);
        {arrays}
        const char *const table[] = {{{table}}};
        int init(void) {{
            return PyImport_AddModule("cython_runtime") + PyImport_ImportModule("{LITERAL}")
                + PyImport_ImportModule("yarl") + PyImport_ImportModule("my_cymem")
                + PyImport_AddModule("requires multidict or cymem");
        }}"""
    )


@pytest.mark.parametrize("order", [1, -1])
def test_arrays_of_the_python_level_are_told_from_literals(order: int) -> None:
    seen = opened(_module(order=order))
    assert len(seen.strings.python_strings) == 1
    assert not seen.strings.names("multidict"), "only Python's strings have it, and a text"
    assert seen.strings.names("yarl") == {("yarl", True)}, "a literal has it, too"
    assert seen.strings.names("provider") == {(LITERAL, True)}


def test_the_tail_of_a_literal_counts_only_where_something_points_at_it() -> None:
    seen = opened(_module())
    assert not seen.strings.names("cymem")
    tail = compiled(
        """
        int PyImport_ImportModule(const char *);
        int one(void) { return PyImport_ImportModule("my_cymem"); }
        int two(void) { return PyImport_ImportModule("cymem"); }"""
    )
    assert {name for name, _ in opened(tail).strings.names("cymem")} == {"cymem"}
    pointed = compiled(
        """
        int PyImport_ImportModule(const char *);
        const char *const table[] = {"my_cymem", "cymem"};
        int one(int n) { return PyImport_ImportModule(table[n]); }"""
    )
    assert {name for name, _ in opened(pointed).strings.names("cymem")} == {"cymem"}


def test_without_the_names_that_every_module_has_nothing_is_certain() -> None:
    for missing in ("__main__", "__name__", "__test__"):
        seen = opened(_module(tuple(name for name in NAMES if name != missing)))
        assert seen.strings.python_strings == ()
        assert seen.strings.names("multidict")


def test_out_of_order_nothing_is_certain() -> None:
    by_length = sorted(NAMES, key=_cname_length)
    mixed = [name for pair in zip(by_length, by_length[::-1], strict=True) for name in pair]
    arrays = "".join(f'const char k{n}[] = "{name}";' for n, name in enumerate(mixed))
    data = compiled(f'{arrays} int PyImport_AddModule(char *); '
                    'int f(void) { return PyImport_AddModule("cython_runtime"); }')  # fmt: skip
    assert opened(data).strings.names("multidict")


def test_only_modules_made_by_cython_have_such_arrays() -> None:
    data = _module().replace(b"cython_runtime", b"pythran_runtim")
    assert opened(data).strings.python_strings == ()
    assert opened(data).strings.names("multidict")


TEXT = b"__main__ __name__ __test__ " + b"void (int)\0\0int (int)\0f\0g\0h" * 9


def test_a_compressed_table_is_found() -> None:
    packed = zlib.compress(TEXT, 9)
    rows = ",".join(map(str, packed))
    data = compiled(f"const unsigned char cstring[] = {{{rows}}};")
    assert cython_strings.string_tables(data, opened(data).shared) == [TEXT]


def _lzss(text: bytes) -> bytes:
    """Cython's packing, with the longest match found by brute force."""
    items: list[tuple[int, bytes]] = []
    at = 0
    while at < len(text):
        length, start = _longest(text, at)
        if length < 3:
            items.append((1, text[at : at + 1]))
            at += 1
            continue
        distance = at - start - length
        if distance < 0x80:
            items.append((0, bytes([distance, length - 3])))
        else:
            rest = distance - 0x80
            items.append((0, bytes([0x80 | rest & 0x7F, 0x80 | rest >> 7, length - 3])))
        at += length
    packed = b""
    for number in range(0, len(items), 8):
        block = items[number : number + 8]
        packed += bytes([sum(flag << bit for bit, (flag, _) in enumerate(block))])
        packed += b"".join(each for _, each in block)
    return packed


def _longest(text: bytes, at: int) -> tuple[int, int]:
    best = (0, 0)
    for start in range(max(0, at - 300), at):
        length = 0
        while start + length < at and at + length < len(text) and length < 200:
            if text[start + length] != text[at + length]:
                break
            length += 1
        best = max(best, (length, start))
    return best


def test_a_table_packed_by_cythons_own_method_is_found() -> None:
    packed = _lzss(TEXT)
    rows = ",".join(map(str, packed))
    data = compiled(
        f"""
        int unpack(const unsigned char *, unsigned long, unsigned long);
        static const unsigned char cstring[] = {{{rows}}};
        int init(void) {{ return unpack(cstring, {len(packed)}, {len(TEXT)}); }}"""
    )
    assert cython_strings.string_tables(data, opened(data).shared) == [TEXT]


def test_a_plain_table_is_found() -> None:
    literal = TEXT.decode().replace("\0", "\\000")
    data = compiled(
        f"""
        int unpack(const char *); static const char bytes[] = "{literal}";
        int init(void) {{ return unpack(bytes); }}"""
    )
    (table,) = cython_strings.string_tables(data, opened(data).shared)
    assert table.startswith(TEXT)


@given(st.binary(max_size=300), st.sets(st.integers(0, 400), max_size=20))
def test_any_bytes_are_expanded_or_not(data: bytes, sizes: set[int]) -> None:
    text = cython_strings._expanded(data, 0, frozenset(sizes))
    assert not text or len(text) in sizes


@given(st.data())
def test_mutated_modules_give_ranges_inside_the_file(data: st.DataObject) -> None:
    whole = bytearray(_module())
    for _ in range(data.draw(st.integers(1, 20))):
        whole[data.draw(st.integers(0x1000, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        seen = opened(bytes(whole))
    except InvalidBinary:
        return
    assert all(0 < start < end <= len(whole) for start, end in seen.strings.python_strings)
    cython_strings.string_tables(bytes(whole), seen.shared)
