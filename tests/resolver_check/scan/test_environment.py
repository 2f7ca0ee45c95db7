"""Installed distributions, read as the wheels that they were installed from."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from backend_shim.embed import embed
from backend_shim.errors import InvalidWheel
from resolver_check.errors import SourceUnavailable
from resolver_check.scan.environment import open_environment
from resolver_check.scan.subject import Subject
from resolver_check.sources.dpkg_lists import DpkgLists
from resolver_check.sources.installed_listing import installed_wheel
from tests.backend_shim.record.example_inputs import INPUTS
from tests.resolver_check.conftest import SUFFIX, Factory, Open
from tests.support.installed_tree import record_digest
from tests.support.installed_wheels import install_wheels, site_of
from tests.support.wheel_factory import make_wheel


def _subject(site: Path) -> Subject:
    (found,) = open_environment([site]).subjects
    return found


def _why(site: Path) -> str:
    environment = open_environment([site])
    assert environment.subjects == ()
    (skipped,) = environment.skipped
    return skipped.why


@pytest.fixture
def stamped(make: Factory) -> Path:
    """A wheel with records."""
    wheel = make.extension("taker")
    embed(wheel, build_inputs=INPUTS, looked_for={"gift"})
    return wheel


@pytest.fixture
def site(tmp_path: Path, stamped: Path) -> Path:
    return install_wheels(tmp_path / "env", stamped)


def test_it_reads_as_its_wheel(make: Factory, tmp_path: Path, open_subject: Open) -> None:
    wheel = make.numpy_2()
    installed, archive = _subject(install_wheels(tmp_path / "env", wheel)), open_subject(wheel)
    assert (installed.name, installed.version) == (archive.name, archive.version)
    assert installed.tags == archive.tags
    assert installed.modules == archive.modules
    assert installed.binding_names == archive.binding_names
    assert installed.installed_digests.items() >= archive.installed_digests.items()
    here, there = installed.fingerprint(["gift"]), archive.fingerprint(["gift"])
    assert set(here.objects) == set(there.objects)
    assert here.requires == there.requires
    assert {each.interface for each in here.provides} == {each.interface for each in there.provides}


def test_records_count_although_the_installer_wrote_another_listing(site: Path) -> None:
    subject = _subject(site)
    assert subject.fingerprint(["gift"]) is subject.recorded
    assert subject.build_inputs == INPUTS
    assert subject.notes == []


def _change(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 0xFF
    path.write_bytes(bytes(data))


def test_a_binary_that_was_patched_is_not_judged_by_the_record(site: Path) -> None:
    _change(site / "taker" / f"_taker{SUFFIX}")
    subject = _subject(site)
    assert subject.recorded is None
    (note,) = subject.notes
    assert "was changed since" in str(note.data())


def test_a_binary_that_came_later_makes_the_record_stale(site: Path) -> None:
    listing = next(site.glob("*.dist-info")) / "RECORD"
    (site / "taker" / "more.so").write_bytes((site / "taker" / f"_taker{SUFFIX}").read_bytes())
    listing.write_text(listing.read_text() + "taker/more.so,,\n")
    assert _subject(site).recorded is None


def test_a_record_that_was_changed_is_not_used(site: Path) -> None:
    _change(next(site.glob("*/wheel_abi_fingerprint.json")))
    assert _subject(site).recorded is None


def test_a_record_that_is_not_listed_is_none(site: Path) -> None:
    listing = next(site.glob("*.dist-info")) / "RECORD"
    lines = listing.read_text().splitlines(keepends=True)
    listing.write_text("".join(line for line in lines if "wheel_abi_fingerprint" not in line))
    assert _subject(site).recorded is None


def test_what_was_changed_since_has_no_digest(site: Path) -> None:
    (site / "taker" / "__init__.py").write_bytes(b"x")
    digests = _subject(site).installed_digests
    assert "taker/__init__.py" not in digests
    assert f"taker/_taker{SUFFIX}" in digests


def test_files_may_be_links_into_a_cache(site: Path, tmp_path: Path) -> None:
    for number, path in enumerate(each for each in site.rglob("*") if each.is_file()):
        kept = tmp_path / "cache" / str(number)
        kept.parent.mkdir(exist_ok=True)
        path.rename(kept)
        path.symlink_to(kept)
    assert _subject(site).recorded is not None


def test_programs_of_the_environment_are_read(tmp_path: Path, make: Factory) -> None:
    wheel = make_wheel(
        tmp_path, name="tool", tag="py3-none-linux_x86_64",
        files={"tool-1.0.data/scripts/tool": make.module("tool")},
    )  # fmt: skip
    subject = _subject(install_wheels(tmp_path / "env", wheel))
    (found,) = subject.fingerprint().objects
    assert found.path == "tool-1.0.data/data/bin/tool"


def _no_listing(info: Path) -> None:
    (info / "RECORD").unlink()


def _no_csv(info: Path) -> None:
    (info / "RECORD").write_text('a,"b')


def _no_text(info: Path) -> None:
    (info / "RECORD").write_bytes(b"\xff")


def _outside(info: Path) -> None:
    with (info / "RECORD").open("a") as file:
        file.write("../../../../outside,,\n")
    (info / "../../../../../outside").resolve().write_text("")


def _absolute(info: Path) -> None:
    with (info / "RECORD").open("a") as file:
        file.write("/etc/passwd,,\n")


def _lost_binary(info: Path) -> None:
    (info.parent / "taker" / f"_taker{SUFFIX}").unlink()


def _editable(info: Path) -> None:
    (info / "direct_url.json").write_text('{"url": "file:///x", "dir_info": {"editable": true}}')
    with (info / "RECORD").open("a") as file:
        file.write(f"{info.name}/direct_url.json,,\n")


def _unclear_origin(info: Path) -> None:
    _editable(info)
    (info / "direct_url.json").write_text("[")


def _path_file(info: Path) -> None:
    (info.parent / "taker.pth").write_text(f"import nothing\n{info.parent.parent}\n")
    with (info / "RECORD").open("a") as file:
        file.write("taker.pth,,\n")


def _no_version(info: Path) -> None:
    (info / "METADATA").write_text("Name: taker\n")


def _twice(info: Path) -> None:
    other = info.with_name("taker-2.0.dist-info")
    other.mkdir()
    (other / "METADATA").write_text("Name: taker\nVersion: 2.0\n")


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (_no_listing, "no list of its files"),
        (_no_csv, "not CSV"),
        (_no_text, "not UTF-8"),
        (_outside, "outside of its environment"),
        (_absolute, "outside of its environment"),
        (_lost_binary, "listed and not there"),
        (_editable, "editable"),
        (_unclear_origin, "editable"),
        (_path_file, "editable"),
        (_no_version, "METADATA has no Version"),
        (_twice, "installed twice"),
    ],
    ids=lambda each: each.__name__ if callable(each) else "",
)
def test_of_what_cannot_be_read_it_is_said_why(
    site: Path, damage: Callable[[Path], None], why: str
) -> None:
    damage(next(site.glob("*.dist-info")))
    assert why in _why(site)


def test_texts_that_are_gone_and_what_is_no_file_are_left_out(site: Path) -> None:
    (site / "taker" / "__init__.py").unlink()
    os.mkfifo(site / "taker" / "pipe")
    listing = next(site.glob("*.dist-info")) / "RECORD"
    listing.write_text(listing.read_text() + "taker/pipe,,\ntaker,,\n")
    assert [path for path in _subject(site).paths if path.startswith("taker/")] == [
        f"taker/_taker{SUFFIX}"
    ]


def test_what_pip_left_behind_is_no_distribution(site: Path) -> None:
    next(site.glob("*.dist-info")).rename(site / "~aker-1.0.dist-info")
    environment = open_environment([site])
    assert (environment.subjects, environment.skipped) == ((), ())


@pytest.mark.parametrize("is_damaged", [False, True])
def test_what_is_first_on_the_path_hides_the_other(
    tmp_path: Path, make: Factory, *, is_damaged: bool
) -> None:
    sites = [
        install_wheels(tmp_path / version, make.numpy_1(version)) for version in ("1.26", "1.25")
    ]
    if is_damaged:
        next(sites[0].glob("*/RECORD")).unlink()
    environment = open_environment(sites)
    assert [each.version for each in environment.subjects] == ["1.26"] * (not is_damaged)
    assert len(environment.skipped) == is_damaged


def test_directories_that_a_path_file_names_are_searched_and_its_code_is_not_run(
    tmp_path: Path, make: Factory
) -> None:
    site, other = site_of(tmp_path / "env"), install_wheels(tmp_path / "other", make.pure("pure"))
    (site / "other.pth").write_text(f"import os; os.mkdir('{tmp_path}/ran')\n# x\n\n{other}\nno\n")
    environment = open_environment([site])
    assert environment.directories == (site, other)
    assert [each.name for each in environment.subjects] == ["pure"]
    assert not (tmp_path / "ran").exists()


def test_a_directory_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="no such file"):
        open_environment([tmp_path / "no"])


# Without RECORD


def _as_egg_info(site: Path) -> Path:
    """The distribution as a package of a distributor has it."""
    info = next(site.glob("*.dist-info"))
    egg_info = info.with_suffix(".egg-info")
    egg_info.mkdir()
    (info / "METADATA").rename(egg_info / "PKG-INFO")
    for each in info.iterdir():
        each.unlink()
    info.rmdir()
    return egg_info


def test_the_listing_of_an_egg_info(site: Path) -> None:
    info = _as_egg_info(site)
    assert "no list" in _why(site)
    (info / "installed-files.txt").write_text(f"../taker/_taker{SUFFIX}\nPKG-INFO\n")
    subject = _subject(site)
    assert [each.path for each in subject.fingerprint().objects] == [f"taker/_taker{SUFFIX}"]
    assert subject.tags == frozenset()


def test_the_lists_of_dpkg(site: Path, tmp_path: Path) -> None:
    info = _as_egg_info(site)
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "python3-taker.list").write_text(
        f"/.\n{site}/taker\n{site}/taker/__init__.py\n{info}\n{info}/PKG-INFO\n/etc/taker.conf\n"
    )
    # Its binaries are in a package of their own; another has metadata, and is something else.
    (lists / "python3-taker-lib.list").write_text(f"{site}/taker/_taker{SUFFIX}\n")
    (lists / "python3-other.list").write_text(f"{site}/other.egg-info\n{site}/taker/other.py\n")
    (site / "taker" / "other.py").write_text("")
    subject = Subject(installed_wheel(info, DpkgLists(site, lists)))
    assert sorted(subject.paths) == [
        "taker-1.0.egg-info/PKG-INFO", "taker/__init__.py", f"taker/_taker{SUFFIX}",
    ]  # fmt: skip
    with pytest.raises(InvalidWheel, match="no list"):
        installed_wheel(info, DpkgLists(site, tmp_path / "none"))


def test_dpkg_s_list_goes_before_a_listing_that_its_builds_did_not_keep(
    site: Path, tmp_path: Path
) -> None:
    info = next(site.glob("*.dist-info"))
    (site / "taker" / f"_taker{SUFFIX}").rename(site / "taker" / "_renamed.so")
    assert "not there" in _why(site)
    lists = tmp_path / "lists"
    lists.mkdir()
    files = [each for each in site.rglob("*") if each.is_file()]
    (lists / "python3-taker.list").write_text("".join(f"{each}\n" for each in [info, *files]))
    subject = Subject(installed_wheel(info, DpkgLists(site, lists)))
    assert [each.path for each in subject.fingerprint().objects] == ["taker/_renamed.so"]
    assert subject.recorded is None
    assert subject.tags == frozenset()
    digest = record_digest((site / "taker" / "__init__.py").read_bytes())
    assert subject.installed_digests["taker/__init__.py"] == digest
