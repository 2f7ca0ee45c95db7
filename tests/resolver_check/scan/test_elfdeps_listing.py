"""Listings as elfdeps prints them, and what they are taken for."""

from __future__ import annotations

import dataclasses
import json
import random
from pathlib import Path

import pytest

from backend_shim.errors import InvalidRecord
from resolver_check.compare.sonames import NamedVersion
from resolver_check.errors import SourceUnavailable
from resolver_check.scan.elfdeps_listing import (
    is_listing,
    listing_of,
    parse_listing,
    read_listing,
)
from tests.support.binding_factory import compiled, fingerprinted

# elfdeps 0.4.0, of a libz.so.1 and of CPython.
PROVIDES = b"libz.so.1()(64bit)\nlibz.so.1(ZLIB_1.2.0)(64bit)\nlibz.so.1(ZLIB_1.2.9)(64bit)\n"
REQUIRES = b"libc.so.6(GLIBC_2.34)(64bit)\nlibz.so.1()(64bit)\nrtld(GNU_HASH)\n"
BLOCKS = b"""filename: demo/libz.so.1
requires:
  - libc.so.6(GLIBC_2.34)(64bit)
  - libz.so.1()(64bit)
  - rtld(GNU_HASH)
provides:
  - libz.so.1()(64bit)
machine: EM_X86_64
is_dso: true
soname: libz.so.1
runpath:
  - $ORIGIN/../lib
---
filename: demo/empty.so
requires: []
provides: []
machine: EM_X86_64
exported_symbols:
  - adler32@ZLIB_1.2.0
"""


def test_lines_are_of_the_side_that_is_asked_for() -> None:
    provided = parse_listing(PROVIDES, "z", side="provides")
    assert provided.provides == {
        NamedVersion("libz.so.1", ""),
        NamedVersion("libz.so.1", "ZLIB_1.2.0"),
        NamedVersion("libz.so.1", "ZLIB_1.2.9"),
    }
    assert (provided.requires, provided.sonames) == (frozenset(), {"libz.so.1"})
    required = parse_listing(REQUIRES, "p", side="requires")
    assert required.requires == {
        NamedVersion("libc.so.6", "GLIBC_2.34"), NamedVersion("libz.so.1", ""),
    }  # fmt: skip


def test_blocks_have_both_sides_and_a_wheel_does_not_require_what_it_provides() -> None:
    for side in ("provides", "requires"):
        found = parse_listing(BLOCKS, "z", side=side)
        assert found.provides == {NamedVersion("libz.so.1", "")}
        assert found.requires == {NamedVersion("libc.so.6", "GLIBC_2.34")}


@pytest.mark.parametrize(
    "document",
    [
        ["libz.so.1()(64bit)"],
        {"provides": ["libz.so.1()(64bit)"], "machine": "EM_X86_64"},
        [{"provides": [{"soname": "libz.so.1", "version": "", "marker": "(64bit)"}]}],
        [{"soname": "libz.so.1", "version": ""}],
    ],
)
def test_json_says_the_same(document: object) -> None:
    found = parse_listing(json.dumps(document).encode(), "z", side="provides")
    assert found.provides == {NamedVersion("libz.so.1", "")}


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04",
        b"libz.so.1",
        b"libz.so.1 (64bit)",
        b"error: no such file",
        b"provides:\n  - libz.so.1",
        b"provides:\n  - \xff()",
        b"[1]",
        b'{"provides": 1}',
        b'{"provides": [{"soname": 1, "version": ""}]}',
        b"[" * 100,
        b"libz.so.1()\n" * 2_000_000,
    ],
)
def test_anything_else_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(InvalidRecord):
        parse_listing(data, "z", side="provides")
    (tmp_path / "z.txt").write_bytes(data)
    with pytest.raises(SourceUnavailable, match=r"z\.txt"):
        read_listing(tmp_path / "z.txt", side="provides")


def test_every_prefix_and_mutation_is_read_or_refused() -> None:
    source = random.Random(0)
    for data in (PROVIDES, BLOCKS, json.dumps([{"requires": ["a()"]}]).encode()):
        known = parse_listing(data, "z", side="provides")
        for end in range(len(data)):
            try:
                found = parse_listing(data[:end], "z", side="provides")
            except InvalidRecord:
                continue
            assert found.provides | found.requires <= {
                *known.provides, *known.requires, NamedVersion("libz.so.1", ""),
            }  # fmt: skip
        for _ in range(300):
            place = source.randrange(len(data))
            changed = data[:place] + bytes([source.randrange(256)]) + data[place + 1 :]
            try:
                parse_listing(changed, "z", side="requires")
            except InvalidRecord:
                continue


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="No such file"):
        read_listing(tmp_path / "gone.txt", side="provides")


def test_listings_are_told_by_their_names() -> None:
    assert all(is_listing(Path(f"a.{each}")) for each in ("elfdeps", "txt", "json", "YAML"))
    assert not any(is_listing(Path(each)) for each in ("a.whl", "a", "elfdeps"))


def test_a_wheel_is_listed_as_elfdeps_lists_it(tmp_path: Path) -> None:
    elfdeps = pytest.importorskip("elfdeps")
    library = compiled("int f(void) { return 0; }", "-Wl,-soname,libp.so.1", script="P_1 { f; };")
    module = compiled(
        "int f(void); int PyInit_m(void) { return f(); }", libraries=(("libp.so.1", library),)
    )
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "libp.so.1").write_bytes(library)
    (tmp_path / "tree" / "m.so").write_bytes(module)
    for name, data in (("libp.so.1", library), ("m.so", module)):
        read = fingerprinted(tmp_path, {f"p/{name}": data})
        ours = listing_of(read.fingerprint, "p")
        info = elfdeps.analyze_file(tmp_path / "tree" / name)
        theirs = parse_listing(
            json.dumps([dataclasses.asdict(info)], default=str).encode(), "p", side="provides"
        )
        assert {each for each in theirs.requires if each.soname != "libc.so.6"} == ours.requires
        if name == "libp.so.1":
            # A library defines a base version of the name of its soname.
            assert theirs.provides == ours.provides
