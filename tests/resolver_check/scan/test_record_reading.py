"""Wheels read into records that others judge by."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backend_shim.embed import embed
from backend_shim.interfaces import import_name
from backend_shim.record.fingerprint import AbiFingerprint, Basis
from backend_shim.record.names import FINGERPRINT
from resolver_check.scan import record_reading
from resolver_check.scan.record_reading import OfferedWheel, ReadRecords, read_records
from resolver_check.sources.pack_writing import packs_in, write_packs
from resolver_check.sources.published_record import PublishedRecord
from resolver_check.sources.record_packs import RecordPacks
from resolver_check.sources.wheelhouse import Wheelhouse
from tests.backend_shim.record.example_inputs import INPUTS
from tests.resolver_check.conftest import Factory
from tests.support.wheel_factory import make_wheel


@pytest.fixture(scope="module")
def executor() -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def offered(directory: Path) -> list[OfferedWheel]:
    house = Wheelhouse(directory)
    return [
        OfferedWheel(source=house, reference=each)
        for project in house.projects()
        for each in house.wheels(project)
    ]


def read(directory: Path, executor: Executor, before: RecordPacks | None = None) -> ReadRecords:
    return read_records(offered(directory), before, executor)


def by_name(found: ReadRecords) -> dict[str, PublishedRecord]:
    return {record.name: record for record in found.records.values()}


def searched(fingerprint: AbiFingerprint | None) -> frozenset[str]:
    assert fingerprint is not None
    return import_name.looked_for_in(fingerprint)


def test_a_record_that_answers_is_all_that_is_taken(make: Factory, executor: Executor) -> None:
    wheel = make.extension("demo", requires=["other>=1"])
    embed(wheel, build_inputs=INPUTS, looked_for=("other",))
    make.pure("other")
    record = by_name(read(make.directory, executor))["demo"]
    assert record.recorded is not None
    assert record.derived is None
    assert record.build_inputs == INPUTS
    assert record.requirements == ("other>=1",)
    assert record.binding_names == {"demo"}


def test_what_a_record_was_not_asked_is_searched_for_beside_it(
    make: Factory, executor: Executor
) -> None:
    embed(make.extension("demo", requires=["other"]), build_inputs=None, looked_for=("numpy",))
    make_wheel(make.directory, name="other", files={"spelled/__init__.py": b""})
    record = by_name(read(make.directory, executor))["demo"]
    assert searched(record.recorded) == {"numpy"}
    assert searched(record.derived) >= {"spelled"}
    assert record.derived is not None
    assert {each.basis for each in record.derived.requires} == {Basis.DERIVED}


def test_every_wheel_is_searched_for_whatever_any_of_them_requires(
    make: Factory, executor: Executor
) -> None:
    make.extension("alone")
    make.pure("plain", requires=["provider", "not-here"])
    make_wheel(make.directory, name="provider", files={"given/__init__.py": b""})
    make.pure("unwanted")
    found = by_name(read(make.directory, executor))
    assert searched(found["alone"].derived) == {"given"}


def test_a_project_that_is_elsewhere_is_searched_for_by_its_name(
    make: Factory, executor: Executor
) -> None:
    make.extension("demo", requires=["Some-Where"])
    record = by_name(read(make.directory, executor))["demo"]
    assert searched(record.derived) == {"Some_Where", "some_where"}


def test_a_stale_record_is_not_the_wheels_own(
    make: Factory, executor: Executor, tmp_path: Path
) -> None:
    """The record of a pure wheel stands in one that is not."""
    pure = make_wheel(tmp_path, files={"demo.py": b""})
    embed(pure, build_inputs=None, looked_for=())
    with zipfile.ZipFile(pure) as archive:
        record = archive.read(f"demo-1.0.dist-info/{FINGERPRINT}")
    files = {"demo.so": make.module("demo"), f"demo-1.0.dist-info/{FINGERPRINT}": record}
    make_wheel(make.directory, files=files)
    found = by_name(read(make.directory, executor))["demo"]
    assert found.recorded is None
    assert found.derived is not None
    assert not found.derived.is_purelib


def test_what_packs_have_is_not_read_again(
    make: Factory, executor: Executor, tmp_path: Path
) -> None:
    make.extension("demo", requires=["other"])
    make.pure("other")
    first = read(make.directory, executor)
    write_packs(tmp_path, first.records, None)
    packs = packs_in(tmp_path)
    assert packs is not None
    again = [
        OfferedWheel(source=_Closed(make.directory), reference=replace(each, digest=digest))
        for digest, record in first.records.items()
        for each in Wheelhouse(make.directory).wheels(record.name)  # type: ignore[arg-type]
    ]
    assert read_records(again, packs, executor) == first
    packs.close()


def test_what_packs_were_not_asked_is_read_again(
    make: Factory, executor: Executor, tmp_path: Path
) -> None:
    make.extension("demo")
    first = read(make.directory, executor)
    write_packs(tmp_path, first.records, None)
    make.pure("plain", requires=["other"])
    make_wheel(make.directory, name="other", files={"newly/__init__.py": b""})
    packs = packs_in(tmp_path)
    record = by_name(read(make.directory, executor, packs))["demo"]
    assert searched(record.derived) == {"newly"}
    assert packs is not None
    packs.close()


def test_names_of_wheels_that_only_packs_have_count(
    make: Factory, executor: Executor, tmp_path: Path
) -> None:
    provider = make_wheel(make.directory, name="other", files={"inside/__init__.py": b""})
    write_packs(tmp_path, read(make.directory, executor).records, None)
    provider.unlink()
    make.extension("demo", requires=["other"])
    packs = packs_in(tmp_path)
    record = by_name(read(make.directory, executor, packs))["demo"]
    assert searched(record.derived) == {"inside", "other"}
    assert packs is not None
    packs.close()


def test_says_what_cannot_be_read(make: Factory, executor: Executor) -> None:
    make.pure("good")
    (make.directory / "bad-1.0-py3-none-any.whl").write_bytes(b"PK")
    wheels = offered(make.directory)
    (make.directory / "gone-1.0-py3-none-any.whl").write_bytes(b"PK")
    wheels += offered(make.directory)[1:2]
    (make.directory / "gone-1.0-py3-none-any.whl").unlink()
    found = read_records(wheels, None, executor)
    assert [*by_name(found)] == ["good"]
    assert [each.filename.split("-")[0] for each in found.failed] == ["bad", "gone"]


def test_a_wheel_that_changes_meanwhile_has_no_record(
    make: Factory, executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its record would stand under the digest of what it was."""
    wheel = make.pure("demo")
    real = record_reading._record_of

    def changed_meanwhile(*arguments: Any) -> PublishedRecord:
        record = real(*arguments)
        wheel.write_bytes(b"another")
        return record

    monkeypatch.setattr(record_reading, "_record_of", changed_meanwhile)
    found = read(make.directory, executor)
    assert found.records == {}
    assert [each.why for each in found.failed] == ["was changed while it was read"]


class _Closed(Wheelhouse):
    """Where no wheel can be opened."""

    def open(self, reference: object) -> None:  # type: ignore[override]
        raise AssertionError(f"{reference} is opened")
