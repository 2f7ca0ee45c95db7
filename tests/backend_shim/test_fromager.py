"""fromager's hooks stamp wheels in their place, and never stand in the way of a build."""

from __future__ import annotations

import logging
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend_shim.embed import embed
from backend_shim.fingerprinting import recorded_fingerprint, recorded_problems
from backend_shim.fromager import VARIABLE, post_build, prebuilt_wheel
from backend_shim.interfaces import import_name
from backend_shim.record.names import FINGERPRINT
from backend_shim.wheel.archive import WheelArchive
from backend_shim.wheel.manifest import verify_manifest
from tests.support.elf_factory import Image
from tests.support.wheel_factory import make_wheel


@dataclass(frozen=True, slots=True, kw_only=True)
class Farm:
    """What is needed of fromager's `WorkContext`."""

    work_dir: Path


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    files = {"two_words/__init__.py": b"", "two_words/_two.so": bytes(Image())}
    return make_wheel(
        tmp_path, name="two-words", build="1_x", tag="cp312-cp312-linux_x86_64", files=files
    )


def built(wheel: Path) -> None:
    """As fromager calls it."""
    post_build(
        ctx=Farm(work_dir=wheel.parent / "work-dir"),
        req=object(),
        dist_name="two-words",
        dist_version="1.0",
        sdist_filename=wheel.with_name("two_words-1.0.tar.gz"),
        wheel_filename=wheel,
    )


def downloaded(wheel: Path) -> None:
    """As fromager calls it."""
    prebuilt_wheel(
        ctx=Farm(work_dir=wheel.parent), req=object(), dist_name="two-words", dist_version="1.0",
        wheel_filename=wheel,
    )  # fmt: skip


def is_stamped(wheel: Path) -> bool:
    with WheelArchive.open(wheel) as archive:
        assert recorded_problems(archive) == ()
        assert verify_manifest(archive) == ()
        return recorded_fingerprint(archive) is not None


def test_a_built_wheel_is_stamped_under_the_name_it_has(wheel: Path) -> None:
    built(wheel)
    assert is_stamped(wheel)
    assert [path.name for path in wheel.parent.iterdir()] == [wheel.name]


def test_names_of_the_build_environment_are_looked_for(wheel: Path) -> None:
    """It lies where fromager puts it, and still does when the hook is called."""
    environment = wheel.parent / "work-dir" / "two_words-1.0" / "build-3.12.1"
    site = environment / "lib" / "python3.12" / "site-packages"
    info = site / "murmurhash-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: murmurhash\nVersion: 1.0\n")
    (info / "RECORD").write_text("murmurhash/mrmr.so,sha256=x,1\n")
    built(wheel)
    with WheelArchive.open(wheel) as archive:
        fingerprint = recorded_fingerprint(archive)
    assert fingerprint is not None
    required = fingerprint.required(import_name.NAME)
    assert required is not None
    assert required.facts.thaw()["looked_for"] == ["murmurhash.mrmr"]


def test_a_good_record_stays_to_the_byte(wheel: Path) -> None:
    embed(wheel, build_inputs=None, looked_for=("numpy",))
    before = wheel.read_bytes()
    built(wheel)
    assert wheel.read_bytes() == before


def test_a_stale_record_is_renewed(wheel: Path, tmp_path: Path) -> None:
    embed(wheel, build_inputs=None, looked_for=())
    with WheelArchive.open(wheel) as archive:
        name = f"{archive.dist_info}/{FINGERPRINT}"
        record = archive.read(name)
    other = tmp_path / "other"
    other.mkdir()
    files = {"two_words/another.so": bytes(Image(soname="another.so")), name: record}
    stale = make_wheel(other, name="two-words", tag="cp312-cp312-linux_x86_64", files=files)
    with WheelArchive.open(stale) as archive:
        assert recorded_problems(archive) != ()
    built(stale)
    assert is_stamped(stale)


def test_a_downloaded_wheel_is_left_as_published_unless_asked(
    wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = wheel.read_bytes()
    downloaded(wheel)
    assert wheel.read_bytes() == before
    monkeypatch.setenv(VARIABLE, "all")
    downloaded(wheel)
    assert is_stamped(wheel)


@pytest.mark.parametrize(("choice", "warns"), [("none", False), ("nothing", True)])
def test_no_wheel_is_stamped_where_none_is_asked_for(
    wheel: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    choice: str,
    warns: bool,
) -> None:
    monkeypatch.setenv(VARIABLE, choice)
    before = wheel.read_bytes()
    built(wheel)
    downloaded(wheel)
    assert wheel.read_bytes() == before
    assert bool(caplog.records) == warns


@pytest.mark.parametrize("broken", ["no zip", "no wheel", "missing"])
def test_what_cannot_be_stamped_is_left_and_said(
    wheel: Path, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    if broken == "no zip":
        wheel.write_bytes(wheel.read_bytes()[:100])
    elif broken == "no wheel":
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("a.py", "x = 1\n")
    else:
        wheel.unlink()
    before = wheel.read_bytes() if wheel.exists() else None
    with caplog.at_level(logging.WARNING):
        built(wheel)
    assert (wheel.read_bytes() if wheel.exists() else None) == before
    assert "no ABI fingerprint in two_words-1.0" in caplog.text


def test_an_interrupted_stamp_leaves_the_wheel(
    wheel: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    before = wheel.read_bytes()
    monkeypatch.setattr(Path, "replace", full)
    built(wheel)
    assert wheel.read_bytes() == before
    assert "No space left" in caplog.text
    assert [path.name for path in wheel.parent.iterdir()] == [wheel.name]
