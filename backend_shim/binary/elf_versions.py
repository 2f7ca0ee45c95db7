"""Reads the symbol versions of an ELF object: what it needs, what it defines, and their indices.

Source: LSB (Linux Standard Base Core 5.0, "Symbol Versioning"), glibc (elf/dl-version.c).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct

from backend_shim.binary.elf_image import ElfImage
from backend_shim.binary.file_bytes import StringTable
from backend_shim.errors import InvalidBinary

VERSION_MASK = 0x7FFF
"""The index in an entry of `.gnu.version`; the bit above it hides the symbol."""
_DT_VERDEF, _DT_VERDEFNUM, _DT_VERNEED, _DT_VERNEEDNUM = range(0x6FFFFFFC, 0x70000000)
_VER_FLG_BASE = 1
_VERSYM_HIDDEN = 0x8000


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """Symbol versions: what is needed, what is defined, and both by their index."""

    needs: tuple[tuple[str, tuple[str, ...]], ...]
    definitions: tuple[str, ...]
    by_index: dict[int, tuple[str | None, str | None]]
    """Index -> (version, file that is to define it)."""

    def by_mark(self) -> dict[int, tuple[str | None, bool, int, str | None]]:
        """Return (version, whether hidden, index, file) by the entry of `.gnu.version`."""
        return {
            index | hidden: (version, bool(hidden), index, file)
            for index, (version, file) in self.by_index.items()
            for hidden in (0, _VERSYM_HIDDEN)
        }


def read_versions(image: ElfImage, dynamic: dict[int, int], strings: StringTable) -> Versions:
    """Return the versions that the dynamic array (tag -> value) points to; raises InvalidBinary."""
    by_index: dict[int, tuple[str | None, str | None]] = {}
    needs = []
    for file, needed in _version_needs(image, dynamic, strings):
        needs.append((file, tuple(version for _, version in needed)))
        by_index.update((index, (version, file)) for index, version in needed)
    definitions = []
    # Definitions come last, as they win over needs (glibc _dl_check_map_versions).
    for index, version, is_base in _version_definitions(image, dynamic, strings):
        by_index[index] = (None if is_base else version, None)
        if not is_base:
            definitions.append(version)
    # LSB, "Symbol Version Table": 0 and 1 are reserved for local and global symbols.
    by_index[0] = by_index[1] = (None, None)
    return Versions(needs=tuple(needs), definitions=tuple(definitions), by_index=by_index)


def _version_needs(
    image: ElfImage, dynamic: dict[int, int], strings: StringTable
) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """Yield each file with the (index, version) that are needed of it; LSB, "Version Needs"."""
    if _DT_VERNEED not in dynamic:
        return
    needs = _walk_chain(image, dynamic[_DT_VERNEED], dynamic.get(_DT_VERNEEDNUM, 0), "HHIII")
    total = 0
    for address, (revision, count, file, first, _) in needs:
        _check_revision(revision)
        total += count
        if total > VERSION_MASK:  # chains may share records: bound them all together
            raise InvalidBinary(f"{total} versions are needed, which no index can tell apart")
        needed = _walk_chain(image, address + first, count, "IHHII")
        yield (
            strings.at(file),
            [(fields[2] & VERSION_MASK, strings.at(fields[3])) for _, fields in needed],
        )


def _version_definitions(
    image: ElfImage, dynamic: dict[int, int], strings: StringTable
) -> Iterator[tuple[int, str, bool]]:
    """Yield (index, version, whether it is the base); LSB, "Version Definitions"."""
    if _DT_VERDEF not in dynamic:
        return
    definitions = _walk_chain(image, dynamic[_DT_VERDEF], dynamic.get(_DT_VERDEFNUM, 0), "HHHHIII")
    name = Struct(image.layout.order + "I")
    for address, (revision, flags, index, _, _, first, _) in definitions:
        _check_revision(revision)
        # The first entry is the version itself, others are its predecessors.
        (name_at,) = name.unpack(image.read_address(address + first, 4, "a version definition"))
        yield index & VERSION_MASK, strings.at(name_at), bool(flags & _VER_FLG_BASE)


def _check_revision(revision: int) -> None:
    if revision != 1:  # the loader stops at any other (glibc dl-version.c)
        raise InvalidBinary(f"symbol versions of the unknown revision {revision}")


def _walk_chain(
    image: ElfImage, address: int, count: int, fields: str
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield `count` records with their addresses; their last field is the distance to the next.

    The loader follows the distances and other readers the count: they must tell the same.
    """
    record = Struct(image.layout.order + fields)
    if count > VERSION_MASK:
        raise InvalidBinary(f"{count} symbol versions, which no index can tell apart")
    for left in range(count, 0, -1):
        row = record.unpack(image.read_address(address, record.size, "symbol versions"))
        yield address, row
        distance = row[-1]
        if (distance == 0) != (left == 1) or 0 < distance < record.size:
            raise InvalidBinary("a chain of symbol versions does not end where its count says")
        address += distance
