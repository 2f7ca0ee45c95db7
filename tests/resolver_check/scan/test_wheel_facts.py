"""One wheel read for the catalog: by its records where it can, and never with an exception."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from backend_shim.embed import embed
from backend_shim.errors import InterfaceFailed, InvalidRecord
from backend_shim.interfaces.compiled_strings import CUT
from backend_shim.record.facts import Facts
from backend_shim.record.fingerprint import Basis, InterfaceFacts
from backend_shim.record.names import FINGERPRINT
from backend_shim.wheel.rewrite import add_dist_info_files
from resolver_check.scan import wheel_facts
from resolver_check.scan.wheel_facts import ReadFacts, edges_of
from resolver_check.sources import open_source
from resolver_check.sources.catalog_entry import RequiredProject, WheelFacts, listed_wheel
from resolver_check.wheel_reference import WheelReference, parse
from tests.backend_shim.record.example_inputs import INPUTS
from tests.resolver_check.conftest import Factory, Open
from tests.support.served_index import Manners, ServedIndex
from tests.support.wheel_factory import make_wheel


def read(wheel: Path) -> WheelFacts:
    task = pickle.loads(pickle.dumps(ReadFacts(source=open_source(str(wheel.parent)))))
    return pickle.loads(pickle.dumps(task(listed_wheel(reference(wheel)))))  # type: ignore[no-any-return]


def reference(wheel: Path) -> WheelReference:
    found = parse(wheel.name, location=str(wheel))
    assert isinstance(found, WheelReference)
    return found


def test_reads_whom_a_wheel_requires_needs_and_names(make: Factory) -> None:
    found = read(make.linked())
    assert found.unreadable is None
    assert (found.is_recorded, found.sha256 is not None) == (False, True)
    assert found.edges.needed >= {"libgift.so.1"}
    assert ("gift_open", "") in found.edges.imports
    gift = RequiredProject(project="gift", kind="install", text="gift")
    assert {each for each in found.edges.requires if each.kind == "install"} == {gift}
    assert found.edges.looked_for == {"gift"}
    assert found.edges.names == {"taker"}
    library = read(make.library("1.0")).edges
    assert "libgift.so.1" in library.libraries
    assert library.names == {"gift", "libgift.so.1"}


def test_names_are_looked_for_as_the_required_projects_are_spelled(make: Factory) -> None:
    edges = read(
        make.extension("taker", strings=("Some_Gift.part", "other"), requires=["Some-Gift>=2"])
    ).edges
    assert edges.looked_for == {"Some_Gift", "some_gift"}
    assert edges.named == {"Some_Gift.part"}


def test_a_name_that_goes_on_where_it_cannot_be_read_is_a_name(
    make: Factory, open_subject: Open
) -> None:
    subject = open_subject(make.extension("taker"))
    cut = Facts({"looked_for": ["gift"], "whole": [f"gift.{CUT}"], "tails": [f"gift.pa{CUT}"]})
    found = InterfaceFacts(interface="import-name", basis=Basis.OBSERVED, facts=cut)
    edges = edges_of(subject, replace(subject.fingerprint(), requires=(found,)))
    assert edges.named == {"gift", "gift.pa", f"gift.{CUT}", f"gift.pa{CUT}"}


def test_an_interface_of_one_project_requires_it(make: Factory) -> None:
    requires = read(make.for_numpy_1("low")).edges.requires
    assert RequiredProject(project="numpy", kind="observed", text="numpy-c-api") in requires


def test_a_sound_record_is_taken_as_it_is(make: Factory) -> None:
    wheel = make.extension("taker", strings=("strange.part",), requires=["gift"])
    embed(wheel, build_inputs=INPUTS, looked_for={"strange"})
    found = read(wheel)
    assert found.is_recorded
    assert (found.edges.looked_for, found.edges.named) == ({"strange"}, {"strange.part"})
    assert found.body is not None
    assert found.body.build_inputs == INPUTS
    assert {each.basis for each in found.body.fingerprint.requires} == {Basis.OBSERVED}
    built = {each.project for each in found.edges.requires if each.kind == "build"}
    assert built == {each.name for each in INPUTS.requirements}


def test_a_stale_record_is_not_taken_and_the_names_are_looked_for(make: Factory) -> None:
    wheel = make.extension("taker", strings=("gift.part",), requires=["gift"])
    embed(wheel, build_inputs=INPUTS, looked_for={"strange"})
    add_dist_info_files(wheel, {FINGERPRINT: b"{}"})
    found = read(wheel)
    assert not found.is_recorded
    assert found.edges.named == {"gift.part"}
    assert found.body is not None
    assert found.body.build_inputs == INPUTS


@pytest.mark.parametrize("interface", ["import-name", "cython", "capsule", "sip", "linking"])
def test_facts_of_a_wrong_shape_are_an_invalid_record(
    make: Factory, open_subject: Open, interface: str
) -> None:
    subject = open_subject(make.extension("taker"))
    wrong = InterfaceFacts(interface=interface, basis=Basis.OBSERVED, facts=Facts({"whole": 1}))
    with pytest.raises(InvalidRecord):
        edges_of(subject, replace(subject.fingerprint(), requires=(wrong,)))


def test_a_record_with_facts_of_a_wrong_shape_is_left_for_the_binaries(make: Factory) -> None:
    wheel = make.extension("taker", strings=("gift.part",), requires=["gift"])
    embed(wheel, build_inputs=INPUTS, looked_for={"gift"})
    sound = read(wheel).body
    assert sound is not None
    wrong = replace(
        sound.fingerprint,
        requires=(
            InterfaceFacts(interface="sip", basis=Basis.OBSERVED, facts=Facts({"modules": 1})),
        ),
    )
    add_dist_info_files(wheel, {FINGERPRINT: wrong.to_json()})
    found = read(wheel)
    assert (found.is_recorded, found.edges.named) == (False, {"gift.part"})


@pytest.mark.parametrize("end", range(0, 400, 7))
def test_what_is_no_wheel_is_a_fact(tmp_path: Path, end: int) -> None:
    wheel = make_wheel(tmp_path, files={"a.py": b""})
    wheel.write_bytes(wheel.read_bytes()[:end])
    found = read(wheel)
    assert found.body is None
    assert found.unreadable
    assert not found.is_passing


def test_a_wheel_that_is_not_there_any_more_is_a_fact(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, files={"a.py": b""})
    task = ReadFacts(source=open_source(str(tmp_path)))
    found = listed_wheel(reference(wheel))
    wheel.unlink()
    again = task(found)
    assert (again.unreadable, again.is_passing) == ("no such file", True)


def test_a_wheel_that_changes_meanwhile_is_read_again_later(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, files={"a.py": b""})
    before = listed_wheel(reference(wheel))
    make_wheel(tmp_path, files={"a.py": b"other"})
    found = ReadFacts(source=open_source(str(tmp_path)))(before)
    assert (found.unreadable, found.is_passing) == ("was changed while it was read", True)


def test_a_fault_of_this_program_ends_no_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheel_facts, "edges_of", lambda *_: 1 / 0)
    found = read(make_wheel(tmp_path, files={"a.py": b""}))
    assert found.unreadable == "internal error: ZeroDivisionError: division by zero"
    assert found.is_passing


def test_a_plug_in_that_cannot_be_used_ends_the_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise InterfaceFailed("odd", "cannot be loaded")

    monkeypatch.setattr(wheel_facts, "edges_of", fails)
    with pytest.raises(InterfaceFailed):
        read(make_wheel(tmp_path, files={"a.py": b""}))


def test_too_many_and_too_long_names_are_refused(
    make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make.linked()
    monkeypatch.setattr(wheel_facts, "_MAX_TEXTS", 2)
    assert "too many to keep" in (read(wheel).unreadable or "")
    monkeypatch.undo()
    monkeypatch.setattr(wheel_facts, "_MAX_LENGTH", 5)
    assert "a name of more than 5 letters" in (read(wheel).unreadable or "")


def test_of_a_remote_wheel_with_a_record_only_ranges_are_read(make: Factory) -> None:
    ballast = bytes(range(256)) * 4
    wheel = make.extension(
        "taker",
        requires=["gift"],
        files={"taker/data.bin": b"".join(bytes([n % 251]) + ballast for n in range(8000))}
        | {f"taker/m{number}.py": ballast for number in range(300)},
    )
    embed(wheel, build_inputs=INPUTS, looked_for={"gift"})
    _stored(wheel)
    with ServedIndex(make.directory, Manners()) as index:
        source = open_source(index.url)
        (listed,) = map(listed_wheel, source.wheels(source.projects()[0]))
        index.requests.clear()
        found = ReadFacts(source=source)(listed)
        source.close()
        assert found.unreadable is None
        assert (found.is_recorded, found.sha256) == (True, listed.reference.digest)
        assert {status for _, _, status in index.file_requests} == {206}
        # The end, and the beginning of the one member that may be a binary by now.
        assert len(index.file_requests) <= 3
        assert index.sent < wheel.stat().st_size / 4


def test_of_a_remote_wheel_without_a_record_all_is_fetched_once(make: Factory) -> None:
    wheel = make.linked()
    with ServedIndex(make.directory, Manners()) as index:
        source = open_source(index.url)
        (listed,) = map(listed_wheel, source.wheels(source.projects()[0]))
        found = ReadFacts(source=source)(listed)
        source.close()
        assert (found.unreadable, found.is_recorded) == (None, False)
        assert [status for _, _, status in index.file_requests].count(200) == 1
    here = read(wheel)
    assert (found.body, found.edges, found.sha256) == (here.body, here.edges, here.sha256)


def test_a_server_that_fails_is_no_fault_of_the_wheel(make: Factory) -> None:
    wheel = make.linked()
    with ServedIndex(make.directory, Manners()) as index:
        source = open_source(index.url)
        (listed,) = map(listed_wheel, source.wheels(source.projects()[0]))
        wheel.unlink()
        found = ReadFacts(source=source)(listed)
        source.close()
    assert "404" in (found.unreadable or "")
    assert found.is_passing


def _stored(wheel: Path) -> None:
    """Writes the members without compression, so that the wheel is as long as they are."""
    import zipfile

    with zipfile.ZipFile(wheel) as archive:
        members = [(info, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(wheel, "w") as archive:
        for info, data in members:
            info.compress_type = zipfile.ZIP_STORED
            archive.writestr(info, data)
