"""Records that an index serves beside wheels: when they are read instead, and when not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from backend_shim.embed import embed
from resolver_check.scan.publishing import read_publishable
from resolver_check.scan.subject import open_subject
from resolver_check.sources.publishable import PublishableWheel
from resolver_check.sources.simple_index import SimpleIndex
from resolver_check.sources.static_repository import StaticRepository
from tests.backend_shim.record.example_inputs import INPUTS
from tests.resolver_check.sources.conftest import Connect
from tests.support.served_index import Manners, Reply
from tests.support.static_site import StaticSite
from tests.support.wheel_factory import make_wheel

DEMO = canonicalize_name("demo")
FILE = "/files/demo/demo-1.0-py3-none-any.whl"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[StaticSite]:
    """One wheel with a record and build inputs."""
    path = make_wheel(
        tmp_path, files={"demo/__init__.py": b"", "demo/h.h": b"int x;\n"}, requires=["other>1"]
    )
    embed(path, build_inputs=INPUTS, looked_for=())
    read = read_publishable(path)
    assert isinstance(read, PublishableWheel)
    StaticRepository(tmp_path / "site").add([read])
    with StaticSite(tmp_path / "site") as served:
        yield served


def state(site: StaticSite, **changes: Any) -> None:
    """Change what the page says of the wheel."""
    path = site.root / "simple" / "demo" / "index.v1_json"
    table = json.loads(path.read_text())
    table["files"][0] |= changes
    path.write_text(json.dumps(table))


def check(source: SimpleIndex, *, opens: bool, site: StaticSite) -> None:
    """The wheel says the same, whether it is opened for that or not."""
    (wheel,) = source.wheels(DEMO)
    with open_subject(source, wheel) as subject:
        assert (subject.name, subject.version) == ("demo", "1.0")
        assert [str(each) for each in subject.requirements] == ["other>1"]
        assert subject.binding_names == {"demo"}
        assert subject.build_inputs == INPUTS
        assert subject.fingerprint({"other"}).is_purelib
        assert subject.notes == []
        assert bool(site.asked(".whl")) == opens
        # A provider has its files read.
        assert subject.provider().modules == {"demo"}
    assert site.asked(".whl")


def test_nothing_but_sidecars_is_read(site: StaticSite, connect: Connect) -> None:
    check(connect(site), opens=False, site=site)
    assert site.asked(".metadata", ".json") == {
        f"{FILE.rpartition('/')[2]}{suffix}"
        for suffix in (".metadata", ".abi.json", ".abi-inputs.json")
    }


def test_they_are_read_once(site: StaticSite, connect: Connect) -> None:
    source = connect(site)
    (wheel,) = source.wheels(DEMO)
    first = source.published(wheel)
    asked = len(site.requests)
    assert source.published(wheel) == first is not None
    assert len(site.requests) == asked


def test_one_that_was_damaged_in_the_cache_is_read_again(
    site: StaticSite, connect: Connect, tmp_path: Path
) -> None:
    source = connect(site)
    (wheel,) = source.wheels(DEMO)
    first = source.published(wheel)
    kept = [*tmp_path.rglob("*.whl.abi.json")]
    for path in set(kept) - {*site.root.rglob("*")}:
        path.write_bytes(path.read_bytes().replace(b'"is_purelib":true', b'"is_purelib":false'))
    assert source.published(wheel) == first is not None


def test_a_wheel_without_build_inputs_has_no_sidecar_for_them(
    site: StaticSite, connect: Connect
) -> None:
    state(site, **{"_abi-build-inputs": False})
    source = connect(site)
    (wheel,) = source.wheels(DEMO)
    record = source.published(wheel)
    assert record is not None
    assert record.build_inputs is None


@pytest.mark.parametrize(
    "changes",
    [
        {"_abi-metadata": True},
        {"_abi-metadata": False},
        {"_abi-metadata": {"sha512": "0"}},
        {"_abi-metadata": {"sha256": "no digest"}},
        {"_abi-metadata": "sha256"},
        {"_abi-build-inputs": None},
        {"_abi-build-inputs": True},
        {"_abi-build-inputs": {}},
        {"_abi-names": None},
        {"_abi-names": "demo"},
        {"_abi-names": [1]},
        {"core-metadata": True, "dist-info-metadata": True},
    ],
    ids=str,
)
def test_the_wheel_is_opened_where_the_index_does_not_state_all(
    site: StaticSite, connect: Connect, changes: dict[str, Any]
) -> None:
    state(site, **changes)
    check(connect(site), opens=True, site=site)


@pytest.mark.parametrize("suffix", [".metadata", ".abi.json", ".abi-inputs.json"])
@pytest.mark.parametrize(
    "reply", [Reply(status=404, body=b""), Reply(body=b"{}")], ids=["gone", "another"]
)
def test_the_wheel_is_opened_where_a_sidecar_is_not_what_was_stated(
    site: StaticSite, connect: Connect, suffix: str, reply: Reply
) -> None:
    site.say(f"{FILE}{suffix}", *[reply] * 4)
    check(connect(site), opens=True, site=site)


@pytest.mark.parametrize("suffix", [".metadata", ".abi.json", ".abi-inputs.json"])
def test_the_wheel_is_opened_where_a_sidecar_cannot_be_used(
    site: StaticSite, connect: Connect, suffix: str
) -> None:
    """Its digest is right, and it says nothing that is of use."""
    nothing = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    (site.root / f"{FILE[1:]}{suffix}").write_bytes(b"{}")
    keys = {
        ".metadata": "core-metadata",
        ".abi.json": "_abi-metadata",
        ".abi-inputs.json": "_abi-build-inputs",
    }
    state(site, **{keys[suffix]: {"sha256": nothing}})
    check(connect(site), opens=True, site=site)


def test_a_wheel_of_the_cache_is_read_itself(site: StaticSite, connect: Connect) -> None:
    source = connect(site)
    (wheel,) = source.wheels(DEMO)
    source.fetch(wheel)
    assert source.published(wheel) is None


def test_html_says_nothing_of_records(site: StaticSite, connect: Connect) -> None:
    site.speaks_json = False
    check(connect(site), opens=True, site=site)


def test_what_a_record_leaves_open_is_read_from_the_wheel(tmp_path: Path, connect: Connect) -> None:
    """The record of a wheel with a binary that was searched for nothing."""
    broken = b"\x7fELF\x02\x01\x01" + bytes(64)
    path = make_wheel(tmp_path, name="odd", files={"odd.so": broken})
    embed(path, build_inputs=None, looked_for=())
    read = read_publishable(path)
    assert isinstance(read, PublishableWheel)
    StaticRepository(tmp_path / "site").add([read])
    with StaticSite(tmp_path / "site", Manners(ranges="ignored")) as site:
        source = connect(site)
        (wheel,) = source.wheels(canonicalize_name("odd"))
        with open_subject(source, wheel) as subject:
            assert subject.fingerprint().objects
            assert not site.asked(".whl")
            assert subject.fingerprint({"numpy"}).objects
            assert site.asked(".whl")
            assert [note.kind for note in subject.notes] == ["derived"]
