"""`resolver-check judge` with what elfdeps prints in place of wheels, and with debug files."""

from __future__ import annotations

import json

import pytest

from tests.resolver_check.cli.conftest import Run, assert_refused
from tests.resolver_check.conftest import Factory


@pytest.mark.parametrize(("new", "status"), [("libgift.so.1", 3), ("libgift.so.2", 1)])
def test_a_provider_may_be_listed(make: Factory, run: Run, new: str, status: int) -> None:
    old, later = make.directory / "old.elfdeps", make.directory / "new.elfdeps"
    old.write_text("libgift.so.1()(64bit)\n")
    later.write_text(f"{new}()(64bit)\n")
    ran = run("judge", make.linked(), "--old", old, "--new", later, "--evidence", "symbols")
    assert (ran.status, ran.err) == (status, "")
    assert "of old.elfdeps, new.elfdeps only sonames and versions are known" in ran.out
    assert ("needs libgift.so.1, which the new provider no longer has" in ran.out) is (status == 1)


def test_a_wheel_and_a_listing_go_together(make: Factory, run: Run) -> None:
    consumer = make.directory / "fromager-elf-requires.txt"
    consumer.write_text("libgift.so.1()(64bit)\nrtld(GNU_HASH)\n")
    new = make.library("2.0", soname="libgift.so.2")
    ran = run("judge", consumer, "--old", make.library("1.0"), "--new", new, "--format", "json")
    assert ran.status == 1
    table = json.loads(ran.out)
    assert (table["verdict"], table["provider"]) == ("invalid", None)
    assert table["consumer"] == consumer.name
    assert table["new"] == {"version": None, "wheel": new.name}


def test_a_file_that_is_no_listing_is_refused(make: Factory, run: Run) -> None:
    listing = make.directory / "old.txt"
    listing.write_text("error: not an ELF file\n")
    ran = run("judge", make.linked(), "--old", listing, "--new", make.library("1.0"))
    assert "old.txt" in assert_refused(ran)


def test_debug_files_lie_in_directories(make: Factory, run: Run) -> None:
    wheels = ("judge", make.linked(), "--old", make.library("1.0"), "--new", make.library("1.1"))
    assert run(*wheels, "--debug-info", make.directory).status == 0
    assert "does not exist" in assert_refused(run(*wheels, "--debug-info", "nowhere"))
