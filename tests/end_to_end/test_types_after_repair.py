"""Types that were recorded at build time stay when auditwheel strips and patches the library."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from backend_shim.binary.build_id import has_debug_info
from backend_shim.cli import main
from backend_shim.embed import embed
from backend_shim.fingerprinting import recorded_types
from backend_shim.wheel.archive import WheelArchive
from tests.support.wheel_factory import make_wheel

pytestmark = [pytest.mark.end_to_end]
LIBRARY = "provider/libprovider.so.1"


def test_a_library_that_auditwheel_stripped_keeps_its_types(tmp_path: Path) -> None:
    pytest.importorskip("elftools")
    if shutil.which("gcc") is None:
        pytest.skip("no gcc")
    for source, name, *options in (
        (
            'int puts(const char *); int gift(void) { return puts(""); }',
            "libgift.so.1", "-Wl,-soname,libgift.so.1",
        ),
        (
            "struct s { int a; }; int gift(void); int take(struct s *p) { return gift() + p->a; }",
            "libprovider.so.1", "-Wl,-soname,libprovider.so.1", "libgift.so.1",
        ),
        ("struct s; int take(struct s *); int puts(const char *);"
         ' int PyInit__m(void) { return take(0) + puts(""); }',
         "_m.so", "libprovider.so.1", "-Wl,-rpath,$ORIGIN"),
    ):  # fmt: skip
        command = ["gcc", "-g", "-shared", "-fPIC", "-Wl,--build-id", "-x", "c", "-", "-x", "none"]
        command += ["-o", name, *options]
        subprocess.run(command, input=source, text=True, check=True, cwd=tmp_path)
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    files = {
        LIBRARY: (tmp_path / "libprovider.so.1").read_bytes(),
        "provider/_m.so": (tmp_path / "_m.so").read_bytes(),
    }
    tag = f"{python}-{python}-linux_x86_64"
    wheel = make_wheel(tmp_path, name="provider", tag=tag, files=files, root_is_purelib=False)
    embed(wheel, build_inputs=None, looked_for=())
    with WheelArchive.open(wheel) as archive:
        before = recorded_types(archive)
    out = tmp_path / "repaired"
    command = [sys.executable, "-m", "auditwheel", "repair", "--strip", "--wheel-dir", str(out)]
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "LD_LIBRARY_PATH": str(tmp_path),
    }
    subprocess.run([*command, str(wheel)], check=True, capture_output=True, env=environment)
    (repaired,) = out.glob("*manylinux*.whl")
    assert main(["verify", str(repaired)]) == 1
    assert main(["stamp", str(repaired)]) == 0
    assert main(["verify", str(repaired)]) == 0
    with WheelArchive.open(repaired) as archive:
        after = recorded_types(archive)
        with archive.contents(LIBRARY) as data:
            assert not has_debug_info(data)
    assert before is not None
    assert after is not None
    (known,), (kept,) = before.objects, after.objects
    assert [symbol.name for symbol in kept.symbols] == ["take"]
    assert (kept.symbols, kept.build_id) == (known.symbols, known.build_id)
    assert kept.digest != known.digest
