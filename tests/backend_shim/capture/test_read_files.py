"""Opened paths become files of distributions, by RECORD, with the digests of what is there."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from backend_shim.capture import read_files
from backend_shim.capture.read_files import (
    Attributed,
    attribute,
    paths_of_modules,
    role_of,
    tree_of,
)
from backend_shim.record.read_set import Role, listing_digest
from tests.support.installed_tree import installed_in, lay_out, record_digest

FILES = {
    "tool/__init__.py": b"",
    "tool/__main__.py": b"#",
    "tool/cli.py": b"# cli",
    "tool/sub/__init__.py": b"# sub",
    "tool/include/tool/api.h": b"int api;",
    "tool/api.pxd": b"cdef int api",
    "tool/lib/libtool.a": b"!<arch>",
    "tool/lib/libtool.so.1": b"ELF",
    "tool/tool.pc": b"Name: tool",
    "../../../include/tool/outside.h": b"int outside;",
    "../../../bin/native": b"\x7fELF",
    "../../../bin/cli.py": b"#!python",
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A `site-packages` in an environment."""
    place = Path(os.path.realpath(tmp_path)) / "env" / "lib" / "python3" / "site-packages"
    lay_out(place, "tool", FILES, scripts={"cli": "tool.cli:main", "other": "tool.sub"})
    return place


def attributed(site: Path, opened: Iterable[str]) -> Attributed:
    """What of the tree was `opened`, by paths of RECORD."""
    paths = [os.path.normpath(site / path) for path in opened]
    return attribute(paths, installed_in(site), tree_of([os.fspath(site)]).aliases)


def program(site: Path, *opened: str) -> bool:
    return attributed(site, opened).by_name["tool"].is_program


def test_each_file_has_its_role_and_the_digest_of_record(site: Path) -> None:
    found = attributed(site, FILES)
    assert found.unowned == ()
    read = found.by_name["tool"]

    def of(path: str) -> tuple[str, str]:
        return path.removeprefix("../../../"), record_digest(FILES[path])

    assert read.digests == tuple(
        sorted(
            [
                (Role.HEADER, *of("tool/include/tool/api.h")),
                (Role.HEADER, *of("../../../include/tool/outside.h")),
                (Role.PXD, *of("tool/api.pxd")),
                (Role.STATIC_LIBRARY, *of("tool/lib/libtool.a")),
                (Role.SHARED_LIBRARY, *of("tool/lib/libtool.so.1")),
                (Role.OTHER, *of("tool/tool.pc")),
            ]
        )
    )
    tools = [of(path) for path in FILES if path.endswith(".py") or path.startswith("../../../bin")]
    assert read.tools == tuple(sorted(path for path, _ in tools))
    assert read.tools_sha256 == listing_digest(tools)


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("a/x.h", Role.HEADER),
        ("a/X.HPP", Role.HEADER),
        ("a/include/Eigen/Core", Role.HEADER),
        ("Cython/Utility/Buffer.c", Role.HEADER),
        ("a/x.pxd", Role.PXD),
        ("a/x.pxi", Role.PXD),
        ("a/x.pyx", Role.PXD),
        ("a/libx.a", Role.STATIC_LIBRARY),
        ("a/x.lib", Role.STATIC_LIBRARY),
        ("a/x.o", Role.STATIC_LIBRARY),
        ("a/libx.so", Role.SHARED_LIBRARY),
        ("a.libs/libgfortran-040039e1.so.5.0.0", Role.SHARED_LIBRARY),
        ("a/x.dylib", Role.SHARED_LIBRARY),
        ("a/x.dll", Role.SHARED_LIBRARY),
        ("a/x.cpython-311-x86_64-linux-gnu.so", Role.BUILD_TOOL),
        ("a/libx.cpython-311-x86_64-linux-gnu.so", Role.BUILD_TOOL),
        ("a/x.abi3.so", Role.BUILD_TOOL),
        ("a/x.py", Role.BUILD_TOOL),
        ("a/x.pyd", Role.BUILD_TOOL),
        ("bin/ninja", Role.BUILD_TOOL),
        ("Scripts/ninja.exe", Role.BUILD_TOOL),
        ("cmake/data/bin/cmake", Role.OTHER),
        ("a/x.pc", Role.OTHER),
        ("a/XConfig.cmake", Role.OTHER),
        ("a/templates/x.jinja", Role.OTHER),
    ],
)
def test_the_role_is_told_by_the_path(path: str, role: Role) -> None:
    assert role_of(path) is role


def test_a_file_that_was_changed_after_it_was_installed_is_not_that_of_its_wheel(
    site: Path,
) -> None:
    header, module = "tool/include/tool/api.h", "tool/cli.py"
    (site / header).write_bytes(b"int other;")
    (site / module).write_bytes(b"# other")
    read = attributed(site, [header, module]).by_name["tool"]
    assert read.digests == ((Role.HEADER, header, record_digest(b"int other;")),)
    assert read.tools_sha256 == listing_digest([(module, record_digest(b"# other"))])


def test_a_file_that_has_gone_has_no_digest_of_any_wheel(site: Path) -> None:
    header = "tool/include/tool/api.h"
    (site / header).unlink()
    read = attributed(site, [header]).by_name["tool"]
    assert read.digests == ((Role.HEADER, header, "none=unreadable"),)


def test_an_algorithm_that_is_not_known_gives_no_digest_of_any_wheel(site: Path) -> None:
    record = site / "tool-1.0.dist-info" / "RECORD"
    record.write_text(record.read_text().replace("sha256=", "sha999="))
    read = attributed(site, ["tool/api.pxd"]).by_name["tool"]
    assert read.digests == ((Role.PXD, "tool/api.pxd", "none=unreadable"),)


def test_metadata_does_not_count(site: Path) -> None:
    found = attributed(site, ["tool-1.0.dist-info/METADATA", "old.egg-info/PKG-INFO"])
    assert (found.by_name, found.unowned) == ({}, ())


def test_metadata_is_told_by_the_path_in_the_distribution_not_by_where_that_lies(
    tmp_path: Path,
) -> None:
    site = Path(os.path.realpath(tmp_path)) / "x.dist-info" / "site"
    lay_out(site, "tool", {"tool/x.h": b""})
    assert attributed(site, ["tool/x.h"]).by_name["tool"]


def test_bytecode_counts_as_its_source(site: Path) -> None:
    cached = importlib.util.cache_from_source("tool/cli.py")
    optimized = importlib.util.cache_from_source("tool/cli.py", optimization="2")
    found = attributed(site, [cached, optimized])
    assert found.by_name["tool"].tools == ("tool/cli.py",)
    assert attributed(site, ["__pycache__/loose.cpython-311.pyc"]) == Attributed(
        by_name={}, unowned=()
    )


def test_bytecode_without_source_is_a_file_of_its_own(tmp_path: Path) -> None:
    site = Path(os.path.realpath(tmp_path))
    lay_out(site, "bare", {"bare/x.pyc": b"code"})
    assert attributed(site, ["bare/x.pyc"]).by_name["bare"].tools == ("bare/x.pyc",)


def test_what_no_record_lists_is_unowned(site: Path) -> None:
    (site / "stray.h").write_text("")
    found = attributed(site, ["stray.h", "tool/not-listed.h"])
    assert found.by_name == {}
    assert found.unowned == (f"{site}/stray.h", f"{site}/tool/not-listed.h")


def test_a_file_that_two_distributions_ship_is_that_of_both(site: Path) -> None:
    lay_out(site, "twin", {"tool/api.pxd": FILES["tool/api.pxd"]})
    found = attributed(site, ["tool/api.pxd"])
    assert found.by_name["tool"] == found.by_name["twin"]


def test_names_that_are_no_utf8_are_counted(tmp_path: Path) -> None:
    site = Path(os.path.realpath(tmp_path))
    odd = os.fsdecode(b"tool/\xe4.h")
    lay_out(site, "tool", {"tool/x.h": b""})
    (site / odd).write_bytes(b"int x;")
    found = attributed(site, [odd])
    assert found.unowned == (f"{site}/{odd}",)


@pytest.mark.parametrize(
    ("opened", "expected"),
    [
        (["tool/__init__.py"], False),
        (["tool/__init__.py", "tool/api.pxd"], False),
        (["tool/cli.py"], True),
        (["tool/sub/__init__.py"], True),
        (["tool/__main__.py"], True),
        ([importlib.util.cache_from_source("tool/__main__.py")], True),
        (["tool/__init__.py", "../../../bin/native"], True),
        (["tool/__init__.py", "../../../bin/cli"], True),
    ],
)
def test_a_program_is_run_where_more_than_an_import_was_seen(
    opened: list[str], expected: bool, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(site))
    assert program(site, *opened) is expected


@pytest.mark.parametrize(
    ("init", "opened", "expected"),
    [
        (b"", ["__init__.py"], False),
        (b"", ["__init__.py", "maker.py"], True),
        (b"import lib.maker", ["__init__.py", "maker.py"], False),
        (b"raise SystemExit", ["__init__.py"], True),
        (b"print('hello')", ["__init__.py"], False),
    ],
)
def test_code_of_a_library_counts_where_importing_it_does_not_load_it(
    init: bytes, opened: list[str], expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Path(os.path.realpath(tmp_path))
    lay_out(site, "lib", {"lib/__init__.py": init, "lib/maker.py": b"", "lib/lib.h": b""})
    monkeypatch.setenv("PYTHONPATH", str(site))
    read = attributed(site, [f"lib/{each}" for each in (*opened, "lib.h")]).by_name["lib"]
    assert read.is_program is expected
    # Of what is no library all code counts, whatever it is.
    assert not attributed(site, [f"lib/{each}" for each in opened]).by_name["lib"].is_program


def test_a_script_that_an_installer_made_stands_in_its_module_and_no_other_does(
    site: Path,
) -> None:
    read = attributed(site, ["../../../bin/cli", "tool/cli.py"]).by_name["tool"]
    assert read.tools == ("tool/cli.py",)
    # `cli.py` is of the wheel: only `cli` is a console script.
    assert attributed(site, ["../../../bin/cli.py"]).by_name["tool"].tools == ("bin/cli.py",)


@pytest.mark.parametrize(
    ("group", "expected"), [("distutils.setup_keywords", True), ("pyinstaller40", False)]
)
def test_what_setuptools_calls_is_a_program(
    group: str, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Path(os.path.realpath(tmp_path))
    entry = f"[{group}]\nmaker_modules = maker.ext:make\n"
    files = {"maker/__init__.py": b"import maker.ext", "maker/ext.py": b"", "maker/x.h": b""}
    monkeypatch.setenv("PYTHONPATH", str(site))
    lay_out(site, "maker", files, further_entry_points=entry)
    assert attributed(site, files).by_name["maker"].is_program is expected


@pytest.mark.parametrize(
    "text", [b"\xff\xfe", b"[console_scripts\nx", b"no section\n", b"[console_scripts]\nx\n"]
)
def test_entry_points_that_cannot_be_read_name_no_script(text: bytes, site: Path) -> None:
    (site / "tool-1.0.dist-info" / "entry_points.txt").write_bytes(text)
    assert program(site, "tool/cli.py") is False
    assert program(site, "tool/__main__.py") is True


def test_modules_of_this_process_are_files() -> None:
    paths = set(paths_of_modules())
    assert os.path.realpath(json.__file__) in paths
    assert os.path.realpath(read_files.__file__) in paths
    assert all(path.startswith("/") for path in paths) or sys.platform == "win32"


def test_a_tree_is_all_directories_below_its_roots(site: Path) -> None:
    tree = tree_of([f"{site}/tool", f"{site}/tool", f"{site}/gone"])
    below = {f"{site}/tool", *(f"{site}/tool/{each}" for each in ("sub", "lib", "include"))}
    assert tree.directories == {*below, f"{site}/tool/include/tool"}
    assert (tree.beside, tree.aliases, tree.is_whole) == (set(), {}, True)


def test_links_to_files_and_directories_are_followed_to_where_they_lead(
    tmp_path: Path,
) -> None:
    """As `UV_LINK_MODE=symlink` makes an environment."""
    place = Path(os.path.realpath(tmp_path))
    cache, site = place / "cache", place / "site"
    (cache / "include" / "deep").mkdir(parents=True)
    (cache / "api.h").write_text("int api;")
    (cache / "include" / "deep" / "x.h").write_text("int x;")
    lay_out(site, "tool", {"api.h": b"int api;", "include/deep/x.h": b"int x;"})
    for name in ("api.h", "include/deep/x.h"):
        (site / name).unlink()
    (site / "include" / "deep").rmdir()
    (site / "include").rmdir()
    (site / "api.h").symlink_to(cache / "api.h")
    (site / "include").symlink_to("../cache/include")
    tree = tree_of([os.fspath(site)])
    assert tree.beside == {f"{cache}"}
    assert {f"{cache}/include", f"{cache}/include/deep"} <= tree.directories
    opened = [f"{cache}/api.h", f"{cache}/include/deep/x.h"]
    assert all(map(tree.holds, opened))
    assert not tree.holds(f"{cache}/neighbour.h")
    found = attribute(opened, installed_in(site), tree.aliases)
    assert [path for _, path, _ in found.by_name["tool"].digests] == ["api.h", "include/deep/x.h"]
    assert found.unowned == ()


@pytest.mark.parametrize("link", ["aaa", "zzz"])
def test_a_link_within_the_tree_hides_neither_a_directory_nor_its_name(
    link: str, tmp_path: Path
) -> None:
    site = Path(os.path.realpath(tmp_path))
    lay_out(site, "tool", {"mid/x.h": b"", "mid/sub/y.h": b"", "mid/libx.so.1": b""})
    (site / link).symlink_to("mid")
    (site / f"{link}.h").symlink_to("mid/x.h")
    (site / "mid" / "libx.so").symlink_to("libx.so.1")
    tree = tree_of([os.fspath(site)])
    assert {f"{site}/mid", f"{site}/mid/sub"} <= tree.directories
    assert tree.is_whole
    opened = [f"{site}/mid/x.h", f"{site}/mid/sub/y.h", f"{site}/mid/libx.so.1"]
    found = attribute(opened, installed_in(site), tree.aliases)
    assert [path for _, path, _ in found.by_name["tool"].digests] == [
        "mid/sub/y.h",
        "mid/x.h",
        "mid/libx.so.1",
    ]


def test_links_that_lead_nowhere_or_around_are_passed_over(tmp_path: Path) -> None:
    site = Path(os.path.realpath(tmp_path))
    (site / "self").symlink_to("self")
    (site / "dangling").symlink_to("no/such")
    (site / "around").symlink_to(".")
    tree = tree_of([os.fspath(site)])
    assert tree.directories == {os.fspath(site)}
    assert (tree.beside, tree.is_whole) == (set(), True)


def test_a_tree_that_is_too_large_is_not_whole(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_files, "_MOST_DIRECTORIES", 3)
    tree = tree_of([os.fspath(site)])
    assert len(tree.directories) == 3
    assert not tree.is_whole


def test_a_directory_that_cannot_be_read_makes_a_tree_that_is_not_whole(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    def refusing(path: str) -> object:
        if path.endswith("/include"):
            raise PermissionError(path)
        return real(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert not tree_of([os.fspath(site)]).is_whole
