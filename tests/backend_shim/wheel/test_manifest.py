"""RECORD is read, written and held against the archive as the standard says."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend_shim.errors import InvalidWheel
from backend_shim.wheel.archive import WheelArchive
from backend_shim.wheel.manifest import (
    ManifestEntry,
    ManifestProblem,
    digest_of_bytes,
    edited_manifest_bytes,
    is_digest_of,
    manifest_bytes,
    parse_manifest,
    verify_manifest,
)
from tests.backend_shim.wheel.conftest import FILES, RECORD, raw_members
from tests.support.wheel_factory import make_wheel, raw_archive, wheel_members

WriteWheel = Callable[[bytes], Path]
EMPTY = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"

paths = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)
entries = st.lists(
    st.builds(
        ManifestEntry,
        path=paths,
        digest=st.none() | st.just(EMPTY),
        size=st.none() | st.integers(0, 1 << 60),
    ),
    unique_by=lambda entry: entry.path,
)


def test_rows_become_entries_in_their_order() -> None:
    manifest = parse_manifest(f'b.py,{EMPTY},0\r\n"a,""b"".py",{EMPTY},\n\nx/RECORD,,\n'.encode())
    assert manifest.entries == (
        ManifestEntry(path="b.py", digest=EMPTY, size=0),
        ManifestEntry(path='a,"b".py', digest=EMPTY),
        ManifestEntry(path="x/RECORD"),
    )
    assert manifest.digest_of("b.py") == EMPTY
    assert manifest.digest_of("x/RECORD") is None
    assert manifest.digest_of("none.py") is None
    assert pickle.loads(pickle.dumps(manifest)) == manifest
    assert hash(manifest) == hash(parse_manifest(manifest_bytes(manifest.entries)))


@given(entries)
def test_what_is_written_reads_back(rows: list[ManifestEntry]) -> None:
    assert list(parse_manifest(manifest_bytes(rows)).entries) == rows


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (b"a.py,,\na.py,,\n", "same path"),
        (b"a.py\n", "1 fields, not 3"),
        (b"a.py,,,\n", "4 fields, not 3"),
        (b",,\n", "no usable path"),
        (b"a\0.py,,\n", "no usable path|not CSV"),
        (b"a.py,47DEQpj8,0\n", "the digest"),
        (b"a.py,sha256=,0\n", "the digest"),
        (b"a.py,=47DEQpj8,0\n", "the digest"),
        (b"a.py,,x\n", "the size"),
        (b"a.py,,-1\n", "the size"),
        (b"a.py,,1_0\n", "the size"),
        (b"a.py,,99999999999999999999\n", "the size"),
        ("a.py,,\u0661\n".encode(), "the size"),
        (b"\xff.py,,\n", "not UTF-8"),
        (b'"a.py,,\n', "not CSV"),
        (b'"a"b.py,,\n', "not CSV"),
        (b"a" * 200_000, "not CSV"),
    ],
)
def test_a_record_that_makes_no_sense_is_refused(record: bytes, why: str) -> None:
    with pytest.raises(InvalidWheel, match=f"^demo.whl: .*({why})"):
        parse_manifest(record, "demo.whl")


@given(st.binary())
def test_any_bytes_are_a_manifest_or_an_invalid_wheel(data: bytes) -> None:
    with contextlib.suppress(InvalidWheel):
        parse_manifest(data)


def test_a_digest_is_url_safe_base64_without_padding() -> None:
    assert digest_of_bytes(b"") == EMPTY
    assert is_digest_of(EMPTY, b"")


@pytest.mark.parametrize(
    ("algorithm", "fits"),
    [
        *((name, True) for name in ("sha256", "sha384", "sha512")),
        *((name, False) for name in ("md5", "sha3_256", "blake2b", "whirl")),
    ],
)
def test_a_digest_that_fits_is_one_that_every_reader_knows(algorithm: str, fits: bool) -> None:
    made = hashlib.new(algorithm if algorithm != "whirl" else "sha256", b"a").digest()
    written = f"{algorithm}={base64.urlsafe_b64encode(made).decode().rstrip('=')}"
    assert is_digest_of(written, b"a") is fits
    for other in (written + "=", written.upper(), written[:-1], written.partition("=")[2], None):
        assert not is_digest_of(other, b"a")
    assert not is_digest_of(written, b"b")


def test_rows_that_stay_keep_their_text() -> None:
    record = f'"a.py",{EMPTY},0\r\nold.json,{EMPTY},0\r\nx/RECORD,,\r\n"é\n.py",{EMPTY},'.encode()
    new = ManifestEntry(path="x/new.json", digest=EMPTY, size=0)
    edited = edited_manifest_bytes(record, drop=["old.json"], add=[new], last="x/RECORD")
    expected = f'"a.py",{EMPTY},0\r\n"é\n.py",{EMPTY},\r\nx/new.json,{EMPTY},0\r\nx/RECORD,,\r\n'
    assert edited == expected.encode()
    assert edited_manifest_bytes(edited, drop=[], add=[new], last="x/RECORD") == edited


@given(entries, entries)
def test_editing_twice_is_editing_once(rows: list[ManifestEntry], new: list[ManifestEntry]) -> None:
    new = [entry for entry in new if entry.path != "RECORD"]
    once = edited_manifest_bytes(manifest_bytes(rows), drop=["a"], add=new, last="RECORD")
    assert edited_manifest_bytes(once, drop=["a"], add=new, last="RECORD") == once
    found = {entry.path: entry for entry in parse_manifest(once).entries}
    assert {entry.path: entry for entry in rows if entry.path not in ("a", "RECORD")}.items() <= (
        found | {entry.path: entry for entry in rows if entry.path in {e.path for e in new}}
    ).items()
    assert all(found[entry.path] == entry for entry in new)


def test_a_right_wheel_has_no_problem(odd_wheel: Path) -> None:
    with WheelArchive.open(odd_wheel) as archive:
        assert verify_manifest(archive) == ()


def test_every_kind_of_difference_is_found(wheel_of: WriteWheel) -> None:
    members = wheel_members(FILES)
    rows = members[RECORD].decode().splitlines()
    rows[0] = rows[0].replace("sha256=", "md5=")
    rows[1] = f"demo/empty.py,{EMPTY[:-1]}V,1"
    rows[2] = "demo/data.bin,,2304"
    rows[3] = "demo/missing.py,,"
    members[RECORD] = "\n".join(rows).encode()
    with WheelArchive.open(wheel_of(raw_archive(raw_members(members=members)))) as archive:
        problems = verify_manifest(archive)
    assert problems == (
        ManifestProblem(path="demo/__init__.py", kind="weak or unknown digest"),
        ManifestProblem(path="demo/empty.py", kind="wrong size"),
        ManifestProblem(path="demo/empty.py", kind="wrong digest"),
        ManifestProblem(path="demo/data.bin", kind="no digest"),
        ManifestProblem(path="demo-1.0.dist-info/METADATA", kind="not in RECORD"),
        ManifestProblem(path="demo/missing.py", kind="not in the archive"),
    )


@pytest.mark.parametrize(
    ("algorithm", "is_strong"),
    [
        *((name, True) for name in ("sha384", "sha512", "sha3_256", "blake2b", "blake2s")),
        *((name, False) for name in ("md5", "sha1", "sha224", "sha3_224", "shake_128", "whirl")),
    ],
)
def test_a_digest_must_be_sha256_or_better(
    wheel_of: WriteWheel, algorithm: str, is_strong: bool
) -> None:
    members = wheel_members({"demo/a.py": b"a"})
    encoded = "x"
    if is_strong:
        digest = hashlib.new(algorithm, b"a").digest()
        encoded = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    rows = members[RECORD].decode().splitlines()
    members[RECORD] = "\n".join([f"demo/a.py,{algorithm}={encoded},1", *rows[1:]]).encode()
    with WheelArchive.open(wheel_of(raw_archive(raw_members(members=members)))) as archive:
        kinds = [problem.kind for problem in verify_manifest(archive)]
    assert kinds == ([] if is_strong else ["weak or unknown digest"])


def test_signatures_of_record_need_no_row(tmp_path: Path) -> None:
    signature = {"demo-1.0.dist-info/RECORD.jws": b"{}"}
    members = wheel_members(FILES)
    wheel = make_wheel(tmp_path, files=FILES)
    wheel.write_bytes(raw_archive(raw_members(members={**members, **signature})))
    with WheelArchive.open(wheel) as archive:
        assert verify_manifest(archive) == ()
