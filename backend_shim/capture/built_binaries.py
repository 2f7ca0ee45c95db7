"""What the binaries of a wheel tell of their build: who compiled them, and what they need."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from backend_shim.binary import HEAD_SIZE, binary_format, read_shared_objects
from backend_shim.binary.elf_image import ElfImage
from backend_shim.binary.file_bytes import Buffer
from backend_shim.binary.shared_object import SharedObject
from backend_shim.capture.build_requirements import Installed
from backend_shim.capture.redaction import Redaction
from backend_shim.capture.system_packages import library_paths, owners
from backend_shim.errors import InvalidBinary
from backend_shim.record.build_machine import Observed
from backend_shim.record.read_set import SystemLibrary
from backend_shim.wheel.archive import WheelArchive

_MOST_OF_A_KIND: Final = 50
_TEXT: Final = re.compile(rb"[\x20-\x7e]{4,400}(?=\0)")
# DW_AT_producer of gcc, clang, flang, rustc, ifx, nvcc, Zig: in `.debug_str` since one string
# serves all units (DWARF 5, 7.26).
_PRODUCER: Final = re.compile(
    rb"(?:GNU (?:C|C\+\+|Fortran|AS|Ada|GIMPLE|Objective-C)\d* |[\w() -]{0,40}clang version "
    rb"|clang LLVM \(rustc version |[\w -]{0,20}flang|Intel\(R\) |NVIDIA |lgenfe: |zig )"
    rb"[\x20-\x7e]*"
)
_CXX11: Final = ("St7__cxx11", "B5cxx11")
# `Ss` and `Sb` stand for std::string and std::basic_string without an ABI tag (Itanium C++ ABI,
# "Compression").
_OLD_STRING: Final = ("_ZNSs", "_ZNKSs", "_ZNSbI", "_ZNKSbI")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltBinaries:
    """Of all binaries of one wheel."""

    observed: Observed = field(default_factory=Observed)
    libraries: tuple[SystemLibrary, ...] = ()
    is_any: bool = False
    """Whether there is one."""


def look_at_binaries(
    archive: WheelArchive, installed: Sequence[Installed], redaction: Redaction
) -> BuiltBinaries:
    """What the binaries in `archive` tell; one that cannot be read tells nothing.

    Libraries that a distribution of `installed` ships are no libraries of the system.
    """
    comments: set[str] = set()
    producers: set[str] = set()
    strings: set[str] = set()
    needed: dict[str, set[str]] = {}
    shipped = {posixpath.basename(path) for each in installed for path, _ in each.files}
    is_any = False
    for member in archive.members:
        if member.is_dir or not binary_format(archive.head(member.name, HEAD_SIZE)):
            continue
        is_any = True
        shipped.add(posixpath.basename(member.name))
        try:
            with archive.contents(member.name) as data:
                for shared in read_shared_objects(data):
                    comments.update(_comments(data, shared))
                    producers.update(_producers(data, shared))
                    strings.update(_string_abis(shared))
                    versions = dict(shared.version_needs) if shared.format == "elf" else {}
                    for name in shared.needed:
                        needed.setdefault(name, set()).update(versions.get(name, ()))
        except InvalidBinary:
            continue
    return BuiltBinaries(
        observed=Observed(
            comments=_recorded(comments, redaction),
            producers=_recorded(producers, redaction),
            cxx_string_abi=tuple(sorted(strings)),
        ),
        libraries=tuple(_libraries(needed, shipped)),
        is_any=is_any,
    )


def _recorded(texts: Collection[str], redaction: Redaction) -> tuple[str, ...]:
    return tuple(sorted({redaction.text(each) for each in texts}))[:_MOST_OF_A_KIND]


def _comments(data: Buffer, shared: SharedObject) -> Iterator[str]:
    """Each compiler that left its name in `.comment`."""
    for section in shared.constants:
        if section.name == ".comment" and shared.format == "elf":
            for text in _TEXT.findall(data, section.offset, section.offset + section.size):
                yield text.decode("ascii")


def _producers(data: Buffer, shared: SharedObject) -> Iterator[str]:
    if shared.format != "elf":
        return
    for name, (_, _, _, _, offset, size) in ElfImage(data).sections or ():
        if name in (".debug_str", ".debug_line_str") and offset + size <= len(data):
            for text in set(_TEXT.findall(data, offset, offset + size)):
                if _PRODUCER.fullmatch(text):
                    yield text.decode("ascii")


def _string_abis(shared: SharedObject) -> Iterator[str]:
    for table in (shared.exported, shared.imported):
        if any(mark in table.text for mark in _CXX11):
            yield "cxx11"
        if any(f"\n{mark}" in table.text for mark in _OLD_STRING):
            yield "old"


def _libraries(needed: dict[str, set[str]], shipped: Collection[str]) -> Iterator[SystemLibrary]:
    outside = sorted(needed.keys() - set(shipped))
    paths = library_paths() if outside else {}
    owned = owners(paths[name] for name in outside if name in paths)
    for name in outside:
        package = owned.get(paths.get(name, ""))
        yield SystemLibrary(
            soname=name,
            versions=tuple(sorted(needed[name])),
            package=None
            if package is None
            else f"{package.manager}/{package.name}/{package.version}",
        )
