"""The catalog: one file, whole at every moment, asked by others while it is written."""

from __future__ import annotations

import random
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from backend_shim.errors import InvalidRecord
from backend_shim.record.fingerprint import (
    AbiFingerprint,
    Generator,
    ObjectRecord,
    UnreadObject,
)
from resolver_check.errors import SourceUnavailable
from resolver_check.sources.catalog import Catalog
from resolver_check.sources.catalog_body import body_bytes, body_of
from resolver_check.sources.catalog_entry import (
    Edges,
    ListedWheel,
    RequiredProject,
    WheelBody,
    WheelFacts,
)
from resolver_check.sources.catalog_queries import (
    Found,
    binding_to,
    importing,
    needing,
    unreadable,
    without_records,
)
from resolver_check.sources.catalog_schema import SCHEMA_VERSION
from resolver_check.wheel_reference import WheelReference, parse
from tests.backend_shim.record.example_inputs import INPUTS

HERE = "/wheels"
ADDED = canonicalize_name("added")
BINARY = ObjectRecord(
    path="b.so", digest=None, size=9, crc32=1, format="elf", machine="x86_64", kind="library",
    is_grafted=False, soname=None, needed=(), run_path=(), version_needs=(), exported=0, imported=0,
)  # fmt: skip


def listed(name: str, version: str = "1.0", *, digest: str | None = None) -> ListedWheel:
    filename = f"{name}-{version}-cp311-cp311-linux_x86_64.whl"
    reference = parse(filename, location=f"{HERE}/{filename}")
    assert isinstance(reference, WheelReference)
    return ListedWheel(reference=replace(reference, digest=digest, size=7), mtime_ns=5)


def facts(
    name: str,
    version: str = "1.0",
    *,
    requires: str = "",
    kind: str = "install",
    is_purelib: bool = False,
    is_recorded: bool = False,
    unread: bool = False,
    unreadable: str | None = None,
    is_passing: bool = False,
    **edges: frozenset[object],
) -> WheelFacts:
    required = frozenset(
        RequiredProject(project=each, kind=kind, text=f"{each}>=1") for each in requires.split()
    )
    found = AbiFingerprint(
        generator=Generator(),
        is_purelib=is_purelib,
        objects=() if is_purelib else (BINARY,),
        unread=(UnreadObject(path="a.so", why="odd"),) if unread else (),
    )
    body = WheelBody(fingerprint=found, build_inputs=None, requirements=())
    return WheelFacts(
        listed=listed(name, version),
        sha256="0" * 64,
        body=None if unreadable else body,
        edges=Edges(requires=required, **edges),  # type: ignore[arg-type]
        is_recorded=is_recorded,
        unreadable=unreadable,
        is_passing=is_passing,
    )


def texts(*names: str) -> frozenset[object]:
    return frozenset(names)


def names(found: Found) -> dict[str, str]:
    return {each.project: each.detail for each in found.wheels}


def unknown(found: Found) -> dict[str, str]:
    return {each.project: each.detail for each in found.unknown}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a catalog?.db"


@pytest.fixture
def catalog(file: Path) -> Iterator[Catalog]:
    with Catalog(file, writes=True) as opened:
        yield opened


def test_gives_back_what_was_read(catalog: Catalog) -> None:
    read = facts("added")
    assert read.body is not None
    body = replace(read.body, build_inputs=INPUTS, requirements=("gift>=1", "é; extra == 'x'"))
    catalog.add(HERE, [replace(read, body=body), facts("broken", unreadable="why")])
    assert catalog.body(listed("added")) == body
    assert catalog.body(listed("broken")) is None
    assert catalog.body(listed("added", digest="1" * 64)) is None


def test_bodies_are_bounded_and_damaged_ones_refused() -> None:
    read = facts("added").body
    assert read is not None
    whole = body_bytes(read)
    assert body_of(whole) == read
    bomb = zlib.compressobj(zdict=b"x")
    swollen = bomb.compress(b"\0" * (64 << 20)) + bomb.flush()
    generator = random.Random(1)
    mutated = [
        bytes(generator.choice((byte, byte, byte, 0, 255)) for byte in whole) for _ in range(200)
    ]
    for wrong in (swollen, zlib.compress(b"{}\n{}\n"), zlib.compress(bytes(50 << 20)), *mutated):
        if wrong != whole:
            with pytest.raises(InvalidRecord):
                body_of(wrong)
    for end in range(len(whole)):
        with pytest.raises(InvalidRecord):
            body_of(whole[:end])


def test_a_damaged_body_is_an_error_of_the_file(catalog: Catalog) -> None:
    catalog.add(HERE, [facts("added")])
    catalog.connection.execute("UPDATE bodies SET body = x'00'")
    with pytest.raises(SourceUnavailable, match="damaged body"):
        catalog.body(listed("added"))


def test_only_what_is_not_there_is_to_be_scanned(catalog: Catalog) -> None:
    both = [listed("added"), listed("added", "2.0")]
    assert catalog.unscanned(HERE, ADDED, both) == (tuple(both), 0)
    catalog.add(HERE, [facts("added"), facts("added")])
    assert catalog.unscanned(HERE, ADDED, both) == ((both[1],), 0)
    touched = replace(both[0], mtime_ns=6)
    assert catalog.unscanned(HERE, ADDED, [touched]) == ((touched,), 1)


def test_what_could_not_be_reached_is_tried_again_and_what_is_damaged_is_not(
    catalog: Catalog,
) -> None:
    catalog.add(HERE, [facts("added", unreadable="no network", is_passing=True)])
    catalog.add(HERE, [facts("added", "2.0", unreadable="no zip")])
    both = [listed("added"), listed("added", "2.0")]
    assert catalog.unscanned(HERE, ADDED, both) == ((both[0],), 0)
    catalog.add(HERE, [facts("added")])
    assert catalog.unscanned(HERE, ADDED, both) == ((), 0)
    assert names(unreadable(catalog)) == {"added": "no zip"}
    assert catalog.body(both[0]) is not None


def test_what_vanished_is_kept_and_in_no_answer_until_it_comes_back(catalog: Catalog) -> None:
    catalog.add(HERE, [facts("added"), facts("other")])
    assert catalog.unscanned(HERE, ADDED, []) == ((), 1)
    assert names(without_records(catalog)).keys() == {"other"}
    assert catalog.projects(HERE) == {"other"}
    assert catalog.body(listed("added")) is not None
    assert catalog.unscanned(HERE, ADDED, [listed("added")]) == ((), 0)
    assert names(without_records(catalog)).keys() == {"added", "other"}


def test_a_wheel_is_gone_when_no_source_has_it(catalog: Catalog) -> None:
    for source in (HERE, "/elsewhere"):
        catalog.add(source, [facts("added")])
    for source, left in ((HERE, {"added"}), ("/elsewhere", set())):
        catalog.unscanned(source, ADDED, [])
        assert names(without_records(catalog)).keys() == left


def test_a_batch_is_written_as_a_whole_or_not_at_all(catalog: Catalog) -> None:
    wrong = facts("added", named=texts("lone \udcff surrogate"))
    with pytest.raises(SourceUnavailable):
        catalog.add(HERE, [facts("other", named=texts("gift")), wrong])
    assert without_records(catalog) == Found(wheels=())
    catalog.add(HERE, [facts("other", named=texts("gift"))])
    assert names(without_records(catalog)).keys() == {"other"}


def test_a_size_beyond_all_files_is_no_trouble(catalog: Catalog) -> None:
    big = facts("added")
    reference = replace(big.listed.reference, size=10**30)
    catalog.add(HERE, [replace(big, listed=replace(big.listed, reference=reference))])
    assert names(without_records(catalog)).keys() == {"added"}


def test_who_imports_and_who_needs(catalog: Catalog) -> None:
    catalog.add(
        HERE,
        [
            facts("one", imports=frozenset({("gift_open", ""), ("gift_shut", "libgift.so.1")})),
            facts("two", imports=frozenset({("gift_shut", "")}), needed=texts("libgift.so.1")),
            facts("odd", unread=True),
            facts("lost", unreadable="no zip"),
        ],
    )
    assert names(importing(catalog, "gift_open")) == {"one": ""}
    assert names(importing(catalog, "gift_shut")) == {"one": "libgift.so.1", "two": ""}
    assert names(importing(catalog, "gift_%")) == {}
    assert names(needing(catalog, "libgift.so.1")) == {"two": ""}
    assert names(needing(catalog, "' OR 1 --")) == {}
    lost = {"lost": "no zip", "odd": "a binary could not be read"}
    assert unknown(needing(catalog, "libgift.so.1")) == lost == names(unreadable(catalog))


def test_who_has_no_records(catalog: Catalog) -> None:
    catalog.add(
        HERE, [facts("with_one", is_recorded=True), facts("without"), facts("lost", unreadable="x")]
    )
    found = without_records(catalog)
    assert (names(found), unknown(found)) == ({"without": ""}, {"lost": "x"})


GIFT = {
    "names": texts("gift", "libgift.so.1"),
    "libraries": texts("libgift.so.1"),
    "interfaces_provided": texts("linking", "pybind11", "header"),
}
SEARCHED = texts("gift", "libgift.so.1")


@pytest.mark.parametrize(
    ("consumer", "bound", "doubt"),
    [
        (facts("a", requires="gift", needed=texts("libgift.so.1")), "needs libgift.so.1", None),
        (facts("a", requires="gift", named=texts("gift")), "names gift", None),
        (facts("a", requires="gift", named=texts("gift.sub.attribute")), "names gift", None),
        (facts("a", requires="gift", kind="build", named=texts("gift")), "names gift", None),
        (facts("a", requires="gift", named=texts("gifted"), looked_for=SEARCHED), None, None),
        (facts("a", requires="gift", looked_for=SEARCHED), None, None),
        (facts("a", requires="gift", is_purelib=True, named=texts("gift")), None, None),
        (facts("a", named=texts("gift")), None, None),
        (facts("a", requires="gift", kind="observed"), None, None),
        (
            facts("a", requires="gift", looked_for=texts("gift")),
            None,
            "was not searched for libgift.so.1",
        ),
        (
            facts("a", requires="gift", looked_for=SEARCHED, unread=True),
            None,
            "a binary could not be read",
        ),
        (
            facts("a", requires="gift", looked_for=SEARCHED, interfaces_required=texts("pybind11")),
            None,
            "may meet it by pybind11",
        ),
        (
            facts("a", requires="gift", looked_for=SEARCHED, interfaces_required=texts("swig")),
            None,
            None,
        ),
        (
            facts("a", requires="gift", looked_for=SEARCHED, interfaces_required=texts("plug-in")),
            None,
            "may meet it by plug-in",
        ),
        (facts("a", unreadable="no zip"), None, "no zip"),
    ],
)
def test_who_binds(
    catalog: Catalog, consumer: WheelFacts, bound: str | None, doubt: str | None
) -> None:
    catalog.add(HERE, [facts("gift", named=texts("gift"), **GIFT), consumer])
    found = binding_to(catalog, canonicalize_name("gift"))
    assert names(found) == ({"a": bound} if bound else {})
    assert unknown(found) == ({"a": doubt} if doubt else {})


def test_an_interface_of_one_project_is_a_binding(catalog: Catalog) -> None:
    uses = RequiredProject(project="numpy", kind="observed", text="numpy-c-api")
    needs = RequiredProject(project="numpy", kind="install", text="numpy")
    one = facts("one")
    catalog.add(HERE, [replace(one, edges=Edges(requires=frozenset({uses, needs})))])
    assert names(binding_to(catalog, canonicalize_name("numpy"))) == {"one": "uses numpy-c-api"}


def test_of_a_project_without_a_wheel_nothing_is_known(catalog: Catalog) -> None:
    catalog.add(HERE, [facts("a", requires="gift", looked_for=SEARCHED)])
    gift = canonicalize_name("gift")
    why = "no readable wheel of the project is in the catalog"
    assert unknown(binding_to(catalog, gift)) == {"a": why}
    catalog.add(HERE, [facts("gift", unreadable="no zip")])
    assert unknown(binding_to(catalog, gift)) == {"a": why, "gift": "no zip"}


def test_readers_are_not_kept_waiting_by_the_writer(catalog: Catalog, file: Path) -> None:
    catalog.add(HERE, [facts("first")])
    seen: list[list[int]] = []

    def count(reader: Catalog) -> int:
        return len(without_records(reader).wheels)

    with Catalog(file) as one, Catalog(file) as two:
        with catalog._writing() as db:
            db.execute("DELETE FROM wheels")
            seen.append([count(one), count(two)])
            db.execute("ROLLBACK")
            db.execute("BEGIN")
        catalog.add(HERE, [facts("second")])
        seen.append([count(one), count(two)])
    assert seen == [[1, 1], [2, 2]]


def test_readers_in_threads_see_whole_batches_only(catalog: Catalog, file: Path) -> None:
    done = threading.Event()
    seen: list[set[int]] = [set(), set()]

    def watch(counts: set[int]) -> None:
        with Catalog(file) as reader:
            while not done.is_set():
                counts.add(len(without_records(reader).wheels))
            counts.add(len(without_records(reader).wheels))

    threads = [threading.Thread(target=watch, args=(counts,)) for counts in seen]
    for thread in threads:
        thread.start()
    for number in range(30):
        catalog.add(HERE, [facts("a", f"{number}.{minor}") for minor in range(3)])
    done.set()
    for thread in threads:
        thread.join()
    for counts in seen:
        assert max(counts) == 90
        assert {count % 3 for count in counts} == {0}


def test_two_writers_take_turns(catalog: Catalog, file: Path) -> None:
    with Catalog(file, writes=True) as other:
        for number in range(5):
            catalog.add(HERE, [facts("one", str(number))])
            other.add(HERE, [facts("two", str(number)), facts("one", str(number))])
    assert len(without_records(catalog).wheels) == 10


def test_a_reader_writes_nothing_and_leaves_one_file(catalog: Catalog, file: Path) -> None:
    catalog.add(HERE, [facts("added")])
    catalog.close()
    with Catalog(file) as reader, pytest.raises(SourceUnavailable):
        reader.add(HERE, [facts("other")])
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def _other_database(file: Path) -> None:
    with sqlite3.connect(file) as db:
        db.execute("CREATE TABLE mine (x)")
    db.close()


def _other_version(file: Path) -> None:
    Catalog(file, writes=True).close()
    db = sqlite3.connect(file)
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    db.close()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda file: file.write_bytes(b"no database, whatever it is called" * 40), "not a data"),
        (lambda file: file.mkdir(), "catalog"),
        (_other_database, "is no catalog"),
        (_other_version, "of a newer version"),
    ],
)
@pytest.mark.parametrize("writes", [False, True])
def test_what_is_no_catalog_is_refused_and_left_alone(
    file: Path, make: Callable[[Path], None], said: str, writes: bool
) -> None:
    make(file)
    before = file.read_bytes() if file.is_file() else b""
    with pytest.raises(SourceUnavailable, match=said):
        Catalog(file, writes=writes)
    assert (file.read_bytes() if file.is_file() else b"") == before


def test_a_catalog_that_is_not_there_is_made_by_writers_only(file: Path) -> None:
    with pytest.raises(SourceUnavailable, match="there is no catalog"):
        Catalog(file)
    assert not file.exists()
    file.touch()
    Catalog(file, writes=True).close()
    Catalog(file).close()


def test_a_damaged_file_gives_errors_and_no_other_exception(catalog: Catalog, file: Path) -> None:
    catalog.add(HERE, [facts("a", str(number), named=texts(f"n{number}")) for number in range(300)])
    catalog.close()
    whole = file.read_bytes()
    generator = random.Random(2)
    refused = 0
    for _ in range(60):
        data = bytearray(whole[: generator.randrange(len(whole))] or whole)
        for _ in range(20):
            data[generator.randrange(len(data))] = generator.randrange(256)
        file.write_bytes(data)
        try:
            with Catalog(file, writes=True) as damaged:
                damaged.body(listed("a", "7"))
                binding_to(damaged, ADDED)
                without_records(damaged)
                damaged.add(HERE, [facts("b")])
        except SourceUnavailable:
            refused += 1
        for left in file.parent.glob(f"{file.name}-*"):
            left.unlink()
    assert refused > 20
