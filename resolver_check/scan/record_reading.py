"""Wheels of any source read into records that others judge by."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from backend_shim.errors import InvalidRecord, InvalidWheel
from backend_shim.wheel.whole_files import sha256_at, state_of
from resolver_check.errors import SourceUnavailable
from resolver_check.scan.record_answers import answers
from resolver_check.scan.stated_requirements import built_with, requirements_in
from resolver_check.scan.subject import Subject, open_subject
from resolver_check.scan.wheel_facts import names_of_required
from resolver_check.sources.publishable import CHANGED, UnpublishableWheel
from resolver_check.sources.published_record import PublishedRecord
from resolver_check.sources.record_packs import RecordPacks
from resolver_check.sources.wheel_source import WheelSource
from resolver_check.wheel_reference import WheelReference


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedWheel:
    """A wheel and who offers it."""

    source: WheelSource
    reference: WheelReference


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What has to be known of a wheel before any is searched for names."""

    wheel: OfferedWheel
    state: tuple[int, int] | None
    """Of a local file, before it was read."""
    project: NormalizedName
    required: frozenset[str]
    """Normalized names of the projects that it requires to be installed, or was built with."""
    binding_names: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRecords:
    """The records of many wheels, by digest, and what could not be read."""

    records: dict[str, PublishedRecord]
    failed: tuple[UnpublishableWheel, ...]


def read_records(
    wheels: Collection[OfferedWheel], before: RecordPacks | None, executor: Executor
) -> ReadRecords:
    """The records of `wheels`; those of `before` that answer for as much are not read again.

    Each wheel without a record that does is searched for the names of all projects, of these wheels
    and of those before, that any of `wheels` requires: a plan for one of them would have to search
    it else. Raises SourceUnavailable where `before` cannot be read.
    """
    failed: list[UnpublishableWheel] = []
    known: list[_Known] = []
    for found in executor.map(_Look(before=before), wheels):
        if isinstance(found, _Known):
            known.append(found)
        else:
            failed.append(found)
    names = _names(known, before)
    records = {}
    task = _Read(before=before, names=names)
    for each, read in zip(known, executor.map(task, known), strict=True):
        if isinstance(read, UnpublishableWheel):
            failed.append(read)
        elif each.wheel.reference.digest is not None:
            records[each.wheel.reference.digest] = read
    return ReadRecords(records=records, failed=tuple(failed))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """A task for an executor: what has to be known of one wheel first."""

    before: RecordPacks | None

    def __call__(self, wheel: OfferedWheel) -> _Known | UnpublishableWheel:
        filename = wheel.reference.filename
        try:
            state = _state(wheel.reference)
            wheel = replace(wheel, reference=_with_digest(wheel.reference))
            digest = wheel.reference.digest
            if digest is None:
                why = "the index does not state its sha256, by which records are found"
                return UnpublishableWheel(filename=filename, why=why)
            record = self.before.find(digest) if self.before else None
            if record is not None:
                return _Known(
                    wheel=wheel,
                    state=state,
                    project=wheel.reference.name,
                    required=_required(record),
                    binding_names=record.binding_names,
                )
            with open_subject(wheel.source, wheel.reference) as subject:
                return _Known(
                    wheel=wheel,
                    state=state,
                    project=wheel.reference.name,
                    required=_names_of(subject.requirements) | {*subject.build_requirements},
                    binding_names=subject.binding_names,
                )
        except (InvalidWheel, SourceUnavailable) as error:
            return UnpublishableWheel(filename=filename, why=error.wrong)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A task for an executor: the record of one wheel, which answers for `names`."""

    before: RecordPacks | None
    names: frozenset[str]

    def __call__(self, known: _Known) -> PublishedRecord | UnpublishableWheel:
        reference = known.wheel.reference
        try:
            record = self.before.find(reference.digest or "") if self.before else None
            if record is not None and _is_enough(record, self.names):
                return record
            with open_subject(known.wheel.source, reference) as subject:
                record = _record_of(subject, self.names)
            if _state(reference) != known.state:
                return UnpublishableWheel(filename=reference.filename, why=CHANGED)
            return record
        except (InvalidWheel, SourceUnavailable) as error:
            return UnpublishableWheel(filename=reference.filename, why=error.wrong)


def _record_of(subject: Subject, wanted: Collection[str]) -> PublishedRecord:
    """The record that answers for `wanted`.

    If the binaries have to be read for that, they are also searched for what a scan would.
    """
    record = PublishedRecord(
        name=subject.name,
        version=subject.version,
        requirements=tuple(map(str, subject.requirements)),
        binding_names=subject.binding_names,
        modules=subject.modules,
        recorded=subject.recorded,
        build_inputs=subject.build_inputs,
    )
    if _is_enough(record, wanted):
        return record
    guessed = names_of_required(subject.requirements)
    return replace(record, derived=subject.derived({*wanted, *guessed}))


def _is_enough(record: PublishedRecord, wanted: Collection[str]) -> bool:
    for each in (record.recorded, record.derived):
        try:
            if each is not None and answers(each, wanted):
                return True
        except InvalidRecord:
            continue
    return False


def _names(known: Iterable[_Known], before: RecordPacks | None) -> frozenset[str]:
    """The binding names of every project that one of `known` requires."""
    required = frozenset(name for each in known for name in each.required)
    names = {name for each in known if each.project in required for name in each.binding_names}
    for record in _records(before):
        if canonicalize_name(record.name) in required:
            names |= record.binding_names
    return frozenset(names)


def _records(packs: RecordPacks | None) -> Iterator[PublishedRecord]:
    for digest in packs.digests() if packs else ():
        record = packs.find(digest) if packs else None
        if record is not None:
            yield record


def _required(record: PublishedRecord) -> frozenset[str]:
    return _names_of(requirements_in(record.requirements)) | {*built_with(record.build_inputs)}


def _names_of(requirements: Iterable[Requirement]) -> frozenset[str]:
    return frozenset(canonicalize_name(each.name) for each in requirements)


def _state(reference: WheelReference) -> tuple[int, int] | None:
    path = Path(reference.location)
    try:
        return state_of(path) if path.is_absolute() else None
    except OSError as error:
        raise SourceUnavailable(reference.location, error.strerror or str(error)) from error


def _with_digest(reference: WheelReference) -> WheelReference:
    """The reference with the digest of the file, if it is one of this machine."""
    path = Path(reference.location)
    if not path.is_absolute():
        return reference
    try:
        return replace(reference, digest=sha256_at(path))
    except OSError as error:
        raise SourceUnavailable(reference.location, error.strerror or str(error)) from error
