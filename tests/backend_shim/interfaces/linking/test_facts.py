"""What a fingerprint says of linking survives its JSON and is not trusted."""

from __future__ import annotations

import pytest

from backend_shim.errors import InvalidRecord
from backend_shim.interfaces import linking
from backend_shim.interfaces.linking.facts import (
    Import,
    Library,
    Need,
    libraries_in,
    library_facts,
    need_facts,
    needs_in,
)
from backend_shim.record.facts import Facts
from tests.support.binding_factory import library

NEED = Need(
    path="c.so",
    format="elf",
    machine="x86_64",
    needed=("libp.so.1",),
    compatibility=(("@rpath/libp.dylib", "1.2.3"),),
    imports=(Import("f", "V1", "libp.so.1"), Import("g", None, None)),
    optional=(Import("h", None, None),),
)
LIBRARY = Library(
    path="p/libp.so.1",
    name="libp.so.1",
    format="elf",
    machine="x86_64",
    is_grafted=False,
    needed=("libq.so",),
    reexported=("libq.so",),
    versions=None,
)


def test_needs_and_libraries_survive_their_facts() -> None:
    assert needs_in(need_facts([NEED])) == (NEED,)
    assert libraries_in(library_facts([LIBRARY])) == (LIBRARY,)


def test_nothing_is_no_facts() -> None:
    assert need_facts([]) is None
    assert library_facts([]) is None
    assert needs_in(None) == ()
    assert libraries_in(None) == ()


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("path", 1),
        ("format", None),
        ("machine", []),
        ("needed", "x"),
        ("imports", [["f"]]),
        ("imports", [["f", 1, None]]),
        ("imports", [[None, None, None]]),
        ("optional", [["f", None, 1]]),
        ("compatibility", [["f"]]),
        ("compatibility", [["f", None]]),
    ],
)
def test_wrong_needs_are_refused(key: str, wrong: object) -> None:
    facts = need_facts([NEED])
    assert facts is not None
    (row,) = facts.thaw()["objects"]  # type: ignore[misc]
    row[key] = wrong  # type: ignore[index, call-overload]
    with pytest.raises(InvalidRecord):
        linking.is_satisfied(Facts({"objects": [row]}), library(), library())


@pytest.mark.parametrize("key", ["path", "name", "format", "machine", "needed", "versions"])
def test_wrong_libraries_are_refused(key: str) -> None:
    facts = library_facts([LIBRARY])
    assert facts is not None
    (row,) = facts.thaw()["libraries"]  # type: ignore[misc]
    for wrong in ({**row, key: 1}, {name: row[name] for name in row if name != key}):  # type: ignore[dict-item, call-overload, index]
        with pytest.raises(InvalidRecord):
            libraries_in(Facts({"libraries": [wrong]}))
    with pytest.raises(InvalidRecord):
        libraries_in(Facts({"libraries": {}}))
    with pytest.raises(InvalidRecord):
        linking.is_satisfied(Facts({}), library(), library())
