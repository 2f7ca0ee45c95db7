"""One wheel of a source, read for the catalog."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from backend_shim.errors import InterfaceFailed, InvalidRecord, InvalidWheel
from backend_shim.interfaces import capsule, cython, import_name, sip
from backend_shim.interfaces.compiled_strings import CUT
from backend_shim.interfaces.linking.facts import NAME as LINKING
from backend_shim.interfaces.linking.facts import libraries_in, needs_in
from backend_shim.interfaces.linking.platform_libraries import library_key
from backend_shim.record.canonical import canonical_json
from backend_shim.record.decoding import JSONObject, get_objects, get_str, get_str_list
from backend_shim.record.fingerprint import AbiFingerprint
from backend_shim.wheel.whole_files import sha256_at
from resolver_check.errors import SourceUnavailable
from resolver_check.scan.record_answers import unasked
from resolver_check.scan.subject import Subject, open_subject
from resolver_check.sources.catalog_entry import (
    Edges,
    ListedWheel,
    RequiredProject,
    WheelBody,
    WheelFacts,
    listed_wheel,
)
from resolver_check.sources.wheel_source import WheelSource

# A wheel of all of Qt's bindings takes some 40,000 symbols; names of C++ have thousands of letters.
_MAX_TEXTS: Final = 500_000
_MAX_LENGTH: Final = 65_536
_MAX_REASON: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFacts:
    """A task for an executor: reads one wheel of `source`, whatever is wrong with it.

    Of a wheel with a sound record hardly more is transferred than its records; of any other, all.
    Twice the same wheel gives the same facts. Raises InterfaceFailed for an installed plug-in that
    cannot be used, and nothing else.
    """

    source: WheelSource

    def __call__(self, listed: ListedWheel) -> WheelFacts:
        try:
            return self._read(listed)
        except InvalidWheel as error:
            # A file that could not be opened may be a good one.
            is_passing = isinstance(error.__cause__, OSError)
            return _unreadable(listed, error.wrong, is_passing=is_passing)
        except SourceUnavailable as error:
            return _unreadable(listed, error.wrong, is_passing=True)
        except InterfaceFailed:
            # A plug-in that is of no use is none for any wheel.
            raise
        except Exception as error:  # One wheel of a million must not end the scan.
            why = f"internal error: {type(error).__name__}: {error}"
            return _unreadable(listed, why, is_passing=True)

    def _read(self, listed: ListedWheel) -> WheelFacts:
        reference = listed.reference
        with open_subject(self.source, reference) as subject:
            is_local = listed.mtime_ns is not None
            fingerprint, edges, is_recorded = _read_fingerprint(subject)
            body = WheelBody(
                fingerprint=fingerprint,
                build_inputs=subject.build_inputs,
                requirements=tuple(map(str, subject.requirements)),
            )
        digest = reference.digest
        if digest is None and is_local:
            digest = _sha256(Path(reference.location))
            if listed_wheel(reference) != listed:
                return _unreadable(listed, "was changed while it was read", is_passing=True)
        return WheelFacts(
            listed=listed, sha256=digest, body=body, edges=edges, is_recorded=is_recorded
        )


def lost_facts(listed: ListedWheel) -> WheelFacts:
    """Of a wheel that has ended whatever process was to read it, which may have had other reasons.

    It is read again by the next scan.
    """
    return _unreadable(listed, "whoever reads it dies of it", is_passing=True)


def _unreadable(listed: ListedWheel, why: str, *, is_passing: bool = False) -> WheelFacts:
    # It may quote what stands in the wheel.
    text = why[:_MAX_REASON].encode("utf-8", "replace").decode()
    return WheelFacts(
        listed=listed, sha256=listed.reference.digest, unreadable=text, is_passing=is_passing
    )


def _read_fingerprint(subject: Subject) -> tuple[AbiFingerprint, Edges, bool]:
    """The fingerprint with the edges in it, and whether it is the recorded one."""
    with suppress(InvalidRecord):
        recorded = subject.recorded
        # What it was not asked about is to be found in the binaries only.
        if recorded is not None and not unasked(recorded):
            return recorded, edges_of(subject, recorded), True
    derived = subject.derived(names_of_required(subject.requirements))
    return derived, edges_of(subject, derived), False


def names_of_required(requirements: Iterable[Requirement]) -> frozenset[str]:
    """The import names that required projects have if these are spelled like the projects.

    What they really are is not known before their wheels were read; whoever asks the catalog is
    told which names a wheel was not searched for.
    """
    return frozenset(
        spelled
        for each in requirements
        for name in (each.name, canonicalize_name(each.name))
        for spelled in (name.replace("-", "_"),)
    )


def edges_of(subject: Subject, fingerprint: AbiFingerprint) -> Edges:
    """By what the wheel is to be found; raises InvalidRecord, InvalidWheel where it is too much."""
    provided, required = fingerprint.provided(LINKING), fingerprint.required(LINKING)
    edges = Edges(
        requires=frozenset(_requires(subject, fingerprint)),
        imports=frozenset(
            (each.name, each.library or "")
            for need in needs_in(required.facts if required else None)
            for each in (*need.imports, *need.optional)
        ),
        needed=needed_by(fingerprint),
        libraries=frozenset(
            name
            for each in libraries_in(provided.facts if provided else None)
            for name in (each.name, library_key(each.name, each.format))
            if not each.is_grafted
        ),
        named=frozenset(named_in(fingerprint)),
        looked_for=import_name.looked_for_in(fingerprint),
        names=subject.binding_names,
        interfaces_required=frozenset(each.interface for each in fingerprint.requires),
        interfaces_provided=frozenset(each.interface for each in fingerprint.provides),
    )
    _check_size(subject.filename, edges)
    return edges


def _requires(subject: Subject, fingerprint: AbiFingerprint) -> Iterator[RequiredProject]:
    for line in subject.requirements:
        name = canonicalize_name(line.name)
        yield RequiredProject(project=name, kind="install", text=str(line))
    for built_with, version in subject.build_requirements.items():
        yield RequiredProject(project=built_with, kind="build", text=version)
    for each in fingerprint.requires:
        if each.provider is not None:
            yield RequiredProject(project=each.provider, kind="observed", text=each.interface)
            facts = canonical_json({"interface": each.interface, "facts": each.facts.thaw()})
            if len(facts) < _MAX_LENGTH:
                yield RequiredProject(project=each.provider, kind="facts", text=facts.decode())


def needed_by(fingerprint: AbiFingerprint) -> frozenset[str]:
    """The libraries that its objects need, also as loaders compare their names."""
    return frozenset(
        name
        for each in fingerprint.objects
        for needed in each.needed
        for name in (needed, library_key(needed, each.format))
    )


def named_in(fingerprint: AbiFingerprint) -> Iterator[str]:
    """Names of other distributions, as far as an interface looks for names; raises InvalidRecord.

    What is cut off, or stands at the end of a longer literal, is a name all the same.
    """
    tables: dict[str, JSONObject] = {
        each.interface: each.facts.thaw() for each in fingerprint.requires
    }
    if (table := tables.get(import_name.NAME)) is not None:
        for literal in (*get_str_list(table, "whole", "$"), *get_str_list(table, "tails", "$")):
            yield literal.removesuffix(CUT).removesuffix(".")
            if literal.endswith(CUT):
                yield literal
    if (table := tables.get(cython.NAME)) is not None:
        for each, path in get_objects(table, "objects", "$"):
            yield from get_str_list(each, "named", path)
    if (table := tables.get(capsule.NAME)) is not None:
        yield from get_str_list(table, "imports", "$")
    if (table := tables.get(sip.NAME)) is not None:
        for each, path in get_objects(table, "modules", "$"):
            yield get_str(each, "module", path)


def _check_size(filename: str, edges: Edges) -> None:
    texts = [
        *(each.text for each in edges.requires),
        *(symbol for symbol, _ in edges.imports),
        *edges.needed,
        *edges.libraries,
        *edges.named,
        *edges.looked_for,
        *edges.names,
    ]
    if len(texts) > _MAX_TEXTS:
        raise InvalidWheel(filename, f"has {len(texts)} names and symbols, too many to keep")
    if any(len(text) > _MAX_LENGTH for text in texts):
        raise InvalidWheel(filename, f"has a name of more than {_MAX_LENGTH} letters")


def _sha256(path: Path) -> str:
    try:
        return sha256_at(path)
    except OSError as error:
        raise SourceUnavailable(path.name, error.strerror or str(error)) from error
