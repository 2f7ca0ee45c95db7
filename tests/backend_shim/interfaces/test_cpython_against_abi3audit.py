"""Released wheels that are tagged abi3: abi3audit (PyPI) finds the same as we do."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from backend_shim.fingerprinting import fingerprint_wheel
from backend_shim.interfaces import cpython
from backend_shim.wheel.archive import WheelArchive
from tests.support.released_wheel import NotDownloaded, download

pytestmark = [pytest.mark.network, pytest.mark.slow]

RELEASES = [
    *("argon2-cffi-bindings==21.2.0", "bcrypt==5.0.0", "cftime==1.6.6.1", "cryptography==3.4.8"),
    *("cryptography==46.0.3", "igraph==1.0.0", "leidenalg==0.10.2", "polars==0.20.31"),
    *("psutil==7.2.2", "pyerfa==2.0.1.5", "pynacl==1.5.0", "PyQt6==6.7.1", "qiskit==1.0.2"),
    *("shiboken6==6.7.1", "tables==3.11.1", "tree-sitter-python==0.23.6"),
]


def _audited(wheel: Path) -> tuple[tuple[int, int], set[str]]:
    """The newest release that abi3audit computes of any object, and symbols that it calls not abi3.

    It counts from the version in the tag.
    """
    command = [sys.executable, "-m", "abi3audit", "--report", "--assume-minimum-abi3", "3.2"]
    done = subprocess.run([*command, str(wheel)], capture_output=True, text=True, check=False)
    (spec,) = json.loads(done.stdout)["specs"].values()
    results = [each["result"] for each in spec["wheel"]]
    assert results
    newest = max(tuple(map(int, each["computed"].split("."))) for each in results)
    return newest, {name for each in results for name in each["non_abi3_symbols"]}


def _defined(wheel: Path) -> set[str]:
    """Every symbol that an object of the wheel defines, also those for itself (`.symtab`)."""
    found = set()
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if ".so" in name:
                elf = ELFFile(BytesIO(archive.read(name)))
                for section in (".symtab", ".dynsym"):
                    if table := elf.get_section_by_name(section):
                        found |= {
                            symbol.name
                            for symbol in table.iter_symbols()
                            if symbol["st_shndx"] != "SHN_UNDEF"
                        }
    return found


@pytest.mark.parametrize("release", RELEASES)
def test_finds_the_same(release: str) -> None:
    pytest.importorskip("abi3audit", reason="installed for the session end_to_end")
    try:
        wheel = download(release, "3.11")
    except NotDownloaded as error:
        pytest.skip(str(error))
    with WheelArchive.open(wheel) as archive:
        required = fingerprint_wheel(archive).fingerprint.required("cpython")
    assert required is not None
    stable = cpython.decode(required.facts).stable_abi
    assert stable is not None
    newest, not_abi3 = _audited(wheel)
    assert max(stable.floor, _tagged(wheel)) == newest
    if not_abi3 != set(stable.outside):
        # abi3audit also looks at symbols that an object keeps to itself.
        assert not_abi3 - _defined(wheel) == set(stable.outside)


def _tagged(wheel: Path) -> tuple[int, int]:
    """The newest CPython in the name of the wheel."""
    interpreters = wheel.name.split("-")[-3].split(".")
    return max((int(each[2]), int(each[3:])) for each in interpreters)
