"""Which definition glibc's loader binds a reference to.

do_lookup_x and check_match in elf/dl-lookup.c, and match_symbol in elf/dl-version.c, which checks
the versions of a library before any symbol is looked up. musl (ldso/dynlink.c) ignores the names of
versions: references of its objects are recorded without.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from backend_shim.interfaces.linking.facts import Import, Library
from backend_shim.interfaces.linking.platform_libraries import library_key
from backend_shim.interfaces.linking.provided import Definition
from backend_shim.record.fingerprint import ExportedSymbol

# The first index of `.gnu.version` that stands for a version node other than the base.
_FIRST_VERSION: Final = 2


def find_elf(
    entry: Import, libraries: Iterable[Library], definitions: Iterable[Definition]
) -> Definition | None:
    """The definition in the first of `libraries` that has one for `entry`."""
    by_library: dict[tuple[str, str], list[Definition]] = {}
    for each in definitions:
        by_library.setdefault((each.library.path, each.library.machine), []).append(each)
    for library in libraries:
        found = by_library.get((library.path, library.machine))
        if found and (bound := _bound(entry, library, found)) is not None:
            return bound
    return None


def _bound(entry: Import, library: Library, definitions: Sequence[Definition]) -> Definition | None:
    """The one of `definitions`, all of one library and name, that the reference binds to."""
    if is_version_refused(entry, library):
        return None
    matching = [each for each in definitions if binds(entry.version, each.symbol)]
    exact = [each for each in matching if each.symbol.version == entry.version]
    return next(iter((*exact, *matching)), None)


def is_version_refused(entry: Import, library: Library) -> bool:
    """Whether the loader stops because `library` lacks the version that is required of it.

    A library without any version definitions is accepted ("no version information available").
    """
    return (
        entry.version is not None
        and entry.library is not None
        and library_key(entry.library, "elf") == library.name
        and bool(library.versions)
        and entry.version not in (library.versions or ())
    )


def binds(version: str | None, definition: ExportedSymbol) -> bool:
    """Whether a reference to `version`, None if it names none, accepts `definition`."""
    if definition.kind == "other":
        return False  # "Ignore all but STT_NOTYPE, STT_OBJECT, STT_FUNC, [...] STT_GNU_IFUNC"
    if version is not None:
        # "We can match the version information or use the default one if it is not hidden": a
        # definition without version satisfies any reference unless it is hidden; else the names
        # must be equal, hidden or not.
        if definition.version is None:
            return not definition.is_hidden
        return definition.version == version
    # "Don't accept hidden symbols": an unversioned reference binds to the base and to the first
    # version of an object even if hidden (index below 3), to later ones only if they are the
    # default.
    return definition.version_index <= _FIRST_VERSION or not definition.is_hidden
