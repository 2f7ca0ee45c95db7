"""A simple repository as files: its pages, what interruptions leave, what it refuses to replace."""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from mousebender import simple
from packaging.utils import canonicalize_name

from backend_shim.embed import embed
from backend_shim.record.names import BUILD_INPUTS, FINGERPRINT
from resolver_check.errors import SourceUnavailable, UsageError
from resolver_check.scan.publishing import read_publishable
from resolver_check.sources import static_repository
from resolver_check.sources.publishable import PublishableWheel, UnpublishableWheel
from resolver_check.sources.static_repository import StaticRepository
from tests.backend_shim.record.example_inputs import INPUTS
from tests.support.wheel_factory import make_wheel

DEMO = canonicalize_name("demo")


def publishable(path: Path) -> PublishableWheel:
    read = read_publishable(path)
    assert isinstance(read, PublishableWheel)
    return read


@pytest.fixture
def made(tmp_path: Path) -> Path:
    directory = tmp_path / "made"
    directory.mkdir()
    return directory


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path / "site"


def wheel(made: Path, version: str = "1.0", **more: object) -> Path:
    return make_wheel(made, version=version, files={"demo.py": b""}, **more)  # type: ignore[arg-type]


def page(site: Path, name: str = "index.v1_json") -> str:
    return (site / "simple" / DEMO / name).read_text()


def contents(site: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in site.rglob("*") if path.is_file()}


@pytest.mark.filterwarnings("ignore::mousebender.simple.APIVersionWarning")
def test_both_pages_say_the_same(made: Path, site: Path) -> None:
    path = wheel(made, "1!2.0+local.1", requires=["other"])
    StaticRepository(site).add([publishable(path)])
    as_json = simple.parse_project_details(page(site), simple.ACCEPT_JSON_V1, DEMO)
    as_html = simple.parse_project_details(page(site, "index.html"), "text/html", DEMO)
    (from_json,), (from_html,) = as_json["files"], as_html["files"]
    for key in ("filename", "url", "hashes", "core-metadata"):
        assert from_json[key] == from_html[key]  # type: ignore[literal-required]
    assert as_json["versions"] == ["1!2.0+local.1"]
    assert from_json["size"] == path.stat().st_size
    # The factory leaves the signs as they are; a URL has to be quoted.
    assert "+" not in from_json["url"]


def test_requires_python_is_taken_on_if_it_is_one(made: Path, site: Path) -> None:
    good, bad = wheel(made, "1.0"), wheel(made, "2.0")
    for path, says in ((good, ">=3.8, <4"), (bad, ">=3.8 please")):
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in members.items():
                header = f"Requires-Python: {says}\n".encode()
                archive.writestr(name, data + header * name.endswith("METADATA"))
    StaticRepository(site).add([publishable(good), publishable(bad)])
    first, second = json.loads(page(site))["files"]
    assert (first["requires-python"], second.get("requires-python")) == (">=3.8, <4", None)
    assert 'data-requires-python="&gt;=3.8, &lt;4"' in page(site, "index.html")


def test_sidecars_are_the_wheels_own_bytes(made: Path, site: Path) -> None:
    path = wheel(made)
    embed(path, build_inputs=INPUTS, looked_for=())
    StaticRepository(site).add([publishable(path)])
    beside = site / "files" / "demo" / path.name
    with zipfile.ZipFile(path) as archive:
        for suffix, name in (
            (".metadata", "METADATA"),
            (".abi.json", FINGERPRINT),
            (".abi-inputs.json", BUILD_INPUTS),
        ):
            sidecar = beside.with_name(beside.name + suffix)
            assert sidecar.read_bytes() == archive.read(f"demo-1.0.dist-info/{name}")


def test_a_stale_record_is_not_published(made: Path, site: Path) -> None:
    path = wheel(made)
    embed(path, build_inputs=None, looked_for=())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("demo.so", b"\x7fELF\x02\x01\x01" + bytes(64))
    read = publishable(path)
    assert read.fingerprint is None
    assert "stale" in (read.unused or "")
    StaticRepository(site).add([read])
    (entry,) = json.loads(page(site))["files"]
    assert entry["_abi-metadata"] is False
    assert not list(site.rglob("*.abi.json"))


def test_wheels_come_to_those_that_are_there(made: Path, site: Path) -> None:
    repository = StaticRepository(site)
    assert repository.add([publishable(wheel(made, "1.10"))]) == 1
    assert repository.add([publishable(wheel(made, "1.9"))]) == 1
    make_wheel(made, name="another", files={"another.py": b""})
    assert repository.add([publishable(next(made.glob("another*")))]) == 1
    assert json.loads(page(site))["versions"] == ["1.9", "1.10"]
    root = json.loads((site / "simple" / "index.v1_json").read_text())
    assert [each["name"] for each in root["projects"]] == ["another", "demo"]


def test_publishing_again_touches_nothing(made: Path, site: Path) -> None:
    wheels = [publishable(wheel(made, version)) for version in ("1.0", "2.0")]
    StaticRepository(site).add(wheels)
    for path in site.rglob("*"):
        os.utime(path, (1, 1))
    assert StaticRepository(site).add(wheels[::-1]) == 0
    assert {path.stat().st_mtime for path in site.rglob("*") if path.is_file()} == {1}


def test_what_others_wrote_into_a_page_stays(made: Path, site: Path) -> None:
    first = publishable(wheel(made))
    StaticRepository(site).add([first])
    table = json.loads(page(site))
    table["files"][0]["yanked"] = "it <breaks>"
    (site / "simple" / "demo" / "index.v1_json").write_text(json.dumps(table))
    StaticRepository(site).add([first, publishable(wheel(made, "2.0"))])
    assert json.loads(page(site))["files"][0]["yanked"] == "it <breaks>"
    assert 'data-yanked="it &lt;breaks&gt;"' in page(site, "index.html")


@pytest.mark.parametrize("where", ["in the page", "in the files", "given twice"])
def test_other_bytes_of_one_name_are_refused(made: Path, site: Path, where: str) -> None:
    first = publishable(wheel(made))
    other = replace(first, reference=replace(first.reference, digest="0" * 64))
    if where != "given twice":
        StaticRepository(site).add([first])
    if where == "in the page":
        (site / "files" / "demo" / first.reference.filename).unlink()
    if where == "in the files":
        (site / "simple" / "demo" / "index.v1_json").unlink()
    before = contents(site)
    with pytest.raises(UsageError, match="nothing was changed"):
        StaticRepository(site).add([first, other] if where == "given twice" else [other])
    assert contents(site) == before


@pytest.mark.parametrize("text", ["", "[]", "{", '{"files": [{}]}'])
def test_a_page_that_is_none_is_left_alone(made: Path, site: Path, text: str) -> None:
    broken = site / "simple" / "demo" / "index.v1_json"
    broken.parent.mkdir(parents=True)
    broken.write_text(text)
    with pytest.raises(SourceUnavailable, match="no page of the simple API"):
        StaticRepository(site).add([publishable(wheel(made))])
    assert list(contents(site)) == [str(broken)]


def test_a_wheel_that_changes_meanwhile_is_not_published(made: Path, site: Path) -> None:
    read = publishable(wheel(made))
    Path(read.reference.location).write_bytes(b"another")
    with pytest.raises(SourceUnavailable, match="was changed"):
        StaticRepository(site).add([read])
    assert not contents(site)


def test_links_are_the_same_file(made: Path, site: Path) -> None:
    path = wheel(made)
    StaticRepository(site).add([publishable(path)], links=True)
    assert (site / "files" / "demo" / path.name).samefile(path)


@pytest.mark.parametrize("links", [True, False])
def test_what_a_killed_process_left_is_never_written_into(
    made: Path, site: Path, links: bool
) -> None:
    """Of the same id, as in containers; it was killed after it had linked a file of the user."""
    path = wheel(made)
    other = made / "of-the-user"
    other.write_bytes(b"precious")
    place = site / "files" / "demo" / path.name
    place.parent.mkdir(parents=True)
    left = (place, place.with_name(f"{place.name}.metadata"))
    for each in left:
        each.with_name(f".{each.name}.{os.getpid()}").hardlink_to(other)
    StaticRepository(site).add([publishable(path)], links=links)
    assert other.read_bytes() == b"precious"
    assert place.samefile(path) == links
    assert not list(site.rglob(".*"))


def test_an_interruption_leaves_whole_files_and_links_that_lead_somewhere(
    made: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is cut short before each of its writes in turn, and then run again."""
    wheels = [publishable(wheel(made, version)) for version in ("1.0", "2.0")]
    StaticRepository(site).add(wheels[:1])
    first = contents(site)
    real = static_repository._write
    for survived in range(12):
        left = iter(range(survived))

        def write(path: Path, data: bytes, left: object = left) -> None:
            if next(left, None) is None:  # type: ignore[call-overload]
                raise KeyboardInterrupt
            real(path, data)

        monkeypatch.setattr(static_repository, "_write", write)
        try:
            StaticRepository(site).add(wheels)
        except KeyboardInterrupt:
            pass
        else:
            break
        for entry in json.loads(page(site))["files"]:
            assert (site / "simple" / "demo" / entry["url"]).is_file()
        assert not list(site.rglob(".*"))
    else:
        pytest.fail("it never came to its end")
    assert survived > 3
    assert contents(site).keys() > first.keys()
    assert json.loads(page(site))["versions"] == ["1.0", "2.0"]


@pytest.mark.parametrize("name", ["demo-1.0-py3-none-any.whl", "demo.whl", "demo-1.0.whl"])
def test_what_is_no_wheel_is_not_published(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"PK\3\4")
    assert isinstance(read_publishable(tmp_path / name), UnpublishableWheel)


def test_a_wheel_that_is_not_there_is_not_published(tmp_path: Path) -> None:
    read = read_publishable(tmp_path / "demo-1.0-py3-none-any.whl")
    assert isinstance(read, UnpublishableWheel)
    assert read.why == "No such file or directory"
