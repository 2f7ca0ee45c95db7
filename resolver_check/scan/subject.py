"""One wheel, read as far as a judgement needs it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from packaging.requirements import Requirement
from packaging.tags import Tag, parse_tag
from packaging.utils import (
    InvalidWheelFilename,
    NormalizedName,
    canonicalize_name,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from backend_shim.errors import InvalidRecord, InvalidWheel
from backend_shim.fingerprinting import (
    Fingerprinted,
    fingerprint_wheel,
    interface_files,
    recorded_build_inputs,
    recorded_fingerprint,
    recorded_symbols,
    recorded_types,
)
from backend_shim.interfaces import import_name
from backend_shim.interfaces.interface_tree import InterfaceTree, read_tree, without_twins
from backend_shim.interfaces.provider import Provider
from backend_shim.interfaces.reasons import Reason
from backend_shim.interfaces.table import explained_modules
from backend_shim.record.build_inputs import BuildInputs
from backend_shim.record.fingerprint import AbiFingerprint, Basis, SymbolTables
from backend_shim.record.names import BUILD_INPUTS, SYMBOLS, TYPES
from backend_shim.record.series import read_series
from backend_shim.record.type_tables import TypeTables
from backend_shim.wheel.archive import WheelArchive
from backend_shim.wheel.open_wheel import OpenWheel
from resolver_check.model import Derived, RecordUnused
from resolver_check.scan.installed_files import installed_files
from resolver_check.scan.record_answers import answers, has_looked_for, unasked
from resolver_check.scan.stated_requirements import built_with, requirements_in
from resolver_check.sources.published_record import PublishedRecord
from resolver_check.sources.wheel_source import WheelSource
from resolver_check.wheel_reference import WheelReference

# Interface files of one provider that are read for a comparison; torch ships 9,500 of 80 MB.
_MAX_TREE_BYTES = 512 << 20
_SAYS_NOTHING = "its record does not say whether its binaries name this provider"
_UNASKED = "its record was written without asking for "
_OF_PUBLISHER = "whoever published its record found none of its own that could be used"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unopened:
    """A wheel of which a record is published, and how it is opened if more is asked for."""

    filename: str
    record: PublishedRecord
    open: Callable[[], OpenWheel]


class Subject:
    """An open wheel as consumer or provider; what is dear to know is worked out when asked for."""

    def __init__(
        self, wheel: OpenWheel | Unopened, open_whole: Callable[[], OpenWheel] | None = None
    ) -> None:
        """Of `wheel` each member may cost a request; `open_whole` then gives the wheel at hand.

        Raises InvalidWheel where METADATA and the file name do not name one release.
        """
        self._wheel = wheel
        self._open_whole = open_whole
        self._published = wheel.record if isinstance(wheel, Unopened) else None
        if isinstance(wheel, Unopened):
            self.filename = wheel.filename
            name, self.version = wheel.record.name, wheel.record.version
        else:
            self.filename = wheel.name
            name, self.version = _header(wheel, "Name"), _header(wheel, "Version")
        self.name = canonicalize_name(name)
        self.notes: list[Reason] = []
        """What is to be said of its records."""
        self._tags_in_name = _tags_in_name(self)
        self._derived: Fingerprinted | None = None
        self._derived_for: frozenset[str] = frozenset()

    @cached_property
    def archive(self) -> OpenWheel:
        """The wheel; one of which a record is published is opened when this is asked for first."""
        return self._wheel.open() if isinstance(self._wheel, Unopened) else self._wheel

    @cached_property
    def whole(self) -> OpenWheel:
        """The same wheel as a local file: for whoever reads more than the records of it."""
        return self.archive if self._open_whole is None else self._open_whole()

    @cached_property
    def tags(self) -> frozenset[Tag]:
        """From the file name, else from WHEEL; raises InvalidWheel where neither has any.

        Empty where it was installed without WHEEL: an environment has it, whatever it is for.
        """
        if self._tags_in_name is not None:
            return self._tags_in_name
        found: set[Tag] = set()
        for line in self.archive.wheel_file.get_all("Tag", []):
            with suppress(ValueError):
                found.update(parse_tag(str(line).strip()))
        if not found and self.archive.has(f"{self.archive.dist_info}/WHEEL"):
            raise InvalidWheel(self.filename, "neither its name nor WHEEL says what it is for")
        return frozenset(found)

    @cached_property
    def requirements(self) -> tuple[Requirement, ...]:
        """Requires-Dist of METADATA; a line that is no requirement (PEP 508) is left out."""
        if self._published is None:
            return requirements_in(map(str, self.archive.metadata.get_all("Requires-Dist", [])))
        return requirements_in(self._published.requirements)

    @cached_property
    def build_inputs(self) -> BuildInputs | None:
        """What went into its build, where its record says so."""
        if self._published is not None:
            return self._published.build_inputs
        try:
            return recorded_build_inputs(self.archive)
        except InvalidRecord as error:
            self._not_used(BUILD_INPUTS, error)
            return None

    @cached_property
    def build_requirements(self) -> dict[NormalizedName, str]:
        """Version of what was installed to build it, by normalized name; empty if not recorded."""
        return built_with(self.build_inputs)

    @cached_property
    def installed_digests(self) -> dict[str, str]:
        """Digest in RECORD of each file that is as recorded, by its path as installed."""
        return installed_files(self.archive.manifest, self.archive.is_as_recorded)

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Paths of all members."""
        return tuple(member.name for member in self.archive.members if not member.is_dir)

    @cached_property
    def binding_names(self) -> frozenset[str]:
        """The names that a binary must hold to reach this wheel."""
        if self._published is not None:
            return self._published.binding_names
        return import_name.binding_names(self.paths)

    @cached_property
    def modules(self) -> frozenset[str]:
        """Dotted names of the modules and packages that it installs."""
        if self._published is not None and self._published.modules is not None:
            return self._published.modules
        return import_name.module_names(self.paths)

    @cached_property
    def recorded(self) -> AbiFingerprint | None:
        """The wheel's own fingerprint, if that is sound."""
        if self._published is not None:
            if self._published.recorded is None:
                self._note_derived(_OF_PUBLISHER)
            return self._published.recorded
        try:
            # Behind ranges each member that is opened is a request.
            found = recorded_fingerprint(self.archive, opens_all=self._open_whole is None)
        except InvalidRecord as error:
            self._note_derived(f"its record is unusable: {error}")
            return None
        if found is None:
            self._note_derived("it carries no record")
        return found

    def leave_record(self, why: str) -> None:
        """From now on the fingerprint is taken from the binaries, because the record is wrong."""
        if self.recorded is not None:
            self.__dict__["recorded"] = None
            self._note_derived(f"its record is unusable: {why}")

    def _note_derived(self, why: str) -> None:
        note = Derived(wheel=self.filename, why=why)
        if note not in self.notes:
            self.notes.append(note)

    def _not_used(self, record: str, error: InvalidRecord) -> None:
        note = RecordUnused(wheel=self.filename, record=record, why=str(error))
        if note not in self.notes:
            self.notes.append(note)

    def fingerprint(self, looked_for: Collection[str] = ()) -> AbiFingerprint:
        """The embedded one if it is sound and says all about `looked_for`, else a derived one."""
        recorded = self.recorded
        if recorded is not None:
            try:
                missing = unasked(recorded)
                if not missing and has_looked_for(recorded, looked_for):
                    return recorded
            except InvalidRecord as error:
                self.leave_record(str(error))
            else:
                self._note_derived(_UNASKED + ", ".join(missing) if missing else _SAYS_NOTHING)
        return self.derived(looked_for)

    def derived(self, looked_for: Collection[str]) -> AbiFingerprint:
        """The fingerprint taken from the binaries, whatever the record says."""
        published = None if self._published is None else self._published.derived
        if published is not None:
            # One that is wrong is as good as none.
            with suppress(InvalidRecord):
                if answers(published, looked_for):
                    return published
        return self._derive(looked_for).fingerprint

    def _derive(self, looked_for: Collection[str]) -> Fingerprinted:
        if self._derived is None or not self._derived_for.issuperset(looked_for):
            self._derived_for |= frozenset(looked_for)
            self._derived = fingerprint_wheel(
                self.whole, looked_for=self._derived_for, basis=Basis.DERIVED
            )
        return self._derived

    def _symbols(self) -> SymbolTables:
        if self.recorded is not None:
            try:
                if (tables := recorded_symbols(self.archive)) is not None:
                    return tables
            except InvalidRecord as error:
                self._not_used(SYMBOLS, error)
        return self._derive(()).symbols

    @cached_property
    def recorded_types(self) -> TypeTables:
        """The digests of types that its record has; empty where there are none."""
        try:
            return recorded_types(self.archive) or TypeTables()
        except InvalidRecord as error:
            self._not_used(TYPES, error)
            return TypeTables()

    def fingerprinted(self) -> Fingerprinted:
        """Its fingerprint and the symbols that it exports."""
        return Fingerprinted(fingerprint=self.fingerprint(), symbols=self._symbols())

    def provider(self) -> Provider:
        """The wheel as the provider's side of a comparison."""
        fingerprint = self.fingerprint()
        modules = self.modules
        return Provider(
            name=self.name,
            version=self.version,
            provided={each.interface: each.facts for each in fingerprint.provides},
            required={each.interface: each.facts for each in fingerprint.requires},
            modules=modules,
            binding_names=self.binding_names,
            explained_modules=explained_modules(self.name, modules),
            read_symbols=self._symbols,
            # What was promised is no question of the binaries, which may have been read anew.
            series=read_series(self.recorded.series) if self.recorded else (),
        )

    def interface_tree(self, wanted: frozenset[str]) -> InterfaceTree:
        """The interface files with their content; raises InvalidWheel where that is too much."""
        paths = without_twins(sorted(interface_files(self.whole)), self.paths)
        if sum(self.whole.member(path).size for path in paths) > _MAX_TREE_BYTES:
            raise InvalidWheel(self.filename, "has too many bytes of interface files to compare")
        return read_tree(paths, self.whole.read, frozenset(wanted))


def _header(archive: OpenWheel, name: str) -> str:
    value = str(archive.metadata.get(name, "")).strip()
    if not value:
        raise InvalidWheel(archive.name, f"METADATA has no {name}")
    return value


def _tags_in_name(subject: Subject) -> frozenset[Tag] | None:
    """The tags in the file name, which must name the same release as METADATA; None if it has none.

    A file that a user names on the command line may be called anything.
    """
    try:
        name, version, _, tags = parse_wheel_filename(subject.filename)
    except InvalidWheelFilename:
        return None
    try:
        is_same = (subject.name, Version(subject.version)) == (name, version)
    except InvalidVersion:
        is_same = False
    if not is_same:
        wrong = f"METADATA is of {subject.name} {subject.version}, unlike the file name"
        raise InvalidWheel(subject.filename, wrong)
    return tags


@contextmanager
def open_subject(source: WheelSource, reference: WheelReference) -> Iterator[Subject]:
    """The wheel, of which no more is transferred than is asked for: its records, or all of it.

    Raises SourceUnavailable, InvalidWheel, also later from whatever reads.
    """
    with ExitStack() as stack:
        if Path(reference.location).is_absolute():
            yield Subject(stack.enter_context(source.open(reference)))
            return
        record = source.published(reference)
        wheel: OpenWheel | Unopened
        if record is None:
            wheel = stack.enter_context(source.open(reference))
        else:
            wheel = Unopened(
                filename=reference.filename,
                record=record,
                open=lambda: stack.enter_context(source.open(reference)),
            )
        yield Subject(wheel, lambda: stack.enter_context(open_whole(source, reference)))


@contextmanager
def open_whole(source: WheelSource, reference: WheelReference) -> Iterator[WheelArchive]:
    """The wheel as a local file, fetched if need be; raises SourceUnavailable, InvalidWheel."""
    with WheelArchive.open(source.fetch(reference)) as archive:
        yield archive
