"""The wheel of a build requirement is the very one that is installed, or it is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile

from backend_shim.capture.build_requirements import (
    capture_build_requirements,
    installed_distributions,
)
from backend_shim.embed import embed
from backend_shim.record.build_inputs import BuildInputs, BuildRequirement
from backend_shim.record.build_machine import Library
from backend_shim.record.read_set import Capture, ReadFiles, Role, listing_digest
from backend_shim.wheel.archive import WheelArchive
from resolver_check.scan.installed_files import installed_files
from resolver_check.scan.new_requirements import ComparedInputs, compare_inputs
from resolver_check.scan.subject import Subject
from resolver_check.sources import open_source
from tests.backend_shim.record.example_inputs import INPUTS
from tests.support.served_index import Reply, ServedIndex
from tests.support.wheel_factory import make_wheel

HEADER = "gift/include/gift.h"
FILES = {"gift/__init__.py": b"", HEADER: b"int gift;\n"}


def listing(wheel: Path) -> dict[str, str]:
    with WheelArchive.open(wheel) as archive:
        return installed_files(archive.manifest)


def requirement(wheel: Path, *, read: bool = False) -> BuildRequirement:
    """`gift` as it is installed from `wheel`, of which the build read the header."""
    files = listing(wheel)
    digests = ((Role.HEADER, HEADER, files[HEADER]),) if read else ()
    return BuildRequirement(
        name="gift",
        version=wheel.name.split("-")[1],
        digests=(("record", listing_digest(files.items())),),
        read=ReadFiles(digests=digests),
    )


def inputs(*requirements: BuildRequirement) -> BuildInputs:
    return replace(
        INPUTS, name="demo", version="1.0", config_settings=(), requirements=requirements,
        capture=Capture(method="inotify", is_complete=True),
    )  # fmt: skip


@pytest.fixture
def gifts(tmp_path: Path) -> Path:
    """A wheelhouse with two versions of `gift`, which hold the same header."""
    place = tmp_path / "gifts"
    place.mkdir()
    for version in ("1.0", "1.1"):
        files = {**FILES, "gift/version.py": version.encode()}
        make_wheel(place, name="gift", version=version, files=files)
    return place


def compared(tmp_path: Path, source: str | None, old: Path, new: Path) -> ComparedInputs:
    """What `demo` is told that was built with `old`, where a build of now has `new`."""
    wheel = make_wheel(tmp_path, files={"demo.py": b""})
    embed(wheel, build_inputs=inputs(requirement(old, read=True)), looked_for=())
    with WheelArchive.open(wheel) as archive:
        opened = None if source is None else open_source(source)
        return compare_inputs(Subject(archive), inputs(requirement(new)), opened, strict=False)


def excuses(found: ComparedInputs) -> list[str | None]:
    assert found.changes is not None
    return [each.excuse for each in found.changes]


def test_the_digests_are_those_that_an_installer_leaves(tmp_path: Path) -> None:
    wheel = make_wheel(
        tmp_path, name="gift", version="1.0",
        files={
            **FILES,
            "gift-1.0.data/purelib/gift/more.py": b"more = 1\n",
            "gift-1.0.data/platlib/gift/fast.py": b"fast = 1\n",
            "gift-1.0.data/data/share/gift/notes.txt": b"notes\n",
            "gift-1.0.data/data/bin/tool": b"tool\n",
            "gift-1.0.data/scripts/gift": b"#!python\n",
            "gift/_vendor/other-1.0.dist-info/INSTALLER": b"pip\n",
        },
    )  # fmt: skip
    place = tmp_path / "installed"
    directories = {
        "purelib": "lib/site-packages", "platlib": "lib/site-packages", "scripts": "bin",
        "headers": "include", "data": "",
    }  # fmt: skip
    destination = SchemeDictionaryDestination(
        {scheme: str(place / path) for scheme, path in directories.items()},
        interpreter="/usr/bin/python", script_kind="posix",
    )  # fmt: skip
    with WheelFile.open(wheel) as source:
        install(source, destination, additional_metadata={"INSTALLER": b"installer"})
    found = installed_distributions([str(place / "lib/site-packages")], not_in=tmp_path / "else")
    (installed,) = capture_build_requirements(found)
    assert dict(installed.digests)["record"] == listing_digest(listing(wheel).items())


def test_a_version_that_holds_the_same_header_is_excused(tmp_path: Path, gifts: Path) -> None:
    old, new = sorted(gifts.iterdir())
    found = compared(tmp_path, str(gifts), old, new)
    assert excuses(found) == ["all that the build takes from it is unchanged"]


def test_a_comment_in_a_header_is_excused(tmp_path: Path, gifts: Path) -> None:
    for version, text in (("1.2", b"int gift;  /* new */\n"), ("1.3", b"long gift;\n")):
        make_wheel(gifts, name="gift", version=version, files={**FILES, HEADER: text})
    old = next(gifts.glob("gift-1.0-*"))
    (change,) = compared(tmp_path, str(gifts), old, next(gifts.glob("gift-1.2-*"))).changes or ()
    assert change.excuse == "but for comments, all that the build takes from it is unchanged"
    (change,) = compared(tmp_path, str(gifts), old, next(gifts.glob("gift-1.3-*"))).changes or ()
    assert change.excuse is None
    assert HEADER in str(change.detail)


def test_the_digest_tells_which_of_several_wheels_is_installed(tmp_path: Path, gifts: Path) -> None:
    old, new = sorted(gifts.iterdir())
    for build in ("1", "9"):
        files = {**FILES, HEADER: b"int another;\n", "gift/build.py": build.encode()}
        make_wheel(gifts, name="gift", version="1.1", files=files, build=build)
    assert excuses(compared(tmp_path, str(gifts), old, new)) == [
        "all that the build takes from it is unchanged"
    ]
    new.unlink()
    rebuilt = sorted(gifts.glob("gift-1.1-*"))
    assert excuses(compared(tmp_path, str(gifts), old, rebuilt[0])) == [None]


def test_only_wheels_for_the_interpreter_and_platform_of_now_are_asked(tmp_path: Path) -> None:
    place = tmp_path / "gifts"
    place.mkdir()
    tags = {
        "1.0": "cp311-cp311-manylinux_2_36_x86_64",
        "1.1": "cp311-cp311-manylinux_2_37_x86_64",
        "1.2": "cp312-cp312-manylinux_2_17_x86_64",
        "1.3": "cp311-cp311-musllinux_1_2_x86_64",
        "1.4": "cp311-abi3-manylinux2014_x86_64",
    }
    wheels = {
        version: make_wheel(place, name="gift", version=version, tag=tag, files=FILES)
        for version, tag in tags.items()
    }
    found = {
        version: excuses(compared(tmp_path, str(place), wheels["1.0"], wheel)) != [None]
        for version, wheel in wheels.items()
        if version != "1.0"
    }
    # The example has glibc 2.36.
    assert found == {"1.1": False, "1.2": False, "1.3": False, "1.4": True}


@pytest.mark.parametrize(
    ("changed", "tag"),
    [
        ({"platform": "macosx-11.0-arm64"}, "cp311-cp311-macosx_10_12_universal2"),
        ({"platform": "win-amd64"}, "cp311-cp311-win_amd64"),
        ({"soabi": "cpython-311-x86_64-linux-musl"}, "cp311-cp311-musllinux_1_1_x86_64"),
        ({"platform": "linux-aarch64"}, "cp311-cp311-manylinux_2_17_aarch64"),
    ],
)
def test_every_platform_has_its_wheels(
    tmp_path: Path, changed: Mapping[str, str], tag: str
) -> None:
    place = tmp_path / "gifts"
    place.mkdir()
    old, new = (
        make_wheel(place, name="gift", version=version, tag=tag, files=FILES)
        for version in ("1.0", "1.1")
    )
    interpreter = replace(INPUTS.interpreter, **changed)  # type: ignore[arg-type]
    wheel = make_wheel(tmp_path, files={"demo.py": b""})
    before = replace(inputs(requirement(old, read=True)), interpreter=interpreter)
    after = replace(inputs(requirement(new)), interpreter=interpreter)
    embed(wheel, build_inputs=before, looked_for=())
    with WheelArchive.open(wheel) as archive:
        found = compare_inputs(Subject(archive), after, open_source(str(place)), strict=False)
    assert excuses(found) == ["all that the build takes from it is unchanged"]


def test_an_interpreter_that_no_tag_tells_has_no_wheels(tmp_path: Path, gifts: Path) -> None:
    old, new = sorted(gifts.iterdir())
    wheel = make_wheel(tmp_path, files={"demo.py": b""})
    pypy = replace(INPUTS.interpreter, implementation="pypy")
    before = replace(inputs(requirement(old, read=True)), interpreter=pypy)
    embed(wheel, build_inputs=before, looked_for=())
    after = replace(inputs(requirement(new)), interpreter=pypy)
    with WheelArchive.open(wheel) as archive:
        found = compare_inputs(Subject(archive), after, open_source(str(gifts)), strict=False)
    assert excuses(found) == [None]


def test_without_a_source_nothing_is_known(tmp_path: Path, gifts: Path) -> None:
    old, new = sorted(gifts.iterdir())
    assert excuses(compared(tmp_path, None, old, new)) == [None]


def test_a_project_that_the_index_does_not_have_is_no_failure(tmp_path: Path, gifts: Path) -> None:
    old, new = sorted(gifts.iterdir())
    empty = tmp_path / "empty"
    empty.mkdir()
    with ServedIndex(empty) as index:
        found = compared(tmp_path, index.url, old, new)
    assert (excuses(found), found.unread) == ([None], ())


def test_what_cannot_be_read_is_said(tmp_path: Path, gifts: Path) -> None:
    old, new = sorted(gifts.iterdir())
    with ServedIndex(gifts) as index:
        index.say(f"/files/{new.name}", *[Reply(status=403)] * 20)
        found = compared(tmp_path, index.url, old, new)
    assert excuses(found) == [None]
    (problem,) = [each for each in found.unread if each.startswith("gift 1.1")]
    assert "403" in problem


def test_a_libc_of_another_kind_makes_no_tag(tmp_path: Path, gifts: Path) -> None:
    old, new = sorted(gifts.iterdir())
    assert INPUTS.toolchain is not None
    odd = replace(INPUTS.toolchain, libc=Library(name="glibc", version="three"))
    wheel = make_wheel(tmp_path, files={"demo.py": b""})
    embed(wheel, build_inputs=inputs(requirement(old, read=True)), looked_for=())
    after = replace(inputs(requirement(new)), toolchain=odd)
    with WheelArchive.open(wheel) as archive:
        found = compare_inputs(Subject(archive), after, open_source(str(gifts)), strict=False)
    # Wheels for any platform are still found.
    assert excuses(found) == [None, "all that the build takes from it is unchanged"]


def test_a_wheel_without_a_record_of_its_inputs_says_nothing(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, files={"demo.py": b""})
    with WheelArchive.open(wheel) as archive:
        found = compare_inputs(Subject(archive), inputs(), None, strict=False)
    assert found.changes is None
