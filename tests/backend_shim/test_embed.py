"""A wheel keeps all it had and gains its records; a second time changes nothing."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from backend_shim.embed import embed
from backend_shim.errors import InvalidRecord, InvalidWheel
from backend_shim.fingerprinting import recorded_build_inputs, recorded_fingerprint
from backend_shim.interfaces import import_name
from backend_shim.record.names import BUILD_INPUTS, FINGERPRINT, SBOM, STANDARD_NAMES
from backend_shim.record.series import Series, read_series
from backend_shim.wheel.archive import WheelArchive
from backend_shim.wheel.manifest import verify_manifest
from tests.backend_shim.record.example_inputs import INPUTS
from tests.support.elf_factory import Image
from tests.support.wheel_factory import make_wheel

INFO = "demo-1.0.dist-info"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return make_wheel(tmp_path, files={"demo/__init__.py": b"x = 1\n"})


def test_the_records_can_be_read_back_and_record_holds(wheel: Path) -> None:
    embed(wheel, build_inputs=INPUTS, looked_for=())
    with WheelArchive.open(wheel) as archive:
        assert verify_manifest(archive) == ()
        assert recorded_build_inputs(archive) == INPUTS
        fingerprint = recorded_fingerprint(archive)
        assert fingerprint is not None
        assert fingerprint.is_purelib
        assert archive.read("demo/__init__.py") == b"x = 1\n"


def test_embedding_again_gives_the_same_bytes(wheel: Path) -> None:
    embed(wheel, build_inputs=INPUTS, looked_for=("numpy",))
    once = wheel.read_bytes()
    embed(wheel, build_inputs=INPUTS, looked_for=("numpy",))
    assert wheel.read_bytes() == once


def test_a_stamp_keeps_the_build_inputs(wheel: Path) -> None:
    embed(wheel, build_inputs=INPUTS, looked_for=())
    once = wheel.read_bytes()
    embed(wheel, build_inputs=None, looked_for=())
    assert wheel.read_bytes() == once


def test_a_stamp_keeps_what_was_promised_and_a_build_says_it_anew(wheel: Path) -> None:
    promise = Series(name="demo", last_change="1.0", last_addition="1.0")
    embed(wheel, build_inputs=INPUTS, looked_for=(), series=[promise])
    once = wheel.read_bytes()
    embed(wheel, build_inputs=None, looked_for=())
    assert wheel.read_bytes() == once
    with WheelArchive.open(wheel) as archive:
        fingerprint = recorded_fingerprint(archive)
    assert fingerprint is not None
    assert read_series(fingerprint.series) == (promise,)
    embed(wheel, build_inputs=INPUTS, looked_for=(), series=())
    with WheelArchive.open(wheel) as archive:
        assert recorded_fingerprint(archive) == replace(fingerprint, series=())


def test_a_record_with_a_wrong_series_is_not_used(wheel: Path) -> None:
    wrong = Series(name="demo", last_change="soon", last_addition="1.0")
    embed(wheel, build_inputs=INPUTS, looked_for=(), series=[wrong])
    with (
        WheelArchive.open(wheel) as archive,
        pytest.raises(InvalidRecord, match="no release"),
    ):
        recorded_fingerprint(archive)


def test_a_stamp_looks_for_the_names_that_the_build_knew(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, tag="cp311-cp311-linux_x86_64", files={"a.so": bytes(Image())})
    embed(wheel, build_inputs=None, looked_for=("numpy",))
    embed(wheel, build_inputs=None, looked_for=("torch",))
    with WheelArchive.open(wheel) as archive:
        fingerprint = recorded_fingerprint(archive)
    assert fingerprint is not None
    named = fingerprint.required(import_name.NAME)
    assert named is not None
    assert named.facts["looked_for"] == ("numpy", "torch")


def test_a_record_under_the_standard_name_does_not_stay_beside_ours(tmp_path: Path) -> None:
    old = {f"{INFO}/{STANDARD_NAMES[name]}": b"{}" for name in (FINGERPRINT, BUILD_INPUTS)}
    wheel = make_wheel(tmp_path, files={"demo.py": b"", **old})
    embed(wheel, build_inputs=INPUTS, looked_for=())
    with zipfile.ZipFile(wheel) as archive:
        assert not old.keys() & set(archive.namelist())


def test_what_is_no_wheel_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a-1-py3-none-any.whl"
    path.write_bytes(b"nothing")
    with pytest.raises(InvalidWheel):
        embed(path, build_inputs=INPUTS, looked_for=())
    assert path.read_bytes() == b"nothing"


def test_build_inputs_that_record_does_not_vouch_for_are_refused(wheel: Path) -> None:
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr(f"{INFO}/{BUILD_INPUTS}", INPUTS.to_json())
    with (
        WheelArchive.open(wheel) as archive_,
        pytest.raises(InvalidRecord, match="RECORD does not list"),
    ):
        recorded_build_inputs(archive_)


def test_a_wheel_without_records_has_none(wheel: Path) -> None:
    with WheelArchive.open(wheel) as archive:
        assert recorded_build_inputs(archive) is None


def test_a_bill_of_materials_is_added_only_if_it_is_asked_for(wheel: Path) -> None:
    embed(wheel, build_inputs=INPUTS, looked_for=())
    without = wheel.read_bytes()
    embed(wheel, build_inputs=INPUTS, looked_for=(), with_sbom=True)
    with WheelArchive.open(wheel) as archive:
        assert archive.has(f"{INFO}/{SBOM}")
        assert verify_manifest(archive) == ()
    embed(wheel, build_inputs=INPUTS, looked_for=())
    assert wheel.read_bytes() == without


def test_a_stamp_keeps_the_bill_of_materials_with_the_build_inputs(wheel: Path) -> None:
    embed(wheel, build_inputs=INPUTS, looked_for=(), with_sbom=True)
    once = wheel.read_bytes()
    embed(wheel, build_inputs=None, looked_for=())
    assert wheel.read_bytes() == once
