"""What went into a build: the nouns, and their JSON in the vocabulary of SLSA v1 `buildDefinition`.

Completeness is best effort, as SLSA has it. No time, absolute path or host name belongs in here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import quote, unquote

from backend_shim.errors import InvalidRecord
from backend_shim.record.build_machine import (
    Interpreter,
    Toolchain,
    interpreter_json,
    read_interpreter,
    read_toolchain,
    toolchain_json,
)
from backend_shim.record.canonical import JSONValue, canonical_json
from backend_shim.record.decoding import (
    JSONObject,
    as_object,
    as_str,
    check_schema_version,
    decode_json,
    get_bool,
    get_count,
    get_object,
    get_object_or_null,
    get_objects,
    get_str,
    get_str_list,
    get_str_or_null,
    get_word,
    path_to,
)
from backend_shim.record.fingerprint import Generator, read_generator
from backend_shim.record.names import SCHEMA_VERSION
from backend_shim.record.read_set import (
    Capture,
    ReadFiles,
    SystemLibrary,
    SystemPackage,
    capture_json,
    read_capture,
    read_files_json,
    read_read_files,
    read_system,
    system_json,
)

BUILD_TYPE: Final = "urn:wheel-abi:build:0.1"
"""What the parameters mean (SLSA v1 `buildType`)."""

DigestSet: TypeAlias = "tuple[tuple[str, str], ...]"
"""in-toto DigestSet: (algorithm, lower-case hex) pairs, sorted."""

ConfigValue: TypeAlias = "str | tuple[str, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A patch that was handed to the build by name."""

    name: str
    """Path in the source tree, or the bare file name where it lies outside."""
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTree:
    """The source tree as it was before the backend ran."""

    sha256: str
    """Of its listing, a line for each file (`capture.source_tree`)."""
    listed_by: str
    """`git` (what the checkout holds, new files included) or `walk`."""
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """The wrapped backend."""

    name: str
    """As `[tool.wheel-abi] build-backend` spells it."""
    distribution: str | None
    """Normalized name of the distribution that it came from; None for an in-tree backend."""
    version: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequirement:
    """A distribution that was installed where the build ran."""

    name: str
    """Normalized."""
    version: str
    digests: DigestSet
    """`record`: sha256 of the lines of RECORD that every installer writes alike, sorted; `sha256`:
    of the archive, where the installer noted it; `gitCommit`: of a direct reference to a commit."""
    is_editable: bool = False
    """Its files lie elsewhere and no digest covers them."""
    read: ReadFiles = field(default_factory=ReadFiles)
    """Those of its files that the build opened, as far as `BuildInputs.capture` saw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildInputs:
    """Everything that is recorded of what went into one wheel."""

    generator: Generator
    name: str
    """Normalized name of the distribution that was built."""
    version: str
    build_tag: str | None
    config_settings: tuple[tuple[str, ConfigValue], ...]
    """As the front end gave them, redacted, without our own; sorted."""
    patches: tuple[Patch, ...]
    """In the order of their application."""
    source: SourceTree
    backend: Backend
    interpreter: Interpreter
    toolchain: Toolchain | None
    """None where the wheel holds no binary."""
    environment: tuple[tuple[str, str], ...]
    """Variables of the closed list that were set, redacted; sorted."""
    requirements: tuple[BuildRequirement, ...]
    """Sorted by name."""
    capture: Capture = field(default_factory=Capture)
    """How it was observed what the build read."""
    system_packages: tuple[SystemPackage, ...] = ()
    """Sorted: those that files which were read belong to."""
    system_libraries: tuple[SystemLibrary, ...] = ()
    """Sorted by soname."""
    commands: tuple[str, ...] = ()
    """The compile commands, redacted, in order; empty unless they were asked for."""

    def to_json(self) -> bytes:
        """Canonical JSON of the document (spec/schemas/build_inputs-0.1.schema.json)."""
        return canonical_json(
            {
                "schema_version": SCHEMA_VERSION,
                "generator": {"name": self.generator.name, "version": self.generator.version},
                "build_definition": {
                    "buildType": BUILD_TYPE,
                    "externalParameters": _external_parameters(self),
                    "internalParameters": _internal_parameters(self),
                    "resolvedDependencies": [_descriptor(each) for each in self.requirements],
                },
            }
        )

    @classmethod
    def from_json(cls, data: bytes) -> BuildInputs:
        """The build inputs in `data`; keys that are not known are passed over.

        Raises InvalidRecord with the JSON path of the fault; UnknownSchema for a version that is
        not understood, which is to be treated as an absent record.
        """
        table = as_object(decode_json(data), "$")
        check_schema_version(table)
        definition, path = get_object(table, "build_definition", "$"), "$.build_definition"
        if get_str(definition, "buildType", path) != BUILD_TYPE:
            raise InvalidRecord(f"{path}.buildType", f"must be {BUILD_TYPE!r}")
        outer, of_outer = _table(definition, "externalParameters", path)
        inner, of_inner = _table(definition, "internalParameters", path)
        toolchain = get_object_or_null(inner, "toolchain", of_inner)
        packages, libraries = read_system(*_table(inner, "system", of_inner))
        return cls(
            generator=read_generator(table),
            name=get_str(outer, "name", of_outer),
            version=get_str(outer, "version", of_outer),
            build_tag=get_str_or_null(outer, "build_tag", of_outer),
            config_settings=_config_settings(outer, of_outer),
            patches=tuple(_patch(*each) for each in get_objects(outer, "patches", of_outer)),
            source=_source(*_table(outer, "source", of_outer)),
            backend=_backend(*_table(inner, "backend", of_inner)),
            interpreter=read_interpreter(*_table(inner, "interpreter", of_inner)),
            toolchain=(
                None if toolchain is None else read_toolchain(toolchain, f"{of_inner}.toolchain")
            ),
            environment=_strings(inner, "environment", of_inner),
            requirements=_requirements(definition, path),
            capture=read_capture(*_table(inner, "capture", of_inner)),
            system_packages=packages,
            system_libraries=libraries,
            commands=get_str_list(inner, "commands", of_inner),
        )


def package_url(name: str, version: str) -> str:
    """The purl (ECMA-427, type pypi) of a distribution."""
    return f"pkg:pypi/{quote(name, safe='')}@{quote(version, safe='')}"


def _external_parameters(inputs: BuildInputs) -> JSONValue:
    source = inputs.source
    return {
        "name": inputs.name,
        "version": inputs.version,
        "build_tag": inputs.build_tag,
        "config_settings": {
            key: value if isinstance(value, str) else list(value)
            for key, value in inputs.config_settings
        },
        "patches": [
            {"name": patch.name, "digest": {"sha256": patch.sha256}} for patch in inputs.patches
        ],
        "source": {
            "digest": {"sha256": source.sha256},
            "listed_by": source.listed_by,
            "files": source.files,
        },
    }


def _internal_parameters(inputs: BuildInputs) -> JSONValue:
    backend, toolchain = inputs.backend, inputs.toolchain
    return {
        "backend": {
            "name": backend.name,
            "distribution": backend.distribution,
            "version": backend.version,
        },
        "interpreter": interpreter_json(inputs.interpreter),
        "toolchain": None if toolchain is None else toolchain_json(toolchain),
        "environment": dict(inputs.environment),
        "capture": capture_json(inputs.capture),
        "system": system_json(inputs.system_packages, inputs.system_libraries),
        "commands": list(inputs.commands),
    }


def _descriptor(requirement: BuildRequirement) -> JSONValue:
    """The in-toto ResourceDescriptor of `requirement`."""
    descriptor: dict[str, JSONValue] = {
        "name": requirement.name,
        "uri": package_url(requirement.name, requirement.version),
        "digest": dict(requirement.digests),
    }
    annotations: dict[str, JSONValue] = {}
    if requirement.is_editable:
        annotations["editable"] = True
    if requirement.read:
        annotations["read"] = read_files_json(requirement.read)
    if annotations:
        descriptor["annotations"] = annotations
    return descriptor


def _table(table: JSONObject, key: str, path: str) -> tuple[dict[str, JSONValue], str]:
    return get_object(table, key, path), path_to(path, key)


def _strings(table: JSONObject, key: str, path: str) -> tuple[tuple[str, str], ...]:
    strings, where = _table(table, key, path)
    return tuple(
        (name, as_str(value, path_to(where, name))) for name, value in sorted(strings.items())
    )


def _sha256(table: JSONObject, path: str) -> str:
    return get_str(get_object(table, "digest", path), "sha256", path_to(path, "digest"))


def _config_settings(table: JSONObject, path: str) -> tuple[tuple[str, ConfigValue], ...]:
    settings, where = _table(table, "config_settings", path)
    return tuple(
        (key, get_str_list(settings, key, where))
        if isinstance(value, list)
        else (key, as_str(value, path_to(where, key)))
        for key, value in sorted(settings.items())
    )


def _patch(table: JSONObject, path: str) -> Patch:
    return Patch(name=get_str(table, "name", path), sha256=_sha256(table, path))


def _source(table: JSONObject, path: str) -> SourceTree:
    return SourceTree(
        sha256=_sha256(table, path),
        listed_by=get_word(table, "listed_by", path, ("git", "walk")),
        files=get_count(table, "files", path),
    )


def _backend(table: JSONObject, path: str) -> Backend:
    return Backend(
        name=get_str(table, "name", path),
        distribution=get_str_or_null(table, "distribution", path),
        version=get_str_or_null(table, "version", path),
    )


def _requirements(table: JSONObject, path: str) -> tuple[BuildRequirement, ...]:
    entries = get_objects(table, "resolvedDependencies", path)
    found = tuple(_requirement(*each) for each in entries)
    if len({each.name for each in found}) != len(found):
        raise InvalidRecord(path_to(path, "resolvedDependencies"), "names a distribution twice")
    return found


def _requirement(table: JSONObject, path: str) -> BuildRequirement:
    name, version = _name_and_version(get_str(table, "uri", path), f"{path}.uri")
    if name != get_str(table, "name", path):
        raise InvalidRecord(f"{path}.uri", "does not name the distribution that `name` does")
    annotations = get_object(table, "annotations", path, optional=True) or {}
    where = f"{path}.annotations"
    editable = get_bool(annotations, "editable", where, optional=True)
    read = get_object(annotations, "read", where, optional=True)
    return BuildRequirement(
        name=name,
        version=version,
        digests=_strings(table, "digest", path),
        is_editable=bool(editable),
        read=ReadFiles() if read is None else read_read_files(read, f"{where}.read"),
    )


def _name_and_version(uri: str, path: str) -> tuple[str, str]:
    scheme, found, rest = uri.partition("pkg:pypi/")
    name, _, version = rest.partition("?")[0].partition("@")
    if scheme or not (found and name and version):
        raise InvalidRecord(path, "must be a purl pkg:pypi/NAME@VERSION")
    return unquote(name), unquote(version)
