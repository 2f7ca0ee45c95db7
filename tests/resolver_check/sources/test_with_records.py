"""Record packs beside an index: what they have, what they lost, what is no place of them."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from backend_shim.embed import embed
from backend_shim.record.fingerprint import AbiFingerprint, Generator
from resolver_check.errors import UsageError
from resolver_check.scan.publishing import read_publishable
from resolver_check.sources.pack_writing import write_packs
from resolver_check.sources.publishable import PublishableWheel
from resolver_check.sources.published_record import PublishedRecord
from resolver_check.sources.static_repository import StaticRepository
from resolver_check.sources.with_records import with_records
from tests.backend_shim.record.example_inputs import INPUTS
from tests.resolver_check.sources.conftest import Connect
from tests.support.static_site import StaticSite
from tests.support.wheel_factory import make_wheel

DEMO = canonicalize_name("demo")


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    return tmp_path / "packs"


@pytest.fixture
def site(tmp_path: Path, packs: Path) -> Iterator[StaticSite]:
    """One wheel, of which the packs say that it is of another build."""
    path = make_wheel(tmp_path, files={"demo/__init__.py": b""})
    embed(path, build_inputs=INPUTS, looked_for=())
    read = read_publishable(path)
    assert isinstance(read, PublishableWheel)
    StaticRepository(tmp_path / "site").add([read])
    packed = PublishedRecord(
        name="demo",
        version="1.0",
        requirements=(),
        binding_names=frozenset({"demo"}),
        modules=None,
        recorded=AbiFingerprint(generator=Generator(), is_purelib=True),
    )
    assert read.reference.digest is not None
    write_packs(packs, {read.reference.digest: packed}, None)
    with StaticSite(tmp_path / "site") as served:
        yield served


def test_what_the_packs_have_is_not_asked_of_the_index(
    site: StaticSite, packs: Path, connect: Connect
) -> None:
    source = with_records(connect(site), [str(packs)])
    (wheel,) = source.wheels(DEMO)
    record = source.published(wheel)
    assert record is not None
    assert record.build_inputs is None
    assert source.skipped == ()
    source.close()


@pytest.mark.parametrize(
    "damage", [b"", b"\0", gzip.compress(b"no line\n")], ids=["empty", "no gzip", "no line"]
)
def test_what_damaged_packs_lost_is_asked_of_the_index(
    site: StaticSite, packs: Path, connect: Connect, damage: bytes
) -> None:
    (shard,) = packs.glob("*.gz")
    shard.write_bytes(damage)
    source = with_records(connect(site), [str(packs)])
    (wheel,) = source.wheels(DEMO)
    for _ in range(2):
        record = source.published(wheel)
        assert record is not None
        assert record.build_inputs == INPUTS
    (skipped,) = source.skipped
    assert shard.name in skipped.filename
    source.close()


def test_a_url_of_no_web_server_is_no_place_of_packs(site: StaticSite, connect: Connect) -> None:
    with pytest.raises(UsageError) as caught:
        with_records(connect(site), ["ftp://user:secret@host.invalid/x"])
    assert "secret" not in str(caught.value)
