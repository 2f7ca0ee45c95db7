"""Where an interpreter has its packages, as `installer` finds it, without running any of them."""

from __future__ import annotations

import sys
import venv
from pathlib import Path

import pytest
from installer.__main__ import _get_scheme_dict
from packaging.tags import platform_tags

from resolver_check.errors import UsageError
from resolver_check.install import below, scheme_of


@pytest.mark.parametrize("prefix", [None, "/opt/else where"], ids=["own", "prefix"])
def test_the_paths_are_those_of_installer(prefix: str | None) -> None:
    theirs = _get_scheme_dict("demo", prefix)
    scheme = scheme_of(Path(sys.executable), prefix)
    ours = scheme.for_project("demo")
    assert ours == {name: theirs[name] for name in ours}
    assert scheme.executable == sys.executable
    assert {str(each) for each in scheme.libraries} == {theirs["purelib"], theirs["platlib"]}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere tags do not name a C library")
def test_the_platform_of_linux_is_the_newest_that_its_c_library_accepts() -> None:
    platform = scheme_of(Path(sys.executable)).platform
    newest = next(tag for tag in platform_tags() if not tag.startswith("linux"))
    assert platform == newest or (platform, newest[:9]) == ("musllinux_x86_64", "musllinux")


def test_a_virtual_environment_is_asked_without_running_what_is_in_it(tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env" / "bin" / "python"
    scheme = scheme_of(python)
    (library,) = scheme.libraries
    assert library.is_relative_to(tmp_path / "env")
    assert library.is_dir()
    assert scheme.executable == str(python)
    ran = tmp_path / "ran"
    (library / "evil.pth").write_text(f"import pathlib; pathlib.Path({str(ran)!r}).touch()\n")
    assert scheme_of(python) == scheme
    assert not ran.exists()


@pytest.mark.parametrize("text", ["exit 1", "echo '[]'", "echo '{\"paths\": 1}'"])
def test_a_program_that_answers_otherwise_is_refused(tmp_path: Path, text: str) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    with pytest.raises(UsageError, match="does not say where its packages are"):
        scheme_of(program)
    with pytest.raises(UsageError, match="does not run"):
        scheme_of(tmp_path / "nothing")


def test_below_a_staging_directory() -> None:
    assert below(None, Path("/usr/lib")) == Path("/usr/lib")
    assert below(Path("stage"), Path("/usr/../lib")) == Path("stage/lib")
