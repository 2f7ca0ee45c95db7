"""Owners of files, as dpkg, rpm and apk tell them."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path

import pytest

from backend_shim.capture.system_packages import Package, library_paths, owners, packages_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="programs are shell scripts")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory on PATH."""
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    return tmp_path


def program(place: Path, name: str, script: str) -> None:
    (place / name).write_text(f"#!/bin/sh\n{script}\n")
    (place / name).chmod(0o755)


def answer(*lines: str) -> str:
    return "\n".join(f"echo '{line}'" for line in lines)


# dpkg-query(1): "-S ... package, package: path"; a diversion is a line of its own (dpkg 1.21).
DPKG = """
case $1 in
-S)
    echo 'diversion by other from: /usr/include/a.h'
    echo 'diversion by other to: /usr/include/a.h.other'
    echo 'libc6-dev:amd64, libc6-dev:i386: /usr/include/a.h'
    echo 'zlib1g-dev:amd64: /lib/z/z.h'
    echo 'gone: /usr/include/gone.h'
    echo 'dpkg-query: no path found matching pattern /usr/include/none.h' >&2
    exit 1 ;;
-W)
    printf 'libc6-dev:amd64\\tlibc6-dev\\t2.36-9+deb12u1\\n'
    printf 'zlib1g-dev:amd64\\tzlib1g-dev\\t1:1.2.13\\n' ;;
esac
"""


def test_dpkg_names_packages_and_then_their_versions(place: Path) -> None:
    program(place, "dpkg-query", DPKG)
    asked = [f"/usr/include/{name}.h" for name in ("a", "gone", "none")]
    assert owners([*asked, "/usr/lib/z/z.h"]) == {
        "/usr/include/a.h": Package(
            manager="dpkg", name="libc6-dev:amd64", version="2.36-9+deb12u1"
        ),
        "/usr/lib/z/z.h": Package(manager="dpkg", name="zlib1g-dev:amd64", version="1:1.2.13"),
    }


def test_a_path_is_found_on_either_side_of_a_merged_usr(place: Path) -> None:
    program(
        place,
        "dpkg-query",
        'case $1 in -S) shift; for each; do [ "$each" = /usr/lib/x.so ] && echo "x: $each"; done;;'
        " -W) printf 'x\\tx\\t1\\n';; esac",
    )
    assert list(owners(["/lib/x.so"])) == ["/lib/x.so"]
    assert list(owners(["/usr/lib/x.so"])) == ["/usr/lib/x.so"]
    assert owners(["/opt/x.so"]) == {}


# rpm(8), `-qf --qf`: one answer for each file, in their order; rpm 4.18.
def test_rpm_answers_in_the_order_of_the_files(place: Path) -> None:
    lines = (
        "printf 'glibc-headers.x86_64\\t2.38-1.fc39\\n'\n"
        "echo 'file /usr/include/b.h is not owned by any package'"
    )
    program(place, "rpm", lines)
    assert owners(["/usr/include/b.h", "/usr/include/a.h"]) == {
        "/usr/include/a.h": Package(
            manager="rpm", name="glibc-headers.x86_64", version="2.38-1.fc39"
        )
    }


def test_of_rpm_nothing_is_taken_where_answers_and_files_do_not_match(place: Path) -> None:
    program(place, "rpm", "printf 'a.i686\\t1-1\\n'; printf 'a.x86_64\\t1-1\\n'")
    assert owners(["/usr/include/a.h"]) == {}


# apk-tools 2.14, `info --who-owns`.
def test_apk_writes_a_sentence_for_each_file(place: Path) -> None:
    program(
        place,
        "apk",
        answer(
            "/usr/include/stdio.h is owned by musl-dev-1.2.4-r2",
            "/usr/include/c++/x is owned by g++-13.2.1_git20231014-r0",
            "ERROR: /usr/include/none.h: Could not find owner package",
            "/not/asked is owned by x-1-r0",
        ),
    )
    asked = ["/usr/include/stdio.h", "/usr/include/c++/x", "/usr/include/none.h"]
    assert owners(asked) == {
        asked[0]: Package(manager="apk", name="musl-dev", version="1.2.4-r2"),
        asked[1]: Package(manager="apk", name="g++", version="13.2.1_git20231014-r0"),
    }


def test_a_foreign_manager_that_knows_nothing_is_passed_over(place: Path) -> None:
    program(place, "dpkg-query", "exit 2")
    program(place, "rpm", "printf 'a.noarch\\t1-1\\n'")
    found = owners(["/usr/include/a.h"])
    assert [each.manager for each in found.values()] == ["rpm"]


@pytest.mark.parametrize("script", ["exit 1", "printf '\\377'", "kill -9 $$", "echo x: y"])
@pytest.mark.parametrize("manager", ["dpkg-query", "rpm", "apk"])
def test_a_manager_that_fails_owns_nothing(manager: str, script: str, place: Path) -> None:
    program(place, manager, script)
    assert owners(["/usr/include/a.h"]) == {}
    assert owners([]) == {}


def test_no_manager_owns_nothing(place: Path) -> None:
    assert os.fspath(place) == os.environ["PATH"]
    assert owners(["/usr/include/a.h"]) == {}


def test_more_files_than_fit_a_command_are_asked_in_turns(place: Path) -> None:
    program(
        place,
        "apk",
        'shift 2; [ $# -le 500 ] || exit 1; for e; do echo "$e is owned by x-1-r0"; done',
    )
    asked = [f"/opt/{number}.h" for number in range(1200)]
    assert len(owners(asked)) == 1200


def test_a_package_has_one_digest_of_its_files(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"1")
    two.write_bytes(b"2")
    package = Package(manager="apk", name="x", version="1-r0")
    other = Package(manager="apk", name="a", version="1-r0")
    gone = os.fspath(tmp_path / "gone")
    first, second = packages_of({os.fspath(two): package, os.fspath(one): package, gone: other})
    assert (first.name, first.files) == ("a", 1)
    lines = "".join(
        f"{path} {hashlib.sha256(path.read_bytes()).hexdigest()}\n" for path in (one, two)
    )
    assert second.sha256 == hashlib.sha256(lines.encode()).hexdigest()
    assert second.files == 2
    assert os.fspath(tmp_path) not in repr((first, second))


def test_libraries_are_where_ldconfig_cached_them(place: Path) -> None:
    # ldconfig(8) of glibc 2.36; what stands first is what the loader takes.
    lines = (
        "2 libs found in cache `/etc/ld.so.cache'",
        "\tlibz.so.1 (libc6,x86-64) => /lib/x86_64-linux-gnu/libz.so.1",
        "\tlibz.so.1 (libc6) => /lib32/libz.so.1",
        "Cache generated by: ldconfig (Debian GLIBC 2.36) stable release version 2.36",
    )
    program(place, "ldconfig", "/bin/cat <<'END'\n" + "\n".join(lines) + "\nEND")
    assert library_paths() == {"libz.so.1": "/lib/x86_64-linux-gnu/libz.so.1"}


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="no dpkg")
def test_the_real_dpkg_owns_what_it_installed_and_nothing_else(tmp_path: Path) -> None:
    libraries = library_paths()
    asked = [libraries["libc.so.6"], os.fspath(tmp_path / "mine.h")]
    if "libstdc++.so.6" in libraries:
        asked.append(libraries["libstdc++.so.6"])
    found = owners(asked)
    assert found.keys() == {path for path in asked if not path.endswith("mine.h")}
    assert found[libraries["libc.so.6"]].name.partition(":")[0] == "libc6"
    assert all(each.manager == "dpkg" and each.version for each in found.values())
