"""A copy of the shim in a project's tree, and its way into the project's sdist."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from backend_shim import vendoring
from backend_shim.errors import BackendShimError
from backend_shim.vendoring import (
    add_shim_to_sdist,
    package_files,
    pyproject_lines,
    write_copy,
)


def make_sdist(directory: Path, *, members: dict[str, bytes] | None = None) -> Path:
    path = directory / "demo-1.0.tar.gz"
    with (
        gzip.GzipFile(path, "wb", mtime=1234567) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, data in {"PKG-INFO": b"Name: demo\n", **(members or {})}.items():
            info = tarfile.TarInfo(f"demo-1.0/{name}")
            info.size, info.mtime, info.uid, info.uname = len(data), 1600000000, 501, "maker"
            archive.addfile(info, io.BytesIO(data))
    return path


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose tree holds the running copy of the shim."""
    source = tmp_path / "project"
    write_copy(source / "_wheel_abi")
    monkeypatch.setattr(
        vendoring, "_PACKAGE_DIRECTORY", (source / "_wheel_abi" / "backend_shim").resolve()
    )
    return source


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tomli is a requirement there")
def test_the_copy_runs_on_its_own(tmp_path: Path) -> None:
    written = write_copy(tmp_path / "_wheel_abi")
    assert all((tmp_path / "_wheel_abi" / path).is_file() for path in written)
    done = subprocess.run(
        [sys.executable, "-S", "-c", "import backend_shim.hooks as h; print(h.__file__)"],
        cwd=tmp_path,
        env={"PYTHONPATH": "_wheel_abi"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(done.stdout.strip()).is_relative_to(tmp_path)


def test_a_copy_is_replaced_whole_and_nothing_else_is(tmp_path: Path) -> None:
    write_copy(tmp_path)
    (tmp_path / "backend_shim" / "left_over.py").write_text("")
    write_copy(tmp_path)
    assert not (tmp_path / "backend_shim" / "left_over.py").exists()
    (tmp_path / "other" / "backend_shim").mkdir(parents=True)
    with pytest.raises(BackendShimError, match="is no copy of the shim"):
        write_copy(tmp_path / "other")
    with pytest.raises(BackendShimError, match="the copy that is running"):
        write_copy(Path(vendoring.__file__).parents[1])


def test_the_printed_lines_are_toml_that_the_shim_reads() -> None:
    tomllib = pytest.importorskip("tomllib")
    table = tomllib.loads(pyproject_lines("_wheel_abi"))
    assert table["build-system"]["build-backend"] == "backend_shim.hooks"
    assert table["build-system"]["backend-path"] == ["_wheel_abi"]


def test_missing_files_are_added_reproducibly(tree: Path, tmp_path: Path) -> None:
    members = {"demo.py": b"x = 1\n", f"{'long/' * 30}name.py": b""}
    sdist = make_sdist(tmp_path, members=members)
    before = sdist.read_bytes()
    assert add_shim_to_sdist(sdist, tree, ["_wheel_abi"])
    once = sdist.read_bytes()
    with tarfile.open(sdist) as archive:
        names = archive.getnames()
        added = archive.getmember("demo-1.0/_wheel_abi/backend_shim/hooks.py")
        content = archive.extractfile("demo-1.0/_wheel_abi/backend_shim/hooks.py")
        assert content is not None
        assert content.read() == (tree / "_wheel_abi/backend_shim/hooks.py").read_bytes()
    assert (added.mtime, added.uid, added.uname, added.mode) == (1600000000, 501, "maker", 0o644)
    assert names[:3] == ["demo-1.0/PKG-INFO", *(f"demo-1.0/{name}" for name in members)]
    assert len(names) == 3 + len(package_files())
    assert once[4:8] == before[4:8]
    assert not add_shim_to_sdist(sdist, tree, ["_wheel_abi"])
    assert sdist.read_bytes() == once
    sdist.write_bytes(before)
    add_shim_to_sdist(sdist, tree, ["_wheel_abi"])
    assert sdist.read_bytes() == once


def test_the_listing_of_the_tar_is_good_for_the_tar_command(tree: Path, tmp_path: Path) -> None:
    sdist = make_sdist(tmp_path)
    add_shim_to_sdist(sdist, tree, ["_wheel_abi"])
    listed = subprocess.run(["tar", "tzf", str(sdist)], capture_output=True, text=True, check=True)
    assert listed.stderr == ""
    assert "demo-1.0/_wheel_abi/backend_shim/hooks.py" in listed.stdout.splitlines()


def test_an_installed_shim_is_not_added(tmp_path: Path, tree: Path) -> None:
    sdist = make_sdist(tmp_path)
    before = sdist.read_bytes()
    assert not add_shim_to_sdist(sdist, tree, [])
    assert not add_shim_to_sdist(sdist, tree, ["elsewhere"])
    assert not add_shim_to_sdist(sdist, tmp_path / "other", ["_wheel_abi"])
    assert sdist.read_bytes() == before


@pytest.mark.parametrize("fault", ["zip", "cut", "no gzip", "no PKG-INFO"])
def test_what_is_no_sdist_stays_as_it_was(fault: str, tree: Path, tmp_path: Path) -> None:
    sdist = make_sdist(tmp_path)
    if fault == "zip":
        sdist = sdist.rename(tmp_path / "demo-1.0.zip")
    elif fault == "cut":
        sdist.write_bytes(sdist.read_bytes()[:-20])
    elif fault == "no gzip":
        sdist.write_bytes(b"nothing")
    else:
        sdist = sdist.rename(tmp_path / "other-1.0.tar.gz")
    before = sdist.read_bytes()
    with pytest.raises(BackendShimError):
        add_shim_to_sdist(sdist, tree, ["_wheel_abi"])
    assert sdist.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []
