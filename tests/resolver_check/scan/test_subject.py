"""A wheel as consumer or provider."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from backend_shim.embed import embed
from backend_shim.errors import InvalidWheel
from backend_shim.record.fingerprint import Basis
from backend_shim.record.names import BUILD_INPUTS, FINGERPRINT, SYMBOLS
from backend_shim.record.series import Series
from backend_shim.wheel.archive import WheelArchive
from backend_shim.wheel.rewrite import add_dist_info_files
from tests.backend_shim.record.example_inputs import INPUTS
from tests.resolver_check.conftest import Factory, Open
from tests.support.wheel_factory import make_wheel


def test_names_release_tags_and_requirements(tmp_path: Path, open_subject: Open) -> None:
    wheel = make_wheel(
        tmp_path, name="Some.Name", version="1.0", files={"a.py": b""},
        requires=["gift>=1", "what is this?", "other; python_version < '3'"],
    )  # fmt: skip
    subject = open_subject(wheel)
    assert (subject.name, subject.version) == ("some-name", "1.0")
    assert {str(tag) for tag in subject.tags} == {"py3-none-any"}
    assert [each.name for each in subject.requirements] == ["gift", "other"]
    assert subject.binding_names == {"a"}


@pytest.mark.parametrize(
    "called",
    ["other-1.0-py3-none-any.whl", "demo-2.0-py3-none-any.whl"],
    ids=["project", "version"],
)
def test_a_file_name_of_another_release_is_refused(
    tmp_path: Path, open_subject: Open, called: str
) -> None:
    wheel = make_wheel(tmp_path, files={"a.py": b""}).rename(tmp_path / called)
    with pytest.raises(InvalidWheel, match=r"METADATA is of demo 1\.0, unlike the file name"):
        open_subject(wheel)


def test_another_spelling_of_the_same_release_is_not_another(
    tmp_path: Path, open_subject: Open
) -> None:
    wheel = make_wheel(tmp_path, name="Demo-X", version="1.0.0", files={"a.py": b""})
    renamed = wheel.rename(tmp_path / "demo_x-1.0-py3-none-any.whl")
    assert open_subject(renamed).name == "demo-x"


def test_tags_of_a_file_called_anything_are_those_of_wheel(
    tmp_path: Path, open_subject: Open
) -> None:
    wheel = make_wheel(tmp_path, tag="cp311-cp311-win_amd64", files={"a.py": b""})
    subject = open_subject(wheel.rename(tmp_path / "candidate.zip"))
    assert {str(tag) for tag in subject.tags} == {"cp311-cp311-win_amd64"}


def test_a_file_that_says_nowhere_what_it_is_for_is_refused(
    tmp_path: Path, open_subject: Open
) -> None:
    nameless = tmp_path / "nameless.whl"
    with (
        zipfile.ZipFile(make_wheel(tmp_path, files={"a.py": b""})) as whole,
        zipfile.ZipFile(nameless, "w") as archive,
    ):
        for name in whole.namelist():
            archive.writestr(name, whole.read(name).replace(b"Tag: ", b"Other: "))
    with pytest.raises(InvalidWheel, match="neither its name nor WHEEL says what it is for"):
        _ = open_subject(nameless).tags


@pytest.mark.parametrize("missing", ["Name", "Version"])
def test_metadata_has_to_name_the_release(tmp_path: Path, open_subject: Open, missing: str) -> None:
    wheel = make_wheel(tmp_path, files={"a.py": b""}, **{missing.lower(): " "}).rename(
        tmp_path / "any.whl"
    )
    with pytest.raises(InvalidWheel, match=f"METADATA has no {missing}"):
        open_subject(wheel)


def test_derives_what_is_not_recorded_and_says_so_once(make: Factory, open_subject: Open) -> None:
    subject = open_subject(make.linked())
    fingerprint = subject.fingerprint({"gift"})
    assert subject.fingerprint({"gift"}) is fingerprint
    assert {each.basis for each in fingerprint.requires} == {Basis.DERIVED}
    assert [(note.kind, note.data()["why"]) for note in subject.notes] == [
        ("derived", "it carries no record")
    ]


def test_names_asked_for_later_are_looked_for_too(make: Factory, open_subject: Open) -> None:
    subject = open_subject(make.extension("taker", strings=("gift", "other_one")))

    def looked_for() -> object:
        facts = subject.fingerprint().required("import-name")
        return facts and facts.facts["looked_for"]

    subject.fingerprint({"gift"})
    subject.fingerprint({"other_one"})
    assert looked_for() == ("gift", "other_one")


def test_build_requirements_are_those_of_the_record(make: Factory, open_subject: Open) -> None:
    wheel = make.linked()
    assert open_subject(wheel).build_requirements == {}
    embed(wheel, build_inputs=INPUTS, looked_for=())
    assert open_subject(wheel).build_requirements == {
        each.name: each.version for each in INPUTS.requirements
    }


@pytest.mark.parametrize("record", [BUILD_INPUTS, SYMBOLS])
def test_other_records_that_are_wrong_are_not_used_and_it_says_so(
    make: Factory, open_subject: Open, record: str
) -> None:
    wheel = make.library("1.0")
    embed(wheel, build_inputs=INPUTS, looked_for=())
    add_dist_info_files(wheel, {record: b"{}"})
    subject = open_subject(wheel)
    assert subject.build_requirements == {} or record == SYMBOLS
    symbols = {each.name for table in subject.provider().symbols.objects for each in table.symbols}
    assert {"gift_open", "gift_shut"} <= symbols
    (note,) = [note for note in subject.notes if note.kind == "record-unused"]
    assert note.data() == {
        "wheel": wheel.name, "record": record, "why": "$.schema_version: is missing"
    }  # fmt: skip


def test_reads_interface_files_of_a_provider(make: Factory, open_subject: Open) -> None:
    tree = open_subject(make.library("1.0")).interface_tree(frozenset({"gift_open"}))
    assert [(file.path, file.words) for file in tree.files] == [
        ("gift/include/gift.h", {"gift_open"})
    ]


def test_a_record_that_was_written_without_an_interface_is_derived_anew(
    make: Factory, open_subject: Open
) -> None:
    """What another interface leaves to that one would count as bound by nothing."""
    wheel = make.linked()
    promise = Series(name="taker", last_change="1.0", last_addition="1.0")
    embed(wheel, build_inputs=None, looked_for=("gift",), series=[promise])
    assert open_subject(wheel).fingerprint(("gift",)).requires[0].basis is Basis.OBSERVED
    with WheelArchive.open(wheel) as archive:
        record = archive.read(f"{archive.dist_info}/{FINGERPRINT}")
    assert b'"linking",' in record
    add_dist_info_files(wheel, {FINGERPRINT: record.replace(b'"linking",', b"", 1)})
    subject = open_subject(wheel)
    assert subject.fingerprint(("gift",)).requires[0].basis is Basis.DERIVED
    (note,) = subject.notes
    assert note.data()["why"] == "its record was written without asking for linking"
    # What the project promises is no question of its binaries.
    assert subject.provider().series == (promise,)
