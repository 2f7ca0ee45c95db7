"""A wheel in, its ABI fingerprint out: every binary read once, every interface asked about it."""

from __future__ import annotations

import contextlib
import gc
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from backend_shim.binary import HEAD_SIZE, binary_format, read_shared_objects
from backend_shim.binary.shared_object import SharedObject
from backend_shim.errors import (
    InterfaceFailed,
    InvalidBinary,
    InvalidRecord,
    InvalidWheel,
    StaleRecord,
)
from backend_shim.interfaces import header, linking
from backend_shim.interfaces.inspected_wheel import (
    ConstantStrings,
    InspectedObject,
    InspectedWheel,
    OpenObject,
)
from backend_shim.interfaces.interface_file import installed_path, is_interface_file
from backend_shim.interfaces.table import all_interfaces
from backend_shim.record.build_inputs import BuildInputs
from backend_shim.record.canonical import JSONValue
from backend_shim.record.fingerprint import (
    AbiFingerprint,
    Basis,
    ExportingObject,
    Generator,
    InterfaceFacts,
    ObjectRecord,
    SymbolTables,
    UnreadObject,
)
from backend_shim.record.names import BUILD_INPUTS, FINGERPRINT, SYMBOLS, TYPES, accepted_names
from backend_shim.record.series import Series, read_series, series_facts
from backend_shim.record.type_tables import TypedObject, TypeTables
from backend_shim.wheel.manifest import is_digest_of
from backend_shim.wheel.open_wheel import OpenMember, OpenWheel

_Tables = TypeVar("_Tables", SymbolTables, TypeTables)

_MAGIC_SIZE: Final = 8
_GRAFTED_DIRECTORY: Final = re.compile(r"(?:.*/)?(?:[^/]+\.libs|\.dylibs|\.libs)/")
# No loader looks for a library under such a name, and no import for an extension module.
_NAMED_LIKE_DATA: Final = (
    *(".py", ".pyi", ".pyx", ".pxd", ".pxi", ".typed", ".in", ".tmpl", ".jinja", ".j2"),
    *(".h", ".hh", ".hpp", ".hxx", ".cuh", ".inl", ".c", ".cc", ".cpp", ".cxx", ".cu", ".f90"),
    *(".txt", ".md", ".rst", ".json", ".toml", ".ini", ".cfg", ".yaml", ".yml", ".csv", ".xml"),
    *(".html", ".css", ".js", ".ts", ".map", ".svg", ".png", ".jpg", ".gif", ".ttf", ".woff2"),
    *(".npy", ".npz", ".gz", ".parquet", ".pc", ".cmake", ".po", ".mo", ".sql", ".pem"),
)
_UNNORMALIZED: Final = re.compile(r"[-_.]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprinted:
    """What reading a wheel gives: the fingerprint, and the symbol tables that go beside it."""

    fingerprint: AbiFingerprint
    symbols: SymbolTables


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """Without the cyclic garbage collector, and with it again after, if it was on.

    Tens of thousands of symbols stay alive until the wheel is done and form no cycles; to scan them
    again and again takes a tenth of the time. Of several threads that do this at once one finds the
    collector on and turns it on again: the others may then run with it, which only takes longer.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@collector_paused()
def fingerprint_wheel(
    archive: OpenWheel, *, looked_for: Collection[str] = (), basis: Basis = Basis.OBSERVED
) -> Fingerprinted:
    """The fingerprint of an open wheel.

    `looked_for` are the names of other distributions (see `import_name.binding_names`) to look for
    in its binaries. A binary that cannot be read is listed as unread. Raises InvalidWheel, and
    InterfaceFailed for an installed plug-in that cannot be used.
    """
    wanted = frozenset(looked_for)
    files = interface_files(archive)
    text = _wanted_text(archive)
    installed = {installed_path(path): content for path, content in text.items()}
    objects: list[InspectedObject] = []
    unread: list[UnreadObject] = []
    for member in _binaries(archive):
        try:
            objects += _inspect(archive, member, wanted, installed)
        except InvalidBinary as error:
            unread.append(UnreadObject(path=member.name, why=str(error)))
    wheel = InspectedWheel(
        name=_normalized(archive.metadata.get("Name", "")),
        version=str(archive.metadata.get("Version", "")).strip(),
        objects=tuple(objects),
        looked_for=wanted,
        text=text,
        interface_files=files,
        is_complete=not unread,
    )
    try:
        provides = tuple(_provided(wheel, basis))
        requires = tuple(_required(wheel, basis)) if objects else ()
    except InterfaceFailed as error:
        raise InvalidWheel(archive.name, f"interface {error}") from error
    fingerprint = AbiFingerprint(
        generator=Generator(),
        is_purelib=not objects and not unread,
        interfaces=tuple(sorted(each.name for each in all_interfaces())),
        objects=tuple(_object_record(archive, each) for each in objects),
        unread=tuple(unread),
        provides=provides,
        requires=requires,
    )
    symbols = _bound(linking.exported_tables(wheel), fingerprint.objects)
    return Fingerprinted(fingerprint=fingerprint, symbols=symbols)


def _bound(tables: SymbolTables, objects: Iterable[ObjectRecord]) -> SymbolTables:
    """`tables` with what says of which bytes they are."""
    records = {each.path: each for each in objects}
    return SymbolTables(
        objects=tuple(
            replace(each, digest=record.digest, size=record.size, crc32=record.crc32)
            for each in tables.objects
            for record in (records[each.path],)
        )
    )


def _normalized(name: str) -> str:
    """PEP 503, "Normalized Names"."""
    return _UNNORMALIZED.sub("-", name.strip()).lower()


def _binaries(
    archive: OpenWheel, known: Collection[str] = (), like_data: tuple[str, ...] = ()
) -> Iterator[OpenMember]:
    """Members that are shared objects by their magic number, whatever they are called.

    Those of `known` are taken for that unopened, and those with a suffix `like_data` never are.
    """
    for member in archive.members:
        if member.name in known:
            yield member
        elif member.is_dir or member.size <= _MAGIC_SIZE or member.name.lower().endswith(like_data):
            continue
        elif _is_binary(archive, member.name):
            yield member


def _is_binary(archive: OpenWheel, name: str) -> bool:
    head = archive.head(name, _MAGIC_SIZE)
    # Text may begin with these letters; what tells it from a program stands further behind.
    return binary_format(archive.head(name, HEAD_SIZE) if head[:2] == b"MZ" else head) is not None


def holds_binaries(archive: OpenWheel) -> bool:
    """Whether the wheel has a shared object, which may be one that cannot be read."""
    return any(True for _ in _binaries(archive))


def _inspect(
    archive: OpenWheel, member: OpenMember, wanted: frozenset[str], text: Mapping[str, bytes]
) -> list[InspectedObject]:
    """The member after every interface looked at it: one object, or one for each machine."""
    with archive.contents(member.name) as data:
        return [
            _look_at(
                OpenObject(
                    path=member.name,
                    data=data,
                    shared=shared,
                    strings=ConstantStrings(data, shared, wanted),
                    looked_for=wanted,
                    text=text,
                )
            )
            for shared in read_shared_objects(data)
        ]


def _look_at(opened: OpenObject) -> InspectedObject:
    seen: dict[str, JSONValue] = {}
    accounted: set[str] = set()
    for interface in all_interfaces():
        if (found := interface.read_object(opened)) is not None:
            seen[interface.name] = found
            if interface.accounts_for is not None:
                accounted |= interface.accounts_for(found)
    return InspectedObject(
        path=opened.path,
        kind=_kind(opened.shared),
        is_grafted=_GRAFTED_DIRECTORY.match(opened.path) is not None,
        shared=replace(opened.shared, constants=(), code=(), pointers=()),
        seen=seen,
        accounted=frozenset(accounted),
    )


def _kind(shared: SharedObject) -> str:
    if shared.is_executable:
        return "executable"
    if any(f"\n{each}" in shared.exported.text for each in linking.ENTRY_POINTS):
        return "extension-module"
    return "library"


def _object_record(archive: OpenWheel, each: InspectedObject) -> ObjectRecord:
    shared = each.shared
    return ObjectRecord(
        path=each.path,
        digest=archive.manifest.digest_of(each.path),
        size=archive.member(each.path).size,
        crc32=archive.crc32(each.path),
        format=shared.format,
        machine=shared.machine,
        kind=each.kind,
        is_grafted=each.is_grafted,
        soname=shared.soname,
        needed=shared.needed,
        run_path=shared.run_path,
        version_needs=shared.version_needs,
        exported=len(shared.exported),
        imported=len(shared.imported),
    )


def _provided(wheel: InspectedWheel, basis: Basis) -> Iterator[InterfaceFacts]:
    for interface in sorted(all_interfaces(), key=lambda each: each.name):
        if (facts := interface.provides(wheel)) is not None:
            yield InterfaceFacts(interface=interface.name, basis=basis, facts=facts)


def _required(wheel: InspectedWheel, basis: Basis) -> Iterator[InterfaceFacts]:
    for interface in sorted(all_interfaces(), key=lambda each: each.name):
        if (facts := interface.requires(wheel)) is not None:
            yield InterfaceFacts(
                interface=interface.name, basis=basis, facts=facts, provider=interface.provider
            )


def _wanted_text(archive: OpenWheel) -> dict[str, bytes]:
    wanted = tuple(name for interface in all_interfaces() for name in interface.wanted_text)
    return {
        member.name: archive.read(member.name)
        for member in archive.members
        if member.name.endswith(wanted)
    }


def interface_files(archive: OpenWheel) -> dict[str, str]:
    """Path and RECORD digest of each interface file that the wheel ships."""
    return {
        member.name: archive.manifest.digest_of(member.name) or ""
        for member in archive.members
        if not member.is_dir and is_interface_file(member.name)
    }


def record_files(
    archive: OpenWheel, *, looked_for: Collection[str], series: Iterable[Series] = ()
) -> dict[str, bytes]:
    """The `.dist-info` files, by bare name, that hold the fingerprint of an open wheel.

    `series` are what the project promises of its interfaces. The symbol tables are there only for
    a wheel that has symbols to offer.
    """
    return files_of(fingerprint_wheel(archive, looked_for=looked_for), series=series)


def files_of(read: Fingerprinted, *, series: Iterable[Series] = ()) -> dict[str, bytes]:
    """As `record_files`, of a wheel that was read already."""
    files = {FINGERPRINT: replace(read.fingerprint, series=series_facts(series)).to_json()}
    if any(each.symbols for each in read.symbols.objects):
        files[SYMBOLS] = read.symbols.to_json()
    return files


def recorded_fingerprint(archive: OpenWheel, *, opens_all: bool = True) -> AbiFingerprint | None:
    """The embedded fingerprint, if there is one, checked against RECORD and the binaries.

    Unless `opens_all`, members that are named like source or data are taken for that: where each
    costs a request, a binary that came into the wheel later under such a name goes unnoticed.

    Raises InvalidRecord where it cannot be used: damaged, of an unknown schema (UnknownSchema), or
    describing other binaries than the wheel has now (StaleRecord).
    """
    data = recorded_member(archive, FINGERPRINT)
    if data is None:
        return None
    fingerprint = AbiFingerprint.from_json(data)
    read_series(fingerprint.series)
    _check_fresh(archive, fingerprint, opens_all=opens_all)
    return fingerprint


def recorded_symbols(archive: OpenWheel) -> SymbolTables | None:
    """The embedded symbol tables, if there are any and they are of the binaries of now.

    Raises InvalidRecord, StaleRecord where they are not.
    """
    return _recorded_tables(archive, SYMBOLS, SymbolTables.from_json)


def recorded_types(archive: OpenWheel) -> TypeTables | None:
    """The embedded digests of types, if there are any and they describe the binaries of now.

    Raises InvalidRecord, StaleRecord where they do not.
    """
    return _recorded_tables(archive, TYPES, TypeTables.from_json)


def _recorded_tables(
    archive: OpenWheel, record: str, decode: Callable[[bytes], _Tables]
) -> _Tables | None:
    data = recorded_member(archive, record)
    if data is None:
        return None
    tables = decode(data)
    _check_bytes(archive, tables.objects)
    return tables


def _check_bytes(
    archive: OpenWheel, objects: Iterable[ObjectRecord | ExportingObject | TypedObject]
) -> None:
    for each in objects:
        if (each.digest, each.size, each.crc32) != _identity(archive, each.path):
            raise StaleRecord("$.objects", f"is stale: {each.path} was changed since")


def _identity(archive: OpenWheel, path: str) -> tuple[str | None, int, int] | None:
    """By what a record knows a binary; None where there is no such member."""
    if not archive.has(path):
        return None
    return archive.manifest.digest_of(path), archive.member(path).size, archive.crc32(path)


def recorded_build_inputs(archive: OpenWheel) -> BuildInputs | None:
    """The embedded build inputs, if there are any; raises InvalidRecord."""
    data = recorded_member(archive, BUILD_INPUTS)
    return None if data is None else BuildInputs.from_json(data)


def recorded_member(archive: OpenWheel, record: str) -> bytes | None:
    """The bytes of the embedded `record`, if it is there; raises InvalidRecord.

    RECORD must list them with their digest.
    """
    paths = [f"{archive.dist_info}/{name}" for name in accepted_names(record)]
    present = [path for path in paths if archive.has(path)]
    if not present:
        return None
    contents = {archive.read(path) for path in present}
    if len(contents) > 1:
        raise InvalidRecord("$", f"stands under both {' and '.join(present)}, which differ")
    data = contents.pop()
    for path in present:
        if not is_digest_of(archive.manifest.digest_of(path), data):
            raise InvalidRecord("$", f"RECORD does not list {path} with its digest")
    return data


def _check_fresh(archive: OpenWheel, fingerprint: AbiFingerprint, *, opens_all: bool) -> None:
    recorded = {each.path for each in fingerprint.objects}
    unread = {each.path for each in fingerprint.unread}
    trusted = () if opens_all else (recorded | unread, _NAMED_LIKE_DATA)
    actual = {member.name for member in _binaries(archive, *trusted)}
    if recorded | unread != actual:
        other = sorted((recorded | unread) ^ actual)
        raise StaleRecord("$.objects", f"is stale: {', '.join(other[:3])} came or went since")
    _check_bytes(archive, fingerprint.objects)
    if header.NAME not in fingerprint.interfaces:
        return
    shipped = fingerprint.provided(header.NAME)
    if (shipped.facts if shipped else None) != header.facts_of(interface_files(archive)):
        raise StaleRecord("$.provides", "is stale: interface files were changed since")


def recorded_problems(archive: OpenWheel) -> tuple[str, ...]:
    """What is wrong with the embedded records, a sentence each; empty also where there are none."""
    problems = []
    for record, read in (
        ("fingerprint", recorded_fingerprint),
        ("symbols", recorded_symbols),
        ("types", recorded_types),
        ("build inputs", recorded_build_inputs),
    ):
        try:
            read(archive)
        except InvalidRecord as error:
            problems.append(f"{record}: {error}")
    return tuple(problems)
