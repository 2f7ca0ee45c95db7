"""What a record says of the provider as a requirement of the build."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from backend_shim.capture.build_requirements import (
    capture_build_requirements,
    installed_distributions,
)
from backend_shim.record.build_inputs import BuildRequirement
from resolver_check.model import BuildRequirementChanged
from resolver_check.scan.build_requirement import built_from, changed_requirement
from tests.resolver_check.conftest import Factory, Open
from tests.support.read_sets import read_of, record

HEADER = "gift/include/gift.h"


def _installed(wheel: Path, place: Path) -> BuildRequirement:
    """As it is recorded where `wheel` was unpacked, as installers do it."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    (info,) = place.glob("*.dist-info")
    (info / "INSTALLER").write_text("somebody\n")
    with (info / "RECORD").open("a") as manifest:
        manifest.write(f"{info.name}/INSTALLER,sha256=0,9\n../../../bin/gift,sha256=1,9\n")
    (found,) = capture_build_requirements(
        installed_distributions([str(place)], not_in=place / "none")
    )
    return found


@pytest.mark.parametrize(
    ("built", "new", "is_same"),
    [
        ("1.1", "1.1", True),
        ("1.1.0", "1.1", True),
        ("1.1", "1.1.0", True),
        ("1.1.post1", "1.1", False),
        ("1.1+local", "1.1", False),
        ("odd one", "1.1", False),
    ],
)
def test_a_version_is_the_same_however_it_is_spelled(
    make: Factory, open_subject: Open, built: str, new: str, is_same: bool
) -> None:
    provider = open_subject(make.library(new))
    requirement = BuildRequirement(name="gift", version=built, digests=())
    consumer = open_subject(record(make.linked(), requirement))
    changed = BuildRequirementChanged(name="gift", built=built, version=new)
    assert list(changed_requirement(consumer, provider)) == ([] if is_same else [changed])


def test_the_same_files_under_another_version_are_the_same(
    make: Factory, open_subject: Open, tmp_path: Path
) -> None:
    wheel, other = make.library("1.1"), make.library("1.2")
    installed = replace(_installed(wheel, tmp_path / "site"), version="1.0")
    consumer = open_subject(record(make.linked(), installed))
    assert list(changed_requirement(consumer, open_subject(wheel))) == []
    assert len(list(changed_requirement(consumer, open_subject(other)))) == 1
    editable = replace(installed, is_editable=True)
    consumer = open_subject(record(make.linked("other"), editable))
    assert len(list(changed_requirement(consumer, open_subject(wheel)))) == 1


def test_what_was_read_is_known_where_the_capture_is_complete(
    make: Factory, open_subject: Open
) -> None:
    old, new = make.library("1.0"), make.library("1.1")
    before, after = open_subject(old), open_subject(new)
    read = read_of(old, HEADER)

    def asked(consumer: Path, *, complete: bool = True, **changed: object):
        requirement = replace(read, **changed)  # type: ignore[arg-type]
        subject = open_subject(record(consumer, requirement, complete=complete))
        return built_from(subject, subject.fingerprint(), before, after)

    built = asked(make.linked())
    assert built is not None
    assert (built.read, built.is_old_the_built_with) == (read.read, True)
    assert "libgift.so.1" in built.linked
    assert built.new[HEADER] == built.old[HEADER]
    lagging = asked(make.linked(), version="0.9")
    assert lagging is not None
    assert not lagging.is_old_the_built_with
    assert asked(make.linked(), complete=False) is None
    assert asked(make.linked(), is_editable=True) is None
    assert asked(make.linked(), name="gifts") is None
    assert asked(make.linked(), read=read_of(old).read) is None
    bare = open_subject(make.linked())
    assert built_from(bare, bare.fingerprint(), before, after) is None
