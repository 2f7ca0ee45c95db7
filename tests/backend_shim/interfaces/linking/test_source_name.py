"""The identifier that a header would have for a symbol."""

from __future__ import annotations

import pytest

from backend_shim.binary import read_elf
from backend_shim.interfaces.linking.source_name import source_name
from tests.support.binding_factory import compiled


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("deflate", "deflate"),
        ("_Zfoo", "_Zfoo"),
        ("_ZN5torch3jit6ModuleC1Ev", "Module"),
        ("_ZN5torch3jit6Module4loadEv", "load"),
        ("_ZNK3foo3barEv", "bar"),
        ("_Z3addii", "add"),
        ("_ZTVN5arrow6BufferE", "Buffer"),
        ("_ZTV6Buffer", "Buffer"),
        ("_ZTI6Buffer", "Buffer"),
        ("_ZTHN3foo7counterE", "counter"),
        ("_ZTW7counter", "counter"),
        ("_ZN3Foo3getB5cxx11Ev", "get"),
        ("_ZN3FooplERKS_", "Foo"),
        ("_ZNSt6vectorIiSaIiEE9push_backEOi", "vector"),
        ("_ZStlsRSo", "_ZStlsRSo"),
        ("_ZN9999x", "_ZN9999x"),
        ("?parse@Reader@xml@@QEAAHXZ", "parse"),
        ("??0Reader@xml@@QEAA@XZ", "Reader"),
        ("??_7Reader@xml@@6B@", "Reader"),
        ("?", "?"),
    ],
)
def test_a_symbol_is_declared_by_its_source_name(symbol: str, name: str) -> None:
    assert source_name(symbol) == name


def test_source_names_are_those_of_a_real_compiler() -> None:
    source = """
    struct Shape { virtual ~Shape(); virtual int area(); static int count; };
    thread_local int depth = Shape::count;
    int Shape::area() { return depth; } Shape::~Shape() {} int Shape::count = 3;
    namespace inner { template <class T> T twice(T x) { return x + x; }
                      template int twice<int>(int); }
    """
    names = {source_name(each.name) for each in read_elf(compiled(source, suffix=".cc")).exported}
    assert {"Shape", "area", "count", "depth", "twice"} <= names
