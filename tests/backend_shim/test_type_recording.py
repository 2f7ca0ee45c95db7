"""Types in wheels: of the library itself, of an unstripped copy, kept over a repair."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from backend_shim import hooks
from backend_shim.binary import debug_info
from backend_shim.cli import DONE, PROBLEMS, UNREADABLE, main
from backend_shim.embed import embed
from backend_shim.errors import ConfigurationError, InvalidRecord
from backend_shim.fingerprinting import recorded_problems, recorded_types
from backend_shim.record.names import TYPES
from backend_shim.record.type_tables import TypedObject, TypeTables
from backend_shim.type_recording import DebugFiles
from backend_shim.wheel.archive import WheelArchive
from tests.backend_shim.conftest import MakeProject
from tests.support.binding_factory import TAG, compiled
from tests.support.wheel_factory import make_wheel

pytest.importorskip("elftools")
pytestmark = pytest.mark.skipif(not shutil.which("objcopy"), reason="no binutils")

SOURCE = "struct s { int a; }; int f(struct s *p) { return p->a; } int g(int n) { return n; }"
LIBRARY = "provider/libp.so.1"


def library(*options: str) -> bytes:
    return compiled(SOURCE, "-g", "-Wl,--build-id", "-Wl,-soname,libp.so.1", *options)


def without_debug_info(tmp_path: Path, data: bytes) -> bytes:
    (tmp_path / "whole.so").write_bytes(data)
    subprocess.run(["objcopy", "--strip-all", "whole.so", "bare.so"], check=True, cwd=tmp_path)
    return (tmp_path / "bare.so").read_bytes()


def wheel_with(directory: Path, data: bytes, **more: bytes) -> Path:
    directory.mkdir(exist_ok=True)
    files = {LIBRARY: data, **more}
    return make_wheel(directory, name="provider", tag=TAG, files=files)


def types_of(wheel: Path) -> TypeTables | None:
    with WheelArchive.open(wheel) as archive:
        return recorded_types(archive)


def only(tables: TypeTables | None) -> TypedObject:
    assert tables is not None
    (found,) = tables.objects
    return found


def test_a_library_with_debug_information_has_its_types_recorded(tmp_path: Path) -> None:
    wheel = wheel_with(tmp_path, library())
    assert embed(wheel, build_inputs=None, looked_for=()).types == ()
    found = only(types_of(wheel))
    assert [symbol.name for symbol in found.symbols] == ["f", "g"]
    assert (found.path, found.method, len(found.build_id or "")) == (LIBRARY, "dwarf-1", 40)
    with WheelArchive.open(wheel) as archive:
        assert found.digest == archive.manifest.digest_of(LIBRARY)
        assert recorded_problems(archive) == ()


def test_the_same_build_gives_the_same_bytes(tmp_path: Path) -> None:
    wheels = [wheel_with(tmp_path / name, library()) for name in ("one", "other")]
    for wheel in wheels:
        embed(wheel, build_inputs=None, looked_for=())
    assert wheels[0].read_bytes() == wheels[1].read_bytes()
    before = wheels[0].read_bytes()
    embed(wheels[0], build_inputs=None, looked_for=())
    assert wheels[0].read_bytes() == before


def test_extension_modules_and_grafted_copies_have_none(tmp_path: Path) -> None:
    module = compiled(SOURCE + " int PyInit_m(void) { return 0; }", "-g")
    wheel = make_wheel(
        tmp_path, name="provider", tag=TAG,
        files={"m.so": module, "provider.libs/libp-1234.so.1": library()},
    )  # fmt: skip
    assert embed(wheel, build_inputs=None, looked_for=()).types == ()
    assert types_of(wheel) is None


def test_without_debug_information_there_are_none(tmp_path: Path) -> None:
    wheel = wheel_with(tmp_path, without_debug_info(tmp_path, library()))
    ((path, why),) = embed(wheel, build_inputs=None, looked_for=()).types
    assert path == LIBRARY
    assert "no debug information" in why
    assert types_of(wheel) is None


def test_without_pyelftools_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debug_info, "is_readable", lambda: False)
    wheel = wheel_with(tmp_path, library())
    ((_, why),) = embed(wheel, build_inputs=None, looked_for=()).types
    assert "pyelftools" in why
    assert types_of(wheel) is None


def test_an_unstripped_copy_is_known_by_its_build_id(tmp_path: Path) -> None:
    data = library()
    build = tmp_path / "build" / "deep" / "er"
    build.mkdir(parents=True)
    (build / "of_any_name").write_bytes(data)
    (build / "another.so").write_bytes(library("-DUNUSED"))
    (build / "text").write_bytes(b"\x7fELF but no more")
    (build / "empty").touch()
    (build / "gone").symlink_to(build / "nowhere")
    os.mkfifo(build / "pipe")
    wheel = wheel_with(tmp_path, without_debug_info(tmp_path, data))
    status = main(["stamp", str(wheel), "--types-from", str(tmp_path / "build")])
    assert status == DONE
    recorded = only(types_of(wheel))
    unstripped = wheel_with(tmp_path / "unstripped", data)
    embed(unstripped, build_inputs=None, looked_for=())
    assert recorded.symbols == only(types_of(unstripped)).symbols


def test_stamp_says_which_library_has_no_copy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = without_debug_info(tmp_path, library())
    wheel = wheel_with(tmp_path / "dist", bare)
    (tmp_path / "build").mkdir()
    assert main(["stamp", str(wheel), "--types-from", str(tmp_path / "build")]) == PROBLEMS
    assert f"{LIBRARY}: no types: it has no debug information" in capsys.readouterr().err
    assert main(["stamp", str(wheel), "--types-from", str(tmp_path / "nowhere")]) == UNREADABLE


def test_types_are_kept_when_the_library_is_stripped_later(tmp_path: Path) -> None:
    data = library()
    wheel = wheel_with(tmp_path, data)
    embed(wheel, build_inputs=None, looked_for=())
    before = only(types_of(wheel))
    with WheelArchive.open(wheel) as archive:
        member = f"{archive.dist_info}/{TYPES}"
        kept = {member: archive.read(member)}
    bare = without_debug_info(tmp_path, data)
    stripped = wheel_with(tmp_path / "repaired", bare, **kept)
    with WheelArchive.open(stripped) as archive, pytest.raises(InvalidRecord, match="stale"):
        recorded_types(archive)
    assert embed(stripped, build_inputs=None, looked_for=()).types == ()
    after = only(types_of(stripped))
    assert after.symbols == before.symbols
    assert after.size == len(bare) != before.size


def test_types_of_another_build_are_not_kept(tmp_path: Path) -> None:
    wheel = wheel_with(tmp_path, library())
    embed(wheel, build_inputs=None, looked_for=())
    with WheelArchive.open(wheel) as archive:
        member = f"{archive.dist_info}/{TYPES}"
        kept = {member: archive.read(member)}
    other = without_debug_info(tmp_path, library("-O0"))
    rebuilt = wheel_with(tmp_path / "rebuilt", other, **kept)
    assert embed(rebuilt, build_inputs=None, looked_for=()).types != ()
    assert types_of(rebuilt) is None


def test_damaged_types_are_left_behind(tmp_path: Path) -> None:
    bare = without_debug_info(tmp_path, library())
    member = f"provider-1.0.dist-info/{TYPES}"
    wheel = wheel_with(tmp_path / "dist", bare, **{member: b"{}"})
    with WheelArchive.open(wheel) as archive:
        assert any(problem.startswith("types:") for problem in recorded_problems(archive))
    embed(wheel, build_inputs=None, looked_for=())
    assert types_of(wheel) is None


def test_show_says_of_how_many_symbols_types_are_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel = wheel_with(tmp_path, library())
    embed(wheel, build_inputs=None, looked_for=())
    assert main(["show", str(wheel)]) == DONE
    assert f"types of 2 symbols of {LIBRARY}" in capsys.readouterr().out


def test_files_are_looked_for_once(tmp_path: Path) -> None:
    (tmp_path / "copy").write_bytes(library())
    files = DebugFiles([tmp_path])
    assert files.path("00" * 20) is None
    assert files.path(None) is None
    (tmp_path / "copy").unlink()
    with files.contents("00" * 20) as nothing:
        assert nothing is None


BACKEND = """
from pathlib import Path
from tests.support.wheel_factory import make_wheel

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    Path("build").mkdir(exist_ok=True)
    {leaves}
    files = {{"provider/libp.so.1": Path({bare!r}).read_bytes()}}
    return make_wheel(Path(wheel_directory), tag={tag!r}, files=files).name
"""


@pytest.mark.parametrize("strict", [False, True])
def test_a_build_that_strips_leaves_copies_in_a_named_directory(
    make_project: MakeProject, tmp_path: Path, capfd: pytest.CaptureFixture[str], strict: bool
) -> None:
    (tmp_path / "whole.so").write_bytes(library())
    bare = tmp_path / "bare.so"
    without_debug_info(tmp_path, library())
    leaves = f"Path('build/libp.so').write_bytes(Path({str(tmp_path / 'whole.so')!r}).read_bytes())"
    for line in (leaves, "pass"):
        make_project(
            BACKEND.format(leaves=line, bare=str(bare), tag=TAG),
            options=f'types-from = ["build"]\nstrict = {str(strict).lower()}',
        )
        if line == "pass" and strict:
            with pytest.raises(ConfigurationError, match="types-from"):
                hooks.build_wheel(str(tmp_path))
            return
        wheel = tmp_path / hooks.build_wheel(str(tmp_path))
        warned = "no types are recorded of provider/libp.so.1" in capfd.readouterr().err
        assert warned is (types_of(wheel) is None) is (line == "pass")
