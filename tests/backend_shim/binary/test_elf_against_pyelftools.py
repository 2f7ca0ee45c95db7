"""Every ELF file of real wheels, read by `read_elf` and by pyelftools, symbol by symbol.

pyelftools goes by the section headers, `read_elf` by the program headers: two ways to one answer.
Wheels are downloaded once, into $WHEEL_ABI_TEST_WHEELS or ~/.cache/wheel-abi-tests.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerNeedSection, GNUVerSymSection
from elftools.elf.sections import SymbolTableSection

from backend_shim.binary.elf import read_elf
from backend_shim.binary.shared_object import SharedObject, Symbol

pytestmark = pytest.mark.network

_KINDS = {"STT_NOTYPE": "notype", "STT_OBJECT": "object", "STT_FUNC": "function",
          "STT_COMMON": "object", "STT_TLS": "tls", "STT_LOOS": "ifunc",
          "STT_GNU_IFUNC": "ifunc"}  # fmt: skip
_BINDINGS = {"STB_GLOBAL": "global", "STB_WEAK": "weak", "STB_LOOS": "unique",
             "STB_GNU_UNIQUE": "unique"}  # fmt: skip


class Floor(NamedTuple):
    """A requirement and how much its wheel must at least give to compare."""

    requirement: str
    files: int
    symbols: int


_SMALL = [
    Floor("numpy==2.0.2", 20, 20_000),
    Floor("pandas==2.1.4", 40, 7_000),
    Floor("greenlet==3.0.3", 1, 100),
    Floor("shapely==2.0.2", 5, 7_000),
    Floor("lxml==5.3.0", 5, 4_000),
]
_BIG = [Floor("pyarrow==17.0.0", 25, 50_000)]


def _wheel(requirement: str) -> Path:
    default = Path.home() / ".cache" / "wheel-abi-tests"
    folder = Path(os.environ.get("WHEEL_ABI_TEST_WHEELS", default))
    name, _, version = requirement.partition("==")
    pattern = f"{name}-{version}-cp311-*manylinux*.whl"
    if not any(folder.glob(pattern)):
        platforms = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary=:all:", "--python-version", "3.11", "--dest", str(folder)]
        command += [part for tag in platforms for part in ("--platform", tag)]
        subprocess.run([*command, requirement], check=True)
    return next(iter(sorted(folder.glob(pattern))))


def _elf_files(wheel: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                head = member.read(4)
                if head == b"\x7fELF":
                    yield name, head + member.read()


def _expected_versions(
    elf: ELFFile,
) -> tuple[list[Any], list[str], dict[int, tuple[str | None, str | None]]]:
    """Return needs, definitions and index -> (version, file)."""
    needs, definitions = [], []
    by_index: dict[int, tuple[str | None, str | None]] = {0: (None, None), 1: (None, None)}
    for section in elf.iter_sections():
        if isinstance(section, GNUVerNeedSection):
            for need, entries in section.iter_versions():
                rows = [(entry["vna_other"], entry.name) for entry in entries]
                needs.append((need.name, tuple(name for _, name in rows)))
                by_index |= {index: (name, need.name) for index, name in rows}
    for section in elf.iter_sections():
        if isinstance(section, GNUVerDefSection):
            for definition, entries in section.iter_versions():
                if definition["vd_flags"] & 1:
                    by_index[definition["vd_ndx"]] = (None, None)
                    continue
                name = next(iter(entries)).name
                definitions.append(name)
                by_index[definition["vd_ndx"]] = (name, None)
    return needs, definitions, by_index


def _expected_symbols(
    elf: ELFFile, by_index: dict[int, tuple[str | None, str | None]]
) -> tuple[list[Symbol], list[Symbol]]:
    exported: list[Symbol] = []
    imported: list[Symbol] = []
    table = elf.get_section_by_name(".dynsym")
    marks = elf.get_section_by_name(".gnu.version")
    assert isinstance(table, SymbolTableSection)
    for number, symbol in enumerate(table.iter_symbols()):
        bind, visibility = symbol["st_info"]["bind"], symbol["st_other"]["visibility"]
        if bind == "STB_LOCAL" or visibility in ("STV_HIDDEN", "STV_INTERNAL"):
            continue
        mark: Any = 1
        if isinstance(marks, GNUVerSymSection):
            mark = marks.get_symbol(number)["ndx"]
            mark = {"VER_NDX_LOCAL": 0, "VER_NDX_GLOBAL": 1}.get(mark, mark)
        index = mark & 0x7FFF
        version, library = by_index[index]
        is_defined = symbol["st_shndx"] != "SHN_UNDEF"
        (exported if is_defined else imported).append(
            Symbol(
                name=symbol.name,
                version=version,
                kind=_KINDS[symbol["st_info"]["type"]],
                binding=_BINDINGS[bind],
                size=symbol["st_size"] if is_defined else 0,
                is_hidden=bool(mark & 0x8000),
                version_index=index,
                library=None if is_defined else library,
            )
        )
    return exported, imported


def _compare(name: str, data: bytes) -> int:
    """Assert that both readers agree on all of `data`; return how many symbols that were."""
    found: SharedObject = read_elf(data)
    elf = ELFFile(io.BytesIO(data))
    dynamic = elf.get_section_by_name(".dynamic")
    assert isinstance(dynamic, DynamicSection), name
    tags: list[Any] = list(dynamic.iter_tags())
    sonames = [tag.soname for tag in tags if tag.entry.d_tag == "DT_SONAME"]
    runpaths = [tag.runpath for tag in tags if tag.entry.d_tag == "DT_RUNPATH"]
    rpaths = [tag.rpath for tag in tags if tag.entry.d_tag == "DT_RPATH"]
    needs, definitions, by_index = _expected_versions(elf)
    exported, imported = _expected_symbols(elf, by_index)
    assert found.machine == "x86_64", name
    assert found.bits == elf.elfclass, name
    assert found.needed == tuple(t.needed for t in tags if t.entry.d_tag == "DT_NEEDED"), name
    assert found.soname == (sonames[0] if sonames else None), name
    assert ":".join(found.run_path) == "".join((runpaths or rpaths)[:1]), name
    assert found.version_needs == tuple(needs), name
    assert found.version_definitions == tuple(definitions), name
    assert found.exported == tuple(exported), name
    assert found.imported == tuple(imported), name
    places = {(s.name, s["sh_offset"], s["sh_size"], s["sh_addr"]) for s in elf.iter_sections()}
    assert places.issuperset((*found.constants, *found.code)), name
    if found.is_executable or found.exported:
        assert {".rodata", ".text"} & {section.name for section in (*found.constants, *found.code)}
    return len(exported) + len(imported)


def _compare_wheel(floor: Floor) -> None:
    counts = [_compare(name, data) for name, data in _elf_files(_wheel(floor.requirement))]
    assert len(counts) >= floor.files
    assert sum(counts) >= floor.symbols


@pytest.mark.parametrize("floor", _SMALL, ids=lambda floor: floor.requirement)
def test_both_readers_agree_on_every_elf_file_of_a_wheel(floor: Floor) -> None:
    _compare_wheel(floor)


@pytest.mark.slow
@pytest.mark.parametrize("floor", _BIG, ids=lambda floor: floor.requirement)
def test_both_readers_agree_on_every_elf_file_of_a_big_wheel(floor: Floor) -> None:
    _compare_wheel(floor)
