"""A wheel's modules that others `cimport` from, imported, which gives the exact facts.

That runs what was built: only where it is asked for, and each module in a process of its own.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from backend_shim import imported_module
from backend_shim.errors import InvalidRecord
from backend_shim.fingerprinting import Fingerprinted
from backend_shim.interfaces import cython, cython_imported
from backend_shim.interfaces.cython_imported import ImportedModule
from backend_shim.interfaces.interface_file import installed_path
from backend_shim.record.decoding import MAX_BYTES
from backend_shim.record.facts import Facts
from backend_shim.wheel.archive import WheelArchive

# Scripts, headers and data (binary distribution format, "The .data directory").
_ELSEWHERE: Final = re.compile(r"[^/]+\.data/(?!(?:pure|plat)lib/)")
SECONDS: Final = 120
"""So long may the import of one module take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedFacts:
    """What was read of a wheel, its imported modules in place of their binaries."""

    read: Fingerprinted
    missing: tuple[tuple[str, str], ...] = ()
    """Each module that was not imported, and why."""


def import_modules(archive: WheelArchive, read: Fingerprinted) -> ImportedFacts:
    """`read` with exact facts of each module with a `.pxd` that the running interpreter can import.

    The others keep what was read from their binaries.
    """
    provided = read.fingerprint.provided(cython.NAME)
    if provided is None:
        return ImportedFacts(read=read)
    counts = Counter(cython_imported.module_names(provided.facts))
    imported: dict[str, tuple[ImportedModule, bytes]] = {}
    missing: list[tuple[str, str]] = []
    with _unpacked(archive) as directory:
        for module, count in counts.items():
            found = "it has several binaries" if count > 1 else _import(directory, module)
            if isinstance(found, str):
                missing.append((module, found))
            else:
                declared = (directory / cython.declaring_file(module)).read_bytes()
                imported[module] = found, declared
    facts = cython_imported.with_imported(provided.facts, imported)
    return ImportedFacts(read=_with_facts(read, facts), missing=tuple(missing))


def _with_facts(read: Fingerprinted, facts: Facts) -> Fingerprinted:
    provides = tuple(
        replace(each, facts=facts) if each.interface == cython.NAME else each
        for each in read.fingerprint.provides
    )
    return replace(read, fingerprint=replace(read.fingerprint, provides=provides))


@contextmanager
def _unpacked(archive: WheelArchive) -> Iterator[Path]:
    """A directory with what the wheel puts into `site-packages`."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        directory = Path(name).resolve()
        for member in archive.members:
            if not member.is_dir and not _ELSEWHERE.match(member.name):
                target = directory / installed_path(member.name)
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as file:
                    file.writelines(archive.chunks(member.name))
        yield directory


def _import(directory: Path, module: str) -> ImportedModule | str:
    """What `module` offers, or why it cannot be told.

    The answer comes in a file: what the module prints, or has its threads print, is no part of it.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        output = Path(name) / "exports.json"
        program = [sys.executable, imported_module.__file__]
        try:
            done = subprocess.run(  # noqa: S603 - it runs what was built, on demand
                [*program, str(directory), module, str(output)],
                cwd=name,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=SECONDS,
                check=False,
            )
            if not output.exists():
                return f"its import ended the interpreter with status {done.returncode}"
            if output.stat().st_size > MAX_BYTES:
                return f"it says more than {MAX_BYTES} bytes of itself"
            return cython_imported.decode(output.read_bytes())
        except subprocess.TimeoutExpired:
            return f"its import took longer than {SECONDS} seconds"
        except (OSError, InvalidRecord) as error:
            return str(error)
