"""Build inputs as the `formulation` of a CycloneDX bill of materials (ECMA-424).

Version 1.6: 1.7 changes nothing of what is used here, and fewer programs read it. What has no place
in CycloneDX stands in properties named `wheel-abi:…`, and the files that were read stay out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

from backend_shim.record.build_inputs import (
    BUILD_TYPE,
    BuildInputs,
    BuildRequirement,
    ConfigValue,
    DigestSet,
    package_url,
)
from backend_shim.record.build_machine import Interpreter, Library, Tool, Toolchain, release_of
from backend_shim.record.canonical import JSONValue, canonical_json
from backend_shim.record.read_set import Capture, ReadFiles, Role

SPEC_VERSION: Final = "1.6"

_Table: TypeAlias = "dict[str, JSONValue]"

_WHEEL: Final = "wheel"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def bill_of_materials(inputs: BuildInputs) -> JSONValue:
    """The document. It has no time and no serial number: the same build gives the same bytes."""
    components = list(_components(inputs))
    return {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPEC_VERSION}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        "version": 1,
        "metadata": {
            "lifecycles": [{"phase": "build"}],
            "tools": {
                "components": [
                    _component("application", None, inputs.generator.name, inputs.generator.version)
                ]
            },
            "component": _component(
                "library",
                _WHEEL,
                inputs.name,
                inputs.version,
                purl=package_url(inputs.name, inputs.version),
            ),
        },
        "formulation": [
            {
                "components": [*components],
                "workflows": [_workflow(inputs, [each["bom-ref"] for each in components])],
            }
        ],
    }


def _workflow(inputs: BuildInputs, references: Iterable[JSONValue]) -> JSONValue:
    taken: list[JSONValue] = [{"resource": {"ref": each}} for each in references]
    taken.append({"parameters": [*_parameters(inputs)]})
    if inputs.environment:
        taken.append(
            {
                "environmentVars": [
                    {"name": name, "value": text} for name, text in inputs.environment
                ]
            }
        )
    workflow: _Table = {
        "bom-ref": "build",
        "uid": "build",
        "taskTypes": ["build"],
        "inputs": taken,
        "outputs": [{"type": "artifact", "resource": {"ref": _WHEEL}}],
        "properties": _properties(
            ("buildType", BUILD_TYPE), ("capture", _capture_text(inputs.capture))
        ),
    }
    if inputs.commands:
        workflow["steps"] = [{"commands": [{"executed": each} for each in inputs.commands]}]
    return workflow


def _parameters(inputs: BuildInputs) -> Iterator[JSONValue]:
    yield _parameter("backend", inputs.backend.name)
    if inputs.build_tag is not None:
        yield _parameter("build_tag", inputs.build_tag)
    for key, value in inputs.config_settings:
        yield _parameter(f"config_settings.{key}", value)


def _parameter(name: str, value: ConfigValue) -> JSONValue:
    """Values are text in CycloneDX; a list is its JSON."""
    if isinstance(value, str):
        return {"name": name, "value": value, "dataType": "string"}
    text = canonical_json(list(value)).decode("utf-8").rstrip("\n")
    return {"name": name, "value": text, "dataType": "json"}


def _components(inputs: BuildInputs) -> Iterator[_Table]:
    """What went in; the `bom-ref` of each is its place in the record."""
    source = inputs.source
    yield _component(
        "file",
        "source",
        "source",
        properties=_properties(
            ("listing:sha256", source.sha256),
            ("listing:by", source.listed_by),
            ("listing:files", str(source.files)),
        ),
    )
    for index, patch in enumerate(inputs.patches):
        digests = (("sha256", patch.sha256),)
        yield _component("file", f"patches[{index}]", patch.name, digests=digests)
    yield _interpreter(inputs.interpreter)
    if inputs.toolchain is not None:
        yield from _toolchain(inputs.toolchain)
    for index, requirement in enumerate(inputs.requirements):
        yield _requirement(f"resolvedDependencies[{index}]", requirement)
    yield from _system(inputs)


def _interpreter(interpreter: Interpreter) -> _Table:
    numbers = interpreter.implementation_version
    version = release_of(numbers) or f"{numbers.major}.{numbers.minor}.{numbers.micro}"
    return _component(
        "platform",
        "interpreter",
        interpreter.implementation,
        version,
        properties=_properties(
            ("platform", interpreter.platform),
            ("abi-flags", "".join(interpreter.abi_flags) or None),
            ("soabi", interpreter.soabi),
        ),
    )


def _toolchain(toolchain: Toolchain) -> Iterator[_Table]:
    tools: dict[str, Tool | None] = {
        "c_compiler": toolchain.c_compiler,
        "cxx_compiler": toolchain.cxx_compiler,
        "linker": toolchain.linker,
    }
    for key, tool in tools.items():
        if tool is not None:  # what it says of itself is one line; no version is cut out of that
            properties = _properties(("target", tool.target))
            yield _component("application", f"toolchain.{key}", tool.version, properties=properties)
    libraries: dict[str, Library | None] = {
        "libc": toolchain.libc,
        "cxx_library": toolchain.cxx_library,
    }
    for key, library in libraries.items():
        if library is not None:
            yield _component(
                "library",
                f"toolchain.{key}",
                library.name,
                library.version,
                properties=_properties(("abi", library.abi)),
            )


def _requirement(place: str, requirement: BuildRequirement) -> _Table:
    return _component(
        "library",
        place,
        requirement.name,
        requirement.version,
        purl=package_url(requirement.name, requirement.version),
        digests=requirement.digests,
        properties=_properties(
            ("editable", "true" if requirement.is_editable else None),
            ("read", ",".join(_roles(requirement.read)) or None),
        ),
    )


def _system(inputs: BuildInputs) -> Iterator[_Table]:
    """Without purls: these need the distribution's name, which the record does not know."""
    for index, package in enumerate(inputs.system_packages):
        yield _component(
            "library",
            f"system.packages[{index}]",
            package.name,
            package.version,
            properties=_properties(
                ("manager", package.manager), ("read-files:sha256", package.sha256)
            ),
        )
    for index, library in enumerate(inputs.system_libraries):
        yield _component(
            "library",
            f"system.libraries[{index}]",
            library.soname,
            properties=_properties(
                ("package", library.package), ("versions", ",".join(library.versions) or None)
            ),
        )


def _component(
    kind: str,
    place: str | None,
    name: str,
    version: str | None = None,
    *,
    purl: str | None = None,
    digests: DigestSet = (),
    properties: Iterable[JSONValue] = (),
) -> _Table:
    hashes = [value for name, value in digests if _is_of_bytes(name, value)]
    others = [(f"digest:{name}", value) for name, value in digests if not _is_of_bytes(name, value)]
    table: _Table = {"type": kind, "bom-ref": place, "name": name, "version": version, "purl": purl}
    table = {key: value for key, value in table.items() if value is not None}
    if hashes:
        table["hashes"] = [{"alg": "SHA-256", "content": value} for value in hashes]
    if told := [*_properties(*others), *properties]:
        table["properties"] = told
    return table


def _is_of_bytes(algorithm: str, value: str) -> bool:
    """Whether a digest is one of an archive or a file, which `hashes` are of, and not of a list."""
    return algorithm == "sha256" and _SHA256.fullmatch(value) is not None


def _properties(*pairs: tuple[str, str | None]) -> list[JSONValue]:
    return [
        {"name": f"wheel-abi:{name}", "value": value} for name, value in pairs if value is not None
    ]


def _roles(read: ReadFiles) -> list[str]:
    found = {role for role, _, _ in read.digests} | ({Role.BUILD_TOOL} if read.tools else set())
    return [role.value for role in Role if role in found]


def _capture_text(capture: Capture) -> str:
    if capture.is_complete:
        return "complete"
    return ",".join(["incomplete", *capture.why_incomplete])
